import Foundation
import Testing

/// Tables of more files than the process may have open.
@Suite struct ManyFilesTests {
    let workspace: Workspace
    init() throws { workspace = try Workspace() }

    /// 400 directories with 48 descriptors: tables are written, changed, recovered and read.
    @Test(.timeLimit(.minutes(3))) func partitions() throws {
        try workspace.write(
            "p.sql",
            """
            CREATE TABLE s (k INT, v INT) USING csv OPTIONS (path 'in');
            CREATE STREAMING TABLE plain PARTITIONED BY (k) AS SELECT * FROM STREAM s;
            CREATE STREAMING TABLE text USING csv PARTITIONED BY (k) AS SELECT * FROM STREAM s;
            CREATE MATERIALIZED VIEW totals PARTITIONED BY (k) AS SELECT k, sum(v) AS v FROM s GROUP BY k;
            CREATE MATERIALIZED VIEW over_it AS SELECT count(*) AS n, sum(v) AS v FROM totals;

            """)
        try workspace.write("in/1.csv", (0..<400).map { "\($0),1\n" }.joined())
        func tidemill(_ arguments: String) throws -> Outcome {
            try workspace.bash("ulimit -n 48; \"$0\" \(arguments)")
        }
        try tidemill("run p.sql").expectSuccess()
        try workspace.write("in/2.csv", (0..<400).map { "\($0),\($0)\n" }.joined())
        try tidemill("run p.sql").expectSuccess()
        for (table, rows) in [("plain", 800), ("text", 800), ("totals", 400)] {
            let found = try tidemill("sql --format csv -e 'SELECT count(*), sum(v) FROM \(table)' p.sql")
            found.expectSuccess()
            // 400 ones, and 0 + 1 + … + 399.
            #expect(found.outLines.last == "\(rows),\(400 + 399 * 400 / 2)", "\(table)")
        }
        let over = try tidemill("sql --format csv -e 'SELECT * FROM over_it' p.sql")
        #expect(over.outLines.last == "400,\(400 + 399 * 400 / 2)")
        try tidemill("run --full-refresh totals p.sql").expectSuccess()
        try tidemill("checkpoint verify p.sql").expectSuccess()
    }
}
