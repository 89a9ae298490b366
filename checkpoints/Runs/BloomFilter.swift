import TideColumns

/// A split-block bloom filter over 64-bit hashes (Putze, Sanders, Singler 2007; the layout is Parquet's): blocks of
/// eight 32-bit words, one bit per word and hash, so a look-up touches one cache line. At 10 bits per hash about 1.3 %
/// of absent hashes pass.
struct BloomFilter: Sendable {
    static let bitsPerHash = 10
    static let blockBytes = 32

    private(set) var words: [UInt32]
    private var blocks: UInt64 { UInt64(words.count / 8) }

    /// An empty filter for this many hashes, of a size that can be halved.
    init(expecting hashes: Int) {
        let blocks = BloomFilter.blockCount(hashes)
        words = [UInt32](repeating: 0, count: (blocks < 64 ? blocks : (blocks + 15) / 16 * 16) * 8)
    }
    init(hashes: [UInt64]) {
        self.init(expecting: hashes.count)
        for hash in hashes { insert(hash) }
    }

    private static func blockCount(_ hashes: Int) -> Int { max(1, (hashes * bitsPerHash + 255) / 256) }

    mutating func insert(_ hash: UInt64) {
        let start = block(hash)
        words.withUnsafeMutableBufferPointer { words in
            for i in 0..<8 { words[start + i] |= BloomFilter.bit(hash, i) }
        }
    }

    /// Halves a filter that was made for more hashes than came, as often as it stays large enough. Two neighbouring
    /// blocks become one: a hash's block in the half-sized filter is its block here, halved.
    mutating func shrink(to hashes: Int) {
        let wanted = BloomFilter.blockCount(hashes)
        while words.count / 8 % 2 == 0 && words.count / 16 >= wanted {
            let half = words.count / 16
            for block in 0..<half {
                for i in 0..<8 { words[block * 8 + i] = words[block * 16 + i] | words[block * 16 + 8 + i] }
            }
            words.removeLast(half * 8)
        }
    }

    /// nil unless the bytes are a whole number of blocks, at least one.
    init?(bytes: [UInt8]) {
        guard bytes.count >= BloomFilter.blockBytes, bytes.count % BloomFilter.blockBytes == 0 else { return nil }
        // Little-endian on every machine this runs on, as the words are in memory.
        words = [UInt32](unsafeUninitializedCapacity: bytes.count / 4) { buffer, count in
            UnsafeMutableRawBufferPointer(buffer).copyBytes(from: bytes)
            count = bytes.count / 4
        }
    }

    var bytes: [UInt8] { words.withUnsafeBytes { Array($0) } }
    var byteCount: Int { words.count * 4 }

    func mayContain(_ hash: UInt64) -> Bool {
        let start = block(hash)
        return words.withUnsafeBufferPointer { words in
            var missing: UInt32 = 0
            for i in 0..<8 {
                let bit = BloomFilter.bit(hash, i)
                missing |= bit & ~words[start + i]
            }
            return missing == 0
        }
    }

    private func block(_ hash: UInt64) -> Int { Int(((hash >> 32) &* blocks) >> 32) * 8 }

    @inline(__always) private static func bit(_ hash: UInt64, _ i: Int) -> UInt32 {
        1 &<< ((UInt32(truncatingIfNeeded: hash) &* salts[i]) &>> 27)
    }
    private static let salts = SIMD8<UInt32>(
        0x47B6_137B, 0x4497_4D91, 0x8824_AD5B, 0xA2B7_289D, 0x7054_95C7, 0x2DF1_424B, 0x9EFC_4947, 0x5C6B_FB31)
}
