/// A magnitude of 256 bits with a sign: the exact intermediate of decimal operations whose operands fill 128 bits.
struct WideInteger {
    var negative: Bool
    var high: UInt128
    var low: UInt128

    init(product a: Int128, _ b: Int128) {
        let full = a.magnitude.multipliedFullWidth(by: b.magnitude)
        negative = (a < 0) != (b < 0)
        high = full.high
        low = full.low
    }

    /// |self| and |other| below 2^255.
    static func + (a: WideInteger, b: WideInteger) -> WideInteger {
        var result = a
        if a.negative == b.negative {
            let (low, carry) = a.low.addingReportingOverflow(b.low)
            result.low = low
            result.high = a.high &+ b.high &+ (carry ? 1 : 0)
            return result
        }
        let aIsLarger = a.high != b.high ? a.high > b.high : a.low >= b.low
        let (x, y) = aIsLarger ? (a, b) : (b, a)
        let (low, borrow) = x.low.subtractingReportingOverflow(y.low)
        result.low = low
        result.high = x.high &- y.high &- (borrow ? 1 : 0)
        result.negative = x.negative
        return result
    }

    /// Quotient toward zero, and the magnitude of the remainder. `divisor` > 0.
    func divided(by divisor: UInt128) -> (quotient: WideInteger, remainder: UInt128) {
        var quotient = self
        quotient.high = high / divisor
        let (low, remainder) = divisor.dividingFullWidth((high % divisor, low))
        quotient.low = low
        return (quotient, remainder)
    }

    /// Divided by a positive number, half away from zero.
    func roundedQuotient(by divisor: UInt128) -> WideInteger {
        var (quotient, remainder) = divided(by: divisor)
        if remainder >= divisor - remainder {
            let (low, carry) = quotient.low.addingReportingOverflow(1)
            quotient.low = low
            quotient.high &+= carry ? 1 : 0
        }
        return quotient
    }

    /// nil if the value needs more than 127 bits.
    var narrowed: Int128? {
        guard high == 0, low <= UInt128(Int128.max) else { return nil }
        return negative ? -Int128(low) : Int128(low)
    }
}

/// Division by a positive number, half away from zero.
@inline(__always) func roundedQuotient(_ value: Int128, _ divisor: Int128) -> Int128 {
    // Most values fit 64 bits, where division is one instruction.
    if let small = Int64(exactly: value), let by = Int64(exactly: divisor) {
        let (quotient, remainder) = small.quotientAndRemainder(dividingBy: by)
        let up = remainder.magnitude >= by.magnitude - remainder.magnitude
        return Int128(quotient &+ (up ? (small < 0 ? -1 : 1) : 0))
    }
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    let up = remainder.magnitude >= divisor.magnitude - remainder.magnitude
    return quotient &+ (up ? (value < 0 ? -1 : 1) : 0)
}
