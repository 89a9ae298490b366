/// One conversion, chosen when the program is compiled. Text goes through the column parsers and formatters; everything
/// else through rules. With `isTry` a row that does not convert gives NULL.
struct CastKernel: Hashable, Sendable {
    let from: DataType
    let to: DataType
    let isTry: Bool

    /// Whether some value of the source type does not convert.
    var mayFail: Bool {
        if isTry || to == .string || to == .boolean && from != .string || from == .null { return false }
        switch (from, to) {
        case (.string, .binary), (.timestampNTZ, _), (.timestamp, .timestampNTZ), (.timestamp, .date): return false
        case (.timestamp, .double), (.timestamp, .float), (.date, _): return false
        case (_, .double), (_, .float): return from == .string
        case (.yearMonthInterval, .yearMonthInterval), (.dayTimeInterval, .dayTimeInterval): return false
        case (_, .decimal): return !TypeCoercion.canUpCast(from, to)
        case (_, .timestamp): return !from.isIntegral
        default:
            if let source = from.integerRange, let target = to.integerRange {
                return source.lowerBound < target.lowerBound
            }
            return from != .boolean
        }
    }

    /// Text is dear, the rest a loop.
    var weight: Int { from.physical == .view || to.physical == .view ? 10 : 1 }

    func run(_ operand: Datum, _ call: KernelCall) throws(TidemillError) -> Column {
        if from == .null { return Column(repeating: .null(to), count: call.rowCount) }
        if touchesZone { try TimeZoneRule.requireUTC(call.context) }
        if from.isNested, to.isNested { return try NestedCast(from: from, to: to, isTry: isTry).run(operand, call) }
        if to == .string { return operand.column.formatted() }
        if from.isInterval || to.isInterval, from != .string {
            return try IntervalCast(from: from, to: to, isTry: isTry).run(operand, call)
        }
        switch from {
        case .string: return try parse(operand, call)
        case .binary: return operand.column.retyped(to)
        case .boolean: return fromBoolean(operand, call)
        case .date: return try apply(DateToTimestampRule(), operand, call)
        case .timestamp, .timestampNTZ: return try fromTimestamp(operand, call)
        case .tinyint, .smallint, .int: return try fromInteger(Int32.self, operand, call)
        case .bigint: return try fromInteger(Int64.self, operand, call)
        case .float: return try fromFloat(Float.self, operand, call)
        case .double: return try fromFloat(Double.self, operand, call)
        case .decimal(_, let scale): return try fromDecimal(scale, operand, call)
        case .yearMonthInterval, .dayTimeInterval, .null, .array, .map, .structure, .timeWindow:
            throw .internal("no cast from \(from.sql) to \(to.sql)")
        }
    }

    private var touchesZone: Bool {
        (from == .timestamp && (to == .string || to == .date || to == .timestampNTZ))
            || (to == .timestamp && (from == .string || from == .date || from == .timestampNTZ))
    }

    // MARK: Text

    private func parse(_ operand: Datum, _ call: KernelCall) throws(TidemillError) -> Column {
        let (column, failures) = operand.column.parsed(as: to)
        guard let failures, !isTry else { return column }
        // Rows that another operand's NULL hides are not errors.
        let visible = call.validity.map { failures.and($0) } ?? failures
        guard let row = firstOne(visible) else { return column }
        let value = operand.scalar(row)
        if to.isInterval { throw EvaluationError.intervalFormat(value, to: to) }
        if case .decimal(_, let scale) = to, let bytes = value.bytes {
            let isNumber = bytes.withUnsafeBytes { text in
                let trimmed = trimmingWhitespace(text)
                return ParseText.decimal(trimmed, precision: 38, scale: scale) != nil
                    || ParseText.double(trimmed)?.isFinite == true
            }
            if isNumber { throw EvaluationError.outOfRange(value, to: to) }
        }
        throw EvaluationError.castInvalid(value, to: to)
    }

    private func firstOne(_ bits: Bitmap) -> Int? {
        for word in 0..<bits.wordCount where bits.words[word] != 0 {
            return (word << 6) + bits.words[word].trailingZeroBitCount
        }
        return nil
    }

    // MARK: Rules

    func apply<R: UnaryRule>(
        _ rule: R, _ operand: Datum, _ call: KernelCall
    ) throws(TidemillError) -> Column {
        if isTry { return tried(rule, operand, call) }
        let from = from
        let to = to
        return try mapped(rule, operand, call) { row in
            let value = operand.scalar(row)
            if to.isDecimal { return EvaluationError.outOfRange(value, to: to) }
            if to == .timestamp, case .double(let x) = value.value, !x.isFinite {
                return EvaluationError.castInvalid(value, to: to)
            }
            if to == .timestamp && from == .date { return EvaluationError.datetimeOverflow }
            return EvaluationError.castOverflow(value, to: to)
        }
    }

    /// Rows where the rule fails become NULL.
    private func tried<R: UnaryRule>(_ rule: R, _ operand: Datum, _ call: KernelCall) -> Column {
        let buffer = Buffer(byteCount: call.rowCount * MemoryLayout<R.Output>.stride)
        let out = buffer.pointer(R.Output.self)
        let input = operand.column.pointer(R.Input.self)
        var failed = false
        let valid = testedRows(call.rowCount) { row in
            var fault: R.Fault = 0
            out[row] = rule.apply(input[row], &fault)
            failed = failed || fault < 0
            return fault >= 0
        }
        return Column(type: to, count: call.rowCount, values: buffer, validity: failed ? valid : nil)
    }

    private func fromBoolean(_ operand: Datum, _ call: KernelCall) -> Column {
        let bits = operand.column.bits
        func fill<T: BitwiseCopyable>(_ one: T, _ zero: T) -> Column {
            let buffer = Buffer(byteCount: call.rowCount * MemoryLayout<T>.stride)
            let out = buffer.pointer(T.self)
            for i in 0..<call.rowCount { out[i] = bits[i] ? one : zero }
            return Column(type: to, count: call.rowCount, values: buffer)
        }
        switch to {
        case .bigint: return fill(Int64(1), 0)
        case .float: return fill(Float(1), 0)
        case .double: return fill(1.0, 0)
        case .decimal(_, let scale): return fill(decimalPower(scale), 0)
        default: return fill(Int32(1), 0)
        }
    }

    private func fromInteger<T: PhysicalInteger>(
        _: T.Type, _ operand: Datum, _ call: KernelCall
    ) throws(TidemillError) -> Column {
        switch to {
        case .boolean: return Column(boolean: tested(NonZeroRule<T>(), operand, call.rowCount))
        case .tinyint, .smallint, .int:
            let range = to.integerRange!
            let rule = IntegerCastRule<T, Int32>(low: range.lowerBound, high: range.upperBound)
            return try apply(rule, operand, call)
        case .bigint: return mapped(IntegerCastRule<T, Int64>(low: .min, high: .max), operand, call)
        case .float: return mapped(IntegerToFloatRule<T, Float>(), operand, call)
        case .double: return mapped(IntegerToFloatRule<T, Double>(), operand, call)
        case .decimal(let precision, let scale):
            let rule = IntegerToDecimalRule<T>(factor: decimalPower(scale), bound: decimalPower(precision))
            return try apply(rule, operand, call)
        default: return mapped(SecondsToTimestampRule<T>(), operand, call)
        }
    }

    private func fromFloat<T: PhysicalFloat & ExpressibleByIntegerLiteral>(
        _: T.Type, _ operand: Datum, _ call: KernelCall
    ) throws(TidemillError) -> Column {
        switch to {
        case .boolean: return Column(boolean: tested(NonZeroRule<T>(), operand, call.rowCount))
        case .tinyint, .smallint, .int:
            let range = to.integerRange!
            let rule = FloatToIntegerRule<T, Int32>(low: range.lowerBound, high: range.upperBound)
            return try apply(rule, operand, call)
        case .bigint: return try apply(FloatToIntegerRule<T, Int64>(low: .min, high: .max), operand, call)
        case .float: return mapped(FloatWidthRule<T, Float>(), operand, call)
        case .double: return mapped(FloatWidthRule<T, Double>(), operand, call)
        case .decimal(let precision, let scale):
            // NaN and infinities are NULL as decimals, errors nowhere.
            let finite = tested(FiniteRule<T>(), operand, call.rowCount)
            let all = finite.onesCount == call.rowCount
            let visible = all ? call.validity : Bitmap.and(call.validity, finite)
            let inner = KernelCall(
                resultType: to, rowCount: call.rowCount, validity: visible, context: call.context)
            let column = try apply(
                FloatToDecimalRule<T>(DecimalShape(precision: precision, scale: scale)), operand, inner)
            return all ? column : column.with(validity: Bitmap.and(column.validity, finite))
        default: return try apply(FractionToTimestampRule<T>(), operand, call)
        }
    }

    private func fromDecimal(_ scale: Int, _ operand: Datum, _ call: KernelCall) throws(TidemillError) -> Column {
        switch to {
        case .boolean: return Column(boolean: tested(NonZeroRule<Int128>(), operand, call.rowCount))
        case .tinyint, .smallint, .int:
            let range = to.integerRange!
            let rule = DecimalToIntegerRule<Int32>(
                divisor: decimalPower(scale), low: Int128(range.lowerBound), high: Int128(range.upperBound))
            return try apply(rule, operand, call)
        case .bigint:
            let rule = DecimalToIntegerRule<Int64>(
                divisor: decimalPower(scale), low: Int128(Int64.min), high: Int128(Int64.max))
            return try apply(rule, operand, call)
        case .double: return mapped(DecimalToDoubleRule(scale: scale), operand, call)
        case .float:
            let inner = KernelCall(
                resultType: .double, rowCount: call.rowCount, validity: call.validity, context: call.context)
            let wide = mapped(DecimalToDoubleRule(scale: scale), operand, inner)
            return mapped(FloatWidthRule<Double, Float>(), Datum(wide), call)
        case .decimal(let precision, let newScale):
            let source = from.decimalShape!
            let target = DecimalShape(precision: precision, scale: newScale)
            return try apply(RescaleRule(from: source, to: target), operand, call)
        default: return try apply(DecimalToTimestampRule(scale: scale), operand, call)
        }
    }

    private func fromTimestamp(_ operand: Datum, _ call: KernelCall) throws(TidemillError) -> Column {
        switch to {
        case .timestamp, .timestampNTZ: return operand.column.retyped(to)
        case .date:
            let rule = FloorDivideRule<Int32>(unit: 86_400_000_000, low: .min, high: .max)
            return mapped(rule, operand, call)
        case .tinyint, .smallint, .int:
            let range = to.integerRange!
            let rule = FloorDivideRule<Int32>(unit: 1_000_000, low: range.lowerBound, high: range.upperBound)
            return try apply(rule, operand, call)
        case .bigint:
            return mapped(FloorDivideRule<Int64>(unit: 1_000_000, low: .min, high: .max), operand, call)
        case .float: return mapped(TimestampToFractionRule<Float>(), operand, call)
        case .double: return mapped(TimestampToFractionRule<Double>(), operand, call)
        default:
            let inner = KernelCall(
                resultType: .double, rowCount: call.rowCount, validity: call.validity, context: call.context)
            let seconds = mapped(TimestampToFractionRule<Double>(), operand, inner)
            return try CastKernel(from: .double, to: to, isTry: isTry).run(Datum(seconds), call)
        }
    }
}

struct FiniteRule<T: PhysicalFloat>: ValuePredicate {
    func test(_ x: T) -> Bool { x.isFinite }
}
