import Synchronization
import TideColumns

/// Reads segments: the sector scan that recovery starts with, and single blocks afterwards. May be used from any
/// thread.
public final class LogReader: Sendable {
    let files: any FileSystem
    let directory: FilePath
    private let opened = Mutex<[UInt64: any File]>([:])

    init(files: any FileSystem, directory: FilePath) {
        self.files = files
        self.directory = directory
    }

    func path(_ segment: UInt64) -> FilePath { directory.appending(LogFormat.name(segment)) }

    private func file(_ segment: UInt64) throws(TidemillError) -> any File {
        if let file = opened.withLock({ $0[segment] }) { return file }
        let file = try files.open(path(segment), .read)
        opened.withLock { $0[segment] = file }
        return file
    }

    /// Lets go of a segment that was removed. Not closed here: another thread may be reading it, and the last one to
    /// let go closes it.
    func forget(_ segment: UInt64) {
        opened.withLock { _ = $0.removeValue(forKey: segment) }
    }

    public func batch(_ reference: BlockReference) throws(TidemillError) -> Batch {
        let bytes = try blockBytes(reference)
        return try BlockCodec.decode(bytes, file: path(reference.segment).string, offset: reference.offset)
    }

    /// The encoded block, compared with its reference and its own checksum.
    func blockBytes(_ reference: BlockReference) throws(TidemillError) -> [UInt8] {
        let path = path(reference.segment)
        let bytes = try file(reference.segment).bytes(at: reference.offset, count: Int(reference.length))
        let matches = bytes.withUnsafeBytes { buffer in
            guard let header = BlockCodec.peek(buffer) else { return false }
            return header.totalBytes == buffer.count && header.crc == reference.crc
                && BlockCodec.checksum(buffer) == header.crc
        }
        guard matches else {
            throw .corruptLog("a block of the log is damaged", file: path.string, offset: reference.offset)
        }
        return bytes
    }

    /// The committed epoch whose body stands at `offset`; the body was compared with its checksum by `scan`.
    func epoch(_ trailer: FrameTrailer) throws(TidemillError) -> CommittedEpoch {
        let path = path(trailer.segment).string
        let bytes = try file(trailer.segment).bytes(at: trailer.bodyStart, count: Int(trailer.bodyBytes))
        var reader = ByteReader(bytes, file: path, base: trailer.bodyStart)
        let epoch = try CommittedEpoch.decode(from: &reader, segment: trailer.segment, file: path)
        guard epoch.epoch.rawValue == trailer.epoch else {
            throw .corruptLog("the frame names another epoch than its trailer", file: path, offset: trailer.bodyStart)
        }
        return epoch
    }

    /// Reads every sector of a segment.
    /// - Throws: `.corruption` for a damaged header or a segment of another checkpoint; damaged frames are facts.
    func scan(_ number: UInt64, generation: UInt64) throws(TidemillError) -> SegmentFacts {
        let path = path(number)
        let file = try self.file(number)
        let length = try file.size()
        let head = try file.bytes(at: 0, count: Int(min(length, LogFormat.sectorBytes)))
        let header = try SegmentHeader.decode(head[...], file: path.string)
        guard header.generation == generation, header.number == number else {
            throw .corruptLog("the segment belongs to another checkpoint", file: path.string, offset: 0)
        }
        var facts = SegmentFacts(number: number, file: path.string, length: length, header: header, frames: [])
        let chunkBytes: Int64 = 256 * 1024
        var offset = LogFormat.sectorBytes
        while offset + LogFormat.sectorBytes <= length {
            let count = min(chunkBytes, (length - offset) / LogFormat.sectorBytes * LogFormat.sectorBytes)
            let chunk = try file.bytes(at: offset, count: Int(count))
            for at in LogReader.sectorsWithTrailerMagic(chunk) {
                let sector = chunk[at..<(at + Int(LogFormat.sectorBytes))]
                guard
                    let (trailer, _) = FrameTrailer.decode(
                        sector, generation: generation, segment: number, offset: offset + Int64(at))
                else { continue }
                if let last = facts.frames.last, last.trailer == trailer {
                    facts.frames[facts.frames.count - 1].copies = 2
                } else {
                    let body = try file.bytes(at: trailer.bodyStart, count: Int(trailer.bodyBytes))
                    facts.frames.append(
                        SegmentFacts.Frame(
                            trailer: trailer, copies: 1, bodyIsSound: CRC32C.checksum(body) == trailer.bodyCRC))
                }
            }
            offset += count
        }
        return facts
    }

    private static func sectorsWithTrailerMagic(_ chunk: [UInt8]) -> [Int] {
        chunk.withUnsafeBytes { bytes in
            var found: [Int] = []
            for at in stride(from: 0, to: bytes.count, by: Int(LogFormat.sectorBytes))
            where UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
                == LogFormat.trailerMagic
            { found.append(at) }
            return found
        }
    }
}
