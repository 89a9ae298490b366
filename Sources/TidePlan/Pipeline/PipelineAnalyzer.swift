/// Statements to a pipeline: the front of analysis.
public struct PipelineAnalyzer: Sendable {
    /// Columns of an external table that is declared without them.
    public typealias SchemaInferrer = @Sendable (ExternalRelation) throws(TidemillError) -> Schema

    let name: String
    let projectDirectory: FilePath
    let configuration: [String: String]
    let overrides: [String: String]
    let database: String
    let inferSchema: SchemaInferrer

    /// - Parameters:
    ///   - projectDirectory: relative paths of external tables and sinks start here.
    ///   - configuration: of the project's spec; `SET` statements come over it.
    ///   - overrides: `--set`, over everything.
    ///   - database: the default database; its tables are named without it.
    public init(
        name: String, projectDirectory: FilePath, configuration: [String: String] = [:],
        overrides: [String: String] = [:], database: String = "default", inferSchema: @escaping SchemaInferrer
    ) {
        self.name = name
        self.projectDirectory = projectDirectory
        self.configuration = configuration
        self.overrides = overrides
        self.database = database
        self.inferSchema = inferSchema
    }

    /// Order of scripts and statements does not matter, but for `SET` (later wins) and `USE`.
    public func analyze(scripts: [SourceText]) throws(TidemillError) -> PipelineDefinition {
        var declarations = Declarations(database: database)
        for script in scripts { try declarations.add(script: parseScript(script)) }
        try declarations.finish()
        var settings = configuration
        for (key, value) in declarations.settings { settings[key] = value }
        for (key, value) in overrides { settings[key] = value }
        let session = PipelineSession(self, declarations, settings, try AnalysisSettings(configuration: settings))
        return try session.definition()
    }
}

/// The analysis of one pipeline: relations and tables are analyzed when they are first read, so that definition order
/// does not matter and every table stands behind those it reads.
final class PipelineSession: RelationResolver {
    /// Tables that read tables that read tables…: each level recurses.
    static let depthMax = 100

    let analyzer: PipelineAnalyzer
    let declarations: Declarations
    let configuration: [String: String]
    let settings: AnalysisSettings
    private(set) var relations: [String: ExternalRelation] = [:]
    private(set) var datasets: [String: Dataset] = [:]
    private var order: [String] = []
    private var views: [ViewUse: AnalyzedRelation] = [:]
    private var notes: [String] = []
    /// Where operators of streaming queries stand; see `QueryAnalyzer.places`.
    private(set) var places: [LogicalPlan: SourceSpan] = [:]
    /// What is being analyzed, outermost first.
    private var stack: [(key: String, text: String)] = []
    /// Where bare names are looked up now.
    private var current: String

    private struct ViewUse: Hashable {
        let key: String
        let consumer: Consumer
    }

    init(
        _ analyzer: PipelineAnalyzer, _ declarations: Declarations, _ configuration: [String: String],
        _ settings: AnalysisSettings
    ) {
        self.analyzer = analyzer
        self.declarations = declarations
        self.configuration = configuration
        self.settings = settings
        current = declarations.database
    }

    func note(_ text: String) { if !notes.contains(text) { notes.append(text) } }

    func definition() throws(TidemillError) -> PipelineDefinition {
        for key in configuration.keys.sorted() where key.lowercased().hasPrefix("tidemill.") {
            if !TidemillKeys.configuration.contains(where: { $0.lowercased() == key.lowercased() }) {
                note(ReaderOptions.unknown("key", key, "the configuration", TidemillKeys.configuration))
            }
        }
        for key in declarations.externals.keys.sorted() { _ = try external(key) }
        for key in declarations.tableOrder { _ = try dataset(key) }
        let lateRows = try lateRowTables()
        // A view that nothing reads is analyzed for its errors.
        for key in declarations.views.keys.sorted() where !views.keys.contains(where: { $0.key == key }) {
            guard let view = declarations.views[key] else { continue }
            _ = try analyzed(view, for: view.statement.query.readsStream ? .streamingTable : .materializedView)
        }
        var sinks: [SinkDefinition] = []
        for sink in declarations.sinks { sinks.append(try definition(of: sink)) }
        return PipelineDefinition(
            name: analyzer.name, configuration: configuration, relations: relations,
            datasets: order.compactMap { datasets[$0] } + lateRows, sinks: sinks, notes: notes)
    }

    // MARK: Names

    var knownNames: [String] {
        (declarations.externals.values.map(\.name.text) + declarations.tables.values.map(\.name.text)
            + declarations.views.values.map(\.name.text)).sorted()
    }

    func resolve(_ table: TableReference, for consumer: Consumer) throws(TidemillError) -> ResolvedRelation {
        let name = try TableName(table.name, current: current, default: declarations.database)
        if let view = declarations.views[name.key] { return try resolve(view, table, for: consumer) }
        let mode: RelationReference.Mode = consumer.isView || table.isStream ? .changes : .snapshot
        let changedFiles = ReaderOptions.changedFiles
        var options: [String: String] = [:]
        for option in table.options { options[option.key.lowercased()] = option.value }
        var reference = RelationReference(
            name: name.key, isOwnTable: false, mode: mode, isStream: table.isStream, options: options)
        if let relation = try external(name.key) {
            try ReaderOptions.checkLimits(
                relation.options.merging(options) { $1 }, table.options.first?.span ?? table.name.span)
            for option in table.options {
                if let text = ReaderOptions.note(option, format: relation.format, in: relation.name) { note(text) }
            }
            if (options[changedFiles] ?? relation.options[changedFiles])?.lowercased() == "replace" {
                // A stream's rows are final; a scan of its own reads them once.
                let follows = mode == .changes && !table.isStream
                reference.replacesFiles = follows
                reference.options[changedFiles] = follows ? "replace" : "immutable"
            }
            return scan(reference, relation.schema, name, isStreaming: table.isStream)
        }
        if declarations.tables[name.key] != nil {
            let dataset = try dataset(name.key, table.name.span)
            reference.name = dataset.name
            reference.isOwnTable = true
            if table.isStream, dataset.key != nil || dataset.kind == .materializedView {
                throw AnalysisError.user(
                    "TIDEMILL_STREAM_OF_CHANGING_TABLE",
                    "a streaming table cannot read \(dataset.name) as a stream: its rows can change",
                    hint: "use CREATE MATERIALIZED VIEW without STREAM, or read \(dataset.name) without STREAM "
                        + "as a snapshot",
                    table.name.span)
            }
            return scan(reference, dataset.schema, name, isStreaming: table.isStream)
        }
        if table.name.parts.count == 2, PathTables.formats.contains(table.name.names[0].lowercased()) {
            throw AnalysisError.unsupported(
                "reading a path in a pipeline is not supported: \(table.name.span.text)",
                hint: "declare it: CREATE TABLE … USING \(table.name.names[0]) "
                    + "OPTIONS (path '\(table.name.last.name)')",
                table.name.span)
        }
        throw AnalysisError.tableNotFound(table.name, known: knownNames)
    }

    private func scan(
        _ reference: RelationReference, _ schema: Schema, _ name: TableName, isStreaming: Bool
    ) -> ResolvedRelation {
        ResolvedRelation(
            plan: .scan(
                LogicalPlan.Scan(
                    relation: reference, columns: Array(0..<schema.count), relationSchema: schema)),
            isStreaming: isStreaming, qualifier: name.parts)
    }

    // MARK: Views

    private func resolve(
        _ view: Declarations.View, _ table: TableReference, for consumer: Consumer
    ) throws(TidemillError) -> ResolvedRelation {
        let relation = try analyzed(view, for: consumer, table.name.span)
        if consumer == .streamingTable, relation.isStreaming != table.isStream {
            if table.isStream {
                throw AnalysisError.user(
                    "INCOMPATIBLE_BATCH_VIEW_READ", "the view \(view.name.text) is not a stream",
                    hint: "put STREAM before the tables inside the view", table.name.span)
            }
            throw AnalysisError.user(
                "INCOMPATIBLE_STREAMING_VIEW_READ", "the view \(view.name.text) is a stream",
                hint: "read it as STREAM \(view.name.text)", table.name.span)
        }
        return ResolvedRelation(
            plan: relation.plan, isStreaming: relation.isStreaming, qualifier: view.name.parts)
    }

    private func analyzed(
        _ view: Declarations.View, for consumer: Consumer, _ span: SourceSpan? = nil
    ) throws(TidemillError) -> AnalyzedRelation {
        let use = ViewUse(key: view.name.key, consumer: consumer)
        if let done = views[use] { return done }
        try enter(view.name, span ?? view.span, isView: true)
        defer { stack.removeLast() }
        let outer = current
        current = view.database
        defer { current = outer }
        let query = QueryAnalyzer(settings: settings, consumer: consumer, resolver: self, target: view.name.text)
        var relation = try query.analyze(view.statement.query)
        if !view.statement.columns.isEmpty {
            relation = try query.renamed(relation, view.statement.columns.map(\.name), [], view.statement.name.span)
            relation = query.projected(relation, relation.items)
        }
        query.notes.forEach(note)
        places.merge(query.places) { first, _ in first }
        views[use] = relation
        return relation
    }

    // MARK: Tables

    func dataset(_ key: String, _ span: SourceSpan? = nil) throws(TidemillError) -> Dataset {
        if let done = datasets[key] { return done }
        guard let table = declarations.tables[key] else { throw .internal("no such table: \(key)") }
        try enter(table.name, span ?? table.span, isView: false)
        defer { stack.removeLast() }
        let dataset = try definition(of: table)
        datasets[key] = dataset
        order.append(key)
        return dataset
    }

    /// The flow's query as the table's kind wants it.
    func analyzed(
        _ flow: Declarations.FlowDeclaration, of table: Declarations.Table
    ) throws(TidemillError) -> AnalyzedRelation {
        let outer = current
        current = flow.database
        defer { current = outer }
        let freezes = try freezesAtWatermark(table)
        let consumer: Consumer =
            table.kind == .streamingTable ? .streamingTable : freezes ? .frozenView : .materializedView
        let query = QueryAnalyzer(
            settings: settings, consumer: consumer, resolver: self, target: table.name.text,
            outputMode: outputMode(of: table))
        let relation = try query.analyze(flow.query)
        query.notes.forEach(note)
        places.merge(query.places) { first, _ in first }
        return relation
    }

    func analyzed(_ sink: Declarations.Sink) throws(TidemillError) -> AnalyzedRelation {
        let outer = current
        current = sink.database
        defer { current = outer }
        let query = QueryAnalyzer(settings: settings, consumer: .sink, resolver: self, target: sink.name.text)
        let relation = try query.analyze(sink.statement.query)
        query.notes.forEach(note)
        return relation
    }

    /// Every table analyzed so far, for key and append-only derivation.
    var analyzedDatasets: [Dataset] { order.compactMap { datasets[$0] } }

    private func enter(_ name: TableName, _ span: SourceSpan, isView: Bool) throws(TidemillError) {
        if let start = stack.firstIndex(where: { $0.key == name.key }) {
            let cycle = (stack[start...].map(\.text) + [name.text]).joined(separator: " → ")
            throw AnalysisError.user(
                isView ? "RECURSIVE_VIEW" : "PIPELINE_GRAPH_NOT_TOPOLOGICALLY_SORTED",
                "tables read each other in a cycle: \(cycle)", hint: "break the cycle at one of them", span)
        }
        guard stack.count < PipelineSession.depthMax else {
            throw TidemillError(
                .limit, "TIDEMILL_PIPELINE_TOO_DEEP",
                "more than \(PipelineSession.depthMax) tables read one another in a row",
                place: .sql(span))
        }
        stack.append((name.key, name.text))
    }

    func remember(_ relation: ExternalRelation, _ key: String) { relations[key] = relation }
}
