/// Expressions compiled once, evaluated batch by batch. Any number of threads may evaluate one program.
public final class ExpressionProgram: Sendable {
    public let expressions: [BoundExpression]

    public init(_ expressions: [BoundExpression]) {
        self.expressions = expressions
    }

    /// One column per expression, each with the batch's row count. Columns that pass through share memory with the input.
    public func evaluate(_ batch: Batch, _ context: EvaluationContext) throws(TidemillError) -> [Column] {
        []
    }

    /// Rows for which the first expression is true; NULL counts as false.
    public func evaluatePredicate(_ batch: Batch, _ context: EvaluationContext) throws(TidemillError) -> Bitmap {
        Bitmap(repeating: false, count: batch.count)
    }
}
