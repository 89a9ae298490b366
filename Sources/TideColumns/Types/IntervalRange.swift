/// The fields of an interval type: `INTERVAL DAY TO SECOND`. They decide how values are printed and read, and what they
/// are rounded to; the value itself is always in months or in microseconds.
public struct IntervalRange: Hashable, Sendable {
    /// Coarse to fine. Years and months are one family, the others another.
    public enum Unit: UInt8, Hashable, Sendable, Comparable, CaseIterable {
        case year, month, day, hour, minute, second

        public static func < (a: Unit, b: Unit) -> Bool { a.rawValue < b.rawValue }

        public var isMonths: Bool { self <= .month }
        /// Months or microseconds of one.
        public var size: Int64 {
            switch self {
            case .year: 12
            case .month: 1
            case .day: 86_400_000_000
            case .hour: 3_600_000_000
            case .minute: 60_000_000
            case .second: 1_000_000
            }
        }
        public var sql: String {
            switch self {
            case .year: "YEAR"
            case .month: "MONTH"
            case .day: "DAY"
            case .hour: "HOUR"
            case .minute: "MINUTE"
            case .second: "SECOND"
            }
        }
    }
    public let first: Unit
    public let last: Unit

    /// Both of one family, `first` not finer than `last`.
    public init(_ first: Unit, _ last: Unit) {
        precondition(first <= last && first.isMonths == last.isMonths)
        self.first = first
        self.last = last
    }

    public static let yearToMonth = IntervalRange(.year, .month)
    public static let dayToSecond = IntervalRange(.day, .second)

    public var sql: String { first == last ? first.sql : "\(first.sql) TO \(last.sql)" }

    public func contains(_ unit: Unit) -> Bool { first <= unit && unit <= last }

    /// The fields of both. They are of one family.
    public func union(_ other: IntervalRange) -> IntervalRange {
        IntervalRange(min(first, other.first), max(last, other.last))
    }
}

extension DataType {
    public static let yearToMonth = DataType.yearMonthInterval(.yearToMonth)
    public static let dayToSecond = DataType.dayTimeInterval(.dayToSecond)

    /// The type of intervals with these fields.
    public static func interval(_ range: IntervalRange) -> DataType {
        range.first.isMonths ? .yearMonthInterval(range) : .dayTimeInterval(range)
    }

    /// nil: no interval.
    public var intervalRange: IntervalRange? {
        switch self {
        case .yearMonthInterval(let range), .dayTimeInterval(let range): range
        default: nil
        }
    }
    public var isInterval: Bool { intervalRange != nil }
    public var isYearMonthInterval: Bool { intervalRange?.first.isMonths == true }
    public var isDayTimeInterval: Bool { intervalRange?.first.isMonths == false }
}
