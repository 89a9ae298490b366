import ArgumentParser
import TideConnectors
import Tidemill

struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Writes the input of a job.", subcommands: [Sales.self, Nexmark.self])

    struct Sales: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "J1", abstract: "Sales in CSV files.", aliases: ["j1"])
        @OptionGroup var options: JobOptions

        func run() throws {
            let environment = Environment.system()
            let expected = try SalesGenerator(rows: options.rows, files: options.files)
                .generate(into: options.directory.appending("J1"), files: environment.files)
            Report.line(
                "\(expected.rows) rows, \(expected.groups) groups in \(options.directory.appending("J1").string)")
        }
    }

    struct Nexmark: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "nexmark",
            abstract: "Nexmark's persons, auctions and bids, the same rows as the source nexmark makes.")
        @Option(help: "Events of all three streams.") var events: Int64 = 1_000_000
        @Option(help: "Files of each stream.") var epochs: Int64 = 10
        @Option(help: "parquet, json or csv.") var format = NexmarkFiles.Format.parquet
        @Option(help: "Events in a second of their own time.") var eventsPerSecond: Int64 = 10_000
        @Option(help: ArgumentHelp("Where the folders go (default: .bench/nexmark).", valueName: "dir"))
        var out: String?

        func validate() throws {
            guard epochs >= 1, events >= epochs, events < 1 << 40 else {
                throw ValidationError("--events must be at least --epochs, and that 1")
            }
            guard 1...1_000_000_000 ~= eventsPerSecond else {
                throw ValidationError("--events-per-second is 1 to 1000000000")
            }
        }

        func run() throws {
            let environment = Environment.system()
            let directory = Project.resolve(out ?? ".bench/nexmark", in: currentDirectory())
            var sequence = NexmarkEvents()
            sequence.perSecond = eventsPerSecond
            let start = environment.clock.elapsed()
            let written = try NexmarkFiles(events: events, epochs: epochs, format: format, sequence: sequence)
                .write(into: directory, files: environment.files)
            let seconds = Double(environment.clock.elapsed() - start) / 1e9
            let rows = written.map { "\($0.rows) of \($0.stream.rawValue)" }.joined(separator: ", ")
            Report.line("\(rows) in \(directory.string), \(Report.fixed(seconds)) s")
        }
    }
}

extension NexmarkFiles.Format: ExpressibleByArgument {}
