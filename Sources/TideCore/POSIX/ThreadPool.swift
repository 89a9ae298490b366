import Glibc
import Synchronization

/// A fixed pool of threads. The calling thread is worker 0, so one worker means no thread at all.
///
/// Workers sleep on a condition variable between runs and claim tasks with one atomic add. Measured on two cores, a
/// fork and join of two tasks costs about 3 µs; a Swift TaskGroup costs 9 µs or more per task and was left for that.
public final class ThreadPool: Executor {
    public let workers: Int
    private let crew: Crew
    private let threads: [pthread_t]

    /// - Parameter workers: at least 1.
    public init(workers: Int) {
        precondition(workers >= 1)
        self.workers = workers
        let crew = Crew()
        self.crew = crew
        threads = (1..<workers).map { crew.start(worker: $0) }
    }

    deinit {
        crew.stop()
        for thread in threads { pthread_join(thread, nil) }
    }

    public func run(
        tasks count: Int, _ body: @escaping @Sendable (Int, Int) throws(TidemillError) -> Void
    ) throws(TidemillError) {
        if count == 0 { return }
        try crew.run(Crew.Job(count: count, body: body), helpers: count > 1 ? workers - 1 : 0)
    }
}

/// What the pool's threads share. They hold it themselves, so it outlives a pool that goes away while a thread starts.
private final class Crew: @unchecked Sendable {
    // Sendable: all mutable state is behind `mutex` or atomic.
    struct Job: Sendable {
        let count: Int
        let body: @Sendable (Int, Int) throws(TidemillError) -> Void
    }
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let done = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var job: Job?
    private var generation: UInt64 = 0
    private var active = 0
    private var stopping = false
    private let claimed = Atomic<Int>(0)
    private let failed = Atomic<Bool>(false)
    private var failure: (task: Int, error: TidemillError)?

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(wake, nil)
        pthread_cond_init(done, nil)
    }
    deinit {
        pthread_mutex_destroy(mutex)
        pthread_cond_destroy(wake)
        pthread_cond_destroy(done)
        mutex.deallocate()
        wake.deallocate()
        done.deallocate()
    }

    /// A thread's argument: the crew it belongs to and its number.
    private final class Place: Sendable {
        let crew: Crew
        let worker: Int
        init(_ crew: Crew, _ worker: Int) {
            self.crew = crew
            self.worker = worker
        }
    }

    func start(worker: Int) -> pthread_t {
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(Place(self, worker)).toOpaque()
        let code = pthread_create(
            &thread, nil,
            { raw in
                guard let raw else { return nil }
                let place = Unmanaged<Place>.fromOpaque(raw).takeRetainedValue()
                place.crew.loop(worker: place.worker)
                return nil
            }, argument)
        precondition(code == 0, "pthread_create failed")
        return thread
    }

    func stop() {
        pthread_mutex_lock(mutex)
        stopping = true
        pthread_cond_broadcast(wake)
        pthread_mutex_unlock(mutex)
    }

    func run(_ job: Job, helpers: Int) throws(TidemillError) {
        pthread_mutex_lock(mutex)
        precondition(self.job == nil, "Executor.run is not reentrant")
        failure = nil
        claimed.store(0, ordering: .relaxed)
        failed.store(false, ordering: .relaxed)
        self.job = job
        if helpers > 0 {
            generation += 1
            active = helpers
            pthread_cond_broadcast(wake)
        }
        pthread_mutex_unlock(mutex)

        drain(job, worker: 0)

        pthread_mutex_lock(mutex)
        while active > 0 { pthread_cond_wait(done, mutex) }
        self.job = nil
        let failure = self.failure
        pthread_mutex_unlock(mutex)
        if let failure { throw failure.error }
    }

    private func loop(worker: Int) {
        var seen: UInt64 = 0
        while true {
            pthread_mutex_lock(mutex)
            while !stopping && generation == seen { pthread_cond_wait(wake, mutex) }
            if stopping {
                pthread_mutex_unlock(mutex)
                return
            }
            seen = generation
            let current = job
            pthread_mutex_unlock(mutex)
            if let current { drain(current, worker: worker) }
            pthread_mutex_lock(mutex)
            active -= 1
            if active == 0 { pthread_cond_signal(done) }
            pthread_mutex_unlock(mutex)
        }
    }

    private func drain(_ job: Job, worker: Int) {
        while !failed.load(ordering: .relaxed) {
            let task = claimed.wrappingAdd(1, ordering: .relaxed).oldValue
            if task >= job.count { return }
            do throws(TidemillError) {
                try job.body(task, worker)
            } catch {
                failed.store(true, ordering: .relaxed)
                pthread_mutex_lock(mutex)
                if failure.map({ task < $0.task }) ?? true { failure = (task, error) }
                pthread_mutex_unlock(mutex)
            }
        }
    }
}

/// Processors that are online, at least 1.
public func processorCount() -> Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
