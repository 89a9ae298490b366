// SELECT: star expansion, lateral aliases, grouping, HAVING, DISTINCT, and ORDER BY over output or input columns.

/// ORDER BY, LIMIT and OFFSET of a query.
struct OrderClause {
    var items: [SortItem]
    var isByAll: Bool
    var limit: Expression?
    var offset: Expression?
    var span: SourceSpan

    static func none(_ span: SourceSpan) -> OrderClause {
        OrderClause(items: [], isByAll: false, limit: nil, offset: nil, span: span)
    }
    var isEmpty: Bool { items.isEmpty && limit == nil && offset == nil }
}

/// One column of the select list.
struct OutputItem {
    enum Source {
        case expression(Expression)
        /// From a star.
        case column(Scope.Column)
    }
    var name: String
    var source: Source
    /// Written with AS: later items may refer to it.
    var hasAlias: Bool
    var expression: Expression? { if case .expression(let e) = source { e } else { nil } }
}

extension QueryAnalyzer {
    func analyzeSelect(_ select: Select, _ order: OrderClause) throws(TidemillError) -> AnalyzedRelation {
        if let view = select.lateralViews.first {
            throw AnalysisError.unsupported("LATERAL VIEW is not supported yet", view.span)
        }
        if let qualify = select.qualify {
            throw AnalysisError.unsupported("QUALIFY is not supported yet", qualify.span)
        }
        var input = try analyzeFrom(select.from)
        if let filter = select.filter { input = try filtered(input, filter) }
        input = try windowed(input, QueryAnalyzer.windowExpressions(select))
        let items = try outputItems(select.items, input.scope)
        let isAggregated =
            select.groupBy != nil || select.having != nil
            || items.contains { $0.expression?.containsAggregate ?? false }
            || order.items.contains { $0.expression.containsAggregate }
        let core =
            isAggregated
            ? try aggregated(input, items, select, order) : try plainSelect(input, items, order)
        return try finish(core, isDistinct: select.isDistinct, order, select.span)
    }

    /// A select list bound over `relation`, with the sort keys bound over the same columns.
    struct SelectCore {
        var relation: AnalyzedRelation
        var outputs: [NamedExpression]
        var keys: [LogicalPlan.Sort.Key]
    }

    func outputItems(_ items: [SelectItem], _ scope: Scope) throws(TidemillError) -> [OutputItem] {
        var out: [OutputItem] = []
        for item in items {
            if item.aliases.count > 1 {
                throw AnalysisError.unsupported("functions that make several columns are not supported yet", item.span)
            }
            if case .star(let star) = item.expression.kind {
                if let alias = item.alias {
                    throw AnalysisError.user(
                        "INVALID_USAGE_OF_STAR_OR_REGEX", "* cannot have an alias: \(alias.name)", item.span)
                }
                for column in try columns(of: star, in: scope, item.span) {
                    out.append(OutputItem(name: column.name, source: .column(column), hasAlias: false))
                }
            } else {
                out.append(
                    OutputItem(
                        name: item.columnName, source: .expression(item.expression), hasAlias: item.alias != nil))
            }
        }
        return out
    }

    /// Binds the items in order; each may refer to the aliases before it.
    func bindItems(
        _ items: [OutputItem], _ binder: inout ExpressionBinder
    ) throws(TidemillError) -> [BoundExpression] {
        var bound: [BoundExpression] = []
        for item in items {
            switch item.source {
            case .column(let column): bound.append(column.bound)
            case .expression(let expression):
                let value = try binder.bind(expression)
                bound.append(value)
                if item.hasAlias { binder.aliases[item.name.lowercased(), default: []].append(value) }
            }
        }
        return bound
    }

    private func plainSelect(
        _ input: AnalyzedRelation, _ items: [OutputItem], _ order: OrderClause
    ) throws(TidemillError) -> SelectCore {
        var binder = ExpressionBinder(self, input.scope, aggregates: .refused(in: .filter))
        let bound = try bindItems(items, &binder)
        let outputs = zip(items, bound).map { NamedExpression($0.name, $1) }
        let keys = try sortKeys(order, outputs, binder, items) { expression, _ throws(TidemillError) in expression }
        return SelectCore(relation: input, outputs: outputs, keys: keys)
    }

    // MARK: Grouping

    private func aggregated(
        _ input: AnalyzedRelation, _ items: [OutputItem], _ select: Select, _ order: OrderClause
    ) throws(TidemillError) -> SelectCore {
        let collector = AggregateCollector(input)
        try bindGroups(select.groupBy, items, collector)
        var binder = ExpressionBinder(self, input.scope, aggregates: .collected(by: collector))
        let bound = try bindItems(items, &binder)
        let before = zip(items, bound).map { NamedExpression($0.name, $1) }

        var outputs: [NamedExpression] = []
        for (item, value) in zip(items, bound) {
            outputs.append(NamedExpression(item.name, try collector.lower(value, item.expression)))
        }
        var having: BoundExpression?
        if let condition = select.having {
            var inner = binder
            inner.aliases = aliasTable(before)
            inner.aliasesFirst = true
            having = try collector.lower(inner.predicate(condition, in: "HAVING"), condition)
        }
        let keys = try sortKeys(order, before, binder, items) { expression, source throws(TidemillError) in
            try collector.lower(expression, source)
        }
        var relation = input
        relation.plan = try collector.plan(consumer: consumer)
        rememberAggregation(relation.plan, select)
        if let having { relation.plan = .filter(input: relation.plan, predicate: having) }
        return SelectCore(relation: relation, outputs: outputs, keys: keys)
    }

    private func rememberAggregation(_ plan: LogicalPlan, _ select: Select) {
        let place = select.groupBy?.span ?? select.items.first { $0.expression.containsAggregate }?.span ?? select.span
        remember(plan, place)
        // DISTINCT inside an aggregate is one more below.
        if case .aggregate(let outer) = plan, case .aggregate = outer.input { remember(outer.input, place) }
    }

    private func bindGroups(
        _ groupBy: GroupBy?, _ items: [OutputItem], _ collector: AggregateCollector
    ) throws(TidemillError) {
        guard let groupBy else { return }
        var binder = ExpressionBinder(self, collector.input.scope, aggregates: .refused(in: .groupBy))
        if groupBy.isAll {
            for item in items where !(item.expression?.containsAggregate ?? false) {
                let bound = try bindItems([item], &binder)[0]
                collector.addGroup(NamedExpression(item.name, bound))
            }
            return
        }
        for element in groupBy.elements {
            guard case .expression(let expression) = element.kind else {
                throw AnalysisError.unsupported(
                    "GROUPING SETS, ROLLUP and CUBE are not supported yet",
                    hint: "write one query for each grouping and combine them with UNION ALL", element.span)
            }
            collector.addGroup(try group(expression, items, &binder))
        }
    }

    private func group(
        _ expression: Expression, _ items: [OutputItem], _ binder: inout ExpressionBinder
    ) throws(TidemillError) -> NamedExpression {
        if case .literal(.integer(let ordinal)) = expression.kind {
            guard ordinal >= 1, ordinal <= items.count else {
                throw AnalysisError.user(
                    "GROUP_BY_POS_OUT_OF_RANGE", "GROUP BY position \(ordinal) is not in the select list",
                    hint: "valid positions are 1 to \(items.count)", expression.span)
            }
            let item = items[Int(ordinal) - 1]
            if let source = item.expression, source.containsAggregate {
                throw AnalysisError.user(
                    "GROUP_BY_POS_AGGREGATE",
                    "GROUP BY \(ordinal) refers to an expression with an aggregate function: \(source.sql)",
                    hint: "group by the other columns", expression.span)
            }
            return NamedExpression(item.name, try bindItems([item], &binder)[0])
        }
        // A column of the input comes before an alias of the select list.
        if case .column(let name) = expression.kind, name.parts.count == 1,
            binder.scope.matches(name.names).isEmpty,
            let item = items.first(where: { $0.hasAlias && $0.name.lowercased() == name.last.name.lowercased() })
        {
            if let source = item.expression, source.containsAggregate {
                throw ExpressionBinder.refusal(of: source, in: .groupBy)
            }
            return NamedExpression(item.name, try bindItems([item], &binder)[0])
        }
        let bound = try binder.bind(expression)
        if case .column(let name) = expression.kind { return NamedExpression(name.last.name, bound) }
        let named = items.first { $0.expression?.sql == expression.sql }
        return NamedExpression(named?.name ?? expression.sql, bound)
    }

    func aliasTable(_ outputs: [NamedExpression]) -> [String: [BoundExpression]] {
        var table: [String: [BoundExpression]] = [:]
        for output in outputs { table[output.name.lowercased(), default: []].append(output.expression) }
        return table
    }
}
