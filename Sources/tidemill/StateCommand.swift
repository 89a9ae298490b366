import ArgumentParser
import Tidemill

struct StateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "state", abstract: "Shows what operators remember, as tables.",
        discussion: """
            Read from the checkpoint as of its last epoch, without its lock. The same tables are there in queries: \
            tidemill sql -e 'SELECT count(*) FROM state.`daily.aggregate`'.
            """,
        subcommands: [List.self, Show.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the operators that keep state, with their size.")
        @Argument(help: "A .sql file, or a folder with spark-pipeline.yml (default: the current folder).")
        var project: String?
        @OptionGroup var options: ProjectOptions
        @Flag(help: "One JSON object per operator.")
        var json = false

        func run() throws {
            StandardStreams.ignoreBrokenPipes()
            let text = StateText(try options.pipeline(project).stateCatalog())
            StandardStreams.out(json ? try text.json() : try text.list())
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Prints rows of one operator's state.")
        @Argument(help: "The operator, as `state list` names it.")
        var name: String
        @Argument(help: "A .sql file, or a folder with spark-pipeline.yml (default: the current folder).")
        var project: String?
        @OptionGroup var options: ProjectOptions
        @Option(help: ArgumentHelp("How many rows to print at most.", valueName: "n"))
        var limit = 20
        @Option(help: "How rows are printed; json is one object per line.")
        var format: SQLCommand.Format = .table

        func validate() throws {
            if limit < 1 { throw ValidationError("--limit is at least 1") }
        }

        func run() throws {
            StandardStreams.ignoreBrokenPipes()
            let answer = try StateText(try options.pipeline(project).stateCatalog()).answer(name, limit: limit)
            try format.write(answer)
        }
    }
}
