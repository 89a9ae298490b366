/// Computes columns. Weights pass through.
public final class ProjectOperator: BatchConsumer {
    let program: ExpressionProgram
    let outputs: Outputs

    public init(expressions: [BoundExpression], outputs: Outputs) {
        program = ExpressionProgram(expressions)
        self.outputs = outputs
    }

    public func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        try outputs.emit(batch.with(columns: program.evaluate(batch, task.evaluation)), task) { $0 }
    }

    public func finishTask(_ task: TaskContext) throws(TidemillError) { try outputs.finishTask(task) }
}
