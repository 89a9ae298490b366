import TideCore

extension Parser {
    /// Behind FROM: relations, then lateral views.
    mutating func fromClause() throws(TidemillError) -> ([Relation], [LateralView]) {
        let relations = try list { p throws(TidemillError) in try p.relation() }
        return (relations, try lateralViews())
    }

    private func checked(_ relation: Relation) throws(TidemillError) -> Relation {
        try checked(height: relation.height, relation.span)
        return relation
    }

    /// A primary relation with its joins, pivots and unpivots.
    mutating func relation() throws(TidemillError) -> Relation {
        try nested { parser throws(TidemillError) in
            let start = parser.position
            return try parser.relation(continuing: try parser.primaryRelation(), from: start)
        }
    }

    private mutating func relation(continuing first: Relation, from start: Int) throws(TidemillError) -> Relation {
        var left = first
        while true {
            if let (kind, isNatural) = try joinOperator() {
                let (right, condition) = try joinRight()
                let join = Join(left: left, right: right, kind: kind, isNatural: isNatural, condition: condition)
                left = try checked(Relation(.join(join), span: span(from: start)))
            } else if at(.pivot), symbol(1) == .leftParenthesis {
                let pivot = try pivot()
                let alias = try tableAlias()
                left = try checked(Relation(.pivot(left, pivot), alias: alias, span: span(from: start)))
            } else if at(.unpivot) {
                let unpivot = try unpivot()
                let alias = try tableAlias()
                left = try checked(Relation(.unpivot(left, unpivot), alias: alias, span: span(from: start)))
            } else {
                return left
            }
        }
    }

    // MARK: Joins

    /// The words up to JOIN, taken; nil if no join stands here.
    mutating func joinOperator() throws(TidemillError) -> (JoinKind, isNatural: Bool)? {
        guard let word = keyword(), isJoinWord(word) else { return nil }
        let isNatural = accept(.natural)
        let kind: JoinKind
        if accept(.cross) {
            kind = .cross
        } else if accept(.left, .semi) || accept(.semi) {
            kind = .leftSemi
        } else if accept(.left, .anti) || accept(.anti) {
            kind = .leftAnti
        } else if accept(.left) {
            kind = .left
        } else if accept(.right) {
            kind = .right
        } else if accept(.full) {
            kind = .full
        } else {
            _ = accept(.inner)
            kind = .inner
        }
        if kind == .left || kind == .right || kind == .full { _ = accept(.outer) }
        try expect(.join)
        return (kind, isNatural)
    }

    mutating func joinRight() throws(TidemillError) -> (Relation, JoinCondition) {
        let right = try nested { parser throws(TidemillError) in try parser.primaryRelation() }
        if accept(.on) { return (right, .on(try expression())) }
        if accept(.using) { return (right, .using(try parenthesizedNames())) }
        return (right, .none)
    }

    // MARK: Primary relations

    private mutating func primaryRelation() throws(TidemillError) -> Relation {
        let start = position
        let isLateral = at(.lateral) && keyword(1) != .view && (symbol(1) == .leftParenthesis || isName(1))
        if isLateral { advance() }
        if at(.leftParenthesis) { return try parenthesizedRelation(isLateral: isLateral, from: start) }
        if at(.values), startsQuery() { return try decorated(.values(try inlineTable()), from: start) }
        if let word = keyword(), clauseStarts() || isJoinWord(word) && peek().kind != .end && !endsOperand(1) {
            throw unexpected(expected: "a table")
        }
        if at(.stream), symbol(1) == .leftParenthesis {
            advance()
            let opening = position
            advance()
            let kind = try namedRelation(isStream: true, mayHaveOptions: false)
            try close(opening)
            return try decorated(try withOptions(kind), isLateral: isLateral, from: start)
        }
        let isStream = at(.stream) && mayBeTableAlias(at: 1)
        if isStream { advance() }
        let kind = try namedRelation(isStream: isStream, mayHaveOptions: true)
        return try decorated(kind, isLateral: isLateral, from: start)
    }

    /// A table or table function by name.
    private mutating func namedRelation(
        isStream: Bool, mayHaveOptions: Bool
    ) throws(TidemillError) -> Relation.Kind {
        let name = try tableName("a table")
        if at(.leftParenthesis) { return .function(try tableFunction(name, isStream: isStream)) }
        if at(.version, .as) || at(.timestamp, .as) || at(.for), keyword(2) == .of || at(.for) {
            throw unsupported(
                "reading an earlier version of a table", hint: "roll the pipeline back to a savepoint",
                span(of: position))
        }
        let table = Relation.Kind.table(TableReference(name: name, isStream: isStream, options: []))
        return mayHaveOptions ? try withOptions(table) : table
    }

    /// `[WITH (key = value, …)]` behind a table's name.
    private mutating func withOptions(_ kind: Relation.Kind) throws(TidemillError) -> Relation.Kind {
        guard case .table(let table) = kind, at(.with), symbol(1) == .leftParenthesis else { return kind }
        advance()
        let options = try properties()
        return .table(TableReference(name: table.name, isStream: table.isStream, options: options))
    }

    /// A subquery, or a relation in parentheses.
    private mutating func parenthesizedRelation(
        isLateral: Bool, from start: Int
    ) throws(TidemillError) -> Relation {
        let opening = position
        advance()
        if startsQuery() {
            let query = try query()
            try close(opening)
            return try decorated(.subquery(query), isLateral: isLateral, from: start)
        }
        let inner = try relation()
        // `((SELECT 1) UNION …)`: what was read as a parenthesised subquery goes on as a query.
        if case .subquery(let first) = inner.kind, inner.alias == nil, inner.watermark == nil, inner.sample == nil,
            !inner.isLateral
        {
            var query = first
            if continuesQuery {
                let body = QueryBody(.query(first), span: inner.span)
                query = try self.query(continuing: body, from: opening + 1)
            }
            try close(opening)
            return try decorated(.subquery(query), isLateral: isLateral, from: start)
        }
        try close(opening)
        let whole = try decorated(.nested(inner), isLateral: isLateral, from: start)
        let isPlain = whole.alias == nil && whole.watermark == nil && whole.sample == nil && !isLateral
        return isPlain ? inner : whole
    }

    /// `[TABLESAMPLE …] [WATERMARK …] [alias]` around what was parsed.
    mutating func decorated(
        _ kind: Relation.Kind, isLateral: Bool = false, from start: Int
    ) throws(TidemillError) -> Relation {
        let sample = at(.tablesample) && symbol(1) == .leftParenthesis ? try tableSample() : nil
        let watermark = try watermark()
        let alias = try tableAlias()
        if watermark == nil, at(.watermark), !endsOperand(1) {
            throw syntaxError(
                "WATERMARK stands before the alias",
                hint: "write … WATERMARK … DELAY OF … AS \(alias?.name.name ?? "t")",
                span(of: position))
        }
        return try checked(
            Relation(
                kind, isLateral: isLateral, sample: sample, watermark: watermark, alias: alias,
                span: span(from: start)))
    }

    /// `[AS] name [(columns)]`
    private mutating func tableAlias() throws(TidemillError) -> TableAlias? {
        let start = position
        if accept(.as) {
            if let word = keyword(), isJoinWord(word) { throw unexpected(expected: "an alias") }
        } else if !mayBeTableAlias {
            return nil
        }
        let name = try identifier("an alias")
        let columns = at(.leftParenthesis) ? try parenthesizedNames() : []
        return TableAlias(name: name, columns: columns, span: span(from: start))
    }

    /// `WATERMARK expression [[AS] name] DELAY OF INTERVAL …`
    private mutating func watermark() throws(TidemillError) -> Watermark? {
        guard at(.watermark), !endsOperand(1) else { return nil }
        let start = position
        advance()
        let expression = try expression()
        var name: Identifier?
        if accept(.as) || isName() && !at(.delay) { name = try identifier("a name") }
        try expect(.delay, .of)
        let delay = try intervalLiteral(forDelay: true)
        return Watermark(expression: expression, name: name, delay: delay, span: span(from: start))
    }

    // MARK: Table functions

    private mutating func tableFunction(
        _ name: QualifiedName, isStream: Bool
    ) throws(TidemillError) -> TableFunction {
        let opening = position
        advance()
        var arguments: [TableFunctionArgument] = []
        if !at(.rightParenthesis) {
            arguments = try list { p throws(TidemillError) in try p.tableFunctionArgument() }
        }
        try close(opening)
        return TableFunction(name: name, arguments: arguments, isStream: isStream)
    }

    private mutating func tableFunctionArgument() throws(TidemillError) -> TableFunctionArgument {
        let start = position
        var name: Identifier?
        if isName(), symbol(1) == .fatArrow {
            name = try identifier()
            advance()
        }
        guard at(.table), symbol(1) == .leftParenthesis || isName(1) && !endsOperand(1) else {
            let value = try expression()
            return TableFunctionArgument(name: name, value: .expression(value), span: span(from: start))
        }
        advance()
        guard at(.leftParenthesis) else {
            throw syntaxError(
                "a table argument needs parentheses", hint: "write TABLE(\(text(current)))",
                code: "INVALID_SQL_SYNTAX.INVALID_TABLE_FUNCTION_IDENTIFIER_ARGUMENT_MISSING_PARENTHESES",
                span(from: start))
        }
        let opening = position
        advance()
        let relation: Relation
        if startsQuery() {
            relation = Relation(.subquery(try query()), span: span(from: opening + 1))
        } else {
            relation = try self.relation()
        }
        try close(opening)
        if at(.partition, .by) || at(.order, .by) || at(.distribute, .by) || at(.with) {
            throw unsupported(
                "partitioning or ordering of a table argument", hint: "order inside the query", span(of: position))
        }
        return TableFunctionArgument(name: name, value: .table(try checked(relation)), span: span(from: start))
    }
}
