import Tidemill

/// One value of the reference evaluator. Keys stay text as in the file; numbers are whole, so sums are exact.
package enum Value: Hashable, Comparable, CustomStringConvertible {
    case null
    case number(Double)
    case text(String)

    /// NaN is one value, and the greatest number; -0.0 is 0.0.
    package static func == (a: Value, b: Value) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.number(let x), .number(let y)): x == y || x.isNaN && y.isNaN
        case (.text(let x), .text(let y)): x == y
        default: false
        }
    }
    package static func < (a: Value, b: Value) -> Bool {
        switch (a, b) {
        case (.number(let x), .number(let y)): x < y || y.isNaN && !x.isNaN
        case (.text(let x), .text(let y)): x.utf8.lexicographicallyPrecedes(y.utf8)
        default: a.rank < b.rank
        }
    }
    package func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .number(let v): hasher.combine(v.isNaN ? Double.infinity : v)
        case .text(let v): hasher.combine(v)
        }
    }
    private var rank: Int {
        switch self {
        case .null: 0
        case .number: 1
        case .text: 2
        }
    }

    package var description: String {
        switch self {
        case .null: "NULL"
        case .number(let v): "\(v)"
        case .text(let v): "'\(v)'"
        }
    }
    package var number: Double? { if case .number(let v) = self { v } else { nil } }
    package var isNull: Bool { self == .null }
    /// SQL's `=`: unknown counts as false.
    package func equals(_ other: Value) -> Bool { !isNull && self == other }
}

extension Value {
    /// What the engine stored.
    package init(_ scalar: Scalar) {
        switch scalar.value {
        case .null: self = .null
        case .boolean(let v): self = .number(v ? 1 : 0)
        case .integer(let v): self = scalar.type == .date ? .text("date \(v)") : .number(Double(v))
        case .float(let v): self = .number(Double(v))
        case .double(let v): self = .number(toFiveDigits(v))
        case .decimal(let v):
            guard case .decimal(_, let scale) = scalar.type else {
                self = .null
                return
            }
            self = .number(toFiveDigits((0..<scale).reduce(Double(v)) { value, _ in value / 10 }))
        case .bytes: self = .text(scalar.string ?? "")
        }
    }
}

/// Rows, and relational algebra written out as loops over them. Slow, and knows nothing of changes.
package struct ReferenceRelation: Equatable {
    package typealias Row = [Value]
    package var rows: [Row]

    package init(_ rows: [Row]) { self.rows = rows }

    package func filter(_ predicate: (Row) -> Bool) -> ReferenceRelation { ReferenceRelation(rows.filter(predicate)) }
    package func map(_ body: (Row) -> Row) -> ReferenceRelation { ReferenceRelation(rows.map(body)) }
    package static func + (a: ReferenceRelation, b: ReferenceRelation) -> ReferenceRelation {
        ReferenceRelation(a.rows + b.rows)
    }

    package func distinct() -> ReferenceRelation { ReferenceRelation(Array(Set(rows))) }

    package func join(_ other: ReferenceRelation, _ on: (Row, Row) -> Bool) -> ReferenceRelation {
        ReferenceRelation(rows.flatMap { a in other.rows.filter { on(a, $0) }.map { a + $0 } })
    }
    package func leftJoin(_ other: ReferenceRelation, width: Int, _ on: (Row, Row) -> Bool) -> ReferenceRelation {
        ReferenceRelation(
            rows.flatMap { a in
                let partners = other.rows.filter { on(a, $0) }.map { a + $0 }
                return partners.isEmpty ? [a + Array(repeating: .null, count: width)] : partners
            })
    }

    /// The left join, and the other side's rows without a partner.
    package func fullJoin(
        _ other: ReferenceRelation, widths: (Int, Int), _ on: (Row, Row) -> Bool
    ) -> ReferenceRelation {
        let lonely = other.filter { b in !rows.contains { on($0, b) } }
        return leftJoin(other, width: widths.1, on) + lonely.map { Array(repeating: .null, count: widths.0) + $0 }
    }

    /// Groups, then what `aggregates` make of the group's rows. Without `by`: one group, even of nothing.
    package func group(by columns: [Int], _ aggregates: ([Row]) -> Row) -> ReferenceRelation {
        if columns.isEmpty { return ReferenceRelation([aggregates(rows)]) }
        var groups: [Row: [Row]] = [:]
        for row in rows { groups[columns.map { row[$0] }, default: []].append(row) }
        return ReferenceRelation(groups.map { $0.key + aggregates($0.value) })
    }

    package var sorted: [Row] {
        rows.sorted { a, b in
            for (x, y) in zip(a, b) where x != y { return x < y }
            return false
        }
    }
}

/// Aggregates over a column of rows.
package func count(_ rows: [[Value]]) -> Value { .number(Double(rows.count)) }
package func count(_ rows: [[Value]], _ column: Int) -> Value { .number(Double(rows.count { !$0[column].isNull })) }
package func sum(_ rows: [[Value]], _ column: Int) -> Value {
    let values = rows.compactMap { $0[column].number }
    return values.isEmpty ? .null : .number(values.reduce(0, +))
}
package func average(_ rows: [[Value]], _ column: Int) -> Value {
    let values = rows.compactMap { $0[column].number }
    return values.isEmpty ? .null : .number(toFiveDigits(values.reduce(0, +) / Double(values.count)))
}
package func least(_ rows: [[Value]], _ column: Int) -> Value {
    rows.map { $0[column] }.filter { !$0.isNull }.min() ?? .null
}
package func greatest(_ rows: [[Value]], _ column: Int) -> Value { rows.map { $0[column] }.max() ?? .null }

/// Averages of decimals have six digits, those of doubles sixteen; both are compared to five.
package func toFiveDigits(_ value: Double) -> Double { (value * 1e5).rounded() / 1e5 }
