/// How long a join of two streams has to remember the rows of each side.
///
/// If a key is event time on one side, rows of either side go when their key is. Otherwise a side with an event time
/// goes by what the condition says about the other side's: from `r.ts < l.ts + c` (any mixture of sums and differences
/// with constants) follows that, when no more r.ts ≤ W comes, l.ts ≤ W - c finds nothing new.
public struct StreamJoinBounds: Hashable, Sendable {
    public enum Side: Hashable, Sendable { case left, right }
    public enum Bound: Hashable, Sendable {
        /// The join key at this position passes the watermark.
        case key(Int)
        /// This column of the side passes watermark + `micros`, cut to milliseconds, + `millis`. The smallest of
        /// several conditions counts, which may differ with the watermark's own milliseconds.
        case value(column: Int, offsets: [Offset])
    }
    public struct Offset: Hashable, Sendable {
        public var micros: Int64
        /// 0, or -1 where the condition includes equality.
        public var millis: Int64
    }
    public private(set) var left: Bound?
    public private(set) var right: Bound?
    /// The event-time column of each side, by which its rows are late.
    public let leftTime: Int?
    public let rightTime: Int?
    /// Whether the condition bounds a time of the side by the other side's event time. If that time is no event time
    /// itself, Spark runs the join and never gives up waiting.
    private var hasLeftRange = false
    private var hasRightRange = false

    public init(_ join: LogicalPlan.Join) {
        let leftTimes = EventTime(of: join.left)
        let rightTimes = EventTime(of: join.right)
        leftTime = leftTimes.columns.first
        rightTime = rightTimes.columns.first
        func isTime(_ expression: BoundExpression, _ times: EventTime) -> Bool {
            if case .column(let index, _, _) = expression { times.delays[index] != nil } else { false }
        }
        let key =
            join.keys.firstIndex { isTime($0.left, leftTimes) } ?? join.keys.firstIndex { isTime($0.right, rightTimes) }
        if let key {
            left = .key(key)
            right = .key(key)
            return
        }
        let leftCount = join.left.schema.count
        let conditions = join.residual.map(Conjunction.split) ?? []
        let both = rightTimes.delays.keys.map { $0 + leftCount }
        left = StreamJoinBounds.bound(
            column: leftTime, isOwn: { $0 < leftCount }, otherTimes: Set(both), conditions, shift: 0)
        right = StreamJoinBounds.bound(
            column: rightTime.map { $0 + leftCount }, isOwn: { $0 >= leftCount },
            otherTimes: Set(leftTimes.delays.keys), conditions, shift: leftCount)
        hasLeftRange =
            StreamJoinBounds.bound(
                column: 0, isOwn: { $0 < leftCount }, otherTimes: Set(both), conditions, shift: 0) != nil
        hasRightRange =
            StreamJoinBounds.bound(
                column: 0, isOwn: { $0 >= leftCount }, otherTimes: Set(leftTimes.delays.keys), conditions, shift: 0)
            != nil
    }

    /// Whether an outer or semi join of this kind may wait (Spark's rule).
    func isBounded(_ kind: LogicalPlan.Join.Kind) -> Bool {
        switch kind {
        case .inner: true
        case .left, .semi: isKeyed || hasLeftRange
        case .right: isKeyed || hasRightRange
        case .full: isKeyed || hasLeftRange || hasRightRange
        case .anti: false
        }
    }
    private var isKeyed: Bool { if case .key = left { true } else { false } }

    private static func bound(
        column: Int?, isOwn: (Int) -> Bool, otherTimes: Set<Int>, _ conditions: [BoundExpression], shift: Int
    ) -> Bound? {
        guard let column, !otherTimes.isEmpty else { return nil }
        var offsets: [Offset] = []
        for condition in conditions {
            guard case .call(let function, let operands, _, _, _) = condition, operands.count == 2 else { continue }
            let less: (small: BoundExpression, large: BoundExpression)
            let includesEqual: Bool
            switch function.name {
            case "<": (less, includesEqual) = ((operands[0], operands[1]), false)
            case "<=": (less, includesEqual) = ((operands[0], operands[1]), true)
            case ">": (less, includesEqual) = ((operands[1], operands[0]), false)
            case ">=": (less, includesEqual) = ((operands[1], operands[0]), true)
            default: continue
            }
            // other + c < own
            guard var terms = Terms(less.small), let large = Terms(less.large) else { continue }
            terms.subtract(large)
            let own = terms.columns.filter { isOwn($0.column) }
            let other = terms.columns.filter { !isOwn($0.column) }
            guard own.count == 1, other.count == 1, own[0].isNegative, !other[0].isNegative,
                otherTimes.contains(other[0].column)
            else { continue }
            offsets.append(Offset(micros: terms.micros, millis: includesEqual ? -1 : 0))
        }
        return offsets.isEmpty ? nil : .value(column: column - shift, offsets: offsets)
    }

    /// An expression as a sum of columns and one constant.
    private struct Terms {
        var columns: [(column: Int, isNegative: Bool)] = []
        var micros: Int64 = 0

        init?(_ expression: BoundExpression) {
            guard add(expression, isNegative: false) else { return nil }
        }

        private mutating func add(_ expression: BoundExpression, isNegative: Bool) -> Bool {
            switch expression {
            case .column(let index, let type, _):
                guard type.isTimestamp else { return false }
                columns.append((index, isNegative))
                return true
            case .literal(let scalar):
                guard scalar.type.isDayTimeInterval, let value = scalar.integer else { return false }
                let (sum, overflow) =
                    isNegative
                    ? micros.subtractingReportingOverflow(value) : micros.addingReportingOverflow(value)
                micros = sum
                return !overflow
            case .call(let function, let operands, _, _, _):
                switch (function.name, operands.count) {
                case ("+ interval", 2), ("+", 2):
                    return add(operands[0], isNegative: isNegative) && add(operands[1], isNegative: isNegative)
                case ("-", 2), ("- interval", 2):
                    return add(operands[0], isNegative: isNegative) && add(operands[1], isNegative: !isNegative)
                case ("unary -", 1): return add(operands[0], isNegative: !isNegative)
                default: return false
                }
            default: return false
            }
        }

        mutating func subtract(_ other: Terms) {
            columns += other.columns.map { ($0.column, !$0.isNegative) }
            micros &-= other.micros
        }
    }
}

extension StreamJoinBounds.Bound {
    /// Event times up to here (microseconds) need no memory any more, given the watermark in milliseconds.
    public func threshold(watermarkMillis: Int64) -> Int64 {
        switch self {
        case .key: watermarkMillis &* 1000
        case .value(_, let offsets):
            // As Spark computes it: micros to milliseconds towards zero, the least over all conditions.
            (offsets.map { (watermarkMillis &* 1000 &+ $0.micros) / 1000 &+ $0.millis }.min() ?? 0) &* 1000
        }
    }
}
