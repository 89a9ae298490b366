import TideSimulation

/// A statement of a simulated pipeline, and what its table must hold, computed by loops over rows.
struct SimulatedView: Sendable {
    enum Kind: Sendable { case streaming, materialized, copy }
    typealias Tables = [String: ReferenceRelation]

    var name: String
    var kind: Kind
    /// Other views that it reads.
    var needs: [String] = []
    /// `?` is a small number, which changes with the pipeline if this is a materialized view.
    var sql: String
    /// How it is stored: parquet, csv or json.
    var format = "parquet"
    /// Of a flow that goes by event time: its rows after these epochs. Such a flow is there from the beginning.
    var events: (@Sendable ([EventStep]) -> ReferenceRelation)?
    var rows: @Sendable (_ tables: Tables, _ n: Double) -> ReferenceRelation

    /// External relations that it reads itself.
    var relations: [String] { SimulatedView.relations(in: sql) }
    static func relations(in sql: String) -> [String] {
        let words = Set(sql.matches(of: #/(?:FROM|JOIN)[ (]+(?:STREAM[ (]+)?(\w+)/#).map { String($0.output.1) })
        return SimulatedInput.relations.filter(words.contains)
    }

    private static func view(
        _ name: String, needs: [String] = [], _ query: String,
        _ rows: @escaping @Sendable (Tables, Double) -> ReferenceRelation
    ) -> SimulatedView {
        SimulatedView(
            name: name, kind: .materialized, needs: needs, sql: "CREATE MATERIALIZED VIEW \(name) AS \(query);",
            rows: rows)
    }
    private static func exceeds(_ value: Value, _ n: Double) -> Bool { value.number.map { $0 > n } ?? false }

    /// Over the relations of `SimulatedInput`, whose tables are given under their names.
    static let all: [SimulatedView] = growing + changing

    private static let growing: [SimulatedView] = [
        SimulatedView(
            name: "passed", kind: .streaming,
            sql: "CREATE STREAMING TABLE passed AS SELECT id, k, g, v FROM STREAM l WHERE v > ?;"
        ) { tables, n in tables["l"]!.filter { exceeds($0[3], n) } },
        SimulatedView(
            name: "looked_up", kind: .streaming,
            sql: """
                CREATE STREAMING TABLE looked_up AS
                  SELECT l.id, l.k, s.city FROM STREAM l JOIN s ON l.k = s.k WHERE l.id > ?;
                """
        ) { tables, n in
            tables["l"]!.filter { exceeds($0[0], n) }.join(tables["s"]!) { $0[1].equals($1[0]) }
                .map { [$0[0], $0[1], $0[5]] }
        },
        SimulatedView(
            name: "merged", kind: .streaming,
            sql: """
                CREATE STREAMING TABLE merged (k STRING, n BIGINT);
                CREATE FLOW merged_l AS INSERT INTO merged SELECT k, CAST(v AS BIGINT) FROM STREAM l;
                CREATE FLOW merged_r AS INSERT INTO merged BY NAME SELECT w AS n, k FROM STREAM r WHERE w > ?;
                """
        ) { tables, n in
            tables["l"]!.map { [$0[1], $0[3]] }
                + tables["r"]!.filter { exceeds($0[2], n) }.map { [$0[0], $0[2]] }
        },
        SimulatedView(
            name: "by_group", kind: .streaming,
            sql: """
                CREATE STREAMING TABLE by_group PARTITIONED BY (g) AS
                  SELECT id, k, g FROM STREAM l WHERE id > ?;
                """
        ) { tables, n in tables["l"]!.filter { exceeds($0[0], n) }.map { [$0[0], $0[1], $0[2]] } },
        SimulatedView(
            name: "by_count", kind: .materialized,
            sql: """
                CREATE MATERIALIZED VIEW by_count PARTITIONED BY (n) AS
                  SELECT k, sum(v) AS s, count(*) AS n FROM l WHERE g >= ? - 3 GROUP BY k;
                """
        ) { tables, n in
            tables["l"]!.filter { $0[2].number.map { $0 >= n - 3 } ?? false }
                .group(by: [1]) { [sum($0, 3), count($0)] }
        },
        view(
            "sums", needs: ["passed"],
            "SELECT k, count(*) AS n, sum(v) AS s, min(v) AS lo, max(v) AS hi FROM passed WHERE g >= ? - 3 GROUP BY k"
        ) { tables, n in
            tables["passed"]!.filter { $0[2].number.map { $0 >= n - 3 } ?? false }
                .group(by: [1]) { [count($0), sum($0, 3), least($0, 3), greatest($0, 3)] }
        },
        view("sums_by_n", needs: ["sums"], "SELECT n, count(*) AS c, sum(s) AS s FROM sums WHERE n > ? - 4 GROUP BY n")
        {
            tables, n in
            tables["sums"]!.filter { exceeds($0[1], n - 4) }.group(by: [1]) { [count($0), sum($0, 2)] }
        },
        view("large", needs: ["sums"], "SELECT k, s FROM sums WHERE s > ?") { tables, n in
            tables["sums"]!.filter { exceeds($0[2], n) }.map { [$0[0], $0[2]] }
        },
        view("bag", needs: ["sums"], "SELECT n, n > ? AS many FROM sums") { tables, n in
            tables["sums"]!.map { [$0[1], .number($0[1].number! > n ? 1 : 0)] }
        },
        view(
            "pairs",
            "SELECT a.id AS x, b.id AS y FROM l AS a JOIN l AS b ON a.k = b.k AND a.v = b.v WHERE a.id < b.id + ? - ?"
        ) {
            tables, _ in
            tables["l"]!.join(tables["l"]!) { a, b in a[1].equals(b[1]) && a[3].equals(b[3]) && a[0] < b[0] }
                .map { [$0[0], $0[4]] }
        },
        view("matched", "SELECT l.id, l.g, r.w FROM l JOIN r ON l.k = r.k WHERE r.w > ? - 4") { tables, n in
            tables["l"]!.join(tables["r"]!) { $0[1].equals($1[0]) && exceeds($1[2], n - 4) }
                .map { [$0[0], $0[2], $0[6]] }
        },
        view("sums_of_matched", needs: ["matched"], "SELECT g, count(*) AS n, sum(w) AS w FROM matched GROUP BY g") {
            tables, _ in
            tables["matched"]!.group(by: [1]) { [count($0), sum($0, 2)] }
        },
        view(
            "padded", needs: ["sums"],
            "SELECT l.id, b.s FROM l LEFT JOIN (SELECT k, s FROM sums WHERE s > ?) AS b ON l.k = b.k"
        ) { tables, n in
            tables["l"]!.leftJoin(tables["sums"]!.filter { exceeds($0[2], n) }, width: 5) { $0[1].equals($1[0]) }
                .map { [$0[0], $0[6]] }
        },
        view("whole", "SELECT count(*) AS n, sum(w) AS w FROM r WHERE w > ?") { tables, n in
            tables["r"]!.filter { exceeds($0[2], n) }.group(by: []) { [count($0), sum($0, 2)] }
        },
        view("kinds", "SELECT DISTINCT k, g FROM r WHERE g <> ?") { tables, n in
            tables["r"]!.filter { $0[1].number.map { $0 != n } ?? false }.map { [$0[0], $0[1]] }.distinct()
        },
        view("all_rows", "SELECT k, g FROM l WHERE g <> ? UNION ALL SELECT k, w FROM r") { tables, n in
            tables["l"]!.filter { $0[2].number.map { $0 != n } ?? false }.map { [$0[1], $0[2]] }
                + tables["r"]!.map { [$0[0], $0[2]] }
        },
        SimulatedView(
            name: "copy", kind: .copy, needs: ["sums"],
            sql: "CREATE SINK copy USING csv OPTIONS (path 'out/copy', header 'true') AS FROM sums;"
        ) { tables, _ in tables["sums"]! },
        SimulatedView(
            name: "as_csv", kind: .streaming,
            sql: "CREATE STREAMING TABLE as_csv USING csv AS SELECT id, k FROM STREAM l WHERE g < ?;",
            format: "csv"
        ) { tables, n in tables["l"]!.filter { $0[2].number.map { $0 < n } ?? false }.map { [$0[0], $0[1]] } },
        SimulatedView(
            name: "as_json", kind: .materialized, needs: ["sums"],
            sql: "CREATE MATERIALIZED VIEW as_json USING json AS SELECT k, n, s FROM sums WHERE n <> ?;", format: "json"
        ) { tables, n in tables["sums"]!.filter { $0[1].number! != n }.map { [$0[0], $0[1], $0[2]] } },
    ]

    /// Over rows that are taken back.
    private static let changing: [SimulatedView] = [
        view(
            "m_sums", "SELECT k, count(*) AS n, sum(v) AS s, min(v) AS lo, max(v) AS hi FROM m WHERE g <> ? GROUP BY k"
        ) { tables, n in
            tables["m"]!.filter { $0[2].number.map { $0 != n } ?? false }
                .group(by: [1]) { [count($0), sum($0, 3), least($0, 3), greatest($0, 3)] }
        },
        view("m_pairs", "SELECT a.id AS x, b.id AS y FROM m AS a JOIN m AS b ON a.k = b.k WHERE a.v > b.v + ?") {
            tables, n in
            tables["m"]!.join(tables["m"]!) { a, b in
                guard a[1].equals(b[1]), let x = a[3].number, let y = b[3].number else { return false }
                return x > y + n
            }.map { [$0[0], $0[4]] }
        },
        view("m_kinds", "SELECT DISTINCT k, g FROM m WHERE v > ? - 3") { tables, n in
            tables["m"]!.filter { exceeds($0[3], n - 3) }.map { [$0[1], $0[2]] }.distinct()
        },
        view("m_whole", "SELECT count(*) AS n, sum(v) AS s FROM m WHERE g < ?") { tables, n in
            tables["m"]!.filter { $0[2].number.map { $0 < n } ?? false }.group(by: []) { [count($0), sum($0, 3)] }
        },
        view(
            "m_unmatched",
            "SELECT m.id, b.n FROM m LEFT JOIN (SELECT k, count(*) AS n FROM m GROUP BY k HAVING count(*) > ?) AS b ON m.k = b.k"
        ) { tables, n in
            let groups = tables["m"]!.group(by: [1]) { [count($0)] }.filter { exceeds($0[1], n) }
            return tables["m"]!.leftJoin(groups, width: 2) { $0[1].equals($1[0]) }.map { [$0[0], $0[5]] }
        },
        view("m_ranks", "SELECT id, rank() OVER (PARTITION BY k ORDER BY id) + ? - ? AS r FROM m") { tables, _ in
            let rows = tables["m"]!.rows
            return ReferenceRelation(
                rows.map { row in [row[0], .number(Double(rows.count { $0[1] == row[1] && $0[0] <= row[0] }))] })
        },
        SimulatedView(
            name: "customers", kind: .streaming,
            sql: """
                CREATE STREAMING TABLE customers;
                CREATE FLOW customers_c AS AUTO CDC INTO customers FROM STREAM(c)
                  KEYS (k) APPLY AS DELETE WHEN op = 'D' SEQUENCE BY n COLUMNS * EXCEPT (op, n) STORED AS SCD TYPE 1;
                """
        ) { tables, _ in
            var newest: [Value: ReferenceRelation.Row] = [:]
            for row in tables["c"]!.rows where !row[3].isNull {
                if let known = newest[row[0]], known[3] > row[3] { continue }
                newest[row[0]] = row
            }
            return ReferenceRelation(newest.values.filter { $0[2] != .text("D") }.map { [$0[0], $0[1]] })
        },
        view("per_value", needs: ["customers"], "SELECT v, count(*) AS n FROM customers WHERE v <> ? GROUP BY v") {
            tables, n in
            tables["customers"]!.filter { $0[1].number.map { $0 != n } ?? false }.group(by: [1]) { [count($0)] }
        },
    ]
}

/// A pipeline: which statements, with which numbers, and one more query out of the oracle tests.
struct SimulatedProject: Sendable {
    var views: [(view: SimulatedView, number: Int)] = []
    var template: QueryTemplate?
    var templateNumber = 0
    var filesPerEpoch: [String: Int] = [:]
    /// What a changed file of `m` does: its rows are taken back, or its views start over.
    var changedFiles = "replace"

    /// Never dropped, so that every input has a reader.
    private static let always = ["passed", "whole"]

    static func drawn(_ generator: inout SeededGenerator) -> SimulatedProject {
        var project = SimulatedProject()
        for name in SimulatedProject.always { project.add(named: name, &generator) }
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            project.add(named: SimulatedView.all.randomElement(using: &generator)!.name, &generator)
        }
        if Int.random(in: 0..<2, using: &generator) == 0 {
            for view in SimulatedView.events where Int.random(in: 0..<2, using: &generator) == 0 {
                project.views.append((view, 0))
            }
        }
        if Int.random(in: 0..<3, using: &generator) == 0 {
            project.template = QueryTemplate.all.randomElement(using: &generator)
            project.templateNumber = Int.random(in: 0...5, using: &generator)
        }
        project.drawLimits(&generator)
        if Int.random(in: 0..<3, using: &generator) == 0 { project.changedFiles = "rebuild" }
        return project
    }

    mutating func drawLimits(_ generator: inout SeededGenerator) {
        filesPerEpoch = [:]
        for relation in SimulatedInput.relations where Bool.random(using: &generator) {
            filesPerEpoch[relation] = Int.random(in: 1...2, using: &generator)
        }
    }

    mutating func add(named name: String, _ generator: inout SeededGenerator) {
        guard let view = SimulatedView.all.first(where: { $0.name == name }) else { return }
        for need in view.needs { add(named: need, &generator) }
        guard !views.contains(where: { $0.view.name == name }) else { return }
        views.append((view, Int.random(in: 0...5, using: &generator)))
    }

    /// Another query text for a view, one view more, or one less.
    mutating func change(_ generator: inout SeededGenerator) {
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: add(named: SimulatedView.all.randomElement(using: &generator)!.name, &generator)
        case 1:
            let needed = Set(views.flatMap(\.view.needs) + SimulatedProject.always)
            // Rows of a streaming table are somebody's: it is not dropped.
            if let index = views.firstIndex(where: { $0.view.kind != .streaming && !needed.contains($0.view.name) }) {
                views.remove(at: index)
            }
        default:
            let changing = views.indices.filter { views[$0].view.kind == .materialized }
            if let index = changing.randomElement(using: &generator) {
                views[index].number = Int.random(in: 0...5, using: &generator)
            }
        }
    }

    var sql: String {
        func options(_ relation: String) -> String {
            "path 'in/\(relation)'" + (filesPerEpoch[relation].map { ", maxFilesPerTrigger '\($0)'" } ?? "")
        }
        let relations = """
            CREATE TABLE l (id INT, k STRING, g INT, v INT) USING csv OPTIONS (\(options("l")));
            CREATE TABLE r (k STRING, g INT, w BIGINT) USING csv OPTIONS (\(options("r")));
            CREATE TABLE s (k STRING, city STRING) USING csv OPTIONS (path 'in/s');
            CREATE TABLE m (id INT, k STRING, g INT, v INT)
              USING csv OPTIONS (\(options("m")), tidemill.changedFiles '\(changedFiles)');
            CREATE TABLE e (id INT, ts TIMESTAMP, k STRING, v INT) USING csv OPTIONS (\(options("e")));
            CREATE TABLE h (id INT, ts TIMESTAMP, k STRING) USING csv OPTIONS (\(options("h")));
            CREATE TABLE c (k STRING, v INT, op STRING, n BIGINT) USING csv OPTIONS (\(options("c")));

            """
        var statements = views.map { $0.view.sql.replacing("?", with: "\($0.number)") }
        if let template { statements.append(template.sql.replacing("?", with: "\(templateNumber)")) }
        return relations + statements.joined(separator: "\n")
    }

    /// Stored tables and copies by name, over these relations.
    func tables(_ relations: SimulatedView.Tables, _ steps: [EventStep]) -> SimulatedView.Tables {
        var tables = relations
        for (view, number) in views {
            tables[view.name] = view.events?(steps) ?? view.rows(tables, Double(number))
        }
        for name in relations.keys { tables[name] = nil }
        guard let template, let l = relations["l"], let r = relations["r"] else { return tables }
        return tables.merging(template.tables(l, r, Double(templateNumber))) { _, new in new }
    }

    /// Tables of the template are not all in its result.
    var stored: Set<String> {
        Set(sql.matches(of: #/CREATE (?:STREAMING TABLE|MATERIALIZED VIEW|SINK) (\w+)/#).map { String($0.output.1) })
    }
    static let copyName = "copy"
    /// A flow by event time would see its rows in other epochs.
    var refreshable: [String] { views.filter { $0.view.kind != .copy && $0.view.events == nil }.map(\.view.name) }
    /// Relations that some statement reads.
    var relations: Set<String> {
        Set(views.flatMap(\.view.relations) + (template.map { SimulatedView.relations(in: $0.sql) } ?? []))
    }
    /// Tables and copies that are stored as text.
    var textFormats: [String: String] {
        var formats = [SimulatedProject.copyName: "csv"]
        for (view, _) in views where view.format != "parquet" { formats[view.name] = view.format }
        return formats
    }
}
