import Glibc
import TideColumns

/// A window of a text file in memory.
///
///     buffer: | 64 bytes headroom | data ... | room | 64 bytes padding |
///                                 ^ headroom..<dataEnd
///
/// The headroom lets number kernels load the eight bytes before a value's end. Offsets are relative to the buffer's
/// base. The data is never changed, since batches point into the buffer; once one does, the next window gets a new
/// buffer. Behind the last byte of the file stands a line end, whether the file ends with one or not.
struct TextWindow {
    static let headroom = 64

    private let file: any File
    private var fileOffset: Int64 = 0
    private var chunkBytes: Int
    private let recordBytesMax: Int
    private let tooLongHint: String
    private let format: String?
    private(set) var buffer: Buffer

    /// First byte of the record at which reading stands.
    var position = TextWindow.headroom
    private(set) var dataEnd = TextWindow.headroom
    /// Where the bytes begin that the last `advance` read.
    private(set) var newBytes = TextWindow.headroom
    private(set) var isLast = false
    /// Line number of `lineOffset`.
    private var firstLine = 1
    private var lineOffset = TextWindow.headroom
    /// Lines that end before `position`, from `lineOffset` on.
    var linesPassed = 0

    /// - Parameters:
    ///   - chunkBytes: the window's size; it grows for a longer record, up to `recordBytesMax`.
    ///   - tooLongHint: what a record beyond that usually means.
    ///   - format: what the file should be; one that is something else by its first bytes is refused. nil: any.
    init(file: any File, chunkBytes: Int, recordBytesMax: Int, tooLongHint: String, format: String? = nil) {
        self.file = file
        self.chunkBytes = max(chunkBytes, 16)
        self.recordBytesMax = recordBytesMax
        self.tooLongHint = tooLongHint
        self.format = format
        buffer = Buffer(byteCount: TextWindow.headroom + self.chunkBytes)
        memset(buffer.base, 0x20, TextWindow.headroom)
    }

    var path: String { file.path.string }
    var bytes: UnsafePointer<UInt8> { UnsafePointer(buffer.pointer(UInt8.self)) }

    /// Keeps the bytes from `position` on and reads more behind them. False at the end of the file, when all is used.
    mutating func advance() throws(TidemillError) -> Bool {
        if isLast { return false }
        let tail = dataEnd - position
        if tail >= chunkBytes {
            guard chunkBytes < recordBytesMax else {
                throw TidemillError(
                    .limit, "TIDEMILL_RECORD_TOO_LONG", "record is longer than \(recordBytesMax) bytes",
                    hint: tooLongHint, place: .file(file.path.string, line: line(at: position)))
            }
            chunkBytes = min(chunkBytes * 2, recordBytesMax)
        }
        firstLine += linesPassed
        linesPassed = 0
        lineOffset = TextWindow.headroom
        let capacity = TextWindow.headroom + chunkBytes
        let source = buffer.base + position
        if isKnownUniquelyReferenced(&buffer), buffer.byteCount >= capacity {
            memmove(buffer.base + TextWindow.headroom, source, tail)
        } else {
            let fresh = Buffer(byteCount: capacity)
            memset(fresh.base, 0x20, TextWindow.headroom)
            memcpy(fresh.base + TextWindow.headroom, source, tail)
            buffer = fresh
        }
        position = TextWindow.headroom
        dataEnd = position + tail
        let room = UnsafeMutableRawBufferPointer(start: buffer.base + dataEnd, count: chunkBytes - tail)
        let read = try file.read(into: room, at: fileOffset)
        if fileOffset == 0, let format {
            try FileHead.check(UnsafeRawBufferPointer(rebasing: room[..<read]), format: format, path: path)
        }
        if fileOffset == 0, read >= 3, memcmp(room.baseAddress!, [0xEF, 0xBB, 0xBF] as [UInt8], 3) == 0 {
            position += 3
            lineOffset = position
        }
        fileOffset += Int64(read)
        newBytes = dataEnd
        dataEnd += read
        isLast = read < room.count
        // In the buffer's padding or room.
        if isLast { buffer.pointer(UInt8.self)[dataEnd] = 0x0A }
        return true
    }

    /// Makes line ends of the carriage returns from `start` on; of no byte there may a batch know.
    func endLinesAtCarriageReturns(from start: Int) {
        let bytes = buffer.pointer(UInt8.self)
        for i in start..<dataEnd where bytes[i] == 0x0D { bytes[i] = 0x0A }
    }

    /// Behind the last line end of the window: LF, or CR if there is no LF. The end of the data at the end of the file;
    /// `position` if no line ends here.
    func lastLineEnd() -> Int {
        if isLast { return dataEnd }
        for byte in [0x0A, 0x0D] as [UInt8] {
            var end = dataEnd
            while end > position, bytes[end - 1] != byte { end -= 1 }
            if end > position { return end }
        }
        return position
    }

    /// The 1-based line of a byte of the window. Counts; for messages.
    func line(at offset: Int) -> Int {
        var line = firstLine
        for i in lineOffset..<max(offset, lineOffset) where bytes[i] == 0x0A { line += 1 }
        return line
    }
}
