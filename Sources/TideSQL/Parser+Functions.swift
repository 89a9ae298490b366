import TideCore

extension Parser {
    /// From the opening parenthesis on.
    mutating func functionCall(_ name: QualifiedName) throws(TidemillError) -> FunctionCall {
        let opening = position
        try expect(.leftParenthesis)
        var isDistinct = false
        if at(.distinct) || at(.all), !endsOperand(1) {
            isDistinct = at(.distinct)
            advance()
        }
        var arguments: [FunctionArgument] = []
        if !at(.rightParenthesis) {
            let mayHaveAlias = name.text.lowercased() == "struct"
            arguments = try list { p throws(TidemillError) in try p.functionArgument(mayHaveAlias: mayHaveAlias) }
        }
        return try functionCall(name, opening: opening, arguments: arguments, isDistinct: isDistinct)
    }

    /// From behind the first argument on.
    mutating func functionCall(
        _ name: QualifiedName, opening: Int, first: Expression
    ) throws(TidemillError) -> FunctionCall {
        let arguments = try list(after: FunctionArgument(value: first)) { p throws(TidemillError) in
            try p.functionArgument(mayHaveAlias: false)
        }
        return try functionCall(name, opening: opening, arguments: arguments, isDistinct: false)
    }

    /// From behind the last argument on: what may stand there and behind the parenthesis.
    private mutating func functionCall(
        _ name: QualifiedName, opening: Int, arguments: [FunctionArgument], isDistinct: Bool
    ) throws(TidemillError) -> FunctionCall {
        var nullTreatment = nullTreatment()
        try close(opening)
        var withinGroup: [SortItem] = []
        if accept(.within, .group) {
            let opening = position
            try expect(.leftParenthesis)
            try expect(.order, .by)
            withinGroup = try list { p throws(TidemillError) in try p.sortItem() }
            try close(opening)
        }
        var filter: Expression?
        if at(.filter), symbol(1) == .leftParenthesis, keyword(2) == .where {
            advance()
            let opening = position
            advance()
            advance()
            filter = try expression()
            try close(opening)
        }
        if nullTreatment == nil { nullTreatment = self.nullTreatment() }
        var over: WindowReference?
        if at(.over), symbol(1) == .leftParenthesis || isName(1) && !endsOperand(1) && !clauseStarts(at: 1) {
            advance()
            over = try windowReference()
        }
        return FunctionCall(
            name: name, arguments: withUnitAsText(name, arguments), isDistinct: isDistinct, filter: filter,
            nullTreatment: nullTreatment, withinGroup: withinGroup, over: over)
    }

    private mutating func nullTreatment() -> FunctionCall.NullTreatment? {
        if accept(.ignore, .nulls) { return .ignore }
        return accept(.respect, .nulls) ? .respect : nil
    }

    /// `value`, `name => value`, in `struct` also `value AS alias`.
    private mutating func functionArgument(mayHaveAlias: Bool) throws(TidemillError) -> FunctionArgument {
        if isName(), symbol(1) == .fatArrow {
            let name = try identifier()
            advance()
            return FunctionArgument(name: name, value: try expression())
        }
        let value = try expression()
        return FunctionArgument(value: value, alias: mayHaveAlias && accept(.as) ? try identifier() : nil)
    }

    /// `DATEADD(DAY, 1, d)`: the unit is a word, not a column.
    private func withUnitAsText(_ name: QualifiedName, _ arguments: [FunctionArgument]) -> [FunctionArgument] {
        let functions = [
            "timestampadd", "dateadd", "date_add", "timestampdiff", "datediff", "date_diff", "timediff",
        ]
        let units = [
            "year", "quarter", "month", "week", "day", "dayofyear", "hour", "minute", "second", "millisecond",
            "microsecond",
        ]
        guard arguments.count == 3, name.parts.count == 1, functions.contains(name.last.name.lowercased()),
            case .column(let unit) = arguments[0].value.kind, unit.parts.count == 1, !unit.last.isQuoted,
            units.contains(unit.last.name.lowercased())
        else { return arguments }
        let text = Expression(.literal(.string(unit.last.name)), span: unit.span)
        return [FunctionArgument(value: text)] + arguments.dropFirst()
    }

    // MARK: Windows

    /// `name`, `(name)` or `(PARTITION BY … ORDER BY … frame)`
    mutating func windowReference() throws(TidemillError) -> WindowReference {
        guard at(.leftParenthesis) else { return .named(try identifier("a window")) }
        let opening = position
        advance()
        if isName(), symbol(1) == .rightParenthesis {
            let name = try identifier()
            advance()
            return .named(name)
        }
        var partitionBy: [Expression] = []
        if accept(.partition, .by) || accept(.distribute, .by) {
            partitionBy = try list { p throws(TidemillError) in try p.expression() }
        }
        var orderBy: [SortItem] = []
        if accept(.order, .by) || accept(.sort, .by) {
            orderBy = try list { p throws(TidemillError) in try p.sortItem() }
        }
        let frame = try windowFrame()
        guard at(.rightParenthesis) || atEnd else {
            throw unexpected(expected: "PARTITION BY, ORDER BY, ROWS, RANGE or ')'")
        }
        try close(opening)
        return .specification(
            WindowSpecification(
                partitionBy: partitionBy, orderBy: orderBy, frame: frame, span: span(from: opening)))
    }

    private mutating func windowFrame() throws(TidemillError) -> WindowFrame? {
        guard at(.rows) || at(.range) else { return nil }
        let start = position
        let unit: WindowFrame.Unit = at(.rows) ? .rows : .range
        advance()
        guard accept(.between) else {
            let bound = try frameBound()
            return WindowFrame(unit: unit, start: bound, end: .currentRow, span: span(from: start))
        }
        let first = try frameBound()
        try expect(.and)
        let last = try frameBound()
        return WindowFrame(unit: unit, start: first, end: last, span: span(from: start))
    }

    private mutating func frameBound() throws(TidemillError) -> WindowFrame.Bound {
        if accept(.unbounded, .preceding) { return .unboundedPreceding }
        if accept(.unbounded, .following) { return .unboundedFollowing }
        if accept(.current, .row) { return .currentRow }
        let offset = try valueExpression()
        if accept(.preceding) { return .preceding(offset) }
        if accept(.following) { return .following(offset) }
        throw unexpected(expected: "PRECEDING or FOLLOWING", candidates: [.preceding, .following])
    }

    /// `expression [ASC | DESC] [NULLS FIRST | LAST]`
    mutating func sortItem() throws(TidemillError) -> SortItem {
        let start = position
        let expression = try expression()
        let isDescending = accept(.desc)
        if !isDescending { _ = accept(.asc) }
        var nullsFirst: Bool?
        if accept(.nulls) {
            nullsFirst = at(.first)
            guard accept(.first) || accept(.last) else {
                throw unexpected(expected: "FIRST or LAST", candidates: [.first, .last])
            }
        }
        return SortItem(
            expression: expression, isDescending: isDescending, nullsFirst: nullsFirst, span: span(from: start))
    }
}
