// Intervals and numbers. `unit` is the size, in months or microseconds, of one of the interval's fields.

/// Whole units, toward zero, into a range.
struct IntervalToIntegerRule<From: PhysicalInteger, To: PhysicalInteger>: UnaryRule {
    let unit: Int64
    let low: Int64
    let high: Int64
    func apply(_ x: From, _ fault: inout Int64) -> To {
        let value = Int64(x) / unit
        fault |= value < low || value > high ? -1 : 0
        return To(truncatingIfNeeded: value)
    }
}

/// Cut to whole units, toward zero.
struct IntervalTruncationRule<T: PhysicalInteger>: UnaryRule {
    let unit: T
    func apply(_ x: T, _ fault: inout Int64) -> T { x - x % unit }
}

struct IntegerToIntervalRule<From: PhysicalInteger, To: PhysicalInteger>: UnaryRule {
    let unit: Int64
    func apply(_ x: From, _ fault: inout Int64) -> To {
        let (value, overflow) = Int64(x).multipliedReportingOverflow(by: unit)
        fault |= overflow || To(exactly: value) == nil ? -1 : 0
        return To(truncatingIfNeeded: value)
    }
}

/// Rounded to months or microseconds, half away from zero.
struct DecimalToIntervalRule<To: PhysicalInteger>: UnaryRule {
    let unit: Int128
    let divisor: Int128
    func apply(_ x: Int128, _ fault: inout Int64) -> To {
        let (scaled, overflow) = x.multipliedReportingOverflow(by: unit)
        let value = roundedQuotient(scaled, divisor)
        fault |= overflow || To(exactly: value) == nil ? -1 : 0
        return To(truncatingIfNeeded: value)
    }
}

/// Whole units, of those that the next coarser field does not hold.
struct IntervalFieldRule<From: PhysicalInteger>: UnaryRule {
    let unit: Int64
    let carry: Int64?
    func apply(_ x: From, _ fault: inout Int64) -> Int32 {
        let value = Int64(x) / unit
        return Int32(truncatingIfNeeded: carry.map { value % $0 } ?? value)
    }
}

/// Microseconds of the minute: seconds with six digits behind the point.
struct IntervalSecondRule: UnaryRule {
    func apply(_ x: Int64, _ fault: inout Int64) -> Int128 { Int128(x % 60_000_000) }
}

struct IntervalSignRule<From: PhysicalInteger>: UnaryRule {
    func apply(_ x: From, _ fault: inout Int64) -> Double { x == 0 ? 0 : x < 0 ? -1 : 1 }
}
