/// Turns expressions of the syntax tree into bound ones over a scope.
///
/// Aggregates pass through `aggregates`: it collects calls and stands columns in for them, or refuses them in the words
/// of the clause. Names come from the scope first, then from `aliases` (lateral column aliases), unless `aliasesFirst`
/// (ORDER BY and HAVING see the select list before the input).
struct ExpressionBinder {
    /// What an aggregate call means where this expression stands.
    enum Aggregates {
        case refused(in: Clause)
        case collected(by: AggregateCollector)
    }
    enum Clause: String {
        case filter = "WHERE"
        case join = "JOIN … ON"
        case groupBy = "GROUP BY"
        case argument = "an aggregate function"
        case values = "VALUES"
        case limit = "LIMIT"
        case pipe = "|>"
        case property = "a table property"
    }

    let context: QueryAnalyzer
    let scope: Scope
    var aggregates: Aggregates
    /// Expressions of the select list by lower-case alias.
    var aliases: [String: [BoundExpression]] = [:]
    var aliasesFirst = false
    /// Takes subqueries; nil where none may stand.
    var subqueries: SubqueryCollector?
    /// Takes calls with OVER; nil where none may stand.
    var windows: WindowCollector?

    init(_ context: QueryAnalyzer, _ scope: Scope, aggregates: Aggregates) {
        self.context = context
        self.scope = scope
        self.aggregates = aggregates
    }

    var registry: FunctionRegistry { .builtin }

    func bind(_ expression: Expression) throws(TidemillError) -> BoundExpression {
        do throws(TidemillError) {
            return try bindNode(expression).located(at: expression.span)
        } catch {
            // The registry knows neither the place of a failed cast nor the names of columns.
            throw named(error).at(expression.span)
        }
    }

    /// The error with `#3` in its message as the column's name.
    func named(_ error: TidemillError) -> TidemillError {
        guard error.message.contains("#") else { return error }
        var text = ""
        var digits: String?
        func flush(_ digits: String?) {
            guard let digits else { return }
            let name = Int(digits).flatMap { index in scope.columns.first { $0.index == index }?.name }
            text += name ?? "#" + digits
        }
        for character in error.message {
            if digits != nil, character.isASCII, character.isNumber {
                digits?.append(character)
                continue
            }
            flush(digits)
            digits = nil
            if character == "#" { digits = "" } else { text.append(character) }
        }
        flush(digits)
        return TidemillError(
            error.kind, error.code, text, detail: error.detail, hint: error.hint, place: error.place,
            errno: error.errno, cause: error.cause)
    }

    func bindAll(_ expressions: [Expression]) throws(TidemillError) -> [BoundExpression] {
        var bound: [BoundExpression] = []
        bound.reserveCapacity(expressions.count)
        for expression in expressions { bound.append(try bind(expression)) }
        return bound
    }

    func predicate(_ expression: Expression, in construct: String) throws(TidemillError) -> BoundExpression {
        try registry.bindPredicate(bind(expression), in: construct, span: expression.span)
    }

    private func bindNode(_ expression: Expression) throws(TidemillError) -> BoundExpression {
        let span = expression.span
        switch expression.kind {
        case .literal(let literal): return try bindLiteral(literal, span)
        case .column(let name): return try resolve(name)
        case .star:
            throw AnalysisError.user(
                "INVALID_USAGE_OF_STAR_OR_REGEX", "* is not allowed here", hint: "name the columns", span)
        case .unary(let op, let operand):
            let name =
                switch op {
                case .minus: "unary -"
                case .plus: "unary +"
                case .bitwiseNot: "~"
                }
            return try registry.bind(name, arguments: [bind(operand)], span: span)
        case .binary(let op, let left, let right):
            let name =
                switch op {
                case .shiftLeft: "shiftleft"
                case .shiftRight: "shiftright"
                case .shiftRightUnsigned: "shiftrightunsigned"
                default: op.rawValue
                }
            return try registry.bind(name, arguments: [bind(left), bind(right)], span: span)
        case .comparison(let op, let left, let right):
            return try registry.bind(op.rawValue, arguments: [bind(left), bind(right)], span: span)
        case .and(let operands): return .and(try predicates(operands, in: "AND"))
        case .or(let operands): return .or(try predicates(operands, in: "OR"))
        case .not(let operand): return .not(try predicate(operand, in: "NOT"))
        case .isNull(let operand, let negated): return .isNull(try bind(operand), negated: negated)
        case .isDistinctFrom(let left, let right, let negated):
            let same = try registry.bind("<=>", arguments: [bind(left), bind(right)], span: span)
            return negated ? same : .not(same)
        case .isBoolean(let operand, let value, let negated):
            let bound = try predicate(operand, in: "IS TRUE")
            guard let value else { return .isNull(bound, negated: negated) }
            let same = try registry.bind("<=>", arguments: [bound, .literal(.boolean(value))], span: span)
            return negated ? .not(same) : same
        case .between(let operand, let low, let high, let negated):
            let bound = try bind(operand)
            let inside: BoundExpression = .and([
                try registry.bind(">=", arguments: [bound, bind(low)], span: span),
                try registry.bind("<=", arguments: [bound, bind(high)], span: span),
            ])
            return negated ? .not(inside) : inside
        case .inList(let operand, let members, let negated):
            return try registry.bindIn(bind(operand), bindAll(members), negated: negated, span: span)
        case .inSubquery, .exists, .scalarSubquery: return try bindSubquery(expression)
        case .like(let like): return try bindLike(like, span)
        case .caseWhen(let operand, let branches, let otherwise):
            return try bindCase(operand, branches, otherwise, span)
        case .cast(let operand, let type, let isTry):
            let target = try TypeResolution.resolve(type, context.settings)
            return try registry.explicitCast(bind(operand), to: target, try: isTry, span: span)
        case .function(let call): return try bindCall(call, expression)
        case .element(let value, let index):
            return try registry.bind("[]", arguments: [bind(value), bind(index)], span: span)
        case .field(let value, let name):
            let bound = try bind(value)
            if bound.type == .timeWindow { return try windowField(bound, name, span) }
            return try field(name.name, of: bound, span)
        case .row(let values): return try registry.bind("struct", arguments: bindAll(values), span: span)
        case .lambda:
            throw AnalysisError.unsupported("lambda functions are not supported yet: \(span.text)", span)
        case .extract(let field, let source): return try bindExtract(field, bind(source), span)
        case .trim(let side, let characters, let source):
            return try bindTrim(side, characters, source, span)
        }
    }

    private func predicates(_ operands: [Expression], in construct: String) throws(TidemillError) -> [BoundExpression] {
        var bound: [BoundExpression] = []
        for operand in operands { bound.append(try predicate(operand, in: construct)) }
        return bound
    }

    // MARK: Names

    private func resolve(_ name: QualifiedName) throws(TidemillError) -> BoundExpression {
        if aliasesFirst, let found = try alias(name) { return found }
        let found = scope.matches(name.names)
        if found.count == 1 { return found[0].bound }
        if found.count > 1 { throw AnalysisError.ambiguous(name, found) }
        if !aliasesFirst, let found = try alias(name) { return found }
        if let field = try windowField(name) { return field }
        if let outer = try context.outerColumn(name) { return outer }
        // The last parts may name fields of a struct.
        for length in stride(from: name.parts.count - 1, to: 0, by: -1) {
            let columns = scope.matches(Array(name.names[..<length]))
            if columns.count > 1 { throw AnalysisError.ambiguous(name, columns) }
            guard let column = columns.first else { continue }
            var value = column.bound
            for part in name.names[length...] { value = try field(part, of: value, name.span) }
            return value
        }
        throw AnalysisError.unresolvedColumn(name, scope: scope, others: aliases.keys.sorted())
    }

    private func field(
        _ name: String, of value: BoundExpression, _ span: SourceSpan
    ) throws(TidemillError) -> BoundExpression {
        // A map's value can be named like a field.
        if case .map(.string, _) = value.type {
            return try registry.bind("[]", arguments: [value, .string(name)], span: span)
        }
        switch value.type {
        case .structure, .array(.structure): break
        default:
            throw AnalysisError.user(
                "INVALID_EXTRACT_BASE_FIELD_TYPE",
                "cannot extract the field `\(name)` of a \(value.type.sql): \(span.text)",
                hint: "structs, arrays of structs and maps have fields", span)
        }
        return try registry.bind(".", arguments: [value, .string(name)], span: span)
    }

    private func alias(_ name: QualifiedName) throws(TidemillError) -> BoundExpression? {
        guard name.parts.count == 1, let found = aliases[name.last.name.lowercased()] else { return nil }
        guard Set(found).count == 1 else {
            if aliasesFirst {
                throw AnalysisError.user(
                    "AMBIGUOUS_REFERENCE", "reference `\(name.last.name)` is ambiguous: \(found.count) columns have it",
                    hint: "give the columns different aliases", name.span)
            }
            throw AnalysisError.user(
                "AMBIGUOUS_LATERAL_COLUMN_ALIAS",
                "lateral column alias `\(name.last.name)` is ambiguous and has"
                    + " \(counted(found.count, "match", plural: "matches"))",
                hint: "give the columns different aliases", name.span)
        }
        // The alias stands for its expression; one with a value of its own at each evaluation cannot be repeated.
        guard aliasesFirst || found[0].isDeterministic else {
            throw AnalysisError.unsupported(
                "reference to the alias of a non-deterministic expression: \(name.last.name)",
                hint: "compute it in a subquery first", name.span)
        }
        return found[0]
    }

    // MARK: Forms

    private func bindLike(_ like: LikePredicate, _ span: SourceSpan) throws(TidemillError) -> BoundExpression {
        let value = try bind(like.value)
        let function = like.op.rawValue.lowercased()
        var tests: [BoundExpression] = []
        for pattern in like.patterns {
            var arguments = [value, try bind(pattern)]
            if let escape = like.escape { arguments.append(.string(String(escape))) }
            let test = try registry.bind(function, arguments: arguments, span: span)
            tests.append(like.isNegated ? .not(test) : test)
        }
        if tests.count == 1 { return tests[0] }
        return like.quantifier == .any ? .or(tests) : .and(tests)
    }

    private func bindCase(
        _ operand: Expression?, _ branches: [CaseBranch], _ otherwise: Expression?, _ span: SourceSpan
    ) throws(TidemillError) -> BoundExpression {
        let subject: BoundExpression? = if let operand { try bind(operand) } else { nil }
        var bound: [(when: BoundExpression, then: BoundExpression)] = []
        for branch in branches {
            var condition = try bind(branch.condition)
            if let subject {
                condition = try registry.bind("=", arguments: [subject, condition], span: branch.condition.span)
            }
            bound.append((condition, try bind(branch.result)))
        }
        let last: BoundExpression? = if let otherwise { try bind(otherwise) } else { nil }
        return try registry.bindCase(branches: bound, otherwise: last, span: span)
    }

    private static let extractions: [String: String] = [
        "year": "year", "y": "year", "years": "year", "yr": "year", "yrs": "year", "quarter": "quarter",
        "qtr": "quarter", "month": "month", "mon": "month", "mons": "month", "months": "month",
        "week": "weekofyear", "w": "weekofyear", "weeks": "weekofyear", "day": "day", "d": "day", "days": "day",
        "dayofweek": "dayofweek", "dow": "dayofweek", "doy": "dayofyear", "hour": "hour", "h": "hour",
        "hours": "hour", "hr": "hour", "hrs": "hour", "minute": "minute", "m": "minute", "min": "minute",
        "mins": "minute", "minutes": "minute", "second": "second", "s": "second", "sec": "second",
        "seconds": "second", "secs": "second",
    ]

    private func bindExtract(
        _ field: Identifier, _ source: BoundExpression, _ span: SourceSpan
    ) throws(TidemillError) -> BoundExpression {
        if registry.isScalar("date_part") {
            return try registry.bind("date_part", arguments: [.string(field.name), source], span: span)
        }
        let name = field.name.lowercased()
        guard let function = ExpressionBinder.extractions[name] else {
            let near = closestName(to: name, among: ExpressionBinder.extractions.keys.sorted())
            throw AnalysisError.user(
                "INVALID_EXTRACT_FIELD", "cannot extract \(field.name) from \(source.type.sql)",
                hint: near.map { "did you mean \($0.uppercased())?" }, field.span)
        }
        return try registry.bind(function, arguments: [source], span: span)
    }

    private func bindTrim(
        _ side: TrimSide, _ characters: Expression?, _ source: Expression, _ span: SourceSpan
    ) throws(TidemillError) -> BoundExpression {
        let text = try bind(source)
        let function =
            switch side {
            case .both: "trim"
            case .leading: "ltrim"
            case .trailing: "rtrim"
            }
        guard let characters else { return try registry.bind(function, arguments: [text], span: span) }
        let set = try bind(characters)
        // btrim takes (text, characters); Spark's ltrim and rtrim take (characters, text).
        if side == .both { return try registry.bind("btrim", arguments: [text, set], span: span) }
        return try registry.bind(function, arguments: [set, text], span: span)
    }
}
