import CTideKernels
import Glibc
import TideColumns

/// A window of the file in memory, and the positions of its separators and line ends.
///
///     buffer: | 64 bytes headroom | data ... | room | 64 bytes padding |
///                                 ^ dataStart..<dataEnd
///
/// The headroom lets number kernels load the eight bytes before a value's end. Offsets are relative to the buffer's
/// base.
/// The data is never changed, since batches point into the buffer; once one does, the next window gets a new buffer.
/// The index ignores quotes: the tokenizer decides which entries count, because Spark's rule for quotes (they open
/// only at
/// the start of a field, an unescaped one closes) is not the parity rule of the indexing kernel.
struct CSVChunk {
    static let headroom = 64

    private let file: any File
    private var fileOffset: Int64 = 0
    private var chunkBytes: Int
    private let separator: UInt8
    private let recordBytesMax: Int
    private(set) var buffer: Buffer
    private var indexBuffer = Buffer(byteCount: 0)

    /// First byte of the record at which reading stands.
    var position = CSVChunk.headroom
    private(set) var dataEnd = CSVChunk.headroom
    private(set) var isLast = false
    /// Next entry of `index`; entries before `position` may precede it.
    var entry = 0
    private(set) var entryCount = 0
    private(set) var hasQuotes = false
    private(set) var isValidUTF8 = true
    /// Line number of `lineOffset`.
    private var firstLine = 1
    private var lineOffset = CSVChunk.headroom
    /// Lines that end before `position`, from `lineOffset` on.
    var linesPassed = 0

    init(file: any File, chunkBytes: Int, separator: UInt8, recordBytesMax: Int) {
        self.file = file
        self.chunkBytes = max(chunkBytes, 16)
        self.separator = separator
        self.recordBytesMax = recordBytesMax
        buffer = Buffer(byteCount: CSVChunk.headroom + self.chunkBytes)
        memset(buffer.base, 0x20, CSVChunk.headroom)
    }

    var path: String { file.path.string }
    var bytes: UnsafePointer<UInt8> { UnsafePointer(buffer.pointer(UInt8.self)) }
    var index: UnsafePointer<UInt32> { UnsafePointer(indexBuffer.pointer(UInt32.self)) }

    /// Keeps the bytes from `position` on and reads more behind them. False at the end of the file, when all is used.
    mutating func advance(quote: UInt8?, checkUTF8: Bool) throws(TidemillError) -> Bool {
        if isLast { return false }
        let tail = dataEnd - position
        if tail >= chunkBytes {
            guard chunkBytes < recordBytesMax else {
                throw TidemillError(
                    .limit, "TIDEMILL_RECORD_TOO_LONG", "record is longer than \(recordBytesMax) bytes",
                    hint: "an unclosed quote is the usual cause; option quote '' turns quoting off",
                    place: .file(file.path.string, line: line(at: position)))
            }
            chunkBytes = min(chunkBytes * 2, recordBytesMax)
        }
        firstLine += linesPassed
        linesPassed = 0
        lineOffset = CSVChunk.headroom
        let capacity = CSVChunk.headroom + chunkBytes
        let source = buffer.base + position
        if isKnownUniquelyReferenced(&buffer), buffer.byteCount >= capacity {
            memmove(buffer.base + CSVChunk.headroom, source, tail)
        } else {
            let fresh = Buffer(byteCount: capacity)
            memset(fresh.base, 0x20, CSVChunk.headroom)
            memcpy(fresh.base + CSVChunk.headroom, source, tail)
            buffer = fresh
        }
        position = CSVChunk.headroom
        dataEnd = position + tail
        let room = UnsafeMutableRawBufferPointer(start: buffer.base + dataEnd, count: chunkBytes - tail)
        let read = try file.read(into: room, at: fileOffset)
        if fileOffset == 0, read >= 3, memcmp(room.baseAddress!, [0xEF, 0xBB, 0xBF] as [UInt8], 3) == 0 {
            position += 3
            lineOffset = position
        }
        fileOffset += Int64(read)
        dataEnd += read
        isLast = read < room.count
        indexSeparators(quote: quote, checkUTF8: checkUTF8)
        return true
    }

    private mutating func indexSeparators(quote: UInt8?, checkUTF8: Bool) {
        var count = dataEnd - position
        // The last line need not end: a line end behind the data stands in the buffer's padding or room.
        if isLast && count > 0 && bytes[dataEnd - 1] != 0x0A {
            buffer.pointer(UInt8.self)[dataEnd] = 0x0A
            count += 1
        }
        if indexBuffer.byteCount < (count + 64) * 4 { indexBuffer = Buffer(byteCount: (count + 64) * 4) }
        let out = indexBuffer.pointer(UInt32.self)
        var inside: UInt64 = 0
        entryCount = tide_csv_index(bytes + position, count, separator, separator, out, &inside)
        let base = UInt32(position)
        for i in 0..<entryCount { out[i] &+= base }
        entry = 0
        hasQuotes = quote.map { memchr(buffer.base + position, Int32($0), dataEnd - position) != nil } ?? false
        // A character cut by the end of the window would look broken, so only whole lines are checked; a window without
        // a line end holds no record yet.
        isValidUTF8 = true
        if checkUTF8 {
            var end = dataEnd
            if !isLast { while end > position, bytes[end - 1] != 0x0A { end -= 1 } }
            isValidUTF8 = tide_utf8_valid(bytes + position, end - position) != 0
        }
    }

    /// The 1-based line of a byte of the window. Counts; for messages.
    func line(at offset: Int) -> Int {
        var line = firstLine
        for i in lineOffset..<max(offset, lineOffset) where bytes[i] == 0x0A { line += 1 }
        return line
    }
}
