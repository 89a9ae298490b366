/// A blocked bloom filter over key hashes: 64-byte blocks, 8 bits set per key, about 10 bits of room per key (Putze,
/// Sanders, Singler: "Cache-, hash- and space-efficient bloom filters", 2007). A miss is certain; a hit is wrong for
/// about one key in fifty. Removing rows from a file keeps its filter valid.
///
///     sidecar file: "TMBF" | version u32 | block count u64 | CRC32C of the blocks u32 | pad u32 | blocks
struct BloomFilter: Sendable {
    static let blockWords = 8
    private(set) var words: [UInt64]
    private var blockCount: Int { words.count / BloomFilter.blockWords }

    init(expectedKeys: Int) {
        let blocks = max(1, (expectedKeys * 10 + 511) / 512)
        words = Array(repeating: 0, count: blocks * BloomFilter.blockWords)
    }

    /// Lemire's range reduction of the hash's upper half; one bit per word of the block from bits of the lower half.
    @inline(__always) private static func place(_ hash: UInt64, _ blocks: Int) -> (first: Int, bits: UInt64) {
        let block = Int(truncatingIfNeeded: ((hash >> 32) &* UInt64(blocks)) >> 32)
        return (block &* blockWords, (hash & 0xFFFF_FFFF) &* 0x9E37_79B9_7F4A_7C15)
    }

    mutating func insert(_ hashes: UnsafePointer<UInt64>, count: Int) {
        let blocks = blockCount
        words.withUnsafeMutableBufferPointer { words in
            for i in 0..<count {
                let (first, bits) = BloomFilter.place(hashes[i], blocks)
                for w in 0..<BloomFilter.blockWords {
                    words[first + w] |= 1 << ((bits >> UInt64(w &* 8)) & 63)
                }
            }
        }
    }

    func mayContain(_ hash: UInt64) -> Bool {
        let (first, bits) = BloomFilter.place(hash, blockCount)
        for w in 0..<BloomFilter.blockWords where (words[first + w] >> ((bits >> UInt64(w &* 8)) & 63)) & 1 == 0 {
            return false
        }
        return true
    }

    func mayContainAny(_ hashes: UnsafePointer<UInt64>, count: Int) -> Bool {
        for i in 0..<count where mayContain(hashes[i]) { return true }
        return false
    }

    // MARK: Sidecar

    private static let magic: UInt32 = 0x4642_4D54
    private static let headerBytes = 24

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: BloomFilter.headerBytes + words.count * 8)
        words.withUnsafeBytes { body in
            writer.u32(BloomFilter.magic)
            writer.u32(1)
            writer.u64(UInt64(blockCount))
            writer.u32(CRC32C.checksum(body))
            writer.u32(0)
            writer.raw(body)
        }
        return writer.bytes
    }

    init(decoding bytes: [UInt8], file: String) throws(TidemillError) {
        var reader = ByteReader(bytes, file: file)
        guard try reader.u32() == BloomFilter.magic else { throw reader.corruption("not a bloom filter file") }
        let version = try reader.u32()
        guard version == 1 else { throw reader.corruption("unknown bloom filter version \(version)") }
        let blocks = try reader.u64()
        let crc = try reader.u32()
        _ = try reader.u32()
        guard blocks > 0, blocks <= UInt64(reader.remaining / 64), reader.remaining == Int(blocks) * 64 else {
            throw reader.corruption("bloom filter has \(reader.remaining) bytes for \(blocks) blocks")
        }
        let body = try reader.take(reader.remaining)
        guard CRC32C.checksum(body) == crc else { throw reader.corruption("bloom filter checksum differs") }
        words = [UInt64](unsafeUninitializedCapacity: body.count / 8) { target, count in
            UnsafeMutableRawBufferPointer(target).copyBytes(from: body)
            count = body.count / 8
        }
    }
}
