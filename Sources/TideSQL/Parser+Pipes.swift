import TideCore

extension Parser {
    /// One `|>` and what stands behind it.
    mutating func pipeStage() throws(TidemillError) -> PipeStage {
        let start = position
        try expect(.pipe)
        let kind = try pipeStageKind(from: start)
        return PipeStage(kind, span: span(from: start))
    }

    private mutating func pipeStageKind(from start: Int) throws(TidemillError) -> PipeStage.Kind {
        switch keyword() {
        case .select:
            let (hints, isDistinct, items) = try selectItems()
            return .select(hints: hints, isDistinct: isDistinct, items: items, windows: try windowClause())
        case .extend:
            advance()
            return .extend(try list { p throws(TidemillError) in try p.selectItem() })
        case .set:
            advance()
            return .set(
                try list { parser throws(TidemillError) in
                    let column = try parser.identifier("a column")
                    try parser.expect(.equal)
                    return Assignment(column: column, value: try parser.expression())
                })
        case .drop:
            advance()
            return .drop(try list { p throws(TidemillError) in try p.identifier("a column") })
        case .as:
            advance()
            return .alias(try identifier("an alias"))
        case .where:
            advance()
            return .filter(try expression())
        case .aggregate:
            advance()
            var items: [SelectItem] = []
            if !at(.group, .by) { items = try list { p throws(TidemillError) in try p.selectItem() } }
            return .aggregate(items: items, groupBy: try groupByClause(isPipe: true))
        case .union, .except, .minus, .intersect:
            let op = setOperator?.op ?? .union
            advance()
            let isDistinct = !accept(.all)
            if isDistinct { _ = accept(.distinct) }
            return .setOperation(op, isDistinct: isDistinct, right: try queryBody(minimum: 3))
        case .tablesample: return .sample(try tableSample())
        case .pivot: return .pivot(try pivot())
        case .unpivot: return .unpivot(try unpivot())
        case .order, .sort, .cluster, .distribute, .limit, .offset: return try pipeOrganisation(from: start)
        default: break
        }
        if let (kind, isNatural) = try joinOperator() {
            let (right, condition) = try joinRight()
            return .join(kind, isNatural: isNatural, right: right, condition: condition)
        }
        throw unexpected(
            expected: "a pipe operator such as WHERE, SELECT, EXTEND, AGGREGATE, JOIN or ORDER BY",
            candidates: [.where, .select, .extend, .set, .drop, .aggregate, .join, .order, .limit])
    }

    private mutating func pipeOrganisation(from start: Int) throws(TidemillError) -> PipeStage.Kind {
        let order = try organisation()
        let sorts =
            [order.orderBy.isEmpty, order.sortBy.isEmpty, order.distributeBy.isEmpty, order.clusterBy.isEmpty]
            .contains(false)
        guard !sorts || order.limit == nil && order.offset == nil && !order.limitsToAll else {
            throw syntaxError(
                "one |> step cannot both order and limit", hint: "write |> before LIMIT or OFFSET",
                code: "MULTIPLE_QUERY_RESULT_CLAUSES_WITH_PIPE_OPERATORS", span(from: start))
        }
        return .order(
            orderBy: order.orderBy, ordersByAll: order.ordersByAll, sortBy: order.sortBy,
            distributeBy: order.distributeBy, clusterBy: order.clusterBy, limit: order.limit, offset: order.offset)
    }
}
