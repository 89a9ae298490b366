import Testing
import TideColumns

@testable import TideText

private let twoInts = Schema([Field("a", .int), Field("b", .int)])

/// Expected rows: Spark 4.3 on the same text (records kept, NULLs placed).
@Test func permissiveKeepsBadRecords() throws {
    let schema = Schema(twoInts.fields + [Field("_corrupt_record", .string)])
    let (rows, report) = try readAll(Array("1,x\n2,3,4\n5\n6,7\n".utf8), schema)
    #expect(rows == [["1", nil, "1,x"], ["2", "3", "2,3,4"], ["5", nil, "5"], ["6", "7", nil]])
    #expect(report.rows == 4 && report.badRows == 3)
    #expect(report.samples.map(\.line) == [1, 2, 3])
    #expect(report.samples.map(\.column) == ["b", nil, nil])
    #expect(report.samples.map(\.text) == ["1,x", "2,3,4", "5"])
    #expect(report.samples[0].reason == "is no INT: 'x'")
    #expect(report.samples[1].reason == "the record has 3 fields")
    #expect(report.samples[2].reason == "the record has only 1 field")
}

@Test func dropMalformedLeavesThemOut() throws {
    var options = CSVReadOptions()
    options.mode = .dropMalformed
    let (rows, report) = try readAll(Array("1,x\n2,3,4\n5\n6,7\n".utf8), twoInts, options)
    #expect(rows == [["6", "7"]])
    #expect(report.rows == 4 && report.badRows == 3)
}

@Test func failFastNamesFileLineAndColumn() throws {
    var options = CSVReadOptions()
    options.mode = .failFast
    options.header = true
    let text = "a,b\n\n1,\"2\"\n# not a comment,1\n"
    let error = #expect(throws: TidemillError.self) { try readAll(Array(text.utf8), twoInts, options) }
    #expect(error?.kind == .data)
    #expect(error?.code == "MALFORMED_RECORD_IN_PARSING")
    #expect(error?.message == "column 'a' is no INT: '# not a comment'")
    #expect(error?.hint != nil)
    guard case .file("t.csv", 4, nil)? = error?.place else {
        Issue.record("place is \(String(describing: error?.place))")
        return
    }
}

@Test func linesAreCountedThroughQuotesAndBlankLines() throws {
    let schema = Schema([Field("a", .string), Field("b", .int)])
    let text = "\"x\ny\n\nz\",1\r\n\r\n   \n\"p\",q\nplain,2\nplain,bad\n"
    for chunkBytes in [16, 33, 1 << 20] {
        let (_, report) = try readAll(Array(text.utf8), schema, chunkBytes: chunkBytes)
        #expect(report.rows == 4 && report.badRows == 2)
        #expect(report.samples.map(\.line) == [7, 9])
    }
}

@Test func nullInNotNullColumnLeavesTheRowOut() throws {
    let schema = Schema([Field("a", .int, nullable: false), Field("b", .string)])
    let (rows, report) = try readAll(Array("1,x\n,y\nz,w\n4,\n".utf8), schema)
    #expect(rows == [["1", "x"], ["4", nil]])
    #expect(report.badRows == 2)
    #expect(report.samples.map(\.line) == [2, 3])
    #expect(report.samples[0].reason == "is NULL, but the column is NOT NULL")
    #expect(report.samples[0].column == "a")
}

@Test func unterminatedQuoteIsReportedWhereItBegan() throws {
    let (rows, report) = try readAll(Array("a,b\nc,\"d\ne,f\n".utf8), strings(2))
    #expect(rows == [["a", "b"], ["c", "d\ne,f\n"]])
    #expect(report.badRows == 1)
    #expect(report.samples.map(\.line) == [2])
    #expect(report.samples[0].reason == "the record has a quote that does not end")
}

@Test func onlyTheFirstSamplesAreKept() throws {
    let (rows, report) = try readAll(Array(String(repeating: "x,1\n", count: 100).utf8), twoInts)
    #expect(rows.count == 100 && rows.allSatisfy { $0 == [nil, "1"] })
    #expect(report.badRows == 100)
    #expect(report.samples.count == ReadReport.samplesMax)
    #expect(report.samples.last?.line == 20)
}

@Test func headerIsComparedAndReported() throws {
    var options = CSVReadOptions()
    options.header = true
    let (rows, report) = try readAll(Array("\u{FEFF}A,c\n1,2\n".utf8), twoInts, options)
    #expect(rows == [["1", "2"]])
    #expect(report.headerMismatch == ["the header says 'c' where the schema has 'b'"])
    #expect(report.headerWarning == nil)
    let swapped = try readAll(Array("b,a\n1,2\n".utf8), twoInts, options).report
    #expect(swapped.headerWarning == "the header says 'b' where the schema has 'a'")
    let longer = try readAll(Array("a,b,c\n1,2,3\n".utf8), twoInts, options).report
    #expect(longer.headerWarning == "the header has 3 names, the schema 2 columns")
    options.enforceSchema = false
    let error = #expect(throws: TidemillError.self) { try readAll(Array("a,c\n1,2\n".utf8), twoInts, options) }
    #expect(error?.code == "TIDEMILL_CSV_HEADER")
}

@Test func projectionReordersAndSkipsColumns() throws {
    let schema = Schema([Field("a", .int), Field("b", .string), Field("c", .double)])
    // Column a does not convert, but nobody reads it.
    let (rows, report) = try readAll(Array("x,y,1.5\nx,z,2\n".utf8), schema, columns: [2, 1])
    #expect(rows == [["1.5", "y"], ["2.0", "z"]])
    #expect(report.badRows == 0)
    let (none, _) = try readAll(Array("x,y,1.5\nx,z,2\n".utf8), schema, columns: [])
    #expect(none.count == 2)
}

@Test func tooLongRecordsAreALimitError() throws {
    var options = CSVReadOptions()
    options.recordBytesMax = 1000
    let text = "a,b\nc,\"" + String(repeating: "x\n", count: 1000)
    let error = #expect(throws: TidemillError.self) {
        try readAll(Array(text.utf8), strings(2), options, chunkBytes: 64)
    }
    #expect(error?.kind == .limit && error?.code == "TIDEMILL_RECORD_TOO_LONG")
    guard case .file(_, 2, nil)? = error?.place else {
        Issue.record("place is \(String(describing: error?.place))")
        return
    }
}

@Test func optionsParse() throws {
    let (options, unknown) = try CSVReadOptions.parse([
        "HEADER": "True", "delimiter": "\\t", "quote": "", "escape": "\"", "mode": "failfast", "nullValue": "NA",
        "path": "x", "maxFilesPerTrigger": "1",
    ])
    #expect(options.header && options.separator == 9 && options.quote == nil && options.escape == 34)
    #expect(options.mode == .failFast && options.nullValue == Array("NA".utf8))
    #expect(unknown == ["maxFilesPerTrigger", "path"])
    for (name, value) in [
        ("header", "maybe"), ("sep", "ab"), ("quote", "ab"), ("mode", "foo"), ("maxColumns", "x"),
        ("dateFormat", "yyyy-bb"), ("comment", ","),
    ] {
        let error = #expect(throws: TidemillError.self) { try CSVReadOptions.parse([name: value]) }
        #expect(error?.kind == .user)
        #expect(error?.message.contains(name) == true || error?.message.contains(value) == true)
    }
    let error = #expect(throws: TidemillError.self) { try CSVReadOptions.parse(["encoding": "latin1"]) }
    #expect(error?.kind == .unsupported)
}
