import TideColumns

/// A run: an immutable file of rows ordered by the hash in column 0, compared as unsigned.
///
///     header, 16 bytes   u64 magic "TIDERUN1", u16 format version, u16 zero, u32 CRC32C of the 12 bytes before
///     blocks             back to back, each as `BlockCodec` writes it
///     index              per block: u64 first hash, u64 last hash, i64 offset, u32 bytes, u32 rows
///     bloom filter       words of 32 bits
///     footer             u16 format version, i64 rows, u64 first hash, u64 last hash,
///                        index: i64 offset, u32 bytes, u32 CRC32C; bloom: i64 offset, u32 bytes, u32 CRC32C;
///                        column types: varint count, then each type
///     end, 20 bytes      u32 footer bytes, u32 footer CRC32C, u64 magic, u32 CRC32C of the 16 bytes before
enum RunFormat {
    static let version: UInt16 = 1
    static let magic: UInt64 = 0x314E_5552_4544_4954  // "TIDERUN1"
    static let headerBytes = 16
    static let endBytes = 20
    static let indexEntryBytes = 32
    /// Plain bytes a block is filled up to. Small, because a look-up of one row reads and unpacks one block.
    static let blockBytesTarget = 4 << 10

    static func name(_ number: UInt64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 10 - digits.count)) + digits + ".run"
    }
    static func number(_ name: String) -> UInt64? {
        guard name.hasSuffix(".run"), let number = UInt64(name.dropLast(4)), self.name(number) == name else {
            return nil
        }
        return number
    }

    static func header() -> [UInt8] {
        var writer = ByteWriter()
        writer.u64(magic)
        writer.integer(version)
        writer.zeros(2)
        writer.u32(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    static func checkHeader(_ bytes: [UInt8], file: String) throws(TidemillError) {
        var reader = ByteReader(bytes, file: file)
        let magic = try reader.u64()
        let version: UInt16 = try reader.integer()
        _ = try reader.take(2)
        guard magic == RunFormat.magic, try reader.u32() == CRC32C.checksum(bytes.prefix(12)) else {
            throw .corruptRun("the run's header is damaged", file: file, offset: 0)
        }
        guard version <= RunFormat.version else { throw .newerFormat("run", Int(version), file: file) }
    }
}

/// One block of a run, as its index has it.
public struct RunBlock: Sendable, Hashable {
    public var firstHash: UInt64
    public var lastHash: UInt64
    public var offset: Int64
    public var length: UInt32
    public var rows: UInt32
}

struct RunFooter: Sendable, Hashable {
    struct Section: Sendable, Hashable {
        var offset: Int64 = 0
        var length: UInt32 = 0
        var crc: UInt32 = 0

        func encode(into writer: inout ByteWriter) {
            writer.i64(offset)
            writer.u32(length)
            writer.u32(crc)
        }
        static func decode(from reader: inout ByteReader) throws(TidemillError) -> Section {
            Section(offset: try reader.i64(), length: try reader.u32(), crc: try reader.u32())
        }
    }
    var types: [DataType]
    var rows: Int64 = 0
    var firstHash: UInt64 = 0
    var lastHash: UInt64 = 0
    var index = Section()
    var bloom = Section()

    func encode() -> [UInt8] {
        var writer = ByteWriter()
        writer.integer(RunFormat.version)
        writer.i64(rows)
        writer.u64(firstHash)
        writer.u64(lastHash)
        index.encode(into: &writer)
        bloom.encode(into: &writer)
        writer.varint(UInt64(types.count))
        for type in types { type.encode(into: &writer) }
        return writer.bytes
    }

    static func decode(_ bytes: [UInt8], file: String, offset: Int64) throws(TidemillError) -> RunFooter {
        var reader = ByteReader(bytes, file: file, base: offset)
        let version: UInt16 = try reader.integer()
        guard version <= RunFormat.version else { throw .newerFormat("run", Int(version), file: file, offset: offset) }
        var footer = RunFooter(types: [])
        footer.rows = try reader.i64()
        footer.firstHash = try reader.u64()
        footer.lastHash = try reader.u64()
        footer.index = try .decode(from: &reader)
        footer.bloom = try .decode(from: &reader)
        for _ in 0..<(try reader.count()) { footer.types.append(try DataType.decode(from: &reader)) }
        try reader.expectEnd()
        return footer
    }
}

extension TidemillError {
    static func corruptRun(_ message: String, file: String, offset: Int64) -> TidemillError {
        .corruption("TIDEMILL_CORRUPT_RUN", message, file: file, offset: offset)
    }
}
