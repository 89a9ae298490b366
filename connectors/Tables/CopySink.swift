import Synchronization

/// A copy of a table in another format (`CREATE SINK … USING csv`): the whole content, swapped in at once as
/// `part-00000-….csv`.
///
/// The directory carries the marker of the stored tables, so a redo of a published epoch does nothing and a directory
/// that is not ours is refused. It appears with the first publish.
public final class CopySink: Sendable {
    private let directory: TableDirectory
    private let identity: TableIdentity
    private let options: TableOptions
    private let marker: Mutex<TableMarker?>

    private var files: any FileSystem { directory.files }

    public init(
        location: FilePath, identity: TableIdentity, format: StoredFormat, readerGrace: Duration = .seconds(60),
        environment: Environment
    ) throws(TidemillError) {
        directory = TableDirectory(
            location, environment: environment, readerGrace: readerGrace, suffix: format.suffix)
        self.identity = identity
        var options = TableOptions()
        options.format = format
        self.options = options
        var found = try directory.load()
        if let marker = found {
            try CopySink.accept(marker, identity, location)
            // A copy has no history: what another checkpoint wrote is simply out of date.
            if marker.identity.generation != identity.generation { found?.epoch = nil }
        } else {
            try environment.files.createDirectories(directory.parent)
            try directory.checkExchange()
        }
        marker = Mutex(found)
    }

    private static func accept(
        _ marker: TableMarker, _ identity: TableIdentity, _ location: FilePath
    ) throws(TidemillError) {
        guard marker.kind == .copy, marker.identity.table == identity.table else {
            throw TidemillError(
                .conflict, "TIDEMILL_TABLE_OF_ANOTHER_PIPELINE",
                "directory holds \(marker.identity.table) of another kind or pipeline: \(location.string)",
                hint: "remove the directory, or give the sink another path")
        }
    }

    /// What opening the copy would refuse. Changes nothing.
    public static func check(
        location: FilePath, identity: TableIdentity, format: StoredFormat, environment: Environment
    ) throws(TidemillError) {
        let directory = TableDirectory(
            location, environment: environment, readerGrace: .zero, suffix: format.suffix)
        if let marker = try directory.load() { try accept(marker, identity, location) }
        try environment.files.requireWritable(directory.parent, for: "the copy")
    }

    /// Makes the directory if there is none, without rows.
    public func create(_ schema: Schema) throws(TidemillError) {
        if marker.withLock({ $0 }) != nil { return }
        let empty = TableMarker(kind: .copy, identity: identity, epoch: nil, schema: schema)
        try directory.create(empty) { _ in }
        marker.withLock { $0 = empty }
    }

    public func publishedEpoch() throws(TidemillError) -> Epoch? { marker.withLock { $0?.epoch } }

    public func recover() throws(TidemillError) {
        if publishedEpochIsKnown { try directory.makeVisibleDurable() }
        try directory.recoverSiblings()
    }
    private var publishedEpochIsKnown: Bool { marker.withLock { $0 != nil } }

    /// Replaces the copy by these rows.
    /// - Parameter batches: gives the rows batch by batch, then nil.
    public func publish(
        _ epoch: Epoch, schema: Schema, batches: () throws(TidemillError) -> Batch?
    ) throws(TidemillError) -> PublishReport {
        let current = marker.withLock { $0 }
        if let published = current?.epoch, published >= epoch { return PublishReport() }
        let report = try replace(epoch, schema: schema, label: String(epoch.rawValue), batches: batches)
        try directory.removeOldVersions(but: [])
        return report
    }

    /// Replaces the copy whatever it shows.
    /// - Parameters:
    ///   - epoch: nil if nothing was published.
    ///   - label: of the directory that is swapped out.
    func replace(
        _ epoch: Epoch?, schema: Schema, label: String, batches: () throws(TidemillError) -> Batch?
    ) throws(TidemillError) -> PublishReport {
        let stage = try directory.makeStage(label)
        if let current = marker.withLock({ $0 }) { try directory.keepForeignFiles(in: stage, of: current) }
        let random = String(directory.environment.random.next(), radix: 16)
        let name = "part-00000-\(TableDirectory.padded(epoch ?? .zero))-\(random)\(options.format.suffix)"
        let (rows, bytes) = try write(name, in: stage, schema, batches)
        let next = TableMarker(
            kind: .copy, identity: identity, epoch: epoch, schema: schema,
            files: [DataFile(name: name, rows: rows, bytes: bytes, rowGroups: 0, ranges: [], hasBloom: false)])
        try files.createDurably(stage.appending(TableMarker.name), next.encoded())
        try directory.swapIn(stage, label: label)
        marker.withLock { $0 = next }
        var report = PublishReport()
        report.rowsInserted = rows
        report.filesWritten = 1
        report.bytesWritten = bytes
        return report
    }

    private func write(
        _ name: String, in stage: FilePath, _ schema: Schema, _ batches: () throws(TidemillError) -> Batch?
    ) throws(TidemillError) -> (rows: Int, bytes: Int64) {
        let file = try files.open(stage.appending(name), .createNew)
        defer { file.close() }
        let writer = try options.format.writer(name: name, file: file, schema: schema, options: options)
        var rows = 0
        while let batch = try batches() {
            try writer.append(Batch(columns: batch.columns, count: batch.count))
            rows += batch.count
        }
        return (rows, try writer.finish().bytes)
    }
}
