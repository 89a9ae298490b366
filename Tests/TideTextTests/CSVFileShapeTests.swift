import TideColumns
import Testing

@testable import TideText

private let twoInts = Schema([Field("a", .int), Field("b", .int)])

// Apache Spark 4.3 splits these at each CR.
@Test(arguments: [16, 17, 20, 1 << 20]) func linesMayEndWithCarriageReturns(_ chunkBytes: Int) throws {
    let (rows, report) = try readAll(
        Array("a,b\r1,a longer text\r\r\"x\",\r2,last".utf8), strings(2), chunkBytes: chunkBytes)
    #expect(rows == [["a", "b"], ["1", "a longer text"], ["x", nil], ["2", "last"]])
    #expect(report.badRows == 0)
    let bad = try readAll(Array("1,2\rx,3\r".utf8), twoInts, chunkBytes: chunkBytes)
    #expect(bad.report.samples.map(\.line) == [2])
}

@Test(arguments: [16, 17, 20, 1 << 20]) func aCarriageReturnBehindTheFirstLineEndIsText(_ chunkBytes: Int) throws {
    let (rows, _) = try readAll(Array("\"a\rb\",c\r\nd\re,f\n".utf8), strings(2), chunkBytes: chunkBytes)
    #expect(rows == [["a\rb", "c"], ["d\re", "f"]])
}

@Test(arguments: [
    "PAR1\u{15}", "\u{1F}\u{8B}\u{08}", "PK\u{03}\u{04}", "\u{FF}\u{FE}a\u{0}",
]) func whatIsNoTextIsRefused(_ head: String) throws {
    let bytes = head.unicodeScalars.map { UInt8($0.value) } + Array("1,2\n".utf8)
    let error = #expect(throws: TidemillError.self) { try readAll(bytes, twoInts) }
    #expect(error?.code == "TIDEMILL_NOT_TEXT" && error?.hint != nil)
}
