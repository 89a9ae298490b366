/// 64-bit xxHash with a seed, as Spark's `xxhash64` applies it to values: integers by their 4 or 8 bytes, texts by
/// their bytes. Source: the XXH64 specification.
enum SeededHash {
    static let seed: UInt64 = 42
    private static let p1: UInt64 = 0x9E37_79B1_85EB_CA87
    private static let p2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    private static let p3: UInt64 = 0x1656_67B1_9E37_79F9
    private static let p4: UInt64 = 0x85EB_CA77_C2B2_AE63
    private static let p5: UInt64 = 0x27D4_EB2F_1656_67C5

    @inline(__always) private static func rotated(_ x: UInt64, _ bits: UInt64) -> UInt64 {
        x &<< bits | x &>> (64 - bits)
    }
    @inline(__always) private static func finished(_ hash: UInt64) -> UInt64 {
        var h = hash
        h = (h ^ h &>> 33) &* p2
        h = (h ^ h &>> 29) &* p3
        return h ^ h &>> 32
    }
    @inline(__always) private static func round(_ lane: UInt64, _ word: UInt64) -> UInt64 {
        rotated(lane &+ word &* p2, 31) &* p1
    }
    @inline(__always) private static func mixed(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        rotated(hash ^ round(0, word), 27) &* p1 &+ p4
    }
    @inline(__always) private static func mixed(_ hash: UInt64, half: UInt32) -> UInt64 {
        rotated(hash ^ UInt64(half) &* p1, 23) &* p2 &+ p3
    }

    @inline(__always) static func hash(_ value: Int32) -> UInt64 {
        finished(mixed(seed &+ p5 &+ 4, half: UInt32(bitPattern: value)))
    }
    @inline(__always) static func hash(_ value: Int64) -> UInt64 {
        finished(mixed(seed &+ p5 &+ 8, UInt64(bitPattern: value)))
    }
    /// Zeroes are one value, and NaNs are.
    @inline(__always) static func hash(_ value: Float) -> UInt64 {
        hash(Int32(bitPattern: value == 0 ? 0 : value.isNaN ? 0x7FC0_0000 : value.bitPattern))
    }
    @inline(__always) static func hash(_ value: Double) -> UInt64 {
        hash(Int64(bitPattern: value == 0 ? 0 : value.isNaN ? 0x7FF8_0000_0000_0000 : value.bitPattern))
    }
    /// An unscaled decimal of more than 18 digits: its shortest two's complement, big endian.
    static func hash(wide value: Int128) -> UInt64 {
        withUnsafeBytes(of: value.bigEndian) { bytes in
            var start = 0
            let fill: UInt8 = value < 0 ? 0xFF : 0
            while start < 15, bytes[start] == fill, (bytes[start + 1] ^ fill) & 0x80 == 0 { start += 1 }
            return hash(UnsafeRawBufferPointer(rebasing: bytes[start...]))
        }
    }

    static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        func word(_ at: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
        }
        var at = 0
        var hash = seed &+ p5
        if bytes.count >= 32 {
            var lanes = (seed &+ p1 &+ p2, seed &+ p2, seed, seed &- p1)
            while at + 32 <= bytes.count {
                lanes.0 = round(lanes.0, word(at))
                lanes.1 = round(lanes.1, word(at + 8))
                lanes.2 = round(lanes.2, word(at + 16))
                lanes.3 = round(lanes.3, word(at + 24))
                at += 32
            }
            hash = rotated(lanes.0, 1) &+ rotated(lanes.1, 7) &+ rotated(lanes.2, 12) &+ rotated(lanes.3, 18)
            for lane in [lanes.0, lanes.1, lanes.2, lanes.3] { hash = (hash ^ round(0, lane)) &* p1 &+ p4 }
        }
        hash = hash &+ UInt64(bytes.count)
        while at + 8 <= bytes.count {
            hash = mixed(hash, word(at))
            at += 8
        }
        if at + 4 <= bytes.count {
            let half = bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)
            hash = mixed(hash, half: UInt32(littleEndian: half))
            at += 4
        }
        while at < bytes.count {
            hash = rotated(hash ^ UInt64(bytes[at]) &* p5, 11) &* p1
            at += 1
        }
        return finished(hash)
    }
}
