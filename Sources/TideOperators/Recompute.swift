/// Computes its whole result anew when one of its inputs has changed, and emits the difference to the result before:
/// for what no change can be followed through, such as a recursion.
///
/// Keeps the rows of all inputs. The result itself is not kept: that of the epoch before is computed again from the
/// inputs as they were, so a restart needs nothing more.
public final class RecomputeOperator: StatefulOperator {
    /// The result over these inputs, as rows without weights. Must depend on nothing else.
    public typealias Computation =
        @Sendable (_ inputs: [[Batch]], EvaluationContext) throws(TidemillError) -> [Batch]

    private let inputs: [KeyedPartitions]
    private let types: [DataType]
    private let outputs: Outputs
    private let compute: Computation

    /// - Parameters:
    ///   - inputs: the columns of each input.
    ///   - types: the columns of the result.
    public init(
        inputs: [[DataType]], types: [DataType], outputs: Outputs, compute: @escaping Computation
    ) {
        self.inputs = inputs.map { KeyedPartitions(types: $0, partitionBy: [], partitionBits: 0) }
        self.types = types
        self.outputs = outputs
        self.compute = compute
    }

    public func input(_ index: Int) -> any BatchConsumer { RecomputeInput(inputs[index]) }

    public var partitionCount: Int { 1 }

    public func finish(partition: Int, _ task: TaskContext) throws(TidemillError) {
        var all: [KeyedPartitions.Touched] = []
        for input in inputs { all.append(input.everything()) }
        if all.contains(where: { $0.weightsBefore != $0.weights }) {
            let old = try compute(
                all.map { RecomputeOperator.copies($0.batch, $0.weightsBefore) }, task.evaluation)
            let new = try compute(all.map { RecomputeOperator.copies($0.batch, $0.weights) }, task.evaluation)
            try outputs.emit(difference(old, new), task)
        }
        try outputs.finishTask(task)
    }

    /// Each row as often as it is there.
    private static func copies(_ batch: Batch, _ weights: [Int64]) -> [Batch] {
        var rows: [UInt32] = []
        for (row, weight) in weights.enumerated() where weight > 0 {
            rows.append(contentsOf: repeatElement(UInt32(row), count: Int(weight)))
        }
        return rows.isEmpty ? [] : [batch.gather(rows)]
    }

    private func difference(_ old: [Batch], _ new: [Batch]) -> Batch {
        let layout = RowLayout(keys: [], valueBytes: KeyedRows.keyValueBytes)
        let rows = KeyedRows(keyLayout: layout, types: types, duties: KeyedRows.Duties(), leadBits: 0)
        for (batches, weight) in [(old, Int64(-1)), (new, 1)] {
            for batch in batches {
                let weights = Column(bigints: Array(repeating: weight, count: batch.count))
                rows.apply(
                    Batch(columns: batch.columns, count: batch.count, weights: weights),
                    keys: KeyImages([], count: batch.count, layout: layout))
            }
        }
        return rows.netChanges(0..<rows.touched.count).batch
    }

    // MARK: State

    public var stateParts: [StatePart] { inputs.map(\.statePart) }
    public func stateChanges(part: Int, partition: Int) -> [Batch] { inputs[part].stateChanges(partition) }
    public func restore(part: Int, _ batch: Batch) throws(TidemillError) {
        try inputs[part].restore(batch, of: "a recursion")
    }
    public func endEpoch(partition: Int) { for input in inputs { input.endEpoch(partition) } }
    public var stateRows: Int { inputs.reduce(0) { $0 + $1.rowCount } }
    public var stateBytes: Int { inputs.reduce(0) { $0 + $1.byteCount } }
    public var touchedRows: Int { inputs.reduce(0) { $0 + $1.touchedCount } }
}

private final class RecomputeInput: BatchConsumer {
    private let rows: KeyedPartitions
    init(_ rows: KeyedPartitions) { self.rows = rows }
    func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) { try rows.accept(batch, task) }
    func finishTask(_ task: TaskContext) throws(TidemillError) {}
}
