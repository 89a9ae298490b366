import TideConnectors

/// A stored table as a relation that stands still.
final class StoredTableSource: StandingSource {
    let reader: TableReader
    let schema: Schema
    let description: String

    init(reader: TableReader, schema: Schema, name: String) {
        self.reader = reader
        self.schema = schema
        description = "ParquetTable[\(name)]"
    }

    func snapshot() throws(TidemillError) -> (version: [UInt8], splits: [SourceSplit]) {
        let splits = reader.splits.enumerated().map { index, split in
            SourceSplit(ordinal: index, name: reader.paths[split.file], bytes: Int64(split.rows), token: [])
        }
        var version = ByteWriter()
        version.i64(reader.epoch?.rawValue ?? -1)
        for path in reader.paths { version.string(path) }
        return (version.bytes, splits)
    }

    func open(_ split: SourceSplit, columns: [Int]) throws(TidemillError) -> any SplitReader {
        let group = reader.splits[split.ordinal]
        return try StoredColumns(columns, of: schema, in: reader.schema).reader(rows: group.rows) {
            (wanted) throws(TidemillError) in try reader.read(group, columns: wanted)
        }
    }
}

/// The columns that a scan asks for, found by name among those that a table has.
private struct StoredColumns {
    let positions: [Int]
    private let types: [DataType]

    init(_ columns: [Int], of schema: Schema, in stored: Schema) throws(TidemillError) {
        types = columns.map { schema[$0].type }
        positions = try columns.map { (column) throws(TidemillError) -> Int in
            guard let position = stored.index(of: schema[column].name) else {
                throw TidemillError(
                    .user, "TIDEMILL_TABLE_SCHEMA", "the stored table has no column \(schema[column].name)",
                    hint: "the query changed since the table was written: run the pipeline first")
            }
            return position
        }
    }

    /// - Parameter rows: how many there are; without columns they still count.
    func reader(
        rows: Int, _ read: (_ positions: [Int]) throws(TidemillError) -> [Batch]
    ) throws(TidemillError) -> BatchesReader {
        if positions.isEmpty { return BatchesReader([Batch(columns: [], count: rows)]) }
        return BatchesReader(
            try read(positions).map { batch in
                // Tables kept as text have the images of nested values in their hidden rows.
                let typed = zip(batch.columns, types).map { $1.isNested && $0.type == .binary ? $0.retyped($1) : $0 }
                return Batch(columns: typed, count: batch.count)
            })
    }
}

/// A stored table with what is committed and not published, as a relation that stands still.
final class CommittedTableSource: StandingSource {
    let table: CommittedTable
    let schema: Schema
    let description: String

    init(table: CommittedTable, schema: Schema, name: String) {
        self.table = table
        self.schema = schema
        description = "ParquetTable[\(name)]"
    }

    /// Of one query: nothing compares versions.
    func snapshot() throws(TidemillError) -> (version: [UInt8], splits: [SourceSplit]) {
        ([], table.names.enumerated().map { SourceSplit(ordinal: $0, name: $1, bytes: 0, token: []) })
    }

    func open(_ split: SourceSplit, columns: [Int]) throws(TidemillError) -> any SplitReader {
        let piece = split.ordinal
        return try StoredColumns(columns, of: schema, in: table.schema).reader(rows: table.rowCount(piece: piece)) {
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
            file: split.ordinal, columns: try StoredColumns(columns, of: schema, in: reader.schema).positions)
    }
}
