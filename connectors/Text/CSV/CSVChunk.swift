import CTideKernels
import Glibc
import TideColumns

/// A window of a CSV file, and the positions of its separators and line ends.
///
/// The index ignores quotes: the tokenizer decides which entries count, because Spark's rule for quotes (they open only
/// at the start of a field, an unescaped one closes) is not the parity rule of the indexing kernel.
struct CSVChunk {
    private(set) var window: TextWindow
    private let separator: UInt8
    private var lineEnds = LineEnds.undecided
    private var indexBuffer = Buffer(byteCount: 0)

    /// Next entry of `index`; entries before `position` may precede it.
    var entry = 0
    private(set) var entryCount = 0
    private(set) var hasQuotes = false
    private(set) var isValidUTF8 = true

    init(file: any File, chunkBytes: Int, separator: UInt8, recordBytesMax: Int) {
        self.separator = separator
        window = TextWindow(
            file: file, chunkBytes: chunkBytes, recordBytesMax: recordBytesMax,
            tooLongHint: "an unclosed quote is the usual cause; option quote '' turns quoting off", format: "CSV")
    }

    var path: String { window.path }
    var buffer: Buffer { window.buffer }
    var bytes: UnsafePointer<UInt8> { window.bytes }
    var index: UnsafePointer<UInt32> { UnsafePointer(indexBuffer.pointer(UInt32.self)) }
    var position: Int {
        get { window.position }
        set { window.position = newValue }
    }
    var dataEnd: Int { window.dataEnd }
    var isLast: Bool { window.isLast }
    var linesPassed: Int {
        get { window.linesPassed }
        set { window.linesPassed = newValue }
    }
    func line(at offset: Int) -> Int { window.line(at: offset) }

    /// Keeps the bytes from `position` on and reads more behind them. False at the end of the file, when all is used.
    mutating func advance(quote: UInt8?, checkUTF8: Bool) throws(TidemillError) -> Bool {
        guard try window.advance() else { return false }
        settleLineEnds(quote: quote)
        indexSeparators(quote: quote, checkUTF8: checkUTF8)
        return true
    }

    private mutating func settleLineEnds(quote: UInt8?) {
        var start = window.newBytes
        if lineEnds == .undecided {
            start = position
            let line = UnsafeRawBufferPointer(start: bytes + position, count: dataEnd - position)
            lineEnds = LineEnds.decide(line, quote: quote, isLast: isLast)
        }
        if lineEnds == .carriageReturn { window.endLinesAtCarriageReturns(from: start) }
    }

    private mutating func indexSeparators(quote: UInt8?, checkUTF8: Bool) {
        var count = dataEnd - position
        // The last line need not end: a line end stands behind the data.
        if isLast && count > 0 && bytes[dataEnd - 1] != 0x0A { count += 1 }
        if indexBuffer.byteCount < (count + 64) * 4 { indexBuffer = Buffer(byteCount: (count + 64) * 4) }
        let out = indexBuffer.pointer(UInt32.self)
        var inside: UInt64 = 0
        entryCount = tide_csv_index(bytes + position, count, separator, separator, out, &inside)
        let base = UInt32(position)
        for i in 0..<entryCount { out[i] &+= base }
        entry = 0
        hasQuotes = quote.map { memchr(window.buffer.base + position, Int32($0), dataEnd - position) != nil } ?? false
        // A character cut by the end of the window would look broken, so only whole lines are checked; a window without
        // a line end holds no record yet.
        isValidUTF8 = true
        if checkUTF8 {
            var end = dataEnd
            if !isLast { while end > position, bytes[end - 1] != 0x0A { end -= 1 } }
            isValidUTF8 = tide_utf8_valid(bytes + position, end - position) != 0
        }
    }
}
