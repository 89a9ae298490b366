/// One value of the reference evaluator. Keys stay text as in the file; numbers are whole, so sums are exact.
enum Value: Hashable, Comparable, CustomStringConvertible {
    case null
    case number(Double)
    case text(String)

    var description: String {
        switch self {
        case .null: "NULL"
        case .number(let v): "\(v)"
        case .text(let v): "'\(v)'"
        }
    }
    var number: Double? { if case .number(let v) = self { v } else { nil } }
    var isNull: Bool { self == .null }
    /// SQL's `=`: unknown counts as false.
    func equals(_ other: Value) -> Bool { !isNull && self == other }
}

/// Rows, and relational algebra written out as loops over them. Slow, and knows nothing of changes.
struct Relation: Equatable {
    typealias Row = [Value]
    var rows: [Row]

    init(_ rows: [Row]) { self.rows = rows }

    func filter(_ predicate: (Row) -> Bool) -> Relation { Relation(rows.filter(predicate)) }
    func map(_ body: (Row) -> Row) -> Relation { Relation(rows.map(body)) }
    static func + (a: Relation, b: Relation) -> Relation { Relation(a.rows + b.rows) }

    func distinct() -> Relation { Relation(Array(Set(rows))) }

    func join(_ other: Relation, _ on: (Row, Row) -> Bool) -> Relation {
        Relation(rows.flatMap { a in other.rows.filter { on(a, $0) }.map { a + $0 } })
    }
    func leftJoin(_ other: Relation, width: Int, _ on: (Row, Row) -> Bool) -> Relation {
        Relation(
            rows.flatMap { a in
                let partners = other.rows.filter { on(a, $0) }.map { a + $0 }
                return partners.isEmpty ? [a + Array(repeating: .null, count: width)] : partners
            })
    }

    /// The left join, and the other side's rows without a partner.
    func fullJoin(_ other: Relation, widths: (Int, Int), _ on: (Row, Row) -> Bool) -> Relation {
        let lonely = other.filter { b in !rows.contains { on($0, b) } }
        return leftJoin(other, width: widths.1, on) + lonely.map { Array(repeating: .null, count: widths.0) + $0 }
    }

    /// Groups, then what `aggregates` make of the group's rows. Without `by`: one group, even of nothing.
    func group(by columns: [Int], _ aggregates: ([Row]) -> Row) -> Relation {
        if columns.isEmpty { return Relation([aggregates(rows)]) }
        var groups: [Row: [Row]] = [:]
        for row in rows { groups[columns.map { row[$0] }, default: []].append(row) }
        return Relation(groups.map { $0.key + aggregates($0.value) })
    }

    var sorted: [Row] {
        rows.sorted { a, b in
            for (x, y) in zip(a, b) where x != y { return x < y }
            return false
        }
    }
}

/// Aggregates over a column of rows.
func count(_ rows: [[Value]]) -> Value { .number(Double(rows.count)) }
func count(_ rows: [[Value]], _ column: Int) -> Value { .number(Double(rows.count { !$0[column].isNull })) }
func sum(_ rows: [[Value]], _ column: Int) -> Value {
    let values = rows.compactMap { $0[column].number }
    return values.isEmpty ? .null : .number(values.reduce(0, +))
}
func average(_ rows: [[Value]], _ column: Int) -> Value {
    let values = rows.compactMap { $0[column].number }
    return values.isEmpty ? .null : .number(toFiveDigits(values.reduce(0, +) / Double(values.count)))
}
func least(_ rows: [[Value]], _ column: Int) -> Value { rows.map { $0[column] }.filter { !$0.isNull }.min() ?? .null }
func greatest(_ rows: [[Value]], _ column: Int) -> Value { rows.map { $0[column] }.max() ?? .null }

/// Averages of decimals have six digits, those of doubles sixteen; both are compared to five.
func toFiveDigits(_ value: Double) -> Double { (value * 1e5).rounded() / 1e5 }
