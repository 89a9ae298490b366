/// Intervals to other fields of their family, and to and from integers and decimals, which count the type's last field.
/// Text is read and written by `CastKernel`.
struct IntervalCast {
    let from: DataType
    let to: DataType
    let isTry: Bool

    func run(_ operand: Datum, _ call: KernelCall) throws(TidemillError) -> Column {
        let kernel = CastKernel(from: from, to: to, isTry: isTry)
        switch (from.intervalRange, to.intervalRange) {
        case (let source?, let target?):
            if source.last <= target.last { return operand.column.retyped(to) }
            return from.isYearMonthInterval
                ? mapped(IntervalTruncationRule(unit: Int32(target.last.size)), operand, call)
                : mapped(IntervalTruncationRule(unit: target.last.size), operand, call)
        case (let source?, nil):
            return from.isYearMonthInterval
                ? try toNumber(Int32.self, source, operand, call, kernel)
                : try toNumber(Int64.self, source, operand, call, kernel)
        case (nil, let target?):
            return to.isYearMonthInterval
                ? try fromNumber(Int32.self, target, operand, call, kernel)
                : try fromNumber(Int64.self, target, operand, call, kernel)
        case (nil, nil): throw .internal("no cast from \(from.sql) to \(to.sql)")
        }
    }

    private func toNumber<T: PhysicalInteger>(
        _: T.Type, _ range: IntervalRange, _ operand: Datum, _ call: KernelCall, _ kernel: CastKernel
    ) throws(TidemillError) -> Column {
        let unit = range.last.size
        if let bounds = to.integerRange {
            let (low, high) = (bounds.lowerBound, bounds.upperBound)
            return to == .bigint
                ? try kernel.apply(IntervalToIntegerRule<T, Int64>(unit: unit, low: low, high: high), operand, call)
                : try kernel.apply(IntervalToIntegerRule<T, Int32>(unit: unit, low: low, high: high), operand, call)
        }
        // Seconds keep their fraction, the other fields are whole.
        let isSeconds = range.last == .second
        let rule = IntervalToIntegerRule<T, Int64>(unit: isSeconds ? 1 : unit, low: .min, high: .max)
        let whole = mapped(rule, operand, call.returning(.bigint))
        let exact = DataType.decimal(precision: 19, scale: isSeconds ? 6 : 0)
        let decimal = mapped(IntegerToDecimalRule<Int64>(factor: 1, bound: .max), Datum(whole), call.returning(exact))
        return try CastKernel(from: exact, to: to, isTry: isTry).run(Datum(decimal), call)
    }

    private func fromNumber<T: PhysicalInteger>(
        _: T.Type, _ range: IntervalRange, _ operand: Datum, _ call: KernelCall, _ kernel: CastKernel
    ) throws(TidemillError) -> Column {
        let unit = range.last.size
        switch from {
        case .decimal(_, let scale):
            let rule = DecimalToIntervalRule<T>(unit: Int128(unit), divisor: decimalPower(scale))
            return try kernel.apply(rule, operand, call)
        case .bigint: return try kernel.apply(IntegerToIntervalRule<Int64, T>(unit: unit), operand, call)
        default: return try kernel.apply(IntegerToIntervalRule<Int32, T>(unit: unit), operand, call)
        }
    }
}
