import Testing
import TideColumns

@testable import TideText

/// SplitMix64, so that a failing seed can be run again.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

private let mixed = Schema([
    Field("s", .string), Field("i", .int), Field("d", .double), Field("t", .timestamp), Field("day", .date),
    Field("b", .bigint), Field("flag", .boolean), Field("m", .decimal(precision: 10, scale: 2)),
])

/// Text of a file of `mixed`, some of it quoted, spanning lines, wrong or of another shape.
private func randomFile(_ random: inout SeededRandom, rows: Int) -> [UInt8] {
    let texts = [
        "", "short", "a longer text than twelve", "\"quoted, with comma\"", "\"two\nlines\"", "\"say \\\"hi\\\"\"",
        "\"\"", "naïve café", "\"x\"y", "日本語テキスト",
    ]
    var out = ""
    for row in 0..<rows {
        let fields = [
            texts.randomElement(using: &random)!,
            ["1", "-7", "2147483648", "x", "00042"].randomElement(using: &random)!,
            ["1.5", "-0.25", "1e300", "619.2", "12345678.125", "."].randomElement(using: &random)!,
            ["2024-02-29 12:34:56", "2024-01-02T03:04:05.5Z", "2023-02-29 00:00:00"].randomElement(using: &random)!,
            ["1999-12-31", "0001-01-01", "2024-2-3", "2024-13-01"].randomElement(using: &random)!,
            ["9223372036854775807", "1234567890123456", "-1", ""].randomElement(using: &random)!,
            ["true", "FALSE", "yes"].randomElement(using: &random)!,
            ["1.005", "99999999.99", "123456789.00"].randomElement(using: &random)!,
        ]
        let count = Int.random(in: 0..<20, using: &random) == 0 ? Int.random(in: 1...8, using: &random) : 8
        out += fields[..<count].joined(separator: ",")
        out += row == rows - 1 && Bool.random(using: &random) ? "" : Bool.random(using: &random) ? "\n" : "\r\n"
        if Int.random(in: 0..<30, using: &random) == 0 { out += "\n" }
    }
    return Array(out.utf8)
}

@Test(arguments: [64, 65, 100, 127, 128, 500, 1000, 4096]) func chunkSizeNeverShows(_ chunkBytes: Int) throws {
    for seed in 0..<6 {
        var random = SeededRandom(state: UInt64(seed))
        let bytes = randomFile(&random, rows: 200)
        for mode in [BadRecordMode.permissive, .dropMalformed] {
            var options = CSVReadOptions()
            options.mode = mode
            let whole = try readAll(bytes, mixed, options)
            let pieces = try readAll(bytes, mixed, options, chunkBytes: chunkBytes)
            #expect(whole.rows == pieces.rows, "seed \(seed)")
            #expect(whole.report == pieces.report, "seed \(seed)")
        }
    }
}

@Test func batchesStayValidAfterTheReaderMovedOn() throws {
    var random = SeededRandom(state: 99)
    let bytes = randomFile(&random, rows: 500)
    let expected = try readAll(bytes, mixed).rows
    let reader = try CSVReader(
        file: BytesFile(bytes), schema: mixed, columns: Array(0..<mixed.count), options: CSVReadOptions(),
        chunkBytes: 512)
    var batches: [Batch] = []
    while let batch = try reader.next() { batches.append(batch) }
    #expect(batches.flatMap { rows($0) } == expected)
}

@Test func randomBytesNeverCrash() throws {
    let alphabet = Array("\"\"\\,,\n\r ab1.-:T0".utf8) + [0xFF, 0xC3, 0xE2, 0x00]
    for seed in 0..<1500 {
        var random = SeededRandom(state: UInt64(seed) &* 77)
        let count = Int.random(in: 0..<120, using: &random)
        let bytes = (0..<count).map { _ in
            seed % 4 == 0 ? UInt8.random(in: 0...255, using: &random) : alphabet.randomElement(using: &random)!
        }
        var options = CSVReadOptions()
        options.header = seed % 5 == 0
        options.ignoreLeadingWhiteSpace = seed % 3 == 0
        options.ignoreTrailingWhiteSpace = seed % 7 == 0
        if seed % 2 == 0 { options.escape = UInt8(ascii: "\"") }
        if seed % 11 == 0 { options.comment = UInt8(ascii: "a") }
        if seed % 13 == 0 { options.nullValue = Array("1".utf8) }
        let schema = Schema([Field("a", .string), Field("b", .double), Field("c", .string)])
        let whole = try readAll(bytes, schema, options)
        let pieces = try readAll(bytes, schema, options, chunkBytes: 16)
        #expect(whole.rows == pieces.rows, "seed \(seed): \(String(decoding: bytes, as: UTF8.self).debugDescription)")
        #expect(whole.report == pieces.report, "seed \(seed)")
        options.inferSchema = true
        _ = try CSVSchemaInference.infer(BytesFile(bytes), options)
    }
}

@Test func manyRowsPerChunkAreCutIntoBatches() throws {
    let bytes = Array(String(repeating: "7\n", count: 40_000).utf8)
    let reader = try CSVReader(
        file: BytesFile(bytes), schema: Schema([Field("a", .int)]), columns: [0], options: CSVReadOptions())
    var counts: [Int] = []
    while let batch = try reader.next() {
        counts.append(batch.count)
        let values: UnsafePointer<Int32> = batch.columns[0].pointer()
        #expect((0..<batch.count).allSatisfy { values[$0] == 7 })
    }
    #expect(counts == [16_384, 16_384, 7_232])
}
