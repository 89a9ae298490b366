// Generators: explode and its relatives in the select list, in LATERAL VIEW, and as table functions.

/// A generator's call, brought to one form: a collection, and what is made of its elements.
struct GeneratorCall {
    var name: String
    /// An array or a map.
    var collection: Expression
    var hasPosition = false
    var isOuter = false
    var inlinesFields = false
    /// Names of the generated columns, where the elements have none of their own.
    var names: [String]?
    var span: SourceSpan

    private static let all: Set<String> = ["explode", "posexplode", "inline", "stack"]

    /// Whether a function of this name makes rows.
    static func isGenerator(_ name: String) -> Bool {
        let name = name.lowercased()
        return all.contains(name) || (name.hasSuffix("_outer") && all.contains(String(name.dropLast(6))))
    }

    /// nil: no generator.
    init?(_ function: QualifiedName, _ arguments: [Expression], _ span: SourceSpan) throws(TidemillError) {
        name = function.last.name.lowercased()
        guard function.parts.count == 1, GeneratorCall.isGenerator(name) else { return nil }
        self.span = span
        isOuter = name.hasSuffix("_outer")
        let base = isOuter ? String(name.dropLast(6)) : name
        hasPosition = base == "posexplode"
        inlinesFields = base == "inline" || base == "stack"
        if base == "stack" {
            (collection, names) = try GeneratorCall.stack(arguments, span)
            return
        }
        guard arguments.count == 1 else {
            throw GeneratorCall.wrongCount(name, "1", arguments.count, usage: "\(name)(collection)", span)
        }
        collection = arguments[0]
    }

    init?(_ expression: Expression) throws(TidemillError) {
        guard case .function(let call) = expression.kind, call.over == nil else { return nil }
        try self.init(call.name, call.arguments.map(\.value), expression.span)
    }

    private static func wrongCount(
        _ name: String, _ expected: String, _ actual: Int, usage: String, _ span: SourceSpan
    ) -> TidemillError {
        AnalysisError.user(
            "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
            "`\(name)` requires \(expected) arguments but the actual number is \(actual)", hint: "usage: \(usage)", span
        )
    }

    /// `stack(n, a, b, c, d)` as `array(struct(a, b), struct(c, d))`: n rows, the last one filled up with NULL.
    private static func stack(
        _ arguments: [Expression], _ span: SourceSpan
    ) throws(TidemillError) -> (Expression, [String]) {
        guard arguments.count > 1 else {
            throw wrongCount("stack", "> 1", arguments.count, usage: "stack(n, x, …)", span)
        }
        guard case .literal(.integer(let count)) = arguments[0].kind, count > 0, count <= 65_536 else {
            throw AnalysisError.user(
                "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
                "the number of rows of stack must be a positive integer constant: \(arguments[0].sql)",
                hint: "write stack(2, a, b, c, d) for the rows (a, b) and (c, d)", arguments[0].span)
        }
        let values = Array(arguments.dropFirst())
        let width = (values.count + Int(count) - 1) / Int(count)
        func call(_ name: String, _ arguments: [Expression]) -> Expression {
            let name = QualifiedName(parts: [Identifier(name: name, span: span)], span: span)
            return Expression(
                .function(FunctionCall(name: name, arguments: arguments.map { FunctionArgument(value: $0) })),
                span: span)
        }
        let rows = (0..<Int(count)).map { row in
            call(
                "named_struct",
                (0..<width).flatMap { column in
                    let index = row * width + column
                    let value = index < values.count ? values[index] : Expression(.literal(.null), span: span)
                    return [Expression(.literal(.string("col\(column)")), span: span), value]
                })
        }
        return (call("array", rows), (0..<width).map { "col\($0)" })
    }
}

extension QueryAnalyzer {
    // MARK: FROM

    /// The input's rows, each with what the generator makes of it, under `names` or the generator's own.
    func generated(
        _ input: AnalyzedRelation, _ call: GeneratorCall, as names: [Identifier], _ qualifier: [String]
    ) throws(TidemillError) -> AnalyzedRelation {
        let binder = ExpressionBinder(self, input.scope, aggregates: .refused(in: .filter))
        let generate = try generate(call, binder.bind(call.collection), over: input.plan, as: names)
        var result = input
        result.plan = .generate(generate)
        let start = input.plan.schema.count
        for (index, field) in generate.fields.enumerated() {
            result.scope.columns.append(
                Scope.Column(
                    name: field.name, qualifier: qualifier, index: start + index, type: field.type,
                    nullable: field.nullable))
        }
        return result
    }

    /// `LATERAL VIEW [OUTER] explode(…) t AS c`
    func generated(_ input: AnalyzedRelation, _ view: LateralView) throws(TidemillError) -> AnalyzedRelation {
        guard var call = try GeneratorCall(view.function, view.arguments, view.span) else {
            throw notAGenerator(view.function, view.span)
        }
        if view.isOuter { call.isOuter = true }
        return try generated(input, call, as: view.columns, view.table.map { [$0.name] } ?? [])
    }

    /// `explode(…)` in FROM. Behind LATERAL it sees the columns of `input`; elsewhere that is a row without columns.
    func generated(
        _ input: AnalyzedRelation, _ function: TableFunction, _ alias: TableAlias?, isOuter: Bool, _ span: SourceSpan
    ) throws(TidemillError) -> AnalyzedRelation {
        var arguments: [Expression] = []
        for argument in function.arguments {
            guard case .expression(let expression) = argument.value, argument.name == nil else {
                throw AnalysisError.unsupported(
                    "\(function.name.text) takes plain values, no tables and no names", argument.span)
            }
            arguments.append(expression)
        }
        guard var call = try GeneratorCall(function.name, arguments, span) else {
            throw notAGenerator(function.name, span)
        }
        if isOuter { call.isOuter = true }
        return try generated(input, call, as: alias?.columns ?? [], alias.map { [$0.name.name] } ?? [])
    }

    private func notAGenerator(_ name: QualifiedName, _ span: SourceSpan) -> TidemillError {
        AnalysisError.user(
            "UNRESOLVABLE_TABLE_VALUED_FUNCTION", "could not resolve \(name.text) to a table-valued function",
            hint: "there are explode, posexplode, inline and stack, each but stack also with _outer", span)
    }

    private func generate(
        _ call: GeneratorCall, _ collection: BoundExpression, over input: LogicalPlan, as names: [Identifier]
    ) throws(TidemillError) -> LogicalPlan.Generate {
        var generate = LogicalPlan.Generate(
            input: input, collection: collection, hasPosition: call.hasPosition, isOuter: call.isOuter,
            inlinesFields: call.inlinesFields, names: [])
        let fits: Bool
        switch collection.type {
        case .array(.structure): fits = true
        case .array, .map: fits = !call.inlinesFields
        default: fits = false
        }
        guard fits else {
            let wanted = call.inlinesFields ? "ARRAY<STRUCT<…>>" : "ARRAY or MAP"
            throw AnalysisError.user(
                "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                "\(call.name) needs an \(wanted), but \(call.collection.sql) is a \(collection.type.sql)",
                hint: "make one with array(…), map(…) or split(…)", call.collection.span)
        }
        let own = (call.hasPosition ? ["pos"] : []) + (call.names ?? generate.elementFields.map(\.name))
        guard names.isEmpty || names.count == own.count else {
            throw AnalysisError.user(
                "UDTF_ALIAS_NUMBER_MISMATCH",
                "\(names.count) aliases do not match the \(own.count) columns that \(call.name) makes",
                hint: "its columns: \(own.joined(separator: ", "))", call.span)
        }
        generate.names = names.isEmpty ? own : names.map(\.name)
        return generate
    }

    // MARK: Select list

    /// The item that is a generator. Elsewhere inside expressions there may be none, and one SELECT has at most one.
    func generatorItem(
        _ items: [SelectItem]
    ) throws(TidemillError) -> (index: Int, call: GeneratorCall)? {
        var found: (index: Int, call: GeneratorCall)?
        for (index, item) in items.enumerated() {
            guard let call = try GeneratorCall(item.expression) else { continue }
            guard found == nil else {
                throw AnalysisError.user(
                    "UNSUPPORTED_GENERATOR.MULTI_GENERATOR",
                    "only one generator is allowed in a select list: \(call.name)",
                    hint: "use LATERAL VIEW for the others", item.span)
            }
            found = (index, call)
        }
        return found
    }

    /// The select list with the collection in the generator's place, then the generator over that.
    func generating(
        _ generator: (index: Int, call: GeneratorCall), _ select: Select, _ input: AnalyzedRelation,
        _ order: OrderClause
    ) throws(TidemillError) -> AnalyzedRelation {
        let (index, call) = generator
        let span = select.items[index].span
        let before = try outputItems(Array(select.items[..<index]), input.scope)
        let after = try outputItems(Array(select.items[(index + 1)...]), input.scope)
        let collection = OutputItem(name: "__collection", source: .expression(call.collection), hasAlias: false)
        let core = try core(input, before + [collection] + after, select, .none(span))
        let inner = LogicalPlan.project(input: core.relation.plan, items: core.outputs)
        let columns = inner.outputItems
        let plan = LogicalPlan.generate(
            try generate(call, columns[before.count].expression, over: inner, as: select.items[index].aliases))
        let made = plan.outputItems[columns.count...]
        var relation = core.relation
        var items = Array(columns[..<before.count])
        items.append(contentsOf: made)
        items.append(contentsOf: columns[(before.count + 1)...])
        relation.plan = .project(input: plan, items: items)
        relation.scope = Scope(schema: relation.plan.schema, qualifier: [])
        let binder = ExpressionBinder(self, relation.scope, aggregates: .refused(in: .filter))
        let keys = try sortKeys(order, relation.items, binder, []) { expression, _ throws(TidemillError) in expression }
        let outer = SelectCore(relation: relation, outputs: relation.items, keys: keys)
        return try finish(outer, isDistinct: select.isDistinct, order, select.span)
    }

    /// A generator where none may stand.
    static func refusedGenerator(_ name: String, _ span: SourceSpan) -> TidemillError {
        AnalysisError.user(
            "UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS",
            "a generator must stand alone in the select list: \(name)",
            hint: "make its rows in a subquery or with LATERAL VIEW first", span)
    }
}
