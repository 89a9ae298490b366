import Foundation
import Testing

/// What a good `run` prints and does.
@Suite struct RunTests {
    let workspace: Workspace

    init() throws {
        workspace = try Workspace()
        try Orders.write(to: workspace)
    }

    @Test func summaryNamesEveryTable() throws {
        let outcome = try workspace.tidemill("run", "p.sql")
        outcome.expectSuccess()
        #expect(outcome.out.isEmpty, "\(outcome)")
        for part in ["3 epochs", "9 rows", "totals", "big", "inserted"] {
            #expect(outcome.err.contains(part), "no \(part) in \(outcome)")
        }
        try Orders.expectTables(workspace)
    }

    @Test func nothingNew() throws {
        try Orders.expectComplete(workspace)
        let before = workspace.files("spark-warehouse")
        let outcome = try workspace.tidemill("run", "p.sql")
        outcome.expectSuccess()
        #expect(outcome.err.contains("nothing new"), "\(outcome)")
        #expect(workspace.files("spark-warehouse") == before)
        #expect(try workspace.tidemill("run", "p.sql", "--progress", "jsonl").out.isEmpty)
    }

    @Test func maxEpochsThenContinue() throws {
        for count in ["3", "6", "9"] {
            try workspace.tidemill("run", "p.sql", "--max-epochs", "1").expectSuccess()
            #expect(try workspace.rows("SELECT sum(n) FROM totals") == [count])
        }
        try Orders.expectComplete(workspace)
    }

    @Test func fullRefresh() throws {
        try Orders.expectComplete(workspace)
        try workspace.tidemill("run", "p.sql", "--full-refresh", "totals").expectSuccess()
        try Orders.expectTables(workspace)
        try workspace.tidemill("run", "p.sql", "--full-refresh", "totals, big").expectSuccess()
        try Orders.expectTables(workspace)
        try workspace.tidemill("run", "p.sql", "--full-refresh-all").expectSuccess()
        try Orders.expectTables(workspace)
        try workspace.tidemill("run", "p.sql", "--full-refresh", "totls").expectError("totls")
        try workspace.tidemill("run", "p.sql", "--refresh", "totls").expectError("totls")
    }

    @Test func progressAsJSONLines() throws {
        let outcome = try workspace.tidemill("run", "p.sql", "--progress", "jsonl")
        outcome.expectSuccess()
        #expect(outcome.outLines.count == 6, "\(outcome)")
        var rows: [String: Int] = [:]
        for line in outcome.outLines {
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            for key in [
                "name", "timestamp", "batchId", "numInputRows", "durationMs", "stateOperators", "sources", "sink",
            ] {
                #expect(object[key] != nil, "no \(key) in \(line)")
            }
            let name = try #require(object["name"] as? String)
            rows[name, default: 0] += try #require(object["numInputRows"] as? Int)
            let durations = try #require(object["durationMs"] as? [String: Int])
            #expect(durations["addBatch"] != nil && durations["triggerExecution"] != nil)
            let source = try #require((object["sources"] as? [[String: Any]])?.first)
            #expect(source["description"] != nil && source["numInputRows"] as? Int == 3)
            #expect(source.keys.contains("startOffset") && source.keys.contains("endOffset"))
            let timestamp = try #require(object["timestamp"] as? String)
            #expect(timestamp.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
        }
        #expect(rows.values.sorted() == [9, 9], "\(rows)")
    }

    @Test func quiet() throws {
        let outcome = try workspace.tidemill("run", "p.sql", "--progress", "none")
        outcome.expectSuccess()
        #expect(outcome.out.isEmpty && outcome.err.isEmpty, "\(outcome)")
    }

    /// A reader that goes away does not stop the pipeline.
    @Test func closedPipe() throws {
        for number in 4..<100 { try workspace.write("in/\(number).csv", Orders.header + "\(number),zoe,1\n") }
        let outcome = try workspace.bash("\"$0\" run p.sql --progress jsonl | head -1")
        outcome.expectSuccess()
        #expect(outcome.outLines.count == 1, "\(outcome)")
        #expect(try workspace.rows("SELECT n FROM totals WHERE customer = 'zoe'") == ["96"])
        let asked = try workspace.bash("\"$0\" sql -e 'SELECT * FROM csv.`in`' --format csv | head -1")
        asked.expectSuccess()
    }

    /// Two checkpoints of one project keep apart.
    @Test func storageAndWarehouseElsewhere() throws {
        try workspace.tidemill("run", "p.sql", "--storage", "s", "--warehouse", "w").expectSuccess()
        #expect(workspace.exists("s/log") && workspace.exists("w/totals") && !workspace.exists(".tidemill"))
        let rows = try workspace.tidemill(
            "sql", "-e", "SELECT sum(n) FROM totals", "--format", "csv", "p.sql", "--storage", "s", "--warehouse", "w")
        #expect(rows.outLines.last == "9", "\(rows)")
    }

    @Test func projectFolder() throws {
        try workspace.write("proj/spark-pipeline.yml", "name: p\nlibraries:\n  - glob:\n      include: sql/**\n")
        try workspace.write("proj/sql/p.sql", Orders.sql().replacing("path 'in'", with: "path '../in'"))
        try workspace.tidemill("run", "proj").expectSuccess()
        #expect(workspace.exists("proj/spark-warehouse/totals") && workspace.exists("proj/.tidemill/p"))
        let inside = try workspace.bash(
            "cd proj && \"$0\" run && \"$0\" sql -e 'SELECT sum(n) FROM totals' --format csv")
        #expect(inside.outLines.last == "9", "\(inside)")
    }

    @Test func changedViewIsRebuilt() throws {
        try Orders.expectComplete(workspace)
        let view = """
            CREATE MATERIALIZED VIEW totals AS
            SELECT customer, max(amount) AS most FROM orders GROUP BY customer;
            """
        try workspace.write("p.sql", Orders.sql(view: view))
        try workspace.tidemill("run", "p.sql").expectSuccess()
        let most = ["ann,100.0", "bob,20.0", "cid,5.0", "dan,40.0", "eve,0.5"]
        #expect(try workspace.rows("SELECT * FROM totals ORDER BY customer") == most)
        try workspace.write("p.sql", Orders.sql())
        try Orders.expectComplete(workspace)
    }
}
