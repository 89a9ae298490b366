/// What an aggregate computes. Arguments are already coerced to the type the accumulator takes.
public enum AggregateKind: Hashable, Sendable {
    /// All rows.
    case countStar
    /// Rows in which no argument is NULL.
    case count
    /// Argument bigint, double, decimal or an interval.
    case sum
    /// Argument double, decimal or an interval. The scale of decimals grows by 4 (bounded).
    case avg
    case min, max
    case first(ignoreNulls: Bool)
    case last(ignoreNulls: Bool)
    case anyValue(ignoreNulls: Bool)
    case boolAnd, boolOr
    /// Rows in which the boolean argument is true.
    case countIf
    /// Double in, double out.
    case stddevPop, stddevSamp, varPop, varSamp
    /// Two doubles in; rows in which either is NULL do not count.
    case covarPop, covarSamp, corr
    /// Double in, double out.
    case skewness, kurtosis
    /// Of doubles, interpolated between the two nearest; 0 ≤ fraction ≤ 1.
    case percentile(fraction: PercentileFraction)
    /// The most frequent value; of equally frequent ones the smallest.
    case mode
    /// The first argument in the row with the greatest (least) second; of several such rows the greatest (least) first,
    /// in streaming tables the one that came last.
    case maxBy, minBy
    /// Integral in and out.
    case bitAnd, bitOr, bitXor
    /// An array of the values that are not NULL, in the order of whole input rows.
    case collectList
    /// An array of the different values that are not NULL, ascending.
    case collectSet
    /// The texts that are not NULL, in the order of whole input rows or of the values, joined.
    case listAgg(delimiter: String)
    /// How many different values there are, by HyperLogLog++ with 2^precision registers; the argument is the value's
    /// register and rank.
    case distinctEstimate(precision: Int)
}

extension AggregateKind {
    /// Whether a streaming table's result can depend on the order in which rows came.
    public var followsArrival: Bool { picksRow || self == .maxBy || self == .minBy }
    /// Whether the result is the value of one row, chosen by the order of whole input rows.
    public var picksRow: Bool {
        switch self {
        case .first, .last, .anyValue, .collectList, .listAgg: true
        default: false
        }
    }
}

/// A part of one, compared by its bits.
public struct PercentileFraction: Hashable, Sendable {
    public let value: Double
    public init(_ value: Double) { self.value = value }
}

/// An aggregate call with its types settled.
public struct BoundAggregate: Hashable, Sendable {
    public var kind: AggregateKind
    public var arguments: [BoundExpression]
    public var distinct: Bool
    public var resultType: DataType
    public var nullable: Bool
    /// Where the call stands.
    public var origin = Origin.unknown

    /// The call at its place, and what binding put around its arguments too.
    public func located(at span: SourceSpan) -> BoundAggregate {
        var copy = self
        copy.arguments = arguments.map { $0.located(at: span) }
        copy.origin = Origin(span)
        return copy
    }

    public init(
        kind: AggregateKind, arguments: [BoundExpression], distinct: Bool, resultType: DataType, nullable: Bool
    ) {
        self.kind = kind
        self.arguments = arguments
        self.distinct = distinct
        self.resultType = resultType
        self.nullable = nullable
    }
}
