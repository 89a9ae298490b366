/// The state of operators that look at whole partitions (OVER, top-N): the input's rows by partition key, spread over
/// the workers' partitions. Tells which keys an epoch touched and gives all their rows.
final class KeyedPartitions: Sendable {
    final class Part {
        let rows: KeyedRows
        var pending: [RowChange] = []
        init(_ rows: KeyedRows) { self.rows = rows }
    }
    /// Whole partitions of touched keys, before and after the epoch.
    struct Touched {
        var batch: Batch
        /// Where each key's rows begin in the batch; and the batch's count.
        var starts: [Int]
        var entries: [UnsafeMutableRawPointer]
        var weightsBefore: [Int64]
        var weights: [Int64]
    }

    let types: [DataType]
    let bits: Int
    private let keys: ExpressionProgram
    private let duties = KeyedRows.Duties(countsMatches: false, watchesKeys: true)
    private let parts: [Locked<Part>]

    init(types: [DataType], partitionBy: [BoundExpression], partitionBits: Int) {
        self.types = types
        bits = partitionBy.isEmpty ? 0 : partitionBits
        keys = ExpressionProgram(partitionBy)
        let layout = RowLayout(keys: partitionBy.map(\.type), valueBytes: KeyedRows.keyValueBytes)
        let (duties, lead) = (duties, bits)
        parts = (0..<(1 << bits)).map { _ in
            Locked(Part(KeyedRows(keyLayout: layout, types: types, duties: duties, leadBits: lead)))
        }
    }

    var count: Int { parts.count }

    /// Rows wait, split by partition, until the epoch's input is complete.
    func accept(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        let columns = try keys.evaluate(batch, task.evaluation)
        batch.split(by: columns, partitionBits: bits, ordinal: task.ordinal) { p, change in
            parts[p].withLock { $0.pending.append(change) }
        }
    }

    /// Gives what waits to an operator that applies it itself.
    func withPart(
        _ p: Int, _ body: (KeyedRows, [RowChange]) throws(TidemillError) -> Void
    ) throws(TidemillError) {
        try parts[p].withLock { part throws(TidemillError) in
            let changes = part.pending
            part.pending.removeAll()
            try body(part.rows, changes)
        }
    }

    private static let chunkRows = 1 << 15

    /// Applies what waits and gives the partitions that changed, some at a time, each once.
    func finish(
        _ p: Int, _ body: (KeyedRows, Touched) throws(TidemillError) -> Void
    ) throws(TidemillError) {
        try parts[p].withLock { part throws(TidemillError) in
            let rows = part.rows
            for change in part.pending {
                rows.apply(
                    change.batch,
                    keys: KeyImages(change.keys, count: change.batch.count, layout: rows.index.layout))
            }
            part.pending.removeAll()
            var touched = Touched(
                batch: Batch(columns: [], count: 0), starts: [0], entries: [], weightsBefore: [], weights: [])
            func flush() throws(TidemillError) {
                if touched.entries.isEmpty { return }
                touched.batch = Batch(columns: rows.columns(of: touched.entries), count: touched.entries.count)
                try body(rows, touched)
                touched = Touched(
                    batch: Batch(columns: [], count: 0), starts: [0], entries: [], weightsBefore: [], weights: [])
            }
            // The body may touch rows, never keys.
            for key in rows.touchedKeys {
                let begin = touched.entries.count
                var isChanged = false
                var entry = rows.first(of: key)
                while let current = entry {
                    let (before, after) = (rows.weightBefore(of: current), rows.weight(of: current))
                    touched.entries.append(current)
                    touched.weightsBefore.append(before)
                    touched.weights.append(after)
                    if before != after { isChanged = true }
                    entry = rows.next(after: current)
                }
                if isChanged {
                    touched.starts.append(touched.entries.count)
                    if touched.entries.count >= KeyedPartitions.chunkRows { try flush() }
                } else {
                    // Changes that cancelled out.
                    touched.entries.removeSubrange(begin...)
                    touched.weightsBefore.removeSubrange(begin...)
                    touched.weights.removeSubrange(begin...)
                }
            }
            try flush()
        }
    }

    /// Applies what waits and gives all rows, changed or not. Only where there are no partition keys.
    func everything() -> Touched {
        precondition(parts.count == 1)
        return parts[0].withLock { part in
            let rows = part.rows
            for change in part.pending {
                rows.apply(
                    change.batch,
                    keys: KeyImages(change.keys, count: change.batch.count, layout: rows.index.layout))
            }
            part.pending.removeAll()
            var all = Touched(
                batch: Batch(columns: types.map { .empty($0) }, count: 0), starts: [0], entries: [],
                weightsBefore: [], weights: [])
            guard let key = rows.find(keys: [], count: 1)[0] else { return all }
            var entry = rows.first(of: key)
            while let current = entry {
                all.entries.append(current)
                all.weightsBefore.append(rows.weightBefore(of: current))
                all.weights.append(rows.weight(of: current))
                entry = rows.next(after: current)
            }
            all.starts.append(all.entries.count)
            all.batch = Batch(columns: rows.columns(of: all.entries), count: all.entries.count)
            return all
        }
    }

    // MARK: State

    var statePart: StatePart { KeyedRows.statePart(types, duties) }
    func stateChanges(_ p: Int) -> [Batch] { parts[p].withLock { $0.rows.stateChanges() } }

    func residentState(_ p: Int) -> [Batch] { parts[p].withLock { $0.rows.residentState() } }

    func restore(_ batch: Batch, of what: String) throws(TidemillError) {
        guard batch.columns.map(\.type) == statePart.types else {
            throw TidemillError(
                .corruption, "TIDEMILL_STATE_TYPES", "stored state of \(what) has other columns than its query")
        }
        let rows = Batch(columns: Array(batch.columns[2..<(2 + types.count)]), count: batch.count)
        let columns = try keys.evaluate(rows, EvaluationContext(currentTimestampMicros: 0))
        KeyedRows.split(batch, types: types, by: columns, partitionBits: bits) { p, change, stored in
            parts[p].withLock { $0.rows.restore(change, stored: stored) }
        }
    }

    func endEpoch(_ p: Int) { parts[p].withLock { $0.rows.endEpoch() } }
    var rowCount: Int { parts.reduce(0) { sum, p in sum + p.withLock { $0.rows.entries.count } } }
    var byteCount: Int { parts.reduce(0) { sum, p in sum + p.withLock { $0.rows.byteCount } } }
    var touchedCount: Int { parts.reduce(0) { sum, p in sum + p.withLock { $0.rows.touched.count } } }
}
