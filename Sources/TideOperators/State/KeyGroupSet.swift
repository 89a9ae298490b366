import TideCheckpoints

/// A set of key groups.
struct KeyGroupSet: Sendable, Hashable {
    private var words = SIMD4<UInt64>(repeating: 0)

    init() {}

    /// Those of a partition that may have rows in runs.
    init(in runs: ColdState, partition p: Int, bits: Int) {
        for group in KeyGroupSet.groups(ofPartition: p, bits: bits)
        where runs.mayHoldRows(KeyGroupSet.hashes(of: group)) { insert(group) }
    }

    @inline(__always) func contains(_ group: Int) -> Bool {
        words[group &>> 6] &>> UInt64(group & 63) & 1 != 0
    }
    mutating func insert(_ group: Int) { words[group >> 6] |= 1 << UInt64(group & 63) }
    mutating func formUnion(_ other: KeyGroupSet) { words |= other.words }
    mutating func remove(_ group: Int) { words[group >> 6] &= ~(1 << UInt64(group & 63)) }
    var count: Int { (0..<4).reduce(0) { $0 + words[$1].nonzeroBitCount } }
    var isEmpty: Bool { words == SIMD4(repeating: 0) }

    /// The hashes of a group: those whose top 8 bits are its number.
    static func hashes(of group: Int) -> ClosedRange<UInt64> {
        let first = UInt64(group) << 56
        return first...(first | ((1 << 56) - 1))
    }
    /// The groups of a partition.
    static func groups(ofPartition p: Int, bits: Int) -> Range<Int> {
        let count = 256 >> bits
        return (p * count)..<((p + 1) * count)
    }
}
