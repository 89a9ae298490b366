// DISTINCT, ORDER BY, LIMIT and OFFSET.

extension QueryAnalyzer {
    /// Sort keys over the columns that the select list is bound over. Output names come before input columns; `lower`
    /// brings an expression to its final form.
    func sortKeys(
        _ order: OrderClause, _ outputs: [NamedExpression], _ binder: ExpressionBinder, _ items: [OutputItem],
        _ lower: (BoundExpression, Expression?) throws(TidemillError) -> BoundExpression
    ) throws(TidemillError) -> [LogicalPlan.Sort.Key] {
        var keys: [LogicalPlan.Sort.Key] = []
        if order.isByAll {
            let item = order.items.first
            for (position, output) in outputs.enumerated() {
                let source = position < items.count ? items[position].expression : nil
                keys.append(
                    LogicalPlan.Sort.Key(
                        expression: try lower(output.expression, source), descending: item?.isDescending ?? false,
                        nullsFirst: item?.putsNullsFirst ?? true))
            }
            return keys
        }
        var inner = binder
        inner.aliases = aliasTable(outputs)
        inner.aliasesFirst = true
        for item in order.items {
            var bound: BoundExpression
            var source: Expression? = item.expression
            if case .literal(.integer(let ordinal)) = item.expression.kind {
                guard ordinal >= 1, ordinal <= outputs.count else {
                    throw AnalysisError.user(
                        "ORDER_BY_POS_OUT_OF_RANGE", "ORDER BY position \(ordinal) is not in the select list",
                        hint: "valid positions are 1 to \(outputs.count)", item.span)
                }
                bound = outputs[Int(ordinal) - 1].expression
                source = Int(ordinal) <= items.count ? items[Int(ordinal) - 1].expression : nil
            } else {
                bound = try inner.bind(item.expression)
            }
            bound = try lower(bound, source)
            guard bound.type.isOrdered else {
                throw AnalysisError.user(
                    "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE", "values of the type \(bound.type.sql) have no order",
                    hint: "order by map_keys or map_values", item.span)
            }
            keys.append(
                LogicalPlan.Sort.Key(
                    expression: bound, descending: item.isDescending, nullsFirst: item.putsNullsFirst))
        }
        return keys
    }

    /// The projection of a select list with DISTINCT and order around it.
    func finish(
        _ core: SelectCore, isDistinct: Bool, _ order: OrderClause, _ span: SourceSpan
    ) throws(TidemillError) -> AnalyzedRelation {
        var relation = projected(core.relation, core.outputs)
        if isDistinct { relation = try distinct(relation, span) }
        guard !order.isEmpty, let limits = try limits(relation, order) else { return relation }

        // Keys that are output columns sort the output; others travel as extra columns through the sort.
        var items = core.outputs
        var keys = core.keys
        for index in keys.indices {
            let expression = keys[index].expression
            var position = items.firstIndex { $0.expression == expression }
            if position == nil {
                guard !isDistinct else {
                    throw AnalysisError.user(
                        "UNRESOLVED_COLUMN.WITH_SUGGESTION",
                        "ORDER BY of SELECT DISTINCT can only use the selected columns",
                        hint: "columns: \(core.outputs.map(\.name).joined(separator: ", "))", order.items[index].span)
                }
                items.append(NamedExpression("__sort\(index)", expression))
                position = items.count - 1
            }
            keys[index].expression = .column(
                index: position ?? 0, type: expression.type, nullable: expression.nullable)
        }
        if items.count > core.outputs.count { relation = projected(core.relation, items) }
        relation.plan = arranged(relation.plan, keys, limits)
        if items.count > core.outputs.count {
            relation = projected(relation, Array(relation.items.prefix(core.outputs.count)))
        }
        return relation
    }

    /// ORDER BY and LIMIT over a finished relation: set operations, VALUES, pipes.
    func ordered(_ relation: AnalyzedRelation, _ order: OrderClause) throws(TidemillError) -> AnalyzedRelation {
        if order.isEmpty { return relation }
        let binder = ExpressionBinder(self, relation.scope, aggregates: .refused(in: .filter))
        let keys = try sortKeys(order, relation.items, binder, []) { expression, _ throws(TidemillError) in expression }
        guard let limits = try limits(relation, order) else { return relation }
        var result = relation
        result.plan = arranged(relation.plan, keys, limits)
        return result
    }

    /// A batch query gives its rows in order; a stored table only keeps those that LIMIT and OFFSET let through.
    private func arranged(
        _ plan: LogicalPlan, _ keys: [LogicalPlan.Sort.Key], _ limits: (limit: Int?, offset: Int)
    ) -> LogicalPlan {
        // LIMIT of a stream takes the rows that come first.
        let isOfStream = consumer == .streamingTable && plan.isStream && keys.isEmpty && limits.offset == 0
        guard consumer != .batch && !isOfStream else {
            return .sort(LogicalPlan.Sort(input: plan, keys: keys, limit: limits.limit, offset: limits.offset))
        }
        return .topN(LogicalPlan.TopN(input: plan, orderBy: keys, limit: limits.limit, offset: limits.offset))
    }

    func distinct(_ relation: AnalyzedRelation, _ span: SourceSpan) throws(TidemillError) -> AnalyzedRelation {
        let plan = LogicalPlan.aggregate(
            LogicalPlan.Aggregate(input: relation.plan, groups: relation.items, aggregates: []))
        remember(plan, span)
        return AnalyzedRelation(
            plan: plan, scope: Scope(schema: plan.schema, qualifier: []), isStreaming: relation.isStreaming)
    }

    /// What LIMIT and OFFSET say, or nil if the consumer does not sort: an order alone is not kept in a stored table.
    private func limits(
        _ relation: AnalyzedRelation, _ order: OrderClause
    ) throws(TidemillError) -> (limit: Int?, offset: Int)? {
        let limit: Int? = if let expression = order.limit { try count(expression, "LIMIT") } else { nil }
        let offset = if let expression = order.offset { try count(expression, "OFFSET") } else { 0 }
        guard consumer != .batch else { return (limit, offset) }
        if consumer == .streamingTable, relation.isStreaming {
            if let first = order.items.first, outputMode != .complete {
                let place = order.items.reduce(first.span) { $0.joined(to: $1.span) }
                throw AnalysisError.user(
                    "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION",
                    "output mode \(outputMode.rawValue) is not supported for sorting on streaming tables",
                    hint: "a stored table has no order; sort when it is read, or CREATE MATERIALIZED VIEW "
                        + "\(target ?? "t") AS the same query without STREAM", place)
            }
            if order.items.isEmpty, let limit, offset == 0 { return (limit, 0) }
        }
        if let place = order.limit?.span ?? order.offset?.span, limit != nil || offset > 0 {
            // The whole result of an aggregation can be cut; `StreamingLegality` sees whether it is one.
            if outputMode != .complete || order.items.isEmpty || offset > 0 {
                try refuseOnStream(relation, order.items.isEmpty ? "LIMIT" : "ORDER BY … LIMIT", place)
            }
            return (limit, offset)
        }
        if order.items.isEmpty { return nil }
        note("ORDER BY has no effect in \(target ?? "a stored table"): a table's rows have no order")
        return nil
    }

    private func count(_ expression: Expression, _ clause: String) throws(TidemillError) -> Int {
        let binder = ExpressionBinder(self, Scope([]), aggregates: .refused(in: .limit))
        func refused(_ code: String, _ message: String) -> TidemillError {
            AnalysisError.user(
                "INVALID_LIMIT_LIKE_EXPRESSION.\(code)", "the \(clause) expression \(message): \(expression.sql)",
                hint: "write a constant integer", expression.span)
        }
        let bound: BoundExpression
        do throws(TidemillError) {
            bound = try binder.bind(expression)
        } catch {
            if error.code.hasPrefix("UNRESOLVED_COLUMN") {
                throw refused("IS_UNFOLDABLE", "must evaluate to a constant value")
            }
            throw error
        }
        guard let value = settings.evaluate(bound) else {
            throw refused("IS_UNFOLDABLE", "must evaluate to a constant value")
        }
        if value.isNull { throw refused("IS_NULL", "must not be null") }
        guard bound.type.isIntegral, let number = value.integer else {
            throw refused("DATA_TYPE", "must be of an integer type, but got \(bound.type.sql)")
        }
        guard number >= 0 else { throw refused("IS_NEGATIVE", "must be equal to or greater than 0") }
        return Int(number)
    }
}
