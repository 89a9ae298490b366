/// A query over a pipeline's tables and files, for `tidemill sql`: every scan is a snapshot.
public struct BatchQuery: Sendable {
    public var analyzed: LogicalPlan
    public var plan: LogicalPlan
    /// What the scans that are not own tables read, by `RelationReference.name`: the pipeline's external tables and the
    /// files named in the query.
    public var relations: [String: ExternalRelation]
    public var notes: [String]
}

/// Analyzes batch queries.
public struct BatchAnalyzer: Sendable {
    let definition: PipelineDefinition
    let directory: FilePath
    let database: String
    let inferSchema: PipelineAnalyzer.SchemaInferrer
    /// The columns of an operator's state, for state.`flow.operator`; nil where there is no checkpoint to look into.
    public var stateSchema: (@Sendable (String) throws(TidemillError) -> Schema)?
    /// The format of such relations.
    public static let stateFormat = "state"

    /// - Parameter directory: where relative paths of csv.`path` start.
    public init(
        definition: PipelineDefinition, directory: FilePath, database: String = "default",
        inferSchema: @escaping PipelineAnalyzer.SchemaInferrer
    ) {
        self.definition = definition
        self.directory = directory
        self.database = database
        self.inferSchema = inferSchema
    }

    public func analyzeQuery(_ source: SourceText) throws(TidemillError) -> BatchQuery {
        let query = try parseQuery(source)
        let settings = try AnalysisSettings(configuration: definition.configuration)
        let resolver = BatchResolver(self)
        let analyzer = QueryAnalyzer(settings: settings, consumer: .batch, resolver: resolver, target: nil)
        let relation = try analyzer.analyze(query)
        return BatchQuery(
            analyzed: relation.plan, plan: Optimizer.optimize(relation.plan), relations: resolver.relations,
            notes: analyzer.notes)
    }
}

/// Names of a batch query: the pipeline's tables, its external tables, files by path.
private final class BatchResolver: RelationResolver {
    private let analyzer: BatchAnalyzer
    private(set) var relations: [String: ExternalRelation] = [:]

    init(_ analyzer: BatchAnalyzer) { self.analyzer = analyzer }

    var knownNames: [String] {
        (analyzer.definition.datasets.map(\.name) + analyzer.definition.relations.values.map(\.name)).sorted()
    }

    func resolve(_ table: TableReference, for consumer: Consumer) throws(TidemillError) -> ResolvedRelation {
        let name = try TableName(table.name, current: analyzer.database, default: analyzer.database)
        if let dataset = analyzer.definition.dataset(named: name.key) {
            return scan(dataset.name, isOwnTable: true, dataset.schema, name.parts, table)
        }
        if let relation = analyzer.definition.relations[name.key] {
            relations[name.key] = relation
            return scan(name.key, isOwnTable: false, relation.schema, name.parts, table)
        }
        if let relation = try stateTable(table) {
            relations[relation.name] = relation
            return scan(relation.name, isOwnTable: false, relation.schema, [], table)
        }
        guard let relation = try pathTable(table) else {
            throw AnalysisError.tableNotFound(
                table.name, known: knownNames, hint: "a file can be read as csv.`path`, json.`path` or parquet.`path`")
        }
        relations[relation.name] = relation
        return scan(relation.name, isOwnTable: false, relation.schema, [], table)
    }

    private func stateTable(_ table: TableReference) throws(TidemillError) -> ExternalRelation? {
        guard table.name.parts.count == 2, table.name.names[0].lowercased() == BatchAnalyzer.stateFormat,
            let stateSchema = analyzer.stateSchema
        else { return nil }
        let name = table.name.last.name
        do throws(TidemillError) {
            return ExternalRelation(
                name: "state.`\(name)`", format: BatchAnalyzer.stateFormat, path: name, options: [:],
                schema: try stateSchema(name), span: table.name.span)
        } catch {
            throw error.at(table.name.span)
        }
    }

    /// csv.`path`; options may stand behind it: csv.`path` WITH (header = true).
    private func pathTable(_ table: TableReference) throws(TidemillError) -> ExternalRelation? {
        guard table.name.parts.count == 2 else { return nil }
        let format = table.name.names[0].lowercased()
        guard PathTables.formats.contains(format) else { return nil }
        let path = PathTables.resolve(table.name.last.name, in: analyzer.directory)
        var options: [String: String] = [:]
        for option in table.options { options[option.key.lowercased()] = option.value }
        let suffix = options.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        var relation = ExternalRelation(
            name: "\(format).`\(path)`\(suffix)", format: format, path: path, options: options, schema: Schema([]),
            span: table.name.span)
        if let known = relations[relation.name] { return known }
        do throws(TidemillError) {
            relation.schema = format == "text" ? Schema([Field("value", .string)]) : try analyzer.inferSchema(relation)
        } catch {
            throw error.at(table.name.span)
        }
        return relation
    }

    private func scan(
        _ name: String, isOwnTable: Bool, _ schema: Schema, _ qualifier: [String], _ table: TableReference
    ) -> ResolvedRelation {
        var options: [String: String] = [:]
        for option in table.options { options[option.key.lowercased()] = option.value }
        let reference = RelationReference(
            name: name, isOwnTable: isOwnTable, mode: .snapshot, isStream: false, options: options)
        return ResolvedRelation(
            plan: .scan(
                LogicalPlan.Scan(
                    relation: reference, columns: Array(0..<schema.count), relationSchema: schema)),
            isStreaming: false, qualifier: qualifier)
    }
}
