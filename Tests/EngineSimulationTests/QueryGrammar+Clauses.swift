import TideEngineSimulation

// Rules of subqueries, grouping sets, QUALIFY, USING and frames by value.
extension QueryGrammar {
    /// A query over `a` that asks another about each of its rows.
    mutating func subquery(_ a: DrawnQuery, _ b: DrawnQuery) -> DrawnQuery {
        let wanted = self.kind(a)
        guard let i = column(a, wanted), let j = column(b, wanted) else { return a }
        let (x, y, w) = (alias(), alias(), alias())
        let other = "(\(b.sql)) AS \(y)"
        let all = a.columns.indices.map { "\(x).c\($0) AS c\($0)" }.joined(separator: ", ")
        func filtered(_ condition: String, _ name: String, _ test: @escaping ([Value], [[Value]]) -> Bool) -> DrawnQuery
        {
            DrawnQuery(
                sql: "SELECT \(all) FROM (\(a.sql)) AS \(x) WHERE \(condition)", columns: a.columns,
                rows: { tables in
                    let others = b.rows(tables).rows
                    return a.rows(tables).filter { test($0, others) }
                }, shape: "\(name)(\(a.shape), \(b.shape))")
        }
        func extended(
            _ item: String, from: String = "", _ name: String, _ kind: DrawnQuery.Kind,
            _ value: @escaping ([Value], [[Value]]) -> Value
        ) -> DrawnQuery {
            DrawnQuery(
                sql: "SELECT \(all), \(item) AS c\(a.columns.count) FROM (\(a.sql)) AS \(x)\(from)",
                columns: a.columns + [kind],
                rows: { tables in
                    let others = b.rows(tables).rows
                    return a.rows(tables).map { $0 + [value($0, others)] }
                }, shape: "\(name)(\(a.shape), \(b.shape))")
        }
        switch below(8) {
        case 0:
            return filtered("\(x).c\(i) IN (SELECT \(y).c\(j) FROM \(other))", "in") { row, others in
                others.contains { $0[j].equals(row[i]) }
            }
        case 1:
            // NULL on either side leaves it open, unless there is nothing to compare with.
            return filtered("\(x).c\(i) NOT IN (SELECT \(y).c\(j) FROM \(other))", "not in") { row, others in
                others.isEmpty || !row[i].isNull && others.allSatisfy { !$0[j].isNull && $0[j] != row[i] }
            }
        case 2:
            return filtered("EXISTS (SELECT 1 FROM \(other) WHERE \(y).c\(j) = \(x).c\(i))", "exists") { row, others in
                others.contains { $0[j].equals(row[i]) }
            }
        case 3:
            return filtered("NOT EXISTS (SELECT 1 FROM \(other) WHERE \(y).c\(j) = \(x).c\(i))", "not exists") {
                row, others in !others.contains { $0[j].equals(row[i]) }
            }
        case 4:
            return extended(
                "(SELECT count(*) FROM \(other) WHERE \(y).c\(j) = \(x).c\(i))", "correlated count", .number
            ) { row, others in count(others.filter { $0[j].equals(row[i]) }) }
        case 5:
            return extended("(SELECT max(\(y).c\(j)) FROM \(other))", "scalar", wanted) { _, others in
                greatest(others, j)
            }
        case 6:
            return extended(
                "\(w).n", from: ", LATERAL (SELECT count(*) AS n FROM \(other) WHERE \(y).c\(j) = \(x).c\(i)) AS \(w)",
                "lateral", .number
            ) { row, others in count(others.filter { $0[j].equals(row[i]) }) }
        default:
            return DrawnQuery(
                sql: "SELECT * FROM (WITH \(w) AS (\(a.sql)) SELECT \(all) FROM \(w) AS \(x) WHERE \(x).c\(i) = "
                    + "(SELECT min(\(y).c\(i)) FROM \(w) AS \(y)))", columns: a.columns,
                rows: { tables in
                    let rows = a.rows(tables)
                    let first = least(rows.rows, i)
                    return rows.filter { $0[i].equals(first) }
                }, shape: "with(\(a.shape))")
        }
    }

    /// Several groupings at once. Where there is no row there is no total either, as in Spark.
    mutating func groupingSets(_ q: DrawnQuery) -> DrawnQuery {
        let groups = columns(q, 2...2)
        guard groups.count == 2, let a = column(q, .number) else { return q }
        let (clause, sets): (String, [[Int]]) =
            switch below(3) {
            case 0: ("ROLLUP (g0, g1)", [[0, 1], [0], []])
            case 1: ("CUBE (g0, g1)", [[0, 1], [0], [1], []])
            default: ("GROUPING SETS ((g0), (g1), (g0, g1))", [[0], [1], [0, 1]])
            }
        return DrawnQuery(
            sql: "SELECT g0 AS c0, g1 AS c1, count(*) AS c2, sum(x) AS c3 FROM (SELECT c\(groups[0]) AS g0, "
                + "c\(groups[1]) AS g1, c\(a) AS x FROM (\(q.sql))) GROUP BY \(clause) HAVING count(*) > 0",
            columns: groups.map { q.columns[$0] } + [.number, .number],
            rows: { tables in
                let rows = q.rows(tables)
                var out: [[Value]] = []
                for set in sets {
                    let part = rows.group(by: set.map { groups[$0] }) { [count($0), sum($0, a)] }
                    for row in part.rows where row[set.count] != .number(0) {
                        let keys = [0, 1].map { key in set.firstIndex(of: key).map { row[$0] } ?? .null }
                        out.append(keys + row[set.count...])
                    }
                }
                return ReferenceRelation(out)
            }, shape: "\(clause.prefix { $0 != " " })(\(q.shape))")
    }

    mutating func qualify(_ q: DrawnQuery) -> DrawnQuery {
        let (partition, order) = (columns(q, 1...1), columns(q, 1...2))
        let limit = below(3) + 1
        let by = order.map { "c\($0)" }.joined(separator: ", ")
        let call = "row_number() OVER (PARTITION BY c\(partition[0]) ORDER BY \(by)/*, \(ties(q, "c")) */)"
        return DrawnQuery(
            sql: "SELECT * FROM (\(q.sql)) QUALIFY \(call) <= \(limit)", columns: q.columns,
            rows: { tables in
                ReferenceRelation(
                    q.rows(tables).partitions(by: partition).flatMap {
                        $0.ordered(by: order, descending: false).prefix(limit)
                    })
            }, shape: "qualify(\(q.shape))")
    }

    /// A join by a common name: the column comes once, from the side that has it.
    mutating func namedJoin(_ a: DrawnQuery, _ b: DrawnQuery) -> DrawnQuery {
        let wanted = self.kind(a)
        guard let i = column(a, wanted), let j = column(b, wanted) else { return a }
        let (x, y) = (alias(), alias())
        let kind = ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"].randomElement(using: &generator)!
        let isNatural = below(2) == 0
        let left = a.columns.indices.filter { $0 != i }
        let right = b.columns.indices.filter { $0 != j }
        func side(_ q: DrawnQuery, _ key: Int, _ rest: [Int], _ letter: String) -> String {
            let list = ["c\(key) AS j"] + rest.map { "c\($0) AS \(letter)\($0)" }
            return "(SELECT \(list.joined(separator: ", ")) FROM (\(q.sql)))"
        }
        let names = ["j"] + left.map { "a\($0)" } + right.map { "b\($0)" }
        let list = names.enumerated().map { "\($1) AS c\($0)" }.joined(separator: ", ")
        let joined =
            "\(side(a, i, left, "a")) AS \(x) \(isNatural ? "NATURAL \(kind)" : kind) \(side(b, j, right, "b")) AS \(y)"
        let widths = (a.columns.count, b.columns.count)
        return DrawnQuery(
            sql: "SELECT \(list) FROM \(joined)\(isNatural ? "" : " USING (j)")",
            columns: [wanted] + left.map { a.columns[$0] } + right.map { b.columns[$0] },
            rows: { tables in
                let (p, q) = (a.rows(tables), b.rows(tables))
                let on: ([Value], [Value]) -> Bool = { $0[i].equals($1[j]) }
                let rows: ReferenceRelation
                switch kind {
                case "JOIN": rows = p.join(q, on)
                case "LEFT JOIN": rows = p.leftJoin(q, width: widths.1, on)
                case "RIGHT JOIN":
                    rows = q.leftJoin(p, width: widths.0) { on($1, $0) }
                        .map { Array($0[widths.1...]) + Array($0[..<widths.1]) }
                default: rows = p.fullJoin(q, widths: widths, on)
                }
                return rows.map { row in
                    let key = row[i].isNull ? row[widths.0 + j] : row[i]
                    return [key] + left.map { row[$0] } + right.map { row[widths.0 + $0] }
                }
            }, shape: "\(isNatural ? "natural " : "using ")\(kind)(\(a.shape), \(b.shape))")
    }

    /// Frames by value, and functions that take a row of the frame.
    mutating func frame(_ q: DrawnQuery) -> DrawnQuery {
        let partition = columns(q, 0...1)
        guard let by = column(q, .number), let at = q.columns.indices.randomElement(using: &generator) else { return q }
        let over = (partition.first.map { "PARTITION BY c\($0) " } ?? "") + "ORDER BY c\(by)"
        let broken = "/*, \(ties(q, "c")) */"
        let whole = "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"
        let call: String
        var kind = DrawnQuery.Kind.number
        let value: ([[Value]], Int) -> Value
        switch below(5) {
        case 0:
            let a = column(q, .number)!
            call = "sum(c\(a)) OVER (\(over) RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING)"
            value = { rows, row in
                sum(
                    rows.filter {
                        guard let here = rows[row][by].number, let there = $0[by].number else {
                            return rows[row][by].isNull && $0[by].isNull
                        }
                        return abs(here - there) <= 1
                    }, a)
            }
        case 1:
            call = "last_value(c\(at)) OVER (\(over)\(broken) \(whole))"
            kind = q.columns[at]
            value = { rows, _ in rows[rows.count - 1][at] }
        case 2:
            call = "nth_value(c\(at), 2) OVER (\(over)\(broken) \(whole))"
            kind = q.columns[at]
            value = { rows, _ in rows.count > 1 ? rows[1][at] : .null }
        case 3:
            call = "lead(c\(at), 2) OVER (\(over)\(broken))"
            kind = q.columns[at]
            value = { rows, row in row + 2 < rows.count ? rows[row + 2][at] : .null }
        default:
            call = "dense_rank() OVER (\(over))"
            value = { rows, row in .number(Double(Set(rows[...row].map { $0[by] }).count)) }
        }
        return DrawnQuery(
            sql: "SELECT *, CAST(\(call) AS \(kind.type)) AS c\(q.columns.count) FROM (\(q.sql))",
            columns: q.columns + [kind],
            rows: { tables in
                ReferenceRelation(
                    q.rows(tables).partitions(by: partition).flatMap { rows in
                        let sorted = rows.ordered(by: [by], descending: false)
                        return sorted.indices.map { sorted[$0] + [value(sorted, $0)] }
                    })
            }, shape: "frame[\(call.prefix { $0 != "(" })](\(q.shape))")
    }

    func constants() -> DrawnQuery {
        DrawnQuery(
            sql: "SELECT CAST(a AS BIGINT) AS c0, b AS c1 FROM (VALUES (1, 'k1'), (2, NULL), (1, 'k1')) AS t(a, b)",
            columns: [.number, .text],
            rows: { _ in
                ReferenceRelation([[.number(1), .text("k1")], [.number(2), .null], [.number(1), .text("k1")]])
            }, shape: "values")
    }
}
