// Functions in FROM that keep state per key.

extension QueryAnalyzer {
    /// How each is written.
    static let keyedFunctions = [
        "tidemill_in_order": "tidemill_in_order(TABLE(SELECT …), 'key')",
        "tidemill_silent": "tidemill_silent(TABLE(SELECT …), 'key', INTERVAL 5 MINUTES)",
        "tidemill_new_values": "tidemill_new_values(TABLE(SELECT …), 'key', 'value', INTERVAL 30 DAYS)",
    ]

    /// A table, names of columns as string literals, and an interval where the function has one.
    func keyed(_ function: TableFunction, _ span: SourceSpan) throws(TidemillError) -> AnalyzedRelation {
        let name = function.name.last.name.lowercased()
        let usage = "write \(QueryAnalyzer.keyedFunctions[name] ?? name)"
        guard let first = function.arguments.first, case .table(let table) = first.value else {
            throw AnalysisError.user(
                "TIDEMILL_TABLE_ARGUMENT", "\(name) takes a table as its first argument", hint: usage, span)
        }
        let relation = try analyzeRelation(table)
        guard relation.isStreaming && consumer == .streamingTable else {
            throw AnalysisError.user(
                "TIDEMILL_KEYED_STATE_IN_BATCH", "\(name) is not supported with batch input: it follows a stream",
                hint: "use it in a streaming table over STREAM", span)
        }
        var columns: [Int] = []
        var micros: Int64?
        let takesInterval = name != "tidemill_in_order"
        for (index, argument) in function.arguments.enumerated().dropFirst() {
            guard case .expression(let expression) = argument.value, case .literal(let literal) = expression.kind else {
                throw AnalysisError.user(
                    "TIDEMILL_TABLE_ARGUMENT", "\(name) takes column names as string literals", hint: usage,
                    argument.span)
            }
            switch literal {
            case .string(let column): columns += try positions(of: column, in: relation, argument.span)
            case .interval(let interval) where takesInterval && index == function.arguments.count - 1:
                micros = try self.micros(interval, of: name, argument.span)
            default:
                throw AnalysisError.user(
                    "TIDEMILL_TABLE_ARGUMENT", "\(name) takes column names as string literals", hint: usage,
                    argument.span)
            }
        }
        guard takesInterval == (micros != nil), columns.count >= (name == "tidemill_new_values" ? 2 : 1) else {
            throw AnalysisError.user("TIDEMILL_TABLE_ARGUMENT", "\(name) lacks an argument", hint: usage, span)
        }
        let input = projected(relation, relation.items)
        var keys = columns.compactMap { key in relation.scope.visible.firstIndex { $0.index == key } }
        let rule: LogicalPlan.Keyed.Rule
        switch name {
        case "tidemill_in_order": rule = .inOrder
        case "tidemill_silent": rule = .silent(micros: micros ?? 0)
        default: rule = .newValues(column: keys.removeLast(), micros: micros ?? 0)
        }
        let node = LogicalPlan.Keyed(input: input.plan, keys: keys, rule: rule)
        var result = input
        result.plan = .keyed(node)
        if let field = node.field {
            result.scope.columns.append(
                Scope.Column(
                    name: field.name, qualifier: [], index: input.plan.schema.count, type: field.type,
                    nullable: field.nullable))
        }
        remember(result.plan, span)
        return result
    }

    /// Columns of a name that a string literal gives.
    func positions(
        of name: String, in relation: AnalyzedRelation, _ span: SourceSpan
    ) throws(TidemillError) -> [Int] {
        let found = relation.scope.matches([name])
        guard !found.isEmpty else {
            let near = NameSuggestions.nearest(to: name, among: relation.scope.visible.map(\.name))
            throw AnalysisError.user(
                "UNRESOLVED_COLUMN.WITH_SUGGESTION", "a column with the name `\(name)` cannot be resolved",
                hint: "did you mean one of: \(near.joined(separator: ", "))?", span)
        }
        return found.map(\.index)
    }

    /// Months count 31 days, as in a watermark's delay.
    private func micros(
        _ interval: IntervalLiteral, of name: String, _ span: SourceSpan
    ) throws(TidemillError) -> Int64 {
        let days = Int64(interval.months) * 31 + Int64(interval.days)
        let (micros, overflow) = (days * 86_400_000_000).addingReportingOverflow(interval.microseconds)
        guard !overflow, micros > 0 else {
            throw AnalysisError.user(
                "TIDEMILL_INTERVAL_NOT_POSITIVE", "the interval of \(name) must be positive: \(span.text)",
                hint: "for example INTERVAL 10 MINUTES", span)
        }
        return micros
    }
}
