// Stored tables: their columns from flows and declarations, their keys, their flows' plans.

extension PipelineSession {
    func definition(of table: Declarations.Table) throws(TidemillError) -> Dataset {
        let name = table.name.text
        try checkClauses(table)
        guard !table.flows.isEmpty else {
            throw AnalysisError.user(
                "PIPELINE_DATASET_WITHOUT_FLOW", "the streaming table `\(name)` has no flows",
                hint: "add AS SELECT … FROM STREAM …, or CREATE FLOW f AS INSERT INTO \(name) SELECT …", table.span)
        }
        if table.flows.contains(where: { $0.changeCapture != nil }) { return try changeCapture(of: table) }
        let freezes = try freezesAtWatermark(table)
        try checkStartingOffsets(table)
        var relations: [AnalyzedRelation] = []
        for flow in table.flows {
            let relation = try analyzed(flow, of: table)
            if table.kind == .streamingTable, !relation.isStreaming {
                throw AnalysisError.user(
                    "INVALID_FLOW_QUERY_TYPE.BATCH_RELATION_FOR_STREAMING_TABLE",
                    "the streaming table \(name) can only be defined by a streaming relation",
                    hint: "write STREAM before the table it follows, or CREATE MATERIALIZED VIEW", flow.query.span)
            }
            if table.kind == .streamingTable {
                try StreamingLegality(
                    mode: outputMode(of: table), target: name, places: places, span: flow.query.span
                ).check(relation.plan)
            }
            if freezes {
                let legality = StreamingLegality(
                    mode: .update, target: name, places: places, span: flow.query.span)
                try FrozenViewRules(
                    legality: legality, incremental: Incrementalization(datasets: analyzedDatasets),
                    span: flow.query.span
                ).check(relation.plan)
            }
            relations.append(relation)
        }
        let columns = try columns(of: table, relations)
        var flows: [Flow] = []
        var isNullable = columns.map { _ in false }
        for (flow, relation) in zip(table.flows, relations) {
            let analyzed = try stored(relation, columns, flow, table)
            for (index, field) in analyzed.schema.fields.enumerated() where field.nullable { isNullable[index] = true }
            flows.append(
                Flow(name: flow.name, analyzed: analyzed, plan: Optimizer.optimize(analyzed), span: flow.span))
        }
        let schema = Schema(
            columns.enumerated().map { Field($1.name, $1.type, nullable: isNullable[$0]) })
        for (index, column) in table.columns.enumerated() where column.isNotNull && isNullable[index] {
            throw AnalysisError.unsupported(
                "NOT NULL of a stored column whose query can give NULL is not supported: \(column.name.name)",
                hint: "leave NOT NULL out, or use coalesce", column.span)
        }
        let dataset = Dataset(
            name: name, kind: table.kind, schema: schema,
            format: table.clauses.format?.text.lowercased() ?? "parquet", properties: try properties(of: table),
            partitionedBy: [], key: try key(of: table, flows, schema), flows: flows, span: table.span,
            outputMode: outputMode(of: table), writeMode: try writeMode(of: table, flows))
        return try partitioned(dataset, by: table.clauses.partitionedBy)
    }

    /// nil for tables that only grow.
    private func key(
        of table: Declarations.Table, _ flows: [Flow], _ schema: Schema
    ) throws(TidemillError) -> TableKey? {
        guard let flow = flows.first else { return nil }
        let upstream = analyzedDatasets
        if table.kind == .streamingTable {
            let declared = try declaredKey(of: table, schema)
            switch try writeMode(of: table, flows) {
            case .append: return nil
            case .upsert:
                if let declared { return .columns(declared) }
                if outputMode(of: table) == .update, let key = KeyDerivation(datasets: upstream).key(of: flow.analyzed)
                {
                    return .columns(key)
                }
                throw AnalysisError.user(
                    "TIDEMILL_NO_KEY", "the rows of \(table.name.text) are told apart by no known columns",
                    hint: "select all grouping columns, or name them: TBLPROPERTIES ('tidemill.key' = 'a, b')",
                    table.span)
            case .overwrite:
                return KeyDerivation(datasets: upstream).key(of: flow.analyzed).map { .columns($0) } ?? .bag
            }
        }
        if Incrementalization(datasets: upstream).isAppendOnly(flow.analyzed) { return nil }
        return KeyDerivation(datasets: upstream).key(of: flow.analyzed).map { .columns($0) } ?? .bag
    }

    // MARK: Columns

    /// Declared columns, else those of the first flow with the common types of all.
    private func columns(
        of table: Declarations.Table, _ relations: [AnalyzedRelation]
    ) throws(TidemillError) -> [Field] {
        var fields: [Field] = []
        for column in table.columns {
            guard let type = column.type else { throw .internal("column without type: \(column.name.name)") }
            if column.defaultValue != nil {
                throw AnalysisError.unsupported("DEFAULT of a stored column is not supported", column.span)
            }
            fields.append(Field(column.name.name, try TypeResolution.resolve(type, settings)))
        }
        if fields.isEmpty {
            fields = relations[0].plan.schema.fields
            for (index, relation) in relations.enumerated().dropFirst() {
                try widen(&fields, by: relation.plan.schema, table.flows[index], table)
            }
        }
        var seen = Set<String>()
        for (index, field) in fields.enumerated() {
            let place = index < table.columns.count ? table.columns[index].span : table.flows[0].query.span
            guard seen.insert(field.name.lowercased()).inserted else {
                throw AnalysisError.user(
                    "COLUMN_ALREADY_EXISTS", "the table `\(table.name.text)` would have two columns `\(field.name)`",
                    hint: "give one of them another name with AS", place)
            }
            if field.type == .timeWindow { fields[index].type = .storedWindow }
            guard field.type != .null else {
                throw AnalysisError.user(
                    "UNSUPPORTED_DATATYPE", "the column `\(field.name)` has no type: it is always NULL",
                    hint: "write cast(NULL AS STRING)", place)
            }
        }
        return fields
    }

    private func widen(
        _ fields: inout [Field], by schema: Schema, _ flow: Declarations.FlowDeclaration, _ table: Declarations.Table
    ) throws(TidemillError) {
        let sources = try positions(of: fields, in: schema, flow, table)
        for (index, source) in sources.enumerated() {
            guard let source else { continue }
            let types = [fields[index].type, schema[source].type]
            guard let type = FunctionRegistry.builtin.commonType(of: types) else {
                throw AnalysisError.user(
                    "UNABLE_TO_INFER_PIPELINE_TABLE_SCHEMA",
                    "the flows of \(table.name.text) give the column `\(fields[index].name)` different types: "
                        + "\(types[0].sql) and \(types[1].sql)",
                    hint: "cast one of them, or declare the table's columns", flow.query.span)
            }
            fields[index].type = type
        }
    }

    /// For each table column the query's column that goes there: by name for BY NAME, and when the declared names are
    /// exactly the query's; otherwise in order. nil: the flow leaves it NULL.
    private func positions(
        of fields: [Field], in schema: Schema, _ flow: Declarations.FlowDeclaration, _ table: Declarations.Table
    ) throws(TidemillError) -> [Int?] {
        let span = flow.query.span
        if flow.isByName {
            let known = Set(fields.map { $0.name.lowercased() })
            if let extra = schema.fields.first(where: { !known.contains($0.name.lowercased()) }) {
                throw AnalysisError.user(
                    "INCOMPATIBLE_DATA_FOR_TABLE.EXTRA_COLUMNS",
                    "the table `\(table.name.text)` has no column `\(extra.name)`",
                    hint: "columns: \(fields.map(\.name).joined(separator: ", "))", span)
            }
            return fields.map { schema.index(of: $0.name) }
        }
        guard schema.count == fields.count else {
            let isMore = schema.count > fields.count
            throw AnalysisError.user(
                "INSERT_COLUMN_ARITY_MISMATCH."
                    + (isMore ? "TOO_MANY_DATA_COLUMNS" : "NOT_ENOUGH_DATA_COLUMNS"),
                "cannot write to `\(table.name.text)`: \(isMore ? "too many" : "not enough") data columns",
                hint: "table columns: \(fields.map(\.name).joined(separator: ", ")); "
                    + "data columns: \(schema.names.joined(separator: ", "))", span)
        }
        let named = fields.map { schema.index(of: $0.name) }
        let isPermutation = Set(named.compactMap { $0 }).count == fields.count
        return isPermutation ? named : fields.indices.map { $0 }
    }

    /// The flow's plan with the table's columns, names and types.
    private func stored(
        _ relation: AnalyzedRelation, _ fields: [Field], _ flow: Declarations.FlowDeclaration,
        _ table: Declarations.Table
    ) throws(TidemillError) -> LogicalPlan {
        let schema = relation.plan.schema
        let sources = try positions(of: fields, in: schema, flow, table)
        var items: [NamedExpression] = []
        var isIdentity = true
        for (index, (field, source)) in zip(fields, sources).enumerated() {
            guard let source else {
                items.append(NamedExpression(field.name, .null(field.type)))
                isIdentity = false
                continue
            }
            let from = schema[source]
            let column = BoundExpression.column(index: source, type: from.type, nullable: from.nullable)
            var value = column
            if from.type == .timeWindow, case .structure = field.type { value = try window(column, flow.query.span) }
            value = try FunctionRegistry.builtin.storeCast(value, to: field, span: flow.query.span)
            if source != index || value != column || from.name != field.name { isIdentity = false }
            items.append(NamedExpression(field.name, value))
        }
        return isIdentity ? relation.plan : .project(input: relation.plan, items: items)
    }

    /// A window as the struct it is stored as.
    private func window(_ window: BoundExpression, _ span: SourceSpan) throws(TidemillError) -> BoundExpression {
        var arguments: [BoundExpression] = []
        for name in ["start", "end"] {
            arguments.append(.string(name))
            arguments.append(try FunctionRegistry.builtin.bind("window \(name)", arguments: [window], span: span))
        }
        let fields = try FunctionRegistry.builtin.bind("named_struct", arguments: arguments, span: span)
        guard window.nullable else { return fields }
        let isNull = try FunctionRegistry.builtin.bind("isnull", arguments: [window], span: span)
        return try FunctionRegistry.builtin.bind("if", arguments: [isNull, .null(fields.type), fields], span: span)
    }

    // MARK: Clauses

    func checkClauses(_ table: Declarations.Table) throws(TidemillError) {
        let clauses = table.clauses
        if let format = clauses.format, !["parquet", "csv", "json"].contains(format.text.lowercased()) {
            let known = ["parquet", "delta", "csv", "json"]
            let name = format.text.lowercased()
            if known.contains(name) {
                throw AnalysisError.unsupported(
                    "stored tables of the format \(name) are not supported yet",
                    hint: "USING parquet (the default), json or csv",
                    format.span)
            }
            throw AnalysisError.user(
                "DATA_SOURCE_NOT_FOUND", "failed to find the data source: \(format.text)",
                hint: closestName(to: name, among: known).map { "did you mean \($0)?" } ?? "USING parquet",
                format.span)
        }
        if let span = clauses.locationSpan {
            throw AnalysisError.unsupported(
                "LOCATION of a stored table is not supported, as in Spark's pipelines",
                hint: "TBLPROPERTIES ('tidemill.location' = '…')", span)
        }
        if let column = clauses.clusterBy.first {
            throw AnalysisError.unsupported("CLUSTER BY is not supported yet", hint: "PARTITIONED BY", column.span)
        }
    }

    func properties(of table: Declarations.Table) throws(TidemillError) -> [String: String] {
        var properties: [String: String] = [:]
        for option in table.clauses.options { properties["option.\(option.key)"] = option.value }
        for property in table.clauses.properties {
            if let text = try TidemillKeys.check(property, of: table.name.text) { note(text) }
            properties[property.key] = property.value
        }
        if let comment = table.clauses.comment { properties["comment"] = comment }
        return properties
    }

    func partitions(_ clause: [Expression], _ schema: Schema) throws(TidemillError) -> [String] {
        var names: [String] = []
        for expression in clause {
            guard case .column(let name) = expression.kind, name.parts.count == 1 else {
                throw AnalysisError.unsupported(
                    "partitioning by an expression is not supported: \(expression.span.text)",
                    hint: "select the expression as a column and partition by that", expression.span)
            }
            guard let index = schema.index(of: name.last.name) else {
                throw AnalysisError.unresolvedColumn(name, scope: Scope(schema: schema, qualifier: []))
            }
            names.append(schema[index].name)
        }
        return names
    }
}

extension DataType {
    /// What a time window is in a table.
    fileprivate static var storedWindow: DataType {
        .structure([Field("start", .timestamp), Field("end", .timestamp)])
    }
}
