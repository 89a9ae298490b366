import Testing

/// Mistakes in the project's SQL: exit 1, the place with a caret, a hint; the corrected project then runs.
@Suite struct BadSQLTests {
    let workspace: Workspace

    init() throws {
        workspace = try Workspace()
        try Orders.write(to: workspace)
    }

    private func run(_ view: String) throws -> Outcome {
        try workspace.write("p.sql", Orders.sql(view: view))
        return try workspace.tidemill("run", "p.sql", "--progress", "none")
    }

    private func corrected() throws {
        #expect(!workspace.exists("spark-warehouse"))
        try workspace.write("p.sql", Orders.sql())
        try Orders.expectComplete(workspace)
    }

    @Test func unknownColumn() throws {
        try run("CREATE MATERIALIZED VIEW totals AS SELECT custmer, count(*) AS n FROM orders GROUP BY custmer;")
            .expectError(
                "UNRESOLVED_COLUMN.WITH_SUGGESTION", "`custmer`", "p.sql:6:", "^^^^^^^", "did you mean", "customer")
        try corrected()
    }

    @Test func unknownTable() throws {
        try run("CREATE MATERIALIZED VIEW totals AS SELECT * FROM order;")
            .expectError("TABLE_OR_VIEW_NOT_FOUND", "p.sql:6:50", "^^^^^", "did you mean", "orders")
        try corrected()
    }

    @Test func unknownFunction() throws {
        try run("CREATE MATERIALIZED VIEW totals AS SELECT customer, summ(amount) FROM orders GROUP BY customer;")
            .expectError("UNRESOLVED_ROUTINE", "summ", "p.sql:6:53", "^", "sum")
        try corrected()
    }

    @Test func unknownFunctionOfStar() throws {
        try run("CREATE MATERIALIZED VIEW totals AS SELECT customer, cout(*) AS n FROM orders GROUP BY customer;")
            .expectError("UNRESOLVED_ROUTINE", "cout", "p.sql:6:53", "count")
        try corrected()
    }

    @Test func typeMismatch() throws {
        try run("CREATE MATERIALIZED VIEW totals AS SELECT customer, amount + true AS x FROM orders;")
            .expectError("DATATYPE_MISMATCH", "BOOLEAN", "p.sql:6:53", "^^^^^^")
        try corrected()
    }

    @Test func syntaxError() throws {
        try run("CREATE MATERIALIZED VIEW totals AS SELECT customer FRM orders GROUP BY customer;")
            .expectError("PARSE_SYNTAX_ERROR", "orders", "p.sql:6:56", "^^^^^^")
        try corrected()
    }

    @Test func ungroupedColumn() throws {
        try run("CREATE MATERIALIZED VIEW totals AS SELECT id, count(*) AS n FROM orders GROUP BY customer;")
            .expectError("MISSING_AGGREGATION", "p.sql:6:43", "hint")
        try corrected()
    }

    @Test func viewsInACircle() throws {
        try run("CREATE MATERIALIZED VIEW a AS SELECT * FROM b; CREATE MATERIALIZED VIEW b AS SELECT * FROM a;")
            .expectError("a", "b", "p.sql:6:")
        try corrected()
    }

    @Test func oneNameTwice() throws {
        try run("CREATE MATERIALIZED VIEW big AS SELECT * FROM orders;").expectError("big", "p.sql:6:26")
        try corrected()
    }

    @Test func optionValueOutOfPlace() throws {
        try workspace.write("p.sql", Orders.sql(options: ", mode 'STRICT'"))
        try workspace.tidemill("run", "p.sql")
            .expectError("STRICT", "p.sql:", "PERMISSIVE, DROPMALFORMED or FAILFAST")
        try workspace.write("p.sql", Orders.sql(options: ", sep ''"))
        try workspace.tidemill("run", "p.sql").expectError("sep", "p.sql:")
        try corrected()
    }

    @Test func rateLimitThatIsNoNumber() throws {
        let sql = Orders.sql().replacing("maxFilesPerTrigger '1'", with: "maxFilesPerTrigger 'many'")
        try workspace.write("p.sql", sql)
        try workspace.tidemill("run", "p.sql").expectError("maxFilesPerTrigger", "many", "p.sql:")
        try corrected()
    }

    @Test func errorInARunningQuery() throws {
        let view = "CREATE MATERIALIZED VIEW totals AS SELECT id, 1 / (id - 5) AS x FROM orders;"
        let outcome = try run(view)
        outcome.expectError("DIVIDE_BY_ZERO", "try_divide")
        // The place is the expression; the row is the one with the id 5.
        #expect(outcome.err.contains("(p.sql:6:47)"), "\(outcome)")
        #expect(outcome.err.contains("id = 5"), "\(outcome)")
        // Epoch 0 was right and is kept; the corrected view is rebuilt from everything.
        try workspace.write("p.sql", Orders.sql())
        try Orders.expectComplete(workspace)
    }

    @Test func notText() throws {
        try workspace.bash("printf 'SELECT \\xff\\xfe' > p.sql").expectSuccess()
        try workspace.tidemill("run", "p.sql").expectError("UTF-8", "p.sql")
        try corrected()
    }

    @Test func badSpec() throws {
        try workspace.write("spark-pipeline.yml", "name: [unclosed\n")
        try workspace.tidemill("run", ".").expectError("spark-pipeline.yml")
        try workspace.write("spark-pipeline.yml", "name: x\nlibrarys:\n  - glob: {include: '*.sql'}\n")
        try workspace.tidemill("run", ".").expectError("spark-pipeline.yml", "librar")
        try workspace.write("spark-pipeline.yml", "name: x\nlibraries:\n  - glob: {include: 'nothing/**'}\n")
        try workspace.tidemill("run", ".").expectError("spark-pipeline.yml", "no SQL file", "libraries")
    }
}
