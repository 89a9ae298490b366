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

    @Option(help: ArgumentHelp("Rebuild these tables from everything read so far.", valueName: "table,…"))
    var fullRefresh: String?

    @Flag(help: "Rebuild every table.")
    var fullRefreshAll = false

    @Option(help: ArgumentHelp("Accepted as in Spark; all tables move together.", valueName: "table,…"))
    var refresh: String?

    func validate() throws {
        if let maxEpochs, maxEpochs < 1 { throw ValidationError("--max-epochs is at least 1") }
        if fullRefreshAll && (fullRefresh != nil || refresh != nil) {
            throw ValidationError("--full-refresh-all goes without --full-refresh and --refresh")
        }
    }

    func run() throws {
        StandardStreams.ignoreBrokenPipes()
        let pipeline = try options.pipeline(project)
        var refreshed = Set<String>()
        if fullRefreshAll { refreshed = Set(pipeline.definition.datasets.map(\.name)) }
        for name in (fullRefresh ?? "").split(separator: ",") {
            refreshed.insert(name.trimmingPrefix { $0 == " " }.description)
        }
        // All tables move anyway; a name that does not exist is still a mistake.
        for name in (refresh ?? "").split(separator: ",") {
            try pipeline.requireTable(name.trimmingPrefix { $0 == " " }.description)
        }
        let printer = ProgressPrinter(mode: progress, clock: pipeline.environment.clock)
        let runner = try pipeline.runner(epochsMax: maxEpochs, refreshed: refreshed) { printer.show($0) }
        do {
            try runner.run()
        } catch {
            printer.clear()
            throw error
        }
        printer.finish(pipeline)
    }
}
