import Synchronization
import TideCore

/// Runs tasks on the calling thread, in an order and on workers drawn from a seed. Background work runs as a whole, at
/// some later moment that the seed draws too: before the tasks of a stage, when it is polled, or when it is waited for.
public final class SimulatedExecutor: Executor {
    public let workers: Int
    private let generator: Mutex<SeededGenerator>
    private let background = Mutex<[SimulatedBackgroundWork]>([])

    public init(seed: UInt64, workers: Int = 2) {
        precondition(workers >= 1)
        self.workers = workers
        generator = Mutex(SeededGenerator(seed: seed))
    }

    public func run(
        tasks count: Int, _ body: @escaping @Sendable (Int, Int) throws(TidemillError) -> Void
    ) throws(TidemillError) {
        runBackground(oneIn: 8)
        var order = Array(0..<count)
        let places = generator.withLock { generator in
            order.shuffle(using: &generator)
            return order.map { _ in Int.random(in: 0..<workers, using: &generator) }
        }
        for (task, worker) in zip(order, places) { try body(task, worker) }
    }

    public func startInBackground(_ body: @escaping @Sendable () -> Void) -> any BackgroundWork {
        let work = SimulatedBackgroundWork(body) { [weak self] in self?.draws(oneIn: 2) ?? true }
        background.withLock { $0.append(work) }
        return work
    }

    private func draws(oneIn n: Int) -> Bool {
        generator.withLock { Int.random(in: 0..<n, using: &$0) == 0 }
    }

    private func runBackground(oneIn n: Int) {
        let waiting = background.withLock { works in
            works.removeAll { $0.hasRun }
            return works
        }
        for work in waiting where draws(oneIn: n) { work.wait() }
    }
}

/// Work that has not run until somebody's draw says so.
final class SimulatedBackgroundWork: BackgroundWork {
    private let body: Mutex<(@Sendable () -> Void)?>
    private let runsNow: @Sendable () -> Bool

    init(_ body: @escaping @Sendable () -> Void, runsNow: @escaping @Sendable () -> Bool) {
        self.body = Mutex(body)
        self.runsNow = runsNow
    }

    var hasRun: Bool { body.withLock { $0 == nil } }

    var isDone: Bool {
        if hasRun { return true }
        if runsNow() { wait() }
        return hasRun
    }

    func wait() {
        let work = body.withLock { body in
            defer { body = nil }
            return body
        }
        work?()
    }
}
