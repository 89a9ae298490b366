import TideParquet

/// A CSV or JSON table that is kept equal to a result.
///
/// Text files cannot say where a key is, and do not hold every value exactly. So the rows are kept in a hidden Parquet
/// table beside it, `.<name>.rows`, which takes the changes; the table itself is a copy of that, written as a whole
/// after every publish. Costs: the table's size per publish, and its rows twice on disk.
///
/// The copy is never ahead of the rows. A crash between the two is made good by `recover`, before anything else is
/// published.
public final class KeyedTextTable: KeyedTarget, Sendable {
    private let rows: ParquetKeyedTable
    private let copy: CopySink
    private let rowsLocation: FilePath
    private let environment: Environment
    private let schema: Schema

    /// Where the rows of such a table are.
    public static func rowsLocation(of location: FilePath) -> FilePath {
        location.removingLastComponent().appending(".\(location.lastComponent?.string ?? "").rows")
    }

    public init(
        location: FilePath, identity: TableIdentity, schema: Schema, key: TableKey, options: TableOptions,
        environment: Environment
    ) throws(TidemillError) {
        try options.format.check(schema)
        let format = options.format
        var options = options
        options.format = .parquet
        rowsLocation = KeyedTextTable.rowsLocation(of: location)
        copy = try CopySink(
            location: location, identity: identity, format: format, readerGrace: options.readerGrace,
            environment: environment)
        rows = try ParquetKeyedTable(
            location: rowsLocation, identity: identity, schema: KeyedTextTable.stored(schema), key: key,
            options: options, environment: environment)
        self.environment = environment
        self.schema = schema
        try copy.create(schema)
    }

    /// What opening the table would refuse. Changes nothing.
    public static func check(
        location: FilePath, identity: TableIdentity, schema: Schema, key: TableKey, options: TableOptions,
        environment: Environment
    ) throws(TidemillError) {
        try CopySink.check(
            location: location, identity: identity, format: options.format, environment: environment)
        var options = options
        options.format = .parquet
        try ParquetKeyedTable.check(
            location: rowsLocation(of: location), identity: identity, schema: stored(schema), key: key,
            options: options, environment: environment)
    }

    /// The hidden rows hold nested values as the bytes of their images.
    private static func stored(_ schema: Schema) -> Schema {
        Schema(schema.fields.map { Field($0.name, $0.type.isNested ? .binary : $0.type, nullable: $0.nullable) })
    }

    private static func retyped(_ batch: Batch, _ schema: Schema) -> Batch {
        let columns = zip(batch.columns, schema.types).map { $0.type == $1 ? $0 : $0.retyped($1) }
        return Batch(columns: columns, count: batch.count, weights: batch.weights)
    }

    public func publishedEpoch() throws(TidemillError) -> Epoch? { try rows.publishedEpoch() }

    public func retain(_ versions: Set<RetainedVersion>) { rows.retain(versions) }

    public func recover() throws(TidemillError) {
        try rows.recover()
        try copy.recover()
        _ = try copyRows()
    }

    public func publish(
        _ changes: [Batch], through epoch: Epoch, replacingAll: Bool
    ) throws(TidemillError) -> PublishReport {
        let stored = KeyedTextTable.stored(schema)
        var report = try rows.publish(
            changes.map { KeyedTextTable.retyped($0, stored) }, through: epoch, replacingAll: replacingAll)
        let copied = try copyRows()
        report.filesWritten = copied.filesWritten
        report.filesRewritten = 0
        report.filesKept = 0
        report.bytesWritten += copied.bytesWritten
        return report
    }

    /// Brings the copy to the epoch of the rows.
    private func copyRows() throws(TidemillError) -> PublishReport {
        guard let epoch = try rows.publishedEpoch() else { return PublishReport() }
        if let copied = try copy.publishedEpoch(), copied >= epoch { return PublishReport() }
        let reader = try TableReader(path: rowsLocation, environment: environment)
        return try copy.publish(epoch, schema: schema, batches: KeyedTextTable.batches(of: reader, as: schema))
    }

    private static func batches(of reader: TableReader, as schema: Schema) -> () throws(TidemillError) -> Batch? {
        var splits = reader.splits[...]
        var waiting: ArraySlice<Batch> = []
        let columns = Array(0..<schema.count)
        return { () throws(TidemillError) -> Batch? in
            while waiting.isEmpty, let split = splits.popFirst() {
                waiting = try reader.read(split, columns: columns)[...]
            }
            return waiting.popFirst().map { KeyedTextTable.retyped($0, schema) }
        }
    }
}

// Going back.
extension KeyedTextTable {
    /// Makes the text a copy of the rows after they became those of an earlier epoch, under a new generation. Done
    /// once, doing it again changes nothing.
    ///
    /// Text cannot say what its columns were, so they are taken from the text's marker or from `schema`, whichever the
    /// rows fit; if they fit neither, the text leaves its place until the next publish.
    public static func copyRowsBack(
        location: FilePath, schema: Schema, generation: UInt64, options: TableOptions, environment: Environment
    ) throws(TidemillError) {
        let rows = rowsLocation(of: location)
        func directory(_ path: FilePath, _ suffix: String) -> TableDirectory {
            TableDirectory(path, environment: environment, readerGrace: options.readerGrace, suffix: suffix)
        }
        guard let marker = try directory(rows, StoredFormat.parquet.suffix).load(),
            marker.identity.generation == generation
        else { return }
        let text = directory(location, options.format.suffix)
        let shown = try text.load()
        if let shown, shown.identity.generation == generation, shown.epoch == marker.epoch { return }
        guard let fitting = [shown?.schema, schema].compactMap({ $0 }).first(where: { stored($0) == marker.schema })
        else {
            if let shown { try text.setAside(generation: shown.identity.generation) }
            return
        }
        let copy = try CopySink(
            location: location, identity: marker.identity, format: options.format, readerGrace: options.readerGrace,
            environment: environment)
        let reader = try TableReader(path: rows, environment: environment)
        _ = try copy.replace(
            marker.epoch, schema: fitting, label: "rollback", batches: batches(of: reader, as: fitting))
    }
}
