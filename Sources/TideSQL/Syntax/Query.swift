public import TideCore

/// `[WITH …] body [ORDER BY | SORT BY | CLUSTER BY | DISTRIBUTE BY …] [LIMIT …] [OFFSET …]`
public struct Query: Sendable {
    public let with: WithClause?
    public let body: QueryBody
    public let orderBy: [SortItem]
    /// ORDER BY ALL: every output column in order. `orderBy` then holds at most one item, of the column `ALL`.
    public let ordersByAll: Bool
    public let sortBy: [SortItem]
    public let distributeBy: [Expression]
    public let clusterBy: [Expression]
    /// nil when absent and for LIMIT ALL.
    public let limit: Expression?
    public let offset: Expression?
    public let span: SourceSpan
    public let height: Int

    public init(
        with: WithClause? = nil, body: QueryBody, orderBy: [SortItem] = [], ordersByAll: Bool = false,
        sortBy: [SortItem] = [], distributeBy: [Expression] = [], clusterBy: [Expression] = [],
        limit: Expression? = nil, offset: Expression? = nil, span: SourceSpan
    ) {
        self.with = with
        self.body = body
        self.orderBy = orderBy
        self.ordersByAll = ordersByAll
        self.sortBy = sortBy
        self.distributeBy = distributeBy
        self.clusterBy = clusterBy
        self.limit = limit
        self.offset = offset
        self.span = span
        var height = body.height
        for cte in with?.tables ?? [] { height = max(height, cte.query.height) }
        for item in orderBy + sortBy { height = max(height, item.expression.height) }
        for item in distributeBy + clusterBy { height = max(height, item.height) }
        self.height = max(height, limit?.height ?? 0, offset?.height ?? 0) + 1
    }
}

public struct WithClause: Sendable {
    public let isRecursive: Bool
    public let tables: [CommonTable]

    public init(isRecursive: Bool, tables: [CommonTable]) {
        self.isRecursive = isRecursive
        self.tables = tables
    }
}

/// `name [(columns)] [MAX RECURSION LEVEL n] AS (query)`
public struct CommonTable: Sendable {
    public let name: Identifier
    public let columns: [Identifier]
    public let recursionLevelMax: Int?
    public let query: Query
    public let span: SourceSpan

    public init(name: Identifier, columns: [Identifier], recursionLevelMax: Int?, query: Query, span: SourceSpan) {
        self.name = name
        self.columns = columns
        self.recursionLevelMax = recursionLevelMax
        self.query = query
        self.span = span
    }
}

/// What gives a query its rows.
public struct QueryBody: Sendable {
    public indirect enum Kind: Sendable {
        case select(Select)
        case setOperation(SetOperator, isDistinct: Bool, left: QueryBody, right: QueryBody)
        case values(InlineTable)
        /// `TABLE t`
        case table(QualifiedName)
        /// A parenthesised query with clauses of its own.
        case query(Query)
        /// `input |> stage |> stage…`
        case pipe(input: QueryBody, stages: [PipeStage])
    }
    public let kind: Kind
    public let span: SourceSpan
    public let height: Int

    public init(_ kind: Kind, span: SourceSpan) {
        self.kind = kind
        self.span = span
        self.height = kind.heightOfChildren + 1
    }
}

public enum SetOperator: String, Sendable {
    case union = "UNION"
    /// EXCEPT, also written MINUS
    case except = "EXCEPT"
    case intersect = "INTERSECT"
}

/// `VALUES (1, 'a'), (2, 'b')`; a row without parentheses is a row of one value.
public struct InlineTable: Sendable {
    public let rows: [[Expression]]
    public let span: SourceSpan

    public init(rows: [[Expression]], span: SourceSpan) {
        self.rows = rows
        self.span = span
    }
}

/// `SELECT … FROM … WHERE …`, or the same with FROM first. `FROM t` alone selects `*`.
public struct Select: Sendable {
    public let hints: [Hint]
    public let isDistinct: Bool
    public let items: [SelectItem]
    /// More than one: an inner join without a condition (comma). Empty: one row without columns.
    public let from: [Relation]
    public let lateralViews: [LateralView]
    public let filter: Expression?
    public let groupBy: GroupBy?
    public let having: Expression?
    public let qualify: Expression?
    public let windows: [NamedWindow]
    public let span: SourceSpan

    public init(
        hints: [Hint] = [], isDistinct: Bool = false, items: [SelectItem], from: [Relation],
        lateralViews: [LateralView] = [], filter: Expression? = nil, groupBy: GroupBy? = nil,
        having: Expression? = nil, qualify: Expression? = nil, windows: [NamedWindow] = [], span: SourceSpan
    ) {
        self.hints = hints
        self.isDistinct = isDistinct
        self.items = items
        self.from = from
        self.lateralViews = lateralViews
        self.filter = filter
        self.groupBy = groupBy
        self.having = having
        self.qualify = qualify
        self.windows = windows
        self.span = span
    }
}

/// `/*+ name(arguments) */`
public struct Hint: Sendable {
    public let name: Identifier
    public let arguments: [Expression]

    public init(name: Identifier, arguments: [Expression]) {
        self.name = name
        self.arguments = arguments
    }
}

/// `expression [[AS] alias]`, or `expression AS (a, b)` for a function that makes several columns.
public struct SelectItem: Sendable {
    public let expression: Expression
    /// Usually none or one.
    public let aliases: [Identifier]
    public let span: SourceSpan

    public init(expression: Expression, aliases: [Identifier], span: SourceSpan) {
        self.expression = expression
        self.aliases = aliases
        self.span = span
    }

    public var alias: Identifier? { aliases.count == 1 ? aliases[0] : nil }
    /// The column's name: the alias, else the name Spark would give it.
    public var columnName: String { columnName(windows: [:]) }
    public func columnName(windows: [String: WindowSpecification]) -> String {
        alias?.name ?? expression.columnName(windows: windows)
    }
}

/// `GROUP BY ALL` or a list. `GROUP BY a, b WITH ROLLUP` comes as one rollup element, `GROUP BY a, b GROUPING SETS (…)`
/// as one grouping-sets element.
public struct GroupBy: Sendable {
    public let isAll: Bool
    public let elements: [GroupingElement]
    public let span: SourceSpan

    public init(isAll: Bool, elements: [GroupingElement], span: SourceSpan) {
        self.isAll = isAll
        self.elements = elements
        self.span = span
    }
}

public struct GroupingElement: Sendable {
    public indirect enum Kind: Sendable {
        case expression(Expression)
        /// Each inner list is one composite column: `ROLLUP (a, (b, c))`.
        case rollup([[Expression]])
        case cube([[Expression]])
        /// An element in parentheses is `set`; rollup and cube may stand inside.
        case groupingSets([GroupingElement])
        /// `()` or `(a, b)` inside GROUPING SETS.
        case set([Expression])
    }
    public let kind: Kind
    /// Only behind `|> AGGREGATE`.
    public let alias: Identifier?
    public let span: SourceSpan

    public init(_ kind: Kind, alias: Identifier? = nil, span: SourceSpan) {
        self.kind = kind
        self.alias = alias
        self.span = span
    }
}

/// One `|>` step.
public struct PipeStage: Sendable {
    public indirect enum Kind: Sendable {
        case select(hints: [Hint], isDistinct: Bool, items: [SelectItem], windows: [NamedWindow])
        case extend([SelectItem])
        case set([Assignment])
        case drop([Identifier])
        case alias(Identifier)
        case filter(Expression)
        case aggregate(items: [SelectItem], groupBy: GroupBy?)
        /// The left side is the input of the stage.
        case join(JoinKind, isNatural: Bool, right: Relation, condition: JoinCondition)
        /// ORDER BY, SORT BY, …, LIMIT, OFFSET as one organisation of the input.
        case order(
            orderBy: [SortItem], ordersByAll: Bool, sortBy: [SortItem], distributeBy: [Expression],
            clusterBy: [Expression], limit: Expression?, offset: Expression?)
        case setOperation(SetOperator, isDistinct: Bool, right: QueryBody)
        case sample(TableSample)
        case pivot(Pivot)
        case unpivot(Unpivot)
    }
    public let kind: Kind
    public let span: SourceSpan

    public init(_ kind: Kind, span: SourceSpan) {
        self.kind = kind
        self.span = span
    }
}

/// `column = value` of `|> SET`.
public struct Assignment: Sendable {
    public let column: Identifier
    public let value: Expression

    public init(column: Identifier, value: Expression) {
        self.column = column
        self.value = value
    }
}
