import TideCore

// The operands of expressions.

extension Parser {
    /// Whether the word here is used as a name although it is an operator's or a clause's: `SELECT end FROM t`.
    var isWordAsOperand: Bool { endsOperand(1) }

    mutating func primary() throws(TidemillError) -> Expression {
        let start = position
        switch current.kind {
        case .string, .rawString: return try make(.literal(.string(try string())), from: start)
        case .integer, .number:
            return try make(.literal(try numericLiteral(isNegative: false, from: start)), from: start)
        case .symbol(.leftParenthesis): return try parenthesized()
        case .symbol(.star):
            advance()
            return try make(.star(Star(qualifier: nil, except: try starExcept())), from: start)
        case .quotedIdentifier: return try nameOrCall()
        case .word(let keyword):
            if isString(1), !at(.interval), !at(.case) { return try make(.literal(try typedLiteral()), from: start) }
            if let keyword, let expression = try special(keyword) { return expression }
            return try nameOrCall()
        default: throw unexpected(expected: "an expression")
        }
    }

    /// The forms that begin with a keyword; nil if the word is a plain name here.
    private mutating func special(_ keyword: Keyword) throws(TidemillError) -> Expression? {
        let start = position
        let hasArguments = symbol(1) == .leftParenthesis
        switch keyword {
        case .null:
            advance()
            return try make(.literal(.null), from: start)
        case .true, .false:
            advance()
            return try make(.literal(.boolean(keyword == .true)), from: start)
        case .interval where atIntervalLiteral:
            return try make(.literal(.interval(try intervalLiteral())), from: start)
        case .case where !isWordAsOperand: return try caseExpression()
        case .cast where hasArguments, .try_cast where hasArguments: return try castExpression()
        case .exists where hasArguments && startsQuery(2):
            let opening = position + 1
            advance()
            advance()
            let query = try query()
            try close(opening)
            return try make(.exists(query), from: start)
        case .extract where hasArguments && isName(2) && self.keyword(3) == .from: return try extractExpression()
        case .trim where hasArguments: return try trimExpression()
        case .substring where hasArguments, .substr where hasArguments: return try substringExpression()
        case .position where hasArguments: return try positionExpression()
        case .overlay where hasArguments: return try overlayExpression()
        // Functions of these names: regexp(s, pattern).
        case .like where hasArguments, .ilike where hasArguments, .rlike where hasArguments,
            .regexp where hasArguments:
            return nil
        // Words that join operands or end them: no name unless what follows says so.
        case .and, .or, .in, .like, .ilike, .rlike, .regexp, .between, .is, .as, .then, .when, .else, .end, .on, .using,
            .by, .join, .into, .asc, .desc, .not:
            if isWordAsOperand || symbol(1) == .dot { return nil }
            throw unexpected(expected: "an expression")
        default:
            if clauseStarts() { throw unexpected(expected: "an expression") }
            return nil
        }
    }

    // MARK: Names

    /// `a.b.c`, `a.*`, `f(…)`, `x -> …`
    private mutating func nameOrCall() throws(TidemillError) -> Expression {
        let start = position
        if symbol(1) == .arrow {
            let parameter = try identifier()
            return try lambda([parameter], from: start)
        }
        let name = try qualifiedName()
        if at(.dot), symbol(1) == .star {
            advance()
            advance()
            return try make(.star(Star(qualifier: name, except: try starExcept())), from: start)
        }
        if at(.leftParenthesis) { return try make(.function(try functionCall(name)), from: start) }
        return try make(.column(name), from: start)
    }

    private mutating func starExcept() throws(TidemillError) -> [QualifiedName] {
        guard at(.except), symbol(1) == .leftParenthesis, !startsQuery(2) else { return [] }
        advance()
        return try parenthesizedList { p throws(TidemillError) in try p.qualifiedName() }
    }

    private mutating func lambda(_ parameters: [Identifier], from start: Int) throws(TidemillError) -> Expression {
        try expect(.arrow)
        let body = try expression()
        return try make(.lambda(parameters: parameters, body: body), from: start)
    }

    // MARK: Parentheses

    /// A subquery, a lambda's parameters, a row of several values, or just grouping.
    private mutating func parenthesized() throws(TidemillError) -> Expression {
        let opening = position
        if atLambdaParameters {
            let parameters = try parenthesizedNames()
            return try lambda(parameters, from: opening)
        }
        advance()
        if startsQuery() {
            let query = try query()
            try close(opening)
            return try make(.scalarSubquery(query), from: opening)
        }
        let first = try expression()
        if let query = try continuedQuery(first, from: opening + 1) {
            try close(opening)
            return try make(.scalarSubquery(query), from: opening)
        }
        guard at(.comma) else {
            try close(opening)
            return try make(first.kind, from: opening)
        }
        let elements = try list(after: first) { p throws(TidemillError) in try p.expression() }
        try close(opening)
        return try make(.row(elements), from: opening)
    }

    /// `(x, y) ->`: names only, then the arrow. Stops at the first token that does not fit.
    private var atLambdaParameters: Bool {
        var offset = 1
        while isName(offset) {
            if symbol(offset + 1) == .rightParenthesis { return offset > 1 && symbol(offset + 2) == .arrow }
            guard symbol(offset + 1) == .comma else { return false }
            offset += 2
        }
        return false
    }

    /// `((SELECT 1) UNION …)`: what was read as a parenthesised subquery goes on as a query.
    mutating func continuedQuery(
        _ first: Expression, from start: Int
    ) throws(TidemillError) -> Query? {
        guard case .scalarSubquery(let query) = first.kind, continuesQuery else { return nil }
        let body = QueryBody(.query(query), span: first.span)
        return try self.query(continuing: body, from: start)
    }

    // MARK: CASE, CAST

    private mutating func caseExpression() throws(TidemillError) -> Expression {
        let start = position
        advance()
        let operand = at(.when) ? nil : try expression()
        var branches: [CaseBranch] = []
        guard at(.when) else { throw unexpected(expected: "WHEN", candidates: [.when]) }
        while accept(.when) {
            let condition = try expression()
            try expect(.then)
            branches.append(CaseBranch(condition: condition, result: try expression()))
        }
        let otherwise = accept(.else) ? try expression() : nil
        guard accept(.end) else {
            throw unexpected(expected: "WHEN, ELSE or END").hinting("the CASE at \(place(start)) is not ended")
        }
        return try make(.caseWhen(operand: operand, branches: branches, otherwise: otherwise), from: start)
    }

    private mutating func castExpression() throws(TidemillError) -> Expression {
        let start = position
        let isTry = at(.try_cast)
        advance()
        let opening = position
        try expect(.leftParenthesis)
        let value = try expression()
        guard accept(.as) else { throw unexpected(expected: "AS").hinting("write CAST(value AS type)") }
        let type = try typeName()
        try close(opening)
        return try make(.cast(value, type, isTry: isTry), from: start)
    }

    // MARK: Functions with words inside

    private mutating func extractExpression() throws(TidemillError) -> Expression {
        let start = position
        advance()
        let opening = position
        advance()
        let field = try identifier()
        try expect(.from)
        let value = try expression()
        try close(opening)
        return try make(.extract(field: field, source: value), from: start)
    }

    private mutating func trimExpression() throws(TidemillError) -> Expression {
        let start = position
        let name = try identifier()
        let opening = position
        advance()
        var side: TrimSide?
        if !endsOperand(1) || keyword(1) == .from {
            side = at(.both) ? .both : at(.leading) ? .leading : at(.trailing) ? .trailing : nil
        }
        if side != nil { advance() }
        if at(.from), side != nil {
            advance()
            let value = try expression()
            try close(opening)
            return try make(.trim(side ?? .both, characters: nil, source: value), from: start)
        }
        if side == nil, at(.rightParenthesis) {
            position = opening
            return try make(.function(try functionCall(plain(name))), from: start)
        }
        let first = try expression()
        if accept(.from) {
            let value = try expression()
            try close(opening)
            return try make(.trim(side ?? .both, characters: first, source: value), from: start)
        }
        guard side == nil else { throw unexpected(expected: "FROM", candidates: [.from]) }
        return try make(.function(try functionCall(plain(name), opening: opening, first: first)), from: start)
    }

    /// `SUBSTRING(x FROM a [FOR b])`
    private mutating func substringExpression() throws(TidemillError) -> Expression {
        try standardCall("substring", first: .from) { parser, arguments throws(TidemillError) in
            arguments.append(try parser.expression())
            let length = parser.accept(.for) ? try parser.expression() : parser.constant(.integer(Int32.max))
            arguments.append(length)
        }
    }

    /// `POSITION(x IN s)`: Spark's `locate(x, s, 1)`.
    private mutating func positionExpression() throws(TidemillError) -> Expression {
        try standardCall("locate", first: .in) { parser, arguments throws(TidemillError) in
            arguments.append(try parser.expression())
            arguments.append(parser.constant(.integer(1)))
        }
    }

    /// `OVERLAY(s PLACING r FROM a [FOR b])`
    private mutating func overlayExpression() throws(TidemillError) -> Expression {
        try standardCall("overlay", first: .placing) { parser, arguments throws(TidemillError) in
            arguments.append(try parser.expression())
            try parser.expect(.from)
            arguments.append(try parser.expression())
            arguments.append(parser.accept(.for) ? try parser.expression() : parser.constant(.integer(-1)))
        }
    }

    /// `NAME(value FIRST …)` as a call of `function`; without the word `first` it is a call as written.
    private mutating func standardCall(
        _ function: String, first: Keyword,
        _ rest: (inout Parser, inout [Expression]) throws(TidemillError) -> Void
    ) throws(TidemillError) -> Expression {
        let start = position
        let name = try identifier()
        let opening = position
        advance()
        // The word may be `IN`, which an expression would take.
        if !at(.rightParenthesis) {
            var arguments = [try valueExpression()]
            if accept(first) {
                try rest(&self, &arguments)
                try close(opening)
                let called = QualifiedName(parts: [Identifier(name: function, span: name.span)], span: name.span)
                let call = FunctionCall(name: called, arguments: arguments.map { FunctionArgument(value: $0) })
                return try make(.function(call), from: start)
            }
            let call = try functionCall(plain(name), opening: opening, first: arguments[0])
            return try make(.function(call), from: start)
        }
        position = opening
        return try make(.function(try functionCall(plain(name))), from: start)
    }

    private func plain(_ name: Identifier) -> QualifiedName { QualifiedName(parts: [name], span: name.span) }

    /// A constant the writer left out, at the place where it would stand.
    func constant(_ literal: Literal) -> Expression { Expression(.literal(literal), span: span(of: position)) }
}
