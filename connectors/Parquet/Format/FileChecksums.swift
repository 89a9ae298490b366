import TideCore
import TideColumns

/// Checksums that Tidemill's own files carry in their footer, as the key-value `tidemill.crc32c`: pages have checksums
/// in Parquet, their headers and the footer have none, and nothing says that bytes came from the right place.
///
///     8 hex digits: CRC-32C of the footer with these digits as zeros
///     8 hex digits per column chunk, row group by row group: CRC-32C of the chunk as stored
///
/// Other readers pass over the key. Other writers may carry it along into files that it does not fit: it counts only in
/// files that say that Tidemill made them.
enum FileChecksums {
    static let key = "tidemill.crc32c"
    static let creator = "tidemill version 0.1.0"
    private static let creatorPrefix = "tidemill "

    /// The footer of a file whose chunks have these checksums, with its own.
    static func seal(_ footer: inout FileMetadata) -> [UInt8] {
        let chunks = footer.rowGroups.flatMap { $0.columns.map { hex($0.checksum ?? 0) } }.joined()
        let value = "00000000" + chunks
        footer.keyValues.append((key, value))
        var bytes = footer.encode()
        guard let at = position(of: Array(value.utf8), in: bytes) else { return bytes }
        let crc = hex(CRC32C.checksum(bytes))
        bytes.replaceSubrange(at..<(at + 8), with: crc.utf8)
        return bytes
    }

    /// Compares the footer with its checksum and gives every chunk its own. A file without is left as it is.
    static func check(
        _ footer: inout FileMetadata, stored: UnsafeRawBufferPointer, file: String, offset: Int64
    ) throws(TidemillError) {
        guard footer.createdBy?.hasPrefix(creatorPrefix) == true,
            let entry = footer.keyValues.last(where: { $0.0 == key }), let value = entry.1
        else { return }
        let damage = TidemillError.corruptParquet("checksum of the footer does not match", file: file, offset: offset)
        let digits = Array(value.utf8)
        var bytes = Array(stored)
        let count = footer.rowGroups.reduce(0) { $0 + $1.columns.count }
        guard digits.count == 8 + 8 * count, let own = number(digits[..<8]), let at = position(of: digits, in: bytes)
        else { throw damage }
        bytes.replaceSubrange(at..<(at + 8), with: repeatElement(UInt8(ascii: "0"), count: 8))
        guard CRC32C.checksum(bytes) == own else { throw damage }
        var next = 8
        for group in footer.rowGroups.indices {
            for column in footer.rowGroups[group].columns.indices {
                guard let checksum = number(digits[next..<(next + 8)]) else { throw damage }
                footer.rowGroups[group].columns[column].checksum = checksum
                next += 8
            }
        }
    }

    private static func hex(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
    private static func number(_ digits: ArraySlice<UInt8>) -> UInt32? {
        UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    }

    /// The last place where `wanted` stands: key-values come late in a footer.
    private static func position(of wanted: [UInt8], in bytes: [UInt8]) -> Int? {
        guard bytes.count >= wanted.count else { return nil }
        return stride(from: bytes.count - wanted.count, through: 0, by: -1).first { at in
            bytes[at..<(at + wanted.count)].elementsEqual(wanted)
        }
    }
}
