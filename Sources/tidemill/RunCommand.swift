import ArgumentParser
import Tidemill

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Takes everything that is there now, updates the tables, and ends.")

    enum Progress: String, ExpressibleByArgument, CaseIterable {
        case auto, bar, jsonl, none
    }

    @Argument(help: "A .sql file, or a folder with spark-pipeline.yml (default: the current folder).")
    var project: String?

    @OptionGroup var options: ProjectOptions

    @Option(help: "How to show progress: bar (on a terminal), jsonl (one JSON object per flow and epoch), none.")
    var progress: Progress = .auto

    @Option(help: ArgumentHelp("Stop after this many epochs; the next run goes on.", valueName: "n"))
    var maxEpochs: Int?

    @OptionGroup var refreshing: RefreshOptions

    func validate() throws {
        if let maxEpochs, maxEpochs < 1 { throw ValidationError("--max-epochs is at least 1") }
    }

    func run() throws {
        StandardStreams.ignoreBrokenPipes()
        let pipeline = try options.pipeline(project, infersAnew: refreshing.fullRefreshAll)
        let printer = ProgressPrinter(mode: progress, clock: pipeline.environment.clock)
        printer.introduce(pipeline)
        let runner = try pipeline.runner(epochsMax: maxEpochs, refreshed: refreshing.tables(of: pipeline)) {
            printer.show($0)
        }
        do {
            try runner.run()
        } catch {
            printer.clear()
            throw error
        }
        printer.finish(pipeline)
    }
}
