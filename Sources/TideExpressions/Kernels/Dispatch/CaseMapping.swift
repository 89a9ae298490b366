import Glibc

/// upper and lower. Inline ASCII values, the common case, are mapped eight bytes at a time without a branch; long and
/// non-ASCII values are done in a second pass over the rows that need it.
enum CaseMapping {
    static func map(_ operand: Datum, _ call: KernelCall, upper: Bool) -> Column {
        let count = call.rowCount
        let buffer = Buffer(byteCount: count * MemoryLayout<StringView>.stride)
        let out = buffer.pointer(StringView.self)
        let views = operand.column.views
        let needsMore =
            upper
            ? mapInline(views, out, count, first: 0x61, last: 0x7A)
            : mapInline(views, out, count, first: 0x41, last: 0x5A)
        if !needsMore {
            return Column(type: call.resultType, count: count, values: buffer)
        }
        var heap = HeapWriter()
        let bases = operand.column.heap.bases
        for row in 0..<count {
            let view = views[row]
            // Bytes of an inline value, or of a long value's prefix.
            if view.isInline && ((view.low >> 32) | view.high) & 0x8080_8080_8080_8080 == 0 { continue }
            out[row] = mapped(stringBytes(views, row, bases), &heap, upper: upper)
        }
        return Column(type: call.resultType, count: count, values: buffer, heap: heap.finish())
    }

    /// Flips bit 5 of the letters first...last in all bytes of a word; bytes above 0x7F stay.
    @inline(__always) private static func flip(_ word: UInt64, _ low: UInt64, _ high: UInt64) -> UInt64 {
        let ones: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
        let heptets = word & ones
        let isLetter = ((heptets &+ low) ^ (heptets &+ high)) & ~word & ~ones
        return word ^ (isLetter >> 2)
    }

    /// True if some row is long or not ASCII. Length bytes are at most 12, so no letter.
    @inline(never)
    private static func mapInline(
        _ views: UnsafePointer<StringView>, _ out: UnsafeMutablePointer<StringView>, _ count: Int, first: UInt8,
        last: UInt8
    ) -> Bool {
        let each: UInt64 = 0x0101_0101_0101_0101
        let low = each &* UInt64(0x80 - first)
        let high = each &* UInt64(0x7F - last)
        var bits: UInt64 = 0
        for row in 0..<count {
            let view = views[row]
            out[row] = StringView(low: flip(view.low, low, high), high: flip(view.high, low, high))
            let length = view.low & 0xFFFF_FFFF
            bits |= (view.low | view.high) & 0x8080_8080_8080_8080 | (length > 12 ? 0x80 : 0)
        }
        return bits & 0x8080_8080_8080_8080 != 0
    }

    private static func mapped(
        _ bytes: UnsafeRawBufferPointer, _ heap: inout HeapWriter, upper: Bool
    ) -> StringView {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return .empty }
        if UTF8Text.isASCII(bytes) {
            // ASCII and long, or it would have been done.
            let (target, index, offset) = heap.reserve(bytes.count)
            let first: UInt8 = upper ? 0x61 : 0x41
            let each: UInt64 = 0x0101_0101_0101_0101
            let low = each &* UInt64(0x80 - first)
            let high = each &* UInt64(0x7F - (first + 25))
            var i = 0
            while i &+ 8 <= bytes.count {
                let word = (base + i).loadUnaligned(as: UInt64.self)
                (target + i).storeBytes(of: flip(word, low, high), as: UInt64.self)
                i &+= 8
            }
            while i < bytes.count {
                let byte = UInt64(bytes[i])
                (target + i).storeBytes(of: UInt8(truncatingIfNeeded: flip(byte, low, high)), as: UInt8.self)
                i &+= 1
            }
            return StringView(bytes: target, length: bytes.count, bufferIndex: index, offset: offset)
        }
        let text = String(decoding: bytes, as: UTF8.self)
        var result = upper ? text.uppercased() : lowered(text)
        return result.withUTF8 { mapped in
            guard let source = mapped.baseAddress else { return .empty }
            if mapped.count <= StringView.inlineBytesMax { return StringView(inline: source, length: mapped.count) }
            return heap.append(source, mapped.count)
        }
    }

    /// Lower case with the sigma that ends a word (Unicode's Final_Sigma): behind a letter, and before none.
    private static func lowered(_ text: String) -> String {
        guard text.unicodeScalars.contains("Σ") else { return text.lowercased() }
        let scalars = Array(text.unicodeScalars)
        func isLetter(_ next: some Sequence<Int>) -> Bool {
            for index in next where !scalars[index].properties.isCaseIgnorable {
                return scalars[index].properties.isCased
            }
            return false
        }
        var result = String.UnicodeScalarView()
        for (index, scalar) in scalars.enumerated() {
            if scalar == "Σ", isLetter((0..<index).reversed()), !isLetter(index + 1..<scalars.count) {
                result.append("ς")
            } else {
                result.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
            }
        }
        return String(result)
    }

    /// First letter of each word upper, the rest lower; words end at spaces, as in Spark.
    static func titled(_ bytes: UnsafeRawBufferPointer, _ out: inout ByteScratch) {
        let lowered = lowered(String(decoding: bytes, as: UTF8.self))
        var startsWord = true
        for scalar in lowered.unicodeScalars {
            if startsWord { out.append(scalar.properties.titlecaseMapping) } else { out.append(String(scalar)) }
            startsWord = scalar == " "
        }
    }
}
