/// Errors of binding, with Spark's classes.
enum BindError {
    private static func place(_ span: SourceSpan?) -> ErrorPlace? { span.map { .sql($0) } }

    static func unresolvedRoutine(_ name: String, _ span: SourceSpan?) -> TidemillError {
        let suggestion = closestName(to: name, among: FunctionRegistry.builtin.names)
        return TidemillError(
            .user, "UNRESOLVED_ROUTINE", "cannot resolve routine \(quoted(name))",
            hint: suggestion.map { "did you mean \($0)?" } ?? "docs/functions.md lists the functions",
            place: place(span))
    }

    static func wrongArgumentCount(
        _ name: String, expected: String, actual: Int, usage: String, _ span: SourceSpan?
    ) -> TidemillError {
        TidemillError(
            .user, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
            "\(quoted(name)) requires \(expected == "1" ? "1 argument" : "\(expected) arguments")"
                + " but the actual number is \(actual)",
            hint: "usage: \(usage)", place: place(span))
    }

    static func unexpectedType(
        _ expression: BoundExpression, expected: String, position: Int?, function: String?, _ span: SourceSpan?
    ) -> TidemillError {
        let which = position.map { "the \(ordinal($0)) parameter" } ?? "the expression"
        let owner = function.map { " of \($0)" } ?? ""
        return TidemillError(
            .user, "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
            "\(which)\(owner) requires the type \(expected), but \(expression) has the type \(expression.type.sql)",
            hint: "convert it with cast(… AS \(expected.split(separator: " ").first ?? "STRING"))", place: place(span))
    }

    static func binaryDifferentTypes(
        _ symbol: String, _ left: BoundExpression, _ right: BoundExpression, _ span: SourceSpan?
    ) -> TidemillError {
        TidemillError(
            .user, "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES",
            "the left and right operands of \(symbol) have incompatible types: \(left.type.sql) and \(right.type.sql)",
            hint: "cast one of them to the type of the other", place: place(span))
    }

    static func binaryWrongType(
        _ symbol: String, expected: String, actual: DataType, _ span: SourceSpan?
    ) -> TidemillError {
        TidemillError(
            .user, "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE",
            "the operator \(symbol) requires operands of the type \(expected), not \(actual.sql)",
            hint: "cast the operands first", place: place(span))
    }

    static func dataDifferentTypes(
        _ expressions: [BoundExpression], in construct: String, _ span: SourceSpan?
    ) -> TidemillError {
        let types = expressions.map { $0.type.sql }.joined(separator: ", ")
        return TidemillError(
            .user, "DATATYPE_MISMATCH.DATA_DIFF_TYPES",
            "operands of \(construct) should all be of the same type, or coercible to one: \(types)",
            hint: "cast them to one type", place: place(span))
    }

    static func castWithoutSuggestion(
        _ expression: BoundExpression, to type: DataType, _ span: SourceSpan?
    ) -> TidemillError {
        let (code, hint): (String, String) =
            switch (expression.type, type) {
            case (.date, let to) where to.isNumeric: ("CAST_WITH_FUNC_SUGGESTION", "use unix_date")
            case (let from, .date) where from.isNumeric: ("CAST_WITH_FUNC_SUGGESTION", "use date_from_unix_date")
            case (.boolean, .timestamp), (.date, .boolean), (_, .binary):
                ("CAST_WITH_CONF_SUGGESTION", "Spark does this only with ANSI mode off")
            default: ("CAST_WITHOUT_SUGGESTION", "a cast to STRING is always possible")
            }
        return TidemillError(
            .user, "DATATYPE_MISMATCH.\(code)", "cannot cast \(expression.type.sql) to \(type.sql)", hint: hint,
            place: place(span))
    }

    static func incompatibleStore(
        _ expression: BoundExpression, to field: Field, _ span: SourceSpan?
    ) -> TidemillError {
        TidemillError(
            .user, "INCOMPATIBLE_DATA_FOR_TABLE.CANNOT_SAFELY_CAST",
            "cannot safely store \(expression.type.sql) in the column \(quoted(field.name)) of type \(field.type.sql)",
            hint: "write cast(… AS \(field.type.sql))", place: place(span))
    }

    static func notBoolean(_ expression: BoundExpression, in construct: String, _ span: SourceSpan?) -> TidemillError {
        let code =
            switch construct {
            case "AND", "OR": "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES"
            case "NOT", "CASE WHEN": "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"
            default: "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN"
            }
        return TidemillError(
            .user, code,
            "\(construct) requires a boolean condition, but \(expression) has the type \(expression.type.sql)",
            hint: "compare it with a value, or cast it to BOOLEAN", place: place(span))
    }

    static func invalidArgument(
        _ code: String, _ message: String, hint: String? = nil, _ span: SourceSpan?
    ) -> TidemillError {
        TidemillError(.user, code, message, hint: hint, place: place(span))
    }

    static func unsupported(_ message: String, hint: String? = nil, _ span: SourceSpan?) -> TidemillError {
        .unsupported(message, hint: hint, place: place(span))
    }

    static func quoted(_ name: String) -> String { "`\(name)`" }

    static func ordinal(_ position: Int) -> String {
        let words = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh"]
        return position < words.count ? words[position] : "\(position + 1)th"
    }
}
