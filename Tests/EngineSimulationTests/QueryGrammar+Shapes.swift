import TideEngineSimulation

// PIVOT, UNPIVOT, recursion, pipes, views below the view, and joins by ranges.
extension QueryGrammar {
    /// Values of one column side by side.
    mutating func pivot(_ q: DrawnQuery) -> DrawnQuery {
        let names: [(text: String, value: Value)]
        let key: Int
        if let text = column(q, .text), below(3) > 0 {
            (key, names) = (text, [("'k0'", .text("k0")), ("'k1'", .text("k1")), ("'k2'", .text("k2"))])
        } else if let number = column(q, .number) {
            (key, names) = (number, [("0", .number(0)), ("1", .number(1))])
        } else {
            return q
        }
        let isSum = below(2) == 0
        guard let at = isSum ? column(q, .number) : q.columns.indices.randomElement(using: &generator) else { return q }
        let group = below(3) > 0 ? columns(q, 1...1) : []
        let function = isSum ? "sum(v)" : "max(v)"
        let shift = group.count
        let ours = group.map { _ in "g AS c0" } + names.indices.map { "p\($0) AS c\($0 + shift)" }
        let theirs =
            group.map { _ in "g AS c0" }
            + names.enumerated().map { "\(function) FILTER (WHERE p = \($1.text)) AS c\($0 + shift)" }
        let wanted = names.enumerated().map { "\($1.text) AS p\($0)" }.joined(separator: ", ")
        let inner = group.map { "c\($0) AS g, " }.joined() + "c\(key) AS p, c\(at) AS v"
        let kind = q.columns[at]
        return DrawnQuery(
            sql: "SELECT /*1*/\(ours.joined(separator: ", "))/*2\(theirs.joined(separator: ", "))*/ FROM "
                + "(SELECT \(inner) FROM (\(q.sql))) /*1*/PIVOT (\(function) FOR p IN (\(wanted)))"
                + "/*2\(group.isEmpty ? "" : "GROUP BY g")*/",
            columns: group.map { q.columns[$0] } + names.map { _ in kind },
            rows: { tables in
                q.rows(tables).group(by: group) { rows in
                    names.map { name in
                        let mine = rows.filter { $0[key].equals(name.value) }
                        return isSum ? sum(mine, at) : greatest(mine, at)
                    }
                }
            }, shape: "pivot(\(q.shape))")
    }

    /// Two columns one below the other, with their names.
    mutating func unpivot(_ q: DrawnQuery) -> DrawnQuery {
        let kind = kind(q)
        guard let a = column(q, kind), let b = column(q, kind), let kept = columns(q, 1...1).first else { return q }
        let keepsNull = below(2) == 0
        return DrawnQuery(
            sql: "SELECT r AS c0, n AS c1, v AS c2 FROM (SELECT c\(kept) AS r, c\(a) AS a, c\(b) AS b FROM (\(q.sql))) "
                + "UNPIVOT \(keepsNull ? "INCLUDE NULLS " : "")(v FOR n IN (a, b))",
            columns: [q.columns[kept], .text, kind],
            rows: { tables in
                ReferenceRelation(
                    q.rows(tables).rows.flatMap { row in
                        [[row[kept], .text("a"), row[a]], [row[kept], .text("b"), row[b]]]
                            .filter { keepsNull || !$0[2].isNull }
                    })
            }, shape: "unpivot(\(q.shape))")
    }

    /// Rows that lead to rows: counting up, or paths of two columns.
    mutating func recursion(_ q: DrawnQuery) -> DrawnQuery {
        let w = alias()
        if below(2) == 0, let a = column(q, .number) {
            return DrawnQuery(
                sql: "SELECT * FROM (WITH RECURSIVE \(w)(a, n) AS (SELECT c\(a), CAST(0 AS BIGINT) FROM (\(q.sql)) "
                    + "UNION ALL SELECT a + 2, n + 1 FROM \(w) WHERE n < 2 AND a < 4) "
                    + "SELECT a AS c0, n AS c1 FROM \(w))",
                columns: [.number, .number],
                rows: { tables in
                    ReferenceRelation(
                        q.rows(tables).rows.flatMap { row in
                            var found = [[row[a], .number(0)]]
                            var here = row[a].number
                            for n in 1...2 {
                                guard let value = here, value < 4 else { break }
                                here = value + 2
                                found.append([.number(value + 2), .number(Double(n))])
                            }
                            return found
                        })
                }, shape: "recursion(\(q.shape))")
        }
        let kind = kind(q)
        guard let a = column(q, kind), let b = column(q, kind) else { return q }
        let edges = "SELECT DISTINCT c\(a) AS f, c\(b) AS t FROM (\(q.sql))"
        return DrawnQuery(
            sql: "SELECT * FROM (WITH RECURSIVE \(w)e AS (\(edges)), \(w)(f, t, n) AS ("
                + "SELECT f, t, CAST(1 AS BIGINT) FROM \(w)e UNION ALL SELECT p.f, e.t, p.n + 1 FROM \(w) AS p "
                + "JOIN \(w)e AS e ON p.t = e.f WHERE p.n < 3) SELECT DISTINCT f AS c0, t AS c1, n AS c2 FROM \(w))",
            columns: [kind, kind, .number],
            rows: { tables in
                let edges = q.rows(tables).map { [$0[a], $0[b]] }.distinct().rows
                var found: [[Value]] = []
                var paths = edges
                for n in 1...3 {
                    found += paths.map { $0 + [.number(Double(n))] }
                    paths =
                        ReferenceRelation(
                            paths.flatMap { path in edges.filter { $0[0].equals(path[1]) }.map { [path[0], $0[1]] } }
                        ).distinct().rows
                }
                return ReferenceRelation(found).distinct()
            }, shape: "paths(\(q.shape))")
    }

    mutating func cross(_ a: DrawnQuery, _ b: DrawnQuery) -> DrawnQuery {
        let (x, y) = (alias(), alias())
        let names = a.columns.indices.map { "\(x).c\($0)" } + b.columns.indices.map { "\(y).c\($0)" }
        let list = names.enumerated().map { "\($1) AS c\($0)" }.joined(separator: ", ")
        return DrawnQuery(
            sql: "SELECT \(list) FROM (\(a.sql)) AS \(x)\(below(2) == 0 ? " CROSS JOIN" : ",") (\(b.sql)) AS \(y)",
            columns: a.columns + b.columns, rows: { a.rows($0).join(b.rows($0)) { _, _ in true } },
            shape: "cross(\(a.shape), \(b.shape))")
    }

    /// The first rows by all columns.
    mutating func smallest(_ q: DrawnQuery) -> DrawnQuery {
        let limit = below(4) + 1
        return DrawnQuery(
            sql: "SELECT * FROM (SELECT * FROM (\(q.sql)) ORDER BY ALL LIMIT \(limit))", columns: q.columns,
            rows: { ReferenceRelation(Array(q.rows($0).rows.ordered.prefix(limit))) }, shape: "smallest(\(q.shape))")
    }

    mutating func pipe(_ q: DrawnQuery) -> DrawnQuery {
        let (condition, test) = condition(q.columns)
        let kept = condition.replacing("$", with: "")
        let last = q.columns.count - 1
        switch below(4) {
        case 0 where last > 0:
            return DrawnQuery(
                sql: "SELECT * FROM (/*1*/FROM/*2SELECT * EXCLUDE (c\(last)) FROM*/ (\(q.sql)) AS t "
                    + "/*1*/|> WHERE \(kept) |> DROP c\(last)/*2WHERE \(kept)*/)",
                columns: Array(q.columns[..<last]), rows: { q.rows($0).filter(test).map { Array($0[..<last]) } },
                shape: "pipe drop(\(q.shape))")
        case 1, 2:
            guard let a = column(q, .number), let g = columns(q, 1...1).first else { return q }
            return DrawnQuery(
                sql: "SELECT * FROM (/*1*/FROM/*2SELECT c\(g) AS c0, count(*) AS c1, sum(c\(a) + 1) AS c2 FROM*/ "
                    + "(\(q.sql)) AS t /*1*/|> WHERE \(kept) |> EXTEND c\(a) + 1 AS more |> AGGREGATE count(*) AS n, "
                    + "sum(more) AS s GROUP BY c\(g) AS g |> SELECT g AS c0, n AS c1, s AS c2"
                    + "/*2WHERE \(kept) GROUP BY c\(g)*/)",
                columns: [q.columns[g], .number, .number],
                rows: { tables in
                    q.rows(tables).filter(test).group(by: [g]) { rows in
                        let n = count(rows, a).number!
                        return [count(rows), n == 0 ? .null : plus(sum(rows, a), .number(n))]
                    }
                }, shape: "pipe aggregate(\(q.shape))")
        default:
            guard let a = column(q, .number) else { return q }
            return DrawnQuery(
                sql: "SELECT * FROM (/*1*/FROM/*2SELECT DISTINCT * REPLACE (coalesce(c\(a), 0) AS c\(a)) FROM*/ "
                    + "(\(q.sql)) AS t "
                    + "/*1*/|> WHERE \(kept) |> SET c\(a) = coalesce(c\(a), 0) |> SELECT DISTINCT *"
                    + "/*2WHERE \(kept)*/)",
                columns: q.columns,
                rows: { tables in
                    q.rows(tables).filter(test).map { row in
                        var row = row
                        if row[a].isNull { row[a] = .number(0) }
                        return row
                    }.distinct()
                }, shape: "pipe set(\(q.shape))")
        }
    }

    /// The query as a view of its own, sometimes read twice.
    mutating func view(_ q: DrawnQuery) -> DrawnQuery {
        let name = "w\(alias())"
        views.append((name, q.sql, !q.columns.contains(.interval) && below(2) == 0))
        var seen = q
        seen.sql = "SELECT * FROM \(name)"
        seen.shape = "view(\(q.shape))"
        if below(3) > 0 { return seen }
        let (x, y) = (alias(), alias())
        let wanted = kind(q)
        guard let i = column(q, wanted), let j = column(q, wanted) else { return seen }
        let list = q.columns.indices.map { "\(x).c\($0) AS c\($0)" } + ["\(y).c\(j) AS c\(q.columns.count)"]
        return DrawnQuery(
            sql: "SELECT \(list.joined(separator: ", ")) FROM \(name) AS \(x) JOIN \(name) AS \(y) "
                + "ON \(x).c\(i) = \(y).c\(j)",
            columns: q.columns + [q.columns[j]],
            rows: { tables in
                let rows = q.rows(tables)
                return rows.join(rows.map { [$0[j]] }) { $0[i].equals($1[0]) }
            }, shape: "view twice(\(q.shape))")
    }

    /// Rows whose column lies in a range that the other row gives.
    mutating func rangeJoin(_ a: DrawnQuery, _ b: DrawnQuery) -> DrawnQuery {
        let ranges: [(DrawnQuery.Kind, String, Double)] = [
            (.timestamp, "INTERVAL '40' MINUTE", 2400e6), (.number, "2", 2), (.date, "2", 2), (.decimal, "0.50", 50),
            (.double, "1", 1),
        ]
        let fitting = ranges.filter { column(a, $0.0) != nil && column(b, $0.0) != nil }
        guard let (kind, text, width) = fitting.randomElement(using: &generator),
            let i = column(a, kind), let j = column(b, kind)
        else { return a }
        let (x, y) = (alias(), alias())
        let join = ["JOIN", "LEFT JOIN", "FULL JOIN", "LEFT SEMI JOIN", "LEFT ANTI JOIN"]
            .randomElement(using: &generator)!
        var conditions = ["\(x).c\(i) BETWEEN \(y).c\(j) AND \(y).c\(j) + \(text)"]
        var tests: [([Value], [Value]) -> Bool] = [
            { p, q in
                guard !p[i].isNull, let from = q[j].number else { return false }
                return p[i] >= q[j] && p[i] <= .number(from + width)
            }
        ]
        if let k = column(a, .text), let l = column(b, .text), below(2) == 0 {
            conditions.append("\(x).c\(k) = \(y).c\(l)")
            tests.append { $0[k].equals($1[l]) }
        }
        return joined(a, b, (x, y), join, conditions, tests)
    }
}
