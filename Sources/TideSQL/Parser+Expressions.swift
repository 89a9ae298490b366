import TideCore

// Precedence, loosest first, as in Spark's grammar:
//   OR · AND · NOT ! · one predicate (IS, IN, BETWEEN, LIKE, …) · comparison · | · ^ · & · << >> >>> · + - ||
//   · * / % DIV · unary - + ~ · postfix [ ] . :: COLLATE
// A predicate takes value expressions on both sides and does not chain: `a IS NULL = b` is an error, `a = b IS NULL` is
// `(a = b) IS NULL`.

extension Parser {
    mutating func expression() throws(TidemillError) -> Expression {
        try nested { parser throws(TidemillError) in try parser.disjunction() }
    }

    /// A node over the tokens from `start` to here. Mutating, so that `self` is read after the arguments have moved it
    /// on.
    mutating func make(_ kind: Expression.Kind, from start: Int) throws(TidemillError) -> Expression {
        let expression = Expression(kind, span: span(from: start))
        try checked(height: expression.height, expression.span)
        return expression
    }

    private mutating func disjunction() throws(TidemillError) -> Expression {
        let start = position
        var operands = [try conjunction()]
        while accept(.or) { operands.append(try conjunction()) }
        return operands.count == 1 ? operands[0] : try make(.or(operands), from: start)
    }

    private mutating func conjunction() throws(TidemillError) -> Expression {
        let start = position
        var operands = [try negation()]
        while accept(.and) { operands.append(try negation()) }
        return operands.count == 1 ? operands[0] : try make(.and(operands), from: start)
    }

    private mutating func negation() throws(TidemillError) -> Expression {
        let start = position
        guard at(.bang) || at(.not) && !isWordAsOperand else { return try predicate() }
        advance()
        let operand = try nested { parser throws(TidemillError) in try parser.negation() }
        return try make(.not(operand), from: start)
    }

    // MARK: Predicates

    private mutating func predicate() throws(TidemillError) -> Expression {
        let start = position
        let value = try valueExpression()
        if accept(.is) { return try isPredicate(value, from: start) }
        let negated = at(.not) && [.between, .in, .like, .ilike, .rlike, .regexp].contains(keyword(1))
        if negated { advance() }
        switch keyword() {
        case .between:
            advance()
            let low = try valueExpression()
            try expect(.and)
            let high = try valueExpression()
            return try make(.between(value, low: low, high: high, negated: negated), from: start)
        case .in:
            advance()
            return try inPredicate(value, negated: negated, from: start)
        case .like, .ilike, .rlike, .regexp:
            return try likePredicate(value, negated: negated, from: start)
        default: return value
        }
    }

    private mutating func isPredicate(_ value: Expression, from start: Int) throws(TidemillError) -> Expression {
        let negated = accept(.not)
        if accept(.null) { return try make(.isNull(value, negated: negated), from: start) }
        if accept(.true) { return try make(.isBoolean(value, value: true, negated: negated), from: start) }
        if accept(.false) { return try make(.isBoolean(value, value: false, negated: negated), from: start) }
        if accept(.unknown) { return try make(.isBoolean(value, value: nil, negated: negated), from: start) }
        if accept(.distinct) {
            try expect(.from)
            let other = try valueExpression()
            return try make(.isDistinctFrom(value, other, negated: negated), from: start)
        }
        throw unexpected(
            expected: "NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM", candidates: [.null, .true, .false, .unknown])
    }

    private mutating func inPredicate(
        _ value: Expression, negated: Bool, from start: Int
    ) throws(TidemillError) -> Expression {
        let opening = position
        try expect(.leftParenthesis)
        if at(.rightParenthesis) {
            advance()
            throw syntaxError(
                "IN needs at least one value", hint: "write WHERE FALSE for an empty list",
                code: "INVALID_SQL_SYNTAX.EMPTY_IN_PREDICATE", span(from: opening))
        }
        if startsQuery() {
            let query = try query()
            try close(opening)
            return try make(.inSubquery(value, query, negated: negated), from: start)
        }
        let elements = try list { p throws(TidemillError) in try p.expression() }
        if elements.count == 1, let query = try continuedQuery(elements[0], from: opening + 1) {
            try close(opening)
            return try make(.inSubquery(value, query, negated: negated), from: start)
        }
        try close(opening)
        return try make(.inList(value, elements, negated: negated), from: start)
    }

    private mutating func likePredicate(
        _ value: Expression, negated: Bool, from start: Int
    ) throws(TidemillError) -> Expression {
        let op: LikePredicate.Operator = at(.like) ? .like : at(.ilike) ? .ilike : .rlike
        advance()
        var quantifier: LikePredicate.Quantifier?
        if op != .rlike, symbol(1) == .leftParenthesis {
            if at(.any) || at(.some) { quantifier = .any } else if at(.all) { quantifier = .all }
        }
        var patterns: [Expression]
        if quantifier != nil {
            advance()
            if symbol(1) == .rightParenthesis {
                throw syntaxError(
                    "LIKE \(quantifier?.rawValue ?? "") needs at least one pattern",
                    code: "INVALID_SQL_SYNTAX.EMPTY_QUANTIFIED_PATTERN", span(of: position))
            }
            patterns = try parenthesizedList { p throws(TidemillError) in try p.expression() }
        } else {
            patterns = [try valueExpression()]
        }
        var escape: Character?
        if op != .rlike, quantifier == nil, at(.escape), isString(1) {
            advance()
            let escapeStart = position
            let text = try string()
            guard text.count == 1, let character = text.first else {
                throw syntaxError(
                    "the escape must be one character, found '\(text)'", code: "INVALID_ESC", span(from: escapeStart))
            }
            escape = character
        }
        let like = LikePredicate(
            op: op, isNegated: negated, value: value, patterns: patterns, quantifier: quantifier, escape: escape)
        return try make(.like(like), from: start)
    }

    // MARK: Operators

    /// Levels of the operators between two values; higher binds tighter.
    private enum Level: Int {
        case comparison = 1
        case bitwiseOr, bitwiseXor, bitwiseAnd, shift, additive, multiplicative
    }

    private enum Operator {
        case binary(BinaryOperator)
        case comparison(ComparisonOperator)
    }

    /// The operator here, its level and how many tokens it takes.
    private func infix() -> (op: Operator, level: Level, tokens: Int)? {
        if at(.div) { return (.binary(.integerDivide), .multiplicative, 1) }
        guard let symbol = symbol() else { return nil }
        switch symbol {
        case .star: return (.binary(.multiply), .multiplicative, 1)
        case .slash: return (.binary(.divide), .multiplicative, 1)
        case .percent: return (.binary(.remainder), .multiplicative, 1)
        case .plus: return (.binary(.add), .additive, 1)
        case .minus: return (.binary(.subtract), .additive, 1)
        case .doubleBar: return (.binary(.concatenate), .additive, 1)
        case .ampersand: return (.binary(.bitwiseAnd), .bitwiseAnd, 1)
        case .caret: return (.binary(.bitwiseXor), .bitwiseXor, 1)
        case .bar: return (.binary(.bitwiseOr), .bitwiseOr, 1)
        case .equal, .doubleEqual: return (.comparison(.equal), .comparison, 1)
        case .nullSafeEqual: return (.comparison(.nullSafeEqual), .comparison, 1)
        case .notEqual, .lessGreater: return (.comparison(.notEqual), .comparison, 1)
        case .lessOrEqual, .notGreater: return (.comparison(.lessOrEqual), .comparison, 1)
        case .greaterOrEqual, .notLess: return (.comparison(.greaterOrEqual), .comparison, 1)
        case .less:
            return isAdjacent(.less, 1)
                ? (.binary(.shiftLeft), .shift, 2) : (.comparison(.less), .comparison, 1)
        case .greater:
            guard isAdjacent(.greater, 1) else { return (.comparison(.greater), .comparison, 1) }
            return isAdjacent(.greater, 2)
                ? (.binary(.shiftRightUnsigned), .shift, 3) : (.binary(.shiftRight), .shift, 2)
        default: return nil
        }
    }

    private func isAdjacent(_ symbol: Symbol, _ offset: Int) -> Bool {
        self.symbol(offset) == symbol && peek(offset).range.lowerBound == peek(offset - 1).range.upperBound
    }

    mutating func valueExpression() throws(TidemillError) -> Expression {
        try operation(minimum: Level.comparison.rawValue)
    }

    /// Precedence climbing; all operators associate to the left.
    private mutating func operation(minimum: Int) throws(TidemillError) -> Expression {
        let start = position
        var left = try unary()
        while let (op, level, count) = infix(), level.rawValue >= minimum {
            for _ in 0..<count { advance() }
            let right = try operation(minimum: level.rawValue + 1)
            switch op {
            case .binary(let binary): left = try make(.binary(binary, left, right), from: start)
            case .comparison(let comparison): left = try make(.comparison(comparison, left, right), from: start)
            }
        }
        return left
    }

    private mutating func unary() throws(TidemillError) -> Expression {
        let start = position
        let op: UnaryOperator
        switch symbol() {
        case .minus:
            if isNumber(1) {
                advance()
                let literal = try numericLiteral(isNegative: true, from: start)
                return try postfix(try make(.literal(literal), from: start), from: start)
            }
            op = .minus
        case .plus: op = .plus
        case .tilde: op = .bitwiseNot
        default: return try postfix(try primary(), from: start)
        }
        advance()
        let operand = try nested { parser throws(TidemillError) in try parser.unary() }
        return try make(.unary(op, operand), from: start)
    }

    /// `[index]`, `.field`, `::type`, `COLLATE name`, any number of them.
    private mutating func postfix(_ value: Expression, from start: Int) throws(TidemillError) -> Expression {
        var value = value
        while true {
            switch current.kind {
            case .symbol(.leftBracket):
                let opening = position
                advance()
                let index = try expression()
                guard accept(.rightBracket) else {
                    throw unexpected(expected: "']'").hinting("the bracket at \(place(opening)) is not closed")
                }
                value = try make(.element(value, index: index), from: start)
            case .symbol(.dot):
                advance()
                value = try make(.field(value, try identifier("a field name")), from: start)
            case .symbol(.doubleColon):
                advance()
                let type = try typeName()
                value = try make(.cast(value, type, isTry: false), from: start)
            case .symbol(.colon):
                throw unsupported(
                    "the path operator ':'", hint: "write get_json_object(value, '$.path')", span(of: position))
            case .word(.collate) where isName(1):
                advance()
                let name = try qualifiedName("a collation")
                let argument = Expression(.literal(.string(name.text)), span: name.span)
                let function = QualifiedName(parts: [Identifier(name: "collate", span: name.span)], span: name.span)
                let call = FunctionCall(
                    name: function, arguments: [FunctionArgument(value: value), FunctionArgument(value: argument)])
                value = try make(.function(call), from: start)
            default: return value
            }
        }
    }
}
