import Foundation
import TideEngineSimulation

// tidemill-sim [--seeds N] [--first N] [--seed N [--calls N]] [--jobs N] [--stop] [--canaries]
//
// Runs simulated lives of the whole engine and prints those that went wrong; with --stop, no seed after the first
// failure. With --seed one of them, all that happens in it, and the last --calls N calls of each life. With --canaries,
// how many seeds it takes to notice each sync that is taken away. Exit status 1 if any went wrong.

func number(_ name: String, _ fallback: UInt64) -> UInt64 {
    let arguments = CommandLine.arguments
    guard let at = arguments.firstIndex(of: name), at + 1 < arguments.count else { return fallback }
    return UInt64(arguments[at + 1]) ?? fallback
}

if CommandLine.arguments.contains("--seed") {
    let simulation = Simulation(seed: number("--seed", 0))
    simulation.isTracing = true
    simulation.callsTold = Int(number("--calls", 25))
    do {
        try simulation.run()
        print(simulation.story.joined(separator: "\n"))
        print("nothing went wrong; digest \(String(simulation.digest, radix: 16))")
    } catch {
        print("\(error)")
        exit(1)
    }
} else if CommandLine.arguments.contains("--canaries") {
    var missed = 0
    for canary in Canary.all {
        let found = canary.seedsUntilFound(atMost: number("--seeds", 200))
        if found == nil { missed += 1 }
        let text = found.map { "seed \($0.seed): \($0.message.prefix(90).replacing("\n", with: " "))" } ?? "not noticed"
        print("\(canary.name): \(text)")
    }
    exit(missed == 0 ? 0 : 1)
} else {
    let batch = SimulationBatch(
        first: number("--first", 0), seeds: number("--seeds", 100), jobs: Int(number("--jobs", 2)))
    batch.stopsAtFailure = CommandLine.arguments.contains("--stop")
    let failures = batch.run { print($0) }
    print(
        "\(batch.seeds) seeds from \(batch.first) in \(String(format: "%.1f", batch.seconds)) s,"
            + " \(failures.count) went wrong, digest \(String(batch.digest, radix: 16))")
    exit(failures.isEmpty ? 0 : 1)
}
