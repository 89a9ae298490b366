// Constants: the parser keeps temporal literals as text, their value depends on the session's time zone.

extension ExpressionBinder {
    func bindLiteral(_ literal: Literal, _ span: SourceSpan) throws(TidemillError) -> BoundExpression {
        switch literal {
        case .null: return .null(.null)
        case .boolean(let value): return .literal(.boolean(value))
        case .byte(let value): return .literal(Scalar(.tinyint, .integer(Int64(value))))
        case .short(let value): return .literal(Scalar(.smallint, .integer(Int64(value))))
        case .integer(let value): return .literal(.int(value))
        case .long(let value): return .literal(.bigint(value))
        case .float(let value): return .literal(Scalar(.float, .float(value)))
        case .double(let value): return .literal(.double(value))
        case .string(let value): return .string(value)
        case .binary(let bytes): return .literal(Scalar(.binary, .bytes(bytes)))
        case .decimal(let value): return try decimal(value, span)
        case .date(let text): return try temporal(text, .date, span)
        case .timestamp(let text):
            // Text with a zone is an instant even where TIMESTAMP means NTZ, as in Spark.
            let isNTZ = context.settings.timestampIsNTZ && !ExpressionBinder.namesZone(text)
            return try temporal(text, isNTZ ? .timestampNTZ : .timestamp, span)
        case .timestampLTZ(let text): return try temporal(text, .timestamp, span)
        case .timestampNTZ(let text): return try temporal(text, .timestampNTZ, span)
        case .time: throw AnalysisError.unsupported("the type TIME is not supported", span)
        case .interval(let interval): return try bindInterval(interval, span)
        }
    }

    private func decimal(_ value: DecimalLiteral, _ span: SourceSpan) throws(TidemillError) -> BoundExpression {
        let precision = value.precision
        guard precision <= 38, let digits = Int128(value.digits) else {
            throw AnalysisError.user(
                "NUMERIC_VALUE_OUT_OF_RANGE", "a decimal constant has more than 38 digits: \(span.text)",
                hint: "write it as a double: 1.5E0", span)
        }
        let type = DataType.decimal(precision: precision, scale: value.scale)
        return .literal(Scalar(type, .decimal(value.isNegative ? -digits : digits)))
    }

    private func temporal(
        _ text: String, _ type: DataType, _ span: SourceSpan
    ) throws(TidemillError) -> BoundExpression {
        guard let value = context.settings.constant(text, as: type) else {
            let example = type == .date ? "DATE '2024-06-01'" : "\(type.sql) '2024-06-01 12:30:00'"
            throw AnalysisError.user(
                "INVALID_TYPED_LITERAL", "the value of the \(type.sql) literal is invalid: '\(text)'",
                hint: "for example \(example)", span)
        }
        return .literal(value)
    }

    /// Whether a timestamp's text ends in a zone: `Z`, an offset behind the time, or a region.
    static func namesZone(_ text: String) -> Bool {
        guard let colon = text.firstIndex(of: ":") else { return false }
        return text[colon...].contains { $0.isLetter || $0 == "+" || $0 == "-" }
    }

    private func bindInterval(
        _ interval: IntervalLiteral, _ span: SourceSpan
    ) throws(TidemillError) -> BoundExpression {
        switch interval.family {
        case .yearMonth:
            return .literal(
                Scalar(TypeResolution.interval(interval.from, interval.to), .integer(Int64(interval.months))))
        case .dayTime:
            guard let micros = interval.totalMicroseconds else {
                throw AnalysisError.user(
                    "INTERVAL_ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION", "interval out of range: \(span.text)", span)
            }
            return .literal(Scalar(TypeResolution.interval(interval.from, interval.to), .integer(micros)))
        case .calendar:
            throw AnalysisError.unsupported(
                "an interval that mixes months with days is not supported: \(span.text)",
                hint: "add the two parts one after the other", span)
        }
    }
}
