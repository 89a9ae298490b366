public import TideCore

/// A value expression. Parentheses leave no node; the span of a parenthesised expression includes them.
public struct Expression: Sendable {
    public indirect enum Kind: Sendable {
        case literal(Literal)
        /// `a`, `t.a`, `t.a.field`: which part is table, column or field is for the analyzer.
        case column(QualifiedName)
        case star(Star)
        case unary(UnaryOperator, Expression)
        case binary(BinaryOperator, Expression, Expression)
        case comparison(ComparisonOperator, Expression, Expression)
        /// Two or more operands: `a AND b AND c` is one node, so that long chains stay flat.
        case and([Expression])
        case or([Expression])
        case not(Expression)
        case isNull(Expression, negated: Bool)
        case isDistinctFrom(Expression, Expression, negated: Bool)
        /// `IS [NOT] TRUE | FALSE | UNKNOWN`; `value` is nil for UNKNOWN.
        case isBoolean(Expression, value: Bool?, negated: Bool)
        case between(Expression, low: Expression, high: Expression, negated: Bool)
        case inList(Expression, [Expression], negated: Bool)
        /// The left side is a `row` for `(a, b) IN (SELECT …)`.
        case inSubquery(Expression, Query, negated: Bool)
        case exists(Query)
        case scalarSubquery(Query)
        case like(LikePredicate)
        /// `CASE [operand] WHEN … THEN … [ELSE …] END`
        case caseWhen(operand: Expression?, branches: [CaseBranch], otherwise: Expression?)
        /// `CAST(e AS t)`, `e :: t`; with `isTry`, `TRY_CAST(e AS t)`.
        case cast(Expression, TypeName, isTry: Bool)
        case function(FunctionCall)
        /// `(a, b)`: Spark's struct of two or more values.
        case row([Expression])
        /// `x -> …`, `(x, y) -> …`
        case lambda(parameters: [Identifier], body: Expression)
        /// `a[i]`
        case element(Expression, index: Expression)
        /// `f(x).field`; a dot behind a plain name is part of `column`.
        case field(Expression, Identifier)
        /// `EXTRACT(field FROM source)`
        case extract(field: Identifier, source: Expression)
        /// `TRIM([BOTH | LEADING | TRAILING] [characters] FROM source)`
        case trim(TrimSide, characters: Expression?, source: Expression)
    }
    public let kind: Kind
    public let span: SourceSpan
    /// Levels of the tree below and including this node; the parser bounds it, so recursion over a tree is safe.
    public let height: Int

    public init(_ kind: Kind, span: SourceSpan) {
        self.kind = kind
        self.span = span
        self.height = kind.heightOfChildren + 1
    }
}

public enum UnaryOperator: String, Sendable {
    case minus = "-"
    case plus = "+"
    case bitwiseNot = "~"
}

public enum BinaryOperator: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case remainder = "%"
    case integerDivide = "div"
    case bitwiseAnd = "&"
    case bitwiseOr = "|"
    case bitwiseXor = "^"
    case shiftLeft = "<<"
    case shiftRight = ">>"
    case shiftRightUnsigned = ">>>"
    case concatenate = "||"
}

public enum ComparisonOperator: String, Sendable {
    case equal = "="
    /// `<=>`: true for two NULLs, never NULL.
    case nullSafeEqual = "<=>"
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
}

/// `*`, `t.*`, `* EXCEPT (a, b.c)`
public struct Star: Sendable {
    public let qualifier: QualifiedName?
    public let except: [QualifiedName]

    public init(qualifier: QualifiedName?, except: [QualifiedName]) {
        self.qualifier = qualifier
        self.except = except
    }
}

/// `value [NOT] LIKE | ILIKE | RLIKE [ANY | SOME | ALL] pattern… [ESCAPE 'c']`
public struct LikePredicate: Sendable {
    public enum Operator: String, Sendable {
        case like = "LIKE"
        case ilike = "ILIKE"
        /// RLIKE, also written REGEXP
        case rlike = "RLIKE"
    }
    public enum Quantifier: String, Sendable {
        /// ANY, also written SOME
        case any = "ANY"
        case all = "ALL"
    }
    public let op: Operator
    public let isNegated: Bool
    public let value: Expression
    /// One pattern without a quantifier, one or more with it.
    public let patterns: [Expression]
    public let quantifier: Quantifier?
    public let escape: Character?

    public init(
        op: Operator, isNegated: Bool, value: Expression, patterns: [Expression], quantifier: Quantifier?,
        escape: Character?
    ) {
        self.op = op
        self.isNegated = isNegated
        self.value = value
        self.patterns = patterns
        self.quantifier = quantifier
        self.escape = escape
    }
}

public struct CaseBranch: Sendable {
    public let condition: Expression
    public let result: Expression

    public init(condition: Expression, result: Expression) {
        self.condition = condition
        self.result = result
    }
}

public enum TrimSide: String, Sendable {
    case both = "BOTH"
    case leading = "LEADING"
    case trailing = "TRAILING"
}
