/// trim, ltrim, rtrim, btrim.
enum Trimming {
    enum Side: Sendable { case both, leading, trailing }

    /// Spaces only, as Spark trims. Inline values are handled as one 96-bit number: no loop over characters.
    static func spaces(_ operand: Datum, _ call: KernelCall, _ side: Side) -> Column {
        let count = call.rowCount
        let buffer = Buffer(byteCount: count * MemoryLayout<StringView>.stride)
        let out = buffer.pointer(StringView.self)
        let views = operand.column.views
        let hasLong = inlineSpaces(views, out, count, leading: side != .trailing, trailing: side != .leading)
        if !hasLong { return Column(type: call.resultType, count: count, values: buffer) }
        let bases = operand.column.heap.bases
        for row in 0..<count where !views[row].isInline {
            let bytes = stringBytes(views, row, bases)
            var low = 0
            var high = bytes.count
            if side != .trailing { while low < high && bytes[low] == 0x20 { low += 1 } }
            if side != .leading { while high > low && bytes[high - 1] == 0x20 { high -= 1 } }
            out[row] =
                low == high
                ? .empty : sliceView(views[row], bytes.baseAddress!, ByteSlice(start: low, count: high - low))
        }
        return Column(type: call.resultType, count: count, values: buffer, heap: operand.column.heap)
    }

    /// True if some value is long (its result is garbage then).
    @inline(never)
    private static func inlineSpaces(
        _ views: UnsafePointer<StringView>, _ out: UnsafeMutablePointer<StringView>, _ count: Int, leading: Bool,
        trailing: Bool
    ) -> Bool {
        var longest: UInt64 = 0
        let blanks: UInt64 = 0x2020_2020_2020_2020
        for row in 0..<count {
            let view = views[row]
            let length = view.low & 0xFFFF_FFFF
            longest |= length > 12 ? 1 : 0
            // Most values have nothing to trim: the first byte, and the last one, tell.
            let first = UInt8(truncatingIfNeeded: view.low >> 32)
            let lastIndex = length &- 1
            let lastWord = lastIndex < 4 ? view.low >> 32 : view.high
            let last = UInt8(truncatingIfNeeded: lastWord >> (((lastIndex < 4 ? lastIndex : lastIndex &- 4) & 7) &* 8))
            if !((leading && first == 0x20) || (trailing && last == 0x20)) || length > 12 {
                out[row] = view
                continue
            }
            let prefix = view.low >> 32
            let text = UInt128(prefix) | (UInt128(view.high) << 32)
            let spaces = UInt128(blanks & 0xFFFF_FFFF) | (UInt128(blanks) << 32)
            let bits = length &* 8
            let mask = (UInt128(1) &<< UInt128(bits)) &- 1
            // Non-zero bytes of `rest` are those that are no spaces.
            let rest = (text ^ spaces) & mask
            var start: UInt64 = 0
            var end = length
            if rest == 0 {
                end = 0
            } else {
                if leading { start = UInt64(rest.trailingZeroBitCount) >> 3 }
                if trailing { end = 16 &- (UInt64(rest.leadingZeroBitCount) >> 3) }
            }
            let size = end &- start
            let kept = (text &>> UInt128(start &* 8)) & ((UInt128(1) &<< UInt128(size &* 8)) &- 1)
            out[row] = StringView(
                low: size | (UInt64(truncatingIfNeeded: kept) << 32), high: UInt64(truncatingIfNeeded: kept >> 32))
        }
        return longest != 0
    }

    /// Any of the given characters.
    static func characters(_ o: [Datum], _ call: KernelCall, _ side: Side) -> Column {
        let sets = Strings(o[1])
        return sliced(o[0], call) { row, bytes in
            let set = sets.bytes(row)
            if !UTF8Text.isASCII(set) { return unicode(bytes, set, side) }
            var low = 0
            var high = bytes.count
            if side != .trailing { while low < high && set.contains(bytes[low]) { low += 1 } }
            if side != .leading { while high > low && set.contains(bytes[high - 1]) { high -= 1 } }
            return ByteSlice(start: low, count: high - low)
        }
    }

    @inline(never)
    private static func unicode(
        _ bytes: UnsafeRawBufferPointer, _ set: UnsafeRawBufferPointer, _ side: Side
    ) -> ByteSlice {
        let trimmed = Set(String(decoding: set, as: UTF8.self).unicodeScalars)
        var low = 0
        var high = bytes.count
        func scalar(_ start: Int, _ end: Int) -> UnicodeScalar? {
            String(decoding: UnsafeRawBufferPointer(rebasing: bytes[start..<end]), as: UTF8.self).unicodeScalars.first
        }
        if side != .trailing {
            while low < high {
                let next = min(low + UTF8Text.length(bytes[low]), high)
                guard let found = scalar(low, next), trimmed.contains(found) else { break }
                low = next
            }
        }
        if side != .leading {
            while high > low {
                var start = high - 1
                while start > low && bytes[start] & 0xC0 == 0x80 { start -= 1 }
                guard let found = scalar(start, high), trimmed.contains(found) else { break }
                high = start
            }
        }
        return ByteSlice(start: low, count: high - low)
    }
}
