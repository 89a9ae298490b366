import TideParquet

/// Writes one Parquet file of a table.
final class DataFileWriter: DataFileWriting {
    let name: String
    private let file: any File
    private let writer: ParquetWriter
    private let schema: Schema
    private let rowGroupRowsTiny: Int
    private(set) var rows = 0
    private(set) var rowGroupsCopied = 0

    init(name: String, file: any File, schema: Schema, options: TableOptions) throws(TidemillError) {
        self.name = name
        self.file = file
        self.schema = schema
        rowGroupRowsTiny = options.rowGroupRowsTiny
        var format = ParquetWriterOptions()
        format.rowGroupRowsMax = options.rowGroupRows
        writer = try ParquetWriter(file: file, schema: schema, options: format)
    }

    /// Bytes written so far; rows that wait for their row group are not in it.
    func byteCount() throws(TidemillError) -> Int64 { try file.size() }

    func append(_ batch: Batch) throws(TidemillError) {
        if batch.count == 0 { return }
        try writer.append(Batch(columns: batch.columns, count: batch.count))
        rows += batch.count
    }

    /// A row group of another file of the table, as raw bytes; a tiny one is decoded, so that row groups grow, and so
    /// is one from before the table got its last columns.
    func copy(rowGroup: Int, of reader: ParquetReader) throws(TidemillError) {
        let count = reader.rowGroups[rowGroup].rowCount
        if count < rowGroupRowsTiny || !writer.canCopyRowGroups(from: reader) {
            let columns = Array(0..<reader.schema.count)
            let batch = try reader.read(
                rowGroup: rowGroup, columns: columns, types: columns.map { schema[$0].type })
            let missing = schema.fields.dropFirst(batch.columns.count)
            let padding = missing.map { Column(repeating: .null($0.type), count: batch.count) }
            try append(Batch(columns: batch.columns + padding, count: batch.count))
        } else {
            try writer.copyRowGroup(rowGroup, from: reader)
            rows += count
            rowGroupsCopied += 1
        }
    }

    func append(contentsOf other: any File) throws(TidemillError) {
        let reader = try ParquetReader(file: other)
        for group in reader.rowGroups.indices { try copy(rowGroup: group, of: reader) }
    }

    /// All row groups of a file that was just encoded, whatever their size.
    func copyEncoded(_ reader: ParquetReader) throws(TidemillError) {
        for group in reader.rowGroups.indices { try writer.copyRowGroup(group, from: reader) }
        rows += reader.rowCount
    }

    /// Ends the file and makes its bytes durable. Its name is durable after its directory is synced.
    func finish() throws(TidemillError) -> DataFile {
        let summary = try writer.finish()
        try file.sync()
        return DataFile(
            name: name, rows: rows, bytes: summary.byteCount, rowGroups: summary.rowGroups.count, ranges: [],
            hasBloom: false)
    }
    func close() { file.close() }
}

extension FileSystem {
    /// Writes a Parquet file durably; closes it in every case.
    func writeDataFile(
        _ name: String, in directory: FilePath, schema: Schema, options: TableOptions,
        _ fill: (DataFileWriter) throws(TidemillError) -> Void
    ) throws(TidemillError) -> DataFile {
        let file = try open(directory.appending(name), .createNew)
        defer { file.close() }
        let writer = try DataFileWriter(name: name, file: file, schema: schema, options: options)
        try fill(writer)
        return try writer.finish()
    }

    /// Writes the rows of several files of a table, in their order, as one.
    /// - Returns: the file, and how many row groups were copied as they are.
    func writeMergedFile(
        _ name: String, of inputs: [DataFile], in directory: FilePath, schema: Schema, options: TableOptions
    ) throws(TidemillError) -> (file: DataFile, copied: Int) {
        let file = try open(directory.appending(name), .createNew)
        defer { file.close() }
        let writer = try options.format.writer(name: name, file: file, schema: schema, options: options)
        for input in inputs {
            let source = try open(directory.appending(input.name), .read)
            defer { source.close() }
            try writer.append(contentsOf: source)
        }
        var merged = try writer.finish()
        merged.rows = inputs.reduce(0) { $0 + $1.rows }
        return (merged, (writer as? DataFileWriter)?.rowGroupsCopied ?? 0)
    }
}
