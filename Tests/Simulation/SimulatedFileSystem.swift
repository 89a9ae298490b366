import Glibc
import Synchronization
import TideCore

/// A disk in memory that can lose power, fill up, fail and lie. See `SimulatedDisk` for what a power cut may do.
///
/// `trace` has one line per call that changes something or makes it durable, for I/O goldens; `digest` says whether two
/// lives made the same calls.
public final class SimulatedFileSystem: FileSystem {
    struct State {
        var disk = SimulatedDisk()
        var locked: Set<Int> = []
        /// Open files by their number.
        var open: [Int: String] = [:]
        var nextOpen = 0
        var faults: [(fault: SimulatedFault, seen: Int)] = []
        var readFault: ReadFaultProgress?
        var isTracing = true
        var trace: [String] = []
        var digest: UInt64 = 0xCBF2_9CE4_8422_2325
        /// Calls that change something, so far.
        var calls = 0
        /// The call with this number and all later ones fail: the power is out, or the process is dead.
        var powerLimit = Int.max
        /// The call in hand when that happens does its work.
        var finishesLast = false
        /// Bytes that files may have.
        var capacity = Int.max
        /// The call from which on there is room again.
        var roomAgainAt = Int.max
        /// Syncs that do nothing and say that they did, by call and path: as if the caller had forgotten them.
        var forgetting: (@Sendable (String, String) -> Bool)?
        var forgotten = 0
        /// Calls take time on this clock.
        var clock: SimulatedClock?
        /// Draws what the disk decides: how long a call takes, what a failed sync leaves in the cache.
        var generator = SeededGenerator(seed: 0)

        var freeBytes: Int { calls >= roomAgainAt ? .max : max(0, capacity - disk.usedBytes) }
        var isOff: Bool { calls > powerLimit }
    }
    let state: Mutex<State>

    public init() { state = Mutex(State()) }
    private init(disk: SimulatedDisk) { state = Mutex(State(disk: disk)) }

    // MARK: Lives

    /// A new machine with what this one's disk kept over a power cut. This one stays as it is.
    public func crashed(seed: UInt64) -> SimulatedFileSystem {
        SimulatedFileSystem(disk: state.withLock { $0.disk.crashed(seed: seed) })
    }
    /// The same machine after its process was killed: nothing is lost, nothing more is durable, locks are free.
    public func killed() -> SimulatedFileSystem { SimulatedFileSystem(disk: state.withLock { $0.disk }) }
    /// A new machine with everything on the disk, as after a clean shutdown.
    public func copied() -> SimulatedFileSystem {
        SimulatedFileSystem(
            disk: state.withLock {
                var disk = $0.disk
                disk.syncAll()
                return disk
            })
    }

    // MARK: Fault injection

    /// Lets `calls` more calls happen, then cuts the power.
    /// - Parameter finishing: the first call that fails has done its work; nobody can tell.
    public func cutPower(afterCalls calls: Int, finishing: Bool = false) {
        state.withLock {
            $0.powerLimit = $0.calls + calls
            $0.finishesLast = finishing
        }
    }
    public func inject(_ fault: SimulatedFault) { state.withLock { $0.faults.append((fault, 0)) } }
    public func inject(_ fault: SimulatedReadFault?) { state.withLock { $0.readFault = fault.map { .init($0) } } }
    /// ENOSPC after so many more bytes; a write that crosses the limit is done in part. Removed files give room, and so
    /// does somebody else after so many calls.
    public func limitSpace(bytes: Int, forCalls calls: Int = .max) {
        state.withLock {
            $0.capacity = bytes == .max ? .max : $0.disk.usedBytes + bytes
            $0.roomAgainAt = calls == .max ? .max : $0.calls + calls
        }
    }
    /// Which calls of `sync` and `syncdir` are forgotten, by call and path.
    public func forgetSyncs(_ matching: (@Sendable (_ call: String, _ path: String) -> Bool)?) {
        state.withLock { $0.forgetting = matching }
    }
    /// Calls take time from here on: mostly little, sometimes seconds.
    public func slow(_ clock: SimulatedClock, seed: UInt64) {
        state.withLock {
            $0.clock = clock
            $0.generator = SeededGenerator(seed: seed)
        }
    }
    /// Somebody else's file appears whole and durable, in a directory that exists: no call of the program under test,
    /// so no fault hits it. False if the power is out.
    @discardableResult
    public func place(_ path: FilePath, _ bytes: [UInt8], modifiedNanos: Int64) -> Bool {
        state.withLock { state in
            guard !state.isOff, let name = path.lastComponent?.string,
                let directory = state.disk.lookUp(path.removingLastComponent())
            else { return false }
            state.disk.place(name, in: directory, bytes, modified: modifiedNanos)
            return true
        }
    }

    /// Somebody else's file vanishes. False if the power is out.
    @discardableResult
    public func withdraw(_ path: FilePath) -> Bool {
        state.withLock { state in
            guard !state.isOff, let name = path.lastComponent?.string,
                let directory = state.disk.lookUp(path.removingLastComponent())
            else { return false }
            state.disk.withdraw(name, from: directory)
            return true
        }
    }

    // MARK: What was done

    public var trace: [String] { state.withLock { $0.trace } }
    public func clearTrace() { state.withLock { $0.trace = [] } }
    public func stopTracing() { state.withLock { $0.isTracing = false } }
    /// A hash of all calls of this life in their order.
    public var digest: UInt64 { state.withLock { $0.digest } }
    public var calls: Int { state.withLock { $0.calls } }
    /// How many syncs were forgotten.
    public var forgottenSyncs: Int { state.withLock { $0.forgotten } }
    /// Whether the read fault has struck.
    public var readFaultStruck: Bool { state.withLock { $0.readFault?.struck != nil } }
    /// Files that are open, by path: neither closed nor given up.
    public var openFiles: [String] { state.withLock { $0.open.values.sorted() } }
    /// Bytes of files that have a name.
    public var usedBytes: Int { state.withLock { $0.disk.usedBytes } }

    // MARK: Calls

    /// One call that changes something: counted, traced, and refused if it is to be.
    /// - Parameter body: does the work; its second argument asks for half of it, for a write that fails on the way.
    func perform<T>(
        _ call: String, _ path: FilePath, _ detail: @autoclosure () -> String = "",
        _ body: (inout State, _ isPartial: Bool) throws(TidemillError) -> T
    ) throws(TidemillError) -> T {
        let detail = detail()
        return try locked { (state) throws(TidemillError) -> T in
            try Self.perform(&state, call, path, detail, body)
        }
    }

    private static func perform<T>(
        _ state: inout State, _ call: String, _ path: FilePath, _ detail: String,
        _ body: (inout State, _ isPartial: Bool) throws(TidemillError) -> T
    ) throws(TidemillError) -> T {
        if state.calls >= state.powerLimit {
            if state.calls == state.powerLimit && state.finishesLast { _ = try body(&state, call == "write") }
            state.calls = state.powerLimit + 1
            throw failure(call, path, EIO)
        }
        note(&state, call, path, detail)
        if let fault = strike(&state, call, path) {
            if state.isTracing { state.trace[state.trace.count - 1] += " -> errno \(fault.errno)" }
            if fault.isDone { _ = try body(&state, call == "write") }
            throw failure(call, path, fault.errno)
        }
        let needsRoom = ["create", "mkdir", "link", "rename"].contains(call)
        if needsRoom, state.freeBytes < SimulatedDisk.sectorBytes { throw failure(call, path, ENOSPC) }
        return try body(&state, false)
    }

    private static func note(_ state: inout State, _ call: String, _ path: FilePath, _ detail: String) {
        state.calls += 1
        if state.isTracing { state.trace.append("\(call) \(path.string)\(detail)") }
        for text in [call, path.string, detail] {
            for byte in text.utf8 { state.digest = (state.digest ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
        guard let clock = state.clock else { return }
        let isStuck = Int.random(in: 0..<300, using: &state.generator) == 0
        clock.advance(micros: Int64.random(in: isStuck ? 100_000...3_000_000 : 5...400, using: &state.generator))
    }

    /// The fault that hits this call, if one does.
    private static func strike(_ state: inout State, _ call: String, _ path: FilePath) -> SimulatedFault? {
        var struck: SimulatedFault?
        for index in state.faults.indices {
            let fault = state.faults[index].fault
            let isAny = fault.call.isEmpty && !["open", "stat", "opendir"].contains(call)
            guard isAny || fault.call == call, path.string.hasSuffix(fault.pathSuffix) else { continue }
            state.faults[index].seen += 1
            if state.faults[index].seen - 1 == fault.index { struck = struck ?? fault }
        }
        return struck
    }

    /// A call that only looks.
    private func look<T>(
        _ call: String, _ path: FilePath, _ body: (inout State) throws(TidemillError) -> T
    ) throws(TidemillError) -> T {
        try locked { (state) throws(TidemillError) -> T in
            if let fault = Self.strike(&state, call, path) { throw Self.failure(call, path, fault.errno) }
            return try body(&state)
        }
    }

    private func locked<T>(_ body: (inout State) throws(TidemillError) -> T) throws(TidemillError) -> T {
        // Mutex.withLock infers `any Error` for typed throws of generic results, so the result travels beside it.
        var result: Result<T, TidemillError>?
        state.withLock { state in
            do throws(TidemillError) { result = .success(try body(&state)) } catch { result = .failure(error) }
        }
        guard let result else { throw .internal("the simulated disk did not run a call") }
        return try result.get()
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

    // MARK: FileSystem

    public func open(_ path: FilePath, _ mode: OpenMode) throws(TidemillError) -> any File {
        let existing = try look("open", path) { (state) throws(TidemillError) -> Int? in
            let inode = state.disk.lookUp(path)
            if inode != nil && mode == .createNew { throw Self.failure("open", path, EEXIST) }
            if inode == nil && mode == .read { throw Self.failure("open", path, ENOENT) }
            return inode
        }
        if let existing { return SimulatedFile(path: path, inode: existing, system: self) }
        let (directory, name) = try look("create", path) { (state) throws(TidemillError) in
            try Self.parent(state, "open", path)
        }
        let inode = try perform("create", path) { (state, _) throws(TidemillError) -> Int in
            let inode = state.disk.add(directory: false)
            state.disk.apply([.init(directory: directory, name: name, inode: inode)])
            return inode
        }
        return SimulatedFile(path: path, inode: inode, system: self)
    }

    public func status(of path: FilePath) throws(TidemillError) -> FileStatus? {
        try look("stat", path) { (state) throws(TidemillError) in
            guard let inode = state.disk.lookUp(path), let node = state.disk.inodes[inode] else { return nil }
            return FileStatus(
                kind: node.isDirectory ? .directory : .file, size: Int64(node.content.count),
                modified: node.modified, inode: UInt64(inode))
        }
    }

    public func entries(of directory: FilePath) throws(TidemillError) -> [DirectoryEntry] {
        try look("opendir", directory) { (state) throws(TidemillError) in
            guard let inode = state.disk.lookUp(directory), let node = state.disk.inodes[inode], node.isDirectory
            else { throw Self.failure("opendir", directory, ENOENT) }
            return node.entries.keys.sorted().map { name in
                let child = node.entries[name].flatMap { state.disk.inodes[$0] }
                return DirectoryEntry(name: name, kind: child?.isDirectory == true ? .directory : .file)
            }
        }
    }

    public func createDirectory(_ path: FilePath) throws(TidemillError) {
        try locked { (state) throws(TidemillError) in
            if state.disk.lookUp(path) != nil { return }
            let (directory, name) = try Self.parent(state, "mkdir", path)
            try Self.perform(&state, "mkdir", path, "") { (state, _) throws(TidemillError) in
                let inode = state.disk.add(directory: true)
                state.disk.apply([.init(directory: directory, name: name, inode: inode)])
            }
        }
    }

    public func rename(_ from: FilePath, to: FilePath) throws(TidemillError) {
        try locked { (state) throws(TidemillError) in
            guard let inode = state.disk.lookUp(from) else { throw Self.failure("rename", from, ENOENT) }
            let old = try Self.parent(state, "rename", from)
            let new = try Self.parent(state, "rename", to)
            let detail = " -> \(to.lastComponent?.string ?? "")"
            try Self.perform(&state, "rename", from, detail) { (state, _) throws(TidemillError) in
                state.disk.apply([
                    .init(directory: new.directory, name: new.name, inode: inode),
                    .init(directory: old.directory, name: old.name, inode: nil),
                ])
            }
        }
    }

    public func exchange(_ a: FilePath, _ b: FilePath) throws(TidemillError) {
        try locked { (state) throws(TidemillError) in
            guard let first = state.disk.lookUp(a), let second = state.disk.lookUp(b) else {
                throw Self.failure("exchange", a, ENOENT)
            }
            let one = try Self.parent(state, "exchange", a)
            let two = try Self.parent(state, "exchange", b)
            let detail = " <-> \(b.lastComponent?.string ?? "")"
            try Self.perform(&state, "exchange", a, detail) { (state, _) throws(TidemillError) in
                state.disk.apply([
                    .init(directory: one.directory, name: one.name, inode: second),
                    .init(directory: two.directory, name: two.name, inode: first),
                ])
            }
        }
    }

    public func link(_ existing: FilePath, to new: FilePath) throws(TidemillError) {
        try locked { (state) throws(TidemillError) in
            guard let inode = state.disk.lookUp(existing) else { throw Self.failure("link", existing, ENOENT) }
            if state.disk.lookUp(new) != nil { throw Self.failure("link", new, EEXIST) }
            let (directory, name) = try Self.parent(state, "link", new)
            let detail = " -> \(new.string)"
            try Self.perform(&state, "link", existing, detail) { (state, _) throws(TidemillError) in
                state.disk.apply([.init(directory: directory, name: name, inode: inode)])
            }
        }
    }

    public func remove(_ path: FilePath) throws(TidemillError) { try unlink("remove", path) }

    public func removeDirectory(_ path: FilePath) throws(TidemillError) {
        guard try entries(of: path).isEmpty else { throw Self.failure("rmdir", path, ENOTEMPTY) }
        try unlink("rmdir", path)
    }

    private func unlink(_ call: String, _ path: FilePath) throws(TidemillError) {
        try locked { (state) throws(TidemillError) in
            guard state.disk.lookUp(path) != nil else { throw Self.failure(call, path, ENOENT) }
            let (directory, name) = try Self.parent(state, call, path)
            try Self.perform(&state, call, path, "") { (state, _) throws(TidemillError) in
                state.disk.apply([.init(directory: directory, name: name, inode: nil)])
            }
        }
    }

    public func syncDirectory(_ path: FilePath) throws(TidemillError) {
        try locked { (state) throws(TidemillError) in
            guard let inode = state.disk.lookUp(path) else { throw Self.failure("syncdir", path, ENOENT) }
            try Self.perform(&state, "syncdir", path, "") { (state, _) throws(TidemillError) in
                if Self.forgets(&state, "syncdir", path) { return }
                state.disk.syncDirectory(inode)
            }
        }
    }

    static func forgets(_ state: inout State, _ call: String, _ path: FilePath) -> Bool {
        guard let forgetting = state.forgetting, forgetting(call, path.string) else { return false }
        state.forgotten += 1
        return true
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
