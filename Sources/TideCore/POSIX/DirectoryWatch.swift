import Glibc
import Synchronization

/// `Watch` by inotify, with a pipe to be woken through. Events are hints: a queue that overflowed, or a file system
/// that has none (NFS), costs time until the caller looks again, never a file.
public final class DirectoryWatch: Watch {
    private let notify: Int32
    private let bell: (read: Int32, write: Int32)
    private let directories = Mutex<[Int32: FilePath]>([:])

    /// - Throws: `.io` if the process has no descriptors left.
    public init() throws(TidemillError) {
        notify = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        guard notify >= 0 else { throw DirectoryWatch.failure("inotify_init1") }
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            let failure = DirectoryWatch.failure("pipe")
            close(notify)
            throw failure
        }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        bell = (ends[0], ends[1])
    }
    deinit {
        close(bell.read)
        close(bell.write)
        close(notify)
    }

    private static func failure(_ call: String) -> TidemillError {
        let code = errno
        return TidemillError(.io, "TIDEMILL_IO", "\(call): \(String(cString: strerror(code)))", errno: code)
    }

    public func add(_ directory: FilePath) {
        let watch = inotify_add_watch(
            notify, directory.string, UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_MODIFY | IN_ONLYDIR))
        if watch >= 0 { directories.withLock { $0[watch] = directory } }
    }

    public func wake() {
        // A full pipe rings as well.
        var one: UInt8 = 1
        _ = write(bell.write, &one, 1)
    }

    public func wait(timeout: Duration?) throws(TidemillError) -> WatchedFiles {
        var milliseconds: Int32 = -1
        if let timeout {
            // Rounded up: waking early would find nothing due.
            let parts = timeout.components
            let whole = max(0, parts.seconds) * 1000 + (parts.attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
            milliseconds = Int32(clamping: whole)
        }
        var descriptors = [
            pollfd(fd: notify, events: Int16(POLLIN), revents: 0),
            pollfd(fd: bell.read, events: Int16(POLLIN), revents: 0),
        ]
        let ready = poll(&descriptors, 2, milliseconds)
        if ready < 0 {
            if errno == EINTR { return WatchedFiles() }
            throw DirectoryWatch.failure("poll")
        }
        if descriptors[1].revents != 0 {
            var rings: [UInt8] = Array(repeating: 0, count: 64)
            while read(bell.read, &rings, rings.count) > 0 {}
        }
        return descriptors[0].revents != 0 ? drain() : WatchedFiles()
    }

    /// Reads every queued event. A record is an `inotify_event` and `len` bytes of a name padded with zeros.
    private func drain() -> WatchedFiles {
        var seen = WatchedFiles()
        let header = MemoryLayout<inotify_event>.size
        withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: MemoryLayout<inotify_event>.alignment) { buffer in
            while true {
                let count = read(notify, buffer.baseAddress!, buffer.count)  // 64 KiB were asked for: there is a base
                if count <= 0 { return }
                var at = 0
                while at + header <= count {
                    let event = buffer.loadUnaligned(fromByteOffset: at, as: inotify_event.self)
                    let nameStart = at + header
                    at = nameStart + Int(event.len)
                    guard at <= count else { return }
                    if event.mask & UInt32(IN_IGNORED) != 0 {
                        directories.withLock { _ = $0.removeValue(forKey: event.wd) }
                        continue
                    }
                    guard event.len > 0, let directory = directories.withLock({ $0[event.wd] }) else { continue }
                    let name = buffer[nameStart..<at].prefix { $0 != 0 }
                    let path = directory.appending(String(decoding: name, as: UTF8.self))
                    if event.mask & UInt32(IN_CLOSE_WRITE | IN_MOVED_TO) != 0 {
                        seen.completed.append(path)
                        seen.begun.removeAll { $0 == path }
                    } else if event.mask & UInt32(IN_CREATE | IN_MODIFY) != 0 {
                        if seen.begun.last != path { seen.begun.append(path) }
                        seen.completed.removeAll { $0 == path }
                    }
                }
            }
        }
        return seen
    }
}
