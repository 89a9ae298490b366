/// A correlated subquery turned inside out: a plan that needs no enclosing row, and conditions that tie its rows to
/// one. For an enclosing row the subquery's rows are `outputs` over those rows of `plan` for which `conditions` hold.
struct Unnested {
    /// Free of parameters.
    var plan: LogicalPlan
    /// The subquery's columns, over the plan's columns and parameters.
    var outputs: [BoundExpression]
    /// Over the plan's columns and parameters; each has a parameter.
    var conditions: [BoundExpression]
    /// An aggregate without groups below: for each enclosing row there is one row, also where no row of the plan
    /// satisfies the conditions. `outputs` give its values then too, over a plan row of NULLs.
    var isOneRow = false

    init(_ plan: LogicalPlan) {
        self.plan = plan
        outputs = plan.outputItems.map(\.expression)
        conditions = []
        isOneRow = plan.hasOneRow
    }

    init(plan: LogicalPlan, outputs: [BoundExpression], conditions: [BoundExpression], isOneRow: Bool = false) {
        self.plan = plan
        self.outputs = outputs
        self.conditions = conditions
        self.isOneRow = isOneRow
    }

    /// Whether the rows that satisfy the conditions are all there is: no row has to be made up for want of one.
    var isPlain: Bool { !isOneRow || conditions.isEmpty }

    /// `inner = outer`: an expression over the plan's columns and one over parameters.
    struct Equality {
        var inner: BoundExpression
        var outer: BoundExpression
        var isNullSafe: Bool
    }

    /// The conditions, if each is an equality between the plan and the enclosing row.
    var equalities: [Equality]? {
        var found: [Equality] = []
        for condition in conditions {
            guard let equality = Unnested.equality(condition) else { return nil }
            found.append(equality)
        }
        return found
    }

    static func equality(_ condition: BoundExpression) -> Equality? {
        guard case .call(let function, let operands, _, _, _) = condition, operands.count == 2,
            function.name == "=" || function.name == "<=>", condition.isDeterministic
        else { return nil }
        func isOuter(_ expression: BoundExpression) -> Bool {
            let columns = expression.columns
            return !columns.isEmpty && columns.allSatisfy(ColumnSpace.isParameter)
        }
        func isInner(_ expression: BoundExpression) -> Bool {
            let columns = expression.columns
            return !columns.isEmpty && !columns.contains(where: ColumnSpace.isParameter)
        }
        let isNullSafe = function.name == "<=>"
        if isInner(operands[0]), isOuter(operands[1]) {
            return Equality(inner: operands[0], outer: operands[1], isNullSafe: isNullSafe)
        }
        if isOuter(operands[0]), isInner(operands[1]) {
            return Equality(inner: operands[1], outer: operands[0], isNullSafe: isNullSafe)
        }
        return nil
    }

    /// An expression over the operator's old input as one over the new plan.
    func moved(_ expression: BoundExpression) -> BoundExpression {
        expression.replacing { ColumnSpace.isPlain($0) ? outputs[$0] : nil }
    }
}

extension Unnested.Equality {
    var condition: BoundExpression {
        get throws(TidemillError) {
            try FunctionRegistry.builtin.bind(isNullSafe ? "<=>" : "=", arguments: [inner, outer])
        }
    }
}

extension LogicalPlan {
    /// Whether the plan gives exactly one row, whatever its input: an aggregate without groups.
    fileprivate var hasOneRow: Bool {
        switch self {
        case .project(let input, _): input.hasOneRow
        case .aggregate(let aggregate): aggregate.groups.isEmpty && !aggregate.aggregates.isEmpty
        case .values(let values): values.rows.count == 1
        default: false
        }
    }
}
