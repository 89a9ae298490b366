import TideColumns

/// Writes a run. Rows come ordered by the hash in column 0, in batches of any size; they are cut into blocks of about
/// `RunFormat.blockBytesTarget` plain bytes. Memory: one block, 10 bits per expected row for the bloom filter, and 32
/// bytes per block for the index.
///
/// The caller makes the name durable (`syncDirectory`); `finish` makes the bytes durable.
public final class RunWriter {
    /// What the manifest records about a finished run.
    public struct Summary: Sendable, Hashable {
        public var rows: Int64
        public var bytes: Int64
        public var footerCRC: UInt32
    }

    private let file: any File
    private let compression: BlockCompression
    private var pending: RowAssembler
    private var footer: RunFooter
    private var blocks: [RunBlock] = []
    private var bloom: BloomFilter
    private var distinctHashes = 0
    private var previousHash: UInt64 = 0
    private var buffer: [UInt8]
    private var written: Int64 = 0
    private static let bufferBytes = 256 << 10

    /// - Parameters:
    ///   - types: of the columns; the first is the hash, a bigint.
    ///   - expectedRows: how many rows will come at most; with more the bloom filter errs more often.
    public init(
        file: any File, types: [DataType], compression: BlockCompression, expectedRows: Int = 1 << 16
    ) throws(TidemillError) {
        guard types.first == .bigint else { throw .internal("a run's first column is not a hash") }
        bloom = BloomFilter(expecting: expectedRows)
        self.file = file
        self.compression = compression
        pending = RowAssembler(types: types)
        footer = RunFooter(types: types)
        buffer = RunFormat.header()
    }

    public func append(_ batch: Batch) throws(TidemillError) {
        guard batch.columns.map(\.type) == pending.types, batch.weights == nil, let hash = batch.columns.first,
            hash.validity == nil
        else { throw .internal("a batch does not fit the run") }
        if batch.count == 0 { return }
        let values = hash.pointer(UInt64.self)
        for row in 0..<batch.count {
            let value = values[row]
            guard value >= previousHash else { throw .internal("rows of a run are not ordered by hash") }
            if value != previousHash || distinctHashes == 0 {
                bloom.insert(value)
                distinctHashes += 1
            }
            previousHash = value
        }
        var start = 0
        while start < batch.count {
            let end = start + pending.rowsThatFit(batch, from: start, target: RunFormat.blockBytesTarget)
            pending.append(batch, start..<end)
            start = end
            if pending.byteCount >= RunFormat.blockBytesTarget || start < batch.count { try flushBlock() }
        }
    }

    private func flushBlock() throws(TidemillError) {
        guard pending.rows > 0 else { return }
        let batch = pending.finish()
        let values = batch.columns[0].pointer(UInt64.self)
        let block = try BlockCodec.encode(batch, compression: compression)
        blocks.append(
            RunBlock(
                firstHash: values[0], lastHash: values[batch.count - 1], offset: written + Int64(buffer.count),
                length: UInt32(block.count), rows: UInt32(batch.count)))
        footer.rows += Int64(batch.count)
        try append(bytes: block)
    }

    private func append(bytes: [UInt8]) throws(TidemillError) {
        buffer += bytes
        if buffer.count >= RunWriter.bufferBytes { try flushBuffer() }
    }
    private func flushBuffer() throws(TidemillError) {
        try file.write(buffer, at: written)
        written += Int64(buffer.count)
        buffer.removeAll(keepingCapacity: true)
    }
    private func section(_ bytes: [UInt8]) throws(TidemillError) -> RunFooter.Section {
        guard let length = UInt32(exactly: bytes.count) else {
            throw TidemillError(.limit, "TIDEMILL_RUN_TOO_LARGE", "a run has too many rows: \(footer.rows)")
        }
        let section = RunFooter.Section(
            offset: written + Int64(buffer.count), length: length, crc: CRC32C.checksum(bytes))
        try append(bytes: bytes)
        return section
    }

    /// Writes what is left, the index, the bloom filter and the footer, and syncs the file.
    public func finish() throws(TidemillError) -> Summary {
        try flushBlock()
        footer.firstHash = blocks.first?.firstHash ?? 0
        footer.lastHash = blocks.last?.lastHash ?? 0
        var index = ByteWriter(capacity: blocks.count * RunFormat.indexEntryBytes)
        for block in blocks {
            index.u64(block.firstHash)
            index.u64(block.lastHash)
            index.i64(block.offset)
            index.u32(block.length)
            index.u32(block.rows)
        }
        footer.index = try section(index.bytes)
        bloom.shrink(to: distinctHashes)
        footer.bloom = try section(bloom.bytes)
        let bytes = footer.encode()
        let crc = CRC32C.checksum(bytes)
        var end = ByteWriter()
        end.u32(UInt32(bytes.count))
        end.u32(crc)
        end.u64(RunFormat.magic)
        end.u32(CRC32C.checksum(end.bytes))
        try append(bytes: bytes + end.bytes)
        try flushBuffer()
        try file.sync()
        return Summary(rows: footer.rows, bytes: written, footerCRC: crc)
    }
}
