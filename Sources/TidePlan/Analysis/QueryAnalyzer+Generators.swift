// Functions that make rows: in the select list, in LATERAL VIEW, in FROM.

extension Expression {
    /// The call of a generator that this is, if it is one.
    var generatorCall: FunctionCall? {
        guard case .function(let call) = kind, FunctionRegistry.builtin.isGenerator(call.name.last.name) else {
            return nil
        }
        return call
    }

    fileprivate var containsGenerator: Bool { generatorCall != nil || children.contains(where: \.containsGenerator) }
}

extension ExpressionBinder {
    fileprivate func generator(
        _ name: String, _ arguments: [BoundExpression], isOuter: Bool = false, _ span: SourceSpan
    ) throws(TidemillError) -> BoundGenerator {
        do throws(TidemillError) {
            return try registry.bindGenerator(name, arguments: arguments, isOuter: isOuter, span: span)
        } catch {
            throw named(error)
        }
    }
}

extension QueryAnalyzer {
    /// The relation with a generator's columns behind the others.
    func generated(
        _ relation: AnalyzedRelation, _ generator: BoundGenerator, names: [String]? = nil, qualifier: [String]
    ) -> (relation: AnalyzedRelation, columns: [Scope.Column]) {
        let node = LogicalPlan.Generate(
            input: relation.plan, generator: generator, names: names ?? generator.fields.map(\.name))
        let start = relation.plan.schema.count
        let columns = node.fields.enumerated().map { index, field in
            Scope.Column(
                name: field.name, qualifier: qualifier, index: start + index, type: field.type,
                nullable: field.nullable)
        }
        var result = relation
        result.plan = .generate(node)
        return (result, columns)
    }

    /// Names given to the columns of a generator; nil: its own.
    private func names(
        _ generator: BoundGenerator, _ aliases: [Identifier], _ span: SourceSpan,
        code: String = "UDTF_ALIAS_NUMBER_MISMATCH"
    ) throws(TidemillError) -> [String]? {
        if aliases.isEmpty { return nil }
        let own = generator.fields.map(\.name)
        guard aliases.count == own.count else {
            throw AnalysisError.user(
                code,
                "the number of aliases, \(aliases.count), does not match the number of columns, \(own.count)",
                hint: "columns: \(own.joined(separator: ", "))", span)
        }
        return aliases.map(\.name)
    }

    private func bound(
        _ call: FunctionCall, _ binder: ExpressionBinder, _ span: SourceSpan
    ) throws(TidemillError) -> [BoundExpression] {
        if call.isDistinct || call.filter != nil || call.over != nil {
            throw AnalysisError.user(
                "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX",
                "the function `\(call.name.last.name)` supports neither DISTINCT nor FILTER nor OVER",
                hint: "it makes rows and can only be called", span)
        }
        return try binder.bindAll(call.arguments.map(\.value))
    }

    // MARK: Select list

    static func hasGenerators(_ items: [SelectItem]) -> Bool { items.contains { $0.expression.containsGenerator } }

    /// A select list whose generators have become columns of the relation. A later one sees the rows of those before.
    func generated(
        _ items: [SelectItem], _ input: AnalyzedRelation
    ) throws(TidemillError) -> (relation: AnalyzedRelation, items: [OutputItem]) {
        try checkNesting(items)
        var relation = input
        var out: [OutputItem] = []
        var aliases: [String: [BoundExpression]] = [:]
        for item in items {
            guard let call = item.expression.generatorCall else {
                out += try outputItems([item], input.scope)
                continue
            }
            var binder = ExpressionBinder(self, input.scope, aggregates: .refused(in: .argument))
            binder.aliases = aliases
            let generator = try binder.generator(
                call.name.last.name, bound(call, binder, item.span), item.expression.span)
            let names = try names(generator, item.aliases, item.span)
            let made = generated(relation, generator, names: names, qualifier: [])
            relation = made.relation
            out += made.columns.map {
                aliases[$0.nameKey, default: []].append($0.bound)
                return OutputItem(name: $0.name, source: .column($0), hasAlias: true)
            }
        }
        return (relation, out)
    }

    /// Generators over what an aggregation gives: the aggregation makes their arguments.
    func generatedAfterAggregation(
        _ select: Select, _ input: AnalyzedRelation, _ order: OrderClause
    ) throws(TidemillError) -> AnalyzedRelation {
        try checkNesting(select.items)
        var inner: [SelectItem] = []
        for item in select.items {
            guard let call = item.expression.generatorCall else {
                inner.append(item)
                continue
            }
            inner += call.arguments.map { SelectItem(expression: $0.value, aliases: [], span: item.span) }
        }
        let core = try core(input, outputItems(inner, input.scope), select, .none(select.span))
        var relation = projected(core.relation, core.outputs)
        let scope = relation.scope
        var outputs: [NamedExpression] = []
        var next = 0
        for item in select.items {
            guard let call = item.expression.generatorCall else {
                let width = try outputItems([item], input.scope).count
                outputs += scope.columns[next..<(next + width)].map { NamedExpression($0.name, $0.bound) }
                next += width
                continue
            }
            let arguments = scope.columns[next..<(next + call.arguments.count)].map(\.bound)
            next += call.arguments.count
            let binder = ExpressionBinder(self, scope, aggregates: .refused(in: .argument))
            let generator = try binder.generator(call.name.last.name, arguments, item.expression.span)
            let made = generated(
                relation, generator, names: try names(generator, item.aliases, item.span), qualifier: [])
            relation = made.relation
            outputs += made.columns.map { NamedExpression($0.name, $0.bound) }
        }
        relation = projected(relation, outputs)
        if select.isDistinct { relation = try distinct(relation, select.span) }
        return try ordered(relation, order)
    }

    private func checkNesting(_ items: [SelectItem]) throws(TidemillError) {
        for item in items {
            let inside = item.expression.children
            guard let bad = inside.first(where: \.containsGenerator) else { continue }
            throw AnalysisError.user(
                "UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS",
                "a generator is nested in an expression: \(item.expression.sql)",
                hint: "generate the rows in a subquery or LATERAL VIEW first", bad.span)
        }
    }

    // MARK: FROM

    func lateralView(
        _ relation: AnalyzedRelation, _ view: LateralView
    ) throws(TidemillError) -> AnalyzedRelation {
        let name = view.function.last
        let registry = FunctionRegistry.builtin
        guard registry.isGenerator(name.name) else {
            if registry.isScalar(name.name) || registry.isAggregate(name.name) || registry.isWindow(name.name) {
                throw AnalysisError.user(
                    "UNSUPPORTED_GENERATOR.NOT_GENERATOR", "`\(name.name)` is no generator",
                    hint: "LATERAL VIEW takes explode, posexplode, inline and stack", name.span)
            }
            _ = try registry.bind(name.name, arguments: [], span: view.function.span)
            return relation
        }
        let binder = ExpressionBinder(self, relation.scope, aggregates: .refused(in: .argument))
        let generator = try binder.generator(
            name.name, binder.bindAll(view.arguments), isOuter: view.isOuter, view.span)
        return attached(
            relation, generator, names: try names(generator, view.columns, view.span),
            qualifier: view.table.map { [$0.name] } ?? [])
    }

    private func attached(
        _ relation: AnalyzedRelation, _ generator: BoundGenerator, names: [String]?, qualifier: [String]
    ) -> AnalyzedRelation {
        let made = generated(relation, generator, names: names, qualifier: qualifier)
        var result = made.relation
        result.scope.columns += made.columns
        return result
    }

    /// The generator that a relation of FROM calls; nil if it is none.
    func generatorCall(_ relation: Relation) -> TableFunction? {
        guard case .function(let function) = relation.kind,
            FunctionRegistry.builtin.isGenerator(function.name.last.name)
        else { return nil }
        return function
    }

    /// `FROM explode(…)`, and `LATERAL explode(…)` behind the relation whose rows it reads.
    func tableGenerator(
        _ function: TableFunction, _ relation: Relation, over left: AnalyzedRelation, isOuter: Bool
    ) throws(TidemillError) -> AnalyzedRelation {
        if let extra = relation.watermark?.span ?? relation.sample?.span {
            throw AnalysisError.unsupported("WATERMARK and TABLESAMPLE of a generator", extra)
        }
        let binder = ExpressionBinder(self, left.scope, aggregates: .refused(in: .argument))
        var arguments: [BoundExpression] = []
        for argument in function.arguments {
            guard argument.name == nil, case .expression(let value) = argument.value else {
                throw AnalysisError.unsupported(
                    "table and named arguments of a generator: \(function.name.text)", argument.span)
            }
            arguments.append(try binder.bind(value))
        }
        let generator = try binder.generator(
            function.name.last.name, arguments, isOuter: isOuter, relation.span)
        let alias = relation.alias
        return attached(
            left, generator,
            names: try names(
                generator, alias?.columns ?? [], alias?.span ?? relation.span,
                code: "NUM_TABLE_VALUE_ALIASES_MISMATCH"),
            qualifier: alias.map { [$0.name.name] } ?? [])
    }

    /// `JOIN LATERAL explode(…)`.
    func lateralGenerator(
        _ left: AnalyzedRelation, _ function: TableFunction, _ relation: Relation, _ kind: JoinKind,
        _ condition: JoinCondition, _ span: SourceSpan
    ) throws(TidemillError) -> AnalyzedRelation {
        let result = try tableGenerator(function, relation, over: left, isOuter: kind == .left)
        return try lateral(result, kind, on: condition, hint: "filter the array first", span)
    }
}
