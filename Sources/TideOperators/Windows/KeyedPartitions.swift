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

    // MARK: State

    var statePart: StatePart { KeyedRows.statePart(types, duties) }
    func stateChanges(_ p: Int) -> [Batch] { parts[p].withLock { $0.rows.stateChanges() } }

    func restore(_ batch: Batch, of what: String) throws(TidemillError) {
        guard batch.columns.map(\.type) == statePart.types else {
            throw TidemillError(
                .corruption, "TIDEMILL_STATE_TYPES", "stored state of \(what) has other columns than its query")
        }
        let width = types.count
        let rows = Array(batch.columns[2..<(2 + width)])
        let columns = try keys.evaluate(
            Batch(columns: rows, count: batch.count), EvaluationContext(currentTimestampMicros: 0))
        // The stored columns travel behind the rows, so that they are split with them.
        let both = Batch(columns: rows + batch.columns, count: batch.count)
        both.split(by: columns, partitionBits: bits, ordinal: 0) { p, change in
            let stored = Batch(columns: Array(change.batch.columns[width...]), count: change.batch.count)
            var own = change
            own.batch = Batch(columns: Array(change.batch.columns[..<width]), count: stored.count)
            parts[p].withLock { $0.rows.restore(own, stored: stored) }
        }
    }

    func endEpoch(_ p: Int) { parts[p].withLock { $0.rows.endEpoch() } }
    var rowCount: Int { parts.reduce(0) { sum, p in sum + p.withLock { $0.rows.entries.count } } }
    var byteCount: Int { parts.reduce(0) { sum, p in sum + p.withLock { $0.rows.byteCount } } }
    var touchedCount: Int { parts.reduce(0) { sum, p in sum + p.withLock { $0.rows.touched.count } } }
}
