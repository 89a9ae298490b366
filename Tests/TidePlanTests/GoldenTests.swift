import Testing
@testable import TidePlan

/// Each file of Goldens/ against the analyzer, the optimizer and EXPLAIN.
@Suite struct GoldenTests {
    private func text(_ body: () throws(TidemillError) -> String) -> String {
        do throws(TidemillError) { return try body() } catch { return error.report() }
    }

    @Test func analysis() throws {
        try GoldenFile("analysis.txt").check(casesMin: 40) { sql in
            text { () throws(TidemillError) in
                let pipeline = try PlanFixture.pipeline(sql)
                var out = ""
                for dataset in pipeline.datasets {
                    let columns = dataset.schema.fields.map { "\($0.name) \($0.type.sql)\($0.nullable ? "" : "!")" }
                    out += "\(dataset.name) (\(columns.joined(separator: ", "))) key \(PlanFixture.keyText(dataset))\n"
                    out += dataset.flows.map { PlanText.of($0.analyzed) }.joined()
                }
                return out + pipeline.notes.map { "note: \($0)\n" }.joined()
            }
        }
    }

    @Test func batchQueries() throws {
        try GoldenFile("batch.txt").check(casesMin: 10) { sql in
            text { () throws(TidemillError) in
                let query = try PlanFixture.batch(sql)
                let paths = query.relations.values.filter { $0.name.contains("`") }.map { "reads \($0.name)\n" }
                return PlanText.of(query.analyzed) + paths.joined()
            }
        }
    }

    @Test func errors() throws {
        try GoldenFile("errors.txt").check(casesMin: 90) { sql in
            PlanFixture.report { () throws(TidemillError) in _ = try PlanFixture.pipeline(sql) }
        }
    }

    /// What streaming tables may not do; each refusal names the statement, the reason and what to write instead.
    @Test func legality() throws {
        try GoldenFile("legality.txt").check(casesMin: 30) { sql in
            PlanFixture.report { () throws(TidemillError) in _ = try PlanFixture.pipeline(sql) }
        }
    }

    /// Plans of streaming tables, after the optimizer.
    @Test func streaming() throws {
        try GoldenFile("streaming.txt").check(casesMin: 11) { sql in
            text { () throws(TidemillError) in
                guard let dataset = try PlanFixture.pipeline(sql).datasets.last else { return "no table\n" }
                return dataset.flows.map { PlanText.of($0.plan) }.joined() + "key \(PlanFixture.keyText(dataset))\n"
            }
        }
    }

    @Test func optimizer() throws {
        try GoldenFile("optimizer.txt").check(casesMin: 20) { sql in
            text { () throws(TidemillError) in
                let query = try PlanFixture.batch(sql)
                return "before\n" + PlanText.of(query.analyzed) + "after\n" + PlanText.of(query.plan)
            }
        }
    }

    @Test func keys() throws {
        try GoldenFile("keys.txt").check(casesMin: 18) { sql in
            text { () throws(TidemillError) in
                guard let dataset = try PlanFixture.pipeline(sql).datasets.last else { return "no table\n" }
                return "\(PlanFixture.keyText(dataset))\n"
            }
        }
    }

    @Test func explain() throws {
        try GoldenFile("explain.txt").check(casesMin: 1) { sql in
            text { () throws(TidemillError) in ExplainPrinter(try PlanFixture.pipeline(sql)).text() }
        }
    }
}
