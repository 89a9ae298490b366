import Glibc

/// Rounding of doubles by their shortest decimal digits, as Java's BigDecimal(Double.toString(x)) does: 1.005 rounds to
/// 1.01 although the double lies below it.
enum DecimalDigits {
    /// round(x · 10^scale) by those digits, or nil if that needs more than 38 digits or x is not finite. `scale` may be
    /// negative.
    @inline(__always) static func scaled(_ x: Double, _ scale: Int, _ power: Double, halfEven: Bool) -> Int128? {
        // x · 10^scale carries two roundings, so below 2^40 it is off by less than 2^-11. Farther than that from a tie
        // the nearest integer is certain.
        let product = scale >= 0 ? x * power : x / power
        if product.magnitude < 1_099_511_627_776 {
            let whole = product.magnitude.rounded(.down)
            let fraction = product.magnitude - whole
            if (fraction - 0.5).magnitude > 0.0005 {
                let value = Int64(whole) &+ (fraction > 0.5 ? 1 : 0)
                return Int128(product < 0 ? 0 &- value : value)
            }
            if scale >= 0 && scale <= 22 {
                // Near a tie. Its digits, at most 15, are the shortest of the double nearest to it, and reading digits
                // is monotonic: so x lies where it lies relative to that double. Both factors are exact.
                let tie = (2 * whole + 1) / (2 * power)
                let isOdd = Int64(whole) & 1 != 0
                let up = x.magnitude > tie || x.magnitude == tie && (!halfEven || isOdd)
                let value = Int64(whole) &+ (up ? 1 : 0)
                return Int128(product < 0 ? 0 &- value : value)
            }
        }
        return exactlyScaled(x, scale, halfEven: halfEven)
    }

    @inline(never) static func exactlyScaled(_ x: Double, _ scale: Int, halfEven: Bool) -> Int128? {
        guard x.isFinite else { return nil }
        let (mantissa, exponent) = digits(x.magnitude)
        if mantissa == 0 { return 0 }
        let shift = exponent + scale
        var magnitude = Int128(mantissa)
        if shift >= 0 {
            guard shift <= 38 else { return nil }
            let (value, overflow) = magnitude.multipliedReportingOverflow(by: decimalPower(shift))
            if overflow { return nil }
            magnitude = value
        } else if shift < -20 {
            return 0
        } else {
            let unit = decimalPower(-shift)
            let (quotient, remainder) = magnitude.quotientAndRemainder(dividingBy: unit)
            let half = unit / 2
            let up = remainder > half || remainder == half && (!halfEven || quotient & 1 != 0)
            magnitude = quotient + (up ? 1 : 0)
        }
        return x < 0 ? -magnitude : magnitude
    }

    /// The shortest digits as mantissa · 10^exponent. `x` is finite and not negative.
    static func digits(_ x: Double) -> (mantissa: UInt64, exponent: Int) {
        var mantissa: UInt64 = 0
        var exponent = 0
        var sawPoint = false
        var written = 0
        var negative = false
        var inExponent = false
        for byte in x.description.utf8 {
            switch byte {
            case UInt8(ascii: "."): sawPoint = true
            case UInt8(ascii: "e"): inExponent = true
            case UInt8(ascii: "-"): negative = true
            case UInt8(ascii: "+"): break
            default:
                let digit = Int(byte &- 0x30)
                if inExponent {
                    written = written * 10 + digit
                } else {
                    mantissa = mantissa * 10 + UInt64(digit)
                    if sawPoint { exponent -= 1 }
                }
            }
        }
        return (mantissa, exponent + (negative ? -written : written))
    }
}

/// round and bround on doubles.
struct RoundDoubleRule: UnaryRule {
    let digits: Int
    let power: Double
    let halfEven: Bool

    init(digits: Int, halfEven: Bool) {
        self.digits = min(max(digits, -330), 330)
        power = Glibc.pow(10, Double(abs(self.digits)))
        self.halfEven = halfEven
    }

    func apply(_ x: Double, _ fault: inout Int64) -> Double {
        if !x.isFinite { return x }
        // Powers beyond 10^22 are inexact; so is a product beyond 2^53. Both are rare.
        if digits >= -22 && digits <= 22, (digits >= 0 ? x * power : x / power).magnitude < 9_007_199_254_740_992,
            let scaled = DecimalDigits.scaled(x, digits, power, halfEven: halfEven)
        {
            // Below 2^53, see above; the standard library converts 128 bits slowly.
            let value = Double(Int64(truncatingIfNeeded: scaled))
            let rounded = digits >= 0 ? value / power : value * power
            // BigDecimal has no negative zero.
            return rounded + 0
        }
        return roundSlowly(x)
    }

    @inline(never) private func roundSlowly(_ x: Double) -> Double {
        let (mantissa, exponent) = DecimalDigits.digits(x.magnitude)
        // Already that short.
        if -exponent <= digits { return x }
        guard let scaled = DecimalDigits.exactlyScaled(x, digits, halfEven: halfEven) else { return x }
        if mantissa == 0 || scaled == 0 { return 0 }
        return Double("\(scaled)e\(-digits)") ?? x
    }
}

/// float and double to decimal.
struct FloatToDecimalRule<T: PhysicalFloat>: UnaryRule {
    let scale: Int
    let power: Double
    let bound: Int128
    init(_ shape: DecimalShape) {
        scale = shape.scale
        power = Glibc.pow(10, Double(shape.scale))
        bound = decimalPower(shape.precision)
    }
    func apply(_ x: T, _ fault: inout Int64) -> Int128 {
        if !x.isFinite {
            fault = -1
            return 0
        }
        return bounded(DecimalDigits.scaled(Double(x), scale, power, halfEven: false), bound, &fault)
    }
}

/// decimal to double, correctly rounded.
struct DecimalToDoubleRule: UnaryRule {
    let scale: Int
    let power: Double
    init(scale: Int) {
        self.scale = scale
        power = Glibc.pow(10, Double(min(scale, 22)))
    }
    func apply(_ x: Int128, _ fault: inout Int64) -> Double {
        // Both factors are exact, so one rounding remains.
        if scale <= 22, x.magnitude <= 9_007_199_254_740_992 { return Double(Int64(truncatingIfNeeded: x)) / power }
        return convertSlowly(x)
    }
    @inline(never) private func convertSlowly(_ x: Int128) -> Double { Double("\(x)e-\(scale)") ?? 0 }
}
