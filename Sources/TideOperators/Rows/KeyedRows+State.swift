// Rows in the checkpoint: with their weight (and their count, where there is one), in the order of their key's hash, so
// that the rows of a key lie together.

extension KeyedRows {
    /// A row is told apart by all its columns.
    static func statePart(_ types: [DataType], _ duties: Duties) -> StatePart {
        StatePart(
            types: [.bigint, .boolean] + types + (duties.countsMatches ? [.bigint, .bigint] : [.bigint]),
            keyColumns: Array(2..<(2 + types.count)))
    }

    /// Splits a stored batch by partition: the rows with their keys, and the stored columns in the same order.
    static func split(
        _ batch: Batch, types: [DataType], by keys: [Column], partitionBits: Int,
        _ body: (Int, RowChange, Batch) -> Void
    ) {
        // The stored columns travel behind the rows, so that they are split with them.
        let width = types.count
        let both = Batch(columns: batch.columns[2..<(2 + width)] + batch.columns, count: batch.count)
        both.split(by: keys, partitionBits: partitionBits, ordinal: 0) { p, change in
            let stored = Batch(columns: Array(change.batch.columns[width...]), count: change.batch.count)
            var own = change
            own.batch = Batch(columns: Array(change.batch.columns[..<width]), count: stored.count)
            body(p, own, stored)
        }
    }

    static let stateRowsMax = 8192

    /// Rows that the epoch brought and took away again were never stored and need not be forgotten.
    func stateChanges() -> [Batch] {
        let changed = touched.indices.filter { i in
            let matches = duties.countsMatches ? matches(of: touched[i]) : 0
            return weight(of: touched[i]) != before[i].weight || matches != before[i].matches
        }
        return stateBatches(changed.map { touched[$0] })
    }

    /// All rows, between epochs.
    func residentState() -> [Batch] { stateBatches(entries.allRows) }

    private func stateBatches(_ rows: [UnsafeMutableRawPointer]) -> [Batch] {
        if rows.isEmpty { return [] }
        let keys = keyColumns(of: rows)
        let buffer = hashRows(hashedKeys.map { $0.map { keys[$0] } } ?? keys, count: rows.count)
        let hashes = buffer.pointer(UInt64.self)
        var order = Array(UInt32(0)..<UInt32(rows.count))
        order.sort { hashes[Int($0)] < hashes[Int($1)] }
        let hashColumn = Column(type: .bigint, count: rows.count, values: buffer)
        var batches: [Batch] = []
        for start in stride(from: 0, to: rows.count, by: KeyedRows.stateRowsMax) {
            let chunk = Array(order[start..<min(start + KeyedRows.stateRowsMax, rows.count)])
            let entries = chunk.map { rows[Int($0)] }
            let weights = entries.map { weight(of: $0) }
            let live = Bitmap(count: chunk.count) { weights[$0] != 0 }
            var values = [Column(bigints: weights)]
            if duties.countsMatches { values.append(Column(bigints: entries.map { matches(of: $0) })) }
            batches.append(
                Batch(
                    columns: [hashColumn.gather(chunk), Column(boolean: live)] + columns(of: entries) + values,
                    count: chunk.count))
        }
        return batches
    }

    /// Brings stored rows back. Stored weights are absolute: what the table has already is taken off, so later batches
    /// win over earlier ones.
    /// - Parameters:
    ///   - change: the rows and keys of a stored batch that belong here.
    ///   - stored: the stored batch's rows, in the same order.
    func restore(_ change: RowChange, stored: Batch) {
        let rows = change.batch
        let live = stored.columns[1].bits
        let weights = stored.columns[2 + types.count].pointer(Int64.self)
        let present = find(rows).map { $0.map { weight(of: $0) } ?? 0 }
        let changes = (0..<rows.count).map { (live[$0] ? weights[$0] : 0) - present[$0] }
        apply(
            Batch(columns: rows.columns, count: rows.count, weights: Column(bigints: changes)),
            keys: KeyImages(change.keys, count: rows.count, layout: index.layout))
        if duties.countsMatches {
            let matches = stored.columns[3 + types.count].pointer(Int64.self)
            for (row, entry) in find(rows).enumerated() {
                if let entry { setMatches(matches[row], of: entry) }
            }
        }
        endEpoch()
    }

    /// The entries of the given rows, as far as there are any.
    func find(_ rows: Batch) -> [UnsafeMutableRawPointer?] {
        let images = KeyImages(rows.columns, count: rows.count, layout: entries.layout)
        return [UnsafeMutableRawPointer?](unsafeUninitializedCapacity: rows.count) { buffer, initialized in
            if let base = buffer.baseAddress { entries.find(images, selection: nil, count: rows.count, into: base) }
            initialized = rows.count
        }
    }

    /// The key rows of the given keys, as far as there are any.
    func find(keys: [Column], count: Int) -> [UnsafeMutableRawPointer?] {
        let images = KeyImages(keys, count: count, layout: index.layout)
        return [UnsafeMutableRawPointer?](unsafeUninitializedCapacity: count) { buffer, initialized in
            if let base = buffer.baseAddress { index.find(images, selection: nil, count: count, into: base) }
            initialized = count
        }
    }
}
