// FROM: tables, subqueries, constant tables.

extension QueryAnalyzer {
    /// All relations of FROM joined by comma; without FROM one row without columns.
    func analyzeFrom(_ relations: [Relation]) throws(TidemillError) -> AnalyzedRelation {
        guard let first = relations.first else {
            let one = LogicalPlan.values(LogicalPlan.Values(schema: Schema([]), rows: [[]]))
            return AnalyzedRelation(plan: one, scope: Scope([]), isStreaming: false)
        }
        var result = try analyzeRelation(first)
        for relation in relations.dropFirst() {
            if relation.isLateral {
                result = try lateral(result, relation, .inner, .none, relation.span)
                continue
            }
            let right = try analyzeRelation(relation)
            result = try joined(
                result, right, JoinSpecification(kind: .inner, isNatural: false, condition: .none, span: relation.span))
        }
        return result
    }

    func analyzeRelation(_ relation: Relation) throws(TidemillError) -> AnalyzedRelation {
        if let sample = relation.sample {
            throw AnalysisError.unsupported("TABLESAMPLE is not supported", sample.span)
        }
        var result: AnalyzedRelation
        switch relation.kind {
        case .table(let table): result = try resolveTable(table, table.name.span)
        case .subquery(let query): result = try analyze(query).qualified(["__auto_generated_subquery_name"])
        case .values(let table): result = try analyzeValues(table)
        case .function(let function):
            if let generator = generatorCall(relation) {
                return try tableGenerator(generator, relation, over: analyzeFrom([]), isOuter: false)
            }
            if QueryAnalyzer.keyedFunctions[function.name.text.lowercased()] != nil {
                result = try keyed(function, relation.span)
                break
            }
            guard QueryAnalyzer.dropDuplicates.contains(function.name.text.lowercased()) else {
                guard FunctionRegistry.builtin.names.contains(function.name.text.lowercased()) else {
                    throw AnalysisError.unsupported(
                        "the table function \(function.name.text) is not supported", relation.span)
                }
                throw AnalysisError.user(
                    "NOT_A_TABLE_FUNCTION", "`\(function.name.text)` is no table function",
                    hint: "call it outside FROM", relation.span)
            }
            result = try deduplicated(function, relation.span)
        case .join(let join):
            let left = try analyzeRelation(join.left)
            if join.right.isLateral {
                result = try lateral(left, join.right, join.kind, join.condition, relation.span)
                break
            }
            let right = try analyzeRelation(join.right)
            result = try joined(
                left, right,
                JoinSpecification(
                    kind: join.kind, isNatural: join.isNatural, condition: join.condition, span: relation.span))
        case .nested(let inner): result = try analyzeRelation(inner)
        case .pivot(let inner, let pivot): result = try pivoted(analyzeRelation(inner), pivot)
        case .unpivot(let inner, let unpivot): result = try unpivoted(analyzeRelation(inner), unpivot)
        }
        if let watermark = relation.watermark { result = try watermarked(result, by: watermark) }
        guard let alias = relation.alias else { return result }
        if alias.columns.isEmpty { return result.qualified([alias.name.name]) }
        if case .values(let table) = relation.kind, table.rows[0].count != alias.columns.count {
            throw AnalysisError.user(
                "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH",
                "inline table expected \(counted(alias.columns.count, "column")) but found \(table.rows[0].count)",
                hint: "name every column once", alias.span)
        }
        return try renamed(result, alias.columns, [alias.name.name], alias.span)
    }

    /// A relation that sees the columns of those before it: a join whose right side depends on the left row.
    func lateral(
        _ left: AnalyzedRelation, _ relation: Relation, _ kind: JoinKind, _ condition: JoinCondition,
        _ span: SourceSpan
    ) throws(TidemillError) -> AnalyzedRelation {
        guard [.inner, .cross, .left].contains(kind) else {
            throw AnalysisError.user(
                "UNSUPPORTED_FEATURE.LATERAL_JOIN_USING", "a \(kind.rawValue) join cannot be LATERAL",
                hint: "use JOIN LATERAL or LEFT JOIN LATERAL", span)
        }
        if let generator = generatorCall(relation) {
            return try lateralGenerator(left, generator, relation, kind, condition, span)
        }
        let row = OuterRow(left.scope)
        var right = try within(row) { () throws(TidemillError) in try analyzeRelation(relation) }
        if right.isStreaming {
            throw AnalysisError.unsupported("LATERAL over a stream is not supported", relation.span)
        }
        let names = right.scope.visible
        right = projected(right, right.items)
        let call = SubqueryCall(
            id: nextSubquery(), form: .exists, plan: right.plan, parameters: row.parameters, isStreaming: false,
            span: span)
        var resolver = SubqueryResolver(left.plan, SubqueryCollector())
        let columns = try resolver.lateral(call, isOuter: kind == .left)
        let start = resolver.plan.schema.count
        let added = zip(names, columns).map { NamedExpression($0.name, $1) }
        var result = left
        result.plan = .project(input: resolver.plan, items: resolver.plan.outputItems + added)
        for (index, (name, column)) in zip(names, columns).enumerated() {
            result.scope.columns.append(
                Scope.Column(
                    name: name.name, qualifier: name.qualifier, index: start + index, type: column.type,
                    nullable: column.nullable))
        }
        return try lateral(result, kind, on: condition, hint: "put it into the subquery's WHERE", span)
    }

    /// What stands behind a lateral join.
    /// - Parameter hint: where else a condition of LEFT JOIN LATERAL can go.
    func lateral(
        _ result: AnalyzedRelation, _ kind: JoinKind, on condition: JoinCondition, hint: String, _ span: SourceSpan
    ) throws(TidemillError) -> AnalyzedRelation {
        switch condition {
        case .none: return result
        case .on(let expression):
            if case .literal(.boolean(true)) = expression.kind { return result }
            guard kind != .left else {
                throw AnalysisError.unsupported(
                    "a condition of LEFT JOIN LATERAL other than true", hint: hint, span)
            }
            return try filtered(result, expression, in: .join)
        case .using:
            throw AnalysisError.user(
                "UNSUPPORTED_FEATURE.LATERAL_JOIN_USING", "JOIN LATERAL cannot have USING", hint: "use ON", span)
        }
    }

    func analyzeValues(_ table: InlineTable) throws(TidemillError) -> AnalyzedRelation {
        let binder = ExpressionBinder(self, Scope([]), aggregates: .refused(in: .values))
        let width = table.rows[0].count
        var rows: [[BoundExpression]] = []
        for (number, row) in table.rows.enumerated() {
            guard row.count == width else {
                throw AnalysisError.user(
                    "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH",
                    "inline table expected \(counted(width, "column")) but found \(row.count) in row \(number + 1)",
                    hint: "give every row the same number of values", row.first?.span ?? table.span)
            }
            rows.append(try binder.bindAll(row))
        }
        var fields: [Field] = []
        var values = rows.map { _ in [Scalar]() }
        for column in 0..<width {
            let name = "col\(column + 1)"
            guard let type = FunctionRegistry.builtin.commonType(of: rows.map { $0[column].type }) else {
                throw AnalysisError.user(
                    "INVALID_INLINE_TABLE.INCOMPATIBLE_TYPES_IN_INLINE_TABLE",
                    "found incompatible types in the column \(name) of an inline table",
                    hint: "cast the values to one type", table.rows[0][column].span)
            }
            for number in rows.indices {
                let expression = rows[number][column]
                let span = table.rows[number][column].span
                let converted = expression.type == type ? expression : .cast(expression, to: type, try: false)
                guard let value = settings.evaluate(converted) else {
                    throw AnalysisError.user(
                        "INVALID_INLINE_TABLE.CANNOT_EVALUATE_EXPRESSION_IN_INLINE_TABLE",
                        "cannot evaluate the expression in an inline table: \(span.text)",
                        hint: "VALUES takes constants only", span)
                }
                values[number].append(value.isNull ? .null(type) : value)
            }
            fields.append(Field(name, type, nullable: values.contains { $0[column].isNull }))
        }
        let plan = LogicalPlan.values(LogicalPlan.Values(schema: Schema(fields), rows: values))
        return AnalyzedRelation(plan: plan, scope: Scope(schema: plan.schema, qualifier: []), isStreaming: false)
    }
}
