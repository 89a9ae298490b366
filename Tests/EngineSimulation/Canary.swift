/// A sync that the engine makes and that a canary takes away: all calls of that place do nothing and say that they did.
/// The simulation must notice each within a few seeds, or it would not notice a sync that somebody forgets to write.
package struct Canary: Sendable, CustomStringConvertible {
    package var name: String
    package var description: String { name }
    /// Whether a call of `sync` or `syncdir` is one of that place.
    package var matches: @Sendable (_ call: String, _ path: String) -> Bool

    package static let all: [Canary] = [
        Canary(name: "commit of an epoch") { $0 == "sync" && $1.hasSuffix(".log") && !$1.contains("/.") },
        Canary(name: "content of a new log segment") { $0 == "sync" && $1.hasSuffix(".log.new") },
        Canary(name: "name of a new log segment") { $0 == "syncdir" && $1.hasSuffix("/checkpoint/log") },
        Canary(name: "content of the manifest") { $0 == "sync" && $1.hasSuffix("/.manifest.new") },
        Canary(name: "name of the manifest") { $0 == "syncdir" && $1.hasSuffix("/checkpoint") },
        Canary(name: "content of a run") { $0 == "sync" && $1.hasSuffix(".run") },
        Canary(name: "name of a run") { $0 == "syncdir" && $1.hasSuffix("/checkpoint/runs") },
        Canary(name: "content of a prepared file") { $0 == "sync" && $1.contains(".staging/") },
        Canary(name: "name of a prepared file") { $0 == "syncdir" && $1.hasSuffix(".staging") },
        Canary(name: "name of an appended file") { call, path in
            call == "syncdir" && path.contains("/spark-warehouse/") && !path.contains("/.")
        },
        Canary(name: "marker of an append table") { $0 == "sync" && $1.hasSuffix("/._tidemill.new") },
        Canary(name: "files of a table's next version") { call, path in
            call == "sync" && path.contains(".next-") && path.hasSuffix(".parquet")
        },
        Canary(name: "marker of a table's next version") {
            $0 == "sync" && $1.contains(".next-") && $1.hasSuffix("/_tidemill")
        },
        Canary(name: "names in a table's next version") { $0 == "syncdir" && $1.contains(".next-") },
        Canary(name: "exchange of a table's versions") { $0 == "syncdir" && $1.hasSuffix("/spark-warehouse") },
        Canary(name: "content of a copy") { $0 == "sync" && $1.hasSuffix(".csv") },
        Canary(name: "exchange of a copy's versions") { $0 == "syncdir" && $1.hasSuffix("/p/out") },
        Canary(name: "the project's folder") { $0 == "syncdir" && $1.hasSuffix("/p") },
    ]

    /// How many of the first `seeds` seeds run until one notices; nil if none does.
    package func seedsUntilFound(atMost seeds: UInt64) -> (seed: UInt64, message: String)? {
        for seed in 0..<seeds {
            let simulation = Simulation(seed: seed)
            simulation.forgetting = matches
            do { try simulation.run() } catch {
                return (seed, (error as? SimulationFailure)?.message ?? "\(error)")
            }
        }
        return nil
    }
}
