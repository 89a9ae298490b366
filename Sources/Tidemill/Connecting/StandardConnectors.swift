import TideConnectors
import TideText

/// The connectors that come with Tidemill: directories and generators in, Parquet tables out, CSV copies.
public struct StandardConnectors: Connectors {
    let environment: Environment
    let warehouse: FilePath
    let database: String
    /// How tables are written; tests make everything small.
    package var tableOptions = TableOptions()
    /// `tidemill.readerGrace` of the pipeline, which a table's own goes before; nil: as in `tableOptions`.
    private let readerGrace: Duration?

    public init(
        environment: Environment, warehouse: FilePath, database: String = "default", readerGrace: Duration? = nil
    ) {
        self.environment = environment
        self.warehouse = warehouse
        self.database = database
        self.readerGrace = readerGrace
    }

    /// `<warehouse>/<table>`, `<warehouse>/<database>.db/<table>`, or the property `tidemill.location`.
    public func location(of dataset: Dataset) -> FilePath {
        if let own = dataset.properties.first(where: { $0.key.lowercased() == "tidemill.location" })?.value {
            return Project.resolve(own, in: warehouse)
        }
        let parts = dataset.name.split(separator: ".").map(String.init)
        let schema = parts.count > 1 ? parts[parts.count - 2] : database
        let table = parts[parts.count - 1]
        let folder = schema == "default" ? warehouse : warehouse.appending("\(schema).db")
        return folder.appending(table)
    }

    public func source(for relation: ExternalRelation, options: [String: String]) throws(TidemillError) -> any Source {
        do throws(TidemillError) {
            return try connect(relation, options, relation.schema).source
        } catch {
            throw relation.span.map { error.at(.sql($0)) } ?? error
        }
    }

    /// The columns of a relation that is declared without them.
    public func inferSchema(
        _ relation: ExternalRelation, from files: InferenceFiles = .all
    ) throws(TidemillError) -> Schema {
        try connect(relation, relation.options, nil, from: files).source.schema
    }

    private func connect(
        _ relation: ExternalRelation, _ options: [String: String], _ schema: Schema?,
        from files: InferenceFiles = .all
    ) throws(TidemillError) -> ConnectedSource {
        if generatorFormats.contains(relation.format) {
            return try makeGeneratorSource(
                format: relation.format, name: relation.name, options: options, schema: schema,
                environment: environment)
        }
        guard let path = relation.path else {
            throw TidemillError(
                .user, "TIDEMILL_PATH_MISSING", "the table \(relation.name) has no path",
                hint: "add OPTIONS (path 'folder')")
        }
        return try makeSource(
            format: relation.format, path: FilePath(path), options: options, schema: schema,
            inferringFrom: files, partitionedBy: relation.partitionedBy, environment: environment)
    }

    public func storedTable(_ dataset: Dataset) throws(TidemillError) -> (any Source)? {
        var path = location(of: dataset)
        guard try environment.files.exists(path) else { return nil }
        let format = try storedFormat(of: dataset)
        if format != .parquet {
            guard dataset.key != nil else {
                return StoredTextSource(
                    reader: try TextTableReader(path: path, format: format, environment: environment),
                    schema: dataset.schema, name: dataset.name)
            }
            path = KeyedTextTable.rowsLocation(of: path)
            guard try environment.files.exists(path) else { return nil }
        }
        return StoredTableSource(
            reader: try TableReader(path: path, environment: environment, byMarker: true), schema: dataset.schema,
            name: dataset.name, onlyGrows: dataset.key == nil)
    }

    public func committedTable(
        _ dataset: Dataset, _ pending: PendingChanges
    ) throws(TidemillError) -> (any Source)? {
        let path = location(of: dataset)
        guard try environment.files.exists(path) else { return nil }
        var options = try options(dataset, startsOver: false)
        if options.format != .parquet && dataset.key == nil {
            return StoredTextSource(
                reader: try TextTableReader(
                    path: path, format: options.format, pending: pending, schema: dataset.schema,
                    environment: environment),
                schema: dataset.schema, name: dataset.name)
        }
        options.format = .parquet
        let table = try CommittedTable.open(
            isKeyedText(dataset) ? KeyedTextTable.rowsLocation(of: path) : path, schema: dataset.schema,
            key: dataset.key, pending: pending, options: options, environment: environment)
        return table.map {
            CommittedTableSource(
                table: $0, schema: dataset.schema, name: dataset.name, onlyGrows: dataset.key == nil)
        }
    }

    public func storedSize(_ dataset: Dataset) throws(TidemillError) -> (files: Int, bytes: Int64)? {
        let path = location(of: dataset)
        guard try environment.files.exists(path) else { return nil }
        var size: (files: Int, bytes: Int64) = (0, 0)
        for found in try FileListing(path: path).files(in: environment.files) {
            guard let status = try environment.files.status(of: FilePath(found.path)) else { continue }
            size = (size.files + 1, size.bytes + status.size)
        }
        return size
    }

    public func isStored(_ dataset: Dataset) throws(TidemillError) -> Bool {
        try environment.files.exists(location(of: dataset))
    }

    public func appendTarget(
        _ dataset: Dataset, generation: UInt64, startsOver: Bool
    ) throws(TidemillError) -> any AppendTarget {
        let path = try prepared(dataset)
        return try AppendTable(
            location: path, identity: TableIdentity(table: dataset.name.lowercased(), generation: generation),
            schema: dataset.schema, options: options(dataset, startsOver: startsOver), environment: environment)
    }

    public func keyedTarget(
        _ dataset: Dataset, generation: UInt64, startsOver: Bool
    ) throws(TidemillError) -> any KeyedTarget {
        let path = try prepared(dataset)
        guard let key = dataset.key else { throw TidemillError.internal("keyed target without a key") }
        let options = try options(dataset, startsOver: startsOver)
        let identity = TableIdentity(table: dataset.name.lowercased(), generation: generation)
        if options.format == .parquet {
            return try ParquetKeyedTable(
                location: path, identity: identity, schema: dataset.schema, key: key, options: options,
                environment: environment)
        }
        return try KeyedTextTable(
            location: path, identity: identity, schema: dataset.schema, key: key, options: options,
            environment: environment)
    }

    public func checkTarget(_ dataset: Dataset, generation: UInt64, startsOver: Bool) throws(TidemillError) {
        let options = try options(dataset, startsOver: startsOver)
        let identity = TableIdentity(table: dataset.name.lowercased(), generation: generation)
        let location = location(of: dataset)
        guard let key = dataset.key else {
            return try AppendTable.check(
                location: location, identity: identity, schema: dataset.schema, options: options,
                environment: environment)
        }
        if options.format == .parquet {
            return try ParquetKeyedTable.check(
                location: location, identity: identity, schema: dataset.schema, key: key, options: options,
                environment: environment)
        }
        try KeyedTextTable.check(
            location: location, identity: identity, schema: dataset.schema, key: key, options: options,
            environment: environment)
    }

    public func checkCopy(_ sink: SinkDefinition, generation: UInt64) throws(TidemillError) {
        try CopySink.check(
            location: FilePath(sink.path),
            identity: TableIdentity(table: sink.name.lowercased(), generation: generation),
            format: try format(of: sink), environment: environment)
    }

    private func storedFormat(of dataset: Dataset) throws(TidemillError) -> StoredFormat {
        switch dataset.format {
        case "parquet": return .parquet
        case "csv": return .csv(CSVWriteOptions())
        case "json": return .json(JSONWriteOptions())
        default:
            throw TidemillError.unsupported(
                "storing tables as \(dataset.format)", hint: "USING parquet, json or csv",
                place: dataset.span.map { .sql($0) })
        }
    }

    private var defaultGrace: Duration { readerGrace ?? tableOptions.readerGrace }

    private func options(_ dataset: Dataset, startsOver: Bool) throws(TidemillError) -> TableOptions {
        var options = tableOptions
        options.format = try storedFormat(of: dataset)
        options.readerGrace = defaultGrace
        if let own = dataset.property("tidemill.readerGrace") {
            options.readerGrace = try EngineSettings.duration("tidemill.readerGrace", own)
        }
        options.partitionColumnCount = dataset.partitionedBy.count
        options.adoptsOtherGeneration = startsOver
        options.replacesOtherSchema = startsOver
        return options
    }

    /// - Throws: unless tables can be stored as the dataset says.
    func requireStorable(_ dataset: Dataset) throws(TidemillError) {
        let place = dataset.span.map { ErrorPlace.sql($0) }
        do throws(TidemillError) {
            try options(dataset, startsOver: false).format.check(dataset.schema)
        } catch { throw place.map { error.at($0) } ?? error }
        guard dataset.partitionedBy.isEmpty || dataset.key == nil || dataset.format == "parquet" else {
            throw TidemillError.unsupported(
                "PARTITIONED BY in a \(dataset.format) table whose rows change", hint: "USING parquet", place: place)
        }
    }

    private func prepared(_ dataset: Dataset) throws(TidemillError) -> FilePath {
        try requireStorable(dataset)
        let path = location(of: dataset)
        // A table stands only in a directory that was made durable before.
        if try !environment.files.exists(path) {
            try environment.files.createDirectories(path.removingLastComponent())
        }
        return path
    }

    public func copyTarget(_ sink: SinkDefinition, generation: UInt64) throws(TidemillError) -> any CopyTarget {
        let format = try format(of: sink)
        try environment.files.createDirectories(FilePath(sink.path).removingLastComponent())
        return CopySinkTarget(
            sink: try CopySink(
                location: FilePath(sink.path),
                identity: TableIdentity(table: sink.name.lowercased(), generation: generation),
                format: format, readerGrace: defaultGrace, environment: environment))
    }

    private func format(of sink: SinkDefinition) throws(TidemillError) -> StoredFormat {
        let format: StoredFormat
        let unknown: [String]
        switch sink.format {
        case "csv":
            let parsed = try CSVWriteOptions.parse(sink.options)
            (format, unknown) = (.csv(parsed.options), parsed.unknown)
        case "json":
            let parsed = try JSONWriteOptions.parse(sink.options)
            (format, unknown) = (.json(parsed.options), parsed.unknown)
        case "parquet": (format, unknown) = (.parquet, sink.options.keys.sorted())
        default:
            throw TidemillError(
                .unsupported, "UNSUPPORTED_FEATURE", "a sink in the format \(sink.format)",
                hint: "USING csv, json or parquet", place: sink.span.map { .sql($0) })
        }
        if let first = unknown.first {
            throw TidemillError(
                .user, "INVALID_OPTION",
                "the sink \(sink.name) has an option that \(sink.format) does not know: \(first)",
                place: sink.span.map { .sql($0) })
        }
        return format
    }
}

// Places of stored tables.
extension StandardConnectors {
    public func places(of dataset: Dataset) -> [String] {
        let location = location(of: dataset)
        return (isKeyedText(dataset) ? [location, KeyedTextTable.rowsLocation(of: location)] : [location]).map(
            placeText)
    }

    /// Whether the table is a text copy of hidden rows.
    private func isKeyedText(_ dataset: Dataset) -> Bool { dataset.key != nil && dataset.format != "parquet" }

    public func place(of sink: SinkDefinition) -> String { placeText(FilePath(sink.path)) }

    /// A warehouse may be moved together with its checkpoint.
    private func placeText(_ location: FilePath) -> String {
        var path = location.lexicallyNormalized()
        return path.removePrefix(warehouse.lexicallyNormalized()) ? path.string : location.string
    }

    public func cleanSiblings(
        of place: TablePlace, generations: Set<UInt64>, retained: Set<RetainedVersion>
    ) throws(TidemillError) -> Bool {
        try AbandonedTable(
            location: Project.resolve(place.path, in: warehouse), table: place.table, generations: generations,
            readerGrace: defaultGrace, environment: environment
        ).clean(retained: retained)
    }
}

// Versions of stored tables.
extension StandardConnectors {
    private func versions(_ dataset: Dataset) throws(TidemillError) -> TableVersions {
        var options = try options(dataset, startsOver: false)
        var path = location(of: dataset)
        if isKeyedText(dataset) {
            // The text is a copy of the rows beside it, and follows them.
            path = KeyedTextTable.rowsLocation(of: path)
            options.format = .parquet
        }
        return TableVersions(location: path, options: options, environment: environment)
    }
    public func missingFiles(_ dataset: Dataset, of version: RetainedVersion) throws(TidemillError) -> [String]? {
        try versions(dataset).missingFiles(of: version)
    }
    public func rollBack(
        _ dataset: Dataset, to version: RetainedVersion, generation: UInt64
    ) throws(TidemillError) {
        try versions(dataset).rollBack(to: version, generation: generation)
        guard isKeyedText(dataset) else { return }
        try KeyedTextTable.copyRowsBack(
            location: location(of: dataset), schema: dataset.schema, generation: generation,
            options: try options(dataset, startsOver: false), environment: environment)
    }
    public func setAside(_ dataset: Dataset, generation: UInt64) throws(TidemillError) {
        try versions(dataset).setAside(generation: generation)
        guard isKeyedText(dataset) else { return }
        try TableVersions(
            location: location(of: dataset), options: try options(dataset, startsOver: false), environment: environment
        ).setAside(generation: generation)
    }
    public func bytesHeld(_ dataset: Dataset, by version: RetainedVersion) throws(TidemillError) -> Int64 {
        try versions(dataset).bytesHeld(by: version)
    }
}

/// `CopySink` behind the engine's contract.
final class CopySinkTarget: CopyTarget {
    let sink: CopySink
    init(sink: CopySink) { self.sink = sink }

    func recover() throws(TidemillError) { try sink.recover() }
    func publishedEpoch() throws(TidemillError) -> Epoch? { try sink.publishedEpoch() }

    func publish(_ epoch: Epoch, schema: Schema, batches: [Batch]) throws(TidemillError) -> PublishReport {
        var rest = batches[...]
        return try sink.publish(epoch, schema: schema) { () throws(TidemillError) -> Batch? in rest.popFirst() }
    }
}
