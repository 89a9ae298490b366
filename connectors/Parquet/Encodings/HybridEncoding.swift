import TideColumns

/// Appends `count` values of at most `bitWidth` bits in the RLE / bit-packing hybrid. Runs of at least 8 equal values
/// become RLE runs; the rest is packed in groups of 8. Only the last group may be padded.
///
/// Unsafe: raw loops; room is reserved for the largest result first.
@inline(never)
func encodeHybrid(_ values: UnsafePointer<UInt32>, count: Int, bitWidth: Int, to out: OutputBytes) {
    var start = 0  // first value not written yet; everything from here to `i` will be packed
    var i = 0
    while i < count {
        let run = runLength(values, i, count)
        if run >= 8 {
            packGroups(values + start, count: i - start, bitWidth: bitWidth, to: out)
            appendVarint(UInt64(run) << 1, to: out)
            let value = values[i]
            for k in 0..<((bitWidth + 7) / 8) {
                out.append(littleEndian: UInt8(truncatingIfNeeded: value >> UInt32(8 * k)))
            }
            i += run
            start = i
        } else {
            // Whole groups, so that a packed run ends on a group border wherever the next RLE run starts.
            i = min(i + 8, count)
        }
    }
    packGroups(values + start, count: count - start, bitWidth: bitWidth, to: out)
}

@inline(__always)
private func runLength(_ values: UnsafePointer<UInt32>, _ start: Int, _ count: Int) -> Int {
    // Most places are no run: look at its last value first.
    guard start &+ 8 <= count, values[start] == values[start &+ 7] else { return 0 }
    let value = values[start]
    var end = start &+ 1
    while end < count && values[end] == value { end &+= 1 }
    return end &- start
}

private func packGroups(_ values: UnsafePointer<UInt32>, count: Int, bitWidth: Int, to out: OutputBytes) {
    if count == 0 { return }
    let groups = (count + 7) / 8
    appendVarint(UInt64(groups) << 1 | 1, to: out)
    let byteCount = groups * bitWidth
    let target = out.reserve(byteCount + 16)
    var word: UInt64 = 0
    var filled = 0
    var position = 0
    for i in 0..<count {
        word |= UInt64(values[i]) &<< UInt64(truncatingIfNeeded: filled)
        filled &+= bitWidth
        if filled >= 32 {
            let low = UInt32(truncatingIfNeeded: word).littleEndian
            target.storeBytes(of: low, toByteOffset: position, as: UInt32.self)
            position &+= 4
            word &>>= 32
            filled &-= 32
        }
    }
    // The padding of the last group is zero.
    target.storeBytes(of: word.littleEndian, toByteOffset: position, as: UInt64.self)
    let written = position + 8
    for k in written..<max(written, byteCount) { target.storeBytes(of: 0, toByteOffset: k, as: UInt8.self) }
    out.advance(byteCount)
}

/// Appends the definition levels of rows `start..<start + count`: one bit each, in the hybrid, after their byte length.
func encodeLevels(_ validity: Bitmap?, start: Int, count: Int, present: Int, to out: OutputBytes) {
    let lengthOffset = out.count
    out.append(littleEndian: UInt32(0))
    if let validity, present > 0, present < count {
        let groups = (count + 7) / 8
        appendVarint(UInt64(groups) << 1 | 1, to: out)
        let target = out.reserve(groups + 8)
        for word in 0..<((count + 63) / 64) {
            let bits = validity.bits(at: start + word * 64, count: min(64, count - word * 64))
            target.storeBytes(of: bits.littleEndian, toByteOffset: word * 8, as: UInt64.self)
        }
        out.advance(groups)
    } else {
        appendVarint(UInt64(count) << 1, to: out)
        out.append(littleEndian: UInt8(present > 0 ? 1 : 0))
    }
    let length = UInt32(out.count - lengthOffset - 4)
    out.base.storeBytes(of: length.littleEndian, toByteOffset: lengthOffset, as: UInt32.self)
}

/// Appends the levels of some entries of a nested leaf after their byte length; nothing if they can only be 0.
func encodeLevels(_ levels: [UInt8], max: Int, _ start: Int, _ count: Int, to out: OutputBytes) {
    if max == 0 { return }
    let lengthOffset = out.count
    out.append(littleEndian: UInt32(0))
    let wide = Buffer(byteCount: count * 4)
    let values = wide.pointer(UInt32.self)
    for i in 0..<count { values[i] = UInt32(levels[start + i]) }
    encodeHybrid(UnsafePointer(values), count: count, bitWidth: LeafLevels.bitWidth(max), to: out)
    withExtendedLifetime(wide) {}
    let length = UInt32(out.count - lengthOffset - 4)
    out.base.storeBytes(of: length.littleEndian, toByteOffset: lengthOffset, as: UInt32.self)
}

private func appendVarint(_ value: UInt64, to out: OutputBytes) {
    var rest = value
    while rest >= 0x80 {
        out.append(littleEndian: UInt8(truncatingIfNeeded: rest) | 0x80)
        rest >>= 7
    }
    out.append(littleEndian: UInt8(rest))
}
