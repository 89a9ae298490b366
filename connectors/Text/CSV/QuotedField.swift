import TideColumns

/// Reads one field that begins with a quote, as Spark's parser (univocity, with STOP_AT_DELIMITER) does.
///
/// The quoted part ends at a quote followed by a separator or whitespace. A quote followed by anything else means that
/// the field was not quoted after all: it is taken with its quotes, up to the next separator or line end.
struct QuotedField {
    enum Outcome {
        /// The content lies unchanged in the chunk.
        case plain(start: Int, length: Int)
        /// The content is in `text`.
        case changed
        /// The window ended inside the field.
        case open
    }
    let separator: UInt8
    let quote: UInt8
    /// 256 stands for no escape.
    let escape: Int

    /// Text of a `.changed` or `.open` field.
    private(set) var text: [UInt8] = []
    /// Offset of the separator or line end behind the field.
    private(set) var end = 0

    init(separator: UInt8, quote: UInt8, escape: UInt8?) {
        self.separator = separator
        self.quote = quote
        self.escape = escape.map { Int($0) } ?? 256
    }

    /// `open` is the quote's offset, `limit` the end of the data. If `isClosed`, the byte at `limit` is a line end or
    /// the last data byte is one, so the window ends a record.
    mutating func scan(
        _ p: UnsafePointer<UInt8>, from open: Int, limit: Int, isClosed: Bool
    ) -> Outcome {
        var j = open + 1
        while j < limit, p[j] != quote, Int(p[j]) != escape { j += 1 }
        // One byte behind the quote decides; at the end of the window it is the added line end or not known yet.
        if j < limit, p[j] == quote, j + 1 < limit || isClosed {
            let next = j + 1 < limit ? p[j + 1] : 0x0A
            if next == separator || next == 0x0A {
                end = j + 1
                return .plain(start: open + 1, length: j - open - 1)
            }
        }
        return unescape(p, from: open, limit: limit, isClosed: isClosed)
    }

    @inline(never) private mutating func unescape(
        _ p: UnsafePointer<UInt8>, from open: Int, limit: Int, isClosed: Bool
    ) -> Outcome {
        text.removeAll(keepingCapacity: true)
        let doubled = escape == Int(quote)
        func at(_ j: Int) -> UInt8 { j < limit ? p[j] : 0x0A }
        func isStop(_ byte: UInt8) -> Bool { byte == separator || byte == 0x0A }
        /// Whether byte j may be looked at; false is the end of the window.
        func knows(_ j: Int) -> Bool { j < limit || (isClosed && j == limit && p[limit - 1] != 0x0A) }

        var previous = -1
        var j = open + 1
        while true {
            // Behind the last byte only a closing quote may stand.
            guard knows(j), j < limit || previous == Int(quote) else { return .open }
            let byte = at(j)
            if previous == Int(quote) && (byte <= 0x20 || isStop(byte)) { break }
            if byte != quote && Int(byte) != escape {
                if previous == Int(quote) { return unquoted(p, from: j, limit: limit, isClosed: isClosed) }
                if previous == escape { text.append(UInt8(truncatingIfNeeded: escape)) }
                text.append(byte)
                previous = Int(byte)
            } else if Int(byte) == escape && previous == escape && !doubled {
                text.append(byte)
                previous = -1
            } else if previous == escape {
                // byte is the quote.
                text.append(quote)
                previous = -1
            } else if byte == quote && previous == Int(quote) {
                text.append(quote)
                previous = Int(quote)
            } else if previous == Int(quote) {
                return unquoted(p, from: j, limit: limit, isClosed: isClosed)
            } else {
                previous = Int(byte)
            }
            j += 1
        }
        // Whitespace behind the closing quote is dropped, anything else makes the field unquoted.
        let space = j
        while knows(j), !isStop(at(j)), at(j) <= 0x20 { j += 1 }
        guard knows(j) else { return .open }
        if isStop(at(j)) {
            end = j
            return .changed
        }
        text.append(quote)
        for k in space..<j { text.append(p[k]) }
        return rest(p, from: j, limit: limit, isClosed: isClosed)
    }

    private mutating func unquoted(
        _ p: UnsafePointer<UInt8>, from start: Int, limit: Int, isClosed: Bool
    ) -> Outcome {
        text.append(quote)
        return rest(p, from: start, limit: limit, isClosed: isClosed)
    }

    private mutating func rest(_ p: UnsafePointer<UInt8>, from start: Int, limit: Int, isClosed: Bool) -> Outcome {
        text.insert(quote, at: 0)
        var j = start
        while j < limit, p[j] != separator, p[j] != 0x0A { j += 1 }
        guard j < limit || isClosed else { return .open }
        var last = j
        if (j == limit || p[j] == 0x0A) && last > start && p[last - 1] == 0x0D { last -= 1 }
        for k in start..<last { text.append(p[k]) }
        end = j
        return .changed
    }
}
