// Fields of dates and times of day, calendar steps, truncation. Everything is in UTC.

/// A field of a date (days since 1970-01-01).
struct DateFieldRule: UnaryRule {
    enum Field: Sendable {
        case year, quarter, month, day, dayOfYear
        /// 1 = Sunday.
        case dayOfWeek
        /// 0 = Monday.
        case weekday
        /// 1 = Monday.
        case isoWeekday
        /// ISO 8601: the week with the year's first Thursday is the first.
        case week, yearOfWeek
    }
    let field: Field

    @inline(__always) func apply(_ x: Int32, _ fault: inout Int32) -> Int32 {
        let days = Int(x)
        return Int32(truncatingIfNeeded: value(days))
    }

    private func value(_ days: Int) -> Int {
        switch field {
        case .year: return CivilDate(daysSinceEpoch: days).year
        case .quarter: return (CivilDate(daysSinceEpoch: days).month &+ 2) / 3
        case .month: return CivilDate(daysSinceEpoch: days).month
        case .day: return CivilDate(daysSinceEpoch: days).day
        case .dayOfYear: return CivilDate(daysSinceEpoch: days).dayOfYear
        case .dayOfWeek: return CivilDate.isoWeekday(daysSinceEpoch: days) % 7 &+ 1
        case .weekday: return CivilDate.isoWeekday(daysSinceEpoch: days) &- 1
        case .isoWeekday: return CivilDate.isoWeekday(daysSinceEpoch: days)
        case .yearOfWeek: return CivilDate(daysSinceEpoch: thursday(days)).year
        case .week: return (CivilDate(daysSinceEpoch: thursday(days)).dayOfYear &- 1) / 7 &+ 1
        }
    }

    /// The Thursday of the day's week decides which year the week belongs to.
    private func thursday(_ days: Int) -> Int { days &+ 4 &- CivilDate.isoWeekday(daysSinceEpoch: days) }
}

/// A field of a timestamp's time of day.
struct TimeFieldRule: UnaryRule {
    /// Microseconds per unit, and units per next larger one.
    let unit: Int64
    let modulus: Int64
    static let hour = TimeFieldRule(unit: 3_600_000_000, modulus: 24)
    static let minute = TimeFieldRule(unit: 60_000_000, modulus: 60)
    static let second = TimeFieldRule(unit: 1_000_000, modulus: 60)

    func apply(_ x: Int64, _ fault: inout Int64) -> Int32 {
        let rest = floorDivide(x, unit) % modulus
        return Int32(truncatingIfNeeded: rest < 0 ? rest &+ modulus : rest)
    }
}

/// Seconds with their fraction as decimal(8,6).
struct SecondFractionRule: UnaryRule {
    func apply(_ x: Int64, _ fault: inout Int64) -> Int128 {
        let rest = x % 60_000_000
        return Int128(rest < 0 ? rest &+ 60_000_000 : rest)
    }
}

/// Days added; wraps around as Spark does.
struct AddDaysRule: BinaryRule {
    let sign: Int32
    func apply(_ l: Int32, _ r: Int32, _ fault: inout Int32) -> Int32 { l &+ (sign &* r) }
}

struct DayDifferenceRule: BinaryRule {
    func apply(_ l: Int32, _ r: Int32, _ fault: inout Int32) -> Int32 { l &- r }
}

/// Months added to a day; a day past the month's end becomes its last.
@inline(__always) func addingMonths(_ days: Int, _ months: Int) -> Int {
    let date = CivilDate(daysSinceEpoch: days)
    let index = date.year &* 12 &+ date.month &- 1 &+ months
    let year = index >= 0 ? index / 12 : (index &- 11) / 12
    let month = index &- year &* 12 &+ 1
    let day = min(date.day, CivilDate.daysInMonth(month, year: year))
    return CivilDate(year: year, month: month, day: day).daysSinceEpoch
}

struct AddMonthsRule: BinaryRule {
    func apply(_ l: Int32, _ r: Int32, _ fault: inout Int32) -> Int32 {
        let days = addingMonths(Int(l), Int(r))
        guard let narrow = Int32(exactly: days) else {
            fault = -1
            return 0
        }
        return narrow
    }
}

struct TimestampAddMonthsRule: BinaryRule {
    func apply(_ l: Int64, _ r: Int32, _ fault: inout Int64) -> Int64 {
        let (days, rest) = splitMicros(l)
        let (micros, overflowA) = Int64(addingMonths(days, Int(r))).multipliedReportingOverflow(by: 86_400_000_000)
        let (sum, overflowB) = micros.addingReportingOverflow(rest)
        fault |= overflowA || overflowB ? -1 : 0
        return sum
    }
}

/// Last day of the month.
struct LastDayRule: UnaryRule {
    func apply(_ x: Int32, _ fault: inout Int32) -> Int32 {
        let date = CivilDate(daysSinceEpoch: Int(x))
        return x &+ Int32(truncatingIfNeeded: CivilDate.daysInMonth(date.month, year: date.year) &- date.day)
    }
}

/// What dates and timestamps are cut to.
enum TruncationUnit: Sendable {
    case year, quarter, month, week
    /// Microseconds per unit, from a day down.
    case fixed(Int64)

    /// nil: no such unit. Without regard to case.
    init?(_ text: UnsafeRawBufferPointer, timeUnits: Bool) {
        switch UTF8Text.text(text).uppercased() {
        case "YEAR", "YYYY", "YY": self = .year
        case "QUARTER": self = .quarter
        case "MONTH", "MM", "MON": self = .month
        case "WEEK": self = .week
        case "DAY" where timeUnits, "DD" where timeUnits: self = .fixed(86_400_000_000)
        case "HOUR" where timeUnits: self = .fixed(3_600_000_000)
        case "MINUTE" where timeUnits: self = .fixed(60_000_000)
        case "SECOND" where timeUnits: self = .fixed(1_000_000)
        case "MILLISECOND" where timeUnits: self = .fixed(1000)
        case "MICROSECOND" where timeUnits: self = .fixed(1)
        default: return nil
        }
    }

    @inline(__always) func truncating(days: Int) -> Int {
        switch self {
        case .year: return CivilDate(year: CivilDate(daysSinceEpoch: days).year, month: 1, day: 1).daysSinceEpoch
        case .quarter:
            let date = CivilDate(daysSinceEpoch: days)
            return CivilDate(year: date.year, month: (date.month &- 1) / 3 &* 3 &+ 1, day: 1).daysSinceEpoch
        case .month: return days &- CivilDate(daysSinceEpoch: days).day &+ 1
        case .week: return days &- CivilDate.isoWeekday(daysSinceEpoch: days) &+ 1
        case .fixed: return days
        }
    }
}

struct TruncateDateRule: UnaryRule {
    let unit: TruncationUnit
    func apply(_ x: Int32, _ fault: inout Int32) -> Int32 { Int32(truncatingIfNeeded: unit.truncating(days: Int(x))) }
}

struct TruncateTimestampRule: UnaryRule {
    let unit: TruncationUnit
    func apply(_ x: Int64, _ fault: inout Int64) -> Int64 {
        if case .fixed(let micros) = unit { return floorDivide(x, micros) &* micros }
        return Int64(unit.truncating(days: splitMicros(x).days)) &* 86_400_000_000
    }
}

/// An interval times an integer.
struct IntervalTimesRule<T: PhysicalInteger>: BinaryRule {
    func apply(_ l: T, _ r: Int64, _ fault: inout Int64) -> T {
        let (product, overflow) = Int64(l).multipliedReportingOverflow(by: r)
        let narrow = T(truncatingIfNeeded: product)
        fault |= overflow || Int64(narrow) != product ? -1 : 0
        return narrow
    }
}

/// An interval divided by an integer, half away from zero. Faults: zero, and min / -1.
struct IntervalOverRule<T: PhysicalInteger>: BinaryRule {
    func apply(_ l: T, _ r: Int64, _ fault: inout Int64) -> T {
        if r == 0 || (r == -1 && l == .min) {
            fault = -1
            return 0
        }
        let value = Int64(l)
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: r)
        let up = remainder.magnitude >= r.magnitude - remainder.magnitude
        return T(truncatingIfNeeded: quotient &+ (up ? ((value < 0) != (r < 0) ? -1 : 1) : 0))
    }
}

/// The same with a double, rounded half away from zero.
struct IntervalScaleRule<T: PhysicalInteger>: BinaryRule {
    let divides: Bool
    func apply(_ l: T, _ r: Double, _ fault: inout Int64) -> T {
        let value = (divides ? Double(l) / r : Double(l) * r).rounded(.toNearestOrAwayFromZero)
        guard divides ? r != 0 : true, let exact = T(exactly: value) else {
            fault = -1
            return 0
        }
        return exact
    }
}

/// Units since the epoch to microseconds; what does not fit is a fault.
struct UnitsToTimestampRule: UnaryRule {
    let unit: Int64
    func apply(_ x: Int64, _ fault: inout Int64) -> Int64 {
        let (micros, overflow) = x.multipliedReportingOverflow(by: unit)
        fault |= overflow ? -1 : 0
        return micros
    }
}

/// Months between two moments (Spark's months_between).
struct MonthsBetweenRule: BinaryRule {
    let rounds: Bool
    func apply(_ l: Int64, _ r: Int64, _ fault: inout Int64) -> Double {
        let (leftDays, leftMicros) = splitMicros(l)
        let (rightDays, rightMicros) = splitMicros(r)
        let a = CivilDate(daysSinceEpoch: leftDays)
        let b = CivilDate(daysSinceEpoch: rightDays)
        let months = Double((a.year &- b.year) &* 12 &+ a.month &- b.month)
        let aIsLast = a.day == CivilDate.daysInMonth(a.month, year: a.year)
        let bIsLast = b.day == CivilDate.daysInMonth(b.month, year: b.year)
        if a.day == b.day || (aIsLast && bIsLast) { return months }
        let seconds = Double(Int64(a.day &- b.day) &* 86_400 &+ leftMicros / 1_000_000 &- rightMicros / 1_000_000)
        let value = months + seconds / (31 * 86_400)
        // Java's Math.round: half up.
        return rounds ? (value * 1e8 + 0.5).rounded(.down) / 1e8 : value
    }
}
