// Conversions between numbers, booleans, dates and timestamps, row by row.

/// Integers into a range.
struct IntegerCastRule<From: PhysicalInteger, To: PhysicalInteger>: UnaryRule {
    let low: Int64
    let high: Int64
    func apply(_ x: From, _ fault: inout Int64) -> To {
        let value = Int64(x)
        fault |= value < low || value > high ? -1 : 0
        return To(truncatingIfNeeded: value)
    }
}

struct IntegerToFloatRule<From: PhysicalInteger, To: PhysicalFloat>: UnaryRule {
    func apply(_ x: From, _ fault: inout Int64) -> To { To(x) }
}

struct FloatWidthRule<From: PhysicalFloat, To: PhysicalFloat>: UnaryRule {
    func apply(_ x: From, _ fault: inout Int64) -> To { To(x) }
}

/// Toward zero. Spark compares floor and ceil with the type's bounds in floating point, so 2^63 passes and saturates.
struct FloatToIntegerRule<From: PhysicalFloat, To: PhysicalInteger>: UnaryRule {
    let low: Int64
    let high: Int64
    func apply(_ x: From, _ fault: inout Int64) -> To {
        guard x.rounded(.down) <= From(high), x.rounded(.up) >= From(low) else {
            fault = -1
            return 0
        }
        let whole = x.rounded(.towardZero)
        if whole >= From(high) { return To(truncatingIfNeeded: high) }
        if whole <= From(low) { return To(truncatingIfNeeded: low) }
        return To(truncatingIfNeeded: Int64(whole))
    }
}

struct DecimalToIntegerRule<To: PhysicalInteger>: UnaryRule {
    let divisor: Int128
    let low: Int128
    let high: Int128
    func apply(_ x: Int128, _ fault: inout Int64) -> To {
        let value = divisor == 1 ? x : x / divisor
        fault |= value < low || value > high ? -1 : 0
        return To(truncatingIfNeeded: value)
    }
}

struct IntegerToDecimalRule<From: PhysicalInteger>: UnaryRule {
    let factor: Int128
    let bound: Int128
    func apply(_ x: From, _ fault: inout Int64) -> Int128 {
        // |x| < 2^63 < 10^19, so only a factor beyond 10^19 could overflow, and then the bound is checked first.
        let value = Int128(x)
        let (scaled, overflow) = value.multipliedReportingOverflow(by: factor)
        fault |= overflow || scaled >= bound || scaled <= -bound ? -1 : 0
        return scaled
    }
}

/// Days to microseconds.
struct DateToTimestampRule: UnaryRule {
    func apply(_ x: Int32, _ fault: inout Int64) -> Int64 {
        let (micros, overflow) = Int64(x).multipliedReportingOverflow(by: 86_400_000_000)
        fault |= overflow ? -1 : 0
        return micros
    }
}

/// Whole units rounded down: timestamps to dates and seconds.
struct FloorDivideRule<To: PhysicalInteger>: UnaryRule {
    let unit: Int64
    let low: Int64
    let high: Int64
    func apply(_ x: Int64, _ fault: inout Int64) -> To {
        let value = floorDivide(x, unit)
        fault |= value < low || value > high ? -1 : 0
        return To(truncatingIfNeeded: value)
    }
}

/// Seconds to microseconds; saturates, as Java's TimeUnit does.
struct SecondsToTimestampRule<From: PhysicalInteger>: UnaryRule {
    func apply(_ x: From, _ fault: inout Int64) -> Int64 {
        let (micros, overflow) = Int64(x).multipliedReportingOverflow(by: 1_000_000)
        return overflow ? (x < 0 ? .min : .max) : micros
    }
}

/// Seconds with a fraction to microseconds, toward zero.
struct FractionToTimestampRule<From: PhysicalFloat>: UnaryRule {
    func apply(_ x: From, _ fault: inout Int64) -> Int64 {
        let micros = Double(x) * 1_000_000
        guard micros.rounded(.down) <= 9.223372036854775807e18, micros.rounded(.up) >= -9.223372036854775808e18 else {
            fault = -1
            return 0
        }
        return micros >= 9.223372036854775807e18 ? .max : Int64(micros)
    }
}

struct DecimalToTimestampRule: UnaryRule {
    let scale: Int
    let divisor: Int128
    init(scale: Int) {
        self.scale = scale
        divisor = decimalPower(abs(6 - scale))
    }
    func apply(_ x: Int128, _ fault: inout Int64) -> Int64 {
        let (micros, overflow) =
            scale <= 6 ? x.multipliedReportingOverflow(by: divisor) : (x / divisor, false)
        guard !overflow, let value = Int64(exactly: micros) else {
            fault = -1
            return 0
        }
        return value
    }
}

/// Timestamp to seconds with a fraction.
struct TimestampToFractionRule<To: PhysicalFloat>: UnaryRule {
    func apply(_ x: Int64, _ fault: inout Int64) -> To { To(Double(x) / 1_000_000) }
}

struct NonZeroRule<T: Equatable & ExpressibleByIntegerLiteral & BitwiseCopyable>: ValuePredicate {
    func test(_ x: T) -> Bool { x != 0 }
}
