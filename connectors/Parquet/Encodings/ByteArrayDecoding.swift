import Glibc
import TideColumns

/// Byte arrays of one page as views: long ones point into `bytes`, which become buffer `bufferIndex` of a heap.
///
/// Unsafe: `base` lies in a `Buffer`, so 12 bytes may be loaded at any position up to its end.
@inline(__always)
func viewOfBytes(_ base: UnsafeRawPointer, offset: Int, length: Int, bufferIndex: Int) -> StringView {
    length <= StringView.inlineBytesMax
        ? StringView(inlineLoading: base + offset, length: length)
        : StringView(bytes: base + offset, length: length, bufferIndex: bufferIndex, offset: offset)
}

/// PLAIN: a 4-byte length before each value. `base` is the buffer's start, values lie in `start..<end`. Returns
/// whether any view is long, or nil if the values do not fit the bytes.
@inline(never)
func decodePlainByteArrays(
    _ base: UnsafeRawPointer, start: Int, end: Int, bufferIndex: Int, into out: UnsafeMutablePointer<StringView>,
    count: Int
) -> Bool? {
    var position = start
    var longest = 0
    for i in 0..<count {
        guard end &- position >= 4 else { return nil }
        let length = Int(UInt32(littleEndian: (base + position).loadUnaligned(as: UInt32.self)))
        position &+= 4
        guard length <= end &- position else { return nil }
        out[i] = viewOfBytes(base, offset: position, length: length, bufferIndex: bufferIndex)
        longest = max(longest, length)
        position &+= length
    }
    return longest > StringView.inlineBytesMax
}

/// DELTA_LENGTH_BYTE_ARRAY: lengths as deltas, then all bytes. `lengths` has room for `count`.
func decodeDeltaLengthByteArrays(
    _ base: UnsafeRawPointer, start: Int, end: Int, bufferIndex: Int, lengths: UnsafeMutablePointer<Int64>,
    into out: UnsafeMutablePointer<StringView>, count: Int
) -> Bool? {
    guard let used = decodeDelta(base + start, end - start, into: lengths, count: count) else { return nil }
    var position = start + used
    var longest = 0
    for i in 0..<count {
        guard let length = Int(exactly: lengths[i]), length >= 0, length <= end - position else { return nil }
        out[i] = viewOfBytes(base, offset: position, length: length, bufferIndex: bufferIndex)
        longest = max(longest, length)
        position += length
    }
    return longest > StringView.inlineBytesMax
}

/// DELTA_BYTE_ARRAY: lengths of the prefix shared with the value before, then the suffixes as
/// DELTA_LENGTH_BYTE_ARRAY. The values are put together in a buffer of their own.
///
/// Returns nil if the bytes are malformed, or if the values together would not fit `bytesMax` (a few bytes can claim
/// quadratically many).
func decodeDeltaByteArrays(
    _ base: UnsafeRawPointer, start: Int, end: Int, bufferIndex: Int, bytesMax: Int,
    into out: UnsafeMutablePointer<StringView>, count: Int
) -> (buffer: Buffer, hasLong: Bool)? {
    let lengths = Buffer(byteCount: count * 16)
    let prefixes = lengths.pointer(Int64.self)
    let suffixes = prefixes + count
    guard let usedByPrefixes = decodeDelta(base + start, end - start, into: prefixes, count: count) else { return nil }
    let suffixStart = start + usedByPrefixes
    guard let usedBySuffixes = decodeDelta(base + suffixStart, end - suffixStart, into: suffixes, count: count)
    else { return nil }
    var available = end - suffixStart - usedBySuffixes
    var total = 0
    var previous = 0
    for i in 0..<count {
        guard let prefix = Int(exactly: prefixes[i]), let suffix = Int(exactly: suffixes[i]), prefix >= 0, suffix >= 0,
            prefix <= previous, suffix <= available
        else { return nil }
        available -= suffix
        previous = prefix + suffix
        total += previous
        guard total <= bytesMax else { return nil }
    }
    let buffer = Buffer(byteCount: total)
    var source = suffixStart + usedBySuffixes
    var target = 0
    var last = 0
    var longest = 0
    for i in 0..<count {
        let prefix = Int(prefixes[i])
        let suffix = Int(suffixes[i])
        memcpy(buffer.base + target, buffer.base + last, prefix)
        memcpy(buffer.base + target + prefix, base + source, suffix)
        source += suffix
        last = target
        target += prefix + suffix
        longest = max(longest, prefix + suffix)
    }
    target = 0
    for i in 0..<count {
        let length = Int(prefixes[i] + suffixes[i])
        out[i] = viewOfBytes(UnsafeRawPointer(buffer.base), offset: target, length: length, bufferIndex: bufferIndex)
        target += length
    }
    return (buffer, longest > StringView.inlineBytesMax)
}
