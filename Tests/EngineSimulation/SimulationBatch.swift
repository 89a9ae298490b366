import Foundation

/// Many seeds on some threads; each seed is one thread's.
package final class SimulationBatch: @unchecked Sendable {
    // Sendable: what threads share is behind `lock`.
    package let first: UInt64
    package let seeds: UInt64
    private let jobs: Int
    private let lock = NSLock()
    private var next: UInt64
    private var failures: [SimulationFailure] = []
    package private(set) var seconds = 0.0
    /// Of all calls of all seeds, in no order.
    package private(set) var digest: UInt64 = 0

    /// No seed is begun after a failure.
    package var stopsAtFailure = false
    /// Every seed runs twice, and both lives must be the same, call by call and word by word.
    package var repeatsSeeds = false

    package init(first: UInt64, seeds: UInt64, jobs: Int) {
        self.first = first
        self.seeds = seeds
        self.jobs = jobs
        next = first
    }

    /// Returns when all seeds have ended.
    /// - Parameter report: called for every failure as it is found.
    package func run(_ report: @escaping @Sendable (SimulationFailure) -> Void) -> [SimulationFailure] {
        let start = Date()
        DispatchQueue.concurrentPerform(iterations: jobs) { _ in
            while let seed = take() {
                let simulation = Simulation(seed: seed)
                do {
                    try simulation.run()
                    if repeatsSeeds { try expectSame(simulation) }
                } catch {
                    let failure =
                        error as? SimulationFailure
                        ?? SimulationFailure(seed: seed, message: "\(error)", story: simulation.story)
                    lock.withLock { failures.append(failure) }
                    report(failure)
                }
                lock.withLock { digest &+= simulation.digest &* (seed | 1) }
            }
        }
        seconds = Date().timeIntervalSince(start)
        return failures.sorted { $0.seed < $1.seed }
    }

    private func expectSame(_ one: Simulation) throws {
        let other = Simulation(seed: one.seed)
        try other.run()
        if one.digest == other.digest && one.story == other.story { return }
        let index = zip(one.story, other.story).enumerated().first { $1.0 != $1.1 }?.offset
        let lines = [one, other].map { simulation in index.map { simulation.story[$0] } ?? "its last lines, or calls" }
        throw SimulationFailure(seed: one.seed, message: "lives of one seed differ", story: lines)
    }

    private func take() -> UInt64? {
        lock.withLock {
            guard next < first + seeds, !stopsAtFailure || failures.isEmpty else { return nil }
            defer { next += 1 }
            return next
        }
    }
}
