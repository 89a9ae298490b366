import ArgumentParser
import Tidemill

struct TidemillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tidemill",
        abstract: "Keeps tables up to date while data keeps arriving.",
        discussion: """
            A pipeline is a .sql file, or a folder with Spark's spark-pipeline.yml: which files to read, and the \
            tables wanted from them. `tidemill run` takes what is new, updates the tables and ends. The least one:

              CREATE TABLE orders (id INT, customer STRING, amount DOUBLE)
                USING csv OPTIONS (path 'orders', header 'true');
              CREATE MATERIALIZED VIEW totals AS
                SELECT customer, sum(amount) AS amount FROM orders GROUP BY customer;

            In shop.sql, with CSV files in orders/: `tidemill run shop.sql`, then
            `tidemill sql -e 'SELECT * FROM totals' shop.sql`.

            Exit status: 0 done, 1 the pipeline failed (one error on standard error), 2 wrong usage.
            """,
        version: "tidemill 0.1.0",
        subcommands: [
            RunCommand.self, ServeCommand.self, DryRunCommand.self, ExplainCommand.self, SQLCommand.self,
            CheckpointCommand.self, StateCommand.self,
        ])
}

/// What every verb over a project takes.
struct ProjectOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Folder of the checkpoint (default: .tidemill/<name> beside the project).", valueName: "dir")
    )
    var storage: String?

    @Option(
        help: ArgumentHelp("Folder of the tables (default: spark-warehouse next to the project).", valueName: "dir"))
    var warehouse: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("A configuration value, over the project's.", valueName: "key=value"))
    var settings: [String] = []

    func settingsMap() throws -> [String: String] {
        var map: [String: String] = [:]
        for setting in settings {
            guard let split = setting.firstIndex(of: "="), split != setting.startIndex else {
                throw ValidationError("--set needs key=value, not '\(setting)'")
            }
            map[String(setting[..<split])] = String(setting[setting.index(after: split)...])
        }
        return map
    }

    /// - Parameter infersAnew: columns that are not declared are taken from the files of now.
    func pipeline(_ path: String?, infersAnew: Bool = false) throws -> Pipeline {
        let settings = try settingsMap()
        var workers = processorCount()
        if let text = settings["tidemill.workers"] {
            guard let number = Int(text), (1...256).contains(number) else {
                throw ValidationError("tidemill.workers is a number from 1 to 256, not '\(text)'")
            }
            workers = number
        }
        let environment = Environment.system(workers: workers)
        let project = try Project.load(path, files: environment.files)
        return try Pipeline(
            project, storage: storage.map { Project.resolve($0, in: currentDirectory()) },
            warehouse: warehouse.map { Project.resolve($0, in: currentDirectory()) }, settings: settings,
            infersAnew: infersAnew, environment: environment)
    }
}
