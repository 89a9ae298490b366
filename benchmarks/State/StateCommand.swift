import ArgumentParser
import Tidemill

struct RunState: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "state",
        abstract: "Updates counts and sums by random keys, one durable batch after the other, and prints the figures.")

    @Option(help: "Updates in all.") var operations = 10_000_000
    @Option(help: "Keys are drawn from this many.") var keys = 10_000_000
    @Option(help: "Updates per commit.") var batch = 100_000
    @Option(help: "Worker threads (default: one per processor).") var workers: Int?
    @Option(help: ArgumentHelp("Where the checkpoint goes (default: .bench/state).", valueName: "dir"))
    var dir: String?

    func validate() throws {
        guard operations >= 1, keys >= 1, batch >= 1 else {
            throw ValidationError("--operations, --keys and --batch are at least 1")
        }
        if let workers, workers < 1 { throw ValidationError("--workers is at least 1") }
    }

    func run() throws {
        let environment = Environment.system(workers: workers ?? processorCount())
        let job = StateJob(
            environment: environment, directory: Project.resolve(dir ?? ".bench/state", in: currentDirectory()),
            operations: operations, keys: keys, batchRows: batch)
        let result = try job.run()
        let usage = Report.usage()
        Report.line(
            "tidemill  \(Report.fixed(result.seconds)) s, \(Int(Double(operations) / result.seconds)) keys/s, "
                + "\(result.bytesWritten / 1_000_000) MB written, \(Int(usage.peakMegabytes)) MB peak, "
                + result.checksum.text)
        Report.line(
            "          \(result.stateBytes / 1_000_000) MB of state, "
                + "\(Report.fixed(Double(result.stateBytes) / Double(result.checksum.rows))) bytes per key, "
                + "\(environment.executor.workers) workers, \(Report.fixed(usage.cpuSeconds)) s CPU")
    }
}
