import Testing
import TideColumns

@testable import TideText

/// The expected lines are what Spark 4.3 wrote for the same values.
struct JSONWriterTests {
    private func written(_ schema: Schema, _ batch: Batch, _ options: [String: String] = [:]) throws -> String {
        let file = BytesFile([])
        var writer = try JSONWriter(schema: schema, options: JSONWriteOptions.parse(options).options, sink: file)
        try writer.append(batch)
        try writer.finish()
        #expect(writer.offset == Int64(file.bytes.count))
        return String(decoding: file.bytes, as: UTF8.self)
    }

    private func line(_ fields: [(String, Scalar)], _ options: [String: String] = [:]) throws -> String {
        let schema = Schema(fields.map { Field($0.0, $0.1.type) })
        return try written(
            schema, Batch(columns: fields.map { Column($0.1.type, [$0.1]) }, count: 1), options)
    }

    @Test func numbers() throws {
        let fields: [(String, Scalar)] = [
            ("b", .boolean(true)), ("t", Scalar(.tinyint, .integer(1))), ("i", .int(2)), ("l", .bigint(3)),
            ("f", Scalar(.float, .float(1.5))), ("d", .double(0.1)), ("d2", .double(1e10)), ("d3", .double(1e-5)),
            ("n", .double(.nan)), ("inf", .double(.infinity)), ("ninf", .double(-.infinity)),
            ("fn", Scalar(.float, .float(.nan))), ("d4", .double(123_456_789.125)),
            ("f2", Scalar(.float, .float(1_234_567.891))), ("nz", .double(-0.0)),
        ]
        #expect(
            try line(fields)
                == #"{"b":true,"t":1,"i":2,"l":3,"f":1.5,"d":0.1,"d2":1.0E10,"d3":1.0E-5,"n":"NaN","inf":"Infinity","#
                + #""ninf":"-Infinity","fn":"NaN","d4":1.23456789125E8,"f2":1234567.9,"nz":-0.0}"# + "\n")
    }

    @Test func decimals() throws {
        func decimal(_ precision: Int, _ scale: Int, _ value: Int128) -> Scalar {
            Scalar(.decimal(precision: precision, scale: scale), .decimal(value))
        }
        let fields: [(String, Scalar)] = [
            ("de", decimal(10, 2, 150)), ("de2", decimal(38, 10, 1_000_000_000_000)), ("dsmall", decimal(10, 8, 10)),
            ("dzero", decimal(10, 8, 0)), ("neg", decimal(10, 8, -1_234_567)),
        ]
        #expect(
            try line(fields)
                == #"{"de":1.50,"de2":100.0000000000,"dsmall":1.0E-7,"dzero":0E-8,"neg":-0.01234567}"# + "\n")
    }

    @Test func textAndTimes() throws {
        let text = "a\"\\/é\n\t\u{8}f\u{1}\u{7F}\u{2028}😀</"
        let fields: [(String, Scalar)] = [
            ("s", .string(text)), ("bin", Scalar(.binary, .bytes([1, 2, 3, 255]))),
            ("da", Scalar(.date, .integer(19_724))), ("ts", Scalar(.timestamp, .integer(1_704_164_645_123_456))),
            ("ts2", Scalar(.timestamp, .integer(1_704_164_645_000_000))),
            ("nt", Scalar(.timestampNTZ, .integer(1_704_164_645_120_000))), ("nul", .null(.int)),
        ]
        #expect(
            try line(fields)
                == "{\"s\":\"a\\\"\\\\/é\\n\\t\\bf\\u0001\u{7F}\u{2028}😀</\","
                + "\"bin\":\"AQID/w==\",\"da\":\"2024-01-02\","
                + "\"ts\":\"2024-01-02T03:04:05.123Z\",\"ts2\":\"2024-01-02T03:04:05.000Z\","
                + "\"nt\":\"2024-01-02T03:04:05.120\"}\n")
    }

    @Test func nulls() throws {
        #expect(try line([("a", .null(.int))]) == "{}\n")
        #expect(try line([("a", .null(.int)), ("b", .int(1))]) == "{\"b\":1}\n")
        #expect(
            try line([("a", .null(.int)), ("b", .int(1))], ["ignoreNullFields": "false"])
                == "{\"a\":null,\"b\":1}\n")
    }

    /// Base64 of RFC 4648, part 10.
    @Test func base64() throws {
        for (text, digits) in [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            #expect(try line([("a", Scalar(.binary, .bytes(Array(text.utf8))))]) == "{\"a\":\"\(digits)\"}\n")
        }
    }
}
