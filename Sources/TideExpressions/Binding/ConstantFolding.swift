/// Computes sub-expressions that depend on nothing.
enum ConstantFolding {
    /// Operations that are NULL beside a NULL whatever the other operand is, even one that cannot be computed.
    private static let indifferent: Set<String> = ["=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "/", "div", "%"]

    static func fold(_ expression: BoundExpression) -> BoundExpression {
        if case .call(let function, let operands, let type, _, _) = expression, indifferent.contains(function.name),
            operands.contains(where: isNull)
        {
            return .null(type)
        }
        let folded = expression.mapChildren(fold)
        if folded.literalValue != nil || !folded.isConstant { return folded }
        let program = ExpressionProgram(unfolded: [folded])
        // Constants do not read the context; one row carries them.
        let context = EvaluationContext(currentTimestampMicros: 0)
        guard let column = try? program.evaluate(Batch(columns: [], count: 1), context)[0] else { return folded }
        return .literal(column.scalar(0))
    }

    private static func isNull(_ expression: BoundExpression) -> Bool {
        switch expression {
        case .literal(let value): value.isNull
        case .cast(let inner, _, _, _): isNull(inner)
        default: false
        }
    }
}
