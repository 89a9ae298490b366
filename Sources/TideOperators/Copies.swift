/// Gives rows as often as their weights say, without weights: what operators of a batch query expect, whose input has
/// no retractions.
public final class CopiesOperator: BatchConsumer {
    let outputs: Outputs

    public init(outputs: Outputs) { self.outputs = outputs }

    public func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        guard let weights = batch.weights?.pointer(Int64.self) else { return try outputs.emit(batch, task) { $0 } }
        var rows: [UInt32] = []
        rows.reserveCapacity(batch.count)
        for row in 0..<batch.count {
            guard weights[row] > 0 else { throw TidemillError.internal("a batch query got retractions") }
            rows.append(contentsOf: repeatElement(UInt32(row), count: Int(weights[row])))
        }
        let columns = rows.count == batch.count ? batch.columns : batch.columns.map { $0.gather(rows) }
        try outputs.emit(Batch(columns: columns, count: rows.count), task) { Int(rows[$0]) }
    }

    public func finishTask(_ task: TaskContext) throws(TidemillError) { try outputs.finishTask(task) }
}
