/// An exact running sum of doubles, so that order, threads and retraction never change a bit of a result.
///
/// Inline form: two doubles hi + lo with |lo| ≤ ulp(hi) / 2, which hold the exact sum as long as its bits span at most
/// about 107 positions (two-sum: Knuth, TAOCP 4.2.2; expansions: Shewchuk 1997). When a third part would be needed, or
/// a NaN or infinity comes, the sum moves to a `WideSum` outside the row and the inline form names it.
///
///     hi is a quiet NaN with payload 0x7FFC_0000_xxxx_xxxx: spilled, x = index of the WideSum
struct ExactSum: BitwiseCopyable {
    var hi: Double
    var lo: Double

    private static let tag: UInt64 = 0x7FFC_0000_0000_0000
    private static let tagMask: UInt64 = 0xFFFF_FFFF_0000_0000

    @inline(__always) var spillIndex: Int? {
        hi.bitPattern & ExactSum.tagMask == ExactSum.tag ? Int(truncatingIfNeeded: hi.bitPattern & 0xFFFF_FFFF) : nil
    }
    init(hi: Double, lo: Double) {
        self.hi = hi
        self.lo = lo
    }
    init(spill index: Int) {
        hi = Double(bitPattern: ExactSum.tag | UInt64(index))
        lo = 0
    }

    @inline(__always) static func twoSum(_ a: Double, _ b: Double) -> (sum: Double, error: Double) {
        let sum = a + b
        let part = sum - a
        return (sum, (a - (sum - part)) + (b - part))
    }

    /// Adds `x`; false if the inline form cannot hold the result (nothing is changed then).
    @inline(__always) mutating func add(_ x: Double) -> Bool {
        let (sum, error) = ExactSum.twoSum(hi, x)
        let (low, rest) = ExactSum.twoSum(lo, error)
        // NaN and infinity make `rest` NaN, which is not zero either.
        guard rest == 0 else { return false }
        let (high, tail) = ExactSum.twoSum(sum, low)
        // Underflow and overflow leave the exact range of two-sum; a finite high part rules overflow out.
        guard high.isFinite else { return false }
        hi = high
        lo = tail
        return true
    }
}

/// A sum of doubles as one fixed-point number that covers the whole exponent range (Kulisch), with NaN and infinities
/// counted apart so that they can be taken back.
struct WideSum: Equatable {
    /// Two's complement, least significant first; bit 0 is 2^-1074. 2176 bits: 2098 for finite doubles, 78 for carries.
    private(set) var limbs: [UInt64]
    private(set) var nanCount: Int64 = 0
    private(set) var positiveInfinities: Int64 = 0
    private(set) var negativeInfinities: Int64 = 0
    static let limbCount = 34

    init() { limbs = Array(repeating: 0, count: WideSum.limbCount) }

    /// Adds (or with weight -1 takes back) one value.
    mutating func add(_ x: Double, weight: Int64) {
        if x.isNaN {
            nanCount += weight
        } else if x.isInfinite {
            if x > 0 { positiveInfinities += weight } else { negativeInfinities += weight }
        } else if x != 0 {
            addFinite(x, weight)
        }
    }

    private mutating func addFinite(_ x: Double, _ weight: Int64) {
        let exponentBits = Int(x.exponentBitPattern)
        let significand = x.significandBitPattern | (exponentBits == 0 ? 0 : 1 << 52)
        let position = max(exponentBits, 1) - 1
        let product = UInt64(significand).multipliedFullWidth(by: weight.magnitude)
        // The product has at most 117 bits; shifted by less than 64 it fits three limbs.
        let limb = position >> 6
        let shift = UInt64(position & 63)
        let parts: (UInt64, UInt64, UInt64) =
            shift == 0
            ? (product.low, product.high, 0)
            : (
                product.low << shift, (product.high << shift) | (product.low >> (64 - shift)),
                product.high >> (64 - shift)
            )
        if (x < 0) != (weight < 0) { subtract(parts, at: limb) } else { add(parts, at: limb) }
    }

    private mutating func add(_ parts: (UInt64, UInt64, UInt64), at limb: Int) {
        var carry: UInt64 = 0
        var index = limb
        while index < WideSum.limbCount {
            let part = index == limb ? parts.0 : index == limb + 1 ? parts.1 : index == limb + 2 ? parts.2 : 0
            if index > limb + 2 && carry == 0 { return }
            let (a, c1) = limbs[index].addingReportingOverflow(part)
            let (b, c2) = a.addingReportingOverflow(carry)
            limbs[index] = b
            carry = (c1 ? 1 : 0) + (c2 ? 1 : 0)
            index += 1
        }
    }
    private mutating func subtract(_ parts: (UInt64, UInt64, UInt64), at limb: Int) {
        var borrow: UInt64 = 0
        var index = limb
        while index < WideSum.limbCount {
            let part = index == limb ? parts.0 : index == limb + 1 ? parts.1 : index == limb + 2 ? parts.2 : 0
            if index > limb + 2 && borrow == 0 { return }
            let (a, c1) = limbs[index].subtractingReportingOverflow(part)
            let (b, c2) = a.subtractingReportingOverflow(borrow)
            limbs[index] = b
            borrow = (c1 ? 1 : 0) + (c2 ? 1 : 0)
            index += 1
        }
    }

    /// Adds another sum.
    mutating func add(_ other: WideSum) {
        var carry: UInt64 = 0
        for i in 0..<WideSum.limbCount {
            let (a, c1) = limbs[i].addingReportingOverflow(other.limbs[i])
            let (b, c2) = a.addingReportingOverflow(carry)
            limbs[i] = b
            carry = (c1 ? 1 : 0) + (c2 ? 1 : 0)
        }
        nanCount += other.nanCount
        positiveInfinities += other.positiveInfinities
        negativeInfinities += other.negativeInfinities
    }

    /// The sum rounded once, to nearest even.
    var value: Double {
        if nanCount > 0 || (positiveInfinities > 0 && negativeInfinities > 0) { return .nan }
        if positiveInfinities > 0 { return .infinity }
        if negativeInfinities > 0 { return -.infinity }
        var magnitude = limbs
        let negative = limbs[WideSum.limbCount - 1] >> 63 != 0
        if negative {
            var carry: UInt64 = 1
            for i in 0..<WideSum.limbCount {
                let (v, c) = (~magnitude[i]).addingReportingOverflow(carry)
                magnitude[i] = v
                carry = c ? 1 : 0
            }
        }
        guard let top = magnitude.lastIndex(where: { $0 != 0 }) else { return 0 }
        let highest = top * 64 + 63 - magnitude[top].leadingZeroBitCount
        func bit(_ position: Int) -> UInt64 { (magnitude[position >> 6] >> UInt64(position & 63)) & 1 }
        func bits(from low: Int, count: Int) -> UInt64 {
            var value = magnitude[low >> 6] >> UInt64(low & 63)
            if low & 63 != 0 && (low >> 6) + 1 < WideSum.limbCount {
                value |= magnitude[(low >> 6) + 1] << UInt64(64 - (low & 63))
            }
            return count == 64 ? value : value & ((1 << UInt64(count)) - 1)
        }
        if highest <= 52 {
            // Subnormal or the lowest normal binade: exact.
            let value = Double(sign: .plus, exponent: -1074, significand: 1) * Double(bits(from: 0, count: 53))
            return negative ? -value : value
        }
        let low = highest - 52
        var significand = bits(from: low, count: 53)
        if bit(low - 1) == 1 {
            var sticky = significand & 1 == 1
            var position = low - 2
            while !sticky && position >= 0 {
                if position & 63 == 63 && magnitude[position >> 6] == 0 {
                    position -= 64
                } else {
                    sticky = bit(position) == 1
                    position -= 1
                }
            }
            if sticky { significand += 1 }
        }
        // Rounding may carry into the next binade: the product below is exact either way, or overflows to infinity.
        let exponent = low - 1074
        let value =
            exponent > 971
            ? Double.infinity : Double(sign: .plus, exponent: exponent, significand: 1) * Double(significand)
        return negative ? -value : value
    }

    /// Bytes for checkpoints.
    var encoded: [UInt8] {
        var writer = ByteWriter(capacity: WideSum.limbCount * 8 + 24)
        for limb in limbs { writer.u64(limb) }
        writer.i64(nanCount)
        writer.i64(positiveInfinities)
        writer.i64(negativeInfinities)
        return writer.bytes
    }
    init(decoding bytes: [UInt8]) throws(TidemillError) {
        var reader = ByteReader(bytes, file: "state")
        var limbs: [UInt64] = []
        for _ in 0..<WideSum.limbCount { limbs.append(try reader.u64()) }
        self.limbs = limbs
        nanCount = try reader.i64()
        positiveInfinities = try reader.i64()
        negativeInfinities = try reader.i64()
        try reader.expectEnd()
    }
}

/// The wide sums of one partition.
struct WideSums {
    private var sums: [WideSum] = []
    private var free: [Int] = []

    /// Adds `x` `weight` times, moving the sum here if it does not fit inline any more.
    mutating func add(_ x: Double, weight: Int64, to target: UnsafeMutablePointer<ExactSum>) {
        let index: Int
        if let known = target.pointee.spillIndex {
            index = known
        } else {
            var wide = WideSum()
            wide.add(target.pointee.hi, weight: 1)
            wide.add(target.pointee.lo, weight: 1)
            index = insert(wide)
            target.pointee = ExactSum(spill: index)
        }
        sums[index].add(x, weight: weight)
    }
    mutating func add(_ sum: WideSum, to index: Int) { sums[index].add(sum) }
    mutating func insert(_ sum: WideSum) -> Int {
        if let index = free.popLast() {
            sums[index] = sum
            return index
        }
        sums.append(sum)
        return sums.count - 1
    }
    mutating func remove(_ index: Int) { free.append(index) }
    func copy(_ index: Int) -> WideSum { sums[index] }
    /// The sum as two doubles, the second what the first lacks.
    func parts(of sum: ExactSum) -> (Double, Double) { sum.spillIndex.map { sums[$0].parts } ?? (sum.hi, sum.lo) }
    func value(of sum: ExactSum) -> Double { sum.spillIndex.map { sums[$0].value } ?? sum.hi }
    var byteCount: Int { sums.count * (WideSum.limbCount * 8 + 64) }
}
