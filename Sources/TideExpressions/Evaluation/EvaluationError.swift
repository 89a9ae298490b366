/// Errors that rows raise, with Spark's classes. `kind` is user: the query or its data must change.
enum EvaluationError {
    private static func make(_ code: String, _ message: String, hint: String? = nil) -> TidemillError {
        TidemillError(.user, code, message, hint: hint)
    }

    static func overflow(try function: String? = nil) -> TidemillError {
        make(
            "ARITHMETIC_OVERFLOW", "overflow",
            hint: function.map { "use \($0) to tolerate overflow and get NULL instead" }
                ?? "cast the operands to a wider type")
    }

    static func binaryOverflow(_ left: String, _ symbol: String, _ right: String) -> TidemillError {
        make(
            "BINARY_ARITHMETIC_OVERFLOW", "overflow in \(left) \(symbol) \(right)",
            hint: "cast the operands to a wider type")
    }

    static let divideByZero = make(
        "DIVIDE_BY_ZERO", "division by zero", hint: "use try_divide to get NULL instead, or nullif(divisor, 0)")
    static let remainderByZero = make(
        "REMAINDER_BY_ZERO", "remainder by zero", hint: "use nullif(divisor, 0) to get NULL instead")
    static let intervalDividedByZero = make(
        "INTERVAL_DIVIDED_BY_ZERO", "division of an interval by zero", hint: "use nullif(divisor, 0) to get NULL")
    static let intervalOverflow = make(
        "INTERVAL_ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION", "integer overflow while operating with intervals")
    static let datetimeOverflow = make(
        "DATETIME_OVERFLOW", "datetime operation overflow", hint: "the result is outside the range of its type")

    static func castInvalid(_ value: Scalar, to type: DataType) -> TidemillError {
        make(
            "CAST_INVALID_INPUT",
            "the value \(value.messageText) of the type \(value.type.sql) cannot be cast to \(type.sql)"
                + " because it is malformed",
            hint: "use try_cast to tolerate malformed input and get NULL instead")
    }

    static func intervalFormat(_ value: Scalar, to type: DataType) -> TidemillError {
        let example =
            type.isYearMonthInterval ? "'1-2' is INTERVAL YEAR TO MONTH" : "'1 02:03' is INTERVAL DAY TO MINUTE"
        return make(
            "INVALID_INTERVAL_FORMAT.UNMATCHED_FORMAT_STRING", "not of the form of \(type.sql): \(value.messageText)",
            hint: "the text must have exactly the fields of the type: \(example)")
    }

    static func castOverflow(_ value: Scalar, to type: DataType) -> TidemillError {
        make(
            "CAST_OVERFLOW",
            "the value \(value.messageText) of the type \(value.type.sql) cannot be cast to \(type.sql)"
                + " due to an overflow",
            hint: "use try_cast to tolerate overflow and get NULL instead")
    }

    static func outOfRange(_ value: Scalar, to type: DataType) -> TidemillError {
        make(
            "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
            "\(value.messageText) cannot be represented as \(type.sql)",
            hint: "use try_cast to get NULL instead, or a decimal with more digits")
    }

    static func decimalResultOutOfRange(_ type: DataType) -> TidemillError {
        make(
            "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION", "the result cannot be represented as \(type.sql)",
            hint: "cast the operands to decimals with fewer digits, or to double")
    }

    static let tooManyRows = make(
        "SCALAR_SUBQUERY_TOO_MANY_ROWS", "a scalar subquery returned more than one row",
        hint: "aggregate its value, or add ORDER BY … LIMIT 1")

    static func invalidInput(_ code: String, _ message: String, hint: String? = nil) -> TidemillError {
        make(code, message, hint: hint)
    }
}

/// The session time zone. Only UTC is computed with.
enum TimeZoneRule {
    private static let names: Set<String> = [
        "utc", "etc/utc", "gmt", "etc/gmt", "z", "zulu", "ut", "uct", "universal", "+00:00", "-00:00", "+0", "utc+0",
        "gmt+0",
    ]

    static func requireUTC(_ context: EvaluationContext) throws(TidemillError) {
        if context.timeZone == "UTC" || names.contains(context.timeZone.lowercased()) { return }
        throw .unsupported(
            "the session time zone \(context.timeZone) is not supported",
            hint: "set spark.sql.session.timeZone to UTC")
    }
}

/// Rounds toward negative infinity; `divisor` > 0.
@inline(__always) func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    let quotient = value / divisor
    return value % divisor < 0 ? quotient &- 1 : quotient
}
