import TideColumns

/// A split-block bloom filter over 64-bit hashes (Putze, Sanders, Singler 2007; the layout is Parquet's): blocks of
/// eight 32-bit words, one bit per word and hash, so a look-up touches one cache line. At 10 bits per hash about 1.3 %
/// of absent hashes pass.
struct BloomFilter: Sendable {
    static let bitsPerHash = 10
    static let blockBytes = 32

    private(set) var words: [UInt32]
    private var blocks: UInt64 { UInt64(words.count / 8) }

    init(hashes: [UInt64]) {
        let blocks = max(1, (hashes.count * BloomFilter.bitsPerHash + 255) / 256)
        words = [UInt32](repeating: 0, count: blocks * 8)
        for hash in hashes {
            let start = block(hash)
            for i in 0..<8 { words[start + i] |= BloomFilter.bit(hash, i) }
        }
    }

    /// nil unless the bytes are a whole number of blocks, at least one.
    init?(bytes: [UInt8]) {
        guard bytes.count >= BloomFilter.blockBytes, bytes.count % BloomFilter.blockBytes == 0 else { return nil }
        words = bytes.withUnsafeBytes { raw in
            (0..<(bytes.count / 4)).map {
                UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self))
            }
        }
    }

    var bytes: [UInt8] {
        var writer = ByteWriter(capacity: words.count * 4)
        for word in words { writer.u32(word) }
        return writer.bytes
    }

    func mayContain(_ hash: UInt64) -> Bool {
        let start = block(hash)
        var missing: UInt32 = 0
        for i in 0..<8 {
            let bit = BloomFilter.bit(hash, i)
            missing |= bit & ~words[start + i]
        }
        return missing == 0
    }

    private func block(_ hash: UInt64) -> Int { Int(((hash >> 32) &* blocks) >> 32) * 8 }

    private static func bit(_ hash: UInt64, _ i: Int) -> UInt32 {
        1 << ((UInt32(truncatingIfNeeded: hash) &* salt[i]) >> 27)
    }
    private static let salt: [UInt32] = [
        0x47B6_137B, 0x4497_4D91, 0x8824_AD5B, 0xA2B7_289D, 0x7054_95C7, 0x2DF1_424B, 0x9EFC_4947, 0x5C6B_FB31,
    ]
}
