/// One bit per row, bit i of word i / 64 (Arrow's order). Bits past `count` are zero.
public struct Bitmap: Sendable {
    public let buffer: Buffer
    public let count: Int

    public static func wordCount(_ count: Int) -> Int { (count + 63) / 64 }

    /// The buffer must hold `wordCount(count)` words, with the bits past `count` zero.
    public init(buffer: Buffer, count: Int) {
        precondition(buffer.byteCount >= Bitmap.wordCount(count) * 8)
        self.buffer = buffer
        self.count = count
    }

    public init(repeating value: Bool, count: Int) {
        let words = Bitmap.wordCount(count)
        let buffer = Buffer(byteCount: words * 8)
        let pointer = buffer.pointer(UInt64.self)
        for i in 0..<words { pointer[i] = value ? ~0 : 0 }
        if value && count & 63 != 0 { pointer[words - 1] = (1 << UInt64(count & 63)) - 1 }
        self.init(buffer: buffer, count: count)
    }

    /// Evaluates `predicate` for every row; for tests and cold paths.
    public init(count: Int, _ predicate: (Int) -> Bool) {
        self.init(repeating: false, count: count)
        let pointer = words
        for i in 0..<count where predicate(i) { pointer[i >> 6] |= 1 << UInt64(i & 63) }
    }

    @inlinable public var words: UnsafeMutablePointer<UInt64> { buffer.pointer(UInt64.self) }
    @inlinable public var wordCount: Int { (count + 63) / 64 }

    @inlinable public subscript(_ index: Int) -> Bool {
        (words[index >> 6] >> UInt64(index & 63)) & 1 != 0
    }

    public var onesCount: Int {
        var total = 0
        let pointer = words
        for i in 0..<wordCount { total += pointer[i].nonzeroBitCount }
        return total
    }

    /// A word-wise result; `combine` may set bits past the end, they are cleared.
    @inlinable public static func combining(
        _ a: Bitmap, _ b: Bitmap, _ combine: (UInt64, UInt64) -> UInt64
    ) -> Bitmap {
        precondition(a.count == b.count)
        let n = a.wordCount
        let buffer = Buffer(byteCount: n * 8)
        let out = buffer.pointer(UInt64.self)
        let x = a.words
        let y = b.words
        for i in 0..<n { out[i] = combine(x[i], y[i]) }
        if a.count & 63 != 0 { out[n - 1] &= (1 << UInt64(a.count & 63)) - 1 }
        return Bitmap(buffer: buffer, count: a.count)
    }
    public func and(_ other: Bitmap) -> Bitmap { .combining(self, other, &) }
    public func or(_ other: Bitmap) -> Bitmap { .combining(self, other, |) }
    public func andNot(_ other: Bitmap) -> Bitmap { .combining(self, other) { $0 & ~$1 } }
    public func inverted() -> Bitmap { .combining(self, self) { x, _ in ~x } }

    /// Validity of a result that is NULL where either input is; nil means no NULL.
    public static func and(_ a: Bitmap?, _ b: Bitmap?) -> Bitmap? {
        guard let a else { return b }
        guard let b else { return a }
        return a.and(b)
    }

    /// The row of one number `rank` from 0. For cold paths.
    public func position(ofOne rank: Int) -> Int {
        var left = rank
        for row in 0..<count where self[row] {
            if left == 0 { return row }
            left -= 1
        }
        preconditionFailure("fewer than \(rank + 1) ones")
    }

    /// Row numbers of the ones, ascending, into `out` (room for `count`); returns how many.
    public func indices(into out: UnsafeMutablePointer<UInt32>) -> Int {
        var n = 0
        let pointer = words
        for w in 0..<wordCount {
            var bits = pointer[w]
            while bits != 0 {
                out[n] = UInt32(truncatingIfNeeded: (w << 6) + bits.trailingZeroBitCount)
                n += 1
                bits &= bits &- 1
            }
        }
        return n
    }
}
