import Testing
import TideColumns

@testable import TideText

struct LineReaderTests {
    private func lines(_ bytes: [UInt8], _ options: [String: String] = [:], chunkBytes: Int = 1 << 20) throws
        -> [String?]
    {
        let reader = try LineReader(
            file: BytesFile(bytes), columns: [0], options: LineReadOptions.parse(options).options,
            chunkBytes: chunkBytes)
        var all: [String?] = []
        while let batch = try reader.next() {
            for row in 0..<batch.count { all.append(batch.columns[0].scalar(row).string) }
        }
        #expect(reader.report.rows == all.count)
        return all
    }

    /// What Spark 4.3 reads.
    @Test(arguments: [16, 17, 1 << 20]) func splitsAsSpark(_ chunkBytes: Int) throws {
        for (text, options, expected) in [
            ("a\r\nb\n\nc\rd", [:], ["a", "b", "", "c", "d"]), ("", [:], []), ("\n", [:], [""]), ("a\n", [:], ["a"]),
            ("a\n\n", ["wholetext": "true"], ["a\n\n"]), ("", ["wholeText": "true"], []),
            ("a;b;\nc", ["lineSep": ";"], ["a", "b", "\nc"]), ("a;b;", ["lineSep": ";"], ["a", "b"]),
            ("\u{FEFF}a\n", [:], ["a"]),
        ] as [(String, [String: String], [String])] {
            #expect(try lines(Array(text.utf8), options, chunkBytes: chunkBytes) == expected)
        }
    }

    @Test func readsLongLinesAndSeparators() throws {
        var text = ""
        var expected: [String] = []
        for row in 0..<3000 {
            expected.append(String(repeating: "é", count: row % 50) + "\(row)")
            text += expected[row] + "=|="
        }
        for chunkBytes in [16, 100, 1 << 20] {
            #expect(try lines(Array(text.utf8), ["lineSep": "=|="], chunkBytes: chunkBytes) == expected)
        }
    }

    @Test func replacesWhatIsNoUTF8() throws {
        #expect(
            try lines([0xFF, 0x41, 0x0A, 0x42, 0xC3, 0x0A, 0x43]) == ["\u{FFFD}A", "B\u{FFFD}", "C"])
    }

    @Test func countsWithoutTheColumn() throws {
        let reader = try LineReader(file: BytesFile("a\nb\nc"), columns: [], options: LineReadOptions())
        var count = 0
        while let batch = try reader.next() { count += batch.count }
        #expect(count == 3)
    }

    @Test func refusesLinesWithoutEnd() throws {
        var options = LineReadOptions()
        options.lineBytesMax = 64
        let reader = try LineReader(
            file: BytesFile(String(repeating: "x", count: 1000)), columns: [0], options: options, chunkBytes: 16)
        let error = #expect(throws: TidemillError.self) { try reader.next() }
        #expect(error?.code == "TIDEMILL_RECORD_TOO_LONG")
    }
}
