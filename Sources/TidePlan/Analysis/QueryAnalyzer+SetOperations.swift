// UNION, and in batch queries EXCEPT and INTERSECT as joins.

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
            leftItems.append(NamedExpression(x.name, cast(x.bound, type)))
            rightItems.append(NamedExpression(x.name, cast(y.bound, type)))
        }
        return (aligned(left, leftItems), aligned(right, rightItems))
    }

    private func cast(_ expression: BoundExpression, _ type: DataType) -> BoundExpression {
        expression.type == type ? expression : .cast(expression, to: type, try: false)
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

    private func matched(
        _ op: SetOperator, _ isDistinct: Bool, _ left: AnalyzedRelation, _ right: AnalyzedRelation, _ span: SourceSpan
    ) throws(TidemillError) -> AnalyzedRelation {
        guard consumer == .batch else {
            throw AnalysisError.unsupported("\(op.rawValue) is not supported yet in pipelines", span)
        }
        guard isDistinct else { throw AnalysisError.unsupported("\(op.rawValue) ALL is not supported yet", span) }
        let rows = try distinct(left, span)
        let keys = zip(rows.items, right.items).map {
            LogicalPlan.Join.KeyPair(left: $0.expression, right: $1.expression, nullSafe: true)
        }
        var result = rows
        result.plan = .join(
            LogicalPlan.Join(
                kind: op == .except ? .anti : .semi, left: rows.plan, right: right.plan, keys: keys, residual: nil))
        return result
    }
}
