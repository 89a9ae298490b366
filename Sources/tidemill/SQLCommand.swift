import ArgumentParser
import Tidemill

struct SQLCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sql",
        abstract: "Asks the pipeline's tables and files a question.",
        discussion: """
            With -e the only argument is the project; without it the first argument is a file with the query and the \
            second the project. Files are read in place: SELECT * FROM csv.`data/*.csv`, parquet.`table`.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, csv, json

        func write(_ answer: Pipeline.Answer) throws {
            switch self {
            case .table: StandardStreams.out(TableText(answer).render())
            case .csv: StandardStreams.out(try answer.csv())
            case .json: StandardStreams.out(answer.jsonLines())
            }
        }
    }

    @Option(name: .customShort("e"), help: ArgumentHelp("The query.", valueName: "query"))
    var query: String?

    @Option(help: "How rows are printed; json is one object per line.")
    var format: Format = .table

    @Argument(help: "[QUERY.sql] [PROJECT]")
    var arguments: [String] = []

    @OptionGroup var options: ProjectOptions

    func validate() throws {
        let allowed = query == nil ? 1...2 : 0...1
        guard allowed.contains(arguments.count) else {
            throw ValidationError(
                query == nil ? "name a file with the query, or give it with -e" : "with -e only the project is named")
        }
    }

    func run() throws {
        StandardStreams.ignoreBrokenPipes()
        let environment = Environment.system()
        let source: SourceText
        var project = arguments.last
        if let query {
            source = SourceText(name: "query", text: query)
        } else {
            let path = Project.resolve(arguments[0], in: currentDirectory())
            guard try environment.files.exists(path) else {
                throw TidemillError(
                    .user, "TIDEMILL_QUERY_NOT_FOUND", "no such query file: \(arguments[0])",
                    hint: "the text of a query goes behind -e: tidemill sql -e 'SELECT …'")
            }
            let bytes = try environment.files.contents(of: path, limit: 64 << 20)
            source = SourceText(name: arguments[0], text: String(decoding: bytes, as: UTF8.self))
            if arguments.count == 1 { project = nil }
        }
        let answer: Pipeline.Answer
        if project == nil, !(try Project.exists(in: currentDirectory(), files: environment.files)) {
            answer = try Pipeline.query(source, directory: currentDirectory(), environment: environment)
        } else {
            answer = try options.pipeline(project).query(source)
        }
        try format.write(answer)
    }
}
