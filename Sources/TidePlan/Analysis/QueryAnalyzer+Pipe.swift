// Pipe syntax: every stage is a query over the one before; table names stay visible until columns are computed.

extension QueryAnalyzer {
    /// `FROM t |> …`: the input keeps its qualifiers when it selects everything.
    func analyzePipeInput(_ body: QueryBody) throws(TidemillError) -> AnalyzedRelation {
        if case .select(let select) = body.kind, select.items.count == 1,
            case .star(let star) = select.items[0].expression.kind, star.qualifier == nil, star.except.isEmpty,
            select.filter == nil, select.groupBy == nil, select.having == nil, !select.isDistinct,
            select.qualify == nil, select.lateralViews.isEmpty, !select.from.isEmpty
        {
            return try analyzeFrom(select.from)
        }
        if case .table(let name) = body.kind {
            return try resolveTable(TableReference(name: name, isStream: false, options: []), name.span)
        }
        return try analyzeBody(body)
    }

    func analyzeStage(_ stage: PipeStage, _ input: AnalyzedRelation) throws(TidemillError) -> AnalyzedRelation {
        switch stage.kind {
        case .filter(let condition): return try filtered(input, condition)
        case .select(_, let isDistinct, let items, let windows):
            let (relation, outputs) = try bindStage(items, input, windows)
            let result = projected(relation, outputs)
            return isDistinct ? try distinct(result, stage.span) : result
        case .extend(let items):
            let (relation, added) = try bindStage(items, input)
            return extended(relation, added)
        case .set(let assignments): return try assigned(input, assignments)
        case .drop(let names):
            let star = Star(
                qualifier: nil, except: names.map { QualifiedName(parts: [$0], span: $0.span) })
            let kept = try columns(of: star, in: input.scope, stage.span)
            return AnalyzedRelation(plan: input.plan, scope: Scope(kept), isStreaming: input.isStreaming)
        case .alias(let name): return input.qualified([name.name])
        case .aggregate(let items, let groupBy): return try aggregateStage(items, groupBy, input, stage.span)
        case .join(let kind, let isNatural, let right, let condition):
            if right.isLateral { return try lateral(input, right, kind, condition, stage.span) }
            return try joined(
                input, analyzeRelation(right),
                JoinSpecification(kind: kind, isNatural: isNatural, condition: condition, span: stage.span))
        case .order(let orderBy, let byAll, let sortBy, let distributeBy, let clusterBy, let limit, let offset):
            guard sortBy.isEmpty, distributeBy.isEmpty, clusterBy.isEmpty else {
                throw AnalysisError.unsupported(
                    "SORT BY, DISTRIBUTE BY and CLUSTER BY are not supported",
                    hint: "they only place rows in Spark's partitions; leave them out", stage.span)
            }
            return try ordered(
                input, OrderClause(items: orderBy, isByAll: byAll, limit: limit, offset: offset, span: stage.span))
        case .setOperation(let op, let isDistinct, let right):
            return try setOperation(
                op, isDistinct: isDistinct, input, analyzeBody(right), stage.span, right.span, stage.span)
        case .sample: throw AnalysisError.unsupported("TABLESAMPLE is not supported", stage.span)
        case .pivot(let pivot): return try pivoted(input, pivot)
        case .unpivot(let unpivot): return try unpivoted(input, unpivot)
        }
    }

    /// The items over the input, to which what they ask for has been joined.
    private func bindStage(
        _ items: [SelectItem], _ input: AnalyzedRelation, _ windows: [NamedWindow] = []
    ) throws(TidemillError) -> (AnalyzedRelation, [NamedExpression]) {
        var input = input
        let expanded: [OutputItem]
        if QueryAnalyzer.hasGenerators(items) {
            (input, expanded) = try generated(items, input)
        } else {
            expanded = try outputItems(items, input.scope)
        }
        let computation = SelectComputation(input, nil, windows: try namedWindows(windows))
        var binder = computation.binder(self, .pipe)
        let bound = try bindItems(expanded, &binder)
        if let span = items.first?.span {
            if !computation.windows.calls.isEmpty { try checkWindows(input, span) }
            if !computation.subqueries.isEmpty { try checkSubqueries(input, span) }
        }
        var resolver = try computation.resolver()
        try computation.windows.resolve(&resolver, lower: computation.lower)
        var outputs: [NamedExpression] = []
        for (item, value) in zip(expanded, bound) {
            outputs.append(NamedExpression(item.name, try resolver.resolved(value)))
        }
        var relation = input
        relation.plan = resolver.plan
        return (relation, outputs)
    }

    /// All columns of the input with their qualifiers, then the added ones.
    private func extended(_ input: AnalyzedRelation, _ added: [NamedExpression]) -> AnalyzedRelation {
        let schema = input.plan.schema
        let base = schema.fields.enumerated().map { index, field in
            NamedExpression(field.name, .column(index: index, type: field.type, nullable: field.nullable))
        }
        let columns = added.enumerated().map { offset, item in
            Scope.Column(
                name: item.name, qualifier: [], index: base.count + offset, type: item.expression.type,
                nullable: item.expression.nullable)
        }
        return AnalyzedRelation(
            plan: .project(input: input.plan, items: base + added), scope: Scope(input.scope.columns + columns),
            isStreaming: input.isStreaming)
    }

    private func assigned(
        _ input: AnalyzedRelation, _ assignments: [Assignment]
    ) throws(TidemillError) -> AnalyzedRelation {
        var relation = input
        for assignment in assignments {
            let name = QualifiedName(parts: [assignment.column], span: assignment.column.span)
            let found = relation.scope.matches(name.names)
            guard found.count == 1 else {
                if found.isEmpty { throw AnalysisError.unresolvedColumn(name, scope: relation.scope) }
                throw AnalysisError.ambiguous(name, found)
            }
            let binder = ExpressionBinder(self, relation.scope, aggregates: .refused(in: .pipe))
            let value = try binder.bind(assignment.value)
            let next = extended(relation, [NamedExpression(found[0].name, value)])
            guard let new = next.scope.columns.last else { continue }
            let columns = next.scope.columns.dropLast().map { $0.index == found[0].index ? new : $0 }
            relation = AnalyzedRelation(plan: next.plan, scope: Scope(columns), isStreaming: next.isStreaming)
        }
        return relation
    }

    private func aggregateStage(
        _ items: [SelectItem], _ groupBy: GroupBy?, _ below: AnalyzedRelation, _ span: SourceSpan
    ) throws(TidemillError) -> AnalyzedRelation {
        let input = try windowed(
            below, items.map(\.expression) + (groupBy.map { QueryAnalyzer.expressions(of: $0) } ?? []))
        let collector = AggregateCollector(input)
        var outputs: [NamedExpression] = []
        let elements = groupBy?.elements ?? []
        let isPlain = elements.allSatisfy { if case .expression = $0.kind { true } else { false } }
        var named: [NamedExpression] = []
        let sets = try groupingSets(elements) { expression, alias throws(TidemillError) in
            let group = try stageGroup(expression, alias, input)
            if !named.contains(where: { $0.expression == group.expression }) || isPlain { named.append(group) }
            return group
        }
        if isPlain { sets[0].forEach(collector.addGroup) } else { collector.addSets(sets) }
        for group in named {
            outputs.append(NamedExpression(group.name, try collector.lower(group.expression, nil)))
        }
        let expanded = try outputItems(items, input.scope)
        var binder = ExpressionBinder(self, input.scope, aggregates: .collected(by: collector))
        for item in expanded {
            guard let expression = item.expression, expression.containsAggregate else {
                throw AnalysisError.user(
                    "PIPE_OPERATOR_AGGREGATE_EXPRESSION_CONTAINS_NO_AGGREGATE_FUNCTION",
                    "an expression of |> AGGREGATE contains no aggregate function: \(item.name)",
                    hint: "move it to GROUP BY", item.expression?.span ?? span)
            }
            let bound = try bindItems([item], &binder)[0]
            outputs.append(NamedExpression(item.name, try collector.lower(bound, expression)))
        }
        var relation = input
        relation.plan = try collector.plan()
        remember(relation.plan, span)
        return projected(relation, outputs)
    }

    private func stageGroup(
        _ expression: Expression, _ alias: Identifier?, _ input: AnalyzedRelation
    ) throws(TidemillError) -> NamedExpression {
        let grouping = ExpressionBinder(self, input.scope, aggregates: .refused(in: .groupBy))
        var bound = try grouping.bind(expression)
        if case .literal(.integer(let ordinal)) = expression.kind {
            // Behind AGGREGATE an ordinal counts the input's columns.
            let columns = input.scope.visible
            guard ordinal >= 1, ordinal <= columns.count else {
                throw AnalysisError.user(
                    "GROUP_BY_POS_OUT_OF_RANGE", "GROUP BY position \(ordinal) is not in the input",
                    hint: "valid positions are 1 to \(columns.count)", expression.span)
            }
            bound = columns[Int(ordinal) - 1].bound
        }
        var name = alias?.name ?? expression.sql
        if alias == nil, case .column(let column) = expression.kind { name = column.last.name }
        return NamedExpression(name, bound)
    }
}
