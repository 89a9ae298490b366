import ArgumentParser
import Tidemill

struct DryRunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dry-run", abstract: "Checks the project and says what a run would do, without reading data.")

    @Argument(help: "A .sql file, or a folder with spark-pipeline.yml (default: the current folder).")
    var project: String?

    @OptionGroup var options: ProjectOptions

    func run() throws {
        let pipeline = try options.pipeline(project)
        try pipeline.validate()
        StandardStreams.out(PipelineText.describe(pipeline))
    }
}
