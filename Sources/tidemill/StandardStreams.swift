import Glibc
import Tidemill

/// Standard output and error, unbuffered: what was written is there even if the process is killed.
enum StandardStreams {
    static func out(_ text: String) { write(1, Array(text.utf8)) }
    static func out(_ bytes: [UInt8]) { write(1, bytes) }
    static func error(_ text: String) { write(2, Array(text.utf8)) }

    static func exit(_ status: Int32) -> Never { Glibc.exit(status) }

    static var errorIsTerminal: Bool { isatty(2) == 1 }

    /// Why output was lost, as errno, other than by a reader that went away.
    private static let failure = Locked<Int32?>(nil)

    private static func note(_ code: Int32) { failure.withLock { $0 = $0 ?? code } }

    /// - Throws: if an answer did not arrive where it was sent.
    static func requireOutput() throws(TidemillError) {
        guard let code = failure.withLock({ $0 }) else { return }
        throw TidemillError(
            .io, "TIDEMILL_IO", "standard output cannot be written: \(String(cString: strerror(code)))",
            hint: "the output is not whole", errno: code)
    }

    private static func write(_ descriptor: Int32, _ bytes: [UInt8]) {
        var done = 0
        bytes.withUnsafeBytes { buffer in
            while done < buffer.count {
                let n = Glibc.write(descriptor, buffer.baseAddress! + done, buffer.count - done)
                if n < 0 && errno == EINTR { continue }
                // Whoever gave the descriptor made it non-blocking; a slow reader must not cost a line.
                if n < 0 && errno == EAGAIN {
                    var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = poll(&ready, 1, -1)
                    continue
                }
                // A reader that went away (a closed pipe) is no reason to stop a pipeline.
                if n <= 0 {
                    if descriptor == 1 && errno != EPIPE { note(errno) }
                    return
                }
                done += n
            }
        }
    }

    /// Makes a write to a closed pipe an error instead of the end of the process.
    static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }
}
