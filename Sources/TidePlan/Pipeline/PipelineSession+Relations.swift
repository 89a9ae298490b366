// External tables and sinks: formats, paths, columns.

extension PipelineSession {
    /// The external table of this key, if there is one.
    func external(_ key: String) throws(TidemillError) -> ExternalRelation? {
        if let done = relations[key] { return done }
        guard let declaration = declarations.externals[key] else { return nil }
        let relation = try relation(of: declaration)
        remember(relation, key)
        return relation
    }

    private func relation(of declaration: Declarations.External) throws(TidemillError) -> ExternalRelation {
        let statement = declaration.statement
        let name = declaration.name.text
        guard let written = statement.clauses.format else {
            throw AnalysisError.user(
                "TIDEMILL_NO_FORMAT", "the table `\(name)` does not say what it is made of",
                hint: "add USING csv OPTIONS (path '…'), or write CREATE STREAMING TABLE or CREATE MATERIALIZED VIEW",
                statement.name.span)
        }
        let format = written.text.lowercased()
        try checkFormat(written, format)
        if let column = statement.clauses.clusterBy.first {
            throw AnalysisError.unsupported("CLUSTER BY is not supported for external tables", column.span)
        }
        var options: [String: String] = [:]
        var path = statement.clauses.location
        for option in statement.clauses.options {
            let key = option.key.lowercased()
            if let text = ReaderOptions.note(option, format: format, in: name) { note(text) }
            guard key == "path" else {
                options[key] = option.value
                continue
            }
            if path != nil {
                throw AnalysisError.user(
                    "TIDEMILL_TWO_PATHS", "the table `\(name)` has both a path and a LOCATION", hint: "keep one",
                    option.span)
            }
            path = option.value
        }
        for property in statement.clauses.properties {
            if let text = try TidemillKeys.check(property, of: name) { note(text) }
        }
        let needsPath = ["csv", "json", "parquet", "text"].contains(format)
        if needsPath, path == nil {
            throw AnalysisError.user(
                "TIDEMILL_NO_PATH", "the table `\(name)` has no path", hint: "add OPTIONS (path 'directory/of/files')",
                statement.name.span)
        }
        var relation = ExternalRelation(
            name: name, format: format, path: path.map(resolved), options: options, schema: Schema([]),
            span: statement.name.span)
        if needsPath, format != "text", statement.columns.isEmpty { relation.inferredFrom = identity(relation) }
        relation.schema = try schema(of: relation, statement)
        relation.partitionedBy = try partitions(statement.clauses.partitionedBy, relation.schema)
        // As in Spark, they stand behind the others.
        let isPartition = Set(relation.partitionedBy)
        let fields = relation.schema.fields
        relation.schema = Schema(
            fields.filter { !isPartition.contains($0.name) }
                + relation.partitionedBy.compactMap { name in fields.first { $0.name == name } })
        return relation
    }

    /// See `ExternalRelation.inferredFrom`. The project may move; how much is read at a time, and what happens to
    /// changed files, says nothing about columns.
    private func identity(_ relation: ExternalRelation) -> String {
        var path = FilePath(relation.path ?? "").lexicallyNormalized()
        _ = path.removePrefix(analyzer.projectDirectory.lexicallyNormalized())
        let options = relation.options.filter { key, _ in !key.hasSuffix("pertrigger") && !key.hasPrefix("tidemill.") }
        return ([relation.format, path.string] + options.map { "\($0)=\($1)" }.sorted()).joined(separator: "\n")
    }

    private func checkFormat(_ written: QualifiedName, _ format: String) throws(TidemillError) {
        if ReaderOptions.formats.contains(format) { return }
        if ReaderOptions.plannedFormats.contains(format) {
            throw AnalysisError.unsupported("reading the format \(format) is not supported yet", written.span)
        }
        let near = closestName(to: format, among: ReaderOptions.formats)
        throw AnalysisError.user(
            "DATA_SOURCE_NOT_FOUND", "failed to find the data source: \(written.text)",
            hint: near.map { "did you mean \($0)?" } ?? "one of \(ReaderOptions.formats.joined(separator: ", "))",
            written.span)
    }

    /// NOT NULL holds for text formats, whose readers treat a missing value in such a column as a bad row and keep it
    /// out; in files that carry their own types it promises nothing (as in Spark).
    private func schema(of relation: ExternalRelation, _ statement: CreateTable) throws(TidemillError) -> Schema {
        if statement.columns.isEmpty {
            switch relation.format {
            case "text", "socket": return Schema([Field("value", .string)])
            default:
                do {
                    return try analyzer.inferSchema(relation)
                } catch {
                    throw error.at(statement.name.span)
                }
            }
        }
        var fields: [Field] = []
        for column in statement.columns {
            guard let type = column.type else { throw .internal("column without type: \(column.name.name)") }
            if fields.contains(where: { $0.name.lowercased() == column.name.name.lowercased() }) {
                throw AnalysisError.user(
                    "COLUMN_ALREADY_EXISTS", "the column `\(column.name.name)` is defined twice",
                    hint: "rename one of them", column.name.span)
            }
            if column.defaultValue != nil {
                throw AnalysisError.unsupported("DEFAULT of an external column is not supported", column.span)
            }
            let keepsNullsOut = column.isNotNull && ["csv", "json"].contains(relation.format)
            fields.append(
                Field(column.name.name, try TypeResolution.resolve(type, settings), nullable: !keepsNullsOut))
        }
        return Schema(fields)
    }

    func resolved(_ path: String) -> String { PathTables.resolve(path, in: analyzer.projectDirectory) }

    // MARK: Sinks

    func definition(of sink: Declarations.Sink) throws(TidemillError) -> SinkDefinition {
        let statement = sink.statement
        let name = sink.name.text
        guard let written = statement.clauses.format else {
            throw AnalysisError.user(
                "TIDEMILL_NO_FORMAT", "the sink `\(name)` has no format", hint: "add USING csv", statement.name.span)
        }
        let format = written.text.lowercased()
        guard ["csv", "json", "parquet"].contains(format) else {
            throw AnalysisError.unsupported(
                "sinks of the format \(format) are not supported yet", hint: "csv, json or parquet", written.span)
        }
        var options: [String: String] = [:]
        for option in statement.clauses.options {
            options[option.key.lowercased()] = option.value
            if let text = ReaderOptions.note(option, format: format, in: name) { note(text) }
        }
        guard let path = options.removeValue(forKey: "path") ?? statement.clauses.location else {
            throw AnalysisError.user(
                "TIDEMILL_NO_PATH", "the sink `\(name)` has no path", hint: "add OPTIONS (path 'out/\(name)')",
                statement.name.span)
        }
        let relation = try analyzed(sink)
        guard let table = PipelineSession.copiedTable(relation.plan) else {
            throw AnalysisError.unsupported(
                "a sink copies one stored table of the pipeline, perhaps filtered and projected",
                hint: "put the query into a materialized view and copy that", statement.query.span)
        }
        return SinkDefinition(
            name: name, format: format, path: resolved(path), options: options, table: table,
            plan: Optimizer.optimize(relation.plan), span: sink.span)
    }

    private static func copiedTable(_ plan: LogicalPlan) -> String? {
        switch plan {
        case .scan(let scan): scan.relation.isOwnTable ? scan.relation.name : nil
        case .filter(let input, _), .project(let input, _): copiedTable(input)
        default: nil
        }
    }
}
