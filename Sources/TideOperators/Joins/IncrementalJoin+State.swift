// The join's rows in the checkpoint: one part per side.

extension IncrementalJoinOperator {
    func side(_ part: Int, _ partition: Partition) -> KeyedRows {
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
        let types = part == 0 ? specification.leftTypes : specification.rightTypes
        let rows = Batch(columns: Array(batch.columns[2..<(2 + types.count)]), count: batch.count)
        let keys: [Column]
        if part == 1 && specification.rightIsKeys {
            keys = rows.columns
        } else {
            let program = part == 0 ? specification.leftKeys : specification.rightKeys
            keys = try program.evaluate(rows, EvaluationContext(currentTimestampMicros: 0))
        }
        KeyedRows.split(batch, types: types, by: keys, partitionBits: bits) { p, change, stored in
            partitions[p].withLock { side(part, $0).restore(change, stored: stored) }
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
