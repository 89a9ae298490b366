import TideColumns

/// A reader's word that it is at work. While it stands, writers of the checkpoint remove no run, no log segment and no
/// version of a table: what the reader found when it began stays until it is done.
///
///     readers/<name>      empty; its reader holds a lock on it
///
/// The lock is the operating system's and ends with the reader's process; whoever looks next removes the file. The
/// writer's lock is never touched, so neither waits for the other.
public final class ReaderLease: Sendable {
    private let lock: any FileLock
    private let path: FilePath
    private let files: any FileSystem

    static func folder(_ checkpoint: FilePath) -> FilePath { checkpoint.appending("readers") }

    private init(_ lock: any FileLock, _ path: FilePath, _ files: any FileSystem) {
        self.lock = lock
        self.path = path
        self.files = files
    }

    /// EACCES, EPERM, EROFS: who may not write here reads without a lease.
    private static let forbidden: Set<Int32> = [1, 13, 30]
    private static let attemptsMax = 64

    /// - Returns: nil where nothing may be written; then a reader that loses a file has to begin again.
    public static func take(_ checkpoint: FilePath, environment: Environment) throws(TidemillError) -> ReaderLease? {
        let files = environment.files
        do throws(TidemillError) {
            try files.createDirectory(folder(checkpoint))
            for _ in 0..<attemptsMax {
                let path = folder(checkpoint).appending(String(environment.random.next(), radix: 16))
                // A writer that looks just now may hold it, and takes it for a dead reader's.
                guard let lock = try files.lock(path) else { continue }
                if try files.exists(path) { return ReaderLease(lock, path, files) }
                lock.release()
            }
        } catch {
            guard let reason = error.errno, forbidden.contains(reason) else { throw error }
        }
        return nil
    }

    /// Whether somebody reads. Removes what dead readers left.
    static func isAnyHeld(_ checkpoint: FilePath, files: any FileSystem) throws(TidemillError) -> Bool {
        let folder = folder(checkpoint)
        guard try files.exists(folder) else { return false }
        var isHeld = false
        for entry in try files.entries(of: folder) {
            let path = folder.appending(entry.name)
            guard let lock = try files.lock(path) else {
                isHeld = true
                continue
            }
            defer { lock.release() }
            if try files.exists(path) { try files.remove(path) }
        }
        return isHeld
    }

    deinit {
        // Removed before it is let go, so that nobody else's lock is on the file.
        try? files.remove(path)
        lock.release()
    }
}

extension CheckpointStore {
    /// Whether somebody reads the checkpoint or its tables with a lease.
    public var hasReaders: Bool {
        get throws(TidemillError) { try ReaderLease.isAnyHeld(directory, files: files) }
    }
}
