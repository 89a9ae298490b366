/// The statements of all scripts, sorted by what they define. Queries are not looked at yet.
struct Declarations {
    struct External {
        let name: TableName
        let statement: CreateTable
        let span: SourceSpan
    }
    struct View {
        let name: TableName
        let statement: CreateView
        let database: String
        let span: SourceSpan
    }
    struct FlowDeclaration {
        let name: String
        let query: Query
        let isByName: Bool
        let database: String
        let span: SourceSpan
        /// AUTO CDC: what makes rows of the query's.
        var changeCapture: AutoCDC?
    }
    struct Table {
        let name: TableName
        let kind: Dataset.Kind
        let columns: [ColumnDefinition]
        let clauses: TableClauses
        var flows: [FlowDeclaration]
        let span: SourceSpan
    }
    struct Sink {
        let name: TableName
        let statement: CreateSink
        let database: String
        let span: SourceSpan
    }

    let database: String
    private(set) var externals: [String: External] = [:]
    private(set) var views: [String: View] = [:]
    private(set) var tables: [String: Table] = [:]
    /// Keys of `tables` in the order of their statements.
    private(set) var tableOrder: [String] = []
    private(set) var sinks: [Sink] = []
    private(set) var settings: [(key: String, value: String)] = []
    private var pendingFlows: [(target: TableName, flow: FlowDeclaration, targetSpan: SourceSpan)] = []
    private var current: String

    init(database: String) {
        self.database = database
        current = database
    }

    mutating func add(script: [Statement]) throws(TidemillError) {
        current = database
        for statement in script { try add(statement) }
    }

    /// Flows go to their tables once all are known.
    mutating func finish() throws(TidemillError) {
        for (target, flow, span) in pendingFlows {
            guard var table = tables[target.key] else {
                if externals[target.key] != nil || views[target.key] != nil {
                    throw AnalysisError.user(
                        "TIDEMILL_FLOW_TARGET", "a flow can only write to a streaming table: \(target.text)",
                        hint: "CREATE STREAMING TABLE", span)
                }
                let known = tables.values.map(\.name.text)
                throw AnalysisError.user(
                    "TABLE_OR_VIEW_NOT_FOUND",
                    "the table `\(target.text)` that the flow \(flow.name) writes to does not exist",
                    hint: closestName(to: target.text, among: known.sorted()).map { "did you mean \($0)?" }
                        ?? "add CREATE STREAMING TABLE \(target.text)", span)
            }
            guard table.kind == .streamingTable else {
                throw AnalysisError.user(
                    "TIDEMILL_FLOW_TARGET", "a flow cannot write to a materialized view: \(target.text)",
                    hint: "CREATE STREAMING TABLE", span)
            }
            table.flows.append(flow)
            tables[target.key] = table
        }
        var seen: [String: String] = [:]
        for key in tableOrder {
            for flow in tables[key]?.flows ?? [] {
                guard let other = seen.updateValue(key, forKey: flow.name.lowercased()) else { continue }
                throw AnalysisError.user(
                    "PIPELINE_DUPLICATE_IDENTIFIERS.FLOW",
                    "two flows have the same name: \(flow.name)",
                    hint: "they write to \([other, key].joined(separator: " and ")); rename one", flow.span)
            }
        }
    }

    func name(_ name: QualifiedName) throws(TidemillError) -> TableName {
        try TableName(name, current: current, default: database)
    }

    private mutating func add(_ statement: Statement) throws(TidemillError) {
        let span = statement.span
        switch statement.kind {
        case .createTable(let create): try add(create, span)
        case .createStreamingTable(let create): try add(create, span)
        case .createMaterializedView(let create):
            let name = try name(create.name)
            if create.ifNotExists, tables[name.key] != nil { return }
            try register(name, "materialized view", create.name.span)
            let flow = FlowDeclaration(
                name: name.text, query: create.query, isByName: false, database: current, span: create.query.span)
            put(
                Table(
                    name: name, kind: .materializedView, columns: create.columns, clauses: create.clauses,
                    flows: [flow], span: span))
        case .createView(let create): try add(create, span)
        case .createFlow(let create): try add(create)
        case .createSink(let create):
            let name = try name(create.name)
            if let other = sinks.first(where: { $0.name.key == name.key }) {
                if create.ifNotExists { return }
                throw duplicate(name, "sink", "sink", other.span, create.name.span)
            }
            sinks.append(Sink(name: name, statement: create, database: current, span: span))
        case .set(let set):
            guard let key = set.key, let value = set.value else {
                throw AnalysisError.user(
                    "TIDEMILL_SET_WITHOUT_VALUE", "SET needs a key and a value in a pipeline", hint: "SET key = value",
                    span)
            }
            settings.append((key, unquoted(value)))
        case .use(let use):
            if use.target == .catalog, use.name.text.lowercased() != "spark_catalog" {
                throw AnalysisError.unsupported(
                    "other catalogs than spark_catalog are not supported: \(use.name.text)", span)
            }
            if use.target == .schema { current = use.name.last.name }
        case .query:
            throw AnalysisError.user(
                "TIDEMILL_QUERY_IN_PIPELINE", "a query alone defines nothing in a pipeline",
                hint: "put CREATE MATERIALIZED VIEW name AS before it, or run it with tidemill sql", span)
        case .explain:
            throw AnalysisError.user(
                "TIDEMILL_QUERY_IN_PIPELINE", "EXPLAIN defines nothing in a pipeline", hint: "use tidemill explain",
                span)
        }
    }

    private mutating func add(_ create: CreateTable, _ span: SourceSpan) throws(TidemillError) {
        let name = try name(create.name)
        if let query = create.query {
            throw AnalysisError.unsupported(
                "CREATE TABLE … AS SELECT is not supported in a pipeline",
                hint: "CREATE MATERIALIZED VIEW keeps the result up to date",
                query.span)
        }
        if let other = externals[name.key], !create.orReplace {
            if create.ifNotExists { return }
            throw AnalysisError.user(
                "TABLE_OR_VIEW_ALREADY_EXISTS", "the table `\(name.text)` already exists",
                hint: "it is defined in \(place(other.span))", create.name.span)
        }
        if let other = tables[name.key] {
            throw duplicate(name, "table", other.kind.text, other.span, create.name.span)
        }
        externals[name.key] = External(name: name, statement: create, span: span)
    }

    private mutating func add(_ create: CreateStreamingTable, _ span: SourceSpan) throws(TidemillError) {
        let name = try name(create.name)
        if create.ifNotExists, tables[name.key] != nil { return }
        try register(name, "streaming table", create.name.span)
        var flows: [FlowDeclaration] = []
        switch create.input {
        case .none: break
        case .query(let query):
            flows = [
                FlowDeclaration(
                    name: name.text, query: query, isByName: false, database: current, span: query.span)
            ]
        case .autoCDC(let cdc): flows = [flow(name.text, cdc)]
        }
        put(
            Table(
                name: name, kind: .streamingTable, columns: create.columns, clauses: create.clauses, flows: flows,
                span: span))
    }

    private mutating func add(_ create: CreateView, _ span: SourceSpan) throws(TidemillError) {
        let name = try name(create.name)
        guard create.isTemporary else {
            throw AnalysisError.unsupported(
                "persisted views are not supported",
                hint: "CREATE TEMPORARY VIEW, or CREATE MATERIALIZED VIEW to store the result",
                create.name.span)
        }
        if create.isGlobal { throw AnalysisError.unsupported("global views are not supported", create.name.span) }
        if views[name.key] != nil, create.ifNotExists { return }
        if views[name.key] == nil || !create.orReplace { try register(name, "temporary view", create.name.span) }
        views[name.key] = View(name: name, statement: create, database: current, span: span)
    }

    private mutating func add(_ create: CreateFlow) throws(TidemillError) {
        guard create.name.parts.count == 1 else {
            throw AnalysisError.user(
                "MULTIPART_FLOW_NAME_NOT_SUPPORTED", "a flow's name has one part: \(create.name.text)",
                hint: "leave the database out", create.name.span)
        }
        switch create.action {
        case .autoCDC(let cdc):
            pendingFlows.append((try name(create.target), flow(create.name.text, cdc), create.target.span))
        case .insert(let isByName, let query):
            let flow = FlowDeclaration(
                name: create.name.text, query: query, isByName: isByName, database: current, span: query.span)
            pendingFlows.append((try name(create.target), flow, create.target.span))
        }
    }

    private func flow(_ name: String, _ cdc: AutoCDC) -> FlowDeclaration {
        FlowDeclaration(
            name: name, query: cdc.events, isByName: false, database: current, span: cdc.span, changeCapture: cdc)
    }

    private mutating func put(_ table: Table) {
        tables[table.name.key] = table
        tableOrder.append(table.name.key)
    }

    private func register(_ name: TableName, _ what: String, _ span: SourceSpan) throws(TidemillError) {
        if let table = tables[name.key] { throw duplicate(name, what, table.kind.text, table.span, span) }
        if let view = views[name.key] { throw duplicate(name, what, "temporary view", view.span, span) }
        // A temporary view hides an external table, as in Spark; a stored table cannot.
        if what != "temporary view", let table = externals[name.key] {
            throw duplicate(name, what, "table", table.span, span)
        }
    }

    /// `SET key = 'value'`: Spark keeps the quotes, which no key can want.
    private func unquoted(_ value: String) -> String {
        guard value.count >= 2, let quote = value.first, quote == "'" || quote == "\"", value.last == quote else {
            return value
        }
        return String(value.dropFirst().dropLast())
    }

    private func duplicate(
        _ name: TableName, _ what: String, _ other: String, _ otherSpan: SourceSpan, _ span: SourceSpan
    ) -> TidemillError {
        AnalysisError.user(
            "PIPELINE_DUPLICATE_IDENTIFIERS.OUTPUT",
            "cannot define the \(what) `\(name.text)`: there is already a \(other) with this name",
            hint: "it is defined in \(place(otherSpan))", span)
    }

    private func place(_ span: SourceSpan) -> String { "\(span.source.name), line \(span.start.line)" }
}

extension Dataset.Kind {
    var text: String {
        switch self {
        case .streamingTable: "streaming table"
        case .materializedView: "materialized view"
        }
    }
}
