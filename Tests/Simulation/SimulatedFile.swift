import Glibc
import TideCore

final class SimulatedFile: File {
    let path: FilePath
    let inode: Int
    private let system: SimulatedFileSystem

    init(path: FilePath, inode: Int, system: SimulatedFileSystem) {
        self.path = path
        self.inode = inode
        self.system = system
    }

    func size() throws(TidemillError) -> Int64 {
        Int64(system.state.withLock { $0.disk.inodes[inode]?.content.count } ?? 0)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(TidemillError) -> Int {
        // The lock is held while bytes are copied into the caller's memory; the pointer does not outlive the call.
        nonisolated(unsafe) let target = buffer
        return system.state.withLock { state in
            guard let content = state.disk.inodes[inode]?.content, offset < content.count else { return 0 }
            let count = min(target.count, content.count - Int(offset))
            content.withUnsafeBytes { source in
                UnsafeMutableRawBufferPointer(rebasing: target[..<count]).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: source[Int(offset)..<(Int(offset) + count)]))
            }
            return count
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(TidemillError) {
        nonisolated(unsafe) let source = bytes
        try call("write", " \(bytes.count) at \(offset)") { (state) throws(TidemillError) in
            let room = min(source.count, state.freeBytes)
            if state.freeBytes != Int.max { state.freeBytes -= room }
            if room > 0 {
                state.disk.write(self.inode, UnsafeRawBufferPointer(rebasing: source[..<room]), at: Int(offset))
            }
            if room < source.count { throw SimulatedFileSystem.failure("write", self.path, ENOSPC) }
        }
    }

    func sync() throws(TidemillError) {
        do throws(TidemillError) {
            try call("sync", "") { (state) throws(TidemillError) in state.disk.sync(self.inode) }
        } catch {
            system.state.withLock { if $0.calls < $0.powerLimit { $0.disk.drop(inode) } }
            throw error
        }
    }

    func truncate(to size: Int64) throws(TidemillError) {
        try call("truncate", " to \(size)") { (state) throws(TidemillError) in
            state.disk.truncate(self.inode, to: Int(size))
        }
    }

    func close() {}

    private func call(
        _ name: String, _ detail: String, _ body: (inout SimulatedFileSystem.State) throws(TidemillError) -> Void
    ) throws(TidemillError) {
        var failure: TidemillError?
        system.state.withLock { state in
            do throws(TidemillError) {
                try SimulatedFileSystem.enter(&state, name, path, detail)
                try body(&state)
            } catch { failure = error }
        }
        if let failure { throw failure }
    }
}
