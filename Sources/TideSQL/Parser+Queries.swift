import TideCore

extension Parser {
    /// Whether a query begins here. VALUES, TABLE and FROM may be names, too.
    func startsQuery(_ offset: Int = 0) -> Bool {
        switch keyword(offset) {
        case .select: !endsOperand(offset + 1)
        case .with: isName(offset + 1)
        case .from where symbol(offset + 1) == .leftParenthesis: true
        case .from, .table: isName(offset + 1) && !endsOperand(offset + 1)
        case .values:
            symbol(offset + 1) == .leftParenthesis || isNumber(offset + 1) || isString(offset + 1)
                || isName(offset + 1) && !endsOperand(offset + 1)
        default: false
        }
    }

    /// Whether a query goes on here behind a parenthesised one.
    var continuesQuery: Bool {
        switch keyword() {
        case .union, .except, .minus, .intersect, .limit, .offset: true
        case .order, .sort, .cluster, .distribute: keyword(1) == .by
        default: at(.pipe)
        }
    }

    /// `[WITH …] body [organisation]`
    mutating func query() throws(TidemillError) -> Query {
        try nested { parser throws(TidemillError) in
            let start = parser.position
            let with = try parser.withClause()
            let body = try parser.queryBody(minimum: 0)
            return try parser.organised(with: with, body: body, from: start)
        }
    }

    /// The rest of a query whose first parenthesised part is parsed already.
    mutating func query(continuing first: QueryBody, from start: Int) throws(TidemillError) -> Query {
        let body = try queryBody(continuing: first, minimum: 0, from: start)
        return try organised(with: nil, body: body, from: start)
    }

    private mutating func organised(
        with: WithClause?, body: QueryBody, from start: Int
    ) throws(TidemillError) -> Query {
        let order = try organisation()
        var body = body
        if !order.windows.isEmpty {
            guard case .select(let select) = body.kind, select.windows.isEmpty else {
                throw unsupported(
                    "a WINDOW clause here", hint: "put it into the SELECT it belongs to", span(from: start))
            }
            let whole = Select(
                hints: select.hints, isDistinct: select.isDistinct, items: select.items, from: select.from,
                lateralViews: select.lateralViews, filter: select.filter, groupBy: select.groupBy,
                having: select.having, qualify: select.qualify, windows: order.windows, span: select.span)
            body = QueryBody(.select(whole), span: body.span)
        }
        let query = Query(
            with: with, body: body, orderBy: order.orderBy, ordersByAll: order.ordersByAll, sortBy: order.sortBy,
            distributeBy: order.distributeBy, clusterBy: order.clusterBy, limit: order.limit, offset: order.offset,
            span: span(from: start))
        try checked(height: query.height, query.span)
        return query
    }

    private mutating func withClause() throws(TidemillError) -> WithClause? {
        guard at(.with), isName(1) else { return nil }
        advance()
        let isRecursive = at(.recursive) && isName(1)
        if isRecursive { advance() }
        let tables = try list { p throws(TidemillError) in try p.commonTable() }
        return WithClause(isRecursive: isRecursive, tables: tables)
    }

    private mutating func commonTable() throws(TidemillError) -> CommonTable {
        let start = position
        let name = try identifier("the name of a common table")
        let columns = at(.leftParenthesis) ? try parenthesizedNames() : []
        var levelMax: Int?
        if accept(.max) {
            try expect(.recursion, .level)
            guard current.kind == .integer, let value = Int(text(current)) else {
                throw unexpected(expected: "a number")
            }
            advance()
            levelMax = value
        }
        _ = accept(.as)
        let opening = position
        try expect(.leftParenthesis)
        let query = try query()
        try close(opening)
        return CommonTable(
            name: name, columns: columns, recursionLevelMax: levelMax, query: query, span: span(from: start))
    }

    // MARK: Order and limit

    struct Organisation {
        var orderBy: [SortItem] = []
        var ordersByAll = false
        var sortBy: [SortItem] = []
        var distributeBy: [Expression] = []
        var clusterBy: [Expression] = []
        var windows: [NamedWindow] = []
        var limit: Expression?
        var limitsToAll = false
        var offset: Expression?
    }

    /// ORDER BY, CLUSTER BY, DISTRIBUTE BY, SORT BY, WINDOW, LIMIT, OFFSET, each at most once and in this order.
    mutating func organisation() throws(TidemillError) -> Organisation {
        var order = Organisation()
        if accept(.order, .by) {
            order.orderBy = try list { p throws(TidemillError) in try p.sortItem() }
            if order.orderBy.count == 1, case .column(let name) = order.orderBy[0].expression.kind,
                name.parts.count == 1, !name.last.isQuoted, name.last.name.lowercased() == "all"
            {
                order.ordersByAll = true
            }
        }
        if accept(.cluster, .by) { order.clusterBy = try list { p throws(TidemillError) in try p.expression() } }
        if accept(.distribute, .by) { order.distributeBy = try list { p throws(TidemillError) in try p.expression() } }
        if accept(.sort, .by) { order.sortBy = try list { p throws(TidemillError) in try p.sortItem() } }
        order.windows = try windowClause()
        if accept(.limit) {
            if at(.all), endsOperand(1) || keyword(1) == .offset {
                advance()
                order.limitsToAll = true
            } else {
                order.limit = try expression()
            }
        }
        if accept(.offset) { order.offset = try expression() }
        return order
    }

    mutating func windowClause() throws(TidemillError) -> [NamedWindow] {
        guard at(.window), isName(1), keyword(2) == .as else { return [] }
        advance()
        return try list { parser throws(TidemillError) in
            let name = try parser.identifier()
            try parser.expect(.as)
            return NamedWindow(name: name, definition: try parser.windowReference())
        }
    }

    // MARK: Set operations

    private mutating func body(_ kind: QueryBody.Kind, from start: Int) throws(TidemillError) -> QueryBody {
        let body = QueryBody(kind, span: span(from: start))
        try checked(height: body.height, body.span)
        return body
    }

    /// INTERSECT (2) binds tighter than UNION, EXCEPT and MINUS (1); `|>` (0) takes all before it.
    mutating func queryBody(minimum: Int) throws(TidemillError) -> QueryBody {
        let start = position
        let first = try queryPrimary()
        return try queryBody(continuing: first, minimum: minimum, from: start)
    }

    private mutating func queryBody(
        continuing first: QueryBody, minimum: Int, from start: Int
    ) throws(TidemillError) -> QueryBody {
        var left = first
        while true {
            if at(.pipe), minimum == 0 {
                var stages: [PipeStage] = []
                while at(.pipe) { stages.append(try pipeStage()) }
                left = try body(.pipe(input: left, stages: stages), from: start)
            } else if let (op, level) = setOperator, level >= minimum {
                advance()
                let isDistinct = !accept(.all)
                if isDistinct { _ = accept(.distinct) }
                let right = try queryBody(minimum: level + 1)
                left = try body(.setOperation(op, isDistinct: isDistinct, left: left, right: right), from: start)
            } else {
                return left
            }
        }
    }

    var setOperator: (op: SetOperator, level: Int)? {
        switch keyword() {
        case .intersect: (.intersect, 2)
        case .union: (.union, 1)
        case .except, .minus: (.except, 1)
        default: nil
        }
    }

    private mutating func queryPrimary() throws(TidemillError) -> QueryBody {
        let start = position
        switch current.kind {
        case .symbol(.leftParenthesis):
            advance()
            let query = try query()
            try close(start)
            return try body(.query(query), from: start)
        case .word(.select): return try body(.select(try select(from: [], lateralViews: [], start: start)), from: start)
        case .word(.from):
            advance()
            let (relations, views) = try fromClause()
            if at(.select) {
                return try body(.select(try select(from: relations, lateralViews: views, start: start)), from: start)
            }
            return try body(.select(star(over: relations, views, from: start)), from: start)
        case .word(.values):
            let table = try inlineTable()
            guard at(.as) || mayBeTableAlias else { return try body(.values(table), from: start) }
            let relation = try decorated(.values(table), from: start)
            return try body(.select(star(over: [relation], [], from: start)), from: start)
        case .word(.table):
            advance()
            return try body(.table(try tableName()), from: start)
        default:
            throw unexpected(expected: "a query", candidates: [.select, .values, .with])
        }
    }

    /// `SELECT *` that nobody wrote.
    private func star(over relations: [Relation], _ views: [LateralView], from start: Int) -> Select {
        let span = span(from: start)
        let star = Expression(.star(Star(qualifier: nil, except: [])), span: span)
        return Select(
            items: [SelectItem(expression: star, aliases: [], span: span)], from: relations, lateralViews: views,
            span: span)
    }

    /// `VALUES row, row…`
    mutating func inlineTable() throws(TidemillError) -> InlineTable {
        let start = position
        try expect(.values)
        let rows = try list { parser throws(TidemillError) in
            let row = try parser.expression()
            switch row.kind {
            case .row(let values): return values
            // A struct that stands alone is the row, not a value of it, as in Spark.
            case .function(let call) where call.name.text.lowercased() == "struct" && call.over == nil:
                return call.arguments.map(\.value)
            default: return [row]
            }
        }
        return InlineTable(rows: rows, span: span(from: start))
    }
}
