import TideColumns

/// DELTA_BINARY_PACKED (parquet-format Encodings.md): a header (block size, miniblocks per block, total count, first
/// value), then blocks of a minimum delta, a bit width per miniblock, and the miniblocks' packed deltas.
///
/// Decodes exactly `count` values with wrapping 64-bit arithmetic (an INT32 column keeps the low half) and returns the
/// number of bytes used, or nil if the bytes are something else. Unsafe as `decodeHybrid`.
func decodeDelta(
    _ base: UnsafeRawPointer, _ byteCount: Int, into out: UnsafeMutablePointer<Int64>, count: Int
) -> Int? {
    var position = 0
    func varint() -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < byteCount && shift <= 63 {
            let byte = base.load(fromByteOffset: position, as: UInt8.self)
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
        return nil
    }
    func zigzag() -> Int64? {
        guard let value = varint() else { return nil }
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }
    guard let blockSize = varint(), let miniblocks = varint(), let total = varint(), let first = zigzag(),
        blockSize > 0, blockSize <= 1 << 24, miniblocks > 0, blockSize % (miniblocks * 8) == 0, total == UInt64(count)
    else { return nil }
    if count == 0 { return position }
    let perMiniblock = Int(blockSize / miniblocks)
    var value = first
    out[0] = value
    var done = 1
    while done < count {
        guard let minDelta = zigzag() else { return nil }
        let widths = base + position
        guard Int(miniblocks) <= byteCount - position else { return nil }
        position += Int(miniblocks)
        var miniblock = 0
        while miniblock < Int(miniblocks) && done < count {
            let width = Int(widths.load(fromByteOffset: miniblock, as: UInt8.self))
            let taken = min(perMiniblock, count - done)
            guard width <= 64, (taken * width + 7) / 8 <= byteCount - position else { return nil }
            let packed = base + position
            if width == 0 {
                for i in 0..<taken {
                    value &+= minDelta
                    out[done + i] = value
                }
            } else {
                for i in 0..<taken {
                    let delta = unpacked64(packed, bit: i &* width, bitWidth: width)
                    value = value &+ minDelta &+ Int64(bitPattern: delta)
                    out[done + i] = value
                }
            }
            position += min(perMiniblock * width / 8, byteCount - position)
            done += taken
            miniblock += 1
        }
    }
    return position
}

/// BYTE_STREAM_SPLIT: byte k of all values, for k = 0, 1, …. `out` takes `count` values of `width` bytes.
func decodeByteStreamSplit(_ base: UnsafeRawPointer, width: Int, into out: UnsafeMutableRawPointer, count: Int) {
    for k in 0..<width {
        let stream = base + k * count
        for i in 0..<count {
            let byte = stream.load(fromByteOffset: i, as: UInt8.self)
            out.storeBytes(of: byte, toByteOffset: i &* width &+ k, as: UInt8.self)
        }
    }
}
