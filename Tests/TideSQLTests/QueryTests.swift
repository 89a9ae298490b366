import Testing
import TideCore
import TideSQL

private func query(_ sql: String) throws -> Query { try parseQuery(SourceText(name: "q", text: sql)) }

/// A query's skeleton as one line, to see how parts are nested.
private func shape(_ body: QueryBody) -> String {
    switch body.kind {
    case .select(let select):
        let from = select.from.isEmpty ? "" : " from " + select.from.map(shape).joined(separator: ", ")
        return "select \(select.items.map(\.columnName).joined(separator: ", "))\(from)"
    case .setOperation(let op, let isDistinct, let left, let right):
        return "(\(shape(left)) \(op.rawValue)\(isDistinct ? "" : " ALL") \(shape(right)))"
    case .values(let table): return "values \(table.rows.map { "(\($0.map(\.sql).joined(separator: ", ")))" })"
    case .table(let name): return "table \(name.text)"
    case .query(let query): return "{\(shape(query))}"
    case .pipe(let input, let stages): return "\(shape(input))\(stages.map { " |> " + shape($0) }.joined())"
    }
}

private func shape(_ query: Query) -> String {
    var text = shape(query.body)
    if !query.orderBy.isEmpty { text += " order \(query.orderBy.map(\.expression.sql))" }
    if let limit = query.limit { text += " limit \(limit.sql)" }
    if let offset = query.offset { text += " offset \(offset.sql)" }
    return text
}

private func shape(_ stage: PipeStage) -> String {
    switch stage.kind {
    case .select(_, _, let items, _): "select \(items.map(\.columnName))"
    case .extend(let items): "extend \(items.map(\.columnName))"
    case .set(let list): "set \(list.map { "\($0.column.name)=\($0.value.sql)" })"
    case .drop(let names): "drop \(names.map(\.name))"
    case .alias(let name): "as \(name.name)"
    case .filter(let e): "where \(e.sql)"
    case .aggregate(let items, let group):
        "aggregate \(items.map(\.columnName)) by \(group?.elements.map { $0.alias?.name ?? "-" } ?? [])"
    case .join(let kind, _, let right, _): "\(kind.rawValue) join \(shape(right))"
    case .order(let items, _, _, _, _, let limit, _): "order \(items.map(\.expression.sql)) limit \(limit?.sql ?? "")"
    case .setOperation(let op, _, let right): "\(op.rawValue) \(shape(right))"
    case .sample: "sample"
    case .pivot: "pivot"
    case .unpivot: "unpivot"
    }
}

private func shape(_ relation: Relation) -> String {
    let alias =
        relation.alias.map { " \($0.name.name)" + ($0.columns.isEmpty ? "" : "\($0.columns.map(\.name))") } ?? ""
    let lateral = relation.isLateral ? "lateral " : ""
    switch relation.kind {
    case .table(let table): return lateral + (table.isStream ? "stream " : "") + table.name.text + alias
    case .subquery(let query): return "\(lateral){\(shape(query))}\(alias)"
    case .values: return "values\(alias)"
    case .function(let function):
        let arguments = function.arguments.map { argument in
            switch argument.value {
            case .expression(let e): e.sql
            case .table(let relation): "TABLE \(shape(relation))"
            }
        }
        return "\(lateral)\(function.isStream ? "stream " : "")\(function.name.text)\(arguments)\(alias)"
    case .join(let join): return "[\(shape(join.left)) \(join.kind.rawValue) \(shape(join.right))]\(alias)"
    case .nested(let inner): return "(\(shape(inner)))\(alias)"
    case .pivot(let input, let pivot): return "pivot(\(shape(input)); \(pivot.values.count))\(alias)"
    case .unpivot(let input, let unpivot): return "unpivot(\(shape(input)); \(unpivot.sources.count))\(alias)"
    }
}

@Suite struct QueryTests {
    @Test(arguments: [
        // INTERSECT binds tighter; the rest goes from left to right; ORDER BY takes the whole.
        ("TABLE a UNION TABLE b INTERSECT TABLE c", "(table a UNION (table b INTERSECT table c))"),
        ("TABLE a EXCEPT ALL TABLE b MINUS TABLE c", "((table a EXCEPT ALL table b) EXCEPT table c)"),
        (
            "(SELECT 1 x) UNION ALL (SELECT 2) ORDER BY x LIMIT 1",
            #"({select x} UNION ALL {select 2}) order ["x"] limit 1"#
        ),
        ("((SELECT 1) UNION (SELECT 2)) LIMIT 3", "{({select 1} UNION {select 2})} limit 3"),
        (
            "SELECT * FROM ((SELECT 1) UNION (SELECT 2)) AS q(c)",
            #"select * from {({select 1} UNION {select 2})} q["c"]"#
        ),
        ("SELECT * FROM ((SELECT 1))", "select * from {select 1}"),
        ("SELECT ((SELECT 1) UNION (SELECT 2)) + 1 AS s", "select s"),
        ("SELECT * FROM a, b JOIN c ON x LEFT JOIN d USING (y)", "select * from a, [[b INNER c] LEFT OUTER d]"),
        ("SELECT * FROM (a JOIN b) q CROSS JOIN (c)", "select * from [([a INNER b]) q CROSS c]"),
        ("SELECT * FROM a SEMI JOIN b LEFT ANTI JOIN c", "select * from [[a LEFT SEMI b] LEFT ANTI c]"),
        ("SELECT * FROM a RIGHT OUTER JOIN b FULL JOIN c", "select * from [[a RIGHT OUTER b] FULL OUTER c]"),
        ("SELECT * FROM a, LATERAL explode(x) AS t(y)", #"select * from a, lateral explode["x"] t["y"]"#),
        ("SELECT * FROM f(TABLE(q), 'k1', n => 2)", #"select * from f["TABLE q", "k1", "2"]"#),
        ("SELECT * FROM f(TABLE(SELECT 1), 'k1')", #"select * from f["TABLE {select 1}", "k1"]"#),
        ("SELECT * FROM csv.`/p/x` AS c", "select * from csv./p/x c"),
        ("SELECT * FROM STREAM t s JOIN STREAM(u) v", "select * from [stream t s INNER stream u v]"),
        ("SELECT * FROM stream, b", "select * from stream, b"),
        ("SELECT * FROM stream AS s WHERE a", "select * from stream s"),
        ("SELECT * FROM STREAM read_files('x')", #"select * from stream read_files["x"]"#),
        ("VALUES (1, 'a'), (2, 'b')", #"values ["(1, a)", "(2, b)"]"#),
        ("VALUES 1, 2 AS t(a)", "select * from values t[\"a\"]"),
        ("FROM t", "select * from t"),
        ("FROM t SELECT a WHERE b", "select a from t"),
        ("SELECT * FROM t PIVOT (sum(a) FOR b IN (1 AS x, 2)) AS p", "select * from pivot(t; 2) p"),
        ("SELECT * FROM t UNPIVOT (v FOR n IN (a, b AS x, c))", "select * from unpivot(t; 3)"),
        (
            "FROM t |> WHERE a = 1 |> AGGREGATE sum(x) AS s, count(*) GROUP BY b AS g, c",
            #"select * from t |> where (a = 1) |> aggregate ["s", "count(1)"] by ["g", "-"]"#
        ),
        (
            "FROM t |> EXTEND a + 1 AS b |> SET a = 1, b = 2 |> DROP a, b |> AS q |> SELECT b",
            #"select * from t |> extend ["b"] |> set ["a=1", "b=2"] |> drop ["a", "b"] |> as q |> select ["b"]"#
        ),
        (
            "FROM t |> LEFT JOIN u ON a |> ORDER BY a |> LIMIT 3 |> UNION ALL TABLE v",
            #"select * from t |> LEFT OUTER join u |> order ["a"] limit  |> order [] limit 3 |> UNION table v"#
        ),
        (
            "SELECT a FROM t UNION SELECT b FROM u |> WHERE c",
            "(select a from t UNION select b from u) |> where c"
        ),
        ("SELECT order, select, from, end FROM t", "select order, select, from, end from t"),
    ]) func shapes(sql: String, expected: String) throws {
        #expect(shape(try query(sql)) == expected)
    }

    @Test func commonTables() throws {
        let parsed = try query("WITH RECURSIVE a(n) MAX RECURSION LEVEL 5 AS (SELECT 1), b AS (FROM a) SELECT * FROM b")
        let with = try #require(parsed.with)
        #expect(with.isRecursive)
        #expect(with.tables.map(\.name.name) == ["a", "b"])
        #expect(with.tables[0].columns.map(\.name) == ["n"])
        #expect(with.tables[0].recursionLevelMax == 5)
    }

    @Test func clausesOfSelect() throws {
        let parsed = try query(
            """
            SELECT /*+ BROADCAST(u), COALESCE(3) */ DISTINCT a, sum(b) OVER w s
            FROM t LATERAL VIEW OUTER explode(x) e AS y, z
            WHERE a > 1 GROUP BY ROLLUP (a, (b, c)), GROUPING SETS ((a), (), CUBE (d)) HAVING count(*) > 1
            QUALIFY row_number() OVER (ORDER BY a) = 1 WINDOW w AS (PARTITION BY a), v AS w
            ORDER BY a DESC, s NULLS LAST LIMIT ALL OFFSET 2
            """)
        guard case .select(let select) = parsed.body.kind else { throw Surprise("no SELECT") }
        #expect(select.hints.map(\.name.name) == ["BROADCAST", "COALESCE"])
        #expect(select.isDistinct)
        #expect(select.lateralViews[0].isOuter && select.lateralViews[0].columns.map(\.name) == ["y", "z"])
        #expect(select.filter?.sql == "(a > 1)")
        #expect(select.having?.sql == "(count(1) > 1)")
        #expect(select.qualify != nil)
        #expect(select.windows.map(\.name.name) == ["w", "v"])
        #expect(parsed.orderBy.map(\.putsNullsFirst) == [false, false])
        #expect(parsed.orderBy.map(\.isDescending) == [true, false])
        #expect(parsed.limit == nil && parsed.offset?.sql == "2")
        guard case .rollup(let columns)? = select.groupBy?.elements[0].kind,
            case .groupingSets(let sets)? = select.groupBy?.elements[1].kind
        else { throw Surprise("no ROLLUP") }
        #expect(columns.map { $0.map(\.sql) } == [["a"], ["b", "c"]])
        #expect(sets.count == 3)
    }

    @Test func groupByForms() throws {
        func group(_ sql: String) throws -> GroupBy? {
            guard case .select(let select) = try query("SELECT 1 FROM t GROUP BY \(sql)").body.kind else { return nil }
            return select.groupBy
        }
        #expect(try group("ALL")?.isAll == true)
        #expect(try group("ALL ORDER BY a")?.isAll == true)
        #expect(try group("all, b")?.isAll == false)
        guard case .cube(let columns)? = try group("a, b WITH CUBE")?.elements.first?.kind else {
            throw Surprise("no CUBE")
        }
        #expect(columns.count == 2)
        guard case .groupingSets? = try group("a, b GROUPING SETS ((a), (b))")?.elements.first?.kind else {
            throw Surprise("no GROUPING SETS")
        }
    }

    @Test func spansCoverWhatTheyName() throws {
        let text = "SELECT (a + b) * c AS x,\n  upper( name )\nFROM STREAM t WATERMARK ts DELAY OF INTERVAL 1 DAY AS s"
        let parsed = try query(text)
        guard case .select(let select) = parsed.body.kind,
            case .binary(_, let left, let right) = select.items[0].expression.kind
        else { throw Surprise("no SELECT") }
        #expect(parsed.span.text == text)
        #expect(select.items.map(\.span.text) == ["(a + b) * c AS x", "upper( name )"])
        #expect(left.span.text == "(a + b)" && right.span.text == "c")
        #expect(select.items[1].span.start == (2, 3))
        #expect(select.from[0].watermark?.span.text == "WATERMARK ts DELAY OF INTERVAL 1 DAY")
        #expect(select.from[0].alias?.span.text == "AS s")
    }

    @Test(arguments: [
        ("decimal(10, 2)", "DECIMAL(10,2)"), ("numeric", "DECIMAL(10,0)"), ("integer", "INT"),
        ("map<string, array<array<int>>>", "MAP<STRING, ARRAY<ARRAY<INT>>>"),
        ("struct<a int, b: string not null comment 'x'>", "STRUCT<a: INT, b: STRING NOT NULL>"),
        ("struct<>", "STRUCT<>"),
        ("interval year to month", "INTERVAL YEAR TO MONTH"), ("interval day", "INTERVAL DAY"),
        ("timestamp without time zone", "TIMESTAMP_NTZ"), ("varchar(5)", "VARCHAR(5)"), ("interval", "INTERVAL"),
    ]) func types(sql: String, text: String) throws {
        #expect(try parseTypeName(SourceText(name: "q", text: sql)).sql == text)
    }
}
