/// Computes sub-expressions that depend on nothing.
enum ConstantFolding {
    static func fold(_ expression: BoundExpression) -> BoundExpression {
        let folded = expression.mapChildren(fold)
        if folded.literalValue != nil || !folded.isConstant { return folded }
        let program = ExpressionProgram(unfolded: [folded])
        // Constants do not read the context; one row carries them.
        let context = EvaluationContext(currentTimestampMicros: 0)
        guard let column = try? program.evaluate(Batch(columns: [], count: 1), context)[0] else { return folded }
        return .literal(column.scalar(0))
    }
}
