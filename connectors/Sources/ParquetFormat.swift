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
                // Nested or unknown columns throw here; absent ones are NULL.
                let wanted = field.name.lowercased()
                if reader.unreadable.contains(where: { $0.name.lowercased() == wanted }) {
                    _ = try reader.columns(named: [field.name])
                }
                guard field.nullable else { throw ParquetSplitReader.mismatch(field, "is missing", path) }
                sources.append(nil)
                continue
            }
            let stored = reader.schema[index].type
            guard ParquetSplitReader.converts(stored, to: field.type) else {
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

    /// Same memory under another name, or a widening that Spark's reader does too.
    private static func converts(_ stored: DataType, to wanted: DataType) -> Bool {
        if stored == wanted { return true }
        switch (stored, wanted) {
        case (.binary, .string), (.string, .binary): return true
        case (.tinyint, .smallint), (.tinyint, .int), (.smallint, .int): return true
        case (.tinyint, .bigint), (.smallint, .bigint), (.int, .bigint): return true
        case (.float, .double): return true
        // As Spark: the stored microseconds are taken as they are, whatever the session's time zone.
        case (.timestamp, .timestampNTZ), (.timestampNTZ, .timestamp): return true
        default: return false
        }
    }

    func next() throws(TidemillError) -> Batch? {
        while waiting.isEmpty {
            guard let rowGroup = rowGroups.first else { return nil }
            let present = sources.compactMap { $0 }
            waiting = try reader.batches(
                rowGroup: rowGroup, columns: present, rowsMax: ParquetSplitReader.batchRowsMax)[...]
            rowGroups.removeFirst()
        }
        let stored = waiting.removeFirst()
        var columns: [Column] = []
        var at = 0
        for (field, source) in zip(fields, sources) {
            if source == nil {
                columns.append(Column(repeating: .null(field.type), count: stored.count))
            } else {
                columns.append(ParquetSplitReader.convert(stored.columns[at], to: field.type))
                at += 1
            }
        }
        report.rows += stored.count
        return Batch(columns: columns, count: stored.count)
    }

    private static func convert(_ column: Column, to type: DataType) -> Column {
        if column.type == type { return column }
        if column.type.physical == type.physical { return column.retyped(type) }
        let buffer = Buffer(byteCount: column.count * 8)
        if type == .double {
            let source = column.pointer(Float.self)
            let target = buffer.pointer(Double.self)
            for i in 0..<column.count { target[i] = Double(source[i]) }
        } else {
            let source = column.pointer(Int32.self)
            let target = buffer.pointer(Int64.self)
            for i in 0..<column.count { target[i] = Int64(source[i]) }
        }
        return Column(type: type, count: column.count, values: buffer, validity: column.validity)
    }
}
