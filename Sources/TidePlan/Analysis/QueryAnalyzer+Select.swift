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
        var input = try analyzeFrom(select.from)
        for view in select.lateralViews { input = try lateralView(input, view) }
        if let filter = select.filter { input = try filtered(input, filter) }
        input = try windowed(input, QueryAnalyzer.windowExpressions(select))
        var items: [OutputItem]
        if !QueryAnalyzer.hasGenerators(select.items) {
            items = try outputItems(select.items, input.scope, windows: select.windows)
        } else if isAggregated(select, order) {
            return try generatedAfterAggregation(select, input, order)
        } else {
            (input, items) = try generated(select.items, input)
        }
        let core = try core(input, items, select, order)
        return try finish(core, isDistinct: select.isDistinct, order, select.span)
    }

    /// A select list bound over `relation`, with the sort keys bound over the same columns.
    struct SelectCore {
        var relation: AnalyzedRelation
        var outputs: [NamedExpression]
        var keys: [LogicalPlan.Sort.Key]
    }

    private func isAggregated(_ select: Select, _ order: OrderClause) -> Bool {
        select.groupBy != nil || select.having != nil || select.items.contains { $0.expression.containsAggregate }
            || order.items.contains { $0.expression.containsAggregate } || select.qualify?.containsAggregate ?? false
    }

    /// - Parameter windows: what WINDOW names, which shows in the names of columns.
    func outputItems(
        _ items: [SelectItem], _ scope: Scope, windows: [NamedWindow] = []
    ) throws(TidemillError) -> [OutputItem] {
        let windows = try namedWindows(windows)
        var out: [OutputItem] = []
        for item in items {
            if item.aliases.count > 1 {
                throw AnalysisError.user(
                    "MULTI_ALIAS_WITHOUT_GENERATOR",
                    "several aliases behind an expression of one column: \(item.expression.sql)",
                    hint: "only generators as posexplode make several columns", item.span)
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
                        name: item.columnName(windows: windows), source: .expression(item.expression),
                        hasAlias: item.alias != nil))
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
            case .column(let column):
                bound.append(column.bound)
                if item.hasAlias { binder.aliases[item.name.lowercased(), default: []].append(column.bound) }
            case .expression(let expression):
                let value = try binder.bind(expression)
                bound.append(value)
                if item.hasAlias { binder.aliases[item.name.lowercased(), default: []].append(value) }
            }
        }
        return bound
    }

    /// Grouping, HAVING, windows, QUALIFY, in this order; then what the select list and ORDER BY say over that.
    func core(
        _ input: AnalyzedRelation, _ items: [OutputItem], _ select: Select, _ order: OrderClause
    ) throws(TidemillError) -> SelectCore {
        let isAggregated = isAggregated(select, order)
        let collector = isAggregated ? AggregateCollector(input) : nil
        if let collector {
            try bindGroups(select.groupBy, items, collector)
        }
        let computation = SelectComputation(input, collector, windows: try namedWindows(select.windows))
        var binder = computation.binder(self)
        let bound = try bindItems(items, &binder)
        let before = zip(items, bound).map { NamedExpression($0.name, $1) }
        func condition(_ expression: Expression?, _ clause: String) throws(TidemillError) -> BoundExpression? {
            guard let expression else { return nil }
            var inner = binder
            inner.aliases = aliasTable(before)
            inner.aliasesFirst = true
            if clause == "HAVING" { inner.windows = nil }
            return try computation.lower(inner.predicate(expression, in: clause), expression)
        }
        let having = try condition(select.having, "HAVING")
        let qualify = try condition(select.qualify, "QUALIFY")
        var keys = try sortKeys(order, before, binder, items) { expression, source throws(TidemillError) in
            try computation.lower(expression, source)
        }
        var outputs: [NamedExpression] = []
        for (item, value) in zip(items, bound) {
            outputs.append(NamedExpression(item.name, try computation.lower(value, item.expression)))
        }

        if !computation.subqueries.isEmpty { try checkSubqueries(input, select.span) }
        if !computation.windows.calls.isEmpty { try checkWindows(input, select.span) }
        var resolver = try computation.resolver()
        if let having { try resolver.filter(having) }
        try computation.windows.resolve(&resolver, lower: computation.lower)
        if let qualify { try resolver.filter(qualify) }
        for index in outputs.indices { outputs[index].expression = try resolver.resolved(outputs[index].expression) }
        for index in keys.indices { keys[index].expression = try resolver.resolved(keys[index].expression) }
        var relation = input
        relation.plan = resolver.plan
        if isAggregated { rememberAggregation(resolver.plan, select) }
        return SelectCore(relation: relation, outputs: outputs, keys: keys)
    }

    func checkWindows(_ input: AnalyzedRelation, _ span: SourceSpan) throws(TidemillError) {
        try refuseOnStream(input, "window functions that are not over time", span)
    }

    /// What append output cannot show, whatever the watermark.
    func refuseOnStream(
        _ input: AnalyzedRelation, _ operation: String, _ span: SourceSpan
    ) throws(TidemillError) {
        guard consumer == .streamingTable, input.isStreaming else { return }
        throw AnalysisError.user(
            "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION",
            "output mode \(outputMode.rawValue) is not supported for \(operation) on streaming tables",
            hint: "CREATE MATERIALIZED VIEW \(target ?? "t") AS the same query without STREAM keeps it up to date", span
        )
    }

    // MARK: Grouping

    private func rememberAggregation(_ plan: LogicalPlan, _ select: Select) {
        let place = select.groupBy?.span ?? select.items.first { $0.expression.containsAggregate }?.span ?? select.span
        // HAVING and QUALIFY are above it, DISTINCT inside an aggregate is one more below.
        var node = plan
        while true {
            remember(node, place)
            switch node {
            case .filter(let input, _): node = input
            case .project(let input, _): node = input
            case .aggregate(let outer):
                if case .aggregate = outer.input { remember(outer.input, place) }
                return
            default: return
            }
        }
    }

    private func bindGroups(
        _ groupBy: GroupBy?, _ items: [OutputItem], _ collector: AggregateCollector
    ) throws(TidemillError) {
        guard let groupBy else { return }
        var binder = ExpressionBinder(self, collector.input.scope, aggregates: .refused(in: .groupBy))
        binder.subqueries = collector.subqueries
        if groupBy.isAll {
            for item in items where !(item.expression?.containsAggregate ?? false) {
                let bound = try bindItems([item], &binder)[0]
                collector.addGroup(NamedExpression(item.name, bound))
            }
            return
        }
        let isPlain = groupBy.elements.allSatisfy { if case .expression = $0.kind { true } else { false } }
        let sets = try groupingSets(groupBy.elements) { expression, _ throws(TidemillError) in
            try group(expression, items, &binder)
        }
        if isPlain { sets[0].forEach(collector.addGroup) } else { collector.addSets(sets) }
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
