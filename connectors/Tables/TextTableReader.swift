import TideText

/// Reads a CSV or JSON table of ours as of one moment. All files have been opened before the first row is read; not all
/// of them stay open (see `OpenFiles`).
public final class TextTableReader: Sendable {
    public let schema: Schema
    public let paths: [String]
    public let fileBytes: [Int64]
    /// The epoch a reader sees; nil before the first publish.
    public let epoch: Epoch?
    private let files: [any File]
    private let format: StoredFormat
    private let partitioning: TablePartitioning
    /// Per file the values of the last columns.
    private let partitions: [[Scalar]]

    private static let attemptsMax = 64

    /// - Parameter pending: committed epochs of a table that only grows, to be read behind what is published; then
    ///   `schema` are its columns if nothing of that counts.
    /// - Throws: PATH_NOT_FOUND if no such table was written; `TIDEMILL_TABLE_CHANGES_TOO_FAST` if an epoch behind the
    ///   pending ones is published by now.
    public init(
        path: FilePath, format: StoredFormat, pending: PendingChanges? = nil, schema: Schema? = nil,
        environment: Environment
    ) throws(TidemillError) {
        let version = try TextTableReader.openVersion(path, environment.files)
        var marker = version.marker
        var files = version.files
        if let waiting = try pending?.steps(behind: marker, at: path) {
            if waiting.replacesAll {
                for file in files { file.close() }
                files = []
                marker.files = []
                marker.schema = schema ?? marker.schema
            }
            let directory = TableDirectory(path, environment: environment, readerGrace: .zero, suffix: format.suffix)
            for (file, opened) in try waiting.files(staged: directory) {
                marker.files.append(file)
                files.append(opened)
            }
        }
        self.schema = marker.schema
        epoch = marker.epoch
        paths = marker.files.map { path.appending($0.name).string }
        fileBytes = marker.files.map(\.bytes)
        partitioning = TablePartitioning(marker.schema, columnCount: marker.partitionColumnCount)
        var partitions: [[Scalar]] = []
        for file in marker.files { partitions.append(try partitioning.values(ofFile: file.name)) }
        self.partitions = partitions
        self.files = files
        self.format = format
    }

    private static func openVersion(
        _ path: FilePath, _ fileSystem: any FileSystem
    ) throws(TidemillError) -> (marker: TableMarker, files: [any File]) {
        let markerPath = path.appending(TableMarker.name)
        for _ in 0..<attemptsMax {
            guard try fileSystem.exists(markerPath) else {
                throw TidemillError(.user, "PATH_NOT_FOUND", "path is no table of a pipeline: \(path.string)")
            }
            var files: [any File] = []
            do throws(TidemillError) {
                let bytes = try fileSystem.contents(of: markerPath)
                let marker = try TableMarker(decoding: bytes, file: markerPath.string)
                let open = OpenFiles(files: fileSystem, table: path)
                for file in marker.files { files.append(try open.file(path.appending(file.name))) }
                // The files must be those of one version.
                if try fileSystem.contents(of: markerPath) == bytes { return (marker, files) }
            } catch {
                guard error.errno == noSuchFile else { throw error }
            }
            for file in files { file.close() }
        }
        throw TidemillError(
            .conflict, "TIDEMILL_TABLE_CHANGES_TOO_FAST",
            "table changed during every attempt to open it: \(path.string)")
    }

    deinit { for file in files { file.close() } }

    /// The rows of one file. Any number of threads may read at once.
    /// - Parameter columns: indices into `schema`, in the order of the batches' columns.
    public func open(file index: Int, columns: [Int]) throws(TidemillError) -> any SplitReader {
        let own = columns.filter { $0 < partitioning.fileColumnCount }
        let stored = try open(index, partitioning.fileSchema, own)
        if own.count == columns.count { return stored }
        return PartitionedSplitReader(
            stored,
            constants: columns.map {
                $0 < partitioning.fileColumnCount ? nil : partitions[index][$0 - partitioning.fileColumnCount]
            })
    }

    private func open(
        _ index: Int, _ schema: Schema, _ columns: [Int]
    ) throws(TidemillError) -> any SplitReader {
        let file = SharedFile(files[index], owner: self)
        switch format {
        case .parquet: throw .internal("a parquet table is read by TableReader")
        case .csv(let written):
            var options = CSVReadOptions()
            options.separator = written.separator
            options.dateFormat = written.dateFormat
            options.timestampFormat = written.timestampFormat
            options.timestampNTZFormat = written.timestampNTZFormat
            let reader = try CSVReader(file: file, schema: schema, columns: columns, options: options)
            return TextSplitReader(
                path: paths[index], file: file, read: { () throws(TidemillError) in try reader.next() },
                report: { reader.report })
        case .json(let written):
            var options = JSONReadOptions()
            options.dateFormat = written.dateFormat
            options.timestampFormat = written.timestampFormat
            options.timestampNTZFormat = written.timestampNTZFormat
            let reader = try JSONReader(file: file, schema: schema, columns: columns, options: options)
            return TextSplitReader(
                path: paths[index], file: file, read: { () throws(TidemillError) in try reader.next() },
                report: { reader.report })
        }
    }
}

/// A file that several readers share: closing it closes nothing, and it stays open while one of them lives.
private final class SharedFile: File, Sendable {
    private let file: any File
    private let owner: TextTableReader

    init(_ file: any File, owner: TextTableReader) {
        self.file = file
        self.owner = owner
    }
    var path: FilePath { file.path }
    func size() throws(TidemillError) -> Int64 { try file.size() }
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(TidemillError) -> Int {
        try file.read(into: buffer, at: offset)
    }
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(TidemillError) {
        throw TidemillError.internal("a stored file is only read")
    }
    func sync() throws(TidemillError) {}
    func truncate(to size: Int64) throws(TidemillError) {
        throw TidemillError.internal("a stored file is only read")
    }
    func close() {}
}
