import Synchronization
import TideParquet

/// A Parquet table that is kept equal to a result. A publish is a left-anti join plus a union, done file by file: files
/// without a changed key are linked into the next version, in the others row groups without one are copied as raw
/// bytes, and only what is left is decoded, filtered and written again.
///
/// Sequence of a publish (each line durable before the next has an effect):
///
///     build .t.next-<epoch>: link untouched files; write the others, sync each; write and sync _tidemill;
///     sync the directory
///     exchange .t.next-<epoch> with t, sync parent          a reader sees the new version; redo stops here
///     rename .t.next-<epoch> to .t.old-…                    kept for readers in the middle of it
///
/// Nothing else is needed after a crash: the change sets are in the epoch log, and a publish starts from the version
/// that is there.
public final class ParquetKeyedTable: KeyedTarget, Sendable {
    let directory: TableDirectory
    let schema: Schema
    let key: TableKey
    let options: TableOptions
    let partitioning: TablePartitioning
    private let identity: TableIdentity
    private let locator: any KeyLocator
    private let marker: Mutex<TableMarker>
    private let retained = Mutex<Set<RetainedVersion>>([])

    private var files: any FileSystem { directory.files }

    /// Opens the table, or creates it with an empty Parquet file that carries the schema.
    /// - Throws: TIDEMILL_FOREIGN_TABLE_DIRECTORY if the place holds something else, TIDEMILL_NO_EXCHANGE if the file
    ///   system cannot swap directories.
    public convenience init(
        location: FilePath, identity: TableIdentity, schema: Schema, key: TableKey,
        options: TableOptions = TableOptions(), environment: Environment
    ) throws(TidemillError) {
        try self.init(
            location: location, identity: identity, schema: schema, key: key, options: options,
            environment: environment, locator: FileStatisticsLocator())
    }

    init(
        location: FilePath, identity: TableIdentity, schema: Schema, key: TableKey, options: TableOptions,
        environment: Environment, locator: any KeyLocator
    ) throws(TidemillError) {
        directory = TableDirectory(location, environment: environment, readerGrace: options.readerGrace)
        self.identity = identity
        self.schema = schema
        self.key = key
        self.options = options
        self.locator = locator
        partitioning = TablePartitioning(schema, columnCount: options.partitionColumnCount)
        marker = Mutex(
            try directory.open(ParquetKeyedTable.marker(identity, schema, key, options), options: options))
    }

    private static func marker(
        _ identity: TableIdentity, _ schema: Schema, _ key: TableKey, _ options: TableOptions
    ) -> TableMarker {
        TableMarker(
            kind: .keyed, identity: identity, epoch: nil, schema: schema, key: key,
            partitionColumnCount: options.partitionColumnCount)
    }

    /// What opening the table would refuse. Changes nothing.
    public static func check(
        location: FilePath, identity: TableIdentity, schema: Schema, key: TableKey, options: TableOptions,
        environment: Environment
    ) throws(TidemillError) {
        try TableDirectory(location, environment: environment, readerGrace: options.readerGrace).check(
            marker(identity, schema, key, options), options: options)
    }

    public func publishedEpoch() throws(TidemillError) -> Epoch? { marker.withLock { $0.epoch } }

    public func recover() throws(TidemillError) {
        try directory.makeVisibleDurable()
        try directory.recoverSiblings(retained: retained.withLock { $0 })
    }
    public func retain(_ versions: Set<RetainedVersion>) { retained.withLock { $0 = versions } }

    public func publish(
        _ changes: [Batch], through epoch: Epoch, replacingAll: Bool
    ) throws(TidemillError) -> PublishReport {
        // Publishes come one at a time; the lock only guards readers of the marker.
        let current = marker.withLock { $0 }
        if let published = current.epoch, published >= epoch { return PublishReport() }
        let stored = replacingAll ? [] : current.files.filter { $0.rows > 0 }
        let changeSet = ChangeSet(changes, key: key, schema: schema, tableIsEmpty: stored.isEmpty)
        let located: [LocatedRows?]
        do throws(TidemillError) {
            located = try locator.locate(changeSet, in: stored, of: directory, partitioning)
        } catch {
            // ENOENT: the marker names a file that somebody removed.
            guard error.errno == 2 else { throw error }
            throw OpenFiles.missing(of: identity.table, at: directory.location, cause: error)
        }
        var report = PublishReport()
        let inputs = try self.inputs(stored, located, changeSet, &report)
        if changeSet.additions.count == 0 && !replacingAll && !inputs.contains(where: \.isTouched) { return report }

        let (additions, ranges) = try byDirectory(changeSet.additions)
        let plan = RewritePlan(
            inputs, additions: ranges, bytesPerRow: Double(additions.byteCount) / Double(max(additions.count, 1)),
            options: options)
        let stage = try directory.makeStage(String(epoch.rawValue))
        try directory.keepForeignFiles(in: stage, of: current)
        var next = current
        next.epoch = epoch
        next.identity = identity
        next.schema = schema
        next.partitionColumnCount = options.partitionColumnCount
        next.files = []
        for index in plan.kept {
            let file = inputs[index].file
            try directory.makePartition(of: file.name, in: stage)
            try directory.keep(file.name, in: stage)
            if file.hasBloom { try directory.keep(file.bloomName, in: stage) }
            next.files.append(file)
        }
        report.filesKept = plan.kept.count
        report.filesRewritten = plan.outputs.reduce(0) { $0 + $1.inputs.count }
        for output in plan.outputs { try directory.makePartition(of: output.directory + "file", in: stage) }
        next.files += try write(plan, inputs, additions, changeSet, epoch, in: stage, &report)
        if next.files.isEmpty {
            next.files = [try directory.writeEmptyFile(in: stage, schema: schema, options: options)]
        }
        try directory.syncPartitions(of: next.files.map(\.name), in: stage)
        try files.createDurably(stage.appending(TableMarker.name), next.encoded())
        try directory.swapIn(stage, epoch: epoch, retained: retained.withLock { $0 })
        marker.withLock { [next] in $0 = next }
        return report
    }

    /// The rows to add with those of one directory side by side, and where they lie.
    private func byDirectory(_ rows: Batch) throws(TidemillError) -> (Batch, [String: Range<Int>]) {
        if rows.count == 0 { return (rows, [:]) }
        guard partitioning.isPartitioned else { return (rows, ["": 0..<rows.count]) }
        var order: [UInt32] = []
        var ranges: [String: Range<Int>] = [:]
        for (folder, selected) in try partitioning.split(rows) {
            ranges[folder + "/"] = order.count..<(order.count + selected.count)
            order += selected
        }
        return (rows.gather(order), ranges)
    }

    // MARK: Removals

    private func inputs(
        _ stored: [DataFile], _ located: [LocatedRows?], _ changes: ChangeSet, _ report: inout PublishReport
    ) throws(TidemillError) -> [RewriteInput] {
        var inputs = stored.map { RewriteInput(file: $0, open: nil, removed: [:], removedCount: 0) }
        for (index, rows) in located.enumerated() {
            guard let rows else { continue }
            for group in rows.groups {
                let positions = key == .bag ? changes.takeCopies(group) : group.positions
                if key == .bag { report.rowsDeleted += positions.count }
                if positions.isEmpty { continue }
                inputs[index].removed[group.rowGroup] = positions
                inputs[index].removedCount += positions.count
                inputs[index].open = rows.file
            }
            if key != .bag { countKinds(rows, &report) }
        }
        report.rowsInserted = changes.additions.count - report.rowsUpdated
        if key == .bag { try requireAllTaken(changes) }
        return inputs
    }

    private func countKinds(_ rows: LocatedRows, _ report: inout PublishReport) {
        for group in rows.groups {
            for row in group.rows {
                if row.load(fromByteOffset: RowLayout.markOffset, as: UInt32.self) == ChangeSet.replacedMark {
                    report.rowsUpdated += 1
                } else {
                    report.rowsDeleted += 1
                }
            }
        }
    }

    private func requireAllTaken(_ changes: ChangeSet) throws(TidemillError) {
        var missing: Int64 = 0
        changes.table.forEachRow { row in
            missing -= row.load(fromByteOffset: changes.layout.valueOffset, as: Int64.self)
        }
        guard missing == 0 else {
            throw TidemillError(
                .corruption, "TIDEMILL_STORED_ROWS_MISSING",
                "\(counted(missing, "row")) to remove \(missing == 1 ? "is" : "are") not in the table:"
                    + " \(directory.location.string)",
                hint: "another program changed the table's files; rebuild it with --full-refresh")
        }
    }
}
