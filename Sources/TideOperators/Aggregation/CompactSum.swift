/// A running sum of integers in 8 bytes, exact whatever is added and in whatever order.
///
///     value ≥ -2^63 + 2^32: the sum itself
///     below:                spilled; value + 2^63 = index of the Int128 in the partition's `SpilledSums`
///
/// A sum moves out when it leaves the inline range and back when it returns, so equal sums have one form. A sum of
/// 128 bits beside the count took 16 bytes of a group's 40 although next to no sum needs them.
struct CompactSum: BitwiseCopyable {
    private(set) var word: Int64 = 0

    static let least = Int64.min + (1 << 32)

    init() {}
    init(inline value: Int64) {
        assert(value >= CompactSum.least)
        word = value
    }
    init(spill index: Int) { word = Int64.min + Int64(index) }

    @inline(__always) var isInline: Bool { word >= CompactSum.least }
    @inline(__always) var spillIndex: Int? { isInline ? nil : Int(word &- Int64.min) }

    /// Adds `x` if sum and result are inline; false (and nothing changed) otherwise.
    @inline(__always) mutating func add(_ x: Int64) -> Bool {
        let (sum, overflow) = word.addingReportingOverflow(x)
        // One test for all three: what is spilled, what overflows, what falls into the range of indices.
        if !isInline || overflow || sum < CompactSum.least { return false }
        word = sum
        return true
    }
}

/// The sums of one partition that do not fit 8 bytes.
struct SpilledSums {
    private var sums: [Int128] = []
    private var free: [UInt32] = []

    /// Adds `x` where `CompactSum.add` could not. Sums wrap beyond 128 bits, which takes 2^64 rows.
    @inline(never) mutating func add(_ x: Int128, to target: UnsafeMutablePointer<CompactSum>) {
        set(value(of: target.pointee) &+ x, in: target)
    }

    /// Replaces a sum, which must be a valid one (zero in a new group).
    mutating func set(_ value: Int128, in target: UnsafeMutablePointer<CompactSum>) {
        if value >= Int128(CompactSum.least) && value <= Int128(Int64.max) {
            remove(target.pointee)
            target.pointee = CompactSum(inline: Int64(truncatingIfNeeded: value))
        } else if let index = target.pointee.spillIndex {
            sums[index] = value
        } else {
            target.pointee = insert(value)
        }
    }

    private mutating func insert(_ value: Int128) -> CompactSum {
        if let index = free.popLast() {
            sums[Int(index)] = value
            return CompactSum(spill: Int(index))
        }
        precondition(sums.count < Int(UInt32.max), "a partition holds at most 2^32 spilled sums")
        sums.append(value)
        return CompactSum(spill: sums.count - 1)
    }

    /// A second sum of the same value, which changes of the first do not touch.
    mutating func copy(_ sum: CompactSum) -> CompactSum {
        sum.spillIndex.map { insert(sums[$0]) } ?? sum
    }
    mutating func remove(_ sum: CompactSum) {
        if let index = sum.spillIndex { free.append(UInt32(index)) }
    }
    func value(of sum: CompactSum) -> Int128 { sum.spillIndex.map { sums[$0] } ?? Int128(sum.word) }

    var byteCount: Int { [Int128].grownBytes(sums.count) + [UInt32].grownBytes(free.count) }
}
