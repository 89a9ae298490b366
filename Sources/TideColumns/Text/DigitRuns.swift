/// Eight ASCII digits at a time in one 64-bit word ("SIMD within a register").
///
/// A word holds text in memory order: its lowest byte is the first character. Positions that hold no digit of the value
/// are filled with '0' before the word is summed.
public enum DigitRun {
    @inlinable @inline(__always) public static var zeros: UInt64 { 0x3030_3030_3030_3030 }

    /// Whether all eight bytes are '0'...'9'.
    @inlinable @inline(__always) public static func allDigits(_ word: UInt64) -> Bool {
        // A digit has high nibble 3, and still has it after adding 6.
        let carried = (word &+ 0x0606_0606_0606_0606) & 0xF0F0_F0F0_F0F0_F0F0
        return ((word & 0xF0F0_F0F0_F0F0_F0F0) | (carried >> 4)) == 0x3333_3333_3333_3333
    }

    /// The number that eight digits write.
    @inlinable @inline(__always) public static func value(_ word: UInt64) -> UInt64 {
        var v = word &- zeros
        // Pairs, then two quadruples at a time by one multiplication each.
        v = (v &* 10) &+ (v >> 8)
        let high = (v & 0x0000_00FF_0000_00FF) &* 0x000F_4240_0000_0064
        let low = ((v >> 16) & 0x0000_00FF_0000_00FF) &* 0x0000_2710_0000_0001
        return (high &+ low) >> 32
    }

    /// The `length` ≤ 8 bytes that end at `end`, right aligned, '0' before them. Eight bytes before `end` are
    /// readable.
    @inlinable @inline(__always) public static func rightAligned(
        endingAt end: UnsafePointer<UInt8>, length: Int
    ) -> UInt64 {
        let word = UInt64(littleEndian: UnsafeRawPointer(end - 8).loadUnaligned(as: UInt64.self))
        // length 0 needs a shift by 64, which the smart shift turns into 0.
        let keep = ~UInt64(0) << UInt64((8 &- length) &* 8)
        return (word & keep) | (zeros & ~keep)
    }

    /// Powers of ten that a double holds exactly.
    @inlinable public static func power(_ exponent: Int) -> Double { exactPowers[exponent] }
}

/// 10^0 ... 10^22.
@usableFromInline let exactPowers: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
]

/// 10^exponent for exponent in 0...38.
public func decimalPower(_ exponent: Int) -> Int128 {
    precondition(exponent >= 0 && exponent <= 38)
    var result: Int128 = 1
    for _ in 0..<exponent { result *= 10 }
    return result
}

/// A byte range without what Spark's casts trim: characters up to the space, and DEL.
public func trimmingWhitespace(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    var low = 0
    var high = text.count
    while low < high, text[low] <= 0x20 || text[low] == 0x7F { low += 1 }
    while high > low, text[high - 1] <= 0x20 || text[high - 1] == 0x7F { high -= 1 }
    return UnsafeRawBufferPointer(rebasing: text[low..<high])
}
