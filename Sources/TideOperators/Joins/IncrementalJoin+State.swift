// The join's rows in the checkpoint: one part per side.

extension IncrementalJoinOperator {
    private func side(_ part: Int, _ partition: Partition) -> KeyedRows {
        part == 0 ? partition.left : partition.right
    }

    public var stateParts: [StatePart] {
        [
            KeyedRows.statePart(specification.leftTypes, leftDuties),
            KeyedRows.statePart(specification.rightTypes, rightDuties),
        ]
    }

    public func stateChanges(part: Int, partition p: Int) -> [Batch] {
        partitions[p].withLock { side(part, $0).stateChanges() }
    }

    public func restore(part: Int, _ batch: Batch) throws(TidemillError) {
        guard batch.columns.map(\.type) == stateParts[part].types else {
            throw TidemillError(
                .corruption, "TIDEMILL_STATE_TYPES", "stored state of a join has other columns than its query")
        }
        let width = (part == 0 ? specification.leftTypes : specification.rightTypes).count
        let rows = Batch(columns: Array(batch.columns[2..<(2 + width)]), count: batch.count)
        let keys: [Column]
        if part == 1 && specification.rightIsKeys {
            keys = rows.columns
        } else {
            let program = part == 0 ? specification.leftKeys : specification.rightKeys
            keys = try program.evaluate(rows, EvaluationContext(currentTimestampMicros: 0))
        }
        // The stored columns travel behind the rows, so that they are split with them.
        let both = Batch(columns: rows.columns + batch.columns, count: batch.count)
        both.split(by: keys, partitionBits: bits, ordinal: 0) { p, change in
            let stored = Batch(columns: Array(change.batch.columns[width...]), count: change.batch.count)
            var own = change
            own.batch = Batch(columns: Array(change.batch.columns[..<width]), count: stored.count)
            partitions[p].withLock { side(part, $0).restore(own, stored: stored) }
        }
    }

    public func endEpoch(partition p: Int) {
        partitions[p].withLock {
            $0.left.endEpoch()
            $0.right.endEpoch()
        }
    }

    public var stateRows: Int {
        partitions.reduce(0) { sum, p in sum + p.withLock { $0.left.entries.count + $0.right.entries.count } }
    }
    public var stateBytes: Int {
        partitions.reduce(0) { sum, p in sum + p.withLock { $0.left.byteCount + $0.right.byteCount } }
    }
    public var touchedRows: Int {
        partitions.reduce(0) { sum, p in sum + p.withLock { $0.left.touched.count + $0.right.touched.count } }
    }
}
