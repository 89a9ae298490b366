import TideParquet

/// Parquet files. Columns are found by name; a column that a file lacks is NULL, as in Spark.
struct ParquetFormat: FormatReader {
    func open(
        _ path: String, schema: Schema, columns: [Int], environment: Environment
    ) throws(TidemillError) -> any SplitReader {
        let reader = try ParquetReader(file: environment.files.open(FilePath(path), .read))
        return try ParquetSplitReader(path: path, reader: reader, fields: columns.map { schema[$0] })
    }

    /// From the newest file, as it is most likely to have every column.
    func inferSchema(_ paths: [String], environment: Environment) throws(TidemillError) -> Schema {
        let reader = try ParquetReader(file: environment.files.open(FilePath(paths[paths.count - 1]), .read))
        try reader.requireAllReadable()
        // What one file promises about NULLs, the next may not.
        return Schema(reader.schema.fields.map { Field($0.name, $0.type) })
    }
}

final class ParquetSplitReader: SplitReader {
    /// Rows per batch: a row group at once would be too much for the operators' caches.
    static let batchRowsMax = 16_384

    private let path: String
    private let reader: ParquetReader
    private let fields: [Field]
    /// For each field its column in the file; nil if the file has none.
    private let sources: [Int?]
    private var rowGroups: Range<Int>
    private var waiting: ArraySlice<Batch> = []
    private(set) var report = SplitReport()

    /// - Parameter rowGroups: nil: all.
    init(
        path: String, reader: ParquetReader, fields: [Field], rowGroups: Range<Int>? = nil
    ) throws(TidemillError) {
        self.rowGroups = rowGroups ?? reader.rowGroups.indices
        self.path = path
        self.reader = reader
        self.fields = fields
        var sources: [Int?] = []
        for field in fields {
            guard let index = reader.schema.index(of: field.name) else {
                // Columns that cannot be read throw here; absent ones are NULL.
                let wanted = field.name.lowercased()
                if reader.unreadable.contains(where: { $0.name.lowercased() == wanted }) {
                    _ = try reader.columns(named: [field.name])
                }
                guard field.nullable else { throw ParquetSplitReader.mismatch(field, "is missing", path) }
                sources.append(nil)
                continue
            }
            let stored = reader.schema[index].type
            guard stored.isReadable(as: field.type) else {
                throw ParquetSplitReader.mismatch(field, "is stored as \(stored.sql)", path)
            }
            sources.append(index)
        }
        self.sources = sources
    }

    private static func mismatch(_ field: Field, _ reason: String, _ path: String) -> TidemillError {
        TidemillError(
            .user, "PARQUET_COLUMN_DATA_TYPE_MISMATCH",
            "column \(field.name) of type \(field.type.sql) \(reason)", hint: "declare the column as the file has it",
            place: .file(path))
    }

    func next() throws(TidemillError) -> Batch? {
        while waiting.isEmpty {
            guard let rowGroup = rowGroups.first else { return nil }
            let present = sources.compactMap { $0 }
            let types = zip(fields, sources).compactMap { $1 == nil ? nil : $0.type }
            waiting = try reader.batches(
                rowGroup: rowGroup, columns: present, types: types, rowsMax: ParquetSplitReader.batchRowsMax)[...]
            rowGroups.removeFirst()
        }
        let stored = waiting.removeFirst()
        var columns: [Column] = []
        var at = 0
        for (field, source) in zip(fields, sources) {
            if source == nil {
                columns.append(Column(repeating: .null(field.type), count: stored.count))
            } else {
                columns.append(stored.columns[at])
                at += 1
            }
        }
        report.rows += stored.count
        return Batch(columns: columns, count: stored.count)
    }
}
