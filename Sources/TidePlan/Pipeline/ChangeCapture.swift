import TideSQL

// AUTO CDC: a table that holds the newest row of each key. Each flow's statement becomes a query for its events (the
// table's columns, the sequence number, whether the event deletes); the flows together are one `Latest` over the union
// of their events, since the newest row of a key may come by any of them.

extension AutoCDC {
    static let sequenceName = "__sequence"
    static let deletionName = "__is_deletion"

    /// `SELECT columns, sequence, deletion FROM source`.
    var events: Query {
        func item(_ kind: Expression.Kind, _ span: SourceSpan, as alias: String? = nil) -> SelectItem {
            SelectItem(
                expression: Expression(kind, span: span),
                aliases: alias.map { [Identifier(name: $0, span: span)] } ?? [], span: span)
        }
        var items: [SelectItem]
        switch columns {
        case .all: items = [item(.star(Star(qualifier: nil, except: [])), span)]
        case .allExcept(let names): items = [item(.star(Star(qualifier: nil, except: names)), span)]
        case .only(let names): items = names.map { item(.column($0), $0.span) }
        }
        items.append(item(sequenceBy.kind, sequenceBy.span, as: AutoCDC.sequenceName))
        if let deleteWhen { items.append(item(deleteWhen.kind, deleteWhen.span, as: AutoCDC.deletionName)) }
        let select = Select(items: items, from: [source], span: span)
        return Query(body: QueryBody(.select(select), span: span), span: span)
    }
}

extension PipelineSession {
    /// The table of one or more AUTO CDC flows.
    func changeCapture(of table: Declarations.Table) throws(TidemillError) -> Dataset {
        var relations: [(flow: Declarations.FlowDeclaration, cdc: AutoCDC, plan: LogicalPlan)] = []
        for flow in table.flows.sorted(by: { $0.name < $1.name }) {
            guard let cdc = flow.changeCapture else {
                throw AnalysisError.user(
                    "TIDEMILL_FLOW_KINDS", "\(table.name.text) has AUTO CDC flows, so \(flow.name) must be one too",
                    hint: "let INSERT INTO flows write to a table of their own", flow.span)
            }
            if cdc.history == .type2 {
                throw AnalysisError.unsupported(
                    "STORED AS SCD TYPE 2 is not supported yet", hint: "STORED AS SCD TYPE 1", cdc.span)
            }
            let relation = try analyzed(flow, of: table)
            guard relation.isStreaming else {
                throw AnalysisError.user(
                    "INVALID_FLOW_QUERY_TYPE.BATCH_RELATION_FOR_STREAMING_TABLE",
                    "AUTO CDC into \(table.name.text) reads a stream of events",
                    hint: "write FROM STREAM(…)", cdc.source.span)
            }
            relations.append((flow, cdc, relation.plan))
        }
        let fields = try fields(of: table, relations.map { ($0.cdc, $0.plan) })
        let keys = try keys(of: table, relations.map(\.cdc), fields)
        let sequence = try sequenceType(relations.map { ($0.cdc, $0.plan) })
        var events: [LogicalPlan] = []
        for relation in relations {
            events.append(
                try self.events(relation.plan, relation.cdc, fields, sequence: sequence, flow: relation.flow.name))
        }
        let analyzed = LogicalPlan.latest(
            LogicalPlan.Latest(input: events.count == 1 ? events[0] : .union(events), keys: keys))
        let first = relations[0].flow
        let schema = analyzed.schema
        let dataset = Dataset(
            name: table.name.text, kind: table.kind, schema: schema, format: "parquet",
            properties: try properties(of: table), partitionedBy: [],
            key: .columns(keys.sorted()),
            flows: [Flow(name: first.name, analyzed: analyzed, plan: Optimizer.optimize(analyzed), span: first.span)],
            span: table.span)
        return try partitioned(dataset, by: table.clauses.partitionedBy)
    }

    /// How many of a flow's columns go into the table.
    private func columnCount(_ cdc: AutoCDC, _ plan: LogicalPlan) -> Int {
        plan.schema.count - (cdc.deleteWhen == nil ? 1 : 2)
    }

    /// The declared columns, else those of the first flow with the common types of all.
    private func fields(
        of table: Declarations.Table, _ flows: [(cdc: AutoCDC, plan: LogicalPlan)]
    ) throws(TidemillError) -> [Field] {
        var fields: [Field] = []
        for column in table.columns {
            guard let type = column.type else { throw .internal("column without type: \(column.name.name)") }
            fields.append(Field(column.name.name, try TypeResolution.resolve(type, settings)))
        }
        if !fields.isEmpty { return fields }
        fields = Array(flows[0].plan.schema.fields[..<columnCount(flows[0].cdc, flows[0].plan)])
        for flow in flows.dropFirst() {
            for index in fields.indices {
                guard let other = flow.plan.schema.index(of: fields[index].name) else { continue }
                guard
                    let type = FunctionRegistry.builtin.commonType(of: [
                        fields[index].type, flow.plan.schema[other].type,
                    ])
                else {
                    throw AnalysisError.user(
                        "UNABLE_TO_INFER_PIPELINE_TABLE_SCHEMA",
                        "the flows of \(table.name.text) give the column `\(fields[index].name)` different types",
                        hint: "declare the table's columns", flow.cdc.span)
                }
                fields[index].type = type
            }
        }
        return fields
    }

    private func keys(
        of table: Declarations.Table, _ flows: [AutoCDC], _ fields: [Field]
    ) throws(TidemillError) -> [Int] {
        var all: [[Int]] = []
        for cdc in flows {
            var keys: [Int] = []
            for name in cdc.keys {
                guard name.parts.count == 1,
                    let index = fields.firstIndex(where: { $0.name.lowercased() == name.last.name.lowercased() })
                else {
                    throw AnalysisError.user(
                        "TIDEMILL_CDC_KEY", "the key `\(name.text)` is no column of \(table.name.text)",
                        hint: "columns: \(fields.map(\.name).joined(separator: ", "))", name.span)
                }
                if !keys.contains(index) { keys.append(index) }
            }
            if let first = all.first, Set(first) != Set(keys) {
                throw AnalysisError.user(
                    "TIDEMILL_CDC_KEY", "the AUTO CDC flows of \(table.name.text) have different keys",
                    hint: "name the same KEYS in each", cdc.span)
            }
            all.append(keys)
        }
        return all[0]
    }

    private func sequenceType(_ flows: [(cdc: AutoCDC, plan: LogicalPlan)]) throws(TidemillError) -> DataType {
        let types = flows.map { $0.plan.schema[columnCount($0.cdc, $0.plan)].type }
        guard let type = FunctionRegistry.builtin.commonType(of: types), type != .null else {
            throw AnalysisError.user(
                "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                "SEQUENCE BY has no common type: \(types.map(\.sql).joined(separator: ", "))",
                hint: "cast it to one type in every flow", flows[0].cdc.sequenceBy.span)
        }
        return type
    }

    /// A flow's events in the form that `Latest` takes.
    private func events(
        _ plan: LogicalPlan, _ cdc: AutoCDC, _ fields: [Field], sequence: DataType, flow: String
    ) throws(TidemillError) -> LogicalPlan {
        let schema = plan.schema
        let count = columnCount(cdc, plan)
        func column(_ index: Int) -> BoundExpression {
            .column(index: index, type: schema[index].type, nullable: schema[index].nullable)
        }
        var items: [NamedExpression] = []
        for field in fields {
            let source = (0..<count).first { schema[$0].name.lowercased() == field.name.lowercased() }
            guard let source else {
                items.append(NamedExpression(field.name, .literal(.null(field.type))))
                continue
            }
            items.append(
                NamedExpression(
                    field.name, try FunctionRegistry.builtin.storeCast(column(source), to: field, span: cdc.span)))
        }
        if let extra = (0..<count).first(where: { index in
            !fields.contains { $0.name.lowercased() == schema[index].name.lowercased() }
        }) {
            throw AnalysisError.user(
                "INCOMPATIBLE_DATA_FOR_TABLE.EXTRA_COLUMNS", "the table has no column `\(schema[extra].name)`",
                hint: "leave it out: COLUMNS * EXCEPT (\(schema[extra].name))", cdc.span)
        }
        items.append(
            NamedExpression(
                AutoCDC.sequenceName,
                try FunctionRegistry.builtin.storeCast(
                    column(count), to: Field(AutoCDC.sequenceName, sequence), span: cdc.sequenceBy.span)))
        var deletion = BoundExpression.literal(.boolean(false))
        if let deleteWhen = cdc.deleteWhen {
            let condition = try FunctionRegistry.builtin.bindPredicate(
                column(count + 1), in: "APPLY AS DELETE WHEN", span: deleteWhen.span)
            deletion = .coalesce([condition, .literal(.boolean(false))])
        }
        items.append(NamedExpression(AutoCDC.deletionName, deletion))
        items.append(NamedExpression("__flow", .literal(.string(flow))))
        return .project(input: plan, items: items)
    }
}
