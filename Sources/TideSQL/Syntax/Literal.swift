/// A constant as written. Temporal literals keep their text: parsing them is the analyzer's work (session time zone).
public enum Literal: Sendable, Equatable {
    case null
    case boolean(Bool)
    /// `1Y`
    case byte(Int8)
    /// `1S`
    case short(Int16)
    /// `1`, when it fits 32 bits
    case integer(Int32)
    /// `1L`, or an integer without suffix that needs 64 bits
    case long(Int64)
    /// `1.5`, `1.5BD`, or an integer without suffix that does not fit 64 bits
    case decimal(DecimalLiteral)
    /// `1F`
    case float(Float)
    /// `1D`, `1e3`
    case double(Double)
    case string(String)
    /// `X'1F'`
    case binary([UInt8])
    /// `DATE '2024-01-01'`
    case date(String)
    /// `TIMESTAMP '…'`: LTZ or NTZ by `spark.sql.timestampType`
    case timestamp(String)
    /// `TIMESTAMP_LTZ '…'`
    case timestampLTZ(String)
    /// `TIMESTAMP_NTZ '…'`
    case timestampNTZ(String)
    /// `TIME '…'`
    case time(String)
    case interval(IntervalLiteral)
}

/// An exact decimal constant: (−1)^isNegative · digits · 10^(−scale).
public struct DecimalLiteral: Sendable, Equatable {
    public let isNegative: Bool
    /// The unscaled digits without leading zeros; "0" for zero.
    public let digits: String
    /// Digits behind the point; never negative.
    public let scale: Int

    public init(isNegative: Bool, digits: String, scale: Int) {
        self.isNegative = isNegative
        self.digits = digits
        self.scale = scale
    }

    /// The precision of Spark's type for this constant: DECIMAL(precision, scale).
    public var precision: Int { max(digits.utf8.count, scale) }
}

/// The fields an interval can be built of, coarse to fine.
public enum IntervalField: Int, Sendable, Comparable, CaseIterable {
    case year, month, week, day, hour, minute, second, millisecond, microsecond, nanosecond

    public static func < (a: IntervalField, b: IntervalField) -> Bool { a.rawValue < b.rawValue }

    /// Year and month: the year-month family.
    public var isYearMonth: Bool { self <= .month }
}

/// A constant interval, normalised. Spark's ANSI intervals are either months or microseconds; only interval *strings*
/// (`window(ts, '1 month 2 days')`) may mix them.
public struct IntervalLiteral: Sendable, Equatable {
    public enum Family: Sendable, Equatable {
        /// `months` only.
        case yearMonth
        /// `days` and `microseconds` only.
        case dayTime
        /// A mixture.
        case calendar
    }
    public let family: Family
    public let months: Int32
    public let days: Int32
    /// Without the days.
    public let microseconds: Int64
    /// Spark's type of the constant: INTERVAL from TO to. One of year, month, day, hour, minute, second.
    public let from: IntervalField
    public let to: IntervalField

    public init(
        family: Family, months: Int32, days: Int32, microseconds: Int64, from: IntervalField, to: IntervalField
    ) {
        self.family = family
        self.months = months
        self.days = days
        self.microseconds = microseconds
        self.from = from
        self.to = to
    }

    /// Days and microseconds together, a day being 24 hours; nil on overflow.
    public var totalMicroseconds: Int64? {
        let (whole, overflow) = Int64(days).multipliedReportingOverflow(by: 86_400_000_000)
        if overflow { return nil }
        let (sum, carry) = whole.addingReportingOverflow(microseconds)
        return carry ? nil : sum
    }
}
