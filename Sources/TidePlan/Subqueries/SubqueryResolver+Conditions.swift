// Subqueries that are conditions of their own: semi and anti joins.

extension SubqueryResolver {
    /// - Returns: false if the subquery has to be computed as a value.
    mutating func join(_ call: SubqueryCall, isNegated: Bool) throws(TidemillError) -> Bool {
        switch call.form {
        case .scalar: return false
        case .exists:
            let inner = try unnested(call, needsEqualities: false)
            guard !inner.isOneRow, !inner.conditions.isEmpty else { return false }
            join(isNegated ? .anti : .semi, inner.plan, on: inner.conditions, call)
        case .contains(let operands):
            var inner = try unnested(call, needsEqualities: false)
            guard !inner.isOneRow else { return false }
            let isSure = !operands.contains(where: \.nullable) && !inner.outputs.contains(where: \.nullable)
            if !isNegated || isSure {
                let matches = try equalities(operands, inner.outputs, call)
                join(isNegated ? .anti : .semi, inner.plan, on: inner.conditions + matches, call)
                return true
            }
            if operands.count == 1 {
                if inner.equalities == nil || inner.outputs[0].hasParameters { inner = try domain(call) }
                try joinNotIn(operands[0], inner, call)
            } else {
                // A row goes as soon as one of the others equals it or might do.
                let matches = try equalities(operands, inner.outputs, call)
                let together = Conjunction.join(matches) ?? .true
                let possible = BoundExpression.not(
                    try FunctionRegistry.builtin.bind("<=>", arguments: [together, .false]))
                join(.anti, inner.plan, on: inner.conditions + [possible], call)
            }
        }
        return true
    }

    /// Operands over the enclosing plan are written as parameters, so that `attached` leaves them alone.
    func equalities(
        _ operands: [BoundExpression], _ outputs: [BoundExpression], _ call: SubqueryCall
    ) throws(TidemillError) -> [BoundExpression] {
        var conditions: [BoundExpression] = []
        for (operand, output) in zip(operands, outputs) {
            let fixed = operand.remapped { $0 + SubqueryResolver.enclosing }
            conditions.append(try FunctionRegistry.builtin.bind("=", arguments: [fixed, output]))
        }
        return conditions
    }

    /// Columns of the enclosing plan inside a condition that is not attached yet: above all parameters.
    static let enclosing = 1 << 40

    /// `x NOT IN (…)` where NULLs can occur: true over no row; otherwise x must not be NULL, no value may be, and
    /// none may be equal.
    mutating func joinNotIn(
        _ operand: BoundExpression, _ inner: Unnested, _ call: SubqueryCall
    ) throws(TidemillError) {
        let count = plan.schema.count
        join(.anti, inner.plan, on: inner.conditions + (try equalities([operand], inner.outputs, call)), call)
        let (all, present) = try joinCounts(inner, call)
        if case .join(var counts) = plan {
            counts.isCondition = true
            plan = .join(counts)
        }
        plan = .filter(
            input: plan,
            predicate: .or([
                try isZero(all),
                .and([
                    .isNull(operand, negated: true), try FunctionRegistry.builtin.bind("=", arguments: [all, present]),
                ]),
            ]))
        // The counts were needed here only.
        plan = .project(input: plan, items: Array(plan.outputItems.prefix(count)))
    }

    func isZero(_ count: BoundExpression) throws(TidemillError) -> BoundExpression {
        try FunctionRegistry.builtin.bind(
            "=", arguments: [.coalesce([count, .literal(.bigint(0))]), .literal(.bigint(0))])
    }

    /// How many rows the subquery has for each row of the plan, and how many of them have a value; NULL for none.
    mutating func joinCounts(
        _ inner: Unnested, _ call: SubqueryCall
    ) throws(TidemillError) -> (all: BoundExpression, present: BoundExpression) {
        let registry = FunctionRegistry.builtin
        let calls = [
            NamedAggregate("__rows", try registry.bindAggregate("count", arguments: [])),
            NamedAggregate("__values", try registry.bindAggregate("count", arguments: [inner.outputs[0]])),
        ]
        let columns = try joinGroups(inner, calls, call)
        return (columns[0], columns[1])
    }

    /// Aggregates over the subquery's rows of each plan row, as columns of the plan.
    mutating func joinGroups(
        _ inner: Unnested, _ calls: [NamedAggregate], marker: Bool = false, _ call: SubqueryCall
    ) throws(TidemillError) -> [BoundExpression] {
        let equalities = inner.equalities ?? []
        let groups = equalities.enumerated().map { NamedExpression("__outer\($0)", $1.inner) }
        var right = LogicalPlan.aggregate(
            LogicalPlan.Aggregate(input: inner.plan, groups: groups, aggregates: calls))
        if marker { right = marked(right) }
        var conditions: [BoundExpression] = []
        for (item, var equality) in zip(right.outputItems, equalities) {
            equality.inner = item.expression
            conditions.append(try equality.condition)
        }
        let start = plan.schema.count + groups.count
        // Without groups there is exactly one row.
        join(groups.isEmpty ? .inner : .left, right, on: conditions, call)
        return plan.outputItems[start...].map(\.expression)
    }

    /// The plan with a column that is NULL only where a left join found nothing.
    func marked(_ plan: LogicalPlan) -> LogicalPlan {
        .project(input: plan, items: plan.outputItems + [NamedExpression("__found", .true)])
    }
}
