/// Errors of analysis, with Spark's classes where Spark has one.
enum AnalysisError {
    static func user(_ code: String, _ message: String, hint: String? = nil, _ span: SourceSpan?) -> TidemillError {
        TidemillError(.user, code, message, hint: hint, place: span.map { .sql($0) })
    }

    static func unsupported(_ message: String, hint: String? = nil, _ span: SourceSpan?) -> TidemillError {
        .unsupported(message, hint: hint, place: span.map { .sql($0) })
    }

    static func unresolvedColumn(_ name: QualifiedName, scope: Scope, others: [String] = []) -> TidemillError {
        let written = name.parts.map { "`\($0.name)`" }.joined(separator: ".")
        let message = "a column with the name \(written) cannot be resolved"
        let isQualified = name.parts.count > 1
        let candidates = scope.visible.map { isQualified ? $0.text : "`\($0.name)`" } + others.map { "`\($0)`" }
        guard !candidates.isEmpty else {
            return user(
                "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", message, hint: "no columns are in scope here", name.span)
        }
        let near = NameSuggestions.nearest(to: written, among: candidates)
        return user(
            "UNRESOLVED_COLUMN.WITH_SUGGESTION", message,
            hint: "did you mean one of: \(near.joined(separator: ", "))?", name.span)
    }

    static func ambiguous(_ name: QualifiedName, _ columns: [Scope.Column]) -> TidemillError {
        user(
            "AMBIGUOUS_REFERENCE",
            "reference \(name.parts.map { "`\($0.name)`" }.joined(separator: ".")) is ambiguous, could be: "
                + "[\(columns.map(\.text).joined(separator: ", "))]",
            hint: "put the table's name or alias in front of it", name.span)
    }

    static func tableNotFound(_ name: QualifiedName, known: [String], hint: String? = nil) -> TidemillError {
        let near = closestName(to: name.text, among: known)
        return user(
            "TABLE_OR_VIEW_NOT_FOUND",
            "the table or view \(name.parts.map { "`\($0.name)`" }.joined(separator: ".")) cannot be found",
            hint: near.map { "did you mean \($0)?" } ?? hint
                ?? "external data is declared with CREATE TABLE … USING csv OPTIONS (path '…')",
            name.span)
    }

    static func missingGroupBy(_ text: String, _ span: SourceSpan?) -> TidemillError {
        user(
            "MISSING_GROUP_BY",
            "the query has aggregates but no GROUP BY clause, so this expression has no single value: \(text)",
            hint: "add GROUP BY \(text), or use any_value(\(text)) if it does not matter which value is returned", span)
    }

    static func missingAggregation(_ text: String, _ span: SourceSpan?) -> TidemillError {
        user(
            "MISSING_AGGREGATION",
            "the non-aggregating expression \(text) is based on columns which are not participating in the "
                + "GROUP BY clause",
            hint: "add it to GROUP BY, aggregate it, or use any_value(\(text)) if it does not matter which value is "
                + "returned", span)
    }
}

extension TidemillError {
    /// The same error at `span` unless it has a place.
    func at(_ span: SourceSpan?) -> TidemillError { span.map { at(.sql($0)) } ?? self }
}
