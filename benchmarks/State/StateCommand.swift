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
    @Option(help: "State in memory at most, in megabytes (default: no limit).") var memoryLimit: Int64?
    @Flag(help: "Go on with the checkpoint that is there.") var reopen = false
    @Option(help: ArgumentHelp("Where the checkpoint goes (default: .bench/state).", valueName: "dir"))
    var dir: String?

    @Option(help: ArgumentHelp("The RocksDB program, for the peer's figures beside ours.", valueName: "path"))
    var rocksdb: String?
    @Option(help: "Block cache of RocksDB, in bytes.") var cache = 1 << 30

    func validate() throws {
        guard operations >= 1, keys >= 1, batch >= 1 else {
            throw ValidationError("--operations, --keys and --batch are at least 1")
        }
        if let workers, workers < 1 { throw ValidationError("--workers is at least 1") }
    }

    func run() throws {
        let environment = Environment.system(workers: workers ?? processorCount())
        let directory = Project.resolve(dir ?? ".bench/state", in: currentDirectory())
        let job = StateJob(
            environment: environment, directory: directory.appending("tidemill"), operations: operations, keys: keys,
            batchRows: batch, memoryLimit: memoryLimit.map { $0 << 20 }, reopens: reopen)
        let result = try job.run()
        let usage = result.usage
        Report.line(
            "tidemill  \(Report.fixed(result.seconds)) s, \(Int(Double(operations) / result.seconds)) keys/s, "
                + "\(result.bytesWritten / 1_000_000) MB written, \(Int(usage.peakMegabytes)) MB peak, "
                + result.checksum.text)
        Report.line(
            "          \(result.stateBytes / 1_000_000) MB of state, "
                + "\(Report.fixed(Double(result.stateBytes) / Double(result.checksum.rows))) bytes per key, "
                + "\(environment.executor.workers) workers, \(Report.fixed(usage.cpuSeconds)) s CPU")
        let millis = result.epochMillis.sorted()
        Report.line(
            "          opened in \(Report.fixed(result.openSeconds)) s, epochs of \(Report.fixed(millis[0])) to "
                + "\(Report.fixed(millis[millis.count - 1])) ms, median \(Report.fixed(millis[millis.count / 2])) ms, "
                + "first \(Report.fixed(result.epochMillis[0])) ms, \(result.fetchedRows) rows read from runs")
        guard let rocksdb else { return }
        let peer = try Peer.rocksdb(
            program: rocksdb, work: directory.appending("rocksdb"), operations: operations, keys: keys, batch: batch,
            cacheBytes: cache)
        let speed = Double(operations) / result.seconds
        Report.line("ratio     \(Report.fixed(speed / peer.keysPerSecond))")
        if peer.checksum != result.checksum.text {
            throw TidemillError(
                .internal, "TIDEMILL_BENCH_WRONG_RESULT",
                "the final states differ: \(result.checksum.text); rocksdb: \(peer.checksum)")
        }
    }
}
