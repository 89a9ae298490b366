/// `+ - * /` on dates, timestamps and intervals. Each function returns nil if the operands are none of these.
enum DateArithmetic {
    private static func isMoment(_ type: DataType) -> Bool { type == .date || type.isTimestamp }

    private static func call(
        _ name: String, _ operands: [BoundExpression], _ type: DataType
    ) -> BoundExpression {
        .call(FunctionTable.named(name), operands, type: type, nullable: operands.contains(where: \.nullable))
    }

    static func plus(_ request: BindRequest) throws(TidemillError) -> BoundExpression? {
        let (left, right) = (request.arguments[0], request.arguments[1])
        if let (l, r) = sameFamily(left, right) { return request.call([l, r], l.type) }
        if left.type.isInterval, isMoment(right.type) || right.type == .string {
            return try shifted(right, by: left, negated: false, request)
        }
        if right.type.isInterval, isMoment(left.type) || left.type == .string {
            return try shifted(left, by: right, negated: false, request)
        }
        if left.type == .date && isDays(right.type) {
            return call("date_add", [left, TypeCoercion.cast(right, to: .int)], .date)
        }
        if right.type == .date && isDays(left.type) {
            return call("date_add", [right, TypeCoercion.cast(left, to: .int)], .date)
        }
        return nil
    }

    static func minus(_ request: BindRequest) throws(TidemillError) -> BoundExpression? {
        let (left, right) = (request.arguments[0], request.arguments[1])
        if let (l, r) = sameFamily(left, right) { return request.call([l, r], l.type) }
        if right.type.isInterval, isMoment(left.type) || left.type == .string {
            return try shifted(left, by: right, negated: true, request)
        }
        if (left.type == .date && right.type == .null) || (left.type == .null && right.type == .date) {
            return .null(.interval(IntervalRange(.day, .day)))
        }
        if left.type == .date && isDays(right.type) {
            return call("date_sub", [left, TypeCoercion.cast(right, to: .int)], .date)
        }
        if isMoment(left.type) || isMoment(right.type) {
            var (l, r) = (left, right)
            if l.type == .string || l.type == .null { l = TypeCoercion.cast(l, to: r.type) }
            if r.type == .string || r.type == .null { r = TypeCoercion.cast(r, to: l.type) }
            guard isMoment(l.type), isMoment(r.type) else { return nil }
            // Timestamps of both kinds lie in 64 bits of microseconds.
            let common: DataType = l.type == .timestampNTZ && r.type == .timestampNTZ ? .timestampNTZ : .timestamp
            let isDays = l.type == .date && r.type == .date
            return call(
                "- timestamps", [TypeCoercion.cast(l, to: common), TypeCoercion.cast(r, to: common)],
                isDays ? .interval(IntervalRange(.day, .day)) : .dayToSecond)
        }
        return nil
    }

    static func times(_ request: BindRequest) throws(TidemillError) -> BoundExpression? {
        let (left, right) = (request.arguments[0], request.arguments[1])
        if left.type.isInterval { return try scaled("interval *", left, right, request, index: 1) }
        if right.type.isInterval { return try scaled("interval *", right, left, request, index: 0) }
        return nil
    }

    static func dividedBy(_ request: BindRequest) throws(TidemillError) -> BoundExpression? {
        let (left, right) = (request.arguments[0], request.arguments[1])
        guard left.type.isInterval else { return nil }
        return try scaled("interval /", left, right, request, index: 1)
    }

    /// Integral factors stay exact, others are computed as doubles.
    private static func scaled(
        _ name: String, _ interval: BoundExpression, _ factor: BoundExpression, _ request: BindRequest, index: Int
    ) throws(TidemillError) -> BoundExpression {
        guard factor.type.isNumeric || factor.type == .string || factor.type == .null else {
            throw NumericBinding.differ(request)
        }
        let type: DataType = factor.type.isIntegral ? .bigint : .double
        let result: DataType = interval.type.isYearMonthInterval ? .yearToMonth : .dayToSecond
        return call(name, [interval, TypeCoercion.cast(factor, to: type)], result)
    }

    /// Two intervals of one family, with the fields of both; nil for anything else.
    static func sameFamily(_ a: BoundExpression, _ b: BoundExpression) -> (BoundExpression, BoundExpression)? {
        guard a.type.isInterval, b.type.isInterval, let common = TypeCoercion.tightest(a.type, b.type) else {
            return nil
        }
        return (TypeCoercion.cast(a, to: common), TypeCoercion.cast(b, to: common))
    }

    private static func isDays(_ type: DataType) -> Bool {
        switch type {
        case .tinyint, .smallint, .int, .null: true
        default: false
        }
    }

    /// A date stays a date if the interval is in months, or in days alone.
    private static func shifted(
        _ moment: BoundExpression, by interval: BoundExpression, negated: Bool, _ request: BindRequest
    ) throws(TidemillError) -> BoundExpression {
        if moment.type == .string {
            let asTimestamp = TypeCoercion.cast(moment, to: .timestamp)
            let sum = try shifted(asTimestamp, by: interval, negated: negated, request)
            return TypeCoercion.cast(sum, to: .string)
        }
        let amount =
            negated ? call("unary -", [interval], interval.type) : interval
        if interval.type.isYearMonthInterval {
            return call("+ months", [moment, amount], moment.type)
        }
        if moment.type == .date {
            if interval.type == .interval(IntervalRange(.day, .day)) {
                return call("date_add", [moment, TypeCoercion.cast(amount, to: .int)], .date)
            }
            return call("+ interval", [TypeCoercion.cast(moment, to: .timestamp), amount], .timestamp)
        }
        return call("+ interval", [moment, amount], moment.type)
    }
}
