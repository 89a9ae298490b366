import TideColumns

/// A batch as bytes: the unit of the epoch log and of runs. A block describes itself and carries its own checksum, so
/// it can be read knowing only where it starts.
///
///     header, 24 bytes
///       0  u32  magic "TBLK"
///       4  u16  format version
///       6  u8   compression of the body: 0 none, 1 LZ4, 2 ZSTD
///       7  u8   zero
///       8  u32  bytes of the stored body
///      12  u32  bytes of the plain body
///      16  u32  rows
///      20  u32  CRC32C of bytes 0..<20 and the stored body
///     stored body
///
///     plain body
///       u8 1 if the last column is the weights   u16 columns (weights included)
///       per column: type, u8 1 if a validity follows, for strings u32 bytes of the heap
///       per column: validity bits (rows / 8, rounded up), values, heap bytes
///
/// Values lie as in memory, little-endian: bits eight to a byte, 4, 8 or 16 bytes per value. Strings are 16-byte views;
/// long ones point into the column's one heap (buffer 0), which holds only bytes that a view uses.
///
/// Reading never trusts a length: the checksum is compared first, then every size is derived and compared with the size
/// of the body before anything is allocated, then every view is checked against its heap.
public enum BlockCodec {
    public static let formatVersion: UInt16 = 1
    public static let headerBytes = 24
    /// The plain body of one block; a batch that needs more is refused with `.limit`.
    public static let plainBytesMax = 1 << 30

    static let magic: UInt32 = 0x4B4C_4254

    /// What a header says. `totalBytes` is how far the next block is.
    struct Header {
        var compression: UInt8
        var storedBytes: Int
        var plainBytes: Int
        var rows: Int
        var crc: UInt32
        var totalBytes: Int { BlockCodec.headerBytes + storedBytes }
    }

    /// Reads a header without its checksum, for walking from block to block. nil if these bytes start no block.
    static func peek(_ bytes: UnsafeRawBufferPointer) -> Header? {
        guard bytes.count >= headerBytes, bytes.loadUnaligned(as: UInt32.self) == magic else { return nil }
        return Header(
            compression: bytes[6], storedBytes: Int(bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)),
            plainBytes: Int(bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self)),
            rows: Int(bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self)),
            crc: bytes.loadUnaligned(fromByteOffset: 20, as: UInt32.self))
    }

    /// The checksum an encoded block carries; references to a block repeat it.
    static func storedCRC(_ block: [UInt8]) -> UInt32 {
        block.withUnsafeBytes { peek($0)?.crc ?? 0 }
    }

    static func checksum(_ block: UnsafeRawBufferPointer) -> UInt32 {
        let head = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: block[..<20]))
        return CRC32C.checksum(UnsafeRawBufferPointer(rebasing: block[headerBytes...]), continuing: head)
    }

    static func bitBytes(_ rows: Int) -> Int { (rows + 7) / 8 }

    /// The block in `bytes`, which must hold exactly one.
    public static func decode(_ bytes: [UInt8], file: String = "block", offset: Int64 = 0) throws(TidemillError)
        -> Batch
    { try decode(bytes[...], file: file, offset: offset) }

    /// The block in `bytes`, which must hold exactly one.
    static func decode(_ bytes: ArraySlice<UInt8>, file: String, offset: Int64) throws(TidemillError) -> Batch {
        var result: Result<Batch, TidemillError>?
        bytes.withUnsafeBytes { buffer in
            do throws(TidemillError) {
                result = .success(try decode(buffer, file: file, offset: offset))
            } catch { result = .failure(error) }
        }
        guard let result else { throw .internal("block was not decoded") }
        return try result.get()
    }
}
