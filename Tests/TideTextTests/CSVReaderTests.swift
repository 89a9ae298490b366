import Testing
import TideColumns

@testable import TideText

/// A file in memory.
final class BytesFile: File, @unchecked Sendable {
    // Sendable: each test uses its file from one thread.
    var bytes: [UInt8]
    let path: FilePath
    init(_ bytes: [UInt8], path: FilePath = "t.csv") {
        self.bytes = bytes
        self.path = path
    }
    convenience init(_ text: String) { self.init(Array(text.utf8)) }
    func size() -> Int64 { Int64(bytes.count) }
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) -> Int {
        let start = min(Int(offset), bytes.count)
        let end = min(start + buffer.count, bytes.count)
        buffer.copyBytes(from: bytes[start..<end])
        return end - start
    }
    func write(_ source: UnsafeRawBufferPointer, at offset: Int64) {
        let end = Int(offset) + source.count
        if end > bytes.count { bytes.append(contentsOf: repeatElement(0, count: end - bytes.count)) }
        bytes.replaceSubrange(Int(offset)..<end, with: source)
    }
    func sync() {}
    func truncate(to size: Int64) { bytes.removeLast(bytes.count - Int(size)) }
    func close() {}
}

/// Rows as text: NULL is nil, everything else as a cast to string prints it.
func rows(_ batch: Batch) -> [[String?]] {
    let text = batch.columns.map { $0.formatted() }
    return (0..<batch.count).map { row in text.map { $0.scalar(row).string } }
}

func readAll(
    _ bytes: [UInt8], _ schema: Schema, _ options: CSVReadOptions = CSVReadOptions(), columns: [Int]? = nil,
    chunkBytes: Int = 1 << 20
) throws -> (rows: [[String?]], report: ReadReport) {
    let reader = try CSVReader(
        file: BytesFile(bytes), schema: schema, columns: columns ?? Array(0..<schema.count), options: options,
        chunkBytes: chunkBytes)
    var all: [[String?]] = []
    while let batch = try reader.next() { all += rows(batch) }
    return (all, reader.report)
}

func strings(_ count: Int) -> Schema {
    Schema((0..<count).map { Field("c\($0)", .string) })
}

@Test func readsQuotedAndPlainRows() throws {
    let (rows, report) = try readAll(Array("a,b\r\n\"x,1\",\"y\nz\"\n\nlast,".utf8), strings(2))
    #expect(rows == [["a", "b"], ["x,1", "y\nz"], ["last", nil]])
    #expect(report.rows == 3 && report.badRows == 0)
}
