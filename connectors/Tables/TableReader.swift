import TideParquet

/// Reads a stored table as of one moment: a Parquet table of ours, any directory of Parquet files, a file, a pattern.
///
/// All files have been opened before the first row is read. File names are never reused and a version is swapped in
/// whole, so a set of names that was listed and could be opened is one version; if a file is gone, the listing is tried
/// again. Not all of them stay open (see `OpenFiles`): a table has more files than a process may have descriptors.
public final class TableReader: Sendable {
    /// A piece that one task reads: a row group.
    public struct Split: Sendable, Hashable {
        public var file: Int
        public var rowGroup: Int
        public var rows: Int
    }
    public let schema: Schema
    public let paths: [String]
    public let splits: [Split]
    /// The epoch a reader sees; nil for directories that are not ours, and before the first publish.
    public let epoch: Epoch?
    private let readers: [ParquetReader]
    /// Per file the columns that its directories name, by their position in the schema.
    private let constants: [[Int: Scalar]]

    private static let attemptsMax = 64

    /// - Parameter byMarker: read the files that the table's marker names. Others are of an epoch that is not published
    ///   yet, or somebody else's. Without it, read what any reader of the directory finds.
    /// - Throws: PATH_NOT_FOUND; UNABLE_TO_INFER_SCHEMA if there is no file; TIDEMILL_TABLE_FILE_MISSING if one that
    ///   the marker names is gone.
    public convenience init(
        path: FilePath, environment: Environment, byMarker: Bool = false
    ) throws(TidemillError) {
        let listing = try FileListing(path: path)
        for _ in 0..<TableReader.attemptsMax {
            let marker = try TableReader.marker(path, environment.files)
            let named = byMarker ? marker?.files.map { path.appending($0.name).string } : nil
            let found: [String]
            if let named {
                found = named
            } else {
                found = try listing.files(in: environment.files).map(\.path).sorted()
            }
            var readers: [ParquetReader] = []
            var missing: TidemillError?
            let open = OpenFiles(files: environment.files, table: path)
            for path in found {
                do throws(TidemillError) {
                    readers.append(try ParquetReader(file: open.file(FilePath(path))))
                } catch {
                    guard error.errno == noSuchFile else { throw error }
                    missing = error
                    break
                }
            }
            // The marker must be the listed version's.
            guard try TableReader.marker(path, environment.files) == marker else { continue }
            if let missing {
                guard byMarker, let marker else { continue }
                throw OpenFiles.missing(of: marker.identity.table, at: path, cause: missing)
            }
            try self.init(paths: found, readers: readers, marker: marker, path: path, base: listing.base)
            return
        }
        throw TidemillError(
            .conflict, "TIDEMILL_TABLE_CHANGES_TOO_FAST",
            "table changed during every attempt to open it: \(path.string)")
    }

    private static func marker(_ path: FilePath, _ files: any FileSystem) throws(TidemillError) -> TableMarker? {
        let path = path.appending(TableMarker.name)
        guard let status = try files.status(of: path), status.kind == .file else { return nil }
        do throws(TidemillError) {
            return try TableMarker(decoding: files.contents(of: path), file: path.string)
        } catch {
            if error.errno == noSuchFile { return nil }
            throw error
        }
    }

    private init(
        paths: [String], readers: [ParquetReader], marker: TableMarker?, path: FilePath, base: FilePath
    ) throws(TidemillError) {
        guard let first = readers.first else {
            throw TidemillError(
                .user, "UNABLE_TO_INFER_SCHEMA", "no Parquet file: \(path.string)",
                hint: "a table has files once its pipeline has started")
        }
        try first.requireAllReadable()
        var fields = first.schema.fields.map { Field($0.name, $0.type) }
        if marker == nil { fields += try PartitionDirectories.infer(paths, below: base) }
        let schema = marker?.schema ?? Schema(fields)
        var constants: [[Int: Scalar]] = []
        for path in paths {
            var own: [Int: Scalar] = [:]
            for value in try PartitionDirectories.values(of: path, below: base) {
                guard let column = schema.index(of: value.name) else { continue }
                own[column] = try PartitionDirectories.scalar(value, schema[column], path: path)
            }
            constants.append(own)
        }
        self.schema = schema
        self.paths = paths
        self.epoch = marker?.epoch
        self.readers = readers
        self.constants = constants
        var splits: [Split] = []
        for (file, reader) in readers.enumerated() {
            // Refused here, in one place, rather than in the middle of a scan.
            let own = schema.fields.indices.filter { constants[file][$0] == nil }
            _ = try ParquetSplitReader(path: paths[file], reader: reader, fields: own.map { schema[$0] })
            for (group, described) in reader.rowGroups.enumerated() where described.rowCount > 0 {
                splits.append(Split(file: file, rowGroup: group, rows: described.rowCount))
            }
        }
        self.splits = splits
    }

    public var rowCount: Int { splits.reduce(0) { $0 + $1.rows } }

    /// Bounds of a column in a split, if its file states them.
    public func statistics(_ split: Split, column: Int) -> ParquetColumnStatistics? {
        let reader = readers[split.file]
        if let value = constants[split.file][column] {
            let bound = value.isNull ? nil : value
            return ParquetColumnStatistics(
                min: bound, max: bound, nullCount: value.isNull ? split.rows : 0, byteCount: 0)
        }
        return reader.schema.index(of: schema[column].name).map { reader.rowGroups[split.rowGroup].columns[$0] }
    }

    /// Rows of one split. Any number of threads may read at once.
    /// - Parameter columns: indices into `schema`, in the order of the batches' columns.
    public func read(_ split: Split, columns: [Int]) throws(TidemillError) -> [Batch] {
        let values = constants[split.file]
        let own = columns.filter { values[$0] == nil }
        let stored = try ParquetSplitReader(
            path: paths[split.file], reader: readers[split.file], fields: own.map { schema[$0] },
            rowGroups: split.rowGroup..<(split.rowGroup + 1))
        let rows: any SplitReader =
            own.count == columns.count
            ? stored : PartitionedSplitReader(stored, constants: columns.map { values[$0] })
        var batches: [Batch] = []
        while let batch = try rows.next() { batches.append(batch) }
        return batches
    }

    /// All rows, in file and row order.
    public func batches(columns: [Int]) throws(TidemillError) -> [Batch] {
        var all: [Batch] = []
        for split in splits { all += try read(split, columns: columns) }
        return all
    }
}
