@_exported import SystemPackage

/// Every access to a disk goes through this seam. The POSIX twin makes the calls; the simulated twin tears, loses,
/// reorders and refuses them.
///
/// Durability contract (POSIX as the strictest file systems read it): bytes written are durable after `File.sync`; a
/// name created, renamed, linked or removed is durable after `syncDirectory` of the directory that holds it.
///
/// All methods may be called from any thread. Errors have kind `.io` and carry `errno`.
public protocol FileSystem: Sendable {
    func open(_ path: FilePath, _ mode: OpenMode) throws(TidemillError) -> any File
    /// nil if nothing has that name.
    func status(of path: FilePath) throws(TidemillError) -> FileStatus?
    /// Names in the directory, without "." and "..", in no order.
    func entries(of directory: FilePath) throws(TidemillError) -> [DirectoryEntry]
    /// Creates the directory; fine if it exists already.
    func createDirectory(_ path: FilePath) throws(TidemillError)
    func rename(_ from: FilePath, to: FilePath) throws(TidemillError)
    /// Atomically swaps two names (`RENAME_EXCHANGE`). errno EINVAL where the file system cannot.
    func exchange(_ a: FilePath, _ b: FilePath) throws(TidemillError)
    func link(_ existing: FilePath, to new: FilePath) throws(TidemillError)
    func remove(_ path: FilePath) throws(TidemillError)
    func removeDirectory(_ path: FilePath) throws(TidemillError)
    func syncDirectory(_ path: FilePath) throws(TidemillError)
    /// Takes an exclusive lock on `path` (created if missing), or returns nil if another holder is alive. The lock goes
    /// away with the process.
    func lock(_ path: FilePath) throws(TidemillError) -> (any FileLock)?
    /// Whether this process may make names in the directory, as far as can be told without trying.
    func mayWrite(in directory: FilePath) -> Bool
}

extension FileSystem {
    public func mayWrite(in directory: FilePath) -> Bool { true }
}

public enum OpenMode: Sendable {
    case read
    /// Created if missing, never truncated.
    case readWrite
    /// Must not exist yet.
    case createNew
}

/// An open file. Positioned reads and writes; one writer at a time.
public protocol File: AnyObject, Sendable {
    var path: FilePath { get }
    func size() throws(TidemillError) -> Int64
    /// Reads up to `buffer.count` bytes at `offset`; fewer only at the end of the file, 0 past it.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(TidemillError) -> Int
    /// Writes all of `bytes` at `offset`, extending the file.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(TidemillError)
    /// fdatasync. After a failure the descriptor must not be trusted or synced again.
    func sync() throws(TidemillError)
    func truncate(to size: Int64) throws(TidemillError)
    func close()
}

public protocol FileLock: AnyObject, Sendable {
    func release()
}

public struct FileStatus: Sendable, Hashable {
    public enum Kind: Sendable, Hashable { case file, directory, other }
    public var kind: Kind
    public var size: Int64
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    public var modified: Int64
    public var inode: UInt64
    public init(kind: Kind, size: Int64, modified: Int64, inode: UInt64) {
        self.kind = kind
        self.size = size
        self.modified = modified
        self.inode = inode
    }
}

public struct DirectoryEntry: Sendable, Hashable {
    public var name: String
    public var kind: FileStatus.Kind
    public init(name: String, kind: FileStatus.Kind) {
        self.name = name
        self.kind = kind
    }
}

extension FileSystem {
    public func exists(_ path: FilePath) throws(TidemillError) -> Bool { try status(of: path) != nil }

    /// The whole file. `limit` bounds what a hostile file can make us allocate.
    public func contents(of path: FilePath, limit: Int64 = 1 << 31) throws(TidemillError) -> [UInt8] {
        let file = try open(path, .read)
        defer { file.close() }
        let size = try file.size()
        guard size <= limit else {
            throw TidemillError(
                .limit, "TIDEMILL_FILE_TOO_LARGE", "file has \(size) bytes, at most \(limit) are read at once",
                place: .file(path.string))
        }
        var failure: TidemillError?
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
            do throws(TidemillError) {
                count = try file.read(into: UnsafeMutableRawBufferPointer(buffer), at: 0)
            } catch { failure = error }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Creates `path` with these bytes and makes the bytes durable; the name is durable after `syncDirectory`.
    public func createDurably(_ path: FilePath, _ bytes: [UInt8]) throws(TidemillError) {
        let file = try open(path, .createNew)
        defer { file.close() }
        try file.write(bytes, at: 0)
        try file.sync()
    }

    /// Replaces `path` with these bytes so that a crash leaves the old or the new content, and makes it durable.
    public func replaceDurably(_ path: FilePath, _ bytes: [UInt8]) throws(TidemillError) {
        let parent = path.removingLastComponent()
        let temporary = parent.appending(".\(path.lastComponent?.string ?? "file").new")
        if try exists(temporary) { try remove(temporary) }
        try createDurably(temporary, bytes)
        try rename(temporary, to: path)
        try syncDirectory(parent)
    }

    /// Creates the directory and its missing parents, each made durable in its parent. So is the first one that exists:
    /// whoever made it may have died before it was, and only the last one made can be in that state.
    public func createDirectories(_ path: FilePath) throws(TidemillError) {
        let parent = path.removingLastComponent()
        if let status = try status(of: path) {
            guard status.kind == .directory else {
                throw TidemillError(
                    .user, "TIDEMILL_NOT_A_DIRECTORY", "a file stands where a directory is needed",
                    place: .file(path.string))
            }
            if !parent.isEmpty && parent != path { try syncIfOurs(parent) }
            return
        }
        if !parent.isEmpty && parent != path { try createDirectories(parent) }
        try createDirectory(path)
        if !parent.isEmpty { try syncDirectory(parent) }
    }

    /// A directory that may not be opened for reading (EACCES, EPERM) is none that we made something in.
    private func syncIfOurs(_ directory: FilePath) throws(TidemillError) {
        do throws(TidemillError) {
            try syncDirectory(directory)
        } catch {
            if error.errno != 13 && error.errno != 1 { throw error }
        }
    }

    /// Removes a directory with everything in it; fine if it does not exist.
    public func removeTree(_ path: FilePath) throws(TidemillError) {
        guard let status = try status(of: path) else { return }
        guard status.kind == .directory else { return try remove(path) }
        for entry in try entries(of: path) {
            let child = path.appending(entry.name)
            if entry.kind == .directory { try removeTree(child) } else { try remove(child) }
        }
        try removeDirectory(path)
    }
}

extension File {
    public func write(_ bytes: [UInt8], at offset: Int64) throws(TidemillError) {
        var failure: TidemillError?
        bytes.withUnsafeBytes { buffer in
            do throws(TidemillError) { try write(buffer, at: offset) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// Exactly `count` bytes at `offset`, or corruption.
    public func bytes(at offset: Int64, count: Int) throws(TidemillError) -> [UInt8] {
        guard count >= 0, offset >= 0, offset + Int64(count) <= (try size()) else {
            throw TidemillError.corruption(
                "TIDEMILL_FILE_ENDS_EARLY", "\(counted(count, "byte")) wanted past the end of the file",
                file: path.string,
                offset: offset)
        }
        var failure: TidemillError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(TidemillError) {
                initialized = try read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
            } catch { failure = error }
        }
        if let failure { throw failure }
        guard bytes.count == count else {
            throw TidemillError.corruption(
                "TIDEMILL_FILE_ENDS_EARLY", "\(counted(count, "byte")) wanted, \(bytes.count) there", file: path.string,
                offset: offset)
        }
        return bytes
    }
}
