import Testing
import TideSimulation

@testable import TideOperators

/// A whole number of units of 2^-1074 with sign, as 32-bit digits: every finite double is one. Slow and plain.
private struct ExactNumber: Equatable {
    var isNegative = false
    /// Least significant first, without leading zeros.
    var digits: [UInt32] = []

    init() {}
    init(_ value: Double) {
        isNegative = value < 0
        let exponent = Int(value.exponentBitPattern)
        let significand = value.significandBitPattern | (exponent == 0 ? 0 : 1 << 52)
        let shift = max(exponent, 1) - 1
        digits = Array(repeating: 0, count: shift / 32)
        var rest = UInt128(significand) << UInt128(shift % 32)
        while rest != 0 {
            digits.append(UInt32(truncatingIfNeeded: rest))
            rest >>= 32
        }
        trim()
    }
    private mutating func trim() {
        while digits.last == 0 { digits.removeLast() }
        if digits.isEmpty { isNegative = false }
    }
    private static func compare(_ a: [UInt32], _ b: [UInt32]) -> Int {
        if a.count != b.count { return a.count < b.count ? -1 : 1 }
        for (x, y) in zip(a.reversed(), b.reversed()) where x != y { return x < y ? -1 : 1 }
        return 0
    }
    static func + (a: ExactNumber, b: ExactNumber) -> ExactNumber {
        var result = ExactNumber()
        if a.isNegative == b.isNegative {
            var carry: UInt64 = 0
            for i in 0..<max(a.digits.count, b.digits.count) {
                carry += UInt64(i < a.digits.count ? a.digits[i] : 0) + UInt64(i < b.digits.count ? b.digits[i] : 0)
                result.digits.append(UInt32(truncatingIfNeeded: carry))
                carry >>= 32
            }
            if carry > 0 { result.digits.append(UInt32(carry)) }
            result.isNegative = a.isNegative
        } else {
            let (large, small) = compare(a.digits, b.digits) >= 0 ? (a, b) : (b, a)
            var borrow: Int64 = 0
            for i in large.digits.indices {
                var digit = Int64(large.digits[i]) - borrow - Int64(i < small.digits.count ? small.digits[i] : 0)
                borrow = digit < 0 ? 1 : 0
                if digit < 0 { digit += 1 << 32 }
                result.digits.append(UInt32(digit))
            }
            result.isNegative = large.isNegative
        }
        result.trim()
        return result
    }
    static prefix func - (a: ExactNumber) -> ExactNumber {
        var b = a
        if !b.digits.isEmpty { b.isNegative.toggle() }
        return b
    }

    /// The nearest double, ties to even, by looking at the two doubles around it.
    var rounded: Double {
        // Truncate to a double below, then ask whether the remainder is more than half of the gap.
        var below = 0.0
        let bits = digits.count * 32 - (digits.last?.leadingZeroBitCount ?? 0)
        if bits == 0 { return 0 }
        if bits > 2098 + 64 { return isNegative ? -.infinity : .infinity }
        var significand: UInt64 = 0
        let low = max(0, bits - 53)
        for position in stride(from: bits - 1, through: low, by: -1) {
            significand = significand << 1 | UInt64(digits[position / 32] >> UInt32(position % 32) & 1)
        }
        if low > 2045 { return isNegative ? -.infinity : .infinity }
        below = Double(sign: .plus, exponent: low - 1074, significand: 1) * Double(significand)
        let magnitude = isNegative ? -self : self
        let above = below.nextUp
        // Past the largest double, the next one would be 2^1024.
        let lowGap = magnitude + -ExactNumber(below)
        let highGap = above.isFinite ? ExactNumber(above) + -magnitude : ExactNumber.powerOf2(2098) + -magnitude
        let order = ExactNumber.compare(lowGap.digits, highGap.digits)
        let result = order < 0 || (order == 0 && significand & 1 == 0) ? below : above
        return isNegative ? -result : result
    }
    /// 2^exponent units.
    static func powerOf2(_ exponent: Int) -> ExactNumber {
        var number = ExactNumber()
        number.digits = Array(repeating: 0, count: exponent / 32) + [1 << UInt32(exponent % 32)]
        return number
    }
}

@Suite struct ExactSumTests {
    /// A sum as the engine keeps it: inline, with a wide one behind it.
    private final class Sum {
        var inline = ExactSum(hi: 0, lo: 0)
        var wide = WideSums()
        func add(_ x: Double, weight: Int64 = 1) {
            if inline.spillIndex == nil && abs(weight) == 1 && inline.add(weight > 0 ? x : -x) { return }
            withUnsafeMutablePointer(to: &inline) { wide.add(x, weight: weight, to: $0) }
        }
        var value: Double { wide.value(of: inline) }
    }

    private func values(_ kind: Int, _ count: Int, _ generator: inout SeededGenerator) -> [Double] {
        (0..<count).map { _ in
            switch kind {
            case 0: return Double(Int.random(in: -1000...1000, using: &generator)) / 100
            case 1:
                let exponent = Int.random(in: -1074...1023, using: &generator)
                let sign: FloatingPointSign = Bool.random(using: &generator) ? .plus : .minus
                return Double(sign: sign, exponent: exponent, significand: Double.random(in: 1..<2, using: &generator))
            case 2: return Double(Int64.random(in: -9...9, using: &generator)) * 0x1p-1074
            case 3:
                return [Double.greatestFiniteMagnitude, -.greatestFiniteMagnitude, 1e308, -1e308, 1, 1e292]
                    .randomElement(using: &generator)!
            default: return [1, 0x1p-53, 0x1p53, -0x1p-53, 0x1p-106, 0x1p-107, -1].randomElement(using: &generator)!
            }
        }
    }

    @Test(arguments: 0..<5) func roundsTheExactSumOnce(_ kind: Int) {
        var generator = SeededGenerator(seed: UInt64(kind))
        for round in 0..<200 {
            let all = values(kind, Int.random(in: 0...40, using: &generator), &generator)
            let sum = Sum()
            var exact = ExactNumber()
            for x in all {
                sum.add(x)
                exact = exact + ExactNumber(x)
            }
            let wanted = exact.rounded
            #expect(sum.value == wanted, "round \(round): \(all)")
            for _ in 0..<3 {
                let other = Sum()
                for x in all.shuffled(using: &generator) { other.add(x) }
                #expect(other.value.bitPattern == sum.value.bitPattern)
            }
        }
    }

    @Test(arguments: 0..<5) func takesBackWhatItGot(_ kind: Int) {
        var generator = SeededGenerator(seed: UInt64(kind) + 50)
        for _ in 0..<100 {
            let kept = values(kind, 5, &generator)
            let passing = values(kind, 20, &generator) + [.infinity, -.infinity, .nan]
            let sum = Sum()
            for x in (kept + passing).shuffled(using: &generator) { sum.add(x) }
            for x in passing.shuffled(using: &generator) { sum.add(x, weight: -1) }
            var exact = ExactNumber()
            for x in kept { exact = exact + ExactNumber(x) }
            #expect(sum.value == exact.rounded)
            for x in kept { sum.add(x, weight: -1) }
            #expect(sum.value == 0)
        }
    }

    @Test func weightsMultiply() {
        for weight: Int64 in [2, 3, -5, 1 << 40, -(1 << 40)] {
            for x in [0.1, 0x1p-1074, 1e300, -7.25] {
                let sum = Sum()
                sum.add(x, weight: weight)
                // Exact product: the weight's ones, each a shift of x.
                var exact = ExactNumber()
                for bit in 0..<62 where weight.magnitude >> UInt64(bit) & 1 == 1 {
                    var term = ExactNumber(x)
                    for _ in 0..<bit { term = term + term }
                    exact = exact + term
                }
                #expect(sum.value == (weight < 0 ? -exact : exact).rounded)
            }
        }
    }

    @Test func specialValues() {
        func sum(_ all: [Double]) -> Double {
            let sum = Sum()
            for x in all { sum.add(x) }
            return sum.value
        }
        #expect(sum([.infinity, 1]) == .infinity)
        #expect(sum([1, -.infinity, 1e308, 1e308]) == -.infinity)
        #expect(sum([.infinity, -.infinity]).isNaN)
        #expect(sum([.nan, 1, .infinity]).isNaN)
        #expect(sum([.greatestFiniteMagnitude, .greatestFiniteMagnitude]) == .infinity)
        #expect(
            sum([.greatestFiniteMagnitude, .greatestFiniteMagnitude, -.greatestFiniteMagnitude])
                == .greatestFiniteMagnitude)
        #expect(sum([-0.0]).bitPattern == 0)
        #expect(sum(Array(repeating: 0.1, count: 10)) == 1)
    }

    @Test func wideSumsSurviveTheCheckpoint() throws {
        var generator = SeededGenerator(seed: 3)
        var wide = WideSum()
        for x in values(1, 50, &generator) + [.infinity, .nan] { wide.add(x, weight: 1) }
        wide.add(.infinity, weight: -1)
        wide.add(.nan, weight: -1)
        let again = try WideSum(decoding: wide.encoded)
        #expect(again.limbs == wide.limbs)
        #expect(again.value == wide.value)
        #expect(throws: TidemillError.self) { try WideSum(decoding: Array(wide.encoded.dropLast())) }
    }
}
