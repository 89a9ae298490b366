import TideSQL

// PARTITIONED BY of stored tables.

extension PipelineSession {
    /// The table with the columns of its partitions last, in the order of the clause, as Spark stores it. The name of a
    /// directory cannot tell the empty text from NULL, so the empty text is NULL in such a column.
    func partitioned(_ dataset: Dataset, by clause: [Expression]) throws(TidemillError) -> Dataset {
        let names = try partitions(clause, dataset.schema)
        guard !names.isEmpty else { return dataset }
        let last = names.compactMap { dataset.schema.index(of: $0) }
        try check(last, of: dataset, clause)
        let order = dataset.schema.fields.indices.filter { !last.contains($0) } + last
        var arranged = dataset
        arranged.partitionedBy = names
        var fields = order.map { dataset.schema[$0] }
        for column in fields.indices.suffix(last.count) where fields[column].type == .string {
            fields[column].nullable = true
        }
        arranged.schema = Schema(fields)
        var flows: [Flow] = []
        for flow in dataset.flows {
            var plan = flow.analyzed
            if case .latest(var latest) = plan, last.contains(where: { dataset.schema[$0].type == .string }) {
                // Events of the empty text and of NULL are events of one key.
                latest.input = .project(
                    input: latest.input, items: try emptyToNull(latest.input, last, clause[0].span))
                plan = .latest(latest)
            }
            let items = try emptyToNull(plan, last, clause[0].span)
            let analyzed = LogicalPlan.project(input: plan, items: order.map { items[$0] })
            flows.append(
                Flow(name: flow.name, analyzed: analyzed, plan: Optimizer.optimize(analyzed), span: flow.span))
        }
        arranged.flows = flows
        if case .columns(let key) = dataset.key {
            arranged.key =
                joins(key, dataset, last) ? .bag : .columns(key.compactMap { order.firstIndex(of: $0) }.sorted())
        }
        return arranged
    }

    /// The plan's columns, those of partitions with NULL in place of the empty text.
    private func emptyToNull(
        _ plan: LogicalPlan, _ partitions: [Int], _ span: SourceSpan
    ) throws(TidemillError) -> [NamedExpression] {
        var items = plan.outputItems
        for column in partitions where items[column].expression.type == .string {
            items[column] = NamedExpression(
                items[column].field.name,
                try FunctionRegistry.builtin.bind(
                    "nullif", arguments: [items[column].expression, .string("")], span: span))
        }
        return items
    }

    /// Whether rows of different keys may look alike in the table: one has the empty text where another has NULL. A
    /// key that upserts go by is the user's word; to it both are one.
    private func joins(_ key: [Int], _ dataset: Dataset, _ partitions: [Int]) -> Bool {
        if dataset.kind == .streamingTable && dataset.writeMode != .overwrite { return false }
        return partitions.contains { column in
            key.contains(column) && dataset.schema[column].type == .string && dataset.schema[column].nullable
        }
    }

    private func check(_ columns: [Int], of dataset: Dataset, _ clause: [Expression]) throws(TidemillError) {
        for (column, expression) in zip(columns, clause) {
            let field = dataset.schema[column]
            guard Column.isTextTarget(field.type) else {
                throw AnalysisError.user(
                    "INVALID_PARTITION_COLUMN_DATA_TYPE",
                    "cannot use \(field.type.sql) for a partition column: \(field.name)",
                    hint: "partition by a column of a type that a directory's name can hold", expression.span)
            }
        }
        guard Set(columns).count == columns.count else {
            throw AnalysisError.user(
                "COLUMN_ALREADY_EXISTS", "a column stands twice in PARTITIONED BY", hint: nil, clause[0].span)
        }
        guard columns.count < dataset.schema.count else {
            throw AnalysisError.user(
                "ALL_PARTITION_COLUMNS_NOT_ALLOWED", "all columns of \(dataset.name) are partition columns",
                hint: "a data file needs one column at least", clause[0].span)
        }
    }
}
