/// Gives each input row once for each projection. Weights pass through.
///
/// Output keeps the order of the rows, projection by projection within a batch.
public final class ExpandOperator: BatchConsumer {
    let programs: [ExpressionProgram]
    let outputs: Outputs

    public init(_ expand: LogicalPlan.Expand, outputs: Outputs) {
        programs = expand.projections.map { ExpressionProgram($0) }
        self.outputs = outputs
    }

    public func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        for program in programs {
            try outputs.emit(batch.with(columns: program.evaluate(batch, task.evaluation)), task) { $0 }
        }
    }

    public func finishTask(_ task: TaskContext) throws(TidemillError) { try outputs.finishTask(task) }
}
