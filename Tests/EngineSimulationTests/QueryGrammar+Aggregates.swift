import TideEngineSimulation

// Aggregates, and generators beside what undoes them.
extension QueryGrammar {
    /// One column of a result: its text, with `$` before the number of a column it reads, and its value.
    typealias Item = (text: String, kind: DrawnQuery.Kind, value: ([[Value]]) -> Value)

    mutating func aggregate(_ q: DrawnQuery) -> DrawnQuery {
        let groups = columns(q, 0...2)
        var items: [Item] = [("count(*)", .number, { count($0) })]
        for _ in 0..<below(4) { if let item = aggregateItem(q) { items.append(item) } }
        let fixed = items
        let list = groups.map { "g\($0)" } + fixed.map { $0.text.replacing("$", with: "g") }
        let named = list.enumerated().map { "\($1) AS c\($0)" }.joined(separator: ", ")
        // The groups are named after other columns of the query below, which GROUP BY would take them for.
        let inner = q.columns.indices.map { "c\($0) AS g\($0)" }.joined(separator: ", ")
        let by: String
        switch below(4) {
        case 0 where !groups.isEmpty: by = " GROUP BY ALL"
        case 1 where !groups.isEmpty: by = " GROUP BY " + groups.indices.map { "\($0 + 1)" }.joined(separator: ", ")
        default: by = groups.isEmpty ? "" : " GROUP BY " + groups.map { "g\($0)" }.joined(separator: ", ")
        }
        return DrawnQuery(
            sql: "SELECT \(named) FROM (SELECT \(inner) FROM (\(q.sql)))\(by)",
            columns: groups.map { q.columns[$0] } + fixed.map(\.kind),
            rows: { tables in q.rows(tables).group(by: groups) { rows in fixed.map { $0.value(rows) } } },
            shape: "aggregate[\(fixed.map(\.text).joined(separator: " "))](\(q.shape))")
    }

    private mutating func aggregateItem(_ q: DrawnQuery) -> Item? {
        let at = q.columns.indices.randomElement(using: &generator)!
        let kind = q.columns[at]
        func values(_ rows: [[Value]]) -> [Value] { rows.ordered.map { $0[at] }.filter { !$0.isNull } }
        switch below(14) {
        case 0: return ("count($\(at))", .number, { count($0, at) })
        case 1: return ("min($\(at))", kind, { least($0, at) })
        case 2: return ("max($\(at))", kind, { greatest($0, at) })
        case 3: return ("count(DISTINCT $\(at))", .number, { rows in count(rows.different(at), 0) })
        case 4:
            return (
                "first($\(at)/* ORDER BY \(ties(q, "g")) */)", kind,
                { rows in rows.ordered.first.map { $0[at] } ?? .null }
            )
        case 5:
            let (text, test) = condition(q.columns)
            return (
                "max($\(at)) FILTER (WHERE \(text.replacing("$c", with: "$")))", kind,
                { rows in greatest(rows.filter(test), at) }
            )
        case 6:
            // The second value that is not NULL, of the rows in order.
            let theirs = "(list($\(at) ORDER BY \(ties(q, "g"))) FILTER (WHERE $\(at) IS NOT NULL))[2]"
            return (
                "/*1*/try_element_at(collect_list($\(at)), 2)/*2\(theirs)*/", kind,
                { rows in values(rows).dropFirst().first ?? .null }
            )
        case 7:
            return ("/*1*/array_max(collect_set($\(at)))/*2max($\(at))*/", kind, { rows in greatest(rows, at) })
        case 8: return ("/*1*/bigint(size(array_agg($\(at))))/*2count($\(at))*/", .number, { count($0, at) })
        case 9:
            guard let a = column(q, .text) else { return nil }
            let theirs =
                "'[' || coalesce(array_to_string(list_sort(list($\(a)) FILTER (WHERE $\(a) IS NOT NULL)), ', '), '')"
            return (
                "/*1*/CAST(sort_array(collect_list($\(a))) AS STRING)/*2\(theirs) || ']'*/", .text,
                { rows in
                    let texts = rows.map { $0[a] }.filter { !$0.isNull }.sorted().map { value in
                        if case .text(let text) = value { text } else { "" }
                    }
                    return .text("[" + texts.joined(separator: ", ") + "]")
                }
            )
        case 10:
            guard let a = column(q, .decimal) else { return nil }
            // Six digits first, as Spark has them, then two.
            return (
                "CAST(avg($\(a))/*2NOT POSSIBLE*/ AS DECIMAL(20,2))", .decimal,
                { rows in
                    guard let total = sum(rows, a).number, let n = count(rows, a).number else { return .null }
                    let six = (total * 1e4 / n).rounded(.toNearestOrAwayFromZero)
                    return .number((six / 1e4).rounded(.toNearestOrAwayFromZero))
                }
            )
        default:
            let summed = [DrawnQuery.Kind.number, .number, .double, .decimal, .interval].randomElement(
                using: &generator)!
            guard let a = column(q, summed) ?? column(q, .number) else { return nil }
            let kind = q.columns[a]
            switch kind {
            case .number where below(3) == 0:
                return ("sum(DISTINCT $\(a))", .number, { rows in sum(rows.different(a), 0) })
            case .decimal: return ("CAST(sum($\(a)) AS DECIMAL(20,2))", kind, { sum($0, a) })
            case .interval:
                let theirs = "to_microseconds(CAST(sum(epoch_us(TIMESTAMP '1970-01-01' + $\(a))) AS BIGINT))"
                return ("/*1*/sum($\(a))/*2\(theirs)*/", kind, { sum($0, a) })
            default: return ("sum($\(a))", kind, { sum($0, a) })
            }
        }
    }

    /// Rows out of an array of two columns, which some rows do not have.
    mutating func generate(_ q: DrawnQuery) -> DrawnQuery {
        let kind = kind(q)
        guard let a = column(q, kind), let b = column(q, kind) else { return q }
        let (text, test) = condition(q.columns)
        let which = text.replacing("$", with: "")
        let source = "CASE WHEN \(which) THEN array(c\(a), c\(b)) END"
        let at = q.columns.count
        let kept = q.columns.indices.map { "c\($0)" }
        func pairs(_ row: [Value]) -> [[Value]] {
            test(row) ? [row + [.number(0), row[a]], row + [.number(1), row[b]]] : []
        }
        switch below(3) {
        case 0:
            let theirs = "unnest(CASE WHEN \(which) THEN [c\(a), c\(b)] END)"
            return DrawnQuery(
                sql: "SELECT *, /*1*/explode(\(source))/*2\(theirs)*/ AS c\(at) FROM (\(q.sql))",
                columns: q.columns + [kind],
                rows: { tables in
                    ReferenceRelation(q.rows(tables).rows.flatMap { pairs($0).map { Array($0[..<at]) + [$0[at + 1]] } })
                }, shape: "explode(\(q.shape))")
        case 1:
            let theirs = "unnest(CASE WHEN \(which) THEN [c\(a), c\(b)] ELSE [NULL] END) AS c\(at)"
            return DrawnQuery(
                sql: "SELECT * /*1*//*2, \(theirs)*/ FROM (\(q.sql)) "
                    + "/*1*/LATERAL VIEW OUTER explode(\(source)) e AS c\(at)/*2*/",
                columns: q.columns + [kind],
                rows: { tables in
                    ReferenceRelation(
                        q.rows(tables).rows.flatMap { row -> [[Value]] in
                            let made = pairs(row).map { Array($0[..<at]) + [$0[at + 1]] }
                            return made.isEmpty ? [row + [.null]] : made
                        })
                }, shape: "outer(\(q.shape))")
        default:
            let list = (kept + ["CAST(p AS BIGINT) AS c\(at)", "x AS c\(at + 1)"]).joined(separator: ", ")
            let theirs =
                "JOIN (VALUES (0), (1)) AS o(p) ON true, LATERAL (SELECT CASE p WHEN 0 THEN c\(a) ELSE c\(b) END) "
                + "AS e(x) WHERE \(which)"
            return DrawnQuery(
                sql:
                    "SELECT \(list) FROM (\(q.sql)) AS t /*1*/JOIN LATERAL posexplode(\(source)) AS e(p, x)/*2\(theirs)*/",
                columns: q.columns + [.number, kind],
                rows: { tables in ReferenceRelation(q.rows(tables).rows.flatMap(pairs)) },
                shape: "posexplode(\(q.shape))")
        }
    }
}
