import CTideKernels
import Testing
import TideColumns

@testable import TideText

private let mixed = Schema([
    Field("s", .string), Field("i", .int), Field("d", .double), Field("t", .timestamp), Field("flag", .boolean),
    Field("_corrupt_record", .string),
])

private func readJSON(
    _ bytes: [UInt8], _ schema: Schema, _ options: JSONReadOptions = JSONReadOptions(), columns: [Int]? = nil,
    chunkBytes: Int = 1 << 20
) throws -> (rows: [[String?]], report: ReadReport) {
    let reader = try JSONReader(
        file: BytesFile(bytes, path: "t.json"), schema: schema, columns: columns ?? Array(0..<schema.count),
        options: options, chunkBytes: chunkBytes)
    var all: [[String?]] = []
    while let batch = try reader.next() { all += rows(batch) }
    return (all, reader.report)
}

@Test func readsOnlyTheColumnsAskedFor() throws {
    let text = #"{"i":1,"s":"one","extra":{"deep":[1,2,{"i":9}]},"d":1.5}"# + "\n" + #"{"s":"two","i":2}"#
    let (found, report) = try readJSON(Array(text.utf8), mixed, columns: [1, 0])
    #expect(found == [["1", "one"], ["2", "two"]])
    #expect(report.rows == 2 && report.badRows == 0)
    let (none, _) = try readJSON(Array(text.utf8), mixed, columns: [])
    #expect(none == [[], []])
}

@Test func namesBadRecordsWithTheirLine() throws {
    let text = "{\"i\":1}\n\n{\"i\":\"x\",\"s\":\"kept\"}\n{broken\n{\"i\":4}\n"
    let (found, report) = try readJSON(Array(text.utf8), mixed, columns: [0, 1])
    #expect(found == [[nil, "1"], ["kept", nil], [nil, nil], [nil, "4"]])
    #expect(report.rows == 4 && report.badRows == 2)
    #expect(report.samples.map(\.line) == [3, 4])
    #expect(report.samples.map(\.column) == ["i", nil])
    #expect(report.samples[0].reason == "is no INT: '\"x\"'")
}

@Test func leavesOutRowsWithoutARequiredValue() throws {
    let schema = Schema([Field("a", .int, nullable: false), Field("b", .int)])
    let (found, report) = try readJSON(Array("{\"b\":1}\n{\"a\":2}\n{\n".utf8), schema)
    #expect(found == [["2", nil]])
    #expect(report.rows == 3 && report.badRows == 2)
}

@Test func failFastNamesFileAndLine() throws {
    var options = JSONReadOptions()
    options.mode = .failFast
    let error = #expect(throws: TidemillError.self) {
        try readJSON(Array("{\"i\":1}\n{\"i\":true}\n".utf8), mixed, options, columns: [1])
    }
    #expect(error?.code == "MALFORMED_RECORD_IN_PARSING")
    guard case .file("t.json", line: 2, _) = error?.place else {
        Issue.record("no place, or another: \(String(describing: error?.place))")
        return
    }
}

@Test func refusesRecordsWithoutEnd() throws {
    var options = JSONReadOptions()
    options.recordBytesMax = 100
    let error = #expect(throws: TidemillError.self) {
        try readJSON(Array("{\"s\":\"\(String(repeating: "x", count: 500))".utf8), mixed, options, chunkBytes: 32)
    }
    #expect(error?.code == "TIDEMILL_RECORD_TOO_LONG")
}

@Test func readsLargeArraysAcrossBatches() throws {
    let count = JSONReader.batchRowsMax * 2 + 10
    let text = "[" + (0..<count).map { "{\"i\":\($0)}" }.joined(separator: ",") + "]\n{\"i\":-1}\n"
    let (found, _) = try readJSON(Array(text.utf8), mixed, columns: [1], chunkBytes: 1024)
    #expect(found == (0..<count).map { [String($0)] } + [["-1"]])
}

@Test func deepNestingIsMalformedNotACrash() throws {
    let deep = { (depth: Int) in
        "{\"x\":" + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + ",\"i\":1}\n"
    }
    #expect(try readJSON(Array(deep(1000).utf8), mixed, columns: [1]).rows == [["1"]])
    #expect(try readJSON(Array(deep(1001).utf8), mixed, columns: [1]).rows == [[nil]])
    #expect(try readJSON(Array(deep(500_000).utf8), mixed, columns: [1]).rows == [[nil]])
}

@Test func learnsNamesInAnyOrder() throws {
    var random = SeededRandom(state: 11)
    let names = (0..<40).map { index in index % 3 == 0 ? "f\(index)" : "a_rather_long_field_name_\(index)" }
    let schema = Schema(names.enumerated().filter { $0.offset % 2 == 0 }.map { Field($0.element, .bigint) })
    var text = ""
    var expected: [[String?]] = []
    for row in 0..<500 {
        var row = (0..<names.count).map { ($0, row * 100 + $0) }.shuffled(using: &random)
        row.removeLast(Int.random(in: 0..<30, using: &random))
        text += "{" + row.map { "\"\(names[$0.0])\":\($0.1)" }.joined(separator: ", ") + "}\n"
        let values = Dictionary(uniqueKeysWithValues: row)
        expected.append(stride(from: 0, to: names.count, by: 2).map { values[$0].map(String.init) })
    }
    let (found, report) = try readJSON(Array(text.utf8), schema, chunkBytes: 700)
    #expect(found == expected)
    #expect(report.badRows == 0)
}

/// Any window gives the same rows, and no bytes crash the reader: lines of JSON with random damage.
@Test(arguments: 0..<150) func damageNeitherCrashesNorDependsOnTheWindow(_ seed: Int) throws {
    var random = SeededRandom(state: UInt64(seed))
    let pieces = [
        "{", "}", "[", "]", ":", ",", "\"", "\\", "'", "\\u00e9", "\\ud83d", "\"i\"", "\"s\":", "1", "-", "1e5", "null",
        "tru",
        "true", "NaN", "\n", "\r", " ", "é", "\u{FEFF}", "{\"i\":1,\"s\":\"x\"}\n", "[{\"i\":2}]\n",
        "\"longer than twelve bytes\"",
    ]
    var bytes: [UInt8] = []
    for _ in 0..<Int.random(in: 1..<400, using: &random) {
        bytes += Array(pieces.randomElement(using: &random)!.utf8)
        if Int.random(in: 0..<40, using: &random) == 0 { bytes.append(UInt8.random(in: 0...255, using: &random)) }
    }
    let whole = try readJSON(bytes, mixed)
    for chunkBytes in [16, 17, 100, 999] {
        let cut = try readJSON(bytes, mixed, chunkBytes: chunkBytes)
        #expect(cut.rows == whole.rows)
        #expect(cut.report.badRows == whole.report.badRows)
        #expect(cut.report.samples.map(\.line) == whole.report.samples.map(\.line))
    }
    var inference = try JSONSchemaInference(JSONReadOptions())
    try inference.add(BytesFile(bytes), chunkBytes: 16)
}

@Test func stringKernelAgreesWithItsPortableTwin() {
    var random = SeededRandom(state: 5)
    for _ in 0..<2000 {
        var bytes = (0..<Int.random(in: 0..<80, using: &random)).map { _ in
            UInt8.random(in: 0x20...0xFF, using: &random)
        }
        bytes.append([0x22, 0x5C, 0x0A, 0x1F].randomElement(using: &random)!)
        bytes += Array(repeating: UInt8(0x41), count: 16)
        #expect(tide_json_string_end(bytes) == tide_json_string_end_portable(bytes))
    }
}
