/// Spark's implicit type conversions with ANSI mode on (AnsiTypeCoercion).
enum TypeCoercion {
    private static func numericRank(_ type: DataType) -> Int? {
        switch type {
        case .tinyint: 0
        case .smallint: 1
        case .int: 2
        case .bigint: 3
        case .float: 4
        case .double: 5
        default: nil
        }
    }

    /// The type both convert to without loss and without reading strings; nil if there is none.
    static func tightest(_ a: DataType, _ b: DataType) -> DataType? {
        if a == b { return a }
        if a == .null { return b }
        if b == .null { return a }
        if let x = numericRank(a), let y = numericRank(b) {
            let wider = x > y ? a : b
            // A float cannot hold every int.
            if wider == .float { return .double }
            return wider
        }
        switch (a, b) {
        case (.date, .timestamp), (.timestamp, .date), (.timestampNTZ, .timestamp), (.timestamp, .timestampNTZ):
            return .timestamp
        case (.date, .timestampNTZ), (.timestampNTZ, .date): return .timestampNTZ
        case (.yearMonthInterval(let x), .yearMonthInterval(let y)): return .yearMonthInterval(x.union(y))
        case (.dayTimeInterval(let x), .dayTimeInterval(let y)): return .dayTimeInterval(x.union(y))
        default: return nil
        }
    }

    /// Where a string meets another type, the string is read as that type: integral numbers as bigint, fractional as
    /// double.
    static func promotedString(_ a: DataType, _ b: DataType) -> DataType? {
        if b == .string && a != .string { return promotedString(b, a) }
        guard a == .string else { return nil }
        switch b {
        case .tinyint, .smallint, .int, .bigint: return .bigint
        case .float, .double, .decimal: return .double
        case .null: return .string
        case .yearMonthInterval, .dayTimeInterval, .string, .array, .map, .structure, .timeWindow: return nil
        case .boolean, .binary, .date, .timestamp, .timestampNTZ: return b
        }
    }

    /// Common type of two decimals, or of a decimal and another number.
    static func widerDecimal(_ a: DataType, _ b: DataType) -> DataType? {
        guard a.isDecimal || b.isDecimal else { return nil }
        if a.isFractional || b.isFractional { return .double }
        guard let x = DecimalTypes.holding(a), let y = DecimalTypes.holding(b) else { return nil }
        return DecimalTypes.wider(x, y)
    }

    static func commonType(_ a: DataType, _ b: DataType) -> DataType? {
        tightest(a, b) ?? widerDecimal(a, b) ?? promotedString(a, b) ?? NestedCoercion.commonType(a, b)
    }

    static func commonType(of types: [DataType]) -> DataType? {
        guard var common = types.first else { return nil }
        // Strings last, so that the result does not depend on where a string stands among the others.
        let ordered = types.contains(.string) ? types.filter { $0 == .string } + types.filter { $0 != .string } : types
        common = ordered[0]
        for type in ordered.dropFirst() {
            guard let wider = commonType(common, type) else { return nil }
            common = wider
        }
        return common
    }

    static func unified(
        _ expressions: [BoundExpression], in construct: String, span: SourceSpan?
    ) throws(TidemillError) -> [BoundExpression] {
        guard let common = commonType(of: expressions.map(\.type)) else {
            throw BindError.dataDifferentTypes(expressions, in: construct, span)
        }
        return expressions.map { cast($0, to: common) }
    }

    /// A cast known to be legal; nothing if the type is right already. Constants are converted at once.
    static func cast(_ expression: BoundExpression, to type: DataType) -> BoundExpression {
        if expression.type == type { return expression }
        if case .literal(let scalar) = expression, scalar.isNull { return .null(type) }
        return .cast(expression, to: type, try: false)
    }

    /// The type that an argument of type `from` takes where a function expects `to`; nil if Spark refuses.
    static func implicitType(_ from: DataType, to: DataType) -> DataType? {
        if from == to || from == .null || (from == .string && !to.isNested) { return to }
        return canStore(from, to) ? to : nil
    }

    /// ANSI store assignment: between numbers, between dates and timestamps, and anything to text.
    static func canStore(_ from: DataType, _ to: DataType) -> Bool {
        if from == to || from == .null { return true }
        if from.isNested || to.isNested { return NestedCoercion.converts(from, to, canStore) }
        if to == .string { return true }
        if from.isNumeric { return to.isNumeric }
        if from.isInterval { return sameFamily(from, to) }
        return (from == .date || from.isTimestamp) && (to == .date || to.isTimestamp)
    }

    private static func sameFamily(_ a: DataType, _ b: DataType) -> Bool {
        a.isYearMonthInterval && b.isYearMonthInterval || a.isDayTimeInterval && b.isDayTimeInterval
    }

    /// Conversions that cannot fail or lose digits.
    static func canUpCast(_ from: DataType, _ to: DataType) -> Bool {
        if from == to || from == .null { return true }
        if from.isNested || to.isNested { return NestedCoercion.converts(from, to, canUpCast) }
        switch (from, to) {
        case (_, .string): return from != .binary
        case (_, .decimal(let precision, let scale)):
            guard let have = DecimalTypes.holding(from) else { return false }
            return precision - scale >= have.precision - have.scale && scale >= have.scale
        case (.decimal(let precision, let scale), .bigint): return scale == 0 && precision <= 18
        case (.decimal(let precision, let scale), .int): return scale == 0 && precision <= 9
        case (.decimal, .float), (.decimal, .double): return true
        case (.date, .timestamp), (.date, .timestampNTZ), (.timestampNTZ, .timestamp), (.timestamp, .timestampNTZ):
            return true
        case (.yearMonthInterval(let x), .yearMonthInterval(let y)), (.dayTimeInterval(let x), .dayTimeInterval(let y)):
            return y.first <= x.first && x.last <= y.last
        default:
            if let x = numericRank(from), let y = numericRank(to) { return x <= y }
            return false
        }
    }

    static func implicitCast(
        _ expression: BoundExpression, to type: DataType, span: SourceSpan?
    ) throws(TidemillError) -> BoundExpression {
        guard implicitType(expression.type, to: type) != nil else {
            throw BindError.unexpectedType(expression, expected: type.sql, position: nil, function: nil, span)
        }
        return cast(expression, to: type)
    }

    /// The ANSI matrix of explicit casts.
    static func canCast(_ from: DataType, _ to: DataType) -> Bool {
        if from == to || from == .null { return true }
        if from.isNested || to.isNested { return to == .string || NestedCoercion.converts(from, to, canCast) }
        switch (from, to) {
        case (_, .null): return false
        case (_, .string): return true
        case (_, .timeWindow), (.timeWindow, _): return false
        case (.string, _): return true
        case (.boolean, _): return to.isNumeric
        case (.binary, _), (_, .binary): return false
        case (.date, _): return to.isTimestamp
        case (.timestamp, _): return to.isNumeric || to == .date || to == .timestampNTZ
        case (.timestampNTZ, _): return to == .date || to == .timestamp
        case (.yearMonthInterval, _), (.dayTimeInterval, _):
            return to.isIntegral || to.isDecimal || sameFamily(from, to)
        case (_, .yearMonthInterval), (_, .dayTimeInterval): return from.isIntegral || from.isDecimal
        default: return from.isNumeric && (to.isNumeric || to == .boolean || to == .timestamp)
        }
    }

    static func explicitCast(
        _ expression: BoundExpression, to type: DataType, try isTry: Bool, span: SourceSpan?
    ) throws(TidemillError) -> BoundExpression {
        let from = expression.type
        guard canCast(from, type) else { throw BindError.castWithoutSuggestion(expression, to: type, span) }
        if from == type { return expression }
        if case .literal(let scalar) = expression, scalar.isNull { return .null(type) }
        return .cast(expression, to: type, try: isTry)
    }

    static func storeCast(
        _ expression: BoundExpression, to field: Field, span: SourceSpan?
    ) throws(TidemillError) -> BoundExpression {
        guard canStore(expression.type, field.type) else {
            throw BindError.incompatibleStore(expression, to: field, span)
        }
        let stored = cast(expression, to: field.type)
        guard case .cast(let operand, let type, let isTry, let origin) = stored, origin.span == nil else {
            return stored
        }
        return .cast(operand, to: type, try: isTry, at: Origin(span, storedIn: field.name))
    }
}
