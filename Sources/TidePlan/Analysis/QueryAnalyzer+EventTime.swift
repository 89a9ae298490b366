// WATERMARK behind a relation, and drop_duplicates in FROM.

extension QueryAnalyzer {
    /// The relation with its event time named. A view or a batch query has no late rows: there it only adds the column
    /// that `AS name` asks for.
    func watermarked(
        _ relation: AnalyzedRelation, by watermark: Watermark
    ) throws(TidemillError) -> AnalyzedRelation {
        let binder = ExpressionBinder(self, relation.scope, aggregates: .refused(in: .filter))
        let bound = try binder.bind(watermark.expression)
        guard bound.type == .timestamp else {
            throw AnalysisError.user(
                "EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE",
                "the event time \(watermark.expression.sql) has the type \(bound.type.sql), expected TIMESTAMP",
                hint: "convert it: WATERMARK CAST(\(watermark.expression.sql) AS TIMESTAMP) AS name DELAY OF …",
                watermark.expression.span)
        }
        let delay = try delayMillis(watermark.delay, watermark.span)
        var result = relation
        var column: Int
        if watermark.name == nil, case .column(let index, _, _) = bound {
            column = index
        } else {
            guard let name = watermark.name else {
                throw AnalysisError.user(
                    "REQUIRES_EXPLICIT_NAME_IN_WATERMARK_CLAUSE",
                    "the watermark expression \(watermark.expression.sql) needs a name",
                    hint: "write WATERMARK \(watermark.expression.sql) AS event_time DELAY OF …", watermark.span)
            }
            let field = Field(name.name, bound.type, nullable: bound.nullable)
            column = relation.plan.schema.count
            result.plan = .project(
                input: relation.plan, items: relation.plan.outputItems + [NamedExpression(field.name, bound)])
            result.scope.columns.append(
                Scope.Column(
                    name: field.name, qualifier: [], index: column, type: field.type, nullable: field.nullable))
        }
        guard consumer == .streamingTable && relation.isStreaming || consumer == .frozenView else {
            note(
                "WATERMARK has no effect \(target.map { "in \($0)" } ?? "in a batch query"): nothing is ever late there"
            )
            return result
        }
        result.plan = .watermark(LogicalPlan.Watermark(input: result.plan, column: column, delayMillis: delay))
        remember(result.plan, watermark.span)
        return result
    }

    /// Months count 31 days, as in Spark.
    private func delayMillis(_ delay: IntervalLiteral, _ span: SourceSpan) throws(TidemillError) -> Int64 {
        let days = Int64(delay.months) * 31 + Int64(delay.days)
        let (micros, overflow) = (days * 86_400_000_000).addingReportingOverflow(delay.microseconds)
        guard !overflow, micros >= 0 else {
            throw AnalysisError.user(
                "TIDEMILL_WATERMARK_DELAY", "the delay of a watermark must not be a negative interval: \(span.text)",
                hint: "it says how late rows may come, for example INTERVAL 10 MINUTES", span)
        }
        return micros / 1000
    }

    // MARK: drop_duplicates

    static let dropDuplicates = ["drop_duplicates", "drop_duplicates_within_watermark"]

    /// `drop_duplicates(TABLE(query), 'k1', …)`: without names all columns are the key.
    func deduplicated(
        _ function: TableFunction, _ span: SourceSpan
    ) throws(TidemillError) -> AnalyzedRelation {
        let name = function.name.last.name.lowercased()
        let isWithin = name == QueryAnalyzer.dropDuplicates[1]
        guard let first = function.arguments.first, case .table(let table) = first.value else {
            throw AnalysisError.user(
                "TIDEMILL_TABLE_ARGUMENT", "\(name) takes a table as its first argument",
                hint: "write \(name)(TABLE(SELECT …), 'key')", span)
        }
        let relation = try analyzeRelation(table)
        var keys: [Int] = []
        for argument in function.arguments.dropFirst() {
            guard case .expression(let expression) = argument.value, case .literal(.string(let key)) = expression.kind
            else {
                throw AnalysisError.user(
                    "TIDEMILL_TABLE_ARGUMENT", "\(name) takes column names as string literals",
                    hint: "write \(name)(TABLE(SELECT …), 'key')", argument.span)
            }
            keys += try positions(of: key, in: relation, argument.span)
        }
        if function.arguments.count == 1 { keys = relation.scope.visible.map(\.index) }
        let isStream = relation.isStreaming && consumer == .streamingTable
        if isWithin, !isStream {
            throw AnalysisError.user(
                "TIDEMILL_DEDUPLICATION_IN_BATCH",
                "drop_duplicates_within_watermark is not supported with batch input: nothing is ever late there",
                hint: "use drop_duplicates, or a streaming table over STREAM", span)
        }
        // Columns that a USING join hides would be told apart by names that nobody sees.
        let input = projected(relation, relation.items)
        let positions = keys.compactMap { key in relation.scope.visible.firstIndex { $0.index == key } }
        var result = input
        if isStream {
            result.plan = .deduplicate(
                LogicalPlan.Deduplicate(input: input.plan, keys: positions, isWithinWatermark: isWithin))
            remember(result.plan, span)
        } else {
            // Without an order of arrival the whole row decides which one is first.
            let columns = input.plan.outputItems.map(\.expression)
            result.plan = .topN(
                LogicalPlan.TopN(
                    input: input.plan, partitionBy: positions.map { columns[$0] }, orderBy: [], limit: 1))
        }
        return result
    }
}
