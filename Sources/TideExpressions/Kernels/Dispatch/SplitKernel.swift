import _StringProcessing

/// `split`: patterns without special characters are searched as bytes, others by the standard library's regular
/// expressions.
enum SplitKernel {
    static func run(_ o: [Datum], _ call: KernelCall) throws(TidemillError) -> Column {
        var builder = StringColumnBuilder(type: call.resultType, capacity: call.rowCount)
        let (source, patterns) = (Strings(o[0]), Strings(o[1]))
        let limits = o[2].column.pointer(Int32.self)
        var image: [UInt8] = []
        var known: String?
        var regex: Regex<AnyRegexOutput>?
        for row in 0..<call.rowCount {
            image.removeAll(keepingCapacity: true)
            if call.validity?[row] ?? true {
                let limit = Int(limits[row &* o[2].step])
                let text = source.bytes(row)
                let pattern = patterns.bytes(row)
                if isPlain(pattern) {
                    plain(text, pattern, limit, &image)
                } else {
                    let written = String(decoding: pattern, as: UTF8.self)
                    if written != known {
                        regex = try RegularExpression.compile(written)
                        known = written
                    }
                    if let regex { matches(String(decoding: text, as: UTF8.self), regex, limit, &image) }
                }
                NestedImage.appendEnd(into: &image)
            }
            image.withUnsafeBytes { builder.append($0) }
        }
        return builder.finish()
    }

    private static func isPlain(_ pattern: UnsafeRawBufferPointer) -> Bool {
        !pattern.isEmpty && !pattern.contains { #"\^$.|?*+()[]{}"#.utf8.contains($0) }
    }

    private static func append(_ part: UnsafeRawBufferPointer, _ image: inout [UInt8]) {
        NestedImage.appendMarker(into: &image)
        NestedImage.append(text: part, into: &image)
    }

    private static func plain(
        _ text: UnsafeRawBufferPointer, _ pattern: UnsafeRawBufferPointer, _ limit: Int, _ image: inout [UInt8]
    ) {
        var start = 0
        var parts = 1
        while limit <= 0 || parts < limit, let found = UTF8Text.find(pattern, in: text, from: start) {
            append(UnsafeRawBufferPointer(rebasing: text[start..<found]), &image)
            start = found + pattern.count
            parts += 1
        }
        append(UnsafeRawBufferPointer(rebasing: text[start...]), &image)
    }

    /// As Java: a match of nothing at the start gives no part, and the empty pattern cuts between all characters.
    private static func matches(
        _ text: String, _ regex: Regex<AnyRegexOutput>, _ limit: Int, _ image: inout [UInt8]
    ) {
        var start = text.startIndex
        var parts = 1
        for match in text.matches(of: regex) where limit <= 0 || parts < limit {
            if match.range.isEmpty
                && (match.range.lowerBound == text.startIndex || match.range.lowerBound == text.endIndex)
            {
                continue
            }
            append(String(text[start..<match.range.lowerBound]), &image)
            start = match.range.upperBound
            parts += 1
        }
        append(String(text[start...]), &image)
    }

    private static func append(_ part: String, _ image: inout [UInt8]) {
        var part = part
        part.withUTF8 { append(UnsafeRawBufferPointer($0), &image) }
    }
}
