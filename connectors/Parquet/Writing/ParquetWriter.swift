import TideColumns

public struct ParquetWriterOptions: Sendable {
    public var compression: ParquetCompression = .zstd(level: 1)
    /// Rows per row group, the last one aside.
    public var rowGroupRowsMax = 131_072
    /// A row group also ends when the values waiting for it pass this.
    public var rowGroupBytesMax = 256 << 20
    /// Uncompressed bytes at which a page ends.
    public var pageBytesTarget = 1 << 20
    /// Try dictionaries.
    public var dictionary = true
    /// CRC-32 per page.
    public var pageChecksums = true
    public var keyValueMetadata: [(String, String)] = []

    public init() {}
}

/// What a finished file holds, as its footer says it too.
public struct ParquetSummary: Sendable {
    public var rowCount: Int
    /// Size of the file.
    public var byteCount: Int64
    public var rowGroups: [ParquetRowGroup]
}

/// Writes a Parquet file from its first byte to its last, in large sequential writes. It does not sync; whoever owns
/// the file does. Rows wait (as the batches they came in) until a row group is full, and are encoded then.
///
/// One thread at a time. After an error the file is incomplete and must be discarded.
public final class ParquetWriter {
    public let schema: Schema
    private let file: any File
    private let options: ParquetWriterOptions
    /// Per column.
    private let shapes: [ColumnShape]
    private let elements: [SchemaElement]
    private let compressor: PageCompressor
    private let page = OutputBytes()
    private let packed = OutputBytes()
    /// Bytes not yet given to the file; `fileOffset` is where they go.
    private let out = OutputBytes(capacity: 1 << 16)
    private var fileOffset: Int64 = 0
    private var waiting: [(batch: Batch, start: Int, count: Int)] = []
    private var waitingRows = 0
    private var waitingBytes = 0
    private var groups: [RowGroupMetadata] = []
    private var summary: [ParquetRowGroup] = []
    private var isFinished = false

    /// `file` must be empty.
    public init(
        file: any File, schema: Schema, options: ParquetWriterOptions = ParquetWriterOptions()
    ) throws(TidemillError) {
        precondition(options.rowGroupRowsMax > 0 && options.pageBytesTarget > 0)
        var shapes: [ColumnShape] = []
        var elements: [SchemaElement] = []
        for field in schema.fields {
            guard let written = ColumnShape.forWriting(field) else {
                throw .unsupported(
                    "column \(field.name) has type \(field.type.sql), which Parquet files cannot store",
                    hint: "cast it to a type", place: .file(file.path.string))
            }
            shapes.append(written.shape)
            elements += written.elements
        }
        self.file = file
        self.schema = schema
        self.options = options
        self.shapes = shapes
        self.elements = elements
        compressor = PageCompressor(options.compression)
        out.append(Array("PAR1".utf8))
    }

    /// Adds rows; the columns must have the schema's types. Weights have no place in a file.
    public func append(_ batch: Batch) throws(TidemillError) {
        precondition(!isFinished && batch.weights == nil)
        precondition(batch.columns.count == schema.count)
        precondition(zip(batch.columns, schema.fields).allSatisfy { $0.type == $1.type })
        var start = 0
        while start < batch.count {
            let count = min(batch.count - start, options.rowGroupRowsMax - waitingRows)
            waiting.append((batch: batch, start: start, count: count))
            waitingRows += count
            waitingBytes += batch.valueBytes(start, count)
            start += count
            if waitingRows == options.rowGroupRowsMax || waitingBytes >= options.rowGroupBytesMax {
                try flushRowGroup()
            }
        }
    }

    private func flushRowGroup() throws(TidemillError) {
        if waitingRows == 0 { return }
        var group = RowGroupMetadata(rowCount: Int64(waitingRows))
        var described = ParquetRowGroup(rowCount: waitingRows, byteCount: 0, columns: [])
        for index in schema.fields.indices {
            let segments = waiting.map {
                ColumnSegment(column: $0.batch.columns[index], start: $0.start, count: $0.count)
            }
            if shapes[index].isFlat {
                let statistics = try append(&group, index, leaf: 0) { encoder, fileOffset throws(TidemillError) in
                    try encoder.encode(segments, to: out, fileOffset: fileOffset)
                }
                described.columns.append(statistics)
            } else {
                described.columns.append(try appendNested(&group, index, segments))
            }
            described.byteCount += described.columns[index].byteCount
        }
        waiting.removeAll()
        waitingRows = 0
        waitingBytes = 0
        groups.append(group)
        summary.append(described)
        try writeOut()
    }

    /// Encodes one leaf behind what waits to be written.
    private func append(
        _ group: inout RowGroupMetadata, _ column: Int, leaf: Int,
        _ encode: (ColumnChunkEncoder, Int64) throws(TidemillError) -> (ColumnChunk, ParquetColumnStatistics)
    ) throws(TidemillError) -> ParquetColumnStatistics {
        let encoder = ColumnChunkEncoder(
            field: schema[column], path: shapes[column].paths[leaf], leaf: shapes[column].leaves[leaf].type,
            options: options, compressor: compressor, page: page, packed: packed)
        let start = out.count
        var (chunk, statistics) = try encode(encoder, fileOffset)
        chunk.checksum = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: out.bytes[start...]))
        group.columns.append(chunk)
        group.totalBytes += chunk.metadata?.uncompressedBytes ?? 0
        if out.count >= 8 << 20 { try writeOut() }
        return statistics
    }

    private func appendNested(
        _ group: inout RowGroupMetadata, _ column: Int, _ segments: [ColumnSegment]
    ) throws(TidemillError) -> ParquetColumnStatistics {
        var shredder = NestedShredder(shapes[column])
        for segment in segments { shredder.append(segment) }
        guard schema[column].nullable || shredder.nullCount == 0 else {
            throw ColumnChunkEncoder.missing(schema[column])
        }
        var bytes: Int64 = 0
        for (index, leaf) in shredder.leaves.enumerated() {
            let values = leaf.values.finish()
            let dense = try DenseColumn(
                [ColumnSegment(column: values, start: 0, count: values.count)], shapes[column].leaves[index].type)
            let statistics = try append(&group, column, leaf: index) { encoder, fileOffset throws(TidemillError) in
                try encoder.encode(dense, levels: leaf.levels, to: out, fileOffset: fileOffset)
            }
            bytes += statistics.byteCount
        }
        return ParquetColumnStatistics(min: nil, max: nil, nullCount: nil, byteCount: bytes)
    }

    private func writeOut() throws(TidemillError) {
        if out.count == 0 { return }
        try file.write(out.bytes, at: fileOffset)
        fileOffset += Int64(out.count)
        out.removeAll()
    }

    /// Whether `copyRowGroup` can take row groups of this file: the same names, types and storage, in the same order.
    public func canCopyRowGroups(from reader: ParquetReader) -> Bool {
        guard reader.unreadable.isEmpty, reader.schema.count == schema.count else { return false }
        return schema.fields.indices.allSatisfy { index in
            let (stored, field) = (reader.schema[index], schema[index])
            return stored.name == field.name && stored.nullable == field.nullable
                && reader.columns[index].shape.storesLike(shapes[index])
        }
    }

    /// Copies a row group as stored, without decoding it: pages keep their compression and checksums, statistics and
    /// bloom filters come along, offsets are moved. Page indexes are dropped; they are optional.
    ///
    /// Rows appended before come first, as a row group of their own. Returns what was copied.
    @discardableResult
    public func copyRowGroup(_ index: Int, from reader: ParquetReader) throws(TidemillError) -> ParquetRowGroup {
        precondition(!isFinished)
        guard canCopyRowGroups(from: reader) else {
            throw .unsupported(
                "row groups of a file with another schema cannot be copied", place: .file(reader.file.path.string))
        }
        try flushRowGroup()
        let source = reader.metadata.rowGroups[index]
        let paths = shapes.flatMap(\.paths)
        var group = RowGroupMetadata(totalBytes: source.totalBytes, rowCount: source.rowCount)
        for (column, chunk) in source.columns.enumerated() {
            guard var info = chunk.metadata, !chunk.isEncrypted, chunk.filePath == nil else {
                throw .unsupported(
                    "column \(paths[column].joined(separator: ".")) is not stored in the file itself",
                    place: .file(reader.file.path.string))
            }
            info.path = paths[column]
            let bytes = try reader.readChunk(chunk, info)
            let shift = fileOffset + Int64(out.count) - info.startOffset
            out.append(bytes.bytes)
            // Old files state a dictionary page at 0 when there is none.
            let hasDictionary = info.startOffset != info.dataPageOffset
            info.dictionaryPageOffset = hasDictionary ? info.startOffset + shift : nil
            info.dataPageOffset += shift
            if !(column < reader.metadata.hasTypeOrder.count && reader.metadata.hasTypeOrder[column]) {
                // Bounds in an order that was not declared would become declared here.
                info.statistics?.min = nil
                info.statistics?.max = nil
                info.statistics?.isMinExact = nil
                info.statistics?.isMaxExact = nil
            }
            try copyBloomFilter(of: &info, from: reader)
            group.columns.append(
                ColumnChunk(metadata: info, checksum: chunk.checksum ?? CRC32C.checksum(bytes.bytes)))
            if out.count >= 8 << 20 { try writeOut() }
        }
        groups.append(group)
        summary.append(reader.rowGroups[index])
        try writeOut()
        return reader.rowGroups[index]
    }

    /// A bloom filter's position is written anew; one without a stated length is left behind.
    private func copyBloomFilter(of info: inout ColumnMetadata, from reader: ParquetReader) throws(TidemillError) {
        let offset = info.bloomFilterOffset
        let length = info.bloomFilterLength
        info.bloomFilterOffset = nil
        info.bloomFilterLength = nil
        guard let offset, let length, offset > 0, length > 0 else { return }
        let bytes = try reader.file.bytes(at: offset, count: Int(length))
        info.bloomFilterOffset = fileOffset + Int64(out.count)
        info.bloomFilterLength = length
        out.append(bytes)
    }

    /// Writes what waits and the footer. The writer is of no use afterwards.
    public func finish() throws(TidemillError) -> ParquetSummary {
        precondition(!isFinished)
        try flushRowGroup()
        isFinished = true
        let rows = groups.reduce(Int64(0)) { $0 + $1.rowCount }
        var footer = FileMetadata(rowCount: rows)
        footer.schema = [SchemaElement(name: "spark_schema", childCount: Int32(schema.count))] + elements
        footer.rowGroups = groups
        footer.keyValues = options.keyValueMetadata.map { ($0.0, $0.1) }
        footer.createdBy = FileChecksums.creator
        footer.hasTypeOrder = shapes.flatMap { $0.leaves.map { _ in true } }
        let bytes = FileChecksums.seal(&footer)
        out.append(bytes)
        out.append(littleEndian: UInt32(bytes.count))
        out.append(Array("PAR1".utf8))
        try writeOut()
        return ParquetSummary(rowCount: Int(rows), byteCount: fileOffset, rowGroups: summary)
    }
}

extension Batch {
    /// Bytes of the values in these rows, long strings included.
    fileprivate func valueBytes(_ start: Int, _ count: Int) -> Int {
        var total = 0
        for column in columns {
            let physical = column.type.physical
            total += physical.width * count
            guard physical == .view, column.heap.byteCount > 0 else { continue }
            let views = column.views + start
            for i in 0..<count { total &+= views[i].length }
        }
        return total
    }
}
