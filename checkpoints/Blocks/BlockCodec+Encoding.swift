import Glibc
import TideColumns

extension BlockCodec {
    /// The batch as one block. Costs one copy per column and the compression; only long strings are visited one by one.
    /// - Throws: `.limit` if the plain body would exceed `plainBytesMax`.
    public static func encode(_ batch: Batch, compression: BlockCompression = .lz4) throws(TidemillError) -> [UInt8] {
        let columns = batch.weights.map { batch.columns + [$0] } ?? batch.columns
        var directory = ByteWriter(capacity: 3 + columns.count * 8)
        directory.u8(batch.weights == nil ? 0 : 1)
        guard columns.count <= Int(UInt16.max) else { throw tooLarge("columns", columns.count) }
        directory.integer(UInt16(columns.count))
        var heaps: [Int] = []
        var plain = 0
        for column in columns {
            column.type.encode(into: &directory)
            directory.u8(column.validity == nil ? 0 : 1)
            let heap = column.type.physical == .view ? heapBytes(column) : 0
            guard heap <= plainBytesMax else { throw tooLarge("bytes", heap) }
            if column.type.physical == .view { directory.u32(UInt32(heap)) }
            heaps.append(heap)
            plain += columnBytes(column.type, rows: batch.count, validity: column.validity != nil, heap: heap)
        }
        plain += directory.count
        guard plain <= plainBytesMax, batch.count <= Int(UInt32.max) else { throw tooLarge("bytes", plain) }

        if compression == .none {
            return sealed(compression: 0, plain: plain, rows: batch.count, capacity: plain) { target in
                fill(target, directory.bytes, columns, heaps)
                return plain
            }
        }
        let scratch = Buffer(byteCount: plain)
        fill(scratch.base, directory.bytes, columns, heaps)
        let block = sealed(
            compression: compression.code, plain: plain, rows: batch.count, capacity: plain
        ) { target in
            compression.compress(
                scratch.bytes, into: UnsafeMutableRawBufferPointer(start: target, count: plain))
        }
        if !block.isEmpty { return block }
        return sealed(compression: 0, plain: plain, rows: batch.count, capacity: plain) { target in
            memcpy(target, scratch.base, plain)
            return plain
        }
    }

    private static func tooLarge(_ unit: String, _ count: Int) -> TidemillError {
        TidemillError(.limit, "TIDEMILL_BLOCK_TOO_LARGE", "a block of state has too many \(unit): \(count)")
    }

    /// Header and body in one array; `body` writes at most `capacity` bytes and returns how many, or nil for no block.
    private static func sealed(
        compression: UInt8, plain: Int, rows: Int, capacity: Int, _ body: (UnsafeMutableRawPointer) -> Int?
    ) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: headerBytes + capacity) { buffer, count in
            // The array has at least 24 bytes, so there is a base address and the header fits.
            let base = UnsafeMutableRawPointer(buffer.baseAddress!)
            guard let stored = body(base + headerBytes) else {
                count = 0
                return
            }
            base.storeBytes(of: magic, as: UInt32.self)
            base.storeBytes(of: formatVersion, toByteOffset: 4, as: UInt16.self)
            base.storeBytes(of: compression, toByteOffset: 6, as: UInt8.self)
            base.storeBytes(of: 0, toByteOffset: 7, as: UInt8.self)
            base.storeBytes(of: UInt32(stored), toByteOffset: 8, as: UInt32.self)
            base.storeBytes(of: UInt32(plain), toByteOffset: 12, as: UInt32.self)
            base.storeBytes(of: UInt32(rows), toByteOffset: 16, as: UInt32.self)
            count = headerBytes + stored
            let crc = checksum(UnsafeRawBufferPointer(start: base, count: count))
            base.storeBytes(of: crc, toByteOffset: 20, as: UInt32.self)
        }
    }

    static func columnBytes(_ type: DataType, rows: Int, validity: Bool, heap: Int) -> Int {
        let width = type.physical.width
        return (validity ? bitBytes(rows) : 0) + (width == 0 ? bitBytes(rows) : rows * width) + heap
    }

    /// Bytes of the compacted heap: every long value once, neighbours that share bytes sharing them still.
    private static func heapBytes(_ column: Column) -> Int {
        let views = column.views
        var total = 0
        var previous = StringView.empty
        for row in 0..<column.count where !views[row].isInline && column.isValid(row) {
            let view = views[row]
            if view.high != previous.high || view.length != previous.length { total += view.length }
            previous = view
        }
        return total
    }

    /// Writes the plain body at `target`, which has room for exactly that.
    private static func fill(
        _ target: UnsafeMutableRawPointer, _ directory: [UInt8], _ columns: [Column], _ heaps: [Int]
    ) {
        var to = target
        directory.withUnsafeBytes { bytes in
            if let base = bytes.baseAddress { memcpy(to, base, bytes.count) }
        }
        to += directory.count
        for (index, column) in columns.enumerated() {
            if let validity = column.validity { to = copyBits(validity, to: to) }
            switch column.type.physical {
            case .bit: to = copyBits(column.bits, to: to)
            case .view: to = copyViews(column, heapBytes: heaps[index], to: to)
            default:
                let bytes = column.count * column.type.physical.width
                memcpy(to, column.values.base, bytes)
                to += bytes
            }
        }
    }

    private static func copyBits(_ bits: Bitmap, to target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        let bytes = bitBytes(bits.count)
        memcpy(target, bits.words, bytes)
        if bits.count & 7 != 0 {
            let last = target + (bytes - 1)
            let mask = UInt8((1 << (bits.count & 7)) - 1)
            last.storeBytes(of: last.load(as: UInt8.self) & mask, as: UInt8.self)
        }
        return target + bytes
    }

    /// Views, then the heap. Values under NULL become the empty view.
    private static func copyViews(_ column: Column, heapBytes: Int, to target: UnsafeMutableRawPointer)
        -> UnsafeMutableRawPointer
    {
        let rows = column.count
        if heapBytes == 0 && column.validity == nil {
            memcpy(target, column.values.base, rows * 16)
            return target + rows * 16
        }
        let views = column.views
        let bases = column.heap.bases
        let heap = target + rows * 16
        var used = 0
        var previous = StringView.empty
        var written = StringView.empty
        for row in 0..<rows {
            let view = views[row]
            let out: StringView
            if !column.isValid(row) {
                out = .empty
            } else if view.isInline {
                out = view
            } else if view.high == previous.high && view.length == previous.length {
                out = written
            } else {
                memcpy(heap + used, bases[view.bufferIndex] + view.offset, view.length)
                out = StringView(low: view.low, high: UInt64(used) << 32)
                used += view.length
                previous = view
                written = out
            }
            (target + row * 16).storeBytes(of: out.low, as: UInt64.self)
            (target + (row * 16 + 8)).storeBytes(of: out.high, as: UInt64.self)
        }
        return heap + heapBytes
    }
}
