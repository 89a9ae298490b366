import Synchronization
import TideCore

/// Runs tasks on the calling thread, in an order and on workers drawn from a seed.
public final class SimulatedExecutor: Executor {
    public let workers: Int
    private let generator: Mutex<SeededGenerator>

    public init(seed: UInt64, workers: Int = 2) {
        precondition(workers >= 1)
        self.workers = workers
        generator = Mutex(SeededGenerator(seed: seed))
    }

    public func run(
        tasks count: Int, _ body: @escaping @Sendable (Int, Int) throws(TidemillError) -> Void
    ) throws(TidemillError) {
        var order = Array(0..<count)
        let places = generator.withLock { generator in
            order.shuffle(using: &generator)
            return order.map { _ in Int.random(in: 0..<workers, using: &generator) }
        }
        for (task, worker) in zip(order, places) { try body(task, worker) }
    }
}
