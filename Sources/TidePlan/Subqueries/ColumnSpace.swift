/// Column numbers that stand for something else while a query is being analyzed. A finished plan has none of them.
///
/// Expressions are bound before it is known where their parts will be computed. Until then an aggregate call, a call
/// with OVER, a subquery or a column of an enclosing query is a column with a number from one of these ranges.
enum ColumnSpace {
    /// Results of aggregate calls, by position in their `AggregateCollector`.
    static let aggregates = 1 << 24
    /// Results of grouping(…) and grouping_id(…), by position in their `AggregateCollector`.
    static let groupings = 1 << 25
    /// Results of calls with OVER, by position in their `WindowCollector`.
    static let windows = 1 << 26
    /// Results of subqueries, numbered by the `QueryAnalyzer`.
    static let subqueries = 1 << 27
    /// Values that a subquery gets from the row of an enclosing query, numbered by the `QueryAnalyzer`.
    static let parameters = 1 << 28

    static func isParameter(_ index: Int) -> Bool { index >= parameters }
    static func isSubquery(_ index: Int) -> Bool { index >= subqueries && index < parameters }
    static func isWindow(_ index: Int) -> Bool { index >= windows && index < subqueries }
    static func isGrouping(_ index: Int) -> Bool { index >= groupings && index < windows }
    static func isAggregate(_ index: Int) -> Bool { index >= aggregates && index < groupings }
    /// A column of the input itself.
    static func isPlain(_ index: Int) -> Bool { index < aggregates }
}

extension BoundExpression {
    var hasParameters: Bool { contains(ColumnSpace.isParameter) }
    var hasSubqueries: Bool { contains(ColumnSpace.isSubquery) }
    var hasWindows: Bool { contains(ColumnSpace.isWindow) }

    private func contains(_ isWanted: (Int) -> Bool) -> Bool {
        if case .column(let index, _, _) = self { return isWanted(index) }
        return children.contains { $0.contains(isWanted) }
    }

    /// Every column replaced for which there is a replacement.
    func replacing(_ replacement: (Int) -> BoundExpression?) -> BoundExpression {
        if case .column(let index, _, _) = self { return replacement(index) ?? self }
        return mapChildren { $0.replacing(replacement) }
    }
}

extension LogicalPlan {
    /// Whether the plan needs values of an enclosing query.
    var hasParameters: Bool { !parameters.isEmpty }

    /// The parameters in the plan, ascending.
    var parameters: [Int] {
        var found = Set<Int>()
        visitExpressions { found.formUnion($0.columns.filter(ColumnSpace.isParameter)) }
        return found.sorted()
    }

    /// Every expression of every operator below.
    func visitExpressions(_ visit: (BoundExpression) -> Void) {
        _ = mapExpressions { expression in
            visit(expression)
            return expression
        }
        for input in inputs { input.visitExpressions(visit) }
    }
}
