import ArgumentParser
import Tidemill

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Shows how the tables are kept up to date.",
        discussion: """
            For each table its key and its optimized plan: for every operator whether its output only grows, what \
            state it keeps and what bounds that, and for scans what is pushed into them. Reads no data.
            """)

    @Argument(help: "A .sql file, or a folder with spark-pipeline.yml (default: the current folder).")
    var project: String?

    @Option(help: ArgumentHelp("Only this table.", valueName: "name"))
    var table: String?

    @OptionGroup var options: ProjectOptions

    func run() throws {
        StandardStreams.ignoreBrokenPipes()
        StandardStreams.out(try options.pipeline(project).explain(table: table))
    }
}
