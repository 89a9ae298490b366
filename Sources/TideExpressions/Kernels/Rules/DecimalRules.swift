// Decimal arithmetic on unscaled 128-bit values. Results round half away from zero and must stay below 10^precision.

typealias DecimalShape = (precision: Int, scale: Int)

extension DataType {
    var decimalShape: DecimalShape? {
        if case .decimal(let precision, let scale) = self { (precision, scale) } else { nil }
    }
}

/// Sum or difference where the scaled operands and their sum fit 128 bits.
struct DecimalSumRule: BinaryRule {
    let leftFactor: Int128
    let rightFactor: Int128
    let bound: Int128
    @inline(__always) func apply(_ l: Int128, _ r: Int128, _ fault: inout Int64) -> Int128 {
        let sum = (l &* leftFactor) &+ (r &* rightFactor)
        fault |= sum >= bound || sum <= -bound ? -1 : 0
        return sum
    }
}

/// Sum or difference at the operands' scale in 256 bits, then rounded to the result's.
struct WideDecimalSumRule: BinaryRule {
    let leftFactor: Int128
    let rightFactor: Int128
    let divisor: Int128
    let bound: Int128
    func apply(_ l: Int128, _ r: Int128, _ fault: inout Int64) -> Int128 {
        let sum = WideInteger(product: l, leftFactor) + WideInteger(product: r, rightFactor)
        return bounded(divisor == 1 ? sum.narrowed : sum.roundedQuotient(by: divisor.magnitude).narrowed, bound, &fault)
    }
}

/// Product of operands with at most 38 digits together.
struct DecimalProductRule: BinaryRule {
    let divisor: Int128
    let bound: Int128
    func apply(_ l: Int128, _ r: Int128, _ fault: inout Int64) -> Int128 {
        let product = l &* r
        let value = divisor == 1 ? product : roundedQuotient(product, divisor)
        fault |= value >= bound || value <= -bound ? -1 : 0
        return value
    }
}

struct WideDecimalProductRule: BinaryRule {
    let divisor: Int128
    let bound: Int128
    func apply(_ l: Int128, _ r: Int128, _ fault: inout Int64) -> Int128 {
        let product = WideInteger(product: l, r)
        return bounded(product.roundedQuotient(by: divisor.magnitude).narrowed, bound, &fault)
    }
}

/// l · 10^shift / r, half away from zero. A zero divisor is a fault.
struct DecimalQuotientRule: BinaryRule {
    /// -38...76
    let shift: Int
    /// 10^|shift|, for |shift| ≤ 38.
    let factor: Int128
    let bound: Int128

    init(left: DecimalShape, right: DecimalShape, result: DecimalShape) {
        shift = result.scale - left.scale + right.scale
        factor = decimalPower(min(abs(shift), 38))
        bound = decimalPower(result.precision)
    }

    func apply(_ l: Int128, _ r: Int128, _ fault: inout Int64) -> Int128 {
        if r == 0 {
            fault = -1
            return 0
        }
        let negative = (l < 0) != (r < 0)
        let divisor = r.magnitude
        if shift < 0 { return bounded(signed(shrunk(l.magnitude / divisor), negative), bound, &fault) }
        if shift <= 38 {
            let (scaled, overflow) = l.magnitude.multipliedReportingOverflow(by: factor.magnitude)
            if !overflow {
                if let a = UInt64(exactly: scaled), let b = UInt64(exactly: divisor) {
                    let (q, remainder) = a.quotientAndRemainder(dividingBy: b)
                    return bounded(signed(UInt128(q) + (remainder >= b - remainder ? 1 : 0), negative), bound, &fault)
                }
                let (q, remainder) = scaled.quotientAndRemainder(dividingBy: divisor)
                return bounded(signed(q + (remainder >= divisor - remainder ? 1 : 0), negative), bound, &fault)
            }
            let wide = WideInteger(product: l, factor).roundedQuotient(by: divisor)
            return bounded(wide.high == 0 ? signed(wide.low, negative) : nil, bound, &fault)
        }
        return bounded(signed(longDivision(l.magnitude, divisor), negative), bound, &fault)
    }

    /// Half away from zero; the rest of the division before can only add to the remainder.
    private func shrunk(_ quotient: UInt128) -> UInt128 {
        let unit = factor.magnitude
        let (q, remainder) = quotient.quotientAndRemainder(dividingBy: unit)
        return q + (remainder >= unit - remainder ? 1 : 0)
    }

    /// Digit by digit, for shifts beyond one factor. nil: more than 128 bits.
    private func longDivision(_ numerator: UInt128, _ divisor: UInt128) -> UInt128? {
        var (quotient, remainder) = numerator.quotientAndRemainder(dividingBy: divisor)
        for _ in 0..<shift {
            let ten = remainder.multipliedFullWidth(by: 10)
            // remainder < divisor, so the high part is below it too.
            let (digit, rest) = divisor.dividingFullWidth((ten.high, ten.low))
            let (shifted, overflow) = quotient.multipliedReportingOverflow(by: 10)
            if overflow { return nil }
            quotient = shifted &+ digit
            remainder = rest
        }
        return quotient + (remainder >= divisor - remainder ? 1 : 0)
    }

    private func signed(_ magnitude: UInt128?, _ negative: Bool) -> Int128? {
        guard let magnitude, magnitude <= UInt128(Int128.max) else { return nil }
        return negative ? -Int128(magnitude) : Int128(magnitude)
    }
}

/// Remainder with the dividend's sign, at the larger scale of both; `positive` makes it pmod. Zero divisor: fault.
struct DecimalRemainderRule: BinaryRule {
    let leftFactor: Int128
    let rightFactor: Int128
    let divisor: Int128
    let bound: Int128
    let positive: Bool

    init(left: DecimalShape, right: DecimalShape, result: DecimalShape, positive: Bool) {
        let scale = max(left.scale, right.scale)
        leftFactor = decimalPower(scale - left.scale)
        rightFactor = decimalPower(scale - right.scale)
        divisor = decimalPower(scale - result.scale)
        bound = decimalPower(result.precision)
        self.positive = positive
    }

    func apply(_ l: Int128, _ r: Int128, _ fault: inout Int64) -> Int128 {
        if r == 0 {
            fault = -1
            return 0
        }
        var value = remainder(l, r)
        if positive, value < 0 {
            // The divisor is larger than the remainder, so it fits where its scaled form does.
            let (scaled, overflow) = r.multipliedReportingOverflow(by: rightFactor)
            let (sum, overflowSum) = value.addingReportingOverflow(scaled)
            if overflow || overflowSum {
                fault = -1
                return 0
            }
            value = sum % scaled
        }
        return bounded(divisor == 1 ? value : roundedQuotient(value, divisor), bound, &fault)
    }

    private func remainder(_ l: Int128, _ r: Int128) -> Int128 {
        if rightFactor != 1 {
            let (scaled, overflow) = r.multipliedReportingOverflow(by: rightFactor)
            // A divisor beyond 128 bits is larger than any dividend.
            return overflow ? l : l % scaled
        }
        if leftFactor == 1 { return l % r }
        let rest = WideInteger(product: l, leftFactor).divided(by: r.magnitude).remainder
        return l < 0 ? -Int128(rest) : Int128(rest)
    }
}

/// `div` on decimals: the quotient's integral part as bigint.
struct DecimalIntegralDivideRule: BinaryRule {
    let leftFactor: Int128
    let rightFactor: Int128
    init(left: DecimalShape, right: DecimalShape) {
        let scale = max(left.scale, right.scale)
        leftFactor = decimalPower(scale - left.scale)
        rightFactor = decimalPower(scale - right.scale)
    }
    func apply(_ l: Int128, _ r: Int128, _ fault: inout Int64) -> Int64 {
        let (scaled, overflow) = r.multipliedReportingOverflow(by: rightFactor)
        if r == 0 {
            fault = -1
            return 0
        }
        if overflow { return 0 }
        var quotient = WideInteger(product: l, leftFactor).divided(by: scaled.magnitude).quotient
        quotient.negative = (l < 0) != (r < 0)
        guard let value = quotient.narrowed, let narrow = Int64(exactly: value) else {
            fault = -1
            return 0
        }
        return narrow
    }
}

/// Another scale and precision: a cast, round, ceil or floor.
struct RescaleRule: UnaryRule {
    enum Rounding: Sendable { case halfUp, halfEven, up, down }
    let factor: Int128
    let divisor: Int128
    let bound: Int128
    let rounding: Rounding

    /// `digits` ≤ `from.scale` are the fraction digits to round to first; the result has the scale of `to`.
    init(from: DecimalShape, to: DecimalShape, digits: Int? = nil, rounding: Rounding = .halfUp) {
        let kept = digits ?? min(from.scale, to.scale)
        divisor = decimalPower(min(max(from.scale - kept, 0), 38))
        // Rounding beyond all digits leaves zero.
        factor = from.scale - kept > 38 ? 0 : decimalPower(min(max(to.scale - kept, 0), 38))
        bound = decimalPower(to.precision)
        self.rounding = rounding
    }

    func apply(_ x: Int128, _ fault: inout Int64) -> Int128 {
        var value = x
        if divisor != 1 {
            let (quotient, remainder) = x.quotientAndRemainder(dividingBy: divisor)
            let half = divisor / 2
            value = quotient
            switch rounding {
            case .halfUp:
                value = roundedQuotient(x, divisor)
            case .halfEven:
                let isUp =
                    remainder.magnitude > half.magnitude
                    || remainder.magnitude == half.magnitude && quotient & 1 != 0
                if isUp { value += x < 0 ? -1 : 1 }
            case .up: if remainder > 0 { value += 1 }
            case .down: if remainder < 0 { value -= 1 }
            }
        }
        if factor != 1 {
            let (scaled, overflow) = value.multipliedReportingOverflow(by: factor)
            if overflow {
                fault = -1
                return 0
            }
            value = scaled
        }
        return bounded(value, bound, &fault)
    }
}

struct DecimalNegateRule: UnaryRule {
    func apply(_ x: Int128, _ fault: inout Int64) -> Int128 { 0 &- x }
}
struct DecimalAbsoluteRule: UnaryRule {
    func apply(_ x: Int128, _ fault: inout Int64) -> Int128 { x < 0 ? 0 &- x : x }
}

@inline(__always) func bounded(_ value: Int128?, _ bound: Int128, _ fault: inout Int64) -> Int128 {
    guard let value, value < bound, value > -bound else {
        fault = -1
        return 0
    }
    return value
}
