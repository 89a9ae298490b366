@_exported import TideColumns

/// What a row group says about one of its columns. `min` and `max` are bounds: no value is smaller or larger, but a
/// long string may be shortened, so they need not occur. For float and double they say nothing about NaN (writers may
/// leave it out), which Spark orders above every number; Tidemill's own files have no bounds where a NaN occurs.
public struct ParquetColumnStatistics: Hashable, Sendable {
    /// nil: unknown.
    public var min: Scalar?
    public var max: Scalar?
    public var nullCount: Int?
    /// Bytes stored in the file.
    public var byteCount: Int64

    public init(min: Scalar?, max: Scalar?, nullCount: Int?, byteCount: Int64) {
        self.min = min
        self.max = max
        self.nullCount = nullCount
        self.byteCount = byteCount
    }
}

public struct ParquetRowGroup: Hashable, Sendable {
    public var rowCount: Int
    /// Bytes stored in the file.
    public var byteCount: Int64
    /// One per column of the schema.
    public var columns: [ParquetColumnStatistics]
}

/// A column of the file that Tidemill does not read.
public struct UnreadableColumn: Hashable, Sendable {
    public var name: String
    public var reason: String
}

/// Reads a Parquet file: the footer at init, column chunks on demand. Immutable after init, so any number of threads
/// may read row groups at once. Errors: `.corruption` with the offset, `.unsupported`, `.io`.
public final class ParquetReader: Sendable {
    /// The columns that can be read, in file order; the others are in `unreadable`.
    public let schema: Schema
    public let unreadable: [UnreadableColumn]
    public let rowCount: Int
    public let rowGroups: [ParquetRowGroup]
    public let keyValueMetadata: [(key: String, value: String?)]
    public let createdBy: String?

    let file: any File
    let fileSize: Int64
    let metadata: FileMetadata
    /// Per column of `schema`.
    let columns: [FileColumns.Column]

    /// More rows in one row group than any writer makes; protects against footers that lie.
    static let rowGroupRowsMax: Int64 = 1 << 26

    public init(file: any File) throws(TidemillError) {
        let name = file.path.string
        let size = try file.size()
        let metadata = try FileMetadata.read(file, size: size)
        let tree = try FileColumns(metadata.schema, file: name)
        var total: Int64 = 0
        for group in metadata.rowGroups {
            guard group.columns.count == tree.leafCount else {
                throw .corruptParquet(
                    "row group has \(group.columns.count) columns, the schema \(tree.leafCount)", file: name)
            }
            let (sum, overflow) = total.addingReportingOverflow(group.rowCount)
            guard !overflow else { throw .corruptParquet("impossible row counts", file: name) }
            total = sum
        }
        self.file = file
        fileSize = size
        self.metadata = metadata
        schema = Schema(tree.columns.map(\.field))
        columns = tree.columns
        unreadable = tree.unreadable
        rowCount = Int(total)
        rowGroups = metadata.rowGroups.map { group in
            ParquetRowGroup(
                rowCount: Int(group.rowCount),
                byteCount: group.columns.reduce(0) { $0 &+ ($1.metadata?.compressedBytes ?? 0) },
                columns: tree.columns.map { ParquetColumnStatistics($0, metadata, group) })
        }
        keyValueMetadata = metadata.keyValues.map { (key: $0.0, value: $0.1) }
        createdBy = metadata.createdBy
    }

    /// Positions of these columns in `schema`, compared without case. An error names the first that is missing or
    /// cannot be read.
    public func columns(named names: [String]) throws(TidemillError) -> [Int] {
        var result: [Int] = []
        for name in names {
            if let index = schema.index(of: name) {
                result.append(index)
                continue
            }
            let wanted = name.lowercased()
            if let column = unreadable.first(where: { $0.name.lowercased() == wanted }) { throw refusal(of: column) }
            throw TidemillError(
                .user, "UNRESOLVED_COLUMN", "the file has no column \(name)", place: .file(file.path.string))
        }
        return result
    }

    /// Throws if any column of the file cannot be read.
    public func requireAllReadable() throws(TidemillError) {
        if let column = unreadable.first { throw refusal(of: column) }
    }

    private func refusal(of column: UnreadableColumn) -> TidemillError {
        .unsupported(
            "column \(column.name) of the Parquet file has \(column.reason)",
            hint: "leave the column out of the table's schema", place: .file(file.path.string))
    }

    /// One row group, with these columns of `schema` in this order.
    /// - Parameter types: what the columns are read as, each `isReadable(as:)`; nil: as the schema has them.
    public func read(rowGroup: Int, columns: [Int], types: [DataType]? = nil) throws(TidemillError) -> Batch {
        precondition(types == nil || types?.count == columns.count)
        let count = try checkedRowCount(rowGroup)
        var result: [Column] = []
        result.reserveCapacity(columns.count)
        for (place, column) in columns.enumerated() {
            let type = types?[place] ?? schema[column].type
            result.append(
                self.columns[column].shape.isFlat
                    ? try readColumn(column, rowGroup: rowGroup, rowCount: count).widened(to: type)
                    : try readNested(column, as: type, rowGroup: rowGroup, rowCount: count))
        }
        return Batch(columns: result, count: count)
    }

    /// The same in batches of at most `rowsMax` rows.
    public func batches(
        rowGroup: Int, columns: [Int], types: [DataType]? = nil, rowsMax: Int
    ) throws(TidemillError) -> [Batch] {
        precondition(rowsMax > 0)
        let whole = try read(rowGroup: rowGroup, columns: columns, types: types)
        if whole.count <= rowsMax { return [whole] }
        return stride(from: 0, to: whole.count, by: rowsMax).map { start in
            let count = min(rowsMax, whole.count - start)
            return Batch(columns: whole.columns.map { $0.copyingRows(start, count) }, count: count)
        }
    }

    private func checkedRowCount(_ rowGroup: Int) throws(TidemillError) -> Int {
        precondition(rowGroup >= 0 && rowGroup < metadata.rowGroups.count)
        let rows = metadata.rowGroups[rowGroup].rowCount
        guard rows <= ParquetReader.rowGroupRowsMax else {
            throw TidemillError(
                .limit, "TIDEMILL_ROW_GROUP_TOO_LARGE",
                "row group has \(rows) rows, at most \(ParquetReader.rowGroupRowsMax) are read at once",
                place: .file(file.path.string))
        }
        return Int(rows)
    }

    private func readColumn(_ column: Int, rowGroup: Int, rowCount: Int) throws(TidemillError) -> Column {
        let leaf = columns[column].shape.leaves[0].type
        let field = schema[column]
        let chunk = metadata.rowGroups[rowGroup].columns[columns[column].firstLeaf]
        let (info, codec) = try checked(chunk, field, leaf)
        if rowCount == 0 { return Column(leaf.type, []) }
        var decoder = ColumnChunkDecoder(
            leaf: leaf, optional: field.nullable, codec: codec, rowCount: rowCount, file: file.path.string)
        try decode(chunk, info, valueCount: rowCount, into: &decoder)
        return try decoder.finish()
    }

    private func readNested(
        _ column: Int, as type: DataType, rowGroup: Int, rowCount: Int
    ) throws(TidemillError) -> Column {
        let shape = columns[column].shape
        guard let plan = NestedPlan(shape, as: type) else {
            preconditionFailure("\(schema[column].type.sql) is not readable as \(type.sql)")
        }
        var leaves: [DecodedLeaf] = []
        for leaf in plan.leaves {
            let chunk = metadata.rowGroups[rowGroup].columns[columns[column].firstLeaf + leaf.index]
            let (info, codec) = try checked(chunk, schema[column], shape.leaves[leaf.index].type)
            if rowCount == 0 { continue }
            guard info.valueCount >= Int64(rowCount), info.valueCount <= ParquetReader.rowGroupRowsMax else {
                throw .corruptParquet(
                    "column \(schema[column].name) has \(info.valueCount) entries in \(rowCount) rows",
                    file: file.path.string)
            }
            var decoder = ColumnChunkDecoder(
                leaf: shape.leaves[leaf.index], codec: codec, entryCount: Int(info.valueCount),
                file: file.path.string)
            try decode(chunk, info, valueCount: Int(info.valueCount), into: &decoder)
            leaves.append(try decoder.finishLeaf())
        }
        if rowCount == 0 { return Column(type, []) }
        return try NestedAssembler(plan, leaves, file: file.path.string).assemble(rowCount: rowCount)
    }

    private func decode(
        _ chunk: ColumnChunk, _ info: ColumnMetadata, valueCount: Int, into decoder: inout ColumnChunkDecoder
    ) throws(TidemillError) {
        // parquet-mr 1.2 left the dictionary page's header out of the size (PARQUET-816).
        let bytes = try readChunk(chunk, info, extraBytesMax: chunk.checksum == nil ? 100 : 0)
        for page in try pageList(bytes, info, valueCount: valueCount) {
            let body = UnsafeRawBufferPointer(start: bytes.base + page.start, count: Int(page.header.compressedBytes))
            try decoder.decode(
                page.header, body, at: info.startOffset + Int64(page.start), isChecked: chunk.checksum != nil)
        }
        withExtendedLifetime(bytes) {}
    }

    private func checked(
        _ chunk: ColumnChunk, _ field: Field, _ leaf: LeafType
    ) throws(TidemillError) -> (ColumnMetadata, Codec) {
        let place = ErrorPlace.file(file.path.string)
        guard !chunk.isEncrypted else { throw .unsupported("column \(field.name) is encrypted", place: place) }
        guard chunk.filePath == nil else {
            throw .unsupported("column \(field.name) lies in another file", place: place)
        }
        guard let info = chunk.metadata else {
            throw .corruptParquet("column \(field.name) has no metadata", file: file.path.string)
        }
        guard info.kind == leaf.kind.rawValue else {
            throw .corruptParquet("column \(field.name) is stored as another type", file: file.path.string)
        }
        guard let codec = Codec(rawValue: info.codec) else {
            throw .corruptParquet("unknown codec \(info.codec)", file: file.path.string)
        }
        guard codec != .brotli, codec != .lzo else {
            throw .unsupported("column \(field.name) is compressed with \(codec)", place: place)
        }
        return (info, codec)
    }

    /// The chunk's bytes as stored, compared with their checksum, and at most `extraBytesMax` that follow.
    func readChunk(
        _ chunk: ColumnChunk, _ info: ColumnMetadata, extraBytesMax: Int64 = 0
    ) throws(TidemillError) -> Buffer {
        let start = info.startOffset
        guard start >= 4, info.compressedBytes >= 0, start <= fileSize, info.compressedBytes <= fileSize - start else {
            throw .corruptParquet(
                "column chunk of \(info.compressedBytes) bytes at \(start) is outside the file",
                file: file.path.string)
        }
        let extra = min(extraBytesMax, fileSize - start - info.compressedBytes)
        let buffer = Buffer(byteCount: Int(info.compressedBytes + extra))
        let target = UnsafeMutableRawBufferPointer(start: buffer.base, count: buffer.byteCount)
        guard try file.read(into: target, at: start) == buffer.byteCount else {
            throw .corruptParquet("column chunk ends early", file: file.path.string, offset: start)
        }
        if let checksum = chunk.checksum, extra == 0, CRC32C.checksum(buffer.bytes) != checksum {
            throw .corruptParquet("checksum of a column chunk does not match", file: file.path.string, offset: start)
        }
        return buffer
    }

    /// Walks the page headers, so that memory for rows is taken only if the pages claim that many.
    private func pageList(
        _ bytes: Buffer, _ info: ColumnMetadata, valueCount: Int
    ) throws(TidemillError) -> [(header: PageHeader, start: Int)] {
        var pages: [(header: PageHeader, start: Int)] = []
        var position = 0
        var values = 0
        while position < bytes.byteCount && (values < valueCount || pages.isEmpty) {
            var reader = ThriftReader(
                UnsafeRawPointer(bytes.base), count: bytes.byteCount, position: position, file: file.path.string,
                fileOffset: info.startOffset)
            let header = try PageHeader.decode(&reader)
            guard Int(header.compressedBytes) <= reader.remaining else {
                throw reader.corruption("page of \(header.compressedBytes) bytes, \(reader.remaining) left")
            }
            pages.append((header: header, start: reader.position))
            position = reader.position + Int(header.compressedBytes)
            if header.kind == .data || header.kind == .dataV2 { values += Int(header.valueCount) }
        }
        guard values == valueCount else {
            throw .corruptParquet(
                "pages have \(values) values where \(valueCount) belong", file: file.path.string,
                offset: info.startOffset)
        }
        return pages
    }
}
