import Foundation
import Testing

/// `tidemill sql`: formats, positional forms, errors.
@Suite struct SQLCommandTests {
    let workspace: Workspace
    private let query = """
        SELECT * FROM VALUES (1, 'a,"b"', 1.50BD, DATE'2024-02-29'), (NULL, '', -0.25BD, NULL) AS t(i, s, m, d) \
        ORDER BY m DESC
        """

    init() throws { workspace = try Workspace() }

    @Test func table() throws {
        let outcome = try workspace.tidemill("sql", "-e", query)
        outcome.expectSuccess()
        #expect(
            outcome.out == """
                ┌──────┬───────┬───────┬────────────┐
                │ i    │ s     │ m     │ d          │
                ├──────┼───────┼───────┼────────────┤
                │    1 │ a,"b" │  1.50 │ 2024-02-29 │
                │ NULL │       │ -0.25 │ NULL       │
                └──────┴───────┴───────┴────────────┘
                2 rows

                """, "\(outcome)")
    }

    /// What is in a cell cannot move the cursor; wide characters take two columns (counted by hand).
    @Test func cellsOfATable() throws {
        let cells = try workspace.tidemill(
            "sql", "-e",
            "SELECT concat(char(27), '[2J', char(10), 'x') AS c, w FROM VALUES ('日本'), ('e\u{301}'), ('a') AS t(w)")
        cells.expectSuccess()
        #expect(
            cells.out == """
                ┌──────────────┬──────┐
                │ c            │ w    │
                ├──────────────┼──────┤
                │ \\u{1b}[2J\\nx │ 日本 │
                │ \\u{1b}[2J\\nx │ e\u{301}    │
                │ \\u{1b}[2J\\nx │ a    │
                └──────────────┴──────┘
                3 rows

                """, "\(cells)")
    }

    /// An empty text is quoted, so that it differs from NULL.
    @Test func csv() throws {
        let outcome = try workspace.tidemill("sql", "-e", query, "--format", "csv")
        outcome.expectSuccess()
        #expect(
            outcome.out == """
                i,s,m,d
                1,"a,""b""\",1.50,2024-02-29
                ,"",-0.25,

                """, "\(outcome)")
    }

    @Test func json() throws {
        let outcome = try workspace.tidemill("sql", "-e", query, "--format", "json")
        outcome.expectSuccess()
        #expect(
            outcome.outLines == [
                #"{"i":1,"s":"a,\"b\"","m":1.50,"d":"2024-02-29"}"#, #"{"i":null,"s":"","m":-0.25,"d":null}"#,
            ], "\(outcome)")
    }

    @Test func positionalForms() throws {
        try Orders.write(to: workspace)
        try Orders.expectComplete(workspace)
        try workspace.write("q.sql", "SELECT sum(n) AS n\nFROM totals;\n")
        let byFile = try workspace.tidemill("sql", "q.sql", "p.sql", "--format", "csv")
        #expect(byFile.out == "n\n9\n", "\(byFile)")
        let byText = try workspace.tidemill("sql", "-e", "SELECT sum(n) AS n FROM totals", "p.sql", "--format", "csv")
        #expect(byText.out == "n\n9\n", "\(byText)")
        try workspace.write("files.sql", "SELECT count(*) AS n FROM csv.`in/*.csv`")
        let alone = try workspace.tidemill("sql", "files.sql", "--format", "csv")
        #expect(alone.out == "n\n12\n", "\(alone)")
        let parquet = try workspace.tidemill(
            "sql", "-e", "SELECT sum(n) AS n FROM parquet.`spark-warehouse/totals`", "--format", "csv")
        #expect(parquet.out == "n\n9\n", "\(parquet)")
    }

    @Test func errorsPointAtTheQuery() throws {
        try workspace.tidemill("sql", "-e", "SELECT 1 +").expectError("PARSE_SYNTAX_ERROR", "query:1:11", "^")
        try workspace.tidemill("sql", "-e", "SELECT x").expectError("UNRESOLVED_COLUMN", "query:1:8", "^")
        try workspace.tidemill("sql", "-e", "SELECT 1 / 0").expectError("DIVIDE_BY_ZERO", "hint: ")
        try workspace.tidemill("sql", "-e", "").expectError("PARSE_SYNTAX_ERROR")
        try workspace.tidemill("sql", "-e", "SELECT 1; SELECT 2").expectError("PARSE_SYNTAX_ERROR", "query:1:11")
        try workspace.tidemill("sql", "-e", "CREATE TABLE t (a INT) USING csv").expectError("query:1:1")
        try workspace.tidemill("sql", "-e", "SELECT * FROM csv.`nosuch`").expectError("PATH_NOT_FOUND", "nosuch")
        try workspace.write("q.sql", "SELECT\n  nosuch\nFROM VALUES (1)")
        try workspace.tidemill("sql", "q.sql").expectError("q.sql:2:3", "  nosuch", "^^^^^^")
    }

    /// As Spark: whether a stored timestamp means an instant is what the table declares, its number stays.
    @Test func timestampsOfEitherKindAreReadAsDeclared() throws {
        try workspace.write(
            "p.sql",
            """
            CREATE MATERIALIZED VIEW local AS SELECT TIMESTAMP_NTZ '2024-05-01 12:00:00' AS t;
            """)
        try workspace.tidemill("run", "p.sql").expectSuccess()
        try workspace.write(
            "read.sql",
            """
            CREATE TABLE instants (t TIMESTAMP) USING parquet OPTIONS (path 'spark-warehouse/local');
            CREATE MATERIALIZED VIEW hours AS SELECT unix_timestamp(t) AS s FROM instants;
            """)
        try workspace.tidemill("run", "read.sql").expectSuccess()
        let hours = try workspace.tidemill("sql", "-e", "SELECT s FROM hours", "read.sql", "--format", "csv")
        #expect(hours.out == "s\n1714564800\n", "\(hours)")
    }

    @Test func tableThatWasNeverWritten() throws {
        try Orders.write(to: workspace)
        let outcome = try workspace.tidemill("sql", "-e", "SELECT * FROM totals", "p.sql")
        outcome.expectError("totals", "hint: ", "run")
        #expect(!workspace.exists(".tidemill") && !workspace.exists("spark-warehouse"))
    }
}
