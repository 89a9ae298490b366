import ArgumentParser
import Tidemill

struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Keeps the tables up to date until it is told to stop.",
        discussion: """
            Files are taken as they come: at once when they are moved into their directory or closed after writing, \
            otherwise when they have not changed for a second. SIGTERM, SIGINT or SIGHUP ends it: the epoch in hand is \
            finished, everything committed is published, the exit status is 0. A second signal ends it at once; \
            nothing is lost, and the next start publishes what was committed.
            """)

    @Argument(help: "A .sql file, or a folder with spark-pipeline.yml (default: the current folder).")
    var project: String?

    @OptionGroup var options: ProjectOptions

    @Option(
        help: ArgumentHelp(
            "How often to look for new input: '500 ms', '10 seconds'; '0 ms': as soon as it is there.",
            valueName: "interval"))
    var trigger = "0 ms"

    @Option(help: "How to show progress: bar (on a terminal), jsonl (one JSON object per flow and epoch), none.")
    var progress: RunCommand.Progress = .auto

    @Option(
        help: ArgumentHelp(
            "Where the HTTP API will listen. Accepted; this version has none yet.", valueName: "host:port"))
    var listen: String?

    @OptionGroup var refreshing: RefreshOptions

    func validate() throws {
        do { _ = try EngineSettings.duration("--trigger", trigger) } catch {
            throw ValidationError("--trigger is no interval: '\(trigger)'; write it as '500 ms' or '2 s'")
        }
    }

    func run() throws {
        StandardStreams.ignoreBrokenPipes()
        TerminationSignals.block()
        let interval = try EngineSettings.duration("--trigger", trigger)
        let pipeline = try options.pipeline(project, infersAnew: refreshing.fullRefreshAll)
        let printer = ProgressPrinter(mode: progress, clock: pipeline.environment.clock, showsEpochs: true)
        printer.introduce(pipeline)
        if let listen { printer.warn("this version has no HTTP API: nothing listens on \(listen)") }
        let runner = try pipeline.runner(refreshed: refreshing.tables(of: pipeline)) { printer.show($0) }
        let watch = try DirectoryWatch()
        let stop = runner.stopper
        TerminationSignals.handle {
            stop.request()
            watch.wake()
        }
        do {
            try runner.serve(interval == .zero ? .immediately : .every(interval), watch: watch)
        } catch {
            printer.clear()
            throw error
        }
        printer.finish(pipeline)
    }
}
