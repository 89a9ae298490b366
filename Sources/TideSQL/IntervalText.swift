// Intervals out of numbers and units. Three spellings come together here:
//   INTERVAL 1 DAY 2 HOURS          values and units as tokens
//   INTERVAL '1 02:03' DAY TO MINUTE   one string in the form of its unit range
//   '1 day 2 hours'                 the string form of window() and of options

/// An interval string: `[interval] value unit [value unit…]`, for example `10 minutes` or `1 month -2 days`; nil if it
/// is none. Months and days may mix (family `.calendar`).
public func parseIntervalString(_ text: String) -> IntervalLiteral? {
    var words = text.lowercased().split { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r" }.map(String.init)
    if words.first == "interval" { words.removeFirst() }
    var sum = IntervalSum()
    var index = 0
    while index < words.count {
        var value = words[index]
        // "- 1 day": the sign may stand apart.
        if value == "-" || value == "+", index + 1 < words.count {
            index += 1
            value += words[index]
        }
        guard index + 1 < words.count, let unit = IntervalField(unit: words[index + 1]),
            let amount = IntervalAmount(value), sum.add(amount, unit)
        else { return nil }
        index += 2
    }
    return sum.literal
}

extension IntervalField {
    /// A unit as written, singular or plural. Lower case.
    init?(unit: String) {
        let singular = unit.hasSuffix("s") ? String(unit.dropLast()) : unit
        switch singular {
        case "year": self = .year
        case "month": self = .month
        case "week": self = .week
        case "day": self = .day
        case "hour": self = .hour
        case "minute": self = .minute
        case "second": self = .second
        case "millisecond": self = .millisecond
        case "microsecond": self = .microsecond
        case "nanosecond": self = .nanosecond
        default: return nil
        }
    }

    /// The field of Spark's interval types that holds this unit.
    var typeField: IntervalField {
        switch self {
        case .week: .day
        case .millisecond, .microsecond, .nanosecond: .second
        default: self
        }
    }

    var text: String { String(describing: self).uppercased() }
}

/// `[±]digits[.digits]`: a whole part and billionths.
struct IntervalAmount {
    let isNegative: Bool
    let whole: Int64
    let billionths: Int64

    init?(_ text: String) {
        var bytes = Array(text.utf8)[...]
        isNegative = bytes.first == UInt8(ascii: "-")
        if isNegative || bytes.first == UInt8(ascii: "+") { bytes = bytes.dropFirst() }
        let parts = bytes.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard bytes.contains(where: { $0 != UInt8(ascii: ".") }), let first = parts.first else { return nil }
        guard (bytes.allSatisfy { $0 == UInt8(ascii: ".") || ($0 >= 0x30 && $0 <= 0x39) }) else { return nil }
        if first.isEmpty {
            whole = 0
        } else {
            guard let value = Int64(String(decoding: first, as: UTF8.self)) else { return nil }
            whole = value
        }
        guard parts.count == 2 else {
            billionths = 0
            return
        }
        let fraction = parts[1]
        guard fraction.count <= 9 else { return nil }
        var value: Int64 = 0
        for byte in fraction { value = value * 10 + Int64(byte - 0x30) }
        for _ in fraction.count..<9 { value *= 10 }
        billionths = value
    }
}

/// Adds units up, with overflow as failure.
struct IntervalSum {
    private var months: Int64 = 0
    private var days: Int64 = 0
    private var microseconds: Int64 = 0
    private var coarsest: IntervalField?
    private var finest: IntervalField?

    /// False if the value does not fit, or has a fraction in a unit other than the second.
    mutating func add(_ amount: IntervalAmount, _ unit: IntervalField) -> Bool {
        guard amount.billionths == 0 || unit == .second else { return false }
        let value = amount.isNegative ? -amount.whole : amount.whole
        let fits =
            switch unit {
            case .year: Self.add(value, 12, to: &months)
            case .month: Self.add(value, 1, to: &months)
            case .week: Self.add(value, 7, to: &days)
            case .day: Self.add(value, 1, to: &days)
            case .hour: Self.add(value, 3_600_000_000, to: &microseconds)
            case .minute: Self.add(value, 60_000_000, to: &microseconds)
            case .second:
                Self.add(value, 1_000_000, to: &microseconds)
                    && Self.add(amount.billionths / 1_000, amount.isNegative ? -1 : 1, to: &microseconds)
            case .millisecond: Self.add(value, 1_000, to: &microseconds)
            case .microsecond: Self.add(value, 1, to: &microseconds)
            case .nanosecond: Self.add(value / 1_000, 1, to: &microseconds)
            }
        coarsest = min(coarsest ?? unit.typeField, unit.typeField)
        finest = max(finest ?? unit.typeField, unit.typeField)
        return fits
    }

    private static func add(_ value: Int64, _ factor: Int64, to sum: inout Int64) -> Bool {
        let (product, overflow) = value.multipliedReportingOverflow(by: factor)
        let (total, carry) = sum.addingReportingOverflow(product)
        sum = total
        return !overflow && !carry
    }

    /// nil if nothing was added or months or days do not fit 32 bits.
    var literal: IntervalLiteral? {
        guard let coarsest, let finest, let months = Int32(exactly: months), let days = Int32(exactly: days) else {
            return nil
        }
        let family: IntervalLiteral.Family =
            finest.isYearMonth ? .yearMonth : coarsest.isYearMonth ? .calendar : .dayTime
        return IntervalLiteral(
            family: family, months: months, days: days, microseconds: microseconds, from: coarsest, to: finest)
    }
}

/// `'1-2' YEAR TO MONTH`, `'1 02:03:04.5' DAY TO SECOND`: the text of an interval in the form of its unit range. nil
/// if the text has another form or a field behind the first is out of its range.
func parseUnitRange(
    _ text: String, isNegative: Bool, from: IntervalField, to: IntervalField
) -> IntervalLiteral? {
    let fields: [IntervalField] = [.year, .month, .day, .hour, .minute, .second].filter { $0 >= from && $0 <= to }
    guard fields.count > 1, from.isYearMonth == to.isYearMonth else { return nil }
    var bytes = Array(text.utf8)[...]
    while bytes.first == 0x20 { bytes = bytes.dropFirst() }
    while bytes.last == 0x20 { bytes = bytes.dropLast() }
    var negative = isNegative
    if let sign = bytes.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
        if sign == UInt8(ascii: "-") { negative.toggle() }
        bytes = bytes.dropFirst()
    }
    var sum = IntervalSum()
    for (index, field) in fields.enumerated() {
        let end = bytes.firstIndex { !($0 >= 0x30 && $0 <= 0x39 || $0 == UInt8(ascii: ".") && field == .second) }
        let number = String(decoding: bytes[..<(end ?? bytes.endIndex)], as: UTF8.self)
        guard let amount = IntervalAmount((negative ? "-" : "") + number) else { return nil }
        let limit: Int64 =
            index == 0 ? .max : field == .month ? 11 : field == .hour ? 23 : field == .day ? .max : 59
        guard amount.whole <= limit, sum.add(amount, field) else { return nil }
        bytes = end.map { bytes[$0...] } ?? []
        if index + 1 < fields.count {
            let separator = field == .year ? UInt8(ascii: "-") : field == .day ? 0x20 : UInt8(ascii: ":")
            guard bytes.first == separator else { return nil }
            bytes = bytes.dropFirst()
        }
    }
    return bytes.isEmpty ? sum.literal : nil
}
