import TideText

/// Writes one CSV or JSON file of a table. Files of one table follow each other byte by byte when they are merged, so
/// they have no header.
final class TextFileWriter: DataFileWriting {
    let name: String
    private let file: any File
    // One of them. Apart rather than in an enum, so that appending copies no buffer.
    private var csv: CSVWriter?
    private var json: JSONWriter?
    /// Bytes that came from other files.
    private var end: Int64 = 0
    private var count = 0
    private static let pieceBytes = 1 << 20

    init(name: String, file: any File, _ writer: CSVWriter) {
        self.name = name
        self.file = file
        csv = writer
    }

    init(name: String, file: any File, _ writer: JSONWriter) {
        self.name = name
        self.file = file
        json = writer
    }

    func byteCount() throws(TidemillError) -> Int64 { try file.size() }

    func append(_ batch: Batch) throws(TidemillError) {
        precondition(end == 0, "rows come before the contents of other files")
        if batch.count == 0 { return }
        let plain = Batch(columns: batch.columns, count: batch.count)
        try csv?.append(plain)
        try json?.append(plain)
        count += batch.count
    }

    func append(contentsOf other: any File) throws(TidemillError) {
        let piece = Buffer(byteCount: TextFileWriter.pieceBytes)
        var offset: Int64 = 0
        while true {
            let room = UnsafeMutableRawBufferPointer(start: piece.base, count: piece.byteCount)
            let read = try other.read(into: room, at: offset)
            if read == 0 { return }
            try file.write(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(room)[..<read]), at: end)
            offset += Int64(read)
            end += Int64(read)
        }
    }

    func finish() throws(TidemillError) -> DataFile {
        try csv?.finish()
        try json?.finish()
        try file.sync()
        return DataFile(
            name: name, rows: count, bytes: try file.size(), rowGroups: 0, ranges: [], hasBloom: false)
    }
}
