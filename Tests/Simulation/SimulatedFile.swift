import Glibc
import TideCore

final class SimulatedFile: File {
    let path: FilePath
    let inode: Int
    private let system: SimulatedFileSystem
    /// What a descriptor is elsewhere.
    private let number: Int

    init(path: FilePath, inode: Int, system: SimulatedFileSystem) {
        self.path = path
        self.inode = inode
        self.system = system
        number = system.state.withLock { state in
            state.nextOpen += 1
            state.open[state.nextOpen] = path.string
            return state.nextOpen
        }
    }
    deinit { close() }

    func size() throws(TidemillError) -> Int64 {
        Int64(system.state.withLock { $0.disk.inodes[inode]?.content.count } ?? 0)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(TidemillError) -> Int {
        // The lock is held while bytes are copied into the caller's memory; the pointer does not outlive the call.
        nonisolated(unsafe) let target = buffer
        let count: Int? = system.state.withLock { state in
            guard let content = state.disk.inodes[inode]?.content, offset < content.count else { return 0 }
            let count = min(target.count, content.count - Int(offset))
            let bytes = UnsafeMutableRawBufferPointer(rebasing: target[..<count])
            content.withUnsafeBytes { source in
                bytes.copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: source[Int(offset)..<(Int(offset) + count)]))
            }
            guard state.readFault != nil else { return count }
            guard state.readFault?.strikes(path) == true else { return count }
            if state.readFault?.fault.kind == .error { return nil }
            return state.readFault?.damage(bytes, at: Int(offset), of: content)
        }
        guard let count else { throw SimulatedFileSystem.failure("read", path, EIO) }
        return count
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(TidemillError) {
        nonisolated(unsafe) let source = bytes
        try system.perform("write", path, " \(bytes.count) at \(offset)") { (state, isPartial) throws(TidemillError) in
            let end = Int(offset) + source.count
            let growth = max(0, end - (state.disk.inodes[self.inode]?.content.count ?? 0))
            let lacking = max(0, growth - state.freeBytes)
            let count = isPartial ? source.count / 2 : max(0, source.count - lacking)
            if count > 0 {
                state.disk.write(self.inode, UnsafeRawBufferPointer(rebasing: source[..<count]), at: Int(offset))
            }
            if lacking > 0 { throw SimulatedFileSystem.failure("write", self.path, ENOSPC) }
        }
    }

    func sync() throws(TidemillError) {
        do throws(TidemillError) {
            try system.perform("sync", path) { (state, _) throws(TidemillError) in
                if !SimulatedFileSystem.forgets(&state, "sync", self.path) { state.disk.sync(self.inode) }
            }
        } catch {
            system.state.withLock { state in
                guard !state.isOff else { return }
                let evicting = Bool.random(using: &state.generator)
                state.disk.drop(inode, evicting: evicting)
            }
            throw error
        }
    }

    func truncate(to size: Int64) throws(TidemillError) {
        try system.perform("truncate", path, " to \(size)") { (state, _) throws(TidemillError) in
            state.disk.truncate(self.inode, to: Int(size))
        }
    }

    func close() { system.state.withLock { $0.open[number] = nil } }
}
