/// Rows of a batch by the partition that owns their key group.
///
/// The partition of a key is the top bits of its hash, so it is a range of key groups. Rows are not copied: a partition
/// gets row numbers into the shared batch.
struct PartitionedSelection {
    private let rows: Buffer
    private let starts: [Int]

    /// - Parameter chosen: rows of the batch; nil: all, 0..<count.
    init(hashes: UnsafePointer<UInt64>, count: Int, partitionBits: Int, among chosen: [UInt32]? = nil) {
        if let chosen {
            self = chosen.withUnsafeBufferPointer { rows in
                PartitionedSelection(hashes, rows.count, partitionBits) { rows[$0] }
            }
        } else {
            self.init(hashes, count, partitionBits) { UInt32(truncatingIfNeeded: $0) }
        }
    }

    @inline(__always) private init(
        _ hashes: UnsafePointer<UInt64>, _ count: Int, _ partitionBits: Int, _ row: (Int) -> UInt32
    ) {
        let partitions = 1 << partitionBits
        rows = Buffer(byteCount: count * 4)
        let out = rows.pointer(UInt32.self)
        var starts = [Int](repeating: 0, count: partitions + 1)
        if partitionBits == 0 {
            for i in 0..<count { out[i] = row(i) }
            starts[1] = count
        } else {
            let shift = UInt64(64 - partitionBits)
            withUnsafeTemporaryAllocation(of: Int.self, capacity: partitions) { at in
                for p in 0..<partitions { at[p] = 0 }
                for i in 0..<count { at[Int(truncatingIfNeeded: hashes[Int(row(i))] >> shift)] += 1 }
                var sum = 0
                for p in 0..<partitions {
                    starts[p] = sum
                    sum += at[p]
                    at[p] = starts[p]
                }
                starts[partitions] = sum
                for i in 0..<count {
                    let p = Int(truncatingIfNeeded: hashes[Int(row(i))] >> shift)
                    out[at[p]] = row(i)
                    at[p] += 1
                }
            }
        }
        self.starts = starts
    }

    func rows(of partition: Int) -> UnsafeBufferPointer<UInt32> {
        UnsafeBufferPointer(
            start: UnsafePointer(rows.pointer(UInt32.self)) + starts[partition],
            count: starts[partition + 1] - starts[partition])
    }
}

/// How many partitions an operator gets: a power of two, several per worker so that two workers seldom want the same
/// one, at most one per key group.
public func partitionBits(workers: Int) -> Int {
    var bits = 0
    while (1 << bits) < workers * 4 && bits < 8 { bits += 1 }
    return workers == 1 ? 0 : bits
}
