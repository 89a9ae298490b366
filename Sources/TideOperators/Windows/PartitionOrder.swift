/// The rows of some partitions in their order: by the order keys, rows that these leave equal by the whole row.
struct PartitionOrder {
    /// Row numbers, partition after partition.
    private(set) var rows: [UInt32]
    /// By position in `rows`: whether the order keys differ from those of the position before, or a partition begins.
    private(set) var startsPeers: [Bool]

    /// - Parameters:
    ///   - starts: of the partitions in the batch, and the batch's count; a partition's rows lie together.
    ///   - keys: of the order; nil if there is no ORDER BY, and all rows of a partition are peers.
    ///   - breaksTies: false if nothing that is computed depends on the order of peers.
    init(_ batch: Batch, starts: [Int], keys: SortKeys?, breaksTies: Bool) {
        rows = Array(UInt32(0)..<UInt32(batch.count))
        startsPeers = Array(repeating: false, count: batch.count)
        var ties: [Range<Int>] = []
        for p in 0..<(starts.count - 1) {
            let range = starts[p]..<starts[p + 1]
            if range.isEmpty { continue }
            startsPeers[range.lowerBound] = true
            guard let keys else {
                if range.count > 1 { ties.append(range) }
                continue
            }
            rows[range].sort { a, b in
                let result = keys.compare(a, b)
                return result != 0 ? result < 0 : a < b
            }
            var first = range.lowerBound
            for position in (range.lowerBound + 1)..<max(range.upperBound, range.lowerBound + 1)
            where keys.compare(rows[position - 1], rows[position]) != 0 {
                startsPeers[position] = true
                if position - first > 1 { ties.append(first..<position) }
                first = position
            }
            if range.upperBound - first > 1 { ties.append(first..<range.upperBound) }
        }
        if breaksTies && !ties.isEmpty { breakTies(ties, batch) }
    }

    /// Whole rows are compared among peers only, so their bytes are made only for those.
    private mutating func breakTies(_ ties: [Range<Int>], _ batch: Batch) {
        let tied = ties.flatMap { rows[$0] }
        let whole = SortKeys(ascending: batch.columns.map { $0.gather(tied) }, count: tied.count)
        var at = 0
        for range in ties {
            var order = Array(UInt32(at)..<UInt32(at + range.count))
            order.sort { whole.compare($0, $1) < 0 }
            for (offset, row) in order.enumerated() { rows[range.lowerBound + offset] = tied[Int(row)] }
            at += range.count
        }
    }
}
