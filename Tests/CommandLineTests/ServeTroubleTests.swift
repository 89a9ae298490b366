import Foundation
import Testing

/// What happens to a daemon: its terminal goes away, its input vanishes and comes back, or cannot be read.
@Suite struct ServeTroubleTests {
    let workspace: Workspace

    init() throws {
        workspace = try Workspace()
        try workspace.createDirectory("in")
        try workspace.write(
            "p.sql",
            """
            CREATE TABLE s (id INT, k STRING) USING csv OPTIONS (path 'in', mode 'FAILFAST');
            CREATE STREAMING TABLE rows AS SELECT * FROM STREAM s;
            CREATE MATERIALIZED VIEW totals AS SELECT k, count(*) AS n FROM s GROUP BY k;
            """)
    }

    private func start(_ arguments: String...) throws -> RunningTidemill {
        try RunningTidemill(["serve", "p.sql", "--progress", "auto"] + arguments, in: workspace.directory)
    }

    private func move(_ name: String, _ text: String) throws {
        try workspace.write("in/.\(name)", text)
        try FileManager.default.moveItem(at: workspace.url("in/.\(name)"), to: workspace.url("in/\(name)"))
    }

    @Test func hangUpIsAStop() throws {
        let serving = try start()
        try serving.waitForError("epoch 0")
        try move("1.csv", "1,a\n")
        try serving.waitForError(": 1 row (")
        kill(serving.process.processIdentifier, SIGHUP)
        try serving.finish().expectSuccess()
        #expect(try workspace.rows("SELECT * FROM totals") == ["a,1"])
    }

    /// `nohup` ignores the signal for what it starts, and that stays so.
    @Test func hangUpUnderNohup() throws {
        let outcome = try workspace.bash(
            """
            nohup "$0" serve p.sql 2> err > out & pid=$!
            until grep -q 'epoch 0' err; do kill -0 $pid; done
            kill -HUP $pid; echo 1,a > in/.1; mv in/.1 in/1.csv
            until grep -q ': 1 row (' err; do kill -0 $pid; done
            kill -TERM $pid; wait $pid
            """)
        outcome.expectSuccess()
        #expect(try workspace.rows("SELECT * FROM totals") == ["a,1"])
    }

    @Test func directoryThatComesBack() throws {
        let serving = try start()
        try serving.waitForError("epoch 0")
        try move("1.csv", "1,a\n")
        try serving.waitForError(": 1 row (")
        try FileManager.default.moveItem(at: workspace.url("in"), to: workspace.url("away"))
        try serving.waitForError("path does not exist", "it is waited for")
        try FileManager.default.moveItem(at: workspace.url("away"), to: workspace.url("in"))
        try move("2.csv", "2,b\n3,b\n")
        try serving.waitForError("is there again", ": 2 rows (")
        serving.process.terminate()
        let outcome = try serving.finish()
        outcome.expectSuccess()
        #expect(outcome.err.split(separator: "\n").filter { $0.contains("path does not exist") }.count == 1)
        #expect(try workspace.rows("SELECT * FROM totals ORDER BY k") == ["a,1", "b,2"])
    }

    /// An answer that did not arrive is an error; a reader that has seen enough is none.
    @Test func outputThatIsLost() throws {
        try workspace.bash("\"$0\" sql -e 'SELECT 1' > /dev/full").expectError(
            "standard output cannot be written", "No space left on device")
        let head = try workspace.bash(
            "\"$0\" sql -e 'SELECT * FROM VALUES (1), (2) AS t(a)' --format csv | head -1")
        #expect(head.out == "a\n" && head.err.isEmpty, "\(head)")
    }

    /// Readers of the Parquet files see what was committed before the bad file, although publishing was not due; the
    /// file is named, and once it is corrected a start goes on where the other ended.
    @Test func badFileAmidGoodOnes() throws {
        let serving = try start("--set", "tidemill.publishInterval=1 h")
        try serving.waitForError("epoch 0")
        try move("1.csv", "1,a\n")
        try serving.waitForError(": 1 row (")
        try move("2.csv", "x,b\n")
        let outcome = try serving.finish()
        outcome.expectError("MALFORMED_RECORD_IN_PARSING", "in/2.csv:1", "hint: ")
        let stored = try workspace.tidemill(
            "sql", "-e", "SELECT id, k FROM parquet.`spark-warehouse/rows`", "--format", "csv")
        #expect(stored.out == "id,k\n1,a\n", "\(stored)")
        try workspace.tidemill("run", "p.sql").expectError("in/2.csv:1")
        try workspace.write("in/2.csv", "2,b\n")
        try workspace.tidemill("run", "p.sql").expectSuccess()
        #expect(try workspace.rows("SELECT * FROM totals ORDER BY k") == ["a,1", "b,1"])
        #expect(try workspace.rows("SELECT id FROM rows ORDER BY id") == ["1", "2"])
    }
}
