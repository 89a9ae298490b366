import TideColumns

/// The bytes of a log segment.
///
///     sector 0           header
///     from 512           per epoch, a region:
///                          blocks, back to back (of the committed epoch and of epochs given up before it)
///                          frame body, directly after the last block
///                          zeros up to the next sector: the slack
///                          trailer, copy 1: one sector
///                          trailer, copy 2: the next sector
///
/// A region starts where the one before it ended, so regions tile the segment and a missing frame leaves a gap that
/// the next trailer reveals. A mark is a region with no blocks and no body: its trailers say all.
///
/// A trailer names its generation, segment and own offset, so that a copy of log bytes that happens to be data in a
/// block is never taken for a frame.
enum LogFormat {
    static let version: UInt16 = 1
    static let sectorBytes: Int64 = 512
    static let headerMagic: UInt64 = 0x0000_474F_4C45_4454  // "TDELOG\0\0"
    static let trailerMagic: UInt64 = 0x314C_4941_5254_4454  // "TDTRAIL1"

    static func roundedUp(_ offset: Int64) -> Int64 { (offset + sectorBytes - 1) / sectorBytes * sectorBytes }

    static func name(_ number: UInt64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 10 - digits.count)) + digits + ".log"
    }
    /// The number in a segment's name; nil for any other name.
    static func number(_ name: String) -> UInt64? {
        guard name.hasSuffix(".log"), let number = UInt64(name.dropLast(4)), self.name(number) == name else {
            return nil
        }
        return number
    }

    /// A sector: the fields, zeros, and at 508 the CRC32C of all that precedes it.
    static func sector(_ fields: ByteWriter) -> [UInt8] {
        var writer = fields
        writer.zeros(Int(sectorBytes) - 4 - writer.count)
        writer.u32(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }
    static func isSound(sector: ArraySlice<UInt8>) -> Bool {
        guard sector.count == Int(sectorBytes) else { return false }
        var tail = ByteReader(sector.suffix(4), file: "")
        return (try? tail.u32()) == CRC32C.checksum(sector.dropLast(4))
    }
}

/// Sector 0 of a segment. A segment gets its name only after this and what was rewritten into it are durable, so a bad
/// header is always damage.
struct SegmentHeader: Hashable, Sendable {
    var generation: UInt64
    var number: UInt64
    /// The writer's fencing token.
    var token: UInt64
    /// The segment before this one, 0 for none, and how much of it counts: what follows there was torn, or was
    /// rewritten into this segment.
    var previous: UInt64
    var previousEnd: Int64

    func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: 512)
        writer.u64(LogFormat.headerMagic)
        writer.integer(LogFormat.version)
        writer.zeros(6)
        writer.u64(generation)
        writer.u64(number)
        writer.u64(token)
        writer.u64(previous)
        writer.i64(previousEnd)
        return LogFormat.sector(writer)
    }

    static func decode(_ sector: ArraySlice<UInt8>, file: String) throws(TidemillError) -> SegmentHeader {
        var reader = ByteReader(sector, file: file)
        guard LogFormat.isSound(sector: sector), try reader.u64() == LogFormat.headerMagic else {
            throw .corruptLog("the segment's header is damaged", file: file, offset: 0)
        }
        let version: UInt16 = try reader.integer()
        guard version <= LogFormat.version else { throw .newerFormat("log", Int(version), file: file) }
        guard version == LogFormat.version else {
            throw .corruptLog("segment of no known version: \(version)", file: file, offset: 8)
        }
        _ = try reader.take(6)
        return SegmentHeader(
            generation: try reader.u64(), number: try reader.u64(), token: try reader.u64(),
            previous: try reader.u64(), previousEnd: try reader.i64())
    }
}

/// The end of a frame. Both copies say the same but for their own position.
struct FrameTrailer: Hashable, Sendable {
    enum Kind: UInt8, Sendable { case commit = 1, mark = 2 }

    var kind: Kind
    var generation: UInt64
    var segment: UInt64
    /// The epoch committed; for a mark the last one committed before it, -1 for none.
    var epoch: Int64
    /// Every epoch up to this one was published when the frame was written; -1 for none.
    var publishedThrough: Int64
    /// Where the region's blocks start: the end of the frame before.
    var regionStart: Int64
    var bodyStart: Int64
    var bodyBytes: UInt32
    var bodyCRC: UInt32

    var trailerStart: Int64 { LogFormat.roundedUp(bodyStart + Int64(bodyBytes)) }
    var end: Int64 { trailerStart + 2 * LogFormat.sectorBytes }

    func encode(copy: Int64) -> [UInt8] {
        var writer = ByteWriter(capacity: 512)
        writer.u64(LogFormat.trailerMagic)
        writer.u64(generation)
        writer.u64(segment)
        writer.i64(trailerStart + copy * LogFormat.sectorBytes)
        writer.u8(kind.rawValue)
        writer.u8(UInt8(copy))
        writer.zeros(6)
        writer.i64(epoch)
        writer.i64(publishedThrough)
        writer.i64(regionStart)
        writer.i64(bodyStart)
        writer.u32(bodyBytes)
        writer.u32(bodyCRC)
        return LogFormat.sector(writer)
    }

    /// nil unless the sector at `offset` of this segment is a trailer of this checkpoint.
    static func decode(_ sector: ArraySlice<UInt8>, generation: UInt64, segment: UInt64, offset: Int64)
        -> (trailer: FrameTrailer, copy: Int64)?
    {
        guard LogFormat.isSound(sector: sector) else { return nil }
        var reader = ByteReader(sector, file: "")
        do throws(TidemillError) {
            guard try reader.u64() == LogFormat.trailerMagic, try reader.u64() == generation,
                try reader.u64() == segment, try reader.i64() == offset, let kind = Kind(rawValue: try reader.u8())
            else { return nil }
            let copy = Int64(try reader.u8())
            _ = try reader.take(6)
            let trailer = FrameTrailer(
                kind: kind, generation: generation, segment: segment, epoch: try reader.i64(),
                publishedThrough: try reader.i64(), regionStart: try reader.i64(), bodyStart: try reader.i64(),
                bodyBytes: try reader.u32(), bodyCRC: try reader.u32())
            guard copy <= 1, trailer.regionStart >= LogFormat.sectorBytes, trailer.bodyStart >= trailer.regionStart,
                trailer.bodyStart <= offset, trailer.trailerStart + copy * LogFormat.sectorBytes == offset
            else { return nil }
            return (trailer, copy)
        } catch { return nil }
    }
}

extension TidemillError {
    static func corruptLog(_ message: String, file: String, offset: Int64) -> TidemillError {
        .corruption("TIDEMILL_CORRUPT_LOG", message, file: file, offset: offset)
    }
}
