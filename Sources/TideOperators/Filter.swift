/// Keeps the rows for which the predicate is true. Weights pass through.
public final class FilterOperator: BatchConsumer {
    let predicate: ExpressionProgram
    let outputs: Outputs

    public init(predicate: BoundExpression, outputs: Outputs) {
        self.predicate = ExpressionProgram([predicate])
        self.outputs = outputs
    }

    public func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        let keep = try predicate.evaluatePredicate(batch, task.evaluation)
        try outputs.emit(batch.filter(keep), task) { keep.position(ofOne: $0) }
    }

    public func finishTask(_ task: TaskContext) throws(TidemillError) { try outputs.finishTask(task) }
}
