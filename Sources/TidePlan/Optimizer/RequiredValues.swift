/// A row whose join key is NULL finds no partner. Where that means it is in no result, it is filtered out below the
/// watermark, as Spark does: such rows do not move it.
///
/// A side is filtered if the join gives none of its rows unmatched: both of an inner or semi join, the optional one of
/// an outer join. A row without the time that its range asks for would wait for ever.
enum RequiredValues {
    static func apply(_ plan: LogicalPlan) -> LogicalPlan {
        guard plan.hasWatermark else { return plan }
        return plan.transformed { node in
            guard case .join(var join) = node else { return node }
            let leftCount = join.left.schema.count
            var required = Set<Int>()
            for key in join.keys where !key.nullSafe {
                required.formUnion(key.left.columnsThatMustBeThere)
                required.formUnion(key.right.columnsThatMustBeThere.map { $0 + leftCount })
            }
            for condition in join.residual.map(Conjunction.split) ?? [] {
                required.formUnion(condition.columnsThatAreCompared)
            }
            if [.inner, .semi, .right].contains(join.kind) {
                join.left = filtered(join.left, required.filter { $0 < leftCount })
            }
            if [.inner, .semi, .left, .anti].contains(join.kind) {
                join.right = filtered(join.right, Set(required.filter { $0 >= leftCount }.map { $0 - leftCount }))
            }
            return .join(join)
        }
    }

    private static func filtered(_ plan: LogicalPlan, _ required: Set<Int>) -> LogicalPlan {
        let schema = plan.schema
        let conditions = required.sorted().filter { schema[$0].nullable }.map { column in
            BoundExpression.isNull(.column(index: column, type: schema[column].type, nullable: true), negated: true)
        }
        return Conjunction.join(conditions).map { .filter(input: plan, predicate: $0) } ?? plan
    }
}

extension BoundExpression {
    /// Columns whose NULL makes the value NULL.
    fileprivate var columnsThatMustBeThere: Set<Int> {
        switch self {
        case .column(let index, _, _): [index]
        case .cast(let operand, _, _, _): operand.columnsThatMustBeThere
        case .call(let function, let operands, _, _, _) where BoundExpression.arithmetic.contains(function.name):
            operands.reduce(into: []) { $0.formUnion($1.columnsThatMustBeThere) }
        default: []
        }
    }

    /// Columns whose NULL keeps the condition from being true.
    fileprivate var columnsThatAreCompared: Set<Int> {
        switch self {
        case .and(let operands): operands.reduce(into: []) { $0.formUnion($1.columnsThatAreCompared) }
        case .isNull(let operand, negated: true): operand.columnsThatMustBeThere
        case .not(let operand): if case .call = operand { operand.columnsThatAreCompared } else { [] }
        case .call(let function, let operands, _, _, _) where BoundExpression.comparisons.contains(function.name):
            operands.reduce(into: []) { $0.formUnion($1.columnsThatMustBeThere) }
        default: []
        }
    }
}
