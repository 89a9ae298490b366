import CTideKernels
import Glibc

/// The real disk.
public struct POSIXFileSystem: FileSystem {
    public init() {}

    public func open(_ path: FilePath, _ mode: OpenMode) throws(TidemillError) -> any File {
        let flags: Int32 =
            switch mode {
            case .read: O_RDONLY
            case .readWrite: O_RDWR | O_CREAT
            case .createNew: O_RDWR | O_CREAT | O_EXCL
            }
        let descriptor = retrying { Glibc.open(path.string, flags | O_CLOEXEC, 0o644) }
        guard descriptor >= 0 else { throw systemError("open", path) }
        return POSIXFile(descriptor: descriptor, path: path)
    }

    public func status(of path: FilePath) throws(TidemillError) -> FileStatus? {
        var s = Glibc.stat()
        guard fstatat(AT_FDCWD, path.string, &s, 0) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw systemError("stat", path)
        }
        let kind: FileStatus.Kind =
            switch s.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .directory
            default: .other
            }
        return FileStatus(
            kind: kind, size: Int64(s.st_size),
            modified: Int64(s.st_mtim.tv_sec) * 1_000_000_000 + Int64(s.st_mtim.tv_nsec), inode: UInt64(s.st_ino))
    }

    public func entries(of directory: FilePath) throws(TidemillError) -> [DirectoryEntry] {
        guard let stream = opendir(directory.string) else { throw systemError("opendir", directory) }
        defer { closedir(stream) }
        var found: [DirectoryEntry] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw systemError("readdir", directory) }
                return found
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            let kind: FileStatus.Kind
            switch Int32(entry.pointee.d_type) {
            case Int32(DT_REG): kind = .file
            case Int32(DT_DIR): kind = .directory
            case Int32(DT_LNK), Int32(DT_UNKNOWN): kind = try status(of: directory.appending(name))?.kind ?? .other
            default: kind = .other
            }
            found.append(DirectoryEntry(name: name, kind: kind))
        }
    }

    public func mayWrite(in directory: FilePath) -> Bool {
        faccessat(AT_FDCWD, directory.string, W_OK | X_OK, AT_EACCESS) == 0
    }

    public func createDirectory(_ path: FilePath) throws(TidemillError) {
        if mkdir(path.string, 0o755) != 0 && errno != EEXIST { throw systemError("mkdir", path) }
    }
    public func rename(_ from: FilePath, to: FilePath) throws(TidemillError) {
        if Glibc.rename(from.string, to.string) != 0 { throw systemError("rename", from) }
    }
    public func exchange(_ a: FilePath, _ b: FilePath) throws(TidemillError) {
        if tide_rename_exchange(a.string, b.string) != 0 { throw systemError("exchange", a) }
    }
    public func link(_ existing: FilePath, to new: FilePath) throws(TidemillError) {
        if Glibc.link(existing.string, new.string) != 0 { throw systemError("link", existing) }
    }
    public func remove(_ path: FilePath) throws(TidemillError) {
        if unlink(path.string) != 0 { throw systemError("unlink", path) }
    }
    public func removeDirectory(_ path: FilePath) throws(TidemillError) {
        if rmdir(path.string) != 0 { throw systemError("rmdir", path) }
    }
    public func syncDirectory(_ path: FilePath) throws(TidemillError) {
        let descriptor = retrying { Glibc.open(path.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw systemError("open", path) }
        defer { Glibc.close(descriptor) }
        if fsync(descriptor) != 0 { throw systemError("fsync", path) }
    }

    public func lock(_ path: FilePath) throws(TidemillError) -> (any FileLock)? {
        let descriptor = retrying { Glibc.open(path.string, O_RDWR | O_CREAT | O_CLOEXEC, 0o644) }
        guard descriptor >= 0 else { throw systemError("open", path) }
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return POSIXFileLock(descriptor: descriptor) }
        let reason = errno
        Glibc.close(descriptor)
        if reason == EWOULDBLOCK { return nil }
        errno = reason
        throw systemError("flock", path)
    }
}

final class POSIXFileLock: FileLock, @unchecked Sendable {
    // Sendable: the descriptor is closed once, under the owner's control.
    private var descriptor: Int32
    init(descriptor: Int32) { self.descriptor = descriptor }
    func release() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }
    deinit { release() }
}

final class POSIXFile: File, @unchecked Sendable {
    // Sendable: pread and pwrite do not share a position; `close` is called once by the owner.
    private var descriptor: Int32
    let path: FilePath

    init(descriptor: Int32, path: FilePath) {
        self.descriptor = descriptor
        self.path = path
    }
    deinit { close() }

    func size() throws(TidemillError) -> Int64 {
        var s = Glibc.stat()
        guard fstat(descriptor, &s) == 0 else { throw systemError("fstat", path) }
        if s.st_mode & S_IFMT == S_IFDIR {
            errno = EISDIR
            throw systemError("read", path)
        }
        return Int64(s.st_size)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(TidemillError) -> Int {
        var done = 0
        while done < buffer.count {
            let n = retrying {
                pread(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset) + done)
            }
            if n < 0 { throw systemError("read", path) }
            if n == 0 { break }
            done += n
        }
        return done
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(TidemillError) {
        var done = 0
        while done < bytes.count {
            let n = retrying {
                pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset) + done)
            }
            if n < 0 { throw systemError("write", path) }
            done += n
        }
    }

    func sync() throws(TidemillError) {
        if fdatasync(descriptor) != 0 { throw systemError("fdatasync", path) }
    }
    func truncate(to size: Int64) throws(TidemillError) {
        if retrying({ ftruncate(descriptor, off_t(size)) }) != 0 { throw systemError("ftruncate", path) }
    }
    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }
}

private func retrying<T: SignedInteger>(_ call: () -> T) -> T {
    while true {
        let result = call()
        if result == -1 && errno == EINTR { continue }
        return result
    }
}

/// The error for the call that just failed; reads `errno`.
func systemError(_ call: String, _ path: FilePath) -> TidemillError {
    let number = errno
    let hint: String? =
        switch number {
        case ENOENT: "check the path; relative paths are taken from the project's folder"
        case EACCES, EPERM: "the user running tidemill needs permission for this path"
        case ENOSPC, EDQUOT: "make room on the file system and run again; nothing committed is lost"
        case EMFILE, ENFILE: "raise the limit of open files (ulimit -n)"
        default: nil
        }
    return TidemillError(
        .io, "TIDEMILL_IO", "\(call) failed: \(String(cString: strerror(number)))", hint: hint,
        place: .file(path.string), errno: number)
}
