import CLZ4
import CZSTD

/// How the body of a block is stored. State is LZ4; ZSTD is for what is read as a whole and seldom.
public enum BlockCompression: Sendable, Hashable {
    case none
    case lz4
    case zstd(level: Int32)

    /// The byte in the block header; the level is not needed to read.
    var code: UInt8 {
        switch self {
        case .none: 0
        case .lz4: 1
        case .zstd: 2
        }
    }

    /// The most bytes that `stored` bytes can stand for, so that a hostile length cannot make a reader allocate more.
    /// LZ4: a length byte adds at most 255. ZSTD: a block of at least 4 bytes gives at most 128 KiB (RFC 8878).
    static func plainBytesMax(code: UInt8, stored: Int) -> Int {
        switch code {
        case 0: stored
        case 1: stored * 255 + 64
        default: stored * 32768 + 131_072
        }
    }

    /// Compresses into `target` and returns the bytes used, or nil if the result would not be smaller than the input.
    func compress(_ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) -> Int? {
        guard let from = source.baseAddress, let to = target.baseAddress, source.count > 0 else { return nil }
        let capacity = min(target.count, source.count - 1)
        switch self {
        case .none: return nil
        case .lz4:
            let n = LZ4_compress_default(
                from.assumingMemoryBound(to: CChar.self), to.assumingMemoryBound(to: CChar.self),
                Int32(source.count), Int32(capacity))
            return n > 0 ? Int(n) : nil
        case .zstd(let level):
            let n = ZSTD_compress(to, capacity, from, source.count, level)
            return ZSTD_isError(n) == 0 ? n : nil
        }
    }

    /// False if the bytes do not decompress to exactly `target.count` bytes.
    static func decompress(
        code: UInt8, _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
    ) -> Bool {
        guard let from = source.baseAddress, let to = target.baseAddress else { return false }
        switch code {
        case 1:
            let n = LZ4_decompress_safe(
                from.assumingMemoryBound(to: CChar.self), to.assumingMemoryBound(to: CChar.self),
                Int32(source.count), Int32(target.count))
            return Int(n) == target.count
        case 2:
            let n = ZSTD_decompress(to, target.count, from, source.count)
            return ZSTD_isError(n) == 0 && n == target.count
        default: return false
        }
    }
}
