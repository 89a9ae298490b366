import TideColumns

// The RLE / bit-packing hybrid (parquet-format Encodings.md): runs of a varint header, then either one repeated value
// (header even, count = header >> 1) or groups of 8 bit-packed values (header odd, groups = header >> 1).
//
// Unsafe: loops over raw pages. Callers pass the exact byte count of the encoded data, which lies in a `Buffer`: its
// padding makes the 8-byte loads past the end of the last value safe.

/// A cursor over runs; the two decoders below differ only in what they do with a run.
private struct HybridRuns {
    let base: UnsafeRawPointer
    let end: Int
    var position = 0

    /// Header of the next run, or nil if the bytes end.
    mutating func header() -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < end && shift <= 35 {
            let byte = base.load(fromByteOffset: position, as: UInt8.self)
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
        return nil
    }

    /// Start of the packed bytes of a run of which `taken` values are used, or nil if they are not all there. Some
    /// writers cut the last group short.
    mutating func packed(groups: Int, bitWidth: Int, taken: Int) -> UnsafeRawPointer? {
        guard (taken * bitWidth + 7) / 8 <= end - position else { return nil }
        defer { position += min(groups * bitWidth, end - position) }
        return base + position
    }

    mutating func repeated(bitWidth: Int) -> UInt32? {
        let bytes = (bitWidth + 7) / 8
        guard bytes <= end - position else { return nil }
        var value: UInt32 = 0
        for i in 0..<bytes { value |= UInt32(base.load(fromByteOffset: position + i, as: UInt8.self)) << UInt32(8 * i) }
        position += bytes
        return value
    }
}

/// Decodes `count` values of at most 32 bits. False if the bytes do not hold that many.
func decodeHybrid(
    _ base: UnsafeRawPointer, _ byteCount: Int, bitWidth: Int, into out: UnsafeMutablePointer<UInt32>, count: Int
) -> Bool {
    precondition(bitWidth >= 0 && bitWidth <= 32)
    var runs = HybridRuns(base: base, end: byteCount)
    var done = 0
    while done < count {
        guard let header = runs.header() else { return false }
        let length = Int(header >> 1)
        if header & 1 == 0 {
            guard let value = runs.repeated(bitWidth: bitWidth) else { return false }
            let taken = min(length, count - done)
            (out + done).update(repeating: value, count: taken)
            done += taken
        } else {
            let taken = min(length * 8, count - done)
            guard let packed = runs.packed(groups: length, bitWidth: bitWidth, taken: taken) else { return false }
            unpack32(packed, bitWidth: bitWidth, into: out + done, count: taken)
            done += taken
        }
    }
    return true
}

/// Decodes `count` one-bit values into bits `start...` of `words`, which are zero there. Returns the number of ones, or
/// nil if the bytes do not hold that many values or hold something other than bits.
func decodeHybridBits(
    _ base: UnsafeRawPointer, _ byteCount: Int, into words: UnsafeMutablePointer<UInt64>, at start: Int, count: Int
) -> Int? {
    var runs = HybridRuns(base: base, end: byteCount)
    var done = 0
    var ones = 0
    while done < count {
        guard let header = runs.header() else { return nil }
        let length = Int(header >> 1)
        if header & 1 == 0 {
            guard let value = runs.repeated(bitWidth: 1), value <= 1 else { return nil }
            let taken = min(length, count - done)
            if value == 1 {
                setBits(words, from: start + done, count: taken)
                ones += taken
            }
            done += taken
        } else {
            let taken = min(length * 8, count - done)
            guard let packed = runs.packed(groups: length, bitWidth: 1, taken: taken) else { return nil }
            ones += orBits(packed, into: words, at: start + done, count: taken)
            done += taken
        }
    }
    return ones
}

/// Unpacks `count` little-endian values of `bitWidth` ≤ 32 bits.
@inline(never)
func unpack32(_ packed: UnsafeRawPointer, bitWidth: Int, into out: UnsafeMutablePointer<UInt32>, count: Int) {
    if bitWidth == 0 {
        out.update(repeating: 0, count: count)
        return
    }
    let mask: UInt64 = (1 << UInt64(bitWidth)) &- 1
    var bit = 0
    for i in 0..<count {
        // At most 7 + 32 bits are wanted of the 64.
        let word = UInt64(littleEndian: (packed + (bit >> 3)).loadUnaligned(as: UInt64.self))
        out[i] = UInt32(truncatingIfNeeded: (word &>> UInt64(truncatingIfNeeded: bit & 7)) & mask)
        bit &+= bitWidth
    }
}

/// One little-endian value of `bitWidth` ≤ 64 bits at bit `bit`.
@inline(__always)
func unpacked64(_ packed: UnsafeRawPointer, bit: Int, bitWidth: Int) -> UInt64 {
    let shift = UInt64(bit & 7)
    let low = UInt64(littleEndian: (packed + (bit >> 3)).loadUnaligned(as: UInt64.self))
    var value = low >> shift
    if bitWidth + (bit & 7) > 64 {
        let high = UInt64((packed + (bit >> 3) + 8).load(as: UInt8.self))
        value |= high << (64 - shift)
    }
    return bitWidth == 64 ? value : value & ((1 << UInt64(bitWidth)) &- 1)
}

/// Sets bits `start..<start + count`.
func setBits(_ words: UnsafeMutablePointer<UInt64>, from start: Int, count: Int) {
    var bit = start
    let end = start + count
    while bit < end {
        let inWord = bit & 63
        let taken = min(64 - inWord, end - bit)
        let mask: UInt64 = taken == 64 ? ~0 : ((1 << UInt64(taken)) &- 1)
        words[bit >> 6] |= mask << UInt64(inWord)
        bit += taken
    }
}

/// ORs `count` bits, least significant first, into bits `start...` of `words`; returns how many are ones. Up to 8 bytes
/// past the last bit are loaded.
@discardableResult
func orBits(_ source: UnsafeRawPointer, into words: UnsafeMutablePointer<UInt64>, at start: Int, count: Int) -> Int {
    var done = 0
    var ones = 0
    while done < count {
        let taken = min(64, count - done)
        var word = UInt64(littleEndian: (source + (done >> 3)).loadUnaligned(as: UInt64.self))
        if taken < 64 { word &= (1 << UInt64(taken)) &- 1 }
        ones += word.nonzeroBitCount
        let target = start + done
        let shift = UInt64(target & 63)
        words[target >> 6] |= word << shift
        // The upper part may fall past the last word only if it is empty.
        if shift != 0, word >> (64 - shift) != 0 { words[(target >> 6) + 1] |= word >> (64 - shift) }
        done += taken
    }
    return ones
}

/// The deprecated BIT_PACKED levels: one bit each, most significant first, no header.
func decodeLegacyBits(
    _ base: UnsafeRawPointer, _ byteCount: Int, into words: UnsafeMutablePointer<UInt64>, at start: Int, count: Int
) -> Int? {
    guard (count + 7) / 8 <= byteCount else { return nil }
    var ones = 0
    for i in 0..<count where base.load(fromByteOffset: i >> 3, as: UInt8.self) >> UInt8(7 - (i & 7)) & 1 != 0 {
        words[(start + i) >> 6] |= 1 << UInt64((start + i) & 63)
        ones += 1
    }
    return ones
}
