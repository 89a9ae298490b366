public import TideCore

/// Something that stands in FROM: what it is, and what may follow any of them.
public struct Relation: Sendable {
    public indirect enum Kind: Sendable {
        case table(TableReference)
        case subquery(Query)
        case values(InlineTable)
        case function(TableFunction)
        case join(Join)
        /// Parentheses that carry a watermark, sample or alias of their own around a relation.
        case nested(Relation)
        case pivot(Relation, Pivot)
        case unpivot(Relation, Unpivot)
    }
    public let kind: Kind
    /// LATERAL before a subquery or table function.
    public let isLateral: Bool
    public let sample: TableSample?
    public let watermark: Watermark?
    public let alias: TableAlias?
    public let span: SourceSpan
    public let height: Int

    public init(
        _ kind: Kind, isLateral: Bool = false, sample: TableSample? = nil, watermark: Watermark? = nil,
        alias: TableAlias? = nil, span: SourceSpan
    ) {
        self.kind = kind
        self.isLateral = isLateral
        self.sample = sample
        self.watermark = watermark
        self.alias = alias
        self.span = span
        self.height = max(kind.heightOfChildren, watermark?.expression.height ?? 0) + 1
    }
}

/// `[STREAM] name [WITH (options)]`, `STREAM(name)`; csv.`/a/path` is a name of two parts.
public struct TableReference: Sendable {
    public let name: QualifiedName
    public let isStream: Bool
    public let options: [Property]

    public init(name: QualifiedName, isStream: Bool, options: [Property]) {
        self.name = name
        self.isStream = isStream
        self.options = options
    }
}

/// `AS name [(columns)]`
public struct TableAlias: Sendable {
    public let name: Identifier
    public let columns: [Identifier]
    public let span: SourceSpan

    public init(name: Identifier, columns: [Identifier], span: SourceSpan) {
        self.name = name
        self.columns = columns
        self.span = span
    }
}

/// `WATERMARK expression [AS name] DELAY OF INTERVAL …`
public struct Watermark: Sendable {
    public let expression: Expression
    /// Required by Spark unless the expression is a column.
    public let name: Identifier?
    public let delay: IntervalLiteral
    public let span: SourceSpan

    public init(expression: Expression, name: Identifier?, delay: IntervalLiteral, span: SourceSpan) {
        self.expression = expression
        self.name = name
        self.delay = delay
        self.span = span
    }
}

/// `TABLESAMPLE (…) [REPEATABLE (seed)]`
public struct TableSample: Sendable {
    public enum Amount: Sendable {
        case percent(Double)
        case rows(Expression)
        case bucket(Int, of: Int)
    }
    public let amount: Amount
    public let seed: Int?
    public let span: SourceSpan

    public init(amount: Amount, seed: Int?, span: SourceSpan) {
        self.amount = amount
        self.seed = seed
        self.span = span
    }
}

public enum JoinKind: String, Sendable {
    case inner = "INNER"
    case left = "LEFT OUTER"
    case right = "RIGHT OUTER"
    case full = "FULL OUTER"
    case cross = "CROSS"
    case leftSemi = "LEFT SEMI"
    case leftAnti = "LEFT ANTI"
}

public enum JoinCondition: Sendable {
    case none
    case on(Expression)
    case using([Identifier])
}

public struct Join: Sendable {
    public let left: Relation
    public let right: Relation
    public let kind: JoinKind
    public let isNatural: Bool
    public let condition: JoinCondition

    public init(left: Relation, right: Relation, kind: JoinKind, isNatural: Bool, condition: JoinCondition) {
        self.left = left
        self.right = right
        self.kind = kind
        self.isNatural = isNatural
        self.condition = condition
    }
}

/// `name(arguments)` in FROM.
public struct TableFunction: Sendable {
    public let name: QualifiedName
    public let arguments: [TableFunctionArgument]
    public let isStream: Bool

    public init(name: QualifiedName, arguments: [TableFunctionArgument], isStream: Bool) {
        self.name = name
        self.arguments = arguments
        self.isStream = isStream
    }
}

public struct TableFunctionArgument: Sendable {
    public indirect enum Value: Sendable {
        case expression(Expression)
        /// `TABLE(name)` or `TABLE name`, as a relation of its own; `TABLE(query)` as a subquery relation.
        case table(Relation)
    }
    /// `name => value`
    public let name: Identifier?
    public let value: Value
    public let span: SourceSpan

    public init(name: Identifier?, value: Value, span: SourceSpan) {
        self.name = name
        self.value = value
        self.span = span
    }
}

/// `LATERAL VIEW [OUTER] function(…) [table] [AS columns]`
public struct LateralView: Sendable {
    public let isOuter: Bool
    public let function: QualifiedName
    public let arguments: [Expression]
    public let table: Identifier?
    public let columns: [Identifier]
    public let span: SourceSpan

    public init(
        isOuter: Bool, function: QualifiedName, arguments: [Expression], table: Identifier?, columns: [Identifier],
        span: SourceSpan
    ) {
        self.isOuter = isOuter
        self.function = function
        self.arguments = arguments
        self.table = table
        self.columns = columns
        self.span = span
    }
}

/// `PIVOT (aggregates FOR columns IN (values))`
public struct Pivot: Sendable {
    public struct Value: Sendable {
        public let expression: Expression
        public let alias: Identifier?

        public init(expression: Expression, alias: Identifier?) {
            self.expression = expression
            self.alias = alias
        }
    }
    public let aggregates: [SelectItem]
    public let columns: [Identifier]
    /// With several columns each expression is a `row`.
    public let values: [Value]
    public let span: SourceSpan

    public init(aggregates: [SelectItem], columns: [Identifier], values: [Value], span: SourceSpan) {
        self.aggregates = aggregates
        self.columns = columns
        self.values = values
        self.span = span
    }
}

/// `UNPIVOT [INCLUDE | EXCLUDE NULLS] (values FOR name IN (columns))`
public struct Unpivot: Sendable {
    /// One output row of each input row: the columns it takes its values from.
    public struct Source: Sendable {
        public let columns: [QualifiedName]
        public let alias: Identifier?

        public init(columns: [QualifiedName], alias: Identifier?) {
            self.columns = columns
            self.alias = alias
        }
    }
    public let includesNulls: Bool
    /// One name, or several for `(a, b) FOR n IN ((x, y), …)`.
    public let valueColumns: [Identifier]
    public let nameColumn: Identifier
    public let sources: [Source]
    public let span: SourceSpan

    public init(
        includesNulls: Bool, valueColumns: [Identifier], nameColumn: Identifier, sources: [Source], span: SourceSpan
    ) {
        self.includesNulls = includesNulls
        self.valueColumns = valueColumns
        self.nameColumn = nameColumn
        self.sources = sources
        self.span = span
    }
}
