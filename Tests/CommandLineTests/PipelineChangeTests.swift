import Foundation
import Testing

/// A pipeline that changed between two runs: what `dry-run` says, and that the run does just that.
@Suite struct PipelineChangeTests {
    private static let input = """
        CREATE TABLE orders (id INT, customer STRING, amount DOUBLE)
        USING csv OPTIONS (path 'in', header 'true');

        """
    private static let before =
        input + """
            CREATE STREAMING TABLE big AS SELECT * FROM STREAM orders WHERE amount >= 10;
            CREATE STREAMING TABLE seen AS
            SELECT o.id, t.n FROM STREAM orders o JOIN totals t ON o.customer = t.customer;
            CREATE MATERIALIZED VIEW totals AS
            SELECT customer, count(*) AS n, sum(amount) AS amount FROM orders GROUP BY customer;
            CREATE MATERIALIZED VIEW old AS SELECT count(*) AS n FROM orders;
            """

    private func workspace() throws -> Workspace {
        let workspace = try Workspace()
        try Orders.write(to: workspace, sql: Self.before)
        return workspace
    }

    /// Lines from "since epoch" on; sizes are not the same twice.
    private func changes(_ outcome: Outcome) -> [String] {
        let lines = outcome.outLines.drop { !$0.hasPrefix("since epoch") && !$0.hasPrefix("first run") }
        return lines.map { $0.replacing(#/[0-9.]+ k?B\b/#, with: "<size>").replacing(#/ +/#, with: " ") }
    }

    @Test func firstRunAndUnchanged() throws {
        let workspace = try workspace()
        let first = try workspace.tidemill("dry-run", "p.sql")
        first.expectSuccess()
        #expect(changes(first) == ["first run: every table is new", "new input", " orders (3 files, <size>)"])
        #expect(!workspace.exists(".tidemill") && !workspace.exists("spark-warehouse"))
        try workspace.tidemill("run", "p.sql").expectSuccess()
        let second = try workspace.tidemill("dry-run", "p.sql")
        second.expectSuccess()
        #expect(
            changes(second) == [
                "since epoch 0", " big goes on", " totals goes on with its state, aggregate (5 rows, <size>)",
                " seen goes on with its state, lookup (5 rows, <size>)",
                " old goes on with its state, aggregate (1 row, <size>)", "new input: none",
            ])
    }

    @Test func changed() throws {
        let workspace = try workspace()
        try workspace.tidemill("run", "p.sql").expectSuccess()
        let text = Self.before.replacingOccurrences(of: "amount >= 10", with: "amount >= 30")
            .replacingOccurrences(of: "SELECT customer, count(*) AS n,", with: "SELECT customer, count(*) * 1 AS n,")
            .replacingOccurrences(
                of: "CREATE MATERIALIZED VIEW old AS SELECT count(*) AS n FROM orders;",
                with: "CREATE STREAMING TABLE late AS SELECT id FROM STREAM orders;")
        try workspace.write("p.sql", text)
        try workspace.write("in/4.csv", Orders.header + "10,ann,15\n11,ann,50\n")
        let dry = try workspace.tidemill("dry-run", "p.sql")
        dry.expectSuccess()
        #expect(
            changes(dry) == [
                "since epoch 0", " big goes on; its query changed and applies from now on",
                " totals is rebuilt, since its query changed: reads again orders (3 files, <size>);"
                    + " aggregate (5 rows, <size>) is dropped",
                " seen goes on with its state, lookup (5 rows, <size>)",
                " late is new: reads again orders (3 files, <size>)",
                " old is removed: aggregate (1 row, <size>) is dropped; its table old stays as it is", "new input",
                " orders (1 file, <size>)",
            ])
        let run = try workspace.tidemill("run", "p.sql")
        run.expectSuccess()
        for note in ["flow big goes on", "flow totals is rebuilt", "flow late is new", "flow old is gone"] {
            #expect(run.err.contains(note), "\(run)")
        }
        // Rows that were final stay; the new text decides about the new ones.
        #expect(try workspace.rows("SELECT id FROM big ORDER BY id") == ["1", "2", "6", "7", "11"])
        #expect(try workspace.rows("SELECT count(*) FROM late") == ["11"])
        #expect(try workspace.rows("SELECT n FROM totals WHERE customer = 'ann'") == ["5"])
    }

    /// Spark's rule: a streaming table's state stays only while its operator's keys, functions and types do.
    @Test func stateThatDoesNotFit() throws {
        let workspace = try workspace()
        try workspace.tidemill("run", "p.sql").expectSuccess()
        let tables = workspace.files("spark-warehouse")
        let text = Self.before.replacingOccurrences(of: "ON o.customer =", with: "ON lower(o.customer) =")
        try workspace.write("p.sql", text)
        for verb in ["dry-run", "run"] {
            try workspace.tidemill(verb, "p.sql").expectError(
                "TIDEMILL_STATE_INCOMPATIBLE", "p.sql:", "it was: lookup inner on customer STRING = customer STRING",
                "it is: lookup inner on lower(customer) STRING = customer STRING", "--full-refresh seen")
        }
        #expect(workspace.files("spark-warehouse") == tables)
        let dry = try workspace.tidemill("dry-run", "p.sql", "--full-refresh", "seen")
        dry.expectSuccess()
        #expect(dry.out.contains("is rebuilt, since a refresh was asked for"))
        try workspace.tidemill("run", "p.sql", "--full-refresh", "seen").expectSuccess()
        #expect(try workspace.rows("SELECT count(*) FROM seen") == ["9"])
        // A changed projection below or above it is no obstacle.
        try workspace.write(
            "p.sql", text.replacingOccurrences(of: "SELECT o.id, t.n", with: "SELECT o.id + 0 AS id, t.n"))
        try workspace.tidemill("run", "p.sql").expectSuccess()
    }

    @Test func inputThatIsGone() throws {
        let workspace = try workspace()
        let text = Self.before.replacingOccurrences(
            of: "path 'in'", with: "path 'in', tidemill.changedFiles 'immutable'")
        try workspace.write("p.sql", text)
        try workspace.tidemill("run", "p.sql").expectSuccess()
        try workspace.remove("in/2.csv")
        let dry = try workspace.tidemill("dry-run", "p.sql", "--full-refresh", "totals")
        dry.expectError("TIDEMILL_REPLAY_FILES_GONE", "in/2.csv")
        #expect(dry.out.contains("cannot be filled"))
    }

    /// Columns that nobody declared are those of the first file, and stay when it is gone; a full refresh of all tables
    /// takes them from the files of then.
    @Test(arguments: ["json", "csv"]) func inferredColumnsStay(_ format: String) throws {
        let workspace = try Workspace()
        try workspace.write(
            "p.sql",
            """
            CREATE TABLE s USING \(format) OPTIONS (path 'in', header 'true');
            CREATE MATERIALIZED VIEW t AS SELECT * FROM s;
            """)
        func put(_ name: String, _ cells: [(String, String)]) throws {
            let text =
                format == "json"
                ? "{" + cells.map { "\"\($0)\": \"\($1)\"" }.joined(separator: ", ") + "}\n"
                : cells.map(\.0).joined(separator: ",") + "\n" + cells.map(\.1).joined(separator: ",") + "\n"
            try workspace.write("in/\(name)", text)
        }
        try put("0", [("k", "a")])
        try put("1", [("k", "b"), ("v", "x")])
        let first = try workspace.tidemill("run", "p.sql")
        first.expectSuccess()
        #expect(
            first.err.contains("the columns of s are those of its first file; later files also have v string: declare"))
        try FileManager.default.removeItem(at: workspace.url("in/0"))
        try put("2", [("k", "c"), ("v", "y")])
        let second = try workspace.tidemill("run", "p.sql")
        second.expectSuccess()
        #expect(!second.err.contains("the columns of s"))
        #expect(try workspace.rows("SELECT * FROM t ORDER BY ALL") == ["b", "c"])
        try workspace.tidemill("run", "p.sql", "--full-refresh-all").expectSuccess()
        #expect(try workspace.rows("SELECT k, v FROM t ORDER BY ALL") == ["b,x", "c,y"])
        // And that is what counts from now on.
        try put("3", [("k", "d"), ("v", "z"), ("w", "1")])
        try workspace.tidemill("run", "p.sql").expectSuccess()
        #expect(try workspace.rows("SELECT * FROM t ORDER BY ALL") == ["b,x", "c,y", "d,z"])
    }
}
