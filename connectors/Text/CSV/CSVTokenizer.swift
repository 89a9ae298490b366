import TideColumns

/// Splits the records of a chunk into fields.
///
/// Rows without quotes and with the right number of fields take a path that only reads the index; every other row is
/// walked field by field.
struct CSVTokenizer {
    /// Why a record does not fit, before any conversion.
    enum Fault: Equatable {
        case fewer(Int)
        case more(Int)
        case unterminated
        var reason: String {
            switch self {
            case .fewer(let count): "has only \(counted(count, "field"))"
            case .more(let count): "has \(counted(count, "field"))"
            case .unterminated: "has a quote that does not end"
            }
        }
    }
    enum Step { case row, skipped, needsMore }

    let separator: UInt8
    let quote: UInt8?
    let comment: UInt8?
    let trimsLeading: Bool
    let trimsTrailing: Bool
    let maxColumns: Int
    let maxFieldBytes: Int?
    /// Fields of the file, and which of them the slice wants.
    let fields: Int
    let wanted: [Int]
    private var quoted: QuotedField

    /// Fields of the last row that was walked.
    private(set) var rowStarts: [UInt32] = []
    private(set) var rowWords: [UInt32] = []
    private(set) var rowIsUnterminated = false
    private(set) var rowBounds: (UInt32, UInt32) = (0, 0)

    init(options: CSVReadOptions, fields: Int, wanted: [Int]) {
        separator = options.separator
        quote = options.quote
        comment = options.comment
        trimsLeading = options.ignoreLeadingWhiteSpace
        trimsTrailing = options.ignoreTrailingWhiteSpace
        maxColumns = options.maxColumns
        maxFieldBytes = options.maxCharsPerColumn
        self.fields = fields
        self.wanted = wanted
        quoted = QuotedField(separator: options.separator, quote: options.quote ?? 0, escape: options.escape)
    }

    /// Takes up to `runs.rowsMax` rows in all from the chunk. Faults name row numbers of `runs`.
    mutating func fill(
        _ runs: inout FieldRuns, from chunk: inout CSVChunk, faults: inout [(row: Int, fault: Fault)]
    ) throws(TidemillError) {
        while runs.count < runs.rowsMax {
            if regularRows(&runs, &chunk) { continue }
            switch try walkRow(&chunk, side: &runs) {
            case .needsMore: return
            case .skipped: continue
            case .row:
                let row = runs.count
                let found = rowStarts.count
                for (slot, field) in wanted.enumerated() {
                    runs.starts(slot)[row] = field < found ? rowStarts[field] : 0
                    runs.words(slot)[row] = field < found ? rowWords[field] : FieldRuns.missing
                }
                runs.bounds[row] = rowBounds
                if rowIsUnterminated {
                    faults.append((row, .unterminated))
                } else if found != fields {
                    faults.append((row, found < fields ? .fewer(found) : .more(found)))
                }
                runs.add(rows: 1)
            }
        }
    }

    /// Takes as many rows as have the right shape and no quote at the start of a field. False if there was none.
    @inline(never) private func regularRows(_ runs: inout FieldRuns, _ chunk: inout CSVChunk) -> Bool {
        let quoteCheck = chunk.hasQuotes
        if quoteCheck && trimsLeading { return false }
        let n = fields
        let p = chunk.bytes
        let index = chunk.index + chunk.entry
        let rowsMax = min(runs.rowsMax - runs.count, (chunk.entryCount - chunk.entry) / n)
        let quote = self.quote ?? 0
        // A first byte that a comment or a blank line may have sends the row to the walk.
        let comment = self.comment ?? 0x0A
        let blank: UInt8 = n == 1 || separator <= 0x20 ? 0x20 : 0
        let bounds = runs.bounds + runs.count
        var start = chunk.position
        var row = 0
        rows: while row < rowsMax {
            let entries = index + row &* n
            let end = Int(entries[n &- 1])
            let first = p[start]
            if p[end] != 0x0A || first <= blank || first == comment { break }
            if quoteCheck && first == quote { break }
            var lineEnds = 0
            var quotes = 0
            for k in 0..<(n &- 1) {
                let at = Int(entries[k])
                lineEnds |= p[at] == 0x0A ? 1 : 0
                if quoteCheck { quotes |= p[at &+ 1] == quote ? 1 : 0 }
            }
            if lineEnds | quotes != 0 { break rows }
            let isCR = p[end &- 1] == 0x0D && end > start
            bounds[row] = (UInt32(truncatingIfNeeded: start), UInt32(truncatingIfNeeded: end &- (isCR ? 1 : 0)))
            start = end &+ 1
            row &+= 1
        }
        if row == 0 { return false }
        wanted.withUnsafeBufferPointer { wanted in
            for slot in 0..<wanted.count {
                let field = wanted[slot]
                let starts = runs.starts(slot) + runs.count
                let words = runs.words(slot) + runs.count
                let before = index + field
                // The row's bounds know where its first field begins and, without the CR, where its last one ends.
                for r in 0..<row {
                    let from = field == 0 ? bounds[r].0 : before[r &* n &- 1] &+ 1
                    let to = field == n &- 1 ? bounds[r].1 : before[r &* n]
                    starts[r] = from
                    words[r] = to &- from
                }
            }
        }
        chunk.entry += row * n
        chunk.position = start
        chunk.linesPassed += row
        runs.add(rows: row)
        return true
    }

    /// Reads one record into `rowStarts` and `rowWords`; changed text goes to the side buffer of `side`.
    mutating func walkRow(_ chunk: inout CSVChunk, side: inout FieldRuns) throws(TidemillError) -> Step {
        let p = chunk.bytes
        let index = chunk.index
        let count = chunk.entryCount
        let limit = chunk.dataEnd
        let rowStart = chunk.position
        if rowStart >= limit { return .needsMore }
        var entry = chunk.entry
        rowStarts.removeAll(keepingCapacity: true)
        rowWords.removeAll(keepingCapacity: true)
        rowIsUnterminated = false
        var start = rowStart
        var lines = 1

        if isSkipped(p, rowStart, limit) {
            while entry < count, p[Int(index[entry])] != 0x0A { entry += 1 }
            if entry == count { return .needsMore }
            chunk.position = Int(index[entry]) + 1
            chunk.entry = entry + 1
            chunk.linesPassed += 1
            return .skipped
        }
        var rowEnd = limit
        while true {
            var at = start
            if trimsLeading { while at < limit, p[at] <= 0x20, p[at] != separator, p[at] != 0x0A { at += 1 } }
            var end: Int
            if let quote, chunk.hasQuotes, at < limit, p[at] == quote {
                let outcome = quoted.scan(p, from: at, limit: limit, isClosed: chunk.isLast)
                end = quoted.end
                switch outcome {
                case .plain(let from, let length):
                    rowStarts.append(UInt32(from))
                    rowWords.append(UInt32(length) | FieldRuns.quoted)
                case .changed: append(quoted.text, to: &side)
                case .open:
                    if !chunk.isLast { return .needsMore }
                    rowIsUnterminated = true
                    append(quoted.text.isEmpty ? [quote] : quoted.text, to: &side)
                    end = limit
                }
                for k in at..<min(end, limit) where p[k] == 0x0A { lines += 1 }
                while entry < count, Int(index[entry]) < end { entry += 1 }
            } else {
                if entry == count { return .needsMore }
                end = Int(index[entry])
                var last = end
                if p[end] == 0x0A, last > start, p[last - 1] == 0x0D { last -= 1 }
                if trimsTrailing { while last > at, p[last - 1] <= 0x20 { last -= 1 } }
                rowStarts.append(UInt32(min(at, last)))
                rowWords.append(UInt32(last - min(at, last)))
            }
            if let maxFieldBytes, Int(rowWords.last! & FieldRuns.lengthMask) > maxFieldBytes {
                throw tooMuch("a field has more than \(maxFieldBytes) bytes (maxCharsPerColumn)", chunk, rowStart)
            }
            if rowStarts.count > maxColumns {
                throw tooMuch("the record has more than \(maxColumns) fields (maxColumns)", chunk, rowStart)
            }
            if end >= limit || p[end] == 0x0A {
                rowEnd = end
                break
            }
            start = end + 1
            entry += 1
        }
        if rowEnd > rowStart, p[rowEnd - 1] == 0x0D {
            rowBounds = (UInt32(rowStart), UInt32(rowEnd - 1))
        } else {
            rowBounds = (UInt32(rowStart), UInt32(rowEnd))
        }
        chunk.position = min(rowEnd + 1, limit)
        chunk.entry = min(entry + 1, count)
        if rowIsUnterminated { chunk.position = limit }
        chunk.linesPassed += lines
        return .row
    }

    private mutating func append(_ text: [UInt8], to side: inout FieldRuns) {
        let (start, word) = text.withUnsafeBytes { side.moved($0) }
        rowStarts.append(start)
        rowWords.append(word | FieldRuns.quoted)
    }

    private func tooMuch(_ message: String, _ chunk: CSVChunk, _ offset: Int) -> TidemillError {
        TidemillError(
            .limit, "TIDEMILL_CSV_LIMIT", message, hint: "raise the option named in the message",
            place: .file(chunk.path, line: chunk.line(at: offset)))
    }

    /// Comments, and lines of nothing but whitespace.
    private func isSkipped(_ p: UnsafePointer<UInt8>, _ start: Int, _ limit: Int) -> Bool {
        if let comment, p[start] == comment { return true }
        var i = start
        while i < limit, p[i] <= 0x20 {
            if p[i] == 0x0A { return true }
            i += 1
        }
        return i == limit
    }
}
