import Synchronization
import TideParquet

/// A table that only grows: every epoch adds files, and small files are merged as they pile up.
///
/// Sequence of an epoch that shows one file (each line durable before the next has an effect):
///
///     prepare   write staging/<file>, sync it, sync staging        or: bytes inside the commit record
///     commit    (the epoch log)
///     publish   [inline: write staging/<file>, sync it]
///               link staging/<file> → table/<file>, sync table     a reader sees the rows now
///               replace table/_tidemill, sync table                redo stops here
///               remove staging/<file>
///
/// In a partitioned table the file's directory is made, and synced, before the table's.
///
/// A link rather than a rename, so that no order in which a file system persists the two directories loses the file.
/// Several files, of one epoch or of several that are shown together, merges and replacements of all rows go through a
/// sibling directory and the exchange: a reader sees all of them or none.
public final class AppendTable: AppendTarget, Sendable {
    private let directory: TableDirectory
    private let identity: TableIdentity
    private let schema: Schema
    private let partitioning: TablePartitioning
    private let options: TableOptions
    private let marker: Mutex<TableMarker>
    private let retained = Mutex<Set<RetainedVersion>>([])

    private var files: any FileSystem { directory.files }

    /// Opens the table, or creates it; with an empty file that carries the schema if it is Parquet.
    /// - Throws: TIDEMILL_FOREIGN_TABLE_DIRECTORY if the place holds something else.
    public init(
        location: FilePath, identity: TableIdentity, schema: Schema, options: TableOptions = TableOptions(),
        environment: Environment
    ) throws(TidemillError) {
        try options.format.check(schema)
        let directory = TableDirectory(
            location, environment: environment, readerGrace: options.readerGrace, suffix: options.format.suffix)
        self.directory = directory
        self.identity = identity
        self.schema = schema
        self.options = options
        partitioning = TablePartitioning(schema, columnCount: options.partitionColumnCount)
        marker = Mutex(try directory.open(AppendTable.marker(identity, schema, options), options: options))
        try environment.files.createDirectory(directory.staging)
        try environment.files.syncDirectory(directory.parent)
    }

    private static func marker(_ identity: TableIdentity, _ schema: Schema, _ options: TableOptions) -> TableMarker {
        TableMarker(
            kind: .append, identity: identity, epoch: nil, schema: schema,
            partitionColumnCount: options.partitionColumnCount)
    }

    /// What opening the table would refuse. Changes nothing.
    public static func check(
        location: FilePath, identity: TableIdentity, schema: Schema, options: TableOptions, environment: Environment
    ) throws(TidemillError) {
        try TableDirectory(
            location, environment: environment, readerGrace: options.readerGrace, suffix: options.format.suffix
        ).check(marker(identity, schema, options), options: options)
    }

    public func publishedEpoch() throws(TidemillError) -> Epoch? { marker.withLock { $0.epoch } }
    public func retain(_ versions: Set<RetainedVersion>) { retained.withLock { $0 = versions } }

    // MARK: Recovery

    public func recover(committed: [PreparedEpoch]) throws(TidemillError) {
        try directory.makeVisibleDurable()
        try directory.recoverSiblings(retained: retained.withLock { $0 })
        var wanted: Set<String> = []
        let marker = self.marker.withLock { $0 }
        for prepared in committed where marker.epoch.map({ $0 < prepared.epoch }) ?? true {
            for file in try AppendManifest(decoding: prepared.manifest).files { wanted.insert(file.file.name) }
        }
        let staged = Set(wanted.map { String(TableDirectory.baseName($0)) })
        for entry in try files.entries(of: directory.staging) where !staged.contains(entry.name) {
            try files.remove(directory.staging.appending(entry.name))
        }
        try removeLeftovers(marker, except: wanted)
    }

    /// Files in the table's directory that only a crash can have left: linked but never in a marker, or superseded.
    private func removeLeftovers(_ marker: TableMarker, except wanted: Set<String>) throws(TidemillError) {
        let listed = Set(marker.files.map(\.name)).union(wanted)
        for entry in try directory.allEntries(of: directory.location) where !listed.contains(entry.name) {
            if TableDirectory.isOurs(entry.name) || entry.name == ".\(TableMarker.name).new" {
                try files.remove(directory.location.appending(entry.name))
            }
        }
    }

    // MARK: Writing

    public func begin(_ epoch: Epoch, replacingAll: Bool) throws(TidemillError) -> any AppendEpoch {
        AppendTableEpoch(
            epoch, directory: directory, partitioning: partitioning, options: options, replacesAll: replacingAll)
    }

    public func publish(_ epochs: [PreparedEpoch]) throws(TidemillError) -> PublishReport {
        if marker.withLock({ $0.files.count }) <= AppendTable.linkedTogetherMax { return try publish(together: epochs) }
        var report = PublishReport()
        for epoch in epochs { report += try publish(together: [epoch]) }
        return report
    }

    /// To show several epochs at once every file of the table is linked; where there are more than this, each epoch is
    /// shown by itself.
    private static let linkedTogetherMax = 64

    private func publish(together epochs: [PreparedEpoch]) throws(TidemillError) -> PublishReport {
        // Publishes come one at a time; the lock only guards readers of the marker.
        let current = marker.withLock { $0 }
        var manifests: [AppendManifest] = []
        var newest: Epoch?
        for prepared in epochs where current.epoch.map({ $0 < prepared.epoch }) ?? true {
            let manifest = try AppendManifest(decoding: prepared.manifest)
            if manifest.files.isEmpty && !manifest.replacesAll { continue }
            manifests.append(manifest)
            newest = prepared.epoch
        }
        var report = PublishReport()
        guard let epoch = newest else { return report }
        let manifest = AppendManifest.joined(manifests)
        for prepared in manifest.files {
            report.rowsInserted += prepared.file.rows
            report.bytesWritten += prepared.file.bytes
            report.filesWritten += 1
        }
        let older = manifest.replacesAll ? [] : current.files.filter { !TableDirectory.isEmptyFile($0.name) }
        var next = current
        next.epoch = epoch
        next.schema = schema
        next.partitionColumnCount = options.partitionColumnCount
        next.identity = identity
        next.files = older + manifest.files.map(\.file)
        let merges = merges(&next.files)
        if manifest.files.count == 1 && merges.isEmpty && !manifest.replacesAll {
            try show(manifest.files[0], next)
        } else {
            try replace(manifest, older: older, merges, &next, epoch, current: current, &report)
        }
        marker.withLock { [next] in $0 = next }
        for prepared in manifests.lazy.flatMap(\.files) {
            let staged = staged(prepared)
            if try files.exists(staged) { try files.remove(staged) }
        }
        if current.files.contains(where: { TableDirectory.isEmptyFile($0.name) }) {
            try removeLeftovers(next, except: [])
        }
        report.filesKept = older.count
        return report
    }

    private func staged(_ prepared: AppendManifest.Prepared) -> FilePath {
        directory.staging.appending(String(TableDirectory.baseName(prepared.file.name)))
    }

    /// Neighbours that become one file. Those of one directory are brought together for it.
    private func merges(_ files: inout [DataFile]) -> [Range<Int>] {
        guard partitioning.isPartitioned else { return options.mergePlan.groups(files.map(\.bytes)) }
        var groups: [Range<Int>] = []
        var ordered: [DataFile] = []
        let directories = Dictionary(grouping: files) { $0.name.dropLast(TableDirectory.baseName($0.name).count) }
        for (_, members) in directories.sorted(by: { $0.key < $1.key }) {
            let start = ordered.count
            for group in options.mergePlan.groups(members.map(\.bytes)) {
                groups.append((start + group.lowerBound)..<(start + group.upperBound))
            }
            ordered += members
        }
        files = ordered
        return groups
    }

    /// Adds one file in place.
    private func show(_ prepared: AppendManifest.Prepared, _ next: TableMarker) throws(TidemillError) {
        let target = directory.location.appending(prepared.file.name)
        try directory.makePartition(of: prepared.file.name, in: directory.location)
        if try !files.exists(target) {
            let staged = staged(prepared)
            if let bytes = prepared.bytes {
                if try files.exists(staged) { try files.remove(staged) }
                try files.createDurably(staged, bytes)
            }
            try link(staged, to: target)
        }
        try directory.syncPartitions(of: [prepared.file.name], in: directory.location)
        try files.syncDirectory(directory.location)
        try files.replaceDurably(directory.markerPath, next.encoded())
    }

    private func link(_ staged: FilePath, to target: FilePath) throws(TidemillError) {
        do throws(TidemillError) {
            try files.link(staged, to: target)
        } catch {
            guard error.errno == noSuchFile else { throw error }
            throw TidemillError(
                .corruption, "TIDEMILL_PREPARED_FILE_LOST",
                "a committed epoch's prepared file is gone: \(staged.string)",
                hint: "the staging directory beside the table must not be cleaned by hand; restore it, or rebuild the"
                    + " table with --full-refresh", cause: error)
        }
    }

    /// Builds the next version in a sibling directory and swaps it in.
    private func replace(
        _ manifest: AppendManifest, older: [DataFile], _ merges: [Range<Int>], _ next: inout TableMarker,
        _ epoch: Epoch, current: TableMarker, _ report: inout PublishReport
    ) throws(TidemillError) {
        let stage = try directory.makeStage(String(epoch.rawValue))
        try directory.keepForeignFiles(in: stage, of: current)
        for file in older {
            try directory.makePartition(of: file.name, in: stage)
            try directory.keep(file.name, in: stage)
        }
        var inline: [(path: FilePath, bytes: [UInt8])] = []
        for prepared in manifest.files {
            try directory.makePartition(of: prepared.file.name, in: stage)
            let target = stage.appending(prepared.file.name)
            if let bytes = prepared.bytes {
                inline.append((target, bytes))
            } else {
                try link(staged(prepared), to: target)
            }
        }
        // Their syncs wait for the disk together.
        try directory.environment.executor.run(tasks: inline.count) {
            [inline, files] (task, _) throws(TidemillError) in
            try files.createDurably(inline[task].path, inline[task].bytes)
        }
        try merge(merges, in: stage, &next, epoch, &report)
        if next.files.isEmpty && options.format.keepsEmptyFile {
            next.files = [try directory.writeEmptyFile(in: stage, schema: schema, options: options)]
        }
        try directory.syncPartitions(of: next.files.map(\.name), in: stage)
        try files.createDurably(stage.appending(TableMarker.name), next.encoded())
        try directory.swapIn(stage, epoch: epoch, retained: retained.withLock { $0 })
    }

    /// Merges neighbours of `next.files` that lie in `stage`; row order is kept.
    private func merge(
        _ groups: [Range<Int>], in stage: FilePath, _ next: inout TableMarker, _ epoch: Epoch,
        _ report: inout PublishReport
    ) throws(TidemillError) {
        if groups.isEmpty { return }
        let inputs = groups.map { Array(next.files[$0]) }
        let names = groups.indices.map { group in
            let first = inputs[group][0].name
            let folder = first.dropLast(TableDirectory.baseName(first).count)
            return String(folder) + directory.dataFileName(epoch, 1_000_000 + group)
        }
        let results = TaskResults<(file: DataFile, copied: Int)>(count: groups.count)
        try directory.environment.executor.run(tasks: groups.count) {
            [files, partitioning, options] (task, _) throws(TidemillError) in
            let (file, copied) = try files.writeMergedFile(
                names[task], of: inputs[task], in: stage, schema: partitioning.fileSchema, options: options)
            results[task] = (file, copied)
        }
        for (task, range) in groups.enumerated().reversed() {
            guard let merged = results[task] else { continue }
            for input in inputs[task] { try files.remove(stage.appending(input.name)) }
            next.files.replaceSubrange(range, with: [merged.file])
            report.filesRewritten += range.count
            report.bytesWritten += merged.file.bytes
            report.rowGroupsCopied += merged.copied
        }
    }
}
