import Synchronization
import TideColumns

/// An open run. Opening reads the header, footer and block index; blocks and the bloom filter are read when asked for.
/// May be used from any thread.
public final class RunReader: Sendable {
    public let path: FilePath
    public let blocks: [RunBlock]
    public var types: [DataType] { footer.types }
    public var rows: Int64 { footer.rows }
    /// Of the rows' hashes; nil for a run without rows.
    public var hashRange: ClosedRange<UInt64>? { rows == 0 ? nil : footer.firstHash...footer.lastHash }
    public let bytes: Int64
    public let footerCRC: UInt32

    private let file: any File
    private let footer: RunFooter
    private let bloom = Mutex<BloomFilter?>(nil)

    /// - Throws: `.corruption` for bytes that are no run, `.unsupported` for a newer format.
    public static func open(_ path: FilePath, files: any FileSystem) throws(TidemillError) -> RunReader {
        try RunReader(path: path, file: try files.open(path, .read))
    }

    private init(path: FilePath, file: any File) throws(TidemillError) {
        self.path = path
        self.file = file
        let name = path.string
        bytes = try file.size()
        guard bytes >= Int64(RunFormat.headerBytes + RunFormat.endBytes) else {
            throw .corruptRun("the file is too short for a run", file: name, offset: bytes)
        }
        try RunFormat.checkHeader(try file.bytes(at: 0, count: RunFormat.headerBytes), file: name)
        let endOffset = bytes - Int64(RunFormat.endBytes)
        let end = try file.bytes(at: endOffset, count: RunFormat.endBytes)
        var reader = ByteReader(end, file: name, base: endOffset)
        let footerBytes = Int64(try reader.u32())
        footerCRC = try reader.u32()
        let footerOffset = endOffset - footerBytes
        guard try reader.u64() == RunFormat.magic, try reader.u32() == CRC32C.checksum(end.prefix(16)),
            footerOffset >= Int64(RunFormat.headerBytes)
        else { throw .corruptRun("the end of the run is damaged", file: name, offset: endOffset) }
        let footerContent = try file.bytes(at: footerOffset, count: Int(footerBytes))
        guard CRC32C.checksum(footerContent) == footerCRC else {
            throw .corruptRun("the run's footer is damaged", file: name, offset: footerOffset)
        }
        footer = try RunFooter.decode(footerContent, file: name, offset: footerOffset)
        blocks = try RunReader.readIndex(footer, file, name, footerOffset)
    }

    /// The index, with every block inside the file, without holes, and in order of hashes.
    private static func readIndex(_ footer: RunFooter, _ file: any File, _ name: String, _ footerOffset: Int64)
        throws(TidemillError) -> [RunBlock]
    {
        let bytes = try section(footer.index, file, name, "index")
        var reader = ByteReader(bytes, file: name, base: footer.index.offset)
        var blocks: [RunBlock] = []
        var offset = Int64(RunFormat.headerBytes)
        var hash: UInt64 = 0
        var rows: Int64 = 0
        while !reader.isAtEnd {
            let block = RunBlock(
                firstHash: try reader.u64(), lastHash: try reader.u64(), offset: try reader.i64(),
                length: try reader.u32(), rows: try reader.u32())
            guard block.offset == offset, block.firstHash >= hash, block.lastHash >= block.firstHash, block.rows > 0
            else { throw reader.corruption("the run's index is not in order") }
            offset += Int64(block.length)
            hash = block.lastHash
            rows += Int64(block.rows)
            blocks.append(block)
        }
        guard rows == footer.rows, footer.index.offset == offset,
            footer.bloom.offset == offset + Int64(footer.index.length),
            footer.bloom.offset + Int64(footer.bloom.length) == footerOffset,
            footer.firstHash == blocks.first?.firstHash ?? 0, footer.lastHash == blocks.last?.lastHash ?? 0
        else { throw reader.corruption("the run's index does not fit its footer") }
        return blocks
    }

    private static func section(
        _ section: RunFooter.Section, _ file: any File, _ name: String, _ what: String
    ) throws(TidemillError) -> [UInt8] {
        let bytes = try file.bytes(at: section.offset, count: Int(section.length))
        guard CRC32C.checksum(bytes) == section.crc else {
            throw .corruptRun("the run's \(what) is damaged", file: name, offset: section.offset)
        }
        return bytes
    }

    public func batch(_ block: RunBlock) throws(TidemillError) -> Batch {
        try decode(block, try file.bytes(at: block.offset, count: Int(block.length))[...])
    }

    /// Neighbouring blocks as one batch, by one read.
    func batch(blocks range: Range<Int>) throws(TidemillError) -> Batch {
        if range.count == 1 { return try batch(blocks[range.lowerBound]) }
        guard let first = blocks[range].first, let last = blocks[range].last else {
            return Batch(columns: types.map { Column.empty($0) }, count: 0)
        }
        let count = Int(last.offset - first.offset) + Int(last.length)
        let bytes = try file.bytes(at: first.offset, count: count)
        var batches: [Batch] = []
        for block in blocks[range] {
            let start = Int(block.offset - first.offset)
            batches.append(try decode(block, bytes[start..<(start + Int(block.length))]))
        }
        return Batch.concat(batches, types: types)
    }

    /// Exactly these bytes of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(TidemillError) {
        guard try file.read(into: buffer, at: offset) == buffer.count else {
            throw .corruptRun("the run ends early", file: path.string, offset: offset)
        }
    }

    private func decode(_ block: RunBlock, _ bytes: ArraySlice<UInt8>) throws(TidemillError) -> Batch {
        let batch = try BlockCodec.decode(bytes, file: path.string, offset: block.offset)
        guard batch.count == Int(block.rows), batch.columns.map(\.type) == types else {
            throw .corruptRun("a block does not fit the run's index", file: path.string, offset: block.offset)
        }
        return batch
    }

    /// Every block in order of hashes.
    public func forEachBlock(_ body: (Batch) throws(TidemillError) -> Void) throws(TidemillError) {
        for block in blocks { try body(try batch(block)) }
    }

    /// The blocks that may hold rows with these hashes, in order.
    public func blocks(_ range: ClosedRange<UInt64>) -> ArraySlice<RunBlock> {
        let start = blocks.partitioningIndex { $0.lastHash >= range.lowerBound }
        let end = blocks.partitioningIndex { $0.firstHash > range.upperBound }
        return blocks[start..<max(start, end)]
    }

    /// False means that no row has this hash.
    public func mayContain(_ hash: UInt64) throws(TidemillError) -> Bool {
        guard let range = hashRange, range.contains(hash) else { return false }
        return try bloomFilter().mayContain(hash)
    }

    func bloomFilter() throws(TidemillError) -> BloomFilter {
        if let loaded = bloom.withLock({ $0 }) { return loaded }
        let bytes = try RunReader.section(footer.bloom, file, path.string, "bloom filter")
        guard let filter = BloomFilter(bytes: bytes) else {
            throw .corruptRun("impossible bloom filter", file: path.string, offset: footer.bloom.offset)
        }
        bloom.withLock { $0 = filter }
        return filter
    }

    /// What the open run keeps in memory.
    var memoryBytes: Int {
        blocks.count * MemoryLayout<RunBlock>.stride + (bloom.withLock { $0?.byteCount } ?? 0)
    }

    public func close() { file.close() }
}

extension Array {
    /// The first index whose element satisfies a predicate that is false, then true, along the array.
    func partitioningIndex(_ belongsInSecondPart: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if belongsInSecondPart(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
