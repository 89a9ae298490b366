/// A project ready to be run and asked: `import Tidemill`, then
///
///     let project = try Project.load("sales", files: environment.files)
///     let pipeline = try Pipeline(project, environment: .system())
///     try pipeline.run { event in print(event) }
public struct Pipeline: Sendable {
    public let project: Project
    public let definition: PipelineDefinition
    public let storage: FilePath
    public let warehouse: FilePath
    public let environment: Environment

    /// - Parameters:
    ///   - storage: the checkpoint's folder; nil: the project's.
    ///   - warehouse: where tables go; nil: `spark-warehouse` next to the project.
    ///   - settings: over the project's configuration.
    ///   - infersAnew: whether columns that are not declared are taken from the files of now, although the checkpoint
    ///     knows what they were.
    public init(
        _ project: Project, storage: FilePath? = nil, warehouse: FilePath? = nil, settings: [String: String] = [:],
        infersAnew: Bool = false, environment: Environment
    ) throws(TidemillError) {
        self.project = project
        self.storage = storage ?? project.storage
        self.warehouse = warehouse ?? project.directory.appending("spark-warehouse")
        self.environment = environment
        let connectors = StandardConnectors(
            environment: environment, warehouse: self.warehouse, database: project.database)
        let columns = ColumnInference(
            connectors: connectors, storage: infersAnew ? nil : self.storage, files: environment.files)
        let analyzer = PipelineAnalyzer(
            name: project.name, projectDirectory: project.directory, configuration: project.configuration,
            overrides: settings, database: project.database
        ) { (relation) throws(TidemillError) in try columns.schema(of: relation) }
        var definition = try analyzer.analyze(scripts: project.scripts)
        definition.notes = project.notes + definition.notes + columns.notes
        self.definition = definition
    }

    /// The settings are checked when the pipeline is made.
    package var connectors: StandardConnectors {
        StandardConnectors(
            environment: environment, warehouse: warehouse, database: project.database,
            readerGrace: try? EngineSettings(definition.configuration).readerGrace)
    }

    public func location(of dataset: Dataset) -> FilePath { connectors.location(of: dataset) }

    /// Everything `run` and `dry-run` check before the first byte is read: sources exist, keys are derivable.
    public func validate() throws(TidemillError) {
        guard !definition.datasets.isEmpty else {
            throw TidemillError(
                .user, "TIDEMILL_NOTHING_TO_DO", "the pipeline defines no table",
                hint: "add CREATE STREAMING TABLE or CREATE MATERIALIZED VIEW")
        }
        for relation in definition.relations.values.sorted(by: { $0.name < $1.name }) {
            _ = try connectors.source(for: relation, options: relation.options)
        }
        for dataset in definition.datasets { try connectors.requireStorable(dataset) }
        try definition.checkOperators()
        _ = try EngineSettings(definition.configuration)
    }

    /// - Throws: unless the pipeline has a table of this name.
    public func requireTable(_ name: String, to purpose: String = "refresh") throws(TidemillError) {
        guard definition.dataset(named: name) == nil else { return }
        throw TidemillError(
            .user, "TABLE_OR_VIEW_NOT_FOUND", "no such table to \(purpose): \(name)",
            hint: closestName(to: name, among: definition.datasets.map(\.name)).map { "did you mean \($0)?" })
    }

    /// The optimized plans of all tables or of one, with the state of each operator.
    public func explain(table: String? = nil) throws(TidemillError) -> String {
        if let table { try requireTable(table, to: "explain") }
        return ExplainPrinter(definition).text(table: table)
    }

    public func runner(
        epochsMax: Int? = nil, refreshed: Set<String> = [], report: @escaping (EngineEvent) -> Void
    ) throws(TidemillError) -> PipelineRunner {
        try validate()
        for table in refreshed { try requireTable(table) }
        var options = PipelineRunner.Options(storage: storage)
        options.epochsMax = epochsMax
        options.refreshed = Set(refreshed.map { $0.lowercased() })
        return try PipelineRunner(
            definition, connectors: connectors, environment: environment, options: options, report: report)
    }

    /// All that is there now, published.
    public func run(epochsMax: Int? = nil, report: @escaping (EngineEvent) -> Void) throws(TidemillError) {
        try runner(epochsMax: epochsMax, report: report).run()
    }

    /// Rows of a query over the pipeline's tables and files.
    public struct Answer: Sendable {
        public let schema: Schema
        public let batches: [Batch]
        public var rowCount: Int { batches.reduce(0) { $0 + $1.count } }
    }

    public func query(_ source: SourceText) throws(TidemillError) -> Answer {
        // Looked into only if the query asks for state.
        let state = Locked<StateCatalog?>(nil)
        return try Pipeline.query(
            source, definition: definition, directory: project.directory, storage: storage, connectors: connectors,
            environment: environment
        ) { () throws(TidemillError) in
            if let known = state.withLock({ $0 }) { return known }
            let catalog = try StateCatalog(try requireCheckpoint())
            state.withLock { $0 = catalog }
            return catalog
        }
    }

    /// A query without a project: files only.
    public static func query(
        _ source: SourceText, directory: FilePath, environment: Environment
    ) throws(TidemillError) -> Answer {
        let empty = PipelineDefinition(
            name: "query", configuration: [:], relations: [:], datasets: [], sinks: [], notes: [])
        return try query(
            source, definition: empty, directory: directory,
            connectors: StandardConnectors(environment: environment, warehouse: directory), environment: environment)
    }

    private static func query(
        _ source: SourceText, definition: PipelineDefinition, directory: FilePath, storage: FilePath? = nil,
        connectors: StandardConnectors, environment: Environment,
        state: (@Sendable () throws(TidemillError) -> StateCatalog)? = nil
    ) throws(TidemillError) -> Answer {
        var analyzer = BatchAnalyzer(definition: definition, directory: directory) {
            (relation) throws(TidemillError) in try connectors.inferSchema(relation)
        }
        if let state {
            analyzer.stateSchema = { (name) throws(TidemillError) in try state().entry(name).schema }
        }
        let query = try analyzer.analyzeQuery(source)
        // All tables of the query as of one epoch.
        var tables: CommittedSnapshot?
        let asked = Set(query.plan.ownTables.map { $0.lowercased() })
        if let storage, !asked.isEmpty {
            tables = try CommittedSnapshot.open(
                definition.datasets.filter { asked.contains($0.name.lowercased()) }, storage: storage,
                connectors: connectors, environment: environment)
        }
        defer { withExtendedLifetime(tables) {} }
        let runner = QueryRunner(executor: environment.executor) { [tables] (scan) throws(TidemillError) in
            if scan.relation.isOwnTable {
                guard let dataset = definition.dataset(named: scan.relation.name), let stored = tables?.source(dataset)
                else {
                    throw TidemillError(
                        .user, "TIDEMILL_TABLE_NOT_WRITTEN", "the table \(scan.relation.name) was not written yet",
                        hint: "run the pipeline first: tidemill run")
                }
                return stored
            }
            guard let relation = query.relations[scan.relation.name] else {
                throw TidemillError.internal("relation \(scan.relation.name) was not resolved")
            }
            if relation.format == BatchAnalyzer.stateFormat, let state, let name = relation.path {
                return try state().source(name)
            }
            var options = relation.options
            for (key, value) in scan.relation.options { options[key] = value }
            return try connectors.source(for: relation, options: options)
        }
        let settings = try EngineSettings(definition.configuration)
        let context = EvaluationContext(
            currentTimestampMicros: settings.fixedClockMicros ?? environment.clock.now(), timeZone: settings.timeZone)
        let result = try runner.run(query.plan, evaluation: context)
        return Answer(schema: query.plan.schema, batches: result.batches)
    }
}
