import Glibc
import TideColumns

/// Looks rows up in the blocks of runs with given column types, without making columns of a block of which one row is
/// wanted: the body is unpacked into scratch memory that the next block reuses, and wanted rows are copied out.
///
/// Trusts bytes as little as `BlockCodec.decode` does: checksum first, then every length against the body, then every
/// string that is copied against its heap.
struct BlockProbe {
    private let types: [DataType]
    /// The bytes of each type in a block's directory, and where they stand.
    private let encodedTypes: [(offset: Int, bytes: [UInt8])]
    private let directoryBytes: Int
    private var plain: UnsafeMutableRawBufferPointer
    private(set) var collector: RowCollector

    /// The unpacked block.
    private(set) var rows = 0
    private var columns: [ProbedColumn]

    init(types: [DataType]) {
        self.types = types
        var at = 3
        var encoded: [(offset: Int, bytes: [UInt8])] = []
        for type in types {
            var writer = ByteWriter()
            type.encode(into: &writer)
            encoded.append((at, writer.bytes))
            at += writer.count + 1 + (type.physical == .view ? 4 : 0)
        }
        encodedTypes = encoded
        directoryBytes = at
        plain = .allocate(byteCount: 0, alignment: 64)
        collector = RowCollector(types: types)
        columns = types.map { ProbedColumn(type: $0) }
    }

    /// Scratch memory is the owner's to give back.
    func deallocate() { plain.deallocate() }

    /// The hash of a row of the block.
    @inline(__always) func hash(_ row: Int) -> UInt64 {
        columns[0].values.loadUnaligned(fromByteOffset: row &* 8, as: UInt64.self)
    }

    /// The first row whose hash is `hash` or more, from `start` on.
    func firstRow(from start: Int, hash wanted: UInt64) -> Int {
        var low = start
        var high = rows
        while low < high {
            let middle = (low &+ high) &>> 1
            if hash(middle) < wanted { low = middle &+ 1 } else { high = middle }
        }
        return low
    }

    mutating func collect(_ row: Int, _ damage: BlockDamage) throws(TidemillError) {
        try collector.append(row, of: columns, damage)
    }

    /// The rows collected since the last call.
    mutating func takeRows() -> Batch { collector.finish() }

    // MARK: Unpacking

    /// Unpacks the block in `bytes`, which must stay where they are while its rows are asked for.
    mutating func open(_ bytes: UnsafeRawBufferPointer, rows expected: Int, _ damage: BlockDamage)
        throws(TidemillError)
    {
        guard let header = BlockCodec.peek(bytes), header.totalBytes == bytes.count, header.rows == expected,
            BlockCodec.checksum(bytes) == header.crc
        else { throw damage.error("checksum of the block does not match") }
        let version = bytes.loadUnaligned(fromByteOffset: 4, as: UInt16.self)
        guard version == BlockCodec.formatVersion, header.compression <= 2 else {
            throw .newerFormat("block", Int(version), file: damage.file, offset: damage.offset)
        }
        let stored = UnsafeRawBufferPointer(rebasing: bytes[BlockCodec.headerBytes...])
        guard header.plainBytes <= BlockCodec.plainBytesMax,
            header.plainBytes <= BlockCompression.plainBytesMax(code: header.compression, stored: stored.count)
        else { throw damage.error("impossible length of the plain body: \(header.plainBytes)") }
        var body = stored
        if header.compression != 0 {
            if plain.count < header.plainBytes {
                plain.deallocate()
                plain = .allocate(byteCount: header.plainBytes * 2, alignment: 64)
            }
            let target = UnsafeMutableRawBufferPointer(rebasing: plain[..<header.plainBytes])
            guard BlockCompression.decompress(code: header.compression, stored, into: target) else {
                throw damage.error("body does not decompress")
            }
            body = UnsafeRawBufferPointer(target)
        } else if header.plainBytes != stored.count {
            throw damage.error("plain body of another length")
        }
        rows = header.rows
        try place(body, damage)
    }

    /// Finds the columns in the body.
    private mutating func place(_ body: UnsafeRawBufferPointer, _ damage: BlockDamage) throws(TidemillError) {
        guard body.count >= directoryBytes, body[0] == 0,
            Int(body.loadUnaligned(fromByteOffset: 1, as: UInt16.self)) == types.count, let base = body.baseAddress
        else { throw damage.error("a block does not fit the run's types") }
        var at = directoryBytes
        for (index, type) in types.enumerated() {
            let (offset, encoded) = encodedTypes[index]
            for (i, byte) in encoded.enumerated() where body[offset + i] != byte {
                throw damage.error("a block does not fit the run's types")
            }
            let flag = offset + encoded.count
            let isNullable = body[flag] != 0
            let heap =
                type.physical == .view ? Int(body.loadUnaligned(fromByteOffset: flag + 1, as: UInt32.self)) : 0
            let needed = BlockCodec.columnBytes(type, rows: rows, validity: isNullable, heap: heap)
            guard needed <= body.count - at else { throw damage.error("a column reaches past its block") }
            let validity = isNullable ? base + at : nil
            if isNullable { at += BlockCodec.bitBytes(rows) }
            let width = type.physical.width
            let values = base + at
            at += width == 0 ? BlockCodec.bitBytes(rows) : rows * width
            columns[index].place(values: values, validity: validity, heap: base + at, heapBytes: heap)
            at += heap
        }
        guard at == body.count else { throw damage.error("columns do not fill the block") }
    }
}

/// Where a column of an unpacked block lies.
struct ProbedColumn {
    let type: DataType
    private(set) var values = UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
    private(set) var validity: UnsafeRawPointer?
    private(set) var heap = UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
    private(set) var heapBytes = 0

    init(type: DataType) { self.type = type }

    mutating func place(
        values: UnsafeRawPointer, validity: UnsafeRawPointer?, heap: UnsafeRawPointer, heapBytes: Int
    ) {
        self.values = values
        self.validity = validity
        self.heap = heap
        self.heapBytes = heapBytes
    }

    @inline(__always) func isValid(_ row: Int) -> Bool {
        guard let validity else { return true }
        return validity.load(fromByteOffset: row &>> 3, as: UInt8.self) &>> UInt8(row & 7) & 1 != 0
    }
    @inline(__always) func bit(_ row: Int) -> Bool {
        values.load(fromByteOffset: row &>> 3, as: UInt8.self) &>> UInt8(row & 7) & 1 != 0
    }
}

/// Single rows on their way into a batch.
struct RowCollector {
    private let types: [DataType]
    private(set) var rows = 0
    private var columns: [Pending]

    private struct Pending {
        var fixed = GrowableBuffer(byteCapacity: 64)
        var strings: StringColumnBuilder
        var bits: [UInt64] = []
        var validity: [UInt64] = []
        var hasNull = false
    }

    init(types: [DataType]) {
        self.types = types
        columns = types.map { Pending(strings: StringColumnBuilder(type: $0)) }
    }

    mutating func append(_ row: Int, of sources: [ProbedColumn], _ damage: BlockDamage) throws(TidemillError) {
        for index in sources.indices {
            let source = sources[index]
            let valid = source.isValid(row)
            RowCollector.push(valid, at: rows, &columns[index].validity)
            if !valid { columns[index].hasNull = true }
            switch source.type.physical {
            case .bit: RowCollector.push(source.bit(row), at: rows, &columns[index].bits)
            case .int32, .float32:
                columns[index].fixed.append(source.values.loadUnaligned(fromByteOffset: row * 4, as: UInt32.self))
            case .int64, .float64:
                columns[index].fixed.append(source.values.loadUnaligned(fromByteOffset: row * 8, as: UInt64.self))
            case .int128:
                columns[index].fixed.append(source.values.loadUnaligned(fromByteOffset: row * 16, as: Int128.self))
            case .view:
                let view = source.values.loadUnaligned(fromByteOffset: row * 16, as: StringView.self)
                if !valid {
                    columns[index].strings.appendEmpty()
                } else if view.isInline {
                    // The bytes themselves, so that padding is zero whatever the disk says.
                    columns[index].strings.append(source.values + row * 16 + 4, view.length)
                } else {
                    guard view.bufferIndex == 0, view.offset + view.length <= source.heapBytes else {
                        throw damage.error("a string lies outside its heap")
                    }
                    columns[index].strings.append(source.heap + view.offset, view.length)
                }
            }
        }
        rows += 1
    }

    @inline(__always) private static func push(_ bit: Bool, at row: Int, _ words: inout [UInt64]) {
        if row & 63 == 0 { words.append(0) }
        if bit { words[row &>> 6] |= 1 &<< UInt64(row & 63) }
    }

    mutating func finish() -> Batch {
        let count = rows
        var finished: [Column] = []
        for (index, type) in types.enumerated() {
            let pending = columns[index]
            let validity = pending.hasNull ? RowCollector.bitmap(pending.validity, count) : nil
            switch type.physical {
            case .bit:
                let bits = RowCollector.bitmap(pending.bits, count)
                finished.append(Column(type: type, count: count, values: bits.buffer, validity: validity))
            case .view: finished.append(pending.strings.finish(validity: validity))
            default:
                finished.append(Column(type: type, count: count, values: pending.fixed.seal(), validity: validity))
            }
        }
        self = RowCollector(types: types)
        return Batch(columns: finished, count: count)
    }

    private static func bitmap(_ words: [UInt64], _ count: Int) -> Bitmap {
        words.withUnsafeBytes { Bitmap(buffer: Buffer(copying: $0), count: count) }
    }
}
