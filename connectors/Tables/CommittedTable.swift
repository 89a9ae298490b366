import TideParquet

/// A Parquet table of ours as of the last committed epoch: what readers of its files see, and on top of that what is
/// committed and not published yet.
///
/// Stored rows that go are located as a publish locates them (`KeyLocator`), so a scan decodes no more than it would
/// anyway; rows that come are pieces of their own.
public final class CommittedTable: Sendable {
    /// What one task reads.
    private enum Piece: Sendable {
        /// Of the published version, but for these positions, which ascend.
        case stored(TableReader.Split, without: [UInt32])
        /// Of a file that waits to be published.
        case waiting(TableFile, rowGroup: Int)
        case rows(Batch)
    }
    public let schema: Schema
    /// One name per piece, for errors and progress.
    public let names: [String]
    private let pieces: [Piece]
    private let reader: TableReader

    private init(_ reader: TableReader, _ schema: Schema, _ pieces: [(name: String, piece: Piece)]) {
        self.reader = reader
        self.schema = schema
        names = pieces.map(\.name)
        self.pieces = pieces.map(\.piece)
    }

    public func rowCount(piece: Int) -> Int {
        switch pieces[piece] {
        case .rows(let batch): batch.count
        case .waiting(let file, let group): file.reader.rowGroups[group].rowCount
        case .stored(let split, let removed): split.rows - removed.count
        }
    }

    /// Rows of one piece. Any number of threads may read at once.
    /// - Parameter columns: indices into `schema`, in the order of the batches' columns.
    public func read(piece: Int, columns: [Int]) throws(TidemillError) -> [Batch] {
        switch pieces[piece] {
        case .rows(let batch): return [Batch(columns: columns.map { batch.columns[$0] }, count: batch.count)]
        case .waiting(let file, let group):
            let there = file.partitioning.columns
            let own = columns.map { $0 < file.reader.schema.count || there.contains($0) ? $0 : nil }
            let rows = file.reader.rowGroups[group].rowCount
            let present = own.compactMap { $0 }
            let batch =
                present.isEmpty ? Batch(columns: [], count: rows) : try file.read(rowGroup: group, columns: present)
            return [completed(batch, columns, own)]
        case .stored(let split, let removed):
            let own = columns.map { reader.schema.index(of: schema[$0].name) }
            let present = own.compactMap { $0 }
            var batches =
                present.isEmpty
                ? [Batch(columns: [], count: split.rows)] : try reader.read(split, columns: present)
            if !removed.isEmpty {
                let all = Batch.concat(batches, types: present.map { reader.schema[$0].type })
                batches = [all.gather(TableFile.complement(removed, split.rows))]
            }
            return batches.map { completed($0, columns, own) }
        }
    }

    /// NULL in columns that the table got after the rows were written.
    private func completed(_ batch: Batch, _ columns: [Int], _ own: [Int?]) -> Batch {
        if !own.contains(nil) { return batch }
        var rest = batch.columns[...]
        let all = zip(columns, own).map { column, place in
            place == nil
                ? Column(repeating: .null(schema[column].type), count: batch.count) : rest.removeFirst()
        }
        return Batch(columns: all, count: batch.count)
    }
}

// Opening.
extension CommittedTable {
    private static let attemptsMax = 64

    /// - Parameters:
    ///   - schema: the table's columns if nothing of what is published counts, or if they are those of what is
    ///     published with others behind them.
    ///   - key: nil for a table that only grows.
    /// - Returns: nil if the table was never made.
    /// - Throws: `TIDEMILL_TABLE_CHANGES_TOO_FAST` if a later epoch is published by now: the log has to be read again.
    public static func open(
        _ location: FilePath, schema: Schema, key: TableKey?, pending: PendingChanges, options: TableOptions,
        environment: Environment
    ) throws(TidemillError) -> CommittedTable? {
        let directory = TableDirectory(location, environment: environment, readerGrace: options.readerGrace)
        var attempts = 0
        while true {
            attempts += 1
            do throws(TidemillError) {
                guard let published = try directory.load() else { return nil }
                let reader = try TableReader(path: location, environment: environment, byMarker: true)
                guard try directory.load() == published else { continue }
                return try make(directory, reader, published, schema, key, pending)
            } catch {
                // A file of the version that was looked at may be gone with it.
                guard error.errno == noSuchFile, attempts < attemptsMax else { throw error }
            }
        }
    }

    private static func make(
        _ directory: TableDirectory, _ reader: TableReader, _ published: TableMarker, _ schema: Schema,
        _ key: TableKey?, _ pending: PendingChanges
    ) throws(TidemillError) -> CommittedTable {
        let waiting = try pending.steps(behind: published, at: directory.location)
        // What waits may have columns that the published rows do not have yet.
        let wanted = TableMarker(
            kind: published.kind, identity: published.identity, epoch: nil, schema: schema,
            partitionColumnCount: published.partitionColumnCount)
        let hasGrown =
            key == nil && schema.count > published.schema.count && published.files(have: wanted)
        let schema = waiting.replacesAll || hasGrown ? schema : published.schema
        var pieces: [(name: String, piece: Piece)] = []
        var removed: [String: [Int: [UInt32]]] = [:]
        var additions = Batch(columns: [], count: 0)
        if let key {
            let changes = try waiting.steps.flatMap(\.changes).map { (batch) throws(TidemillError) in
                try batch.stored(as: schema, directory.location)
            }
            let stored = waiting.replacesAll ? [] : published.files.filter { $0.rows > 0 }
            let changeSet = ChangeSet(changes, key: key, schema: schema, tableIsEmpty: stored.isEmpty)
            let partitioning = TablePartitioning(published.schema, columnCount: published.partitionColumnCount)
            let located = try FileStatisticsLocator().locate(changeSet, in: stored, of: directory, partitioning)
            for (file, rows) in zip(stored, located) {
                for group in rows?.groups ?? [] {
                    removed[file.name, default: [:]][group.rowGroup] =
                        key == .bag ? changeSet.takeCopies(group) : group.positions
                }
            }
            additions = changeSet.additions
        }
        if !waiting.replacesAll {
            for split in reader.splits {
                let path = reader.paths[split.file]
                let name = String(path.dropFirst(directory.location.string.utf8.count + 1))
                pieces.append((path, .stored(split, without: removed[name]?[split.rowGroup] ?? [])))
            }
        }
        if additions.count > 0 { pieces.append((directory.location.string, .rows(additions))) }
        let partitioning = TablePartitioning(schema, columnCount: published.partitionColumnCount)
        for (file, opened) in try waiting.files(staged: directory) {
            let table = TableFile(
                reader: try ParquetReader(file: opened), partitioning: partitioning,
                values: try partitioning.values(ofFile: file.name))
            for group in table.reader.rowGroups.indices {
                pieces.append((file.name, .waiting(table, rowGroup: group)))
            }
        }
        return CommittedTable(reader, schema, pieces)
    }
}

/// The steps that the published version of a table lacks.
struct WaitingSteps {
    var steps: [PendingChanges.Step]
    /// What is published does not count.
    var replacesAll = false
    private let manifest: AppendManifest

    init(_ steps: [PendingChanges.Step]) throws(TidemillError) {
        self.steps = steps
        if let last = steps.lastIndex(where: \.startsOver) {
            self.steps.removeFirst(last)
            replacesAll = true
        }
        var manifests: [AppendManifest] = []
        for bytes in self.steps.compactMap(\.manifest) { manifests.append(try AppendManifest(decoding: bytes)) }
        manifest = AppendManifest.joined(manifests)
        replacesAll = replacesAll || manifest.replacesAll
    }

    /// Files of a table that only grows, open, in the order they are to be published.
    func files(staged directory: TableDirectory) throws(TidemillError) -> [(file: DataFile, opened: any File)] {
        var opened: [(file: DataFile, opened: any File)] = []
        for prepared in manifest.files {
            if let bytes = prepared.bytes {
                opened.append(
                    (prepared.file, MemoryFile(directory.location.appending(prepared.file.name), bytes: bytes)))
            } else {
                let path = directory.staging.appending(String(TableDirectory.baseName(prepared.file.name)))
                opened.append((prepared.file, try directory.files.open(path, .read)))
            }
        }
        return opened
    }
}

extension PendingChanges {
    func steps(behind published: TableMarker, at location: FilePath) throws(TidemillError) -> WaitingSteps {
        if let epoch = published.epoch, epoch > through, published.identity.generation == generation {
            throw TidemillError(
                .conflict, "TIDEMILL_TABLE_CHANGES_TOO_FAST",
                "table was published while the log was read: \(location.string)")
        }
        // Another generation's epochs say nothing about this log.
        let shown = published.identity.generation == generation ? published.epoch : nil
        return try WaitingSteps(steps.filter { $0.epoch > shown ?? Epoch(-1) })
    }
}

extension Batch {
    /// Rows of the log with the columns of a table: nested values are kept as their images where a table holds them so.
    fileprivate func stored(as schema: Schema, _ location: FilePath) throws(TidemillError) -> Batch {
        let types = columns.map(\.type)
        if types == schema.types { return self }
        guard types.count == schema.count,
            zip(types, schema.types).allSatisfy({ $0 == $1 || ($0.isNested && $1 == .binary) })
        else {
            throw TidemillError(
                .user, "TIDEMILL_TABLE_SCHEMA", "committed rows have other columns than the table: \(location.string)",
                hint: "the query changed since the table was written: run the pipeline first")
        }
        return Batch(
            columns: zip(columns, schema.types).map { $0.type == $1 ? $0 : $0.retyped($1) }, count: count,
            weights: weights)
    }
}
