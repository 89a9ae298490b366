/// What a call with OVER computes for each row, from the rows of its partition in order.
///
/// Ranking functions and `shifted` look at the whole partition; `nth` and `aggregate` at the row's frame.
public enum WindowFunction: Hashable, Sendable {
    /// 1, 2, 3, … without ties. Rows that the order leaves equal are told apart by the whole input row.
    case rowNumber
    /// 1 + the number of rows before the row's peers.
    case rank
    /// 1 + the number of groups of peers before the row's.
    case denseRank
    /// (rank - 1) / (rows of the partition - 1); 0 for a partition of one row.
    case percentRank
    /// Rows up to the last peer / rows of the partition.
    case cumeDist
    /// The partition in `buckets` parts of equal size, the first ones longer by one row where it does not divide.
    case ntile(buckets: Int)
    /// lag and lead: the argument of the row `by` rows further on (negative: before), `otherwise` evaluated over the
    /// current row where there is none. With `ignoresNulls` only rows with a value are counted.
    case shifted(BoundExpression, by: Int, otherwise: BoundExpression, ignoresNulls: Bool)
    /// nth_value: the argument of the frame's row `n` (from 1), NULL where the frame is shorter.
    case nth(BoundExpression, n: Int, ignoresNulls: Bool)
    /// An aggregate over the rows of the frame for which `filter` holds. `first`, `last` and `any_value` come so too.
    case aggregate(BoundAggregate, filter: BoundExpression?)
}

extension WindowFunction {
    /// The rows around the current one that a window function sees.
    public struct Frame: Hashable, Sendable {
        public enum Unit: String, Hashable, Sendable { case rows, range }
        public enum Bound: Hashable, Sendable {
            case unboundedPreceding
            /// ROWS: the row itself. RANGE: all its peers.
            case currentRow
            /// ROWS: so many rows further on (negative: before).
            case rows(Int)
            /// RANGE: the value of the one order key up to which rows belong to the frame (inclusive), as an
            /// expression over the current row: `ts - INTERVAL 1 HOUR`. Has the order key's type. Where it is NULL
            /// (the key is NULL), the frame reaches to the peers.
            case value(BoundExpression)
            case unboundedFollowing
        }
        public var unit: Unit
        public var start: Bound
        public var end: Bound
        public init(unit: Unit, start: Bound, end: Bound) {
            self.unit = unit
            self.start = start
            self.end = end
        }

        /// Every row of the partition.
        public static let wholePartition = Frame(
            unit: .rows, start: .unboundedPreceding, end: .unboundedFollowing)
        /// From the partition's start to the current row's last peer: the default with ORDER BY.
        public static let upToPeers = Frame(unit: .range, start: .unboundedPreceding, end: .currentRow)
    }
}

extension WindowFunction {
    public var type: DataType {
        switch self {
        case .rowNumber, .rank, .denseRank, .ntile: .int
        case .percentRank, .cumeDist: .double
        case .shifted(let argument, _, _, _), .nth(let argument, _, _): argument.type
        case .aggregate(let aggregate, _): aggregate.resultType
        }
    }

    public var nullable: Bool {
        switch self {
        case .rowNumber, .rank, .denseRank, .ntile, .percentRank, .cumeDist: false
        case .shifted(let argument, _, let otherwise, let ignoresNulls):
            argument.nullable || otherwise.nullable || ignoresNulls
        case .nth: true
        case .aggregate(let aggregate, _): aggregate.nullable
        }
    }

    /// Whether rows that the order leaves equal can have different results, so that the tie-break shows.
    public var dependsOnTies: Bool {
        switch self {
        case .rowNumber, .ntile, .shifted, .nth: true
        case .rank, .denseRank, .percentRank, .cumeDist: false
        case .aggregate(let aggregate, _):
            switch aggregate.kind {
            case .first, .last, .anyValue: true
            default: false
            }
        }
    }

    /// Expressions over the input, in a fixed order.
    public var expressions: [BoundExpression] {
        switch self {
        case .rowNumber, .rank, .denseRank, .percentRank, .cumeDist, .ntile: []
        case .shifted(let argument, _, let otherwise, _): [argument, otherwise]
        case .nth(let argument, _, _): [argument]
        case .aggregate(let aggregate, let filter): aggregate.arguments + (filter.map { [$0] } ?? [])
        }
    }

    /// The same function over rewritten expressions of the same types.
    public func mapExpressions<E: Error>(
        _ rewrite: (BoundExpression) throws(E) -> BoundExpression
    ) throws(E) -> WindowFunction {
        switch self {
        case .rowNumber, .rank, .denseRank, .percentRank, .cumeDist, .ntile: return self
        case .shifted(let argument, let by, let otherwise, let ignoresNulls):
            let moved = try rewrite(argument)
            return .shifted(moved, by: by, otherwise: try rewrite(otherwise), ignoresNulls: ignoresNulls)
        case .nth(let argument, let n, let ignoresNulls):
            return .nth(try rewrite(argument), n: n, ignoresNulls: ignoresNulls)
        case .aggregate(var aggregate, let filter):
            var arguments: [BoundExpression] = []
            for argument in aggregate.arguments { arguments.append(try rewrite(argument)) }
            aggregate.arguments = arguments
            let moved: BoundExpression? = if let filter { try rewrite(filter) } else { nil }
            return .aggregate(aggregate, filter: moved)
        }
    }
}

extension WindowFunction.Frame {
    /// The boundary values, start first.
    public var expressions: [BoundExpression] {
        [start, end].compactMap { if case .value(let expression) = $0 { expression } else { nil } }
    }

    public func mapExpressions<E: Error>(
        _ rewrite: (BoundExpression) throws(E) -> BoundExpression
    ) throws(E) -> WindowFunction.Frame {
        func bound(_ bound: Bound) throws(E) -> Bound {
            if case .value(let expression) = bound { .value(try rewrite(expression)) } else { bound }
        }
        return WindowFunction.Frame(unit: unit, start: try bound(start), end: try bound(end))
    }
}
