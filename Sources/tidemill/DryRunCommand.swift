import ArgumentParser
import Tidemill

struct DryRunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dry-run", abstract: "Checks the project and says what a run would do, without reading data.")

    @Argument(help: "A .sql file, or a folder with spark-pipeline.yml (default: the current folder).")
    var project: String?

    @OptionGroup var options: ProjectOptions

    @Option(help: ArgumentHelp("Say what a run with --full-refresh of these tables would do.", valueName: "table,…"))
    var fullRefresh: String?

    @Flag(help: "Say what a run with --full-refresh-all would do.")
    var fullRefreshAll = false

    func run() throws {
        let pipeline = try options.pipeline(project)
        try pipeline.validate()
        var refreshed = Set((fullRefresh ?? "").split(separator: ",").map { String($0.trimmingPrefix { $0 == " " }) })
        if fullRefreshAll { refreshed = Set(pipeline.definition.datasets.map(\.name)) }
        for table in refreshed { try pipeline.requireTable(table) }
        let report = try pipeline.changeReport(refreshed: refreshed)
        StandardStreams.out(PipelineText.describe(pipeline) + ChangeText.describe(report))
        if let error = report.errors.first { throw error }
    }
}
