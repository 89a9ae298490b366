import CLZ4
import CSnappy
import CZSTD
import CZlib
import TideColumns

// The streams of the system libraries. Each hands its library pointers into the caller's buffers for one call only.

/// gzip (several members, as `cat` makes them) and zlib.
final class ZlibStream: Decompressor {
    private var stream = z_stream()
    private let path: String
    private(set) var isComplete = true

    init(path: String) throws(TidemillError) {
        self.path = path
        // 32: the header says which of the two it is.
        guard inflateInit2_(&stream, 15 + 32, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw .internal("zlib does not start")
        }
    }
    deinit { inflateEnd(&stream) }

    func step(
        _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
    ) throws(TidemillError) -> (taken: Int, given: Int) {
        guard let source = input.baseAddress, !input.isEmpty, let target = output.baseAddress else { return (0, 0) }
        isComplete = false
        // zlib never writes to its input, though it is declared mutable.
        stream.next_in = UnsafeMutablePointer(mutating: source.assumingMemoryBound(to: UInt8.self))
        stream.avail_in = UInt32(input.count)
        stream.next_out = target.assumingMemoryBound(to: UInt8.self)
        let room = min(output.count, 1 << 30)
        stream.avail_out = UInt32(room)
        let code = inflate(&stream, Z_NO_FLUSH)
        let taken = input.count - Int(stream.avail_in)
        let given = room - Int(stream.avail_out)
        switch code {
        case Z_OK, Z_BUF_ERROR: break
        case Z_STREAM_END:
            isComplete = true
            inflateReset(&stream)
        default: throw brokenStream(path, stream.msg.map { String(cString: $0) } ?? "zlib error \(code)")
        }
        return (taken, given)
    }
}

final class ZstdStream: Decompressor {
    private let stream: OpaquePointer
    private let path: String
    private(set) var isComplete = true

    init(path: String) throws(TidemillError) {
        self.path = path
        guard let stream = ZSTD_createDStream() else { throw .internal("zstd does not start") }
        self.stream = stream
    }
    deinit { ZSTD_freeDStream(stream) }

    func step(
        _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
    ) throws(TidemillError) -> (taken: Int, given: Int) {
        if input.isEmpty && isComplete { return (0, 0) }
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let code = ZSTD_decompressStream(stream, &target, &source)
        guard ZSTD_isError(code) == 0 else { throw brokenStream(path, String(cString: ZSTD_getErrorName(code))) }
        isComplete = code == 0
        return (source.pos, target.pos)
    }
}

/// The frame format of the lz4 tool, or Hadoop's blocks: the first bytes tell.
final class LZ4Stream: Decompressor {
    private static let magic: [UInt8] = [0x04, 0x22, 0x4D, 0x18]
    private var frames: OpaquePointer?
    private var blocks: HadoopBlockStream?
    private let path: String
    private var isFrameComplete = true

    init(path: String) throws(TidemillError) { self.path = path }
    deinit { if let frames { LZ4F_freeDecompressionContext(frames) } }

    var isComplete: Bool { blocks?.isComplete ?? isFrameComplete }

    func step(
        _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
    ) throws(TidemillError) -> (taken: Int, given: Int) {
        if frames == nil && blocks == nil {
            if input.isEmpty { return (0, 0) }
            guard input.count >= 4 else {
                isFrameComplete = false
                return (0, 0)
            }
            if input.prefix(4).elementsEqual(LZ4Stream.magic) {
                guard LZ4F_isError(LZ4F_createDecompressionContext(&frames, UInt32(LZ4F_VERSION))) == 0 else {
                    throw .internal("lz4 does not start")
                }
            } else {
                blocks = HadoopBlockStream(.lz4, path: path)
            }
        }
        if let blocks { return try blocks.step(input, output) }
        if input.isEmpty && isFrameComplete { return (0, 0) }
        var taken = input.count
        var given = output.count
        let code = LZ4F_decompress(frames, output.baseAddress, &given, input.baseAddress, &taken, nil)
        guard LZ4F_isError(code) == 0 else { throw brokenStream(path, String(cString: LZ4F_getErrorName(code))) }
        isFrameComplete = code == 0
        return (taken, given)
    }
}

/// Hadoop's container of LZ4 and Snappy: blocks of `size of the text, big endian`, then pieces of
/// `size of the piece, big endian` and the piece, until the text is whole.
final class HadoopBlockStream: Decompressor {
    enum Codec { case lz4, snappy }
    private static let blockBytesMax = 256 << 20
    private let codec: Codec
    private let path: String
    /// Text of the block that is still to come.
    private var blockLeft = 0
    /// Size of the next piece, if it was read.
    private var pieceBytes: Int?
    private var packed: [UInt8] = []
    private var plain: [UInt8] = []
    private var plainStart = 0

    init(_ codec: Codec, path: String) {
        self.codec = codec
        self.path = path
    }

    private var header: [UInt8] = []
    var isComplete: Bool { blockLeft == 0 && pieceBytes == nil && header.isEmpty && plainStart == plain.count }

    func step(
        _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
    ) throws(TidemillError) -> (taken: Int, given: Int) {
        if plainStart < plain.count {
            let count = min(plain.count - plainStart, output.count)
            output.copyBytes(from: plain[plainStart..<(plainStart + count)])
            plainStart += count
            return (0, count)
        }
        if input.isEmpty { return (0, 0) }
        guard let pieceBytes else {
            let count = min(4 - header.count, input.count)
            header.append(contentsOf: input.prefix(count))
            guard header.count == 4 else { return (count, 0) }
            let size = header.reduce(0) { $0 << 8 | Int($1) }
            header = []
            guard size <= HadoopBlockStream.blockBytesMax else { throw brokenStream(path, "a block of \(size) bytes") }
            if blockLeft == 0 { blockLeft = size } else { self.pieceBytes = size }
            return (count, 0)
        }
        let count = min(pieceBytes - packed.count, input.count)
        packed.append(contentsOf: input.prefix(count))
        if packed.count == pieceBytes { try unpack() }
        return (count, 0)
    }

    private func unpack() throws(TidemillError) {
        var size = blockLeft
        let room = blockLeft
        let codec = codec
        plain = [UInt8](repeating: 0, count: room)
        plainStart = 0
        let isWhole = plain.withUnsafeMutableBytes { target in
            packed.withUnsafeBytes { source -> Bool in
                guard let to = target.baseAddress?.assumingMemoryBound(to: CChar.self),
                    let from = source.baseAddress?.assumingMemoryBound(to: CChar.self)
                else { return false }
                switch codec {
                case .snappy: return snappy_uncompress(from, source.count, to, &size) == SNAPPY_OK
                case .lz4:
                    let written = LZ4_decompress_safe(from, to, Int32(source.count), Int32(room))
                    size = Int(written)
                    return written >= 0
                }
            }
        }
        guard isWhole, size <= room else { throw brokenStream(path, "a block does not unpack") }
        plain.removeLast(room - size)
        blockLeft -= size
        packed = []
        pieceBytes = nil
    }
}
