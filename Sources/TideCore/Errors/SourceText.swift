/// One SQL text with the name errors show for it.
public final class SourceText: Sendable {
    public let name: String
    public let text: String
    public let bytes: [UInt8]

    public init(name: String, text: String) {
        self.name = name
        self.text = text
        self.bytes = Array(text.utf8)
    }

    /// Line and column, both 1-based, of a byte offset; columns count bytes' characters.
    public func position(of offset: Int) -> (line: Int, column: Int) {
        var line = 1
        var lineStart = 0
        let end = min(offset, bytes.count)
        for index in 0..<end where bytes[index] == 0x0A {
            line += 1
            lineStart = index + 1
        }
        let prefix = String(decoding: bytes[lineStart..<end], as: UTF8.self)
        return (line, prefix.count + 1)
    }

    /// The text of a 1-based line, without its end.
    public func line(_ number: Int) -> String {
        var line = 1
        var start = 0
        for index in bytes.indices where bytes[index] == 0x0A {
            if line == number { return String(decoding: bytes[start..<index], as: UTF8.self) }
            line += 1
            start = index + 1
        }
        return line == number ? String(decoding: bytes[start...], as: UTF8.self) : ""
    }
}

/// A half-open byte range of one source text.
public struct SourceSpan: Sendable {
    public let source: SourceText
    public let range: Range<Int>

    public init(source: SourceText, range: Range<Int>) {
        self.source = source
        self.range = range
    }

    public var start: (line: Int, column: Int) { source.position(of: range.lowerBound) }
    public var text: String { String(decoding: source.bytes[range], as: UTF8.self) }

    /// From the start of this span to the end of `other`.
    public func joined(to other: SourceSpan) -> SourceSpan {
        SourceSpan(
            source: source,
            range: range.lowerBound..<Swift.max(range.upperBound, other.range.upperBound))
    }

    /// Characters of a line that an excerpt shows at most, and how many of them before the carets.
    private static let excerptMax = 160
    private static let excerptLead = 60

    /// The line of the span's start, and carets under the span's part of it. Of a long line the part around the span's
    /// start is shown.
    public func excerpt() -> String {
        let (line, column) = start
        // Tabs stay tabs, so that the caret stands where the terminal puts the text.
        var cells = source.line(line).map { $0 == "\t" ? "\t" : String($0).printable }
        var first = Swift.min(column - 1, cells.count)
        var length = text.prefix { !$0.isNewline }.count
        if cells.count > SourceSpan.excerptMax {
            let from = Swift.max(
                0, Swift.min(first - SourceSpan.excerptLead, cells.count - SourceSpan.excerptMax))
            let end = Swift.min(cells.count, from + SourceSpan.excerptMax)
            let marks = (front: from > 0, back: end < cells.count)
            cells = (marks.front ? ["…"] : []) + cells[from..<end] + (marks.back ? ["…"] : [])
            first += (marks.front ? 1 : 0) - from
        }
        length = Swift.max(1, Swift.min(length, cells.count - first))
        let marked = cells.dropFirst(first).prefix(length).joined().displayWidth
        let padding = cells.prefix(first).map {
            $0 == "\t" ? "\t" : String(repeating: " ", count: $0.displayWidth)
        }
        let number = String(line)
        let gutter = String(repeating: " ", count: number.count)
        let carets = String(repeating: "^", count: Swift.max(1, marked))
        return "  \(number) | \(cells.joined())\n  \(gutter) | \(padding.joined())\(carets)\n"
    }
}

/// The candidate closest to `name` by edit distance, for "did you mean".
public func closestName(to name: String, among candidates: [String]) -> String? {
    func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var row = Array(0...b.count)
        for i in 0..<a.count {
            var diagonal = row[0]
            row[0] = i + 1
            for j in 0..<b.count {
                let substitution = diagonal + (a[i] == b[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substitution, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[b.count]
    }
    let wanted = Array(name.lowercased().utf8)
    var best: (name: String, distance: Int)?
    for candidate in candidates {
        let d = distance(wanted, Array(candidate.lowercased().utf8))
        if d < best?.distance ?? Int.max { best = (candidate, d) }
    }
    guard let best, best.distance <= max(2, wanted.count / 2) else { return nil }
    return best.name
}
