/// Gives each input row as often as its count says: as one change of a greater weight where the input has weights, as
/// that many rows where it has none.
public final class ReplicateOperator: BatchConsumer {
    let program: ExpressionProgram
    let outputs: Outputs

    public init(count: BoundExpression, outputs: Outputs) {
        precondition(count.type == .bigint)
        program = ExpressionProgram([count])
        self.outputs = outputs
    }

    public func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        let counts = try program.evaluate(batch, task.evaluation)[0]
        let values = counts.pointer(Int64.self)
        var rows: [UInt32] = []
        guard let weights = batch.weights?.pointer(Int64.self) else {
            for row in 0..<batch.count where counts.isValid(row) && values[row] > 0 {
                rows.append(contentsOf: repeatElement(UInt32(row), count: Int(values[row])))
            }
            return try outputs.emit(batch.gather(rows), task) { Int(rows[$0]) }
        }
        var products: [Int64] = []
        for row in 0..<batch.count where counts.isValid(row) && values[row] > 0 {
            rows.append(UInt32(row))
            products.append(values[row] * weights[row])
        }
        let kept = batch.gather(rows)
        let weighted = Batch(columns: kept.columns, count: rows.count, weights: Column(bigints: products))
        try outputs.emit(weighted, task) { Int(rows[$0]) }
    }

    public func finishTask(_ task: TaskContext) throws(TidemillError) { try outputs.finishTask(task) }
}
