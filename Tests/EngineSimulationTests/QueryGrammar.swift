import TideEngineSimulation
import TideSimulation

/// A query drawn from a grammar of relational operators: its text, and what it gives, computed by loops over rows.
///
/// A column has one of few types, so that columns of a kind may meet. Results are bags of rows. Where SQL leaves an
/// order open, the whole row in ascending order decides, NULLs first. Comments in the text speak to an engine with
/// another dialect (`Tests/Peers/oracle_duckdb.py`): `/*, … */` breaks ties, and `/*1*/ours/*2theirs*/` is spelled
/// otherwise there.
struct DrawnQuery {
    /// How the reference writes the values: decimals in hundredths, dates in days, timestamps and intervals in
    /// microseconds. All of them stay below 2⁵³, and doubles have few binary digits, so that sums are exact.
    enum Kind: CaseIterable {
        case number, text, double, decimal, date, timestamp, interval

        var type: String {
            switch self {
            case .number: "BIGINT"
            case .text: "STRING"
            case .double: "DOUBLE"
            case .decimal: "DECIMAL(20,2)"
            case .date: "DATE"
            case .timestamp: "TIMESTAMP"
            case .interval: "INTERVAL DAY TO SECOND"
            }
        }
    }
    struct Tables {
        var l = ReferenceRelation([])
        var r = ReferenceRelation([])
        var c = ReferenceRelation([])
        var x = ReferenceRelation([])
    }
    /// Without a semicolon; its columns are named c0, c1, …
    var sql: String
    var columns: [Kind]
    var rows: (Tables) -> ReferenceRelation
    /// What the query is made of, for the message of a failure.
    var shape: String
}

/// Draws queries. Each rule puts one operator over smaller queries.
struct QueryGrammar {
    var generator: SeededGenerator
    /// Views that the query is made of, in an order that they can be created in.
    var views: [(name: String, sql: String, isStored: Bool)] = []
    private var number = 0

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    static let declarations = """
        CREATE TABLE l (id BIGINT, k STRING, g BIGINT, v BIGINT) USING csv OPTIONS (path 'in/l');
        CREATE TABLE r (k STRING, g BIGINT, w BIGINT) USING csv OPTIONS (path 'in/r');
        CREATE TABLE x (k STRING, d DOUBLE, m DECIMAL(20,2), a DATE, z TIMESTAMP) USING csv OPTIONS (path 'in/x');
        CREATE TABLE e (id BIGINT, k STRING, v BIGINT, n BIGINT, gone BOOLEAN) USING csv OPTIONS (path 'in/e');
        CREATE STREAMING TABLE c;
        CREATE FLOW f AS AUTO CDC INTO c FROM STREAM(e)
          KEYS (id) APPLY AS DELETE WHEN gone SEQUENCE BY n COLUMNS * EXCEPT (n, gone);

        """

    mutating func query() -> DrawnQuery { withoutIntervals(draw(depth: below(4))) }

    /// The statements before the query.
    var statements: String {
        views.reduce(QueryGrammar.declarations) { text, view in
            text + "CREATE \(view.isStored ? "MATERIALIZED" : "TEMPORARY") VIEW \(view.name) AS \(view.sql);\n"
        }
    }

    /// The columns that break ties, for engines that must be told.
    func ties(_ query: DrawnQuery, _ letter: String) -> String {
        query.columns.indices.map { "\(letter)\($0) ASC NULLS FIRST" }.joined(separator: "; ")
    }

    // MARK: Drawing

    mutating func below(_ n: Int) -> Int { Int.random(in: 0..<n, using: &generator) }
    mutating func alias() -> String {
        number += 1
        return "q\(number)"
    }
    mutating func column(_ query: DrawnQuery, _ kind: DrawnQuery.Kind) -> Int? {
        query.columns.indices.filter { query.columns[$0] == kind }.randomElement(using: &generator)
    }
    /// The kind of one of the columns; mostly one that many rules like.
    mutating func kind(_ query: DrawnQuery) -> DrawnQuery.Kind {
        if below(2) == 0, column(query, .number) != nil { return .number }
        return query.columns.randomElement(using: &generator)!
    }
    mutating func columns(_ query: DrawnQuery, _ range: ClosedRange<Int>) -> [Int] {
        let wanted = min(Int.random(in: range, using: &generator), query.columns.count)
        return Array(query.columns.indices.shuffled(using: &generator).prefix(wanted))
    }

    mutating func draw(depth: Int) -> DrawnQuery {
        if depth == 0 { return leaf() }
        switch below(40) {
        case 0: return filter(draw(depth: depth - 1))
        case 1: return project(draw(depth: depth - 1))
        case 2, 3, 4, 5: return aggregate(draw(depth: depth - 1))
        case 6, 7, 8, 9: return join(draw(depth: depth - 1), draw(depth: below(depth)))
        case 10: return distinct(draw(depth: depth - 1))
        case 11: return union(draw(depth: depth - 1), draw(depth: below(depth)))
        case 12, 13: return window(draw(depth: depth - 1))
        case 14: return top(draw(depth: depth - 1))
        case 15, 16, 17: return subquery(draw(depth: depth - 1), draw(depth: below(depth)))
        case 18: return groupingSets(draw(depth: depth - 1))
        case 19: return qualify(draw(depth: depth - 1))
        case 20: return namedJoin(draw(depth: depth - 1), draw(depth: below(depth)))
        case 21: return frame(draw(depth: depth - 1))
        case 22, 23: return generate(draw(depth: depth - 1))
        case 24, 25: return typed(draw(depth: depth - 1))
        case 26: return pivot(draw(depth: depth - 1))
        case 27: return unpivot(draw(depth: depth - 1))
        case 28: return recursion(draw(depth: depth - 1))
        case 29: return cross(draw(depth: depth - 1), draw(depth: below(depth)))
        case 30: return smallest(draw(depth: depth - 1))
        case 31, 32: return pipe(draw(depth: depth - 1))
        case 33, 34: return view(draw(depth: depth - 1))
        case 35: return timeWindows(draw(depth: depth - 1))
        case 36: return sessions(draw(depth: depth - 1))
        case 37: return rangeJoin(draw(depth: depth - 1), draw(depth: below(depth)))
        default: return setOperation(draw(depth: depth - 1), draw(depth: below(depth)))
        }
    }

    mutating func leaf() -> DrawnQuery {
        switch below(15) {
        case 10: return constants()
        case 11, 12, 13, 14:
            return DrawnQuery(
                sql: "SELECT k AS c0, d AS c1, m AS c2, a AS c3, z AS c4 FROM x",
                columns: [.text, .double, .decimal, .date, .timestamp], rows: { $0.x }, shape: "x")
        case 0, 1, 2, 3:
            return DrawnQuery(
                sql: "SELECT id AS c0, k AS c1, g AS c2, v AS c3 FROM l", columns: [.number, .text, .number, .number],
                rows: { $0.l }, shape: "l")
        case 4, 5:
            return DrawnQuery(
                sql: "SELECT k AS c0, g AS c1, w AS c2 FROM r", columns: [.text, .number, .number], rows: { $0.r },
                shape: "r")
        default:
            return DrawnQuery(
                sql: "SELECT id AS c0, k AS c1, v AS c2 FROM c", columns: [.number, .text, .number], rows: { $0.c },
                shape: "c")
        }
    }

    /// A condition over a row, as text with `$` for the alias and a dot, and as a test.
    mutating func condition(_ columns: [DrawnQuery.Kind]) -> (String, ([Value]) -> Bool) {
        let numbers = columns.indices.filter { columns[$0] == .number }
        let column = columns.indices.randomElement(using: &generator)!
        switch below(4) {
        case 0: return ("$c\(column) IS NOT NULL", { !$0[column].isNull })
        case 1 where numbers.count > 1:
            let (a, b) = (numbers.randomElement(using: &generator)!, numbers.randomElement(using: &generator)!)
            return ("$c\(a) < $c\(b)", { less($0[a], $0[b]) })
        default:
            guard let a = numbers.randomElement(using: &generator), below(3) > 0 else {
                let (literal, value) = literal(columns[column])
                return ("$c\(column) > \(literal)", { less(value, $0[column]) })
            }
            let n = Int.random(in: -3...6, using: &generator)
            return ("$c\(a) > \(n)", { less(.number(Double(n)), $0[a]) })
        }
    }

    // MARK: Rules

    mutating func filter(_ q: DrawnQuery) -> DrawnQuery {
        let (text, test) = condition(q.columns)
        return DrawnQuery(
            sql: "SELECT * FROM (\(q.sql)) WHERE \(text.replacing("$", with: ""))", columns: q.columns,
            rows: { q.rows($0).filter(test) }, shape: "filter(\(q.shape))")
    }

    mutating func project(_ q: DrawnQuery) -> DrawnQuery {
        var items: [(String, DrawnQuery.Kind, ([Value]) -> Value)] = []
        for _ in 0...below(3) {
            if let a = column(q, .number), let b = column(q, .number) {
                let n = below(5)
                switch below(4) {
                case 0: items.append(("c\(a) + \(n)", .number, { plus($0[a], .number(Double(n))) }))
                case 1: items.append(("c\(a) - c\(b)", .number, { plus($0[a], negative($0[b])) }))
                case 2: items.append(("coalesce(c\(a), \(n))", .number, { $0[a].isNull ? .number(Double(n)) : $0[a] }))
                default: items.append(("c\(a)", .number, { $0[a] }))
                }
            }
            if let a = column(q, .text), below(2) == 0 { items.append(("c\(a)", .text, { $0[a] })) }
        }
        if items.isEmpty { return q }
        let fixed = items
        let list = fixed.enumerated().map { "\($1.0) AS c\($0)" }.joined(separator: ", ")
        return DrawnQuery(
            sql: "SELECT \(list) FROM (\(q.sql))", columns: fixed.map(\.1),
            rows: { q.rows($0).map { row in fixed.map { $0.2(row) } } }, shape: "project(\(q.shape))")
    }

    mutating func join(_ a: DrawnQuery, _ b: DrawnQuery) -> DrawnQuery {
        let (x, y) = (alias(), alias())
        let kind = ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "LEFT SEMI JOIN", "LEFT ANTI JOIN"]
            .randomElement(using: &generator)!
        var conditions: [String] = []
        var tests: [([Value], [Value]) -> Bool] = []
        let wanted = self.kind(a)
        if below(6) > 0, let i = column(a, wanted), let j = column(b, wanted) {
            if below(4) == 0 {
                conditions.append("\(x).c\(i) <=> \(y).c\(j)")
                tests.append { $0[i] == $1[j] }
            } else {
                conditions.append("\(x).c\(i) = \(y).c\(j)")
                tests.append { $0[i].equals($1[j]) }
            }
        }
        if conditions.isEmpty || below(3) == 0, let i = column(a, .number), let j = column(b, .number) {
            conditions.append("\(x).c\(i) < \(y).c\(j)")
            tests.append { less($0[i], $1[j]) }
        }
        if conditions.isEmpty { conditions.append("true") }
        return joined(a, b, (x, y), kind, conditions, tests)
    }

    /// The join of that kind: its text, and its rows found by trying every pair.
    func joined(
        _ a: DrawnQuery, _ b: DrawnQuery, _ names: (String, String), _ kind: String, _ conditions: [String],
        _ tests: [([Value], [Value]) -> Bool]
    ) -> DrawnQuery {
        let (x, y) = names
        let fixed = tests
        let on: ([Value], [Value]) -> Bool = { p, q in fixed.allSatisfy { $0(p, q) } }
        let isFilter = kind.contains("SEMI") || kind.contains("ANTI")
        let kept =
            a.columns.indices.map { "\(x).c\($0)" } + (isFilter ? [] : b.columns.indices.map { "\(y).c\($0)" })
        let list = kept.enumerated().map { "\($1) AS c\($0)" }.joined(separator: ", ")
        let widths = (a.columns.count, b.columns.count)
        return DrawnQuery(
            sql: "SELECT \(list) FROM (\(a.sql)) AS \(x) \(kind) (\(b.sql)) AS \(y)"
                + " ON \(conditions.joined(separator: " AND "))",
            columns: isFilter ? a.columns : a.columns + b.columns,
            rows: { tables in
                let (p, q) = (a.rows(tables), b.rows(tables))
                switch kind {
                case "JOIN": return p.join(q, on)
                case "LEFT JOIN": return p.leftJoin(q, width: widths.1, on)
                case "RIGHT JOIN":
                    return q.leftJoin(p, width: widths.0) { on($1, $0) }
                        .map { Array($0[widths.1...]) + Array($0[..<widths.1]) }
                case "FULL JOIN": return p.fullJoin(q, widths: widths, on)
                case "LEFT SEMI JOIN": return p.filter { row in q.rows.contains { on(row, $0) } }
                default: return p.filter { row in !q.rows.contains { on(row, $0) } }
                }
            }, shape: "\(kind)[\(conditions.count)](\(a.shape), \(b.shape))")
    }

    mutating func distinct(_ q: DrawnQuery) -> DrawnQuery {
        let kept = columns(q, 1...2)
        let list = kept.enumerated().map { "c\($1) AS d\($0)" }.joined(separator: ", ")
        let outer = kept.indices.map { "d\($0) AS c\($0)" }.joined(separator: ", ")
        return DrawnQuery(
            sql: "SELECT \(outer) FROM (SELECT DISTINCT \(list) FROM (\(q.sql)))", columns: kept.map { q.columns[$0] },
            rows: { q.rows($0).map { row in kept.map { row[$0] } }.distinct() }, shape: "distinct(\(q.shape))")
    }

    /// Both queries cut to columns of the same kinds.
    mutating func alike(_ a: DrawnQuery, _ b: DrawnQuery) -> (DrawnQuery, DrawnQuery)? {
        let wanted = self.kind(a)
        guard let i = column(a, wanted), let j = column(b, wanted) else { return nil }
        let other = kind(b)
        let rest = (column(a, other), column(b, other))
        func cut(_ q: DrawnQuery, _ first: Int, _ second: Int?) -> DrawnQuery {
            let kept = [first] + (second.map { [$0] } ?? [])
            return DrawnQuery(
                sql: "SELECT \(kept.enumerated().map { "c\($1) AS c\($0)" }.joined(separator: ", ")) FROM (\(q.sql))",
                columns: kept.map { q.columns[$0] }, rows: { q.rows($0).map { row in kept.map { row[$0] } } },
                shape: q.shape)
        }
        guard let p = rest.0, let q = rest.1 else { return (cut(a, i, nil), cut(b, j, nil)) }
        return (cut(a, i, p), cut(b, j, q))
    }

    mutating func union(_ a: DrawnQuery, _ b: DrawnQuery) -> DrawnQuery {
        guard let (p, q) = alike(a, b) else { return a }
        return DrawnQuery(
            sql: "\(p.sql) UNION ALL \(q.sql)", columns: p.columns, rows: { p.rows($0) + q.rows($0) },
            shape: "union(\(p.shape), \(q.shape))")
    }

    mutating func setOperation(_ a: DrawnQuery, _ b: DrawnQuery) -> DrawnQuery {
        guard let (p, q) = alike(a, b) else { return a }
        let isExcept = below(2) == 0
        let isAll = below(2) == 0
        let name = (isExcept ? "EXCEPT" : "INTERSECT") + (isAll ? " ALL" : "")
        return DrawnQuery(
            sql: "\(p.sql) \(name) \(q.sql)", columns: p.columns,
            rows: { tables in
                var left: [[Value]: Int] = [:]
                var right: [[Value]: Int] = [:]
                for row in p.rows(tables).rows { left[row, default: 0] += 1 }
                for row in q.rows(tables).rows { right[row, default: 0] += 1 }
                return ReferenceRelation(
                    left.flatMap { row, n -> [[Value]] in
                        let other = right[row] ?? 0
                        let copies =
                            isExcept
                            ? (isAll ? max(0, n - other) : other == 0 ? 1 : 0)
                            : isAll ? min(n, other) : min(1, other)
                        return Array(repeating: row, count: copies)
                    })
            }, shape: "\(name)(\(p.shape), \(q.shape))")
    }

    mutating func window(_ q: DrawnQuery) -> DrawnQuery {
        let partition = columns(q, 0...1)
        let order = columns(q, 1...2)
        let isDescending = below(3) == 0
        let orderText = order.map { "c\($0)" + (isDescending ? " DESC" : "") }.joined(separator: ", ")
        let kind = below(6)
        // Peers have one rank and one running sum, but rows of their own in a frame of ROWS.
        let isPlain = kind == 1 || kind == 3
        let broken = isPlain ? "" : "/*, \(ties(q, "c")) */"
        let by = partition.isEmpty ? "" : "PARTITION BY \(partition.map { "c\($0)" }.joined(separator: ", ")) "
        var function: String
        var value: ([[Value]], Int, Range<Int>) -> Value
        var resultKind = DrawnQuery.Kind.number
        var frame = ""
        switch kind {
        case 0:
            function = "row_number()"
            value = { _, i, _ in .number(Double(i + 1)) }
        case 1:
            function = "rank()"
            value = { _, _, peers in .number(Double(peers.lowerBound + 1)) }
        case 2:
            let at = q.columns.indices.randomElement(using: &generator)!
            function = "lag(c\(at))"
            value = { rows, i, _ in i > 0 ? rows[i - 1][at] : .null }
            resultKind = q.columns[at]
        case 3 where column(q, .number) != nil:
            let a = column(q, .number)!
            function = "sum(c\(a))"
            value = { rows, _, peers in sum(Array(rows[..<peers.upperBound]), a) }
        case 4:
            let at = q.columns.indices.randomElement(using: &generator)!
            function = "max(c\(at))"
            frame = " ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING"
            value = { rows, i, _ in greatest(Array(rows[max(0, i - 1)..<min(rows.count, i + 2)]), at) }
            resultKind = q.columns[at]
        default:
            function = "count(*)"
            value = { rows, _, _ in count(rows) }
            frame = " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"
        }
        // Ranking functions give INT.
        let call = "CAST(\(function) OVER (\(by)ORDER BY \(orderText)\(broken)\(frame)) AS \(resultKind.type))"
        let fixed = value
        return DrawnQuery(
            sql: "SELECT *, \(call) AS c\(q.columns.count) FROM (\(q.sql))", columns: q.columns + [resultKind],
            rows: { tables in
                var out: [[Value]] = []
                for rows in q.rows(tables).partitions(by: partition) {
                    let sorted = rows.ordered(by: order, descending: isDescending)
                    for i in sorted.indices {
                        let key = order.map { sorted[i][$0] }
                        let first = sorted.firstIndex { row in order.map { row[$0] } == key }!
                        let last = sorted.lastIndex { row in order.map { row[$0] } == key }!
                        out.append(sorted[i] + [fixed(sorted, i, first..<(last + 1))])
                    }
                }
                return ReferenceRelation(out)
            }, shape: "window[\(function)](\(q.shape))")
    }

    mutating func top(_ q: DrawnQuery) -> DrawnQuery {
        let order = columns(q, 1...2)
        let isDescending = below(2) == 0
        let limit = Int.random(in: 1...4, using: &generator)
        let offset = below(3)
        let orderText = order.map { "c\($0)" + (isDescending ? " DESC" : "") }.joined(separator: ", ")
        return DrawnQuery(
            sql:
                "SELECT * FROM (SELECT * FROM (\(q.sql)) ORDER BY \(orderText)/*, \(ties(q, "c")) */ LIMIT \(limit) OFFSET \(offset))",
            columns: q.columns,
            rows: {
                let sorted = q.rows($0).rows.ordered(by: order, descending: isDescending)
                return ReferenceRelation(Array(sorted.dropFirst(offset).prefix(limit)))
            }, shape: "top(\(q.shape))")
    }
}

func less(_ a: Value, _ b: Value) -> Bool { !a.isNull && !b.isNull && a < b }
func plus(_ a: Value, _ b: Value) -> Value {
    guard let x = a.number, let y = b.number else { return .null }
    return .number(x + y)
}
func negative(_ a: Value) -> Value { a.number.map { .number(-$0) } ?? .null }

extension [[Value]] {
    /// By the whole row, NULLs first.
    var ordered: [[Value]] { sorted { $0.lexicographicallyPrecedes($1) } }
    /// By some columns; ties by the whole row, ascending. Spark's default: NULLs first ascending, last descending.
    func ordered(by columns: [Int], descending: Bool) -> [[Value]] {
        sorted { a, b in
            for column in columns where a[column] != b[column] {
                return descending ? a[column] > b[column] : a[column] < b[column]
            }
            return a.lexicographicallyPrecedes(b)
        }
    }
    /// The different values of a column, one a row, without NULL.
    func different(_ column: Int) -> [[Value]] {
        Array<[Value]>(Set(map { $0[column] }).filter { !$0.isNull }.map { [$0] })
    }
}

extension ReferenceRelation {
    func partitions(by columns: [Int]) -> [[[Value]]] {
        var groups: [[Value]: [[Value]]] = [:]
        for row in rows { groups[columns.map { row[$0] }, default: []].append(row) }
        return Array(groups.values)
    }
}
