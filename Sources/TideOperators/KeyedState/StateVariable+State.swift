// Variables in the checkpoint: in the order of the key's hash, so that the elements of a key lie together.

extension StateVariable {
    /// | hash of the key | live | key | element | expiry, microseconds | values |
    static func statePart(_ keys: [DataType], _ elements: [DataType], _ values: [DataType]) -> StatePart {
        StatePart(
            types: [.bigint, .boolean] + keys + elements + [.bigint] + values,
            keyColumns: Array(2..<(2 + keys.count + elements.count)))
    }
    var statePart: StatePart { StateVariable.statePart(keyTypes, elementTypes, valueTypes) }

    /// What the epoch changed. Rows that it brought and took away again were never stored and need not be forgotten.
    func stateChanges() -> [Batch] {
        let changed = touched.filter { flags(of: $0) != 0 }
        return StateOrder.batches(
            changed, table: rows, keyTypes: rows.layout.keyTypes, hashed: Array(keyTypes.indices)
        ) { rows in
            (
                live: Bitmap(count: rows.count) { isLive(rows[$0]) },
                values: [Column(bigints: rows.map { expiry(of: $0) })] + values(of: rows)
            )
        }
    }

    /// Brings stored rows back; later batches win over earlier ones.
    func restore(_ batch: Batch) {
        let keyEnd = 2 + keyTypes.count
        let elementEnd = keyEnd + elementTypes.count
        let live = batch.columns[1].bits
        let kept = batch.filter(live)
        if kept.count > 0 {
            let keys = Array(kept.columns[2..<keyEnd])
            let elements = Array(kept.columns[keyEnd..<elementEnd])
            put(
                keys: keys, elements: elements, values: Array(kept.columns[(elementEnd + 1)...]), count: kept.count,
                expiry: .times(kept.columns[elementEnd].pointer(Int64.self)))
            if kind == .list {
                raisePositions(keys: keys, positions: elements[0].pointer(Int64.self), count: kept.count)
            }
        }
        if kept.count < batch.count {
            let gone = batch.filter(live.inverted())
            let found = find(
                keys: Array(gone.columns[2..<keyEnd]), elements: Array(gone.columns[keyEnd..<elementEnd]),
                count: gone.count, now: .min)
            remove(found.compactMap { $0 })
        }
        endEpoch()
        _ = takeCounts()
    }
}
