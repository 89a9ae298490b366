import Glibc
import Synchronization
import TideCore

/// When and how a call fails.
public struct SimulatedFault: Sendable {
    /// The first word of the call in the trace: open, create, write, sync, truncate, rename, link, remove, mkdir, …
    public var call: String
    /// Only calls whose path ends so; "" for any.
    public var pathSuffix: String
    /// Which matching call fails, counted from 0; it and no other.
    public var index: Int
    public var errno: Int32
    public init(call: String, pathSuffix: String = "", index: Int = 0, errno: Int32 = EIO) {
        self.call = call
        self.pathSuffix = pathSuffix
        self.index = index
        self.errno = errno
    }
}

/// A disk in memory that can lose power. See `SimulatedDisk` for what a power cut may do.
///
/// `trace` has one line per call that changes something or makes it durable, for I/O goldens.
public final class SimulatedFileSystem: FileSystem {
    struct State {
        var disk = SimulatedDisk()
        var locked: Set<Int> = []
        var faults: [(fault: SimulatedFault, seen: Int)] = []
        var trace: [String] = []
        /// Calls that change something, so far.
        var calls = 0
        /// The call with this number and all later ones fail and do nothing: the power is out.
        var powerLimit = Int.max
        /// Bytes that may still be written before ENOSPC.
        var freeBytes = Int.max
    }
    let state: Mutex<State>

    public init() { state = Mutex(State()) }
    private init(disk: SimulatedDisk) { state = Mutex(State(disk: disk)) }

    /// A new machine with what this one's disk kept over a power cut. This one stays as it is.
    public func crashed(seed: UInt64) -> SimulatedFileSystem {
        SimulatedFileSystem(disk: state.withLock { $0.disk.crashed(seed: seed) })
    }
    /// A new machine with everything on the disk, as after a clean shutdown.
    public func copied() -> SimulatedFileSystem {
        SimulatedFileSystem(
            disk: state.withLock {
                var disk = $0.disk
                for number in disk.inodes.keys { disk.sync(number) }
                for number in disk.inodes.keys { disk.syncDirectory(number) }
                return disk
            })
    }

    public var trace: [String] { state.withLock { $0.trace } }
    public func clearTrace() { state.withLock { $0.trace = [] } }
    public var calls: Int { state.withLock { $0.calls } }
    /// Lets `calls` more calls happen, then cuts the power.
    public func cutPower(afterCalls calls: Int) { state.withLock { $0.powerLimit = $0.calls + calls } }
    public func inject(_ fault: SimulatedFault) { state.withLock { $0.faults.append((fault, 0)) } }
    /// ENOSPC after so many more bytes; a write that crosses the limit is done in part.
    public func limitSpace(bytes: Int) { state.withLock { $0.freeBytes = bytes } }

    /// Counts and traces a call; throws if it is to fail.
    static func enter(_ state: inout State, _ call: String, _ path: FilePath, _ detail: String = "")
        throws(TidemillError)
    {
        if state.calls >= state.powerLimit { throw failure(call, path, EIO) }
        state.calls += 1
        state.trace.append("\(call) \(path.string)\(detail)")
        for index in state.faults.indices {
            let fault = state.faults[index].fault
            guard fault.call == call, path.string.hasSuffix(fault.pathSuffix) else { continue }
            state.faults[index].seen += 1
            if state.faults[index].seen - 1 == fault.index {
                state.trace[state.trace.count - 1] += " -> errno \(fault.errno)"
                throw failure(call, path, fault.errno)
            }
        }
    }

    static func failure(_ call: String, _ path: FilePath, _ number: Int32) -> TidemillError {
        TidemillError(
            .io, "TIDEMILL_IO", "\(call) failed: errno \(number)", place: .file(path.string), errno: number)
    }

    /// The directory that holds `path`, and its name there.
    private static func parent(_ state: State, _ call: String, _ path: FilePath) throws(TidemillError)
        -> (directory: Int, name: String)
    {
        guard let name = path.lastComponent?.string, let directory = state.disk.lookUp(path.removingLastComponent()),
            state.disk.inodes[directory]?.isDirectory == true
        else { throw failure(call, path, ENOENT) }
        return (directory, name)
    }

    private func mutate<T>(_ body: (inout State) throws(TidemillError) -> T) throws(TidemillError) -> T {
        // Mutex.withLock infers `any Error` for typed throws of generic results, so the result travels beside it.
        var result: Result<T, TidemillError>?
        state.withLock { state in
            do throws(TidemillError) { result = .success(try body(&state)) } catch { result = .failure(error) }
        }
        guard let result else { throw .internal("the simulated disk did not run a call") }
        return try result.get()
    }

    // MARK: FileSystem

    public func open(_ path: FilePath, _ mode: OpenMode) throws(TidemillError) -> any File {
        let inode = try mutate { (state) throws(TidemillError) -> Int in
            if let inode = state.disk.lookUp(path) {
                if mode == .createNew { throw Self.failure("open", path, EEXIST) }
                return inode
            }
            guard mode != .read else { throw Self.failure("open", path, ENOENT) }
            let (directory, name) = try Self.parent(state, "open", path)
            try Self.enter(&state, "create", path)
            let inode = state.disk.add(directory: false)
            state.disk.apply([.init(directory: directory, name: name, inode: inode)])
            return inode
        }
        return SimulatedFile(path: path, inode: inode, system: self)
    }

    public func status(of path: FilePath) throws(TidemillError) -> FileStatus? {
        state.withLock { state in
            guard let inode = state.disk.lookUp(path), let node = state.disk.inodes[inode] else { return nil }
            return FileStatus(
                kind: node.isDirectory ? .directory : .file, size: Int64(node.content.count),
                modified: node.modified, inode: UInt64(inode))
        }
    }

    public func entries(of directory: FilePath) throws(TidemillError) -> [DirectoryEntry] {
        try mutate { (state) throws(TidemillError) in
            guard let inode = state.disk.lookUp(directory), let node = state.disk.inodes[inode], node.isDirectory
            else { throw Self.failure("opendir", directory, ENOENT) }
            return node.entries.keys.sorted().map { name in
                let child = node.entries[name].flatMap { state.disk.inodes[$0] }
                return DirectoryEntry(name: name, kind: child?.isDirectory == true ? .directory : .file)
            }
        }
    }

    public func createDirectory(_ path: FilePath) throws(TidemillError) {
        try mutate { (state) throws(TidemillError) in
            if state.disk.lookUp(path) != nil { return }
            let (directory, name) = try Self.parent(state, "mkdir", path)
            try Self.enter(&state, "mkdir", path)
            let inode = state.disk.add(directory: true)
            state.disk.apply([.init(directory: directory, name: name, inode: inode)])
        }
    }

    public func rename(_ from: FilePath, to: FilePath) throws(TidemillError) {
        try mutate { (state) throws(TidemillError) in
            guard let inode = state.disk.lookUp(from) else { throw Self.failure("rename", from, ENOENT) }
            let old = try Self.parent(state, "rename", from)
            let new = try Self.parent(state, "rename", to)
            try Self.enter(&state, "rename", from, " -> \(to.lastComponent?.string ?? "")")
            state.disk.apply([
                .init(directory: old.directory, name: old.name, inode: nil),
                .init(directory: new.directory, name: new.name, inode: inode),
            ])
        }
    }

    public func exchange(_ a: FilePath, _ b: FilePath) throws(TidemillError) {
        try mutate { (state) throws(TidemillError) in
            guard let first = state.disk.lookUp(a), let second = state.disk.lookUp(b) else {
                throw Self.failure("exchange", a, ENOENT)
            }
            let one = try Self.parent(state, "exchange", a)
            let two = try Self.parent(state, "exchange", b)
            try Self.enter(&state, "exchange", a, " <-> \(b.lastComponent?.string ?? "")")
            state.disk.apply([
                .init(directory: one.directory, name: one.name, inode: second),
                .init(directory: two.directory, name: two.name, inode: first),
            ])
        }
    }

    public func link(_ existing: FilePath, to new: FilePath) throws(TidemillError) {
        try mutate { (state) throws(TidemillError) in
            guard let inode = state.disk.lookUp(existing) else { throw Self.failure("link", existing, ENOENT) }
            if state.disk.lookUp(new) != nil { throw Self.failure("link", new, EEXIST) }
            let (directory, name) = try Self.parent(state, "link", new)
            try Self.enter(&state, "link", existing, " -> \(new.string)")
            state.disk.apply([.init(directory: directory, name: name, inode: inode)])
        }
    }

    public func remove(_ path: FilePath) throws(TidemillError) { try unlink("remove", path) }

    public func removeDirectory(_ path: FilePath) throws(TidemillError) {
        guard try entries(of: path).isEmpty else { throw Self.failure("rmdir", path, ENOTEMPTY) }
        try unlink("rmdir", path)
    }

    private func unlink(_ call: String, _ path: FilePath) throws(TidemillError) {
        try mutate { (state) throws(TidemillError) in
            guard state.disk.lookUp(path) != nil else { throw Self.failure(call, path, ENOENT) }
            let (directory, name) = try Self.parent(state, call, path)
            try Self.enter(&state, call, path)
            state.disk.apply([.init(directory: directory, name: name, inode: nil)])
        }
    }

    public func syncDirectory(_ path: FilePath) throws(TidemillError) {
        try mutate { (state) throws(TidemillError) in
            guard let inode = state.disk.lookUp(path) else { throw Self.failure("syncdir", path, ENOENT) }
            try Self.enter(&state, "syncdir", path)
            state.disk.syncDirectory(inode)
        }
    }

    public func lock(_ path: FilePath) throws(TidemillError) -> (any FileLock)? {
        let file = try open(path, .readWrite)
        guard let inode = (file as? SimulatedFile)?.inode else { return nil }
        return state.withLock { $0.locked.insert(inode).inserted } ? SimulatedLock(inode: inode, system: self) : nil
    }
}

final class SimulatedLock: FileLock {
    private let inode: Int
    private let system: SimulatedFileSystem
    init(inode: Int, system: SimulatedFileSystem) {
        self.inode = inode
        self.system = system
    }
    func release() { system.state.withLock { _ = $0.locked.remove(inode) } }
    deinit { release() }
}
