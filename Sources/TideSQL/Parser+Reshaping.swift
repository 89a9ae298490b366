import TideCore

// What reshapes a relation: LATERAL VIEW, TABLESAMPLE, PIVOT, UNPIVOT.

extension Parser {
    /// `LATERAL VIEW [OUTER] function(…) [table] [AS columns]`, any number of them.
    mutating func lateralViews() throws(TidemillError) -> [LateralView] {
        var views: [LateralView] = []
        while at(.lateral, .view) {
            let start = position
            advance()
            advance()
            let isOuter = at(.outer) && symbol(1) != .leftParenthesis
            if isOuter { advance() }
            let function = try qualifiedName("a function")
            let opening = position
            try expect(.leftParenthesis)
            var arguments: [Expression] = []
            if !at(.rightParenthesis) { arguments = try list { p throws(TidemillError) in try p.expression() } }
            try close(opening)
            let table = !at(.as) && mayBeTableAlias ? try identifier() : nil
            let hasColumns = accept(.as)
            let columns = hasColumns ? try list { p throws(TidemillError) in try p.identifier("a column") } : []
            views.append(
                LateralView(
                    isOuter: isOuter, function: function, arguments: arguments, table: table, columns: columns,
                    span: span(from: start)))
        }
        return views
    }

    /// `TABLESAMPLE (n PERCENT | n ROWS | BUCKET x OUT OF y) [REPEATABLE (seed)]`
    mutating func tableSample() throws(TidemillError) -> TableSample {
        let start = position
        advance()
        let opening = position
        try expect(.leftParenthesis)
        let amount: TableSample.Amount
        if accept(.bucket) {
            let bucket = try integer()
            try expect(.out, .of)
            let count = try integer()
            amount = .bucket(bucket, of: count)
        } else if isNumber(), keyword(1) == .percent {
            guard let percent = Double(text(current)), percent.isFinite else {
                throw unexpected(expected: "a percentage")
            }
            advance()
            advance()
            amount = .percent(percent)
        } else {
            let rows = try expression()
            try expect(.rows)
            amount = .rows(rows)
        }
        try close(opening)
        var seed: Int?
        if accept(.repeatable) {
            let opening = position
            try expect(.leftParenthesis)
            seed = try integer()
            try close(opening)
        }
        return TableSample(amount: amount, seed: seed, span: span(from: start))
    }

    private mutating func integer() throws(TidemillError) -> Int {
        guard current.kind == .integer, let value = Int(text(current)) else { throw unexpected(expected: "a number") }
        advance()
        return value
    }

    /// `PIVOT (aggregates FOR column | (columns) IN (values))`
    mutating func pivot() throws(TidemillError) -> Pivot {
        let start = position
        try expect(.pivot)
        let opening = position
        try expect(.leftParenthesis)
        let aggregates = try list { p throws(TidemillError) in try p.selectItem() }
        try expect(.for)
        let columns = at(.leftParenthesis) ? try parenthesizedNames() : [try identifier("a column")]
        try expect(.in)
        let values = try parenthesizedList { parser throws(TidemillError) in
            let item = try parser.selectItem()
            return Pivot.Value(expression: item.expression, alias: item.alias)
        }
        try close(opening)
        return Pivot(aggregates: aggregates, columns: columns, values: values, span: span(from: start))
    }

    /// `UNPIVOT [INCLUDE | EXCLUDE NULLS] (values FOR name IN (columns))`
    mutating func unpivot() throws(TidemillError) -> Unpivot {
        let start = position
        try expect(.unpivot)
        let includesNulls = accept(.include)
        if includesNulls || accept(.exclude) { try expect(.nulls) }
        let opening = position
        try expect(.leftParenthesis)
        let valueColumns = at(.leftParenthesis) ? try parenthesizedNames() : [try identifier("a column")]
        try expect(.for)
        let nameColumn = try identifier("a column")
        try expect(.in)
        let sources = try parenthesizedList { parser throws(TidemillError) in
            let columns =
                parser.at(.leftParenthesis)
                ? try parser.parenthesizedList { p throws(TidemillError) in try p.qualifiedName("a column") }
                : [try parser.qualifiedName("a column")]
            let hasAlias = parser.accept(.as) || parser.isName()
            return Unpivot.Source(columns: columns, alias: hasAlias ? try parser.identifier("an alias") : nil)
        }
        try close(opening)
        return Unpivot(
            includesNulls: includesNulls, valueColumns: valueColumns, nameColumn: nameColumn, sources: sources,
            span: span(from: start))
    }
}
