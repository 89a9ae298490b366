import Foundation
import TideEngineSimulation

let usage = """
    tidemill-sim [--seeds N] [--first N] [--seed N [--calls N]] [--jobs N] [--stop] [--twice] [--canaries]

    Runs simulated lives of the whole engine and prints those that went wrong; with --stop, no seed after the first
    failure; with --twice, every seed runs twice and both lives must be the same. With --seed one of them, all that
    happens in it, and the last --calls N calls of each life. With --canaries, how many seeds it takes to notice each
    sync that is taken away. Exit status 1 if any went wrong.
    """

func stop(_ message: String) -> Never {
    FileHandle.standardError.write(Data("\(message)\n\n\(usage)\n".utf8))
    exit(2)
}

let arguments = Array(CommandLine.arguments.dropFirst())
if arguments.contains("--help") || arguments.contains("-h") {
    print(usage)
    exit(0)
}
let numbered = ["--seeds", "--first", "--seed", "--calls", "--jobs"]
var values: [String: UInt64] = [:]
var rest = arguments[...]
while let name = rest.popFirst() {
    if numbered.contains(name) {
        guard let value = rest.popFirst().flatMap({ UInt64($0) }) else { stop("\(name) needs a number") }
        values[name] = value
    } else if !["--stop", "--twice"].contains(name) && name != "--canaries" {
        stop("unknown argument: \(name)")
    }
}
@MainActor func number(_ name: String, _ fallback: UInt64) -> UInt64 { values[name] ?? fallback }

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
    batch.repeatsSeeds = CommandLine.arguments.contains("--twice")
    batch.stopsAtFailure = CommandLine.arguments.contains("--stop")
    let failures = batch.run { print($0) }
    print(
        "\(batch.seeds) seeds from \(batch.first) in \(String(format: "%.1f", batch.seconds)) s,"
            + " \(failures.count) went wrong, digest \(String(batch.digest, radix: 16))")
    exit(failures.isEmpty ? 0 : 1)
}
