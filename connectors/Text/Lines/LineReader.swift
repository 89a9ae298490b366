import CTideKernels
import Glibc
import TideColumns

/// Reads a text file as rows of one column: its lines, or the whole of it.
///
/// Long lines point into the window. Bytes that are no UTF-8 become U+FFFD. The end of the last line may be missing.
public final class LineReader {
    /// Rows per batch at most.
    public static let batchRowsMax = 16_384

    public private(set) var report = ReadReport()

    private let options: LineReadOptions
    /// Whether the batches have the column, or only count rows.
    private let hasColumn: Bool
    private var window: TextWindow

    /// - Parameter columns: [0], or none to count the lines.
    public init(
        file: any File, columns: [Int], options: LineReadOptions, chunkBytes: Int = 1 << 20
    ) throws(TidemillError) {
        self.options = options
        hasColumn = !columns.isEmpty
        window = TextWindow(
            file: file, chunkBytes: chunkBytes, recordBytesMax: options.lineBytesMax,
            tooLongHint: options.wholeText
                ? "leave out wholetext to read the file line by line" : "option lineSep says where a line ends")
    }

    /// The next rows, at least one; nil at the end of the file.
    public func next() throws(TidemillError) -> Batch? {
        while true {
            var rows = Rows(window: window, hasColumn: hasColumn)
            if !options.wholeText { takeLines(&rows) }
            if rows.count > 0 {
                report.rows += rows.count
                return rows.finish()
            }
            if try window.advance() { continue }
            guard window.position < window.dataEnd else { return nil }
            // What is left at the end of the file has no line end.
            rows.append(window.position, window.dataEnd)
            window.position = window.dataEnd
            report.rows += 1
            return rows.finish()
        }
    }

    private func takeLines(_ rows: inout Rows) {
        let p = window.bytes
        let end = window.dataEnd
        var start = window.position
        while rows.count < LineReader.batchRowsMax, start < end {
            guard let line = lineEnd(p, start, end) else { break }
            rows.append(start, line.end)
            start = line.next
        }
        window.position = start
    }

    /// Where the line that begins at `start` ends, and where the next one begins; nil if that is not in the window.
    private func lineEnd(_ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> (end: Int, next: Int)? {
        if let separator = options.lineSeparator {
            var from = start
            while from + separator.count <= end, let found = memchr(p + from, Int32(separator[0]), end - from) {
                let at = UnsafeRawPointer(found) - UnsafeRawPointer(p)
                if at + separator.count > end { return nil }
                if memcmp(p + at, separator, separator.count) == 0 { return (at, at + separator.count) }
                from = at + 1
            }
            return nil
        }
        let lineFeed = memchr(p + start, 0x0A, end - start).map { UnsafeRawPointer($0) - UnsafeRawPointer(p) }
        let limit = lineFeed ?? end
        guard let carriage = memchr(p + start, 0x0D, limit - start).map({ UnsafeRawPointer($0) - UnsafeRawPointer(p) })
        else { return lineFeed.map { ($0, $0 + 1) } }
        // The LF that belongs to a CR may not be in the window yet.
        if carriage + 1 == end { return window.isLast ? (carriage, end) : nil }
        return (carriage, carriage + 1 == lineFeed ? carriage + 2 : carriage + 1)
    }

    /// Lines on their way into a batch.
    private struct Rows {
        private let bytes: UnsafePointer<UInt8>
        private let buffer: Buffer
        private let hasColumn: Bool
        private var views: GrowableBuffer
        private var side = SideText()
        private var isLong = false
        private(set) var count = 0

        init(window: TextWindow, hasColumn: Bool) {
            buffer = window.buffer
            bytes = window.bytes
            self.hasColumn = hasColumn
            views = GrowableBuffer(byteCapacity: 4096)
        }

        mutating func append(_ start: Int, _ end: Int) {
            count += 1
            guard hasColumn else { return }
            var text = UnsafeRawBufferPointer(start: bytes + start, count: end - start)
            var offset = start
            var index = 0
            if let repaired = repairingUTF8(text) {
                offset = repaired.withUnsafeBytes { side.append($0) }
                index = 1
                text = UnsafeRawBufferPointer(start: side.bytes + offset, count: repaired.count)
            }
            guard let base = text.baseAddress, !text.isEmpty else {
                views.append(StringView.empty)
                return
            }
            if text.count <= StringView.inlineBytesMax {
                views.append(StringView(inline: base, length: text.count))
            } else {
                isLong = true
                views.append(StringView(bytes: base, length: text.count, bufferIndex: index, offset: offset))
            }
        }

        consuming func finish() -> Batch {
            guard hasColumn else { return Batch(columns: [], count: count) }
            let heap = isLong ? StringHeap([buffer, side.buffer]) : StringHeap.empty
            let count = count
            return Batch(
                columns: [Column(type: .string, count: count, values: views.seal(), heap: heap)], count: count)
        }
    }
}
