import CLZ4
import CSnappy
import CZSTD
import CZlib
import TideColumns

/// Page checksums: CRC-32 of gzip over the page as stored.
func pageChecksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    UInt32(
        truncatingIfNeeded: crc32(0, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt32(bytes.count)))
}

/// Decompression of one page. Returns false unless exactly `count` bytes come out.
enum PageDecompressor {
    /// The most bytes that `compressed` bytes can become, so that a header's claim never makes us allocate more. From
    /// the formats: snappy copies 64 bytes per 3, LZ4 255 per byte, deflate 1032 per byte, zstd 128 KiB per 4.
    static func bytesMax(_ codec: Codec, compressed: Int) -> Int {
        switch codec {
        case .uncompressed: compressed
        case .snappy: compressed * 32 + 64
        case .lz4Raw, .lz4Hadoop: compressed * 256 + 64
        case .gzip: compressed * 1040 + 64
        case .zstd: compressed * 32768 + 64
        case .lzo, .brotli: 0
        }
    }

    static func decompress(
        _ codec: Codec, _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawPointer, count: Int
    ) -> Bool {
        guard let base = source.baseAddress, source.count > 0 else { return count == 0 }
        let input = base.assumingMemoryBound(to: CChar.self)
        let output = target.assumingMemoryBound(to: CChar.self)
        switch codec {
        case .uncompressed:
            guard source.count == count else { return false }
            target.copyMemory(from: base, byteCount: count)
            return true
        case .snappy:
            var length = 0
            guard snappy_uncompressed_length(input, source.count, &length) == SNAPPY_OK, length == count else {
                return false
            }
            return snappy_uncompress(input, source.count, output, &length) == SNAPPY_OK && length == count
        case .zstd:
            return ZSTD_decompress(target, count, base, source.count) == count
        case .lz4Raw:
            return lz4Block(input, source.count, output, count) == count
        case .lz4Hadoop:
            return hadoopLZ4(source, target, count) || lz4Block(input, source.count, output, count) == count
        case .gzip:
            return inflateMembers(base, source.count, target, count)
        case .lzo, .brotli:
            return false
        }
    }

    private static func lz4Block(
        _ source: UnsafePointer<CChar>, _ sourceCount: Int, _ target: UnsafeMutablePointer<CChar>, _ capacity: Int
    ) -> Int {
        guard let a = Int32(exactly: sourceCount), let b = Int32(exactly: capacity) else { return -1 }
        return Int(LZ4_decompress_safe(source, target, a, b))
    }

    /// Hadoop's framing of the deprecated LZ4 codec: blocks of big-endian raw length, compressed length, LZ4 block.
    private static func hadoopLZ4(
        _ source: UnsafeRawBufferPointer, _ target: UnsafeMutableRawPointer, _ count: Int
    ) -> Bool {
        var position = 0
        var written = 0
        while position + 8 <= source.count {
            let raw = Int(UInt32(bigEndian: source.loadUnaligned(fromByteOffset: position, as: UInt32.self)))
            let packed = Int(UInt32(bigEndian: source.loadUnaligned(fromByteOffset: position + 4, as: UInt32.self)))
            position += 8
            guard packed <= source.count - position, raw <= count - written, packed > 0, let base = source.baseAddress
            else { return false }
            let got = lz4Block(
                (base + position).assumingMemoryBound(to: CChar.self), packed,
                (target + written).assumingMemoryBound(to: CChar.self), raw)
            guard got == raw else { return false }
            position += packed
            written += raw
        }
        return position == source.count && written == count
    }

    /// One or more gzip members one after the other.
    private static func inflateMembers(
        _ source: UnsafeRawPointer, _ sourceCount: Int, _ target: UnsafeMutableRawPointer, _ count: Int
    ) -> Bool {
        var stream = z_stream()
        // 15 window bits + 32: zlib or gzip, by its header.
        guard
            inflateInit2_(&stream, 15 + 32, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return false }
        defer { inflateEnd(&stream) }
        stream.next_in = UnsafeMutablePointer(mutating: source.assumingMemoryBound(to: UInt8.self))
        stream.avail_in = UInt32(sourceCount)
        stream.next_out = target.assumingMemoryBound(to: UInt8.self)
        stream.avail_out = UInt32(count)
        while true {
            guard inflate(&stream, Z_FINISH) == Z_STREAM_END else { return false }
            if stream.avail_in == 0 { return stream.avail_out == 0 }
            guard inflateReset(&stream) == Z_OK else { return false }
        }
    }
}

/// How a writer compresses pages.
public enum ParquetCompression: Hashable, Sendable {
    case uncompressed
    case snappy
    /// Levels 1 to 22.
    case zstd(level: Int)

    var codec: Codec {
        switch self {
        case .uncompressed: .uncompressed
        case .snappy: .snappy
        case .zstd: .zstd
        }
    }
}

/// Compresses pages with one reused context. Used by one thread at a time.
final class PageCompressor {
    private let compression: ParquetCompression
    private let context: OpaquePointer?

    init(_ compression: ParquetCompression) {
        self.compression = compression
        if case .zstd(let level) = compression {
            context = ZSTD_createCCtx()
            ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(level))
        } else {
            context = nil
        }
    }
    deinit { ZSTD_freeCCtx(context) }

    /// Appends the compressed bytes to `out`.
    func compress(_ source: UnsafeRawBufferPointer, to out: OutputBytes) throws(TidemillError) {
        guard let base = source.baseAddress else { return }
        switch compression {
        case .uncompressed: out.append(source)
        case .snappy:
            var length = snappy_max_compressed_length(source.count)
            let target = out.reserve(length)
            let status = snappy_compress(
                base.assumingMemoryBound(to: CChar.self), source.count, target.assumingMemoryBound(to: CChar.self),
                &length)
            guard status == SNAPPY_OK else { throw .internal("snappy refused a page of \(source.count) bytes") }
            out.advance(length)
        case .zstd:
            let bound = ZSTD_compressBound(source.count)
            let length = ZSTD_compress2(context, out.reserve(bound), bound, base, source.count)
            guard ZSTD_isError(length) == 0 else { throw .internal("zstd refused a page of \(source.count) bytes") }
            out.advance(length)
        }
    }
}
