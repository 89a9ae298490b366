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
            var items: [NamedExpression] = []
            for (place, column) in order.enumerated() {
                let field = flow.analyzed.schema[column]
                var value = BoundExpression.column(index: column, type: field.type, nullable: field.nullable)
                if place >= order.count - last.count, field.type == .string {
                    value = try FunctionRegistry.builtin.bind(
                        "nullif", arguments: [value, .string("")], span: clause[0].span)
                }
                items.append(NamedExpression(field.name, value))
            }
            let analyzed = LogicalPlan.project(input: flow.analyzed, items: items)
            flows.append(
                Flow(name: flow.name, analyzed: analyzed, plan: Optimizer.optimize(analyzed), span: flow.span))
        }
        arranged.flows = flows
        if case .columns(let key) = dataset.key {
            arranged.key = .columns(key.compactMap { order.firstIndex(of: $0) }.sorted())
        }
        return arranged
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
