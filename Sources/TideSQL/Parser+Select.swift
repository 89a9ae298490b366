import TideCore

extension Parser {
    /// From SELECT on; `relations` are those of a FROM before it.
    mutating func select(
        from relations: [Relation], lateralViews: [LateralView], start: Int
    ) throws(TidemillError) -> Select {
        let (hints, isDistinct, items) = try selectItems()
        var relations = relations
        var views = lateralViews
        if at(.from) {
            guard relations.isEmpty else { throw unexpected(expected: "one FROM only") }
            advance()
            (relations, views) = try fromClause()
        } else {
            views += try self.lateralViews()
        }
        let filter = accept(.where) ? try expression() : nil
        let groupBy = try groupByClause(isPipe: false)
        let having = accept(.having) ? try expression() : nil
        let qualify = at(.qualify) && clauseStarts() ? try clause(.qualify) : nil
        return Select(
            hints: hints, isDistinct: isDistinct, items: items, from: relations, lateralViews: views, filter: filter,
            groupBy: groupBy, having: having, qualify: qualify, windows: try windowClause(), span: span(from: start))
    }

    private mutating func clause(_ keyword: Keyword) throws(TidemillError) -> Expression {
        try expect(keyword)
        return try expression()
    }

    /// `SELECT [hints] [DISTINCT | ALL] items`
    mutating func selectItems() throws(TidemillError) -> ([Hint], isDistinct: Bool, [SelectItem]) {
        try expect(.select)
        var hints: [Hint] = []
        while current.kind == .hintStart {
            advance()
            while current.kind != .hintEnd {
                hints.append(try hint())
                _ = accept(.comma)
            }
            advance()
        }
        let isDistinct = at(.distinct) && !endsOperand(1)
        if isDistinct || at(.all) && !endsOperand(1) && symbol(1) != .leftParenthesis { advance() }
        return (hints, isDistinct, try list { p throws(TidemillError) in try p.selectItem() })
    }

    private mutating func hint() throws(TidemillError) -> Hint {
        let name = try identifier("a hint")
        guard at(.leftParenthesis) else { return Hint(name: name, arguments: []) }
        let opening = position
        advance()
        var arguments: [Expression] = []
        if !at(.rightParenthesis) { arguments = try list { p throws(TidemillError) in try p.expression() } }
        try close(opening)
        return Hint(name: name, arguments: arguments)
    }

    /// `expression [[AS] alias | AS (a, b)]`
    mutating func selectItem() throws(TidemillError) -> SelectItem {
        let start = position
        let expression = try expression()
        var aliases: [Identifier] = []
        if accept(.as) {
            aliases = at(.leftParenthesis) ? try parenthesizedNames() : [try identifier("an alias")]
        } else if mayBeColumnAlias {
            aliases = [try identifier()]
        }
        return SelectItem(expression: expression, aliases: aliases, span: span(from: start))
    }

    // MARK: GROUP BY

    /// Behind `|> AGGREGATE`, elements may have aliases.
    mutating func groupByClause(isPipe: Bool) throws(TidemillError) -> GroupBy? {
        guard at(.group, .by) else { return nil }
        let start = position
        advance()
        advance()
        if at(.all), !endsOperand(1) || atEndOfClause(1), symbol(1) != .leftParenthesis {
            advance()
            return GroupBy(isAll: true, elements: [], span: span(from: start))
        }
        var elements = try list { p throws(TidemillError) in try p.groupingElement(isPipe: isPipe) }
        let listed = span(from: start)
        if at(.with, .rollup) || at(.with, .cube) {
            let isRollup = keyword(1) == .rollup
            advance()
            advance()
            let columns = elements.flatMap { element in
                if case .expression(let e) = element.kind { [[e]] } else { [[Expression]]() }
            }
            guard columns.count == elements.count else {
                throw unsupported("WITH ROLLUP or CUBE over grouping sets", hint: "write them out", listed)
            }
            elements = [GroupingElement(isRollup ? .rollup(columns) : .cube(columns), span: span(from: start))]
        } else if at(.grouping, .sets) {
            elements = [try groupingElement(isPipe: false)]
        }
        return GroupBy(isAll: false, elements: elements, span: span(from: start))
    }

    /// Whether the clause that is being parsed ends `offset` tokens ahead.
    private func atEndOfClause(_ offset: Int) -> Bool {
        switch peek(offset).kind {
        case .end, .symbol(.rightParenthesis), .symbol(.semicolon), .symbol(.pipe): true
        default: clauseStarts(at: offset)
        }
    }

    private mutating func groupingElement(isPipe: Bool) throws(TidemillError) -> GroupingElement {
        let start = position
        let hasList = symbol(1) == .leftParenthesis
        if at(.rollup) && hasList || at(.cube) && hasList {
            let isRollup = at(.rollup)
            advance()
            let columns = try parenthesizedList { parser throws(TidemillError) in try parser.compositeColumn() }
            return GroupingElement(isRollup ? .rollup(columns) : .cube(columns), span: span(from: start))
        }
        if at(.grouping, .sets) {
            advance()
            advance()
            let sets = try parenthesizedList { parser throws(TidemillError) in
                try parser.nested { inner throws(TidemillError) in try inner.groupingSet() }
            }
            return GroupingElement(.groupingSets(sets), span: span(from: start))
        }
        let expression = try expression()
        var alias: Identifier?
        if isPipe {
            if accept(.as) { alias = try identifier() } else if mayBeColumnAlias { alias = try identifier() }
        }
        return GroupingElement(.expression(expression), alias: alias, span: span(from: start))
    }

    private mutating func compositeColumn() throws(TidemillError) -> [Expression] {
        if at(.leftParenthesis), symbol(1) == .rightParenthesis {
            advance()
            advance()
            return []
        }
        let expression = try expression()
        if case .row(let columns) = expression.kind { return columns }
        return [expression]
    }

    private mutating func groupingSet() throws(TidemillError) -> GroupingElement {
        let start = position
        let isNestedForm =
            (at(.rollup) || at(.cube)) && symbol(1) == .leftParenthesis || at(.grouping, .sets)
        if isNestedForm { return try groupingElement(isPipe: false) }
        let columns = try compositeColumn()
        return GroupingElement(.set(columns), span: span(from: start))
    }
}
