public import TideCore

/// `name(arguments)` with everything that can stand inside and behind it. Special forms of standard SQL that are plain
/// calls in Spark come as calls too: SUBSTRING(x FROM a FOR b), POSITION(a IN b) as `locate`, OVERLAY, `x COLLATE c`.
/// The unit of DATEADD(DAY, …) and its kin is a string literal argument. `current_date` without parentheses comes as a
/// column, because a column of that name goes first; see `namesWithoutParentheses`.
public struct FunctionCall: Sendable {
    public enum NullTreatment: Sendable {
        case ignore
        case respect
    }
    public let name: QualifiedName
    public let arguments: [FunctionArgument]
    public let isDistinct: Bool
    public let filter: Expression?
    public let nullTreatment: NullTreatment?
    /// `WITHIN GROUP (ORDER BY …)`; empty when absent.
    public let withinGroup: [SortItem]
    public let over: WindowReference?

    /// Functions that a column name stands for if no such column exists. Lower case.
    public static let namesWithoutParentheses: Set<String> = [
        "current_date", "current_timestamp", "current_time", "localtimestamp", "current_user", "user",
        "session_user", "current_catalog", "current_database", "current_schema", "current_timezone",
        "grouping__id",
    ]

    public init(
        name: QualifiedName, arguments: [FunctionArgument], isDistinct: Bool = false, filter: Expression? = nil,
        nullTreatment: NullTreatment? = nil, withinGroup: [SortItem] = [], over: WindowReference? = nil
    ) {
        self.name = name
        self.arguments = arguments
        self.isDistinct = isDistinct
        self.filter = filter
        self.nullTreatment = nullTreatment
        self.withinGroup = withinGroup
        self.over = over
    }
}

/// `value`, `name => value`, or inside `struct(…)` `value AS alias`.
public struct FunctionArgument: Sendable {
    public let name: Identifier?
    public let value: Expression
    public let alias: Identifier?

    public init(name: Identifier? = nil, value: Expression, alias: Identifier? = nil) {
        self.name = name
        self.value = value
        self.alias = alias
    }
}

/// What stands behind OVER.
public indirect enum WindowReference: Sendable {
    case named(Identifier)
    case specification(WindowSpecification)
}

/// `(PARTITION BY … ORDER BY … frame)`
public struct WindowSpecification: Sendable {
    public let partitionBy: [Expression]
    public let orderBy: [SortItem]
    public let frame: WindowFrame?
    public let span: SourceSpan

    public init(partitionBy: [Expression], orderBy: [SortItem], frame: WindowFrame?, span: SourceSpan) {
        self.partitionBy = partitionBy
        self.orderBy = orderBy
        self.frame = frame
        self.span = span
    }
}

/// `ROWS | RANGE BETWEEN start AND end`; without BETWEEN, `end` is the current row.
public struct WindowFrame: Sendable {
    public enum Unit: String, Sendable {
        case rows = "ROWS"
        case range = "RANGE"
    }
    public enum Bound: Sendable {
        case unboundedPreceding
        case preceding(Expression)
        case currentRow
        case following(Expression)
        case unboundedFollowing
    }
    public let unit: Unit
    public let start: Bound
    public let end: Bound
    public let span: SourceSpan

    public init(unit: Unit, start: Bound, end: Bound, span: SourceSpan) {
        self.unit = unit
        self.start = start
        self.end = end
        self.span = span
    }
}

/// `WINDOW name AS (…)` or `WINDOW name AS other`.
public struct NamedWindow: Sendable {
    public let name: Identifier
    public let definition: WindowReference

    public init(name: Identifier, definition: WindowReference) {
        self.name = name
        self.definition = definition
    }
}

/// `expression [ASC | DESC] [NULLS FIRST | LAST]`
public struct SortItem: Sendable {
    public let expression: Expression
    public let isDescending: Bool
    /// As written; Spark's default is first for ASC and last for DESC.
    public let nullsFirst: Bool?
    public let span: SourceSpan

    public init(expression: Expression, isDescending: Bool, nullsFirst: Bool?, span: SourceSpan) {
        self.expression = expression
        self.isDescending = isDescending
        self.nullsFirst = nullsFirst
        self.span = span
    }

    /// Where NULLs go, with Spark's default applied.
    public var putsNullsFirst: Bool { nullsFirst ?? !isDescending }
}
