import Foundation
import Testing

/// `tidemill state …` and `state.<operator>` in queries.
@Suite struct StateCommandTests {
    private static let sql = """
        CREATE TABLE orders (id INT, customer STRING, amount DECIMAL(8, 2))
        USING csv OPTIONS (path 'in', header 'true', maxFilesPerTrigger '1');
        CREATE MATERIALIZED VIEW totals AS
        SELECT customer, count(*) AS n, sum(amount) AS amount FROM orders GROUP BY customer;
        CREATE MATERIALIZED VIEW pairs AS
        SELECT o.id, t.n FROM orders o JOIN totals t ON o.customer = t.customer;
        """

    private func workspace(flush: String) throws -> Workspace {
        let workspace = try Workspace()
        try Orders.write(to: workspace, sql: Self.sql)
        try workspace.tidemill("run", "p.sql", "--set", "tidemill.flushBytes=\(flush)").expectSuccess()
        return workspace
    }

    /// The same rows, whether they are in the log or in runs.
    @Test(arguments: ["0", "32m"]) func rowsOfOperators(_ flush: String) throws {
        let workspace = try workspace(flush: flush)
        let list = try workspace.tidemill("state", "list", "p.sql")
        list.expectSuccess()
        let lines = list.outLines.map { $0.split(separator: " ", omittingEmptySubsequences: true).map(String.init) }
        #expect(lines.map(\.first) == ["state", "pairs.join.left", "pairs.join.right", "totals.aggregate"])
        #expect(lines.dropFirst().map { $0[1] } == ["9", "5", "5"])
        #expect(list.out.contains("by customer STRING: count(*), sum(amount DECIMAL(8,2))"))

        let show = try workspace.tidemill("state", "show", "totals.aggregate", "p.sql", "--format", "csv")
        show.expectSuccess()
        #expect(show.outLines.first == "customer,count(*),count(amount),sum(amount)")
        // As the table has them, from the accumulators.
        #expect(
            show.outLines.dropFirst().sorted() == [
                "ann,3,3,111.00", "bob,2,2,22.00", "cid,1,1,5.00", "dan,2,2,0.00", "eve,1,1,0.50",
            ])
        let two = try workspace.tidemill(
            "state", "show", "PAIRS.join.left", "p.sql", "--limit", "2", "--format", "json")
        two.expectSuccess()
        #expect(two.outLines.count == 2 && two.outLines.allSatisfy { $0.contains("\"customer\":") })

        #expect(try workspace.rows("SELECT count(*) FROM state.`totals.aggregate`") == ["5"])
        #expect(
            try workspace.rows(
                "SELECT s.customer, s.`count(*)` FROM state.`totals.aggregate` s JOIN totals t ON s.customer = t.customer "
                    + "WHERE t.n > 2") == ["ann,3"])
    }

    /// What is kept beside the accumulators has a name of its own.
    @Test func valuesOfAggregates() throws {
        let workspace = try Workspace()
        let view =
            "CREATE MATERIALIZED VIEW d AS SELECT customer, count(DISTINCT id) AS n, count(DISTINCT amount) AS m "
            + "FROM orders GROUP BY customer;"
        try Orders.write(to: workspace, sql: Orders.sql(view: view))
        try workspace.tidemill("run", "p.sql").expectSuccess()
        let list = try workspace.tidemill("state", "list", "p.sql")
        list.expectSuccess()
        #expect(
            list.outLines.dropFirst().map { $0.prefix { $0 != " " } } == [
                "d.aggregate", "d.aggregate.values", "d.aggregate.values2",
            ])
        #expect(try workspace.rows("SELECT count(*), sum(s.count) FROM state.`d.aggregate.values` s") == ["9,9"])
    }

    @Test func namesThatAreNotThere() throws {
        let workspace = try workspace(flush: "32m")
        try workspace.tidemill("state", "show", "totals.agregate", "p.sql").expectError(
            "TIDEMILL_STATE_NOT_FOUND", "did you mean totals.aggregate?")
        try workspace.tidemill("sql", "-e", "SELECT * FROM state.nothing", "p.sql").expectError(
            "TIDEMILL_STATE_NOT_FOUND", "query:1:15")
        #expect(try workspace.tidemill("state", "show", "p.sql", "--limit", "0").status == 2)
        let empty = try Workspace()
        try Orders.write(to: empty)
        try empty.tidemill("state", "list", "p.sql").expectError("TIDEMILL_CHECKPOINT_NOT_FOUND")
    }
}
