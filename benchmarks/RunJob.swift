import ArgumentParser
import Tidemill

struct JobOptions: ParsableArguments {
    @Option(help: "Rows of input.")
    var rows = 10_000_000
    @Option(help: "Files the rows lie in.")
    var files = 100
    @Option(help: ArgumentHelp("Where data and tables go (default: .bench in the current folder).", valueName: "dir"))
    var dir: String?

    var directory: FilePath { Project.resolve(dir ?? ".bench", in: currentDirectory()) }

    func validate() throws {
        guard files >= 1, rows >= files else { throw ValidationError("--rows must be at least --files, and that 1") }
    }
}

struct RunJob: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Generates a job's input, runs it, checks the result and prints the figures.")

    @Argument(help: "The job: J1.") var job: String
    @OptionGroup var options: JobOptions
    @Option(help: "Files taken per epoch.") var filesPerEpoch = 10
    @Option(help: "Worker threads (default: one per processor).") var workers: Int?
    @Option(help: ArgumentHelp("Python with duckdb, for the peer's figures beside ours.", valueName: "path"))
    var python: String?

    func validate() throws {
        if let workers, workers < 1 { throw ValidationError("--workers is at least 1") }
        guard filesPerEpoch >= 1 else { throw ValidationError("--files-per-epoch is at least 1") }
    }

    func run() throws {
        guard job.uppercased() == "J1" else { throw ValidationError("known is J1, not '\(job)'") }
        let environment = Environment.system(workers: workers ?? processorCount())
        let data = options.directory.appending("J1")
        Report.line(
            "J1: \(options.rows) rows in \(options.files) files, \(filesPerEpoch) per epoch, "
                + "\(environment.executor.workers) workers")
        let expected = try SalesGenerator(rows: options.rows, files: options.files)
            .generate(into: data, files: environment.files)
        let before = Report.usage()
        let result = try SalesJob(
            environment: environment, data: data, work: options.directory.appending("J1-tidemill"),
            filesPerEpoch: filesPerEpoch
        ).run()
        let after = Report.usage()
        Report.line(
            "tidemill  \(Report.fixed(result.seconds)) s wall, "
                + "\(Report.fixed(after.cpuSeconds - before.cpuSeconds)) s CPU, \(Int(after.peakMegabytes)) MB peak, "
                + "\(result.bytesWritten / 1_000_000) MB tables and \(result.logBytes / 1_000_000) MB log written, "
                + "\(result.epochs) epochs")
        let revenue = Double(expected.revenueCents) / 100
        let isRight =
            result.groups == expected.groups && result.count == expected.rows && result.quantity == expected.quantity
            && (result.revenue - revenue).magnitude <= 0.01
        Report.line(
            "result    \(result.groups) groups, count \(result.count), quantity \(result.quantity), "
                + "revenue \(Report.fixed(result.revenue)): \(isRight ? "right" : "WRONG")")
        if !isRight {
            throw TidemillError(
                .internal, "TIDEMILL_BENCH_WRONG_RESULT",
                "expected \(expected.groups) groups, count \(expected.rows), quantity \(expected.quantity), "
                    + "revenue \(Report.fixed(revenue))")
        }
        try Peer.duckdb(data: data, work: options.directory.appending("J1-duckdb"), filesPerEpoch, python: python)
    }
}
