import Glibc

/// SIGTERM, SIGINT and SIGHUP as a call on a thread, instead of the end of the process.
///
/// `block` must run before any other thread is started, so that all of them inherit the mask and the signals reach only
/// the thread that waits for them. A second signal ends the process at once, as if nothing were caught: recovery is
/// always possible.
enum TerminationSignals {
    static func block() {
        var set = signals()
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// - Parameter body: called once, on a thread of its own.
    static func handle(_ body: @escaping @Sendable () -> Void) {
        final class Box: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { raw in
                guard let raw else { return nil }
                let box = Unmanaged<Box>.fromOpaque(raw).takeRetainedValue()
                var set = TerminationSignals.signals()
                var number: Int32 = 0
                sigwait(&set, &number)
                signal(SIGTERM, SIG_DFL)
                signal(SIGINT, SIG_DFL)
                if sigismember(&set, SIGHUP) == 1 { signal(SIGHUP, SIG_DFL) }
                pthread_sigmask(SIG_UNBLOCK, &set, nil)
                box.body()
                return nil
            }, Unmanaged.passRetained(Box(body)).toOpaque())
        precondition(code == 0, "a process that has just started can make a thread")
        pthread_detach(thread)
    }

    private static func signals() -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGTERM)
        sigaddset(&set, SIGINT)
        // Under nohup it is ignored, and stays so.
        var hangup = sigaction()
        if sigaction(SIGHUP, nil, &hangup) == 0, !isIgnored(hangup) { sigaddset(&set, SIGHUP) }
        return set
    }

    private static func isIgnored(_ action: sigaction) -> Bool {
        unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
    }
}
