import Glibc

// Results that are parts of their argument's text: long ones keep pointing into the argument's heap, short ones become
// inline. Nothing is allocated per row.

/// A byte range of a text.
struct ByteSlice {
    var start: Int
    var count: Int
}

/// The view of a part of a value. `bytes` is where the value of `view` lies.
@inline(__always)
func sliceView(_ view: StringView, _ bytes: UnsafeRawPointer, _ slice: ByteSlice) -> StringView {
    if slice.count <= StringView.inlineBytesMax {
        // Twelve bytes are readable: the value lies in a views or heap buffer, and buffers are padded by 64.
        return StringView(inlineLoading: bytes + slice.start, length: slice.count)
    }
    // Longer than 12 bytes, so the value itself is long and lies in the heap.
    return StringView(
        bytes: bytes + slice.start, length: slice.count, bufferIndex: view.bufferIndex,
        offset: view.offset + slice.start)
}

/// One slice of the operand per row. `rule` gets the row and its bytes and must stay inside them.
@inline(__always)
func sliced(
    _ operand: Datum, _ call: KernelCall, _ rule: (Int, UnsafeRawBufferPointer) -> ByteSlice
) -> Column {
    let source = Strings(operand)
    let buffer = Buffer(byteCount: call.rowCount * MemoryLayout<StringView>.stride)
    let out = buffer.pointer(StringView.self)
    for row in 0..<call.rowCount {
        let bytes = source.bytes(row)
        let slice = rule(row, bytes)
        // An empty range of an empty value has no address.
        out[row] =
            slice.count == 0
            ? .empty : sliceView(source.views[row &* source.step], bytes.baseAddress!, slice)
    }
    return Column(type: call.resultType, count: call.rowCount, values: buffer, heap: operand.column.heap)
}

/// Integer operand of a string function; a constant has step 0.
struct Ints {
    let values: UnsafePointer<Int32>
    let step: Int
    init(_ datum: Datum) {
        values = datum.column.pointer()
        step = datum.step
    }
    @inline(__always) subscript(row: Int) -> Int { Int(values[row &* step]) }
}

/// Characters of a value: two population counts for an inline one.
@inline(__always)
func characterCount(_ strings: Strings, _ row: Int) -> Int {
    let view = strings.views[row &* strings.step]
    guard view.isInline else { return UTF8Text.characterCount(strings.bytes(row)) }
    // Bytes with bit 7 set and bit 6 clear continue a character; the length bytes, below 13, never look like that.
    let low = view.low & ~(view.low << 1) & 0x8080_8080_8080_8080
    let high = view.high & ~(view.high << 1) & 0x8080_8080_8080_8080
    return view.length &- low.nonzeroBitCount &- high.nonzeroBitCount
}

/// Counting and finding characters in UTF-8. Malformed bytes count as the characters their first bytes announce.
enum UTF8Text {
    /// Bytes that are no continuation bytes.
    @inline(__always) static func characterCount(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let base = bytes.baseAddress else { return 0 }
        var continuations = 0
        var i = 0
        while i &+ 8 <= bytes.count {
            let word = (base + i).loadUnaligned(as: UInt64.self)
            // Bit 7 set and bit 6 clear.
            continuations &+= (word & ~(word << 1) & 0x8080_8080_8080_8080).nonzeroBitCount
            i &+= 8
        }
        while i < bytes.count {
            continuations &+= bytes[i] & 0xC0 == 0x80 ? 1 : 0
            i &+= 1
        }
        return bytes.count &- continuations
    }

    @inline(__always) static func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress else { return true }
        var high: UInt64 = 0
        var i = 0
        while i &+ 8 <= bytes.count {
            high |= (base + i).loadUnaligned(as: UInt64.self)
            i &+= 8
        }
        while i < bytes.count {
            high |= UInt64(bytes[i])
            i &+= 1
        }
        return high & 0x8080_8080_8080_8080 == 0
    }

    /// Byte offset of character `index` (the end if there are fewer), from byte `start`.
    static func offset(ofCharacter index: Int, in bytes: UnsafeRawBufferPointer, from start: Int = 0) -> Int {
        var i = start
        var left = index
        while left > 0 && i < bytes.count {
            i += length(bytes[i])
            left -= 1
        }
        return min(i, bytes.count)
    }

    /// Bytes of the character that starts with this byte.
    @inline(__always) static func length(_ first: UInt8) -> Int {
        first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
    }

    /// Bytes of the characters [start, end), clamped to the text.
    @inline(__always)
    static func slice(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) -> ByteSlice {
        if isASCII(bytes) {
            let low = min(max(start, 0), bytes.count)
            let high = min(max(end, low), bytes.count)
            return ByteSlice(start: low, count: high &- low)
        }
        let low = offset(ofCharacter: max(start, 0), in: bytes)
        let high = end <= max(start, 0) ? low : offset(ofCharacter: end - max(start, 0), in: bytes, from: low)
        return ByteSlice(start: low, count: high - low)
    }

    /// Offset of the first occurrence at or after `start`; nil if there is none.
    @inline(__always)
    static func find(_ needle: UnsafeRawBufferPointer, in bytes: UnsafeRawBufferPointer, from start: Int = 0) -> Int? {
        if start > bytes.count { return nil }
        guard let wanted = needle.baseAddress, needle.count > 0 else { return start }
        guard let base = bytes.baseAddress, needle.count <= bytes.count &- start else { return nil }
        // The last byte at which an occurrence can begin.
        let last = base + (bytes.count - needle.count)
        var at = base + start
        let first = Int32(needle[0])
        while at <= last, let candidate = memchr(at, first, last - at + 1) {
            if memcmp(candidate, wanted, needle.count) == 0 { return UnsafeRawPointer(candidate) - base }
            at = UnsafeRawPointer(candidate) + 1
        }
        return nil
    }

    static func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }
}
