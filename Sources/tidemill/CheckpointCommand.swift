import ArgumentParser
import Tidemill

struct CheckpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint", abstract: "Looks into a pipeline's checkpoint, verifies it, and goes back in it.",
        subcommands: [List.self, Show.self, Verify.self, Rollback.self, Savepoint.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the epochs that can be gone back to: the last published ones and savepoints.")
        @Argument(help: "A .sql file, or a folder with spark-pipeline.yml (default: the current folder).")
        var project: String?
        @OptionGroup var options: ProjectOptions
        @Flag(help: "One JSON object.")
        var json = false

        func run() throws {
            StandardStreams.ignoreBrokenPipes()
            let text = CheckpointText(try options.pipeline(project).checkpointContents())
            StandardStreams.out(json ? text.json() : text.list())
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows what the checkpoint holds: segments, state by operator, offsets, watermarks.")
        @Argument(help: "A .sql file, or a folder with spark-pipeline.yml (default: the current folder).")
        var project: String?
        @OptionGroup var options: ProjectOptions
        @Flag(help: "One JSON object.")
        var json = false

        func run() throws {
            StandardStreams.ignoreBrokenPipes()
            let text = CheckpointText(try options.pipeline(project).checkpointContents())
            StandardStreams.out(json ? text.json() : text.show())
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Reads every byte of the checkpoint and names what is not as it was written.",
            discussion: """
                Holds the checkpoint's lock meanwhile. Exit status 1 if a byte was changed or lost. What a crash left \
                is named too, but is no damage: the next run removes it.
                """)
        @Argument(help: "A .sql file, or a folder with spark-pipeline.yml (default: the current folder).")
        var project: String?
        @OptionGroup var options: ProjectOptions
        @Flag(help: "One JSON object.")
        var json = false

        func run() throws {
            StandardStreams.ignoreBrokenPipes()
            let pipeline = try options.pipeline(project)
            let report = try pipeline.verifyCheckpoint()
            StandardStreams.out(json ? report.json() : report.text(pipeline.storage.string))
            guard let first = report.damage.first else { return }
            let places = report.damage.count == 1 ? "a place" : counted(report.damage.count, "place")
            throw TidemillError(
                .corruption, "TIDEMILL_CHECKPOINT_DAMAGED", "the checkpoint is damaged in \(places): \(first.message)",
                hint: "restore a copy of storage and warehouse, or start over: see docs/OPERATIONS.md",
                place: .file(first.file, offset: first.offset))
        }
    }

    struct Rollback: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes state and tables back to a retained epoch, together.",
            discussion: "What was read after it is new again: the next run reads it once more.")
        @Option(help: ArgumentHelp("One of the epochs that `checkpoint list` shows.", valueName: "n"))
        var toEpoch: Int64?
        @Option(help: ArgumentHelp("A savepoint.", valueName: "name"))
        var toSavepoint: String?
        @Argument(help: "A .sql file, or a folder with spark-pipeline.yml (default: the current folder).")
        var project: String?
        @OptionGroup var options: ProjectOptions

        func validate() throws {
            guard (toEpoch == nil) != (toSavepoint == nil) else {
                throw ValidationError("name either an epoch with --to-epoch or a savepoint with --to-savepoint")
            }
        }

        func run() throws {
            let epochs = try options.pipeline(project).retainedEpochs()
            let result: RetainedEpochs.Rollback
            if let toSavepoint {
                result = try epochs.rollBack(toSavepoint: toSavepoint)
            } else {
                result = try epochs.rollBack(to: Epoch(toEpoch ?? -1))
            }
            for note in result.notes { StandardStreams.error("tidemill: \(note)\n") }
            let from = result.from.map { "from epoch \($0) " } ?? ""
            var text = "went back \(from)to epoch \(result.to)\n"
            if !result.tables.isEmpty { text += "  tables: \(result.tables.joined(separator: ", "))\n" }
            if !result.removed.isEmpty {
                text += "  made later, and out of their place now: \(result.removed.joined(separator: ", "))\n"
            }
            StandardStreams.out(text)
        }
    }

    struct Savepoint: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Names the last published epoch and keeps it until the savepoint is dropped.")
        @Argument(help: "The savepoint's name.")
        var name: String
        @Argument(help: "A .sql file, or a folder with spark-pipeline.yml (default: the current folder).")
        var project: String?
        @OptionGroup var options: ProjectOptions
        @Flag(help: "Forget the savepoint instead.")
        var drop = false

        func run() throws {
            let epochs = try options.pipeline(project).retainedEpochs()
            if drop {
                try epochs.dropSavepoint(name)
                StandardStreams.out("dropped savepoint \(name)\n")
            } else {
                StandardStreams.out("savepoint \(name): epoch \(try epochs.createSavepoint(name))\n")
            }
        }
    }
}
