/// Functions with OVER: keeps the input's rows by partition, computes the partitions that an epoch touched as they were
/// and as they are, and emits the difference. Rows whose values stay the same emit nothing.
public final class WindowOperator: BatchConsumer, StatefulOperator {
    private let evaluator: WindowEvaluator
    let partitions: KeyedPartitions
    private let outputs: Outputs

    public init(_ window: LogicalPlan.Window, partitionBits: Int, outputs: Outputs) throws(TidemillError) {
        evaluator = try WindowEvaluator(window)
        partitions = KeyedPartitions(
            types: window.input.schema.types, partitionBy: window.partitionBy, partitionBits: partitionBits)
        self.outputs = outputs
    }

    public var partitionCount: Int { partitions.count }

    public func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        try partitions.accept(batch, task)
    }
    public func finishTask(_ task: TaskContext) throws(TidemillError) {}

    public func finish(partition p: Int, _ task: TaskContext) throws(TidemillError) {
        try partitions.finish(p) { (_, touched) throws(TidemillError) in
            let prepared = try evaluator.prepare(touched.batch, starts: touched.starts, task.evaluation)
            func sequence(_ weights: [Int64]) -> WindowSequence {
                WindowSequence(touched.batch, starts: touched.starts, order: prepared.order, weights: weights)
            }
            let (old, new) = (sequence(touched.weightsBefore), sequence(touched.weights))
            let (oldValues, newValues) = (try evaluator.evaluate(prepared, old), try evaluator.evaluate(prepared, new))
            let changed = WindowOperator.difference(old, oldValues, new, newValues)
            try emit(touched.batch, old, oldValues, changed.retracted, weight: -1, task)
            try emit(touched.batch, new, newValues, changed.inserted, weight: 1, task)
        }
        try outputs.finishTask(task)
    }

    /// Positions of the old sequence that are withdrawn and of the new one that are added: copies of a row are paired
    /// in order, and pairs with equal values stay.
    private static func difference(
        _ old: WindowSequence, _ oldValues: [Column], _ new: WindowSequence, _ newValues: [Column]
    ) -> (retracted: [UInt32], inserted: [UInt32]) {
        var (retracted, inserted): ([UInt32], [UInt32]) = ([], [])
        var (before, after): ([UInt32], [UInt32]) = ([], [])
        for position in 0..<(old.firstCopy.count - 1) {
            let (a, aEnd) = (UInt32(old.firstCopy[position]), UInt32(old.firstCopy[position + 1]))
            let (b, bEnd) = (UInt32(new.firstCopy[position]), UInt32(new.firstCopy[position + 1]))
            let common = min(aEnd - a, bEnd - b)
            before.append(contentsOf: a..<(a + common))
            after.append(contentsOf: b..<(b + common))
            retracted.append(contentsOf: (a + common)..<aEnd)
            inserted.append(contentsOf: (b + common)..<bEnd)
        }
        if !before.isEmpty {
            var same = Bitmap(repeating: true, count: before.count)
            for (x, y) in zip(oldValues, newValues) { same = same.and(equalValues(x.gather(before), y.gather(after))) }
            for i in before.indices where !same[i] {
                retracted.append(before[i])
                inserted.append(after[i])
            }
        }
        return (retracted, inserted)
    }

    private func emit(
        _ batch: Batch, _ sequence: WindowSequence, _ values: [Column], _ positions: [UInt32], weight: Int64,
        _ task: TaskContext
    ) throws(TidemillError) {
        if positions.isEmpty { return }
        let rows = positions.map { sequence.rows[Int($0)] }
        let columns = batch.columns.map { $0.gather(rows) } + values.map { $0.gather(positions) }
        let weights = weight == 1 ? nil : Column(repeating: .bigint(weight), count: rows.count)
        try outputs.emit(Batch(columns: columns, count: rows.count, weights: weights), task)
    }

    // MARK: State

    public var stateParts: [StatePart] { [partitions.statePart] }
    public func stateChanges(part: Int, partition p: Int) -> [Batch] { partitions.stateChanges(p) }
    public func restore(part: Int, _ batch: Batch) throws(TidemillError) {
        try partitions.restore(batch, of: "a window")
    }
    public func endEpoch(partition p: Int) { partitions.endEpoch(p) }
    public var stateRows: Int { partitions.rowCount }
    public var stateBytes: Int { partitions.byteCount }
    public var touchedRows: Int { partitions.touchedCount }
}

/// Where two columns of one type have the same value; NULL is the same as NULL, and doubles are as Spark groups them.
func equalValues(_ a: Column, _ b: Column) -> Bitmap {
    precondition(a.count == b.count && a.type.physical == b.type.physical)
    let n = a.count
    func equal<T: BitwiseCopyable & Equatable>(_: T.Type) -> Bitmap {
        let (x, y) = (a.pointer(T.self), b.pointer(T.self))
        return Bitmap(count: n) { x[$0] == y[$0] }
    }
    let values: Bitmap
    switch a.type.physical {
    case .bit: values = Bitmap.combining(a.bits, b.bits) { ~($0 ^ $1) }
    case .int32: values = equal(Int32.self)
    case .int64: values = equal(Int64.self)
    case .int128: values = equal(Int128.self)
    case .float32:
        let (x, y) = (a.pointer(Float.self), b.pointer(Float.self))
        values = Bitmap(count: n) { canonicalBits(Double(x[$0])) == canonicalBits(Double(y[$0])) }
    case .float64:
        let (x, y) = (a.pointer(Double.self), b.pointer(Double.self))
        values = Bitmap(count: n) { canonicalBits(x[$0]) == canonicalBits(y[$0]) }
    case .view: values = Bitmap(count: n) { stringEqual(a.views[$0], a.heap.bases, b.views[$0], b.heap.bases) }
    }
    if a.validity == nil && b.validity == nil { return values }
    return Bitmap(count: n) { row in
        let (x, y) = (a.isValid(row), b.isValid(row))
        return x == y && (!x || values[row])
    }
}
