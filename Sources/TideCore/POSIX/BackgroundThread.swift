import Glibc
import Synchronization

/// Background work on a thread that lives as long as the work. Such work is rare (a flush per tens of megabytes of
/// log), so a thread that waits for the next piece would save nothing.
final class BackgroundThread: BackgroundWork {
    private let share: Share
    private let thread: pthread_t
    private let isJoined = Atomic<Bool>(false)

    /// What both threads hold, so that it outlives either.
    private final class Share: Sendable {
        let body: @Sendable () -> Void
        let isDone = Atomic<Bool>(false)
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    init(_ body: @escaping @Sendable () -> Void) {
        let share = Share(body)
        self.share = share
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { raw in
                guard let raw else { return nil }
                let share = Unmanaged<Share>.fromOpaque(raw).takeRetainedValue()
                share.body()
                share.isDone.store(true, ordering: .releasing)
                return nil
            }, Unmanaged.passRetained(share).toOpaque())
        precondition(code == 0, "pthread_create failed")
        self.thread = thread
    }

    var isDone: Bool { share.isDone.load(ordering: .acquiring) }

    func wait() {
        if !isJoined.exchange(true, ordering: .relaxed) { pthread_join(thread, nil) }
    }

    /// Work that nobody waited for still ends before the process lets go of what it uses.
    deinit { wait() }
}

extension ThreadPool {
    public func startInBackground(_ body: @escaping @Sendable () -> Void) -> any BackgroundWork {
        BackgroundThread(body)
    }
}
