// PIVOT and UNPIVOT: an aggregate with a filter for each value, and an expansion with a row for each column.

extension QueryAnalyzer {
    // MARK: PIVOT

    /// Groups by the columns that neither the aggregates nor FOR name. For each value there is a column of each
    /// aggregate over the rows that have it, NULL without such rows.
    func pivoted(_ input: AnalyzedRelation, _ pivot: Pivot) throws(TidemillError) -> AnalyzedRelation {
        try refuseOnStream(input, "PIVOT", pivot.span)
        let binder = ExpressionBinder(self, input.scope, aggregates: .refused(in: .groupBy))
        var columns: [BoundExpression] = []
        for name in pivot.columns {
            columns.append(try binder.bind(Expression(.column(name.asName), span: name.span)))
        }
        let collector = AggregateCollector(input)
        let rows = try FunctionRegistry.builtin.bindAggregate("count", arguments: [])
        var bound: [(name: String, value: BoundExpression, source: Expression)] = []
        for value in pivot.values {
            let matches = try condition(value, columns, binder)
            let known = collector.add(NamedAggregate("__rows", rows, filter: matches), value.expression.span)
            let found = try FunctionRegistry.builtin.bind(">", arguments: [known, .literal(.bigint(0))])
            collector.filter = matches
            for item in pivot.aggregates {
                guard item.expression.containsAggregate else {
                    throw AnalysisError.user(
                        "UNSUPPORTED_EXPR_FOR_OPERATOR",
                        "an expression of PIVOT contains no aggregate function: \(item.expression.sql)",
                        hint: "aggregate it: max(\(item.expression.sql))", item.span)
                }
                let inner = ExpressionBinder(self, input.scope, aggregates: .collected(by: collector))
                let result = try inner.bind(item.expression)
                let only = BoundExpression.conditional(
                    .init(branches: [.init(when: found, then: result)], otherwise: .null(result.type)))
                bound.append((columnName(value, item, of: pivot), only, item.expression))
            }
            collector.filter = nil
        }
        var used = columns.reduce(into: Set<Int>()) { $0.formUnion($1.columns) }
        for call in collector.aggregates {
            call.aggregate.arguments.forEach { used.formUnion($0.columns) }
            if let filter = call.filter { used.formUnion(filter.columns) }
        }
        var outputs: [NamedExpression] = []
        let groups = input.scope.visible.filter { !used.contains($0.index) }
        for column in groups { collector.addGroup(NamedExpression(column.name, column.bound)) }
        for column in groups { outputs.append(NamedExpression(column.name, try collector.lower(column.bound, nil))) }
        for item in bound { outputs.append(NamedExpression(item.name, try collector.lower(item.value, item.source))) }
        var relation = input
        relation.plan = try collector.plan()
        return projected(relation, outputs)
    }

    /// Whether a row has the value; NULL is a value too.
    private func condition(
        _ value: Pivot.Value, _ columns: [BoundExpression], _ binder: ExpressionBinder
    ) throws(TidemillError) -> BoundExpression {
        let parts = if case .row(let parts) = value.expression.kind { parts } else { [value.expression] }
        guard parts.count == columns.count else {
            throw AnalysisError.user(
                "PIVOT_VALUE_DATA_TYPE_MISMATCH",
                "a value of PIVOT has \(counted(parts.count, "part")), but FOR"
                    + " names \(counted(columns.count, "column"))",
                hint: "write one part for each column", value.expression.span)
        }
        var tests: [BoundExpression] = []
        for (part, column) in zip(parts, columns) {
            let constant = try binder.bind(part)
            guard settings.evaluate(constant) != nil else {
                throw AnalysisError.user(
                    "NON_LITERAL_PIVOT_VALUES", "a value of PIVOT must be a constant: \(part.sql)",
                    hint: "write the values out", part.span)
            }
            tests.append(
                try FunctionRegistry.builtin.bind("<=>", arguments: [column, constant], span: part.span))
        }
        return Conjunction.join(tests) ?? .true
    }

    /// The value, and behind it the aggregate where there are several.
    private func columnName(_ value: Pivot.Value, _ item: SelectItem, of pivot: Pivot) -> String {
        var name = value.alias?.name ?? value.expression.columnName
        if value.alias == nil, case .literal(.string(let text)) = value.expression.kind { name = text }
        return pivot.aggregates.count == 1 ? name : "\(name)_\(item.columnName)"
    }

    // MARK: UNPIVOT

    /// The columns that no source takes, the source's name, its values.
    func unpivoted(_ input: AnalyzedRelation, _ unpivot: Unpivot) throws(TidemillError) -> AnalyzedRelation {
        let binder = ExpressionBinder(self, input.scope, aggregates: .refused(in: .filter))
        var sources: [[BoundExpression]] = []
        for source in unpivot.sources {
            guard source.columns.count == unpivot.valueColumns.count else {
                throw AnalysisError.user(
                    "UNPIVOT_VALUE_SIZE_MISMATCH",
                    "UNPIVOT needs \(counted(unpivot.valueColumns.count, "column")) for each row,"
                        + " not \(source.columns.count)",
                    hint: "name a column for each value", source.columns[0].span)
            }
            var values: [BoundExpression] = []
            for column in source.columns {
                values.append(try binder.bind(Expression(.column(column), span: column.span)))
            }
            sources.append(values)
        }
        for position in unpivot.valueColumns.indices {
            guard let type = FunctionRegistry.builtin.commonType(of: sources.map { $0[position].type }) else {
                throw AnalysisError.user(
                    "UNPIVOT_VALUE_DATA_TYPE_MISMATCH",
                    "the columns of `\(unpivot.valueColumns[position].name)` have no common type",
                    hint: "cast them to one type in a subquery", unpivot.span)
            }
            for index in sources.indices { sources[index][position] = sources[index][position].casted(to: type) }
        }
        let used = sources.joined().reduce(into: Set<Int>()) { $0.formUnion($1.columns) }
        let kept = input.scope.visible.filter { !used.contains($0.index) }
        let names = kept.map(\.name) + [unpivot.nameColumn.name] + unpivot.valueColumns.map(\.name)
        let projections = zip(unpivot.sources, sources).map { source, values in
            let name = source.alias?.name ?? source.columns.map(\.last.name).joined(separator: "_")
            return kept.map(\.bound) + [.string(name)] + values
        }
        var plan = LogicalPlan.expand(LogicalPlan.Expand(input: input.plan, names: names, projections: projections))
        if !unpivot.includesNulls {
            let values = plan.outputItems.suffix(unpivot.valueColumns.count)
            let present = values.map { BoundExpression.isNull($0.expression, negated: true) }
            plan = .filter(input: plan, predicate: present.count == 1 ? present[0] : .or(present))
        }
        return AnalyzedRelation(
            plan: plan, scope: Scope(schema: plan.schema, qualifier: []), isStreaming: input.isStreaming)
    }
}

extension Identifier {
    fileprivate var asName: QualifiedName { QualifiedName(parts: [self], span: span) }
}
