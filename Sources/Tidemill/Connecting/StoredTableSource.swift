import TideConnectors

/// A stored table as a relation that stands still.
final class StoredTableSource: StandingSource {
    let reader: TableReader
    let schema: Schema
    let description: String
    private let onlyGrows: Bool

    init(reader: TableReader, schema: Schema, name: String, onlyGrows: Bool) {
        self.reader = reader
        self.schema = schema
        self.onlyGrows = onlyGrows
        description = "ParquetTable[\(name)]"
    }

    func snapshot() throws(TidemillError) -> (version: [UInt8], splits: [SourceSplit]) {
        let splits = reader.splits.enumerated().map { index, split in
            SourceSplit(
                ordinal: index, name: reader.paths[split.file], bytes: Int64(split.rows), token: [], rowsBefore: nil)
        }
        var version = ByteWriter()
        version.i64(reader.epoch?.rawValue ?? -1)
        for path in reader.paths { version.string(path) }
        return (version.bytes, splits)
    }

    func open(_ split: SourceSplit, columns: [Int]) throws(TidemillError) -> any SplitReader {
        let group = reader.splits[split.ordinal]
        let columns = try StoredColumns(columns, of: schema, in: reader.schema, grows: onlyGrows)
        return try columns.reader(rows: group.rows) {
            (wanted) throws(TidemillError) in try reader.read(group, columns: wanted)
        }
    }
}

/// The columns that a scan asks for, found by name among those that a table has.
private struct StoredColumns {
    /// nil: a column that the query gave to a table that only grows after these rows were written, where it is NULL.
    private let positions: [Int?]
    private let types: [DataType]

    var stored: [Int] { positions.compactMap { $0 } }

    /// - Parameter grows: whether the stored rows may lack nullable columns at the end.
    init(_ columns: [Int], of schema: Schema, in stored: Schema, grows: Bool) throws(TidemillError) {
        types = columns.map { schema[$0].type }
        positions = try columns.map { (column) throws(TidemillError) -> Int? in
            if let position = stored.index(of: schema[column].name) { return position }
            if grows, column >= stored.count, schema[column].nullable { return nil }
            throw TidemillError(
                .user, "TIDEMILL_TABLE_SCHEMA", "the stored table has no column \(schema[column].name)",
                hint: "the query changed since the table was written: run the pipeline first")
        }
    }

    /// - Parameter rows: how many there are; without columns they still count.
    func reader(
        rows: Int, _ read: (_ positions: [Int]) throws(TidemillError) -> [Batch]
    ) throws(TidemillError) -> BatchesReader {
        if stored.isEmpty { return BatchesReader([complete(Batch(columns: [], count: rows))]) }
        return BatchesReader(try read(stored).map(complete))
    }

    private func complete(_ batch: Batch) -> Batch {
        var columns: [Column] = []
        var next = 0
        for (position, type) in zip(positions, types) {
            guard position != nil else {
                columns.append(Column(repeating: .null(type), count: batch.count))
                continue
            }
            let column = batch.columns[next]
            next += 1
            // Tables kept as text have the images of nested values in their hidden rows.
            columns.append(type.isNested && column.type == .binary ? column.retyped(type) : column)
        }
        return Batch(columns: columns, count: batch.count)
    }
}

/// A stored table with what is committed and not published, as a relation that stands still.
final class CommittedTableSource: StandingSource {
    let table: CommittedTable
    let schema: Schema
    let description: String
    private let onlyGrows: Bool

    init(table: CommittedTable, schema: Schema, name: String, onlyGrows: Bool) {
        self.table = table
        self.schema = schema
        self.onlyGrows = onlyGrows
        description = "ParquetTable[\(name)]"
    }

    /// Of one query: nothing compares versions.
    func snapshot() throws(TidemillError) -> (version: [UInt8], splits: [SourceSplit]) {
        ([], table.names.enumerated().map { SourceSplit(ordinal: $0, name: $1, bytes: 0, token: []) })
    }

    func open(_ split: SourceSplit, columns: [Int]) throws(TidemillError) -> any SplitReader {
        let piece = split.ordinal
        let columns = try StoredColumns(columns, of: schema, in: table.schema, grows: onlyGrows)
        return try columns.reader(rows: table.rowCount(piece: piece)) {
            (wanted) throws(TidemillError) in try table.read(piece: piece, columns: wanted)
        }
    }
}

/// A CSV or JSON table of ours as a relation that stands still.
final class StoredTextSource: StandingSource {
    let reader: TextTableReader
    let schema: Schema
    let description: String

    init(reader: TextTableReader, schema: Schema, name: String) {
        self.reader = reader
        self.schema = schema
        description = "TextTable[\(name)]"
    }

    func snapshot() throws(TidemillError) -> (version: [UInt8], splits: [SourceSplit]) {
        let splits = reader.paths.enumerated().map { index, path in
            SourceSplit(ordinal: index, name: path, bytes: reader.fileBytes[index], token: [])
        }
        var version = ByteWriter()
        version.i64(reader.epoch?.rawValue ?? -1)
        for path in reader.paths { version.string(path) }
        return (version.bytes, splits)
    }

    func open(_ split: SourceSplit, columns: [Int]) throws(TidemillError) -> any SplitReader {
        try reader.open(
            file: split.ordinal,
            columns: try StoredColumns(columns, of: schema, in: reader.schema, grows: false).stored)
    }
}
