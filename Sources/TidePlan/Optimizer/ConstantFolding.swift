/// Computes what depends on no row, and drops conditions that are always true.
enum ConstantFolding {
    static func apply(_ plan: LogicalPlan) -> LogicalPlan {
        plan.transformed { node in
            let folded = node.mapExpressions(simplified)
            guard case .filter(let input, let predicate) = folded else { return folded }
            if predicate.literalValue?.boolean == true { return input }
            if let value = predicate.literalValue, value.isNull || value.boolean == false {
                return .filter(input: input, predicate: .false)
            }
            return folded
        }
    }

    static func simplified(_ expression: BoundExpression) -> BoundExpression {
        logical(FunctionRegistry.builtin.fold(expression))
    }

    /// Constants inside AND and OR. An operand that is not constant stays even beside a deciding one in front of it
    /// only: behind it, it is never evaluated.
    private static func logical(_ expression: BoundExpression) -> BoundExpression {
        let inner = expression.mapChildren(logical)
        switch inner {
        case .and(let operands): return flattened(operands, isAnd: true)
        case .or(let operands): return flattened(operands, isAnd: false)
        case .not(let operand):
            if case .not(let twice) = operand { return twice }
            return inner
        case .conditional(let conditional): return branches(conditional)
        default: return inner
        }
    }

    private static func flattened(_ operands: [BoundExpression], isAnd: Bool) -> BoundExpression {
        var kept: [BoundExpression] = []
        func add(_ operand: BoundExpression) {
            switch operand {
            case .and(let nested) where isAnd: nested.forEach(add)
            case .or(let nested) where !isAnd: nested.forEach(add)
            default:
                // The neutral element says nothing.
                if operand.literalValue?.boolean == isAnd { return }
                if !kept.contains(operand) || !operand.isDeterministic { kept.append(operand) }
            }
        }
        operands.forEach(add)
        if kept.contains(where: { $0.literalValue?.boolean == !isAnd }) { return .literal(.boolean(!isAnd)) }
        if kept.isEmpty { return .literal(.boolean(isAnd)) }
        return kept.count == 1 ? kept[0] : isAnd ? .and(kept) : .or(kept)
    }

    /// Branches that are never taken, and those behind one that always is.
    private static func branches(_ conditional: BoundExpression.Conditional) -> BoundExpression {
        var kept: [BoundExpression.Conditional.Branch] = []
        for branch in conditional.branches {
            if let value = branch.when.literalValue {
                if value.boolean == true {
                    if kept.isEmpty { return branch.then }
                    return .conditional(.init(branches: kept, otherwise: branch.then))
                }
                continue
            }
            kept.append(branch)
        }
        if kept.isEmpty { return conditional.otherwise }
        return .conditional(.init(branches: kept, otherwise: conditional.otherwise))
    }
}
