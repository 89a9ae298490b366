/// An outer join whose padded rows are all removed by the filter above it need not make them: LEFT becomes INNER, FULL
/// becomes LEFT or INNER.
enum OuterJoinReduction {
    static func apply(_ plan: LogicalPlan) -> LogicalPlan {
        plan.transformed { node in
            guard case .filter(let input, let predicate) = node, case .join(var join) = input,
                join.kind == .left || join.kind == .full
            else { return node }
            let leftCount = join.left.schema.count
            let conditions = Conjunction.split(predicate)
            let needsRight = conditions.contains { $0.rejectsNulls { $0 >= leftCount } }
            let needsLeft = conditions.contains { $0.rejectsNulls { $0 < leftCount } }
            switch (join.kind, needsLeft, needsRight) {
            case (.left, _, true), (.full, true, true): join.kind = .inner
            case (.full, true, false): join.kind = .left
            default: return node
            }
            return .filter(input: .join(join), predicate: predicate)
        }
    }
}

extension BoundExpression {
    /// Whether the condition is never true for a row in which all these columns are NULL.
    fileprivate func rejectsNulls(_ isOptional: (Int) -> Bool) -> Bool {
        switch self {
        case .and(let operands): operands.contains { $0.rejectsNulls(isOptional) }
        case .or(let operands): operands.allSatisfy { $0.rejectsNulls(isOptional) }
        case .isNull(let operand, negated: true): operand.passesNull(isOptional)
        case .in(let operand, _, _): operand.passesNull(isOptional)
        case .call(let function, let operands, _, _, _):
            BoundExpression.comparisons.contains(function.name) && operands.contains { $0.passesNull(isOptional) }
        case .column(let index, .boolean, _): isOptional(index)
        case .not(let operand): if case .column(let index, _, _) = operand { isOptional(index) } else { false }
        default: false
        }
    }

    /// Whether the value is NULL wherever these columns are.
    private func passesNull(_ isOptional: (Int) -> Bool) -> Bool {
        switch self {
        case .column(let index, _, _): isOptional(index)
        case .cast(let operand, _, _, _): operand.passesNull(isOptional)
        case .call(let function, let operands, _, _, _):
            BoundExpression.arithmetic.contains(function.name) && operands.contains { $0.passesNull(isOptional) }
        default: false
        }
    }

    static let comparisons: Set<String> = ["=", "!=", "<>", "<", "<=", ">", ">=", "like", "rlike"]
    static let arithmetic: Set<String> = [
        "+", "-", "*", "/", "%", "div", "unary -", "+ interval", "- interval", "upper",
        "lower", "trim",
    ]
}
