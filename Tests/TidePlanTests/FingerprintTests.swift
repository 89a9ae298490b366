import Testing
@testable import TidePlan

@Suite struct FingerprintTests {
    private func fingerprint(_ sql: String, tables: String = PlanFixture.tables) throws -> Fingerprint {
        let pipeline = try PlanFixture.analyzer().analyze(scripts: [
            SourceText(name: "tables.sql", text: tables), SourceText(name: "p.sql", text: sql),
        ])
        let dataset = try #require(pipeline.datasets.last)
        return Fingerprint.of(
            dataset.flows[0].analyzed, relations: pipeline.relations, datasets: pipeline.datasets)
    }

    private let base = "CREATE MATERIALIZED VIEW m AS SELECT c, sum(b + 1) AS s FROM t WHERE a > 1 GROUP BY c"

    /// Pinned: a checkpoint of an earlier release must find its views unchanged.
    @Test func isStableOverReleases() throws {
        let text = try fingerprint(base).description
        #expect(text == "e97a461c0a99f148af31282faff6e895")
    }

    @Test func textDoesNotMatter() throws {
        let same = [
            "create materialized view m as select C, SUM(B+1) as s from T where A>1 group by 1 -- comment",
            "CREATE MATERIALIZED VIEW m AS SELECT q.c, sum(q.b + 1) AS s FROM t AS q WHERE (q.a > 1) GROUP BY ALL",
            "CREATE MATERIALIZED VIEW m COMMENT 'new' AS SELECT c, sum(b + 1) AS s FROM t WHERE a > 1 GROUP BY c",
        ]
        let wanted = try fingerprint(base)
        for (index, sql) in same.enumerated() {
            // The second's column is written in upper case; names of stored columns count.
            let adjusted = index == 0 ? sql.replacing("select C", with: "select c") : sql
            #expect(try fingerprint(adjusted) == wanted, "\(sql)")
        }
    }

    @Test func meaningMatters() throws {
        let others = [
            "CREATE MATERIALIZED VIEW m AS SELECT c, sum(b + 2) AS s FROM t WHERE a > 1 GROUP BY c",
            "CREATE MATERIALIZED VIEW m AS SELECT c, sum(b - 1) AS s FROM t WHERE a > 1 GROUP BY c",
            "CREATE MATERIALIZED VIEW m AS SELECT c, max(b + 1) AS s FROM t WHERE a > 1 GROUP BY c",
            "CREATE MATERIALIZED VIEW m AS SELECT c, sum(DISTINCT b + 1) AS s FROM t WHERE a > 1 GROUP BY c",
            "CREATE MATERIALIZED VIEW m AS SELECT c, sum(b + 1) AS total FROM t WHERE a > 1 GROUP BY c",
            "CREATE MATERIALIZED VIEW m AS SELECT c, sum(b + 1) AS s FROM t WHERE a >= 1 GROUP BY c",
            "CREATE MATERIALIZED VIEW m AS SELECT c, sum(b + 1) AS s FROM t GROUP BY c",
        ]
        let all = try [fingerprint(base)] + others.map { try fingerprint($0) }
        #expect(Set(all).count == all.count)
    }

    @Test func relationMatters() throws {
        let wanted = try fingerprint(base)
        let paced = PlanFixture.tables.replacing("path 't'", with: "path 't', maxFilesPerTrigger '1'")
        #expect(try fingerprint(base, tables: paced) == wanted)
        let moved = PlanFixture.tables.replacing("path 't'", with: "path 't2'")
        #expect(try fingerprint(base, tables: moved) != wanted)
        let merged = PlanFixture.tables.replacing("path 't'", with: "path 't', mergeSchema 'true'")
        #expect(try fingerprint(base, tables: merged) != wanted)
        let wider = PlanFixture.tables.replacing("a INT, b BIGINT", with: "a INT, b BIGINT, b2 INT")
        #expect(try fingerprint(base, tables: wider) != wanted)
    }

    @Test func viewBelowMatters() throws {
        func stack(_ condition: String) -> String {
            "CREATE MATERIALIZED VIEW p AS SELECT c, count(*) AS n FROM t WHERE \(condition) GROUP BY c;"
                + "CREATE MATERIALIZED VIEW m AS SELECT sum(n) AS n FROM p"
        }
        #expect(try fingerprint(stack("a > 1")) == fingerprint(stack("(a > 1)")))
        #expect(try fingerprint(stack("a > 1")) != fingerprint(stack("a > 2")))
    }

    @Test func streamingTableBelowCountsWithItsColumnsOnly() throws {
        func stack(_ condition: String) -> String {
            "CREATE STREAMING TABLE s AS SELECT c, a FROM STREAM t WHERE \(condition);"
                + "CREATE MATERIALIZED VIEW m AS SELECT c, count(*) AS n FROM s GROUP BY c"
        }
        #expect(try fingerprint(stack("a > 1")) == fingerprint(stack("a > 2")))
    }
}
