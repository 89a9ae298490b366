/// Rows with their weights and keys, split off for one partition.
struct RowChange {
    var batch: Batch
    var keys: [Column]
    /// The entry of each row, when the rows were netted.
    var entries: [UnsafeMutableRawPointer] = []
    /// Of the task that brought the rows.
    var ordinal = 0
}

extension Batch {
    /// The batch's rows by the partition of their key: rows and keys of each partition that has any.
    func split(
        by keys: [Column], partitionBits: Int, ordinal: Int, _ body: (Int, RowChange) -> Void
    ) {
        if count == 0 { return }
        if partitionBits == 0 { return body(0, RowChange(batch: self, keys: keys, ordinal: ordinal)) }
        let hashes = hashRows(keys, count: count)
        let selection = PartitionedSelection(
            hashes: hashes.pointer(UInt64.self), count: count, partitionBits: partitionBits)
        for p in 0..<(1 << partitionBits) {
            let rows = selection.rows(of: p)
            guard let base = rows.baseAddress, !rows.isEmpty else { continue }
            body(
                p,
                RowChange(
                    batch: gather(base, count: rows.count), keys: keys.map { $0.gather(base, count: rows.count) },
                    ordinal: ordinal))
        }
    }
}
