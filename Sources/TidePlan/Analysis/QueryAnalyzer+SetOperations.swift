// UNION, INTERSECT and EXCEPT.

extension QueryAnalyzer {
    func setOperation(
        _ op: SetOperator, isDistinct: Bool, _ left: AnalyzedRelation, _ right: AnalyzedRelation,
        _ leftSpan: SourceSpan, _ rightSpan: SourceSpan, _ span: SourceSpan
    ) throws(TidemillError) -> AnalyzedRelation {
        let sides = try unified(op, left, right, rightSpan)
        guard op == .union else { return try matched(op, isDistinct, sides.left, sides.right, span) }
        if consumer == .streamingTable, left.isStreaming != right.isStreaming {
            throw AnalysisError.user(
                "TIDEMILL_STREAMING_UNION", "a UNION of a stream with a static relation is not supported",
                hint: "write STREAM before the tables of both sides",
                left.isStreaming ? rightSpan : leftSpan)
        }
        var inputs: [LogicalPlan] = []
        for plan in [sides.left.plan, sides.right.plan] {
            if case .union(let nested) = plan { inputs += nested } else { inputs.append(plan) }
        }
        let plan = LogicalPlan.union(inputs)
        let union = AnalyzedRelation(
            plan: plan, scope: Scope(schema: plan.schema, qualifier: []), isStreaming: left.isStreaming)
        return isDistinct ? try distinct(union, span) : union
    }

    /// Both sides with the same number and types of columns, named as the left.
    private func unified(
        _ op: SetOperator, _ left: AnalyzedRelation, _ right: AnalyzedRelation, _ span: SourceSpan
    ) throws(TidemillError) -> (left: AnalyzedRelation, right: AnalyzedRelation) {
        let a = left.scope.visible
        let b = right.scope.visible
        guard a.count == b.count else {
            throw AnalysisError.user(
                "NUM_COLUMNS_MISMATCH",
                "\(op.rawValue) needs the same number of columns: the first input has \(a.count), "
                    + "the second \(b.count)",
                hint: "select the same columns on both sides", span)
        }
        var leftItems: [NamedExpression] = []
        var rightItems: [NamedExpression] = []
        for (position, (x, y)) in zip(a, b).enumerated() {
            guard let type = FunctionRegistry.builtin.commonType(of: [x.type, y.type]) else {
                throw AnalysisError.user(
                    "INCOMPATIBLE_COLUMN_TYPE",
                    "\(op.rawValue) needs compatible column types: column \(position + 1), `\(y.name)`, is "
                        + "\(y.type.sql), the first input has \(x.type.sql)",
                    hint: "cast one of them to the type of the other", span)
            }
            leftItems.append(NamedExpression(x.name, cast(x.bound, type, span)))
            rightItems.append(NamedExpression(x.name, cast(y.bound, type, span)))
        }
        return (aligned(left, leftItems), aligned(right, rightItems))
    }

    private func cast(_ expression: BoundExpression, _ type: DataType, _ span: SourceSpan) -> BoundExpression {
        expression.type == type ? expression : .cast(expression, to: type, try: false, at: Origin(span))
    }

    /// Projected, unless the plan gives exactly these columns already.
    private func aligned(_ relation: AnalyzedRelation, _ items: [NamedExpression]) -> AnalyzedRelation {
        let schema = relation.plan.schema
        let isIdentity =
            items.count == schema.count
            && items.enumerated().allSatisfy { index, item in
                if case .column(index, schema[index].type, _) = item.expression { true } else { false }
            }
        return isIdentity ? relation : projected(relation, items)
    }

    /// INTERSECT and EXCEPT: the rows of both sides are counted, and the counts say how often a row is kept.
    private func matched(
        _ op: SetOperator, _ isDistinct: Bool, _ left: AnalyzedRelation, _ right: AnalyzedRelation, _ span: SourceSpan
    ) throws(TidemillError) -> AnalyzedRelation {
        let registry = FunctionRegistry.builtin
        for side in [left, right] { try refuseOnStream(side, op.rawValue, span) }
        func tagged(_ relation: AnalyzedRelation, isLeft: Bool) -> LogicalPlan {
            let tag = NamedExpression("__left", .literal(.boolean(isLeft)))
            return .project(input: relation.plan, items: relation.items + [tag])
        }
        let union = LogicalPlan.union([tagged(left, isLeft: true), tagged(right, isLeft: false)])
        let columns = union.outputItems.dropLast()
        let isLeft = BoundExpression.column(index: columns.count, type: .boolean, nullable: false)
        let counts = [
            NamedAggregate("__lefts", try registry.bindAggregate("count_if", arguments: [isLeft])),
            NamedAggregate("__rights", try registry.bindAggregate("count_if", arguments: [.not(isLeft)])),
        ]
        let counted = LogicalPlan.aggregate(
            LogicalPlan.Aggregate(input: union, groups: Array(columns), aggregates: counts))
        let items = counted.outputItems
        let lefts = items[columns.count].expression
        let rights = items[columns.count + 1].expression
        let zero = BoundExpression.literal(.bigint(0))
        let kept: LogicalPlan
        if isDistinct {
            let others = try registry.bind(op == .except ? "=" : ">", arguments: [rights, zero])
            kept = .filter(
                input: counted, predicate: .and([try registry.bind(">", arguments: [lefts, zero]), others]))
        } else {
            let count = try registry.bind(op == .except ? "-" : "least", arguments: [lefts, rights])
            kept = .replicate(LogicalPlan.Replicate(input: counted, count: count))
        }
        let plan = LogicalPlan.project(input: kept, items: Array(items.prefix(columns.count)))
        return AnalyzedRelation(plan: plan, scope: Scope(schema: plan.schema, qualifier: []), isStreaming: false)
    }
}
