// GROUP BY elements as grouping sets: a plain expression is in every set, ROLLUP, CUBE and GROUPING SETS are lists of
// sets, and elements beside each other are combined.

extension QueryAnalyzer {
    /// Bounds ROLLUP and CUBE, as in Spark.
    static let groupingSetsMax = 4096

    func groupingSets(
        _ elements: [GroupingElement],
        _ bind: (Expression, Identifier?) throws(TidemillError) -> NamedExpression
    ) throws(TidemillError) -> [[NamedExpression]] {
        var sets: [[NamedExpression]] = [[]]
        for element in elements {
            let alternatives = try self.sets(of: element, bind)
            guard sets.count * alternatives.count <= QueryAnalyzer.groupingSetsMax else {
                throw TidemillError(
                    .limit, "GROUPING_SIZE_LIMIT_EXCEEDED",
                    "GROUP BY makes more than \(QueryAnalyzer.groupingSetsMax) grouping sets",
                    hint: "name the sets you need with GROUPING SETS", place: .sql(element.span))
            }
            sets = sets.flatMap { set in alternatives.map { set + $0 } }
        }
        return sets
    }

    private func sets(
        of element: GroupingElement, _ bind: (Expression, Identifier?) throws(TidemillError) -> NamedExpression
    ) throws(TidemillError) -> [[NamedExpression]] {
        func bound(_ columns: [Expression]) throws(TidemillError) -> [NamedExpression] {
            var items: [NamedExpression] = []
            for column in columns { items.append(try bind(column, nil)) }
            return items
        }
        func all(_ lists: [[Expression]]) throws(TidemillError) -> [[NamedExpression]] {
            var items: [[NamedExpression]] = []
            for list in lists { items.append(try bound(list)) }
            return items
        }
        switch element.kind {
        case .expression(let expression): return [[try bind(expression, element.alias)]]
        case .set(let columns): return [try bound(columns)]
        case .rollup(let lists):
            let columns = try all(lists)
            return (0...columns.count).reversed().map { Array(columns.prefix($0).joined()) }
        case .cube(let lists):
            let columns = try all(lists)
            guard columns.count <= 12 else { return Array(repeating: [], count: QueryAnalyzer.groupingSetsMax + 1) }
            // From all columns to none, the first column changing last.
            return (0..<(1 << columns.count)).map { mask in
                columns.indices.filter { mask >> (columns.count - 1 - $0) & 1 == 0 }.flatMap { columns[$0] }
            }
        case .groupingSets(let elements):
            var sets: [[NamedExpression]] = []
            for element in elements { sets += try self.sets(of: element, bind) }
            return sets
        }
    }
}
