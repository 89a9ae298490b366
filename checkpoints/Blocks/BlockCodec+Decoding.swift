import Glibc
import TideColumns

extension BlockCodec {
    /// The block in `bytes`, which must hold exactly one. `file` and `offset` say where it came from, for errors.
    /// - Throws: `.corruption` for bytes that no encoder wrote, `.unsupported` for a newer format.
    public static func decode(_ bytes: UnsafeRawBufferPointer, file: String, offset: Int64) throws(TidemillError)
        -> Batch
    {
        let damage = BlockDamage(file: file, offset: offset)
        guard let header = peek(bytes), header.totalBytes == bytes.count else {
            throw damage.error("no block header, or a block of another length")
        }
        guard checksum(bytes) == header.crc else { throw damage.error("checksum of the block does not match") }
        let version = bytes.loadUnaligned(fromByteOffset: 4, as: UInt16.self)
        guard version <= formatVersion else {
            throw .newerFormat("block", Int(version), file: file, offset: offset)
        }
        guard version == formatVersion, header.compression <= 2, bytes[7] == 0 else {
            throw damage.error("impossible block header")
        }
        let stored = UnsafeRawBufferPointer(rebasing: bytes[headerBytes...])
        guard header.plainBytes <= plainBytesMax,
            header.plainBytes <= BlockCompression.plainBytesMax(code: header.compression, stored: stored.count)
        else { throw damage.error("impossible length of the plain body: \(header.plainBytes)") }
        if header.compression == 0 {
            guard header.plainBytes == stored.count else { throw damage.error("plain body of another length") }
            return try decodeBody(stored, rows: header.rows, damage)
        }
        let plain = Buffer(byteCount: header.plainBytes)
        let target = UnsafeMutableRawBufferPointer(start: plain.base, count: header.plainBytes)
        guard BlockCompression.decompress(code: header.compression, stored, into: target) else {
            throw damage.error("body does not decompress")
        }
        // `plain` outlives the call: it is used after it.
        defer { withExtendedLifetime(plain) {} }
        return try decodeBody(plain.bytes, rows: header.rows, damage)
    }

    private struct ColumnEntry {
        var type: DataType
        var validity: Bool
        var heapBytes: Int
    }

    private static func decodeBody(_ body: UnsafeRawBufferPointer, rows: Int, _ damage: BlockDamage)
        throws(TidemillError) -> Batch
    {
        guard body.count >= 3 else { throw damage.error("body without a directory") }
        let columnCount = Int(body.loadUnaligned(fromByteOffset: 1, as: UInt16.self))
        let directory = try readDirectory(body, columnCount, damage)
        let entries = directory.entries
        let needed = entries.reduce(0) {
            $0 + columnBytes($1.type, rows: rows, validity: $1.validity, heap: $1.heapBytes)
        }
        var position = directory.bytes
        guard needed == body.count - position else {
            throw damage.error("\(columnCount) columns of \(rows) rows do not fill the body")
        }
        var columns: [Column] = []
        for entry in entries {
            columns.append(try decodeColumn(entry, rows, body, &position, damage))
        }
        guard directory.isWeighted else { return Batch(columns: columns, count: rows) }
        guard let weights = columns.popLast(), weights.type == .bigint, weights.validity == nil else {
            throw damage.error("weights are not a column of numbers")
        }
        let values = weights.pointer(Int64.self)
        var zeros = 0
        for row in 0..<rows { zeros &+= values[row] == 0 ? 1 : 0 }
        guard zeros == 0 else { throw damage.error("a weight is zero") }
        return Batch(columns: columns, count: rows, weights: weights)
    }

    private struct Directory {
        var isWeighted: Bool
        var entries: [ColumnEntry] = []
        var bytes = 0
    }

    /// The directory is short, but how short is known only after reading it: it is read from a copy that grows until
    /// the directory fits. Eight bytes per column do unless a column is nested and its fields have names.
    private static func readDirectory(
        _ body: UnsafeRawBufferPointer, _ columnCount: Int, _ damage: BlockDamage
    ) throws(TidemillError) -> Directory {
        var copied = min(body.count, 3 + 8 * columnCount)
        while true {
            do throws(TidemillError) {
                var reader = ByteReader(Array(body[..<copied]), file: damage.file, base: damage.offset)
                var directory = Directory(isWeighted: try reader.bool())
                _ = try reader.integer(UInt16.self)
                for _ in 0..<columnCount {
                    let type = try DataType.decode(from: &reader)
                    let validity = try reader.bool()
                    let heap = type.physical == .view ? Int(try reader.u32()) : 0
                    directory.entries.append(ColumnEntry(type: type, validity: validity, heapBytes: heap))
                }
                directory.bytes = copied - reader.remaining
                return directory
            } catch {
                guard copied < body.count else { throw error }
                copied = min(body.count, copied * 8)
            }
        }
    }

    private static func decodeColumn(
        _ entry: ColumnEntry, _ rows: Int, _ body: UnsafeRawBufferPointer, _ position: inout Int,
        _ damage: BlockDamage
    ) throws(TidemillError) -> Column {
        // The caller compared the sum of all sections with the length of the body, so every slice below lies inside.
        func section(_ bytes: Int) -> UnsafeRawBufferPointer {
            defer { position += bytes }
            return UnsafeRawBufferPointer(rebasing: body[position..<(position + bytes)])
        }
        var validity: Bitmap?
        if entry.validity { validity = try bits(section(bitBytes(rows)), rows, damage) }
        switch entry.type.physical {
        case .bit:
            let values = try bits(section(bitBytes(rows)), rows, damage)
            return Column(type: entry.type, count: rows, values: values.buffer, validity: validity)
        case .view:
            let values = Buffer(copying: section(rows * 16))
            let bytes = section(entry.heapBytes)
            let heap = entry.heapBytes == 0 ? StringHeap.empty : StringHeap([Buffer(copying: bytes)])
            guard viewsAreSound(values, rows, bytes) else { throw damage.error("a string lies outside its heap") }
            return Column(type: entry.type, count: rows, values: values, validity: validity, heap: heap)
        default:
            let values = Buffer(copying: section(rows * entry.type.physical.width))
            return Column(type: entry.type, count: rows, values: values, validity: validity)
        }
    }

    private static func bits(_ bytes: UnsafeRawBufferPointer, _ rows: Int, _ damage: BlockDamage)
        throws(TidemillError) -> Bitmap
    {
        let buffer = Buffer(byteCount: Bitmap.wordCount(rows) * 8)
        let words = Bitmap.wordCount(rows)
        if words > 0 { buffer.pointer(UInt64.self)[words - 1] = 0 }
        if let source = bytes.baseAddress { memcpy(buffer.base, source, bytes.count) }
        if rows & 63 != 0, buffer.pointer(UInt64.self)[words - 1] >> UInt64(rows & 63) != 0 {
            throw damage.error("bits past the last row are set")
        }
        return Bitmap(buffer: buffer, count: rows)
    }

    /// Every view inside the heap, prefixes equal to the bytes they repeat, padding of short values zero.
    private static func viewsAreSound(_ values: Buffer, _ rows: Int, _ heap: UnsafeRawBufferPointer) -> Bool {
        let views = values.pointer(StringView.self)
        var sound = true
        for row in 0..<rows {
            let view = views[row]
            let length = view.length
            if length <= StringView.inlineBytesMax {
                // Twelve bytes after the length are the view's own.
                let clean = StringView(inlineLoading: UnsafeRawPointer(views + row) + 4, length: length)
                sound = sound && clean.low == view.low && clean.high == view.high
            } else {
                guard view.bufferIndex == 0, view.offset + length <= heap.count else { return false }
                let prefix = heap.loadUnaligned(fromByteOffset: view.offset, as: UInt32.self)
                sound = sound && UInt64(prefix) == view.low >> 32
            }
        }
        return sound
    }
}

/// Where a block came from, for errors.
struct BlockDamage {
    let file: String
    let offset: Int64
    func error(_ message: String) -> TidemillError {
        .corruption("TIDEMILL_CORRUPT_BLOCK", message, file: file, offset: offset)
    }
}

extension TidemillError {
    /// A checkpoint written by a newer Tidemill.
    static func newerFormat(_ what: String, _ version: Int, file: String, offset: Int64 = 0) -> TidemillError {
        TidemillError(
            .unsupported, "TIDEMILL_CHECKPOINT_NEWER_FORMAT",
            "the checkpoint was written by a newer version of tidemill, \(what) format \(version)",
            hint: "run it with the version that wrote it, or a newer one",
            place: .file(file, offset: offset))
    }
}
