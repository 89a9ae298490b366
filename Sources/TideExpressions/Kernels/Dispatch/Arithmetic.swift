/// `+ - * / % div` and their kin: picks rule and loop by type. Operands have the result's type, except decimals, whose
/// shapes differ, and division.
enum Arithmetic {
    private static func narrow(
        _ operation: NarrowRule.Operation, _ symbol: String, _ o: [Datum], _ call: KernelCall
    ) throws(TidemillError) -> Column {
        let range = call.resultType.integerRange ?? Int64(Int32.min)...Int64(Int32.max)
        let rule = NarrowRule(operation: operation, low: Int32(range.lowerBound), high: Int32(range.upperBound))
        return try zipped(rule, o[0], o[1], call) { row in
            EvaluationError.binaryOverflow(o[0].text(row), symbol, o[1].text(row))
        }
    }

    static func add(_ o: [Datum], _ call: KernelCall) throws(TidemillError) -> Column {
        let overflow = { (_: Int) in EvaluationError.overflow(try: "try_add") }
        switch call.resultType {
        case .tinyint, .smallint: return try narrow(.add, "+", o, call)
        case .int: return try zipped(AddRule<Int32>(), o[0], o[1], call, fail: overflow)
        case .bigint: return try zipped(AddRule<Int64>(), o[0], o[1], call, fail: overflow)
        case .yearMonthInterval:
            return try zipped(AddRule<Int32>(), o[0], o[1], call) { _ in EvaluationError.intervalOverflow }
        case .dayTimeInterval:
            return try zipped(AddRule<Int64>(), o[0], o[1], call) { _ in EvaluationError.intervalOverflow }
        case .float: return zipped(FloatAddRule<Float>(), o[0], o[1], call)
        case .decimal: return try decimalSum(o, call, sign: 1)
        default: return zipped(FloatAddRule<Double>(), o[0], o[1], call)
        }
    }

    static func subtract(_ o: [Datum], _ call: KernelCall) throws(TidemillError) -> Column {
        let overflow = { (_: Int) in EvaluationError.overflow(try: "try_subtract") }
        switch call.resultType {
        case .tinyint, .smallint: return try narrow(.subtract, "-", o, call)
        case .int: return try zipped(SubtractRule<Int32>(), o[0], o[1], call, fail: overflow)
        case .bigint: return try zipped(SubtractRule<Int64>(), o[0], o[1], call, fail: overflow)
        case .yearMonthInterval:
            return try zipped(SubtractRule<Int32>(), o[0], o[1], call) { _ in EvaluationError.intervalOverflow }
        case .dayTimeInterval:
            return try zipped(SubtractRule<Int64>(), o[0], o[1], call) { _ in EvaluationError.intervalOverflow }
        case .float: return zipped(FloatSubtractRule<Float>(), o[0], o[1], call)
        case .decimal: return try decimalSum(o, call, sign: -1)
        default: return zipped(FloatSubtractRule<Double>(), o[0], o[1], call)
        }
    }

    static func multiply(_ o: [Datum], _ call: KernelCall) throws(TidemillError) -> Column {
        let overflow = { (_: Int) in EvaluationError.overflow(try: "try_multiply") }
        switch call.resultType {
        case .tinyint, .smallint: return try narrow(.multiply, "*", o, call)
        case .int: return try zipped(MultiplyIntRule(), o[0], o[1], call, fail: overflow)
        case .bigint: return try zipped(MultiplyBigintRule(), o[0], o[1], call, fail: overflow)
        case .float: return zipped(FloatMultiplyRule<Float>(), o[0], o[1], call)
        case .decimal: return try decimalProduct(o, call)
        default: return zipped(FloatMultiplyRule<Double>(), o[0], o[1], call)
        }
    }

    /// Doubles and decimals.
    static func divide(_ o: [Datum], _ call: KernelCall) throws(TidemillError) -> Column {
        guard let (left, right, result) = shapes(o, call) else {
            return try zipped(FloatDivideRule<Double>(), o[0], o[1], call) { _ in EvaluationError.divideByZero }
        }
        let rule = DecimalQuotientRule(left: left, right: right, result: result)
        return try zipped(rule, o[0], o[1], call) { row in
            o[1].value(row, as: Int128.self) == 0
                ? EvaluationError.divideByZero : EvaluationError.decimalResultOutOfRange(call.resultType)
        }
    }

    /// To bigint, from bigints or decimals.
    static func integralDivide(_ o: [Datum], _ call: KernelCall) throws(TidemillError) -> Column {
        if let left = o[0].type.decimalShape, let right = o[1].type.decimalShape {
            let rule = DecimalIntegralDivideRule(left: left, right: right)
            return try zipped(rule, o[0], o[1], call) { row in
                o[1].value(row, as: Int128.self) == 0
                    ? EvaluationError.divideByZero : EvaluationError.overflow(try: "try_divide")
            }
        }
        return try zipped(IntegralDivideRule(), o[0], o[1], call) { row in
            o[1].value(row, as: Int64.self) == 0
                ? EvaluationError.divideByZero : EvaluationError.overflow(try: "try_divide")
        }
    }

    static func remainder(_ o: [Datum], _ call: KernelCall) throws(TidemillError) -> Column {
        let zero = { (_: Int) in EvaluationError.remainderByZero }
        switch call.resultType.physical {
        case .int32: return try zipped(RemainderRule<Int32>(), o[0], o[1], call, fail: zero)
        case .int64: return try zipped(RemainderRule<Int64>(), o[0], o[1], call, fail: zero)
        case .float32: return try zipped(FloatRemainderRule<Float>(), o[0], o[1], call, fail: zero)
        case .int128: return try decimalRemainder(o, call, positive: false)
        default: return try zipped(FloatRemainderRule<Double>(), o[0], o[1], call, fail: zero)
        }
    }

    static func positiveMod(_ o: [Datum], _ call: KernelCall) throws(TidemillError) -> Column {
        let zero = { (_: Int) in EvaluationError.remainderByZero }
        switch call.resultType.physical {
        case .int32: return try zipped(PositiveModRule<Int32>(), o[0], o[1], call, fail: zero)
        case .int64: return try zipped(PositiveModRule<Int64>(), o[0], o[1], call, fail: zero)
        case .float32: return try zipped(FloatPositiveModRule<Float>(), o[0], o[1], call, fail: zero)
        case .int128: return try decimalRemainder(o, call, positive: true)
        default: return try zipped(FloatPositiveModRule<Double>(), o[0], o[1], call, fail: zero)
        }
    }

    static func negate(_ o: [Datum], _ call: KernelCall) throws(TidemillError) -> Column {
        let overflow = { (_: Int) in EvaluationError.overflow() }
        switch call.resultType {
        case .tinyint: return try mapped(NegateRule<Int32>(lowest: -128), o[0], call, fail: overflow)
        case .smallint: return try mapped(NegateRule<Int32>(lowest: -32768), o[0], call, fail: overflow)
        case .int, .yearMonthInterval:
            return try mapped(NegateRule<Int32>(lowest: .min), o[0], call, fail: overflow)
        case .bigint, .dayTimeInterval:
            return try mapped(NegateRule<Int64>(lowest: .min), o[0], call, fail: overflow)
        case .float: return mapped(FloatNegateRule<Float>(), o[0], call)
        case .decimal: return mapped(DecimalNegateRule(), o[0], call)
        default: return mapped(FloatNegateRule<Double>(), o[0], call)
        }
    }

    static func absolute(_ o: [Datum], _ call: KernelCall) throws(TidemillError) -> Column {
        let overflow = { (_: Int) in EvaluationError.overflow() }
        switch call.resultType {
        case .tinyint: return try mapped(AbsoluteRule<Int32>(lowest: -128), o[0], call, fail: overflow)
        case .smallint: return try mapped(AbsoluteRule<Int32>(lowest: -32768), o[0], call, fail: overflow)
        case .int, .yearMonthInterval:
            return try mapped(AbsoluteRule<Int32>(lowest: .min), o[0], call, fail: overflow)
        case .bigint, .dayTimeInterval:
            return try mapped(AbsoluteRule<Int64>(lowest: .min), o[0], call, fail: overflow)
        case .float: return mapped(FloatAbsoluteRule<Float>(), o[0], call)
        case .decimal: return mapped(DecimalAbsoluteRule(), o[0], call)
        default: return mapped(FloatAbsoluteRule<Double>(), o[0], call)
        }
    }

    static func bitwise(
        _ narrow: BitwiseRule<Int32>.Operation, _ wide: BitwiseRule<Int64>.Operation
    ) -> ScalarDefinition.Kernel {
        { (o, call) throws(TidemillError) in
            call.resultType == .bigint
                ? zipped(BitwiseRule<Int64>(operation: wide), o[0], o[1], call)
                : zipped(BitwiseRule<Int32>(operation: narrow), o[0], o[1], call)
        }
    }

    static func complement(_ o: [Datum], _ call: KernelCall) throws(TidemillError) -> Column {
        call.resultType == .bigint
            ? mapped(ComplementRule<Int64>(), o[0], call) : mapped(ComplementRule<Int32>(), o[0], call)
    }

    // MARK: Decimals

    private static func shapes(
        _ o: [Datum], _ call: KernelCall
    ) -> (DecimalShape, DecimalShape, DecimalShape)? {
        guard let left = o[0].type.decimalShape, let right = o[1].type.decimalShape,
            let result = call.resultType.decimalShape
        else { return nil }
        return (left, right, result)
    }

    private static func decimalSum(
        _ o: [Datum], _ call: KernelCall, sign: Int128
    ) throws(TidemillError) -> Column {
        guard let (left, right, result) = shapes(o, call) else { throw .internal("decimal operands") }
        let scale = max(left.scale, right.scale)
        let leftFactor = decimalPower(scale - left.scale)
        let rightFactor = decimalPower(scale - right.scale)
        let bound = decimalPower(result.precision)
        let fail = { (_: Int) in EvaluationError.decimalResultOutOfRange(call.resultType) }
        let digits = max(left.precision - left.scale, right.precision - right.scale) + scale
        if digits <= 37 && scale == result.scale {
            let rule = DecimalSumRule(leftFactor: leftFactor, rightFactor: sign * rightFactor, bound: bound)
            return try zipped(rule, o[0], o[1], call, fail: fail)
        }
        let rule = WideDecimalSumRule(
            leftFactor: leftFactor, rightFactor: sign * rightFactor, divisor: decimalPower(scale - result.scale),
            bound: bound)
        return try zipped(rule, o[0], o[1], call, fail: fail)
    }

    private static func decimalProduct(_ o: [Datum], _ call: KernelCall) throws(TidemillError) -> Column {
        guard let (left, right, result) = shapes(o, call) else { throw .internal("decimal operands") }
        let bound = decimalPower(result.precision)
        let dropped = left.scale + right.scale - result.scale
        let fail = { (_: Int) in EvaluationError.decimalResultOutOfRange(call.resultType) }
        if left.precision + right.precision <= 38 {
            let rule = DecimalProductRule(divisor: decimalPower(dropped), bound: bound)
            return try zipped(rule, o[0], o[1], call, fail: fail)
        }
        // Both scales together drop at most 38 digits unless the product is zero beyond them.
        let rule = WideDecimalProductRule(divisor: decimalPower(min(dropped, 38)), bound: bound)
        if dropped <= 38 { return try zipped(rule, o[0], o[1], call, fail: fail) }
        let second = DecimalShape(precision: right.precision, scale: right.scale - (dropped - 38))
        let rescale = RescaleRule(from: right, to: DecimalShape(precision: 38, scale: second.scale))
        let narrowed = mapped(rescale, Datum(o[1].expanded(count: call.rowCount)), call)
        return try zipped(rule, o[0], Datum(narrowed), call, fail: fail)
    }

    private static func decimalRemainder(
        _ o: [Datum], _ call: KernelCall, positive: Bool
    ) throws(TidemillError) -> Column {
        guard let (left, right, result) = shapes(o, call) else { throw .internal("decimal operands") }
        let rule = DecimalRemainderRule(left: left, right: right, result: result, positive: positive)
        return try zipped(rule, o[0], o[1], call) { row in
            o[1].value(row, as: Int128.self) == 0
                ? EvaluationError.remainderByZero : EvaluationError.decimalResultOutOfRange(call.resultType)
        }
    }
}

extension Datum {
    /// The value for a row; for messages.
    func scalar(_ row: Int) -> Scalar { column.scalar(row * step) }
    func text(_ row: Int) -> String { scalar(row).messageText }
    func value<T: BitwiseCopyable>(_ row: Int, as: T.Type) -> T { column.pointer(T.self)[row * step] }
}
