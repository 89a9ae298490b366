import Foundation
import Testing

/// `dry-run` refuses what `run` would refuse at its start, in the same words, and changes nothing.
@Suite struct ForesightTests {
    let workspace: Workspace
    init() throws { workspace = try Workspace() }

    /// Both end with the code; the dry run leaves every file as it was.
    private func expectBoth(_ code: String, _ parts: String..., arguments: [String] = ["p.sql"]) throws {
        let before = try contents()
        let dry = try RunningTidemill(["dry-run"] + arguments, in: workspace.directory).finish()
        #expect(try contents() == before)
        let run = try RunningTidemill(["run"] + arguments, in: workspace.directory).finish()
        for (verb, outcome) in [("dry-run", dry), ("run", run)] {
            #expect(outcome.status == 1, "\(verb): \(outcome)")
            for part in [code] + parts { #expect(outcome.err.contains(part), "\(verb) lacks \(part): \(outcome)") }
        }
    }

    private func contents() throws -> [String: Data] {
        var found: [String: Data] = [:]
        for file in workspace.files(".") where !file.hasPrefix(".stderr") {
            found[file] = try Data(contentsOf: workspace.url(file))
        }
        return found
    }

    @Test func folderThatHoldsSomethingElse() throws {
        try Orders.write(to: workspace)
        try workspace.write("spark-warehouse/totals/notes.txt", "mine")
        try expectBoth("TIDEMILL_FOREIGN_TABLE_DIRECTORY", "notes.txt", "hint: ")
        try workspace.remove("spark-warehouse/totals")
        try Orders.expectComplete(workspace)
    }

    /// Readers would take the rows of a file that somebody put there for the table's.
    @Test func dataFileThatSomebodyPutThere() throws {
        try Orders.write(to: workspace)
        try Orders.expectComplete(workspace)
        let ours = try #require(workspace.files("spark-warehouse/totals").first { $0.hasSuffix(".parquet") })
        try workspace.copy("spark-warehouse/totals/\(ours)", "spark-warehouse/totals/extra.parquet")
        try expectBoth("TIDEMILL_FOREIGN_TABLE_FILE", "totals/extra.parquet", "move it away")
        try workspace.remove("spark-warehouse/totals/extra.parquet")
        try workspace.tidemill("dry-run", "p.sql").expectSuccess()
        try Orders.expectComplete(workspace)
    }

    @Test func tableThatIsGone() throws {
        try Orders.write(to: workspace)
        try Orders.expectComplete(workspace)
        try workspace.remove("spark-warehouse/big")
        try expectBoth("TIDEMILL_TABLE_MISSING", "big", "--full-refresh big")
    }

    @Test func tableOfAnotherCheckpoint() throws {
        try Orders.write(to: workspace)
        try Orders.expectComplete(workspace)
        try expectBoth(
            "TIDEMILL_TABLE_OF_ANOTHER_CHECKPOINT", "spark-warehouse/big",
            arguments: ["p.sql", "--storage", "elsewhere"])
    }

    @Test func checkpointBelowAFile() throws {
        try Orders.write(to: workspace)
        try workspace.write("file", "x")
        let dry = try workspace.tidemill("dry-run", "p.sql", "--storage", "file/checkpoint")
        dry.expectError("the folder of the checkpoint cannot be made", "/file is a file", "hint: ")
        let run = try workspace.tidemill("run", "p.sql", "--storage", "file/checkpoint")
        #expect(run.status == 1, "\(run)")
    }

    @Test func everyReasonIsListed() throws {
        try Orders.write(to: workspace)
        try workspace.write("spark-warehouse/totals/notes.txt", "mine")
        try workspace.write("spark-warehouse/big", "a file")
        let dry = try workspace.tidemill("dry-run", "p.sql")
        #expect(dry.status == 1, "\(dry)")
        #expect(dry.out.contains("a run would stop for 2 reasons\n"), "\(dry)")
        for part in ["spark-warehouse/totals", "spark-warehouse/big"] { #expect(dry.out.contains(part), "\(dry)") }
    }

    @Test func wrongFolder() throws {
        try workspace.write("shop.sql", "SELECT 1")
        try workspace.tidemill("run").expectError(
            "neither spark-pipeline.yml nor spark-pipeline.yaml", workspace.directory.lastPathComponent,
            "the current folder", "there is shop.sql")
        try workspace.write("jobs/a.sql", "SELECT 1")
        try workspace.tidemill("run", "jobs").expectError("jobs", "there is jobs/a.sql")
    }
}
