import Testing
import TideColumns

@testable import TideText

private func write(_ schema: Schema, _ columns: [[Scalar]], _ options: CSVWriteOptions = .init()) throws -> String {
    let file = BytesFile("")
    var writer = try CSVWriter(schema: schema, options: options, sink: file)
    let built = zip(schema.fields, columns).map { Column($0.type, $1) }
    try writer.append(Batch(columns: built, count: columns.first?.count ?? 0))
    try writer.finish()
    #expect(writer.offset == Int64(file.bytes.count))
    return String(decoding: file.bytes, as: UTF8.self)
}

private func line(_ texts: [String?], _ options: CSVWriteOptions = .init()) throws -> String {
    let schema = Schema(texts.indices.map { Field("c\($0)", .string) })
    return try write(schema, texts.map { [$0.map { .string($0) } ?? .null(.string)] }, options)
}

/// Expected text: what Spark 4.3 wrote for the same values.
@Test func writesStringsAsSpark() throws {
    #expect(
        try line(["a", "", nil, " x ", "x,y", "x\"y", "l1\nl2", "b\\s", "\"", "x\"y,z", "a\rb", "#z"])
            == "a,\"\",,x,\"x,y\",\"x\\\"y\",\"l1\nl2\",b\\s,\"\\\"\",\"x\\\"y,z\",\"a\rb\",#z\n")
    #expect(
        try line(["#z", "x", "\"q", "a\\\"b", "a\\,b", "end\\", "a'b"])
            == "\"#z\",x,\"\\\"q\",\"a\\\\\\\"b\",\"a\\\\,b\",end\\,a'b\n")
    var options = CSVWriteOptions()
    options.escape = UInt8(ascii: "\"")
    options.emptyValue = []
    options.nullValue = Array("NULL".utf8)
    #expect(try line(["a", "", nil, "x\"y", "x\\y\"z"], options) == "a,,NULL,\"x\"\"y\",\"x\\y\"\"z\"\n")
    options = CSVWriteOptions()
    options.quoteAll = true
    options.separator = UInt8(ascii: "|")
    #expect(try line(["a", "", nil, "x\"y"], options) == "\"a\"|\"\"|\"\"|\"x\\\"y\"\n")
    options = CSVWriteOptions()
    options.ignoreLeadingWhiteSpace = false
    options.ignoreTrailingWhiteSpace = false
    #expect(try line([" ", " y "], options) == " , y \n")
}

@Test func writesValuesAsSpark() throws {
    let schema = Schema([
        Field("a", .double), Field("b", .double), Field("c", .float), Field("e", .decimal(precision: 5, scale: 2)),
        Field("f", .boolean), Field("g", .date), Field("h", .timestamp), Field("i", .timestamp),
        Field("j", .timestampNTZ), Field("l", .double),
    ])
    let second: Int64 = 1_704_070_923  // date -d '2024-01-01T01:02:03Z' +%s
    let text = try write(
        schema,
        [
            [.double(1.5)], [.double(1e10)], [Scalar(.float, .float(1.1))],
            [Scalar(.decimal(precision: 5, scale: 2), .decimal(110))], [.boolean(true)],
            [Scalar(.date, .integer(19_723))], [Scalar(.timestamp, .integer(second * 1_000_000))],
            [Scalar(.timestamp, .integer(second * 1_000_000 + 123_456))],
            [Scalar(.timestampNTZ, .integer(second * 1_000_000 + 100_000))], [.double(-.infinity)],
        ])
    #expect(
        text
            == "1.5,1.0E10,1.1,1.10,true,2024-01-01,2024-01-01T01:02:03.000Z,2024-01-01T01:02:03.123Z,"
            + "2024-01-01T01:02:03.100,-Infinity\n")
}

@Test func headerAndPatterns() throws {
    var options = CSVWriteOptions()
    options.header = true
    options.dateFormat = "dd.MM.yy"
    let schema = Schema([Field("day", .date), Field("a,b", .string)])
    let text = try write(
        schema, [[Scalar(.date, .integer(0)), .null(.date)], [.string("x"), .null(.string)]], options)
    #expect(text == "day,\"a,b\"\n01.01.70,x\n,\n")
}

@Test func whatIsWrittenReadsBack() throws {
    let schema = Schema([Field("n", .int), Field("s", .string)])
    let alphabet = Array("\"\\,\n ab#é".unicodeScalars).map { Character($0) }
    for seed in 0..<40 {
        var random = SeededRandom(state: UInt64(seed))
        let texts: [String?] = (0..<50).map { _ in
            let count = Int.random(in: 0..<20, using: &random)
            if count == 0 { return nil }
            return String((0..<count).map { _ in alphabet.randomElement(using: &random)! })
        }
        var options = CSVWriteOptions()
        options.ignoreLeadingWhiteSpace = false
        options.ignoreTrailingWhiteSpace = false
        var reading = CSVReadOptions()
        if seed % 2 == 0 {
            options.escape = UInt8(ascii: "\"")
            reading.escape = UInt8(ascii: "\"")
        }
        let numbers = texts.indices.map { Scalar.int(Int32($0)) }
        let text = try write(schema, [numbers, texts.map { $0.map { .string($0) } ?? .null(.string) }], options)
        let (rows, report) = try readAll(Array(text.utf8), schema, reading, chunkBytes: 256)
        #expect(report.badRows == 0, "seed \(seed)")
        #expect(rows.map { $0[1] } == texts, "seed \(seed)")
    }
}
