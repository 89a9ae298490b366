import Testing
import TideColumns

@testable import TideText

private func types(_ text: String, header: Bool = false) throws -> [String] {
    var options = CSVReadOptions()
    options.header = header
    options.inferSchema = true
    let schema = try CSVSchemaInference.infer(BytesFile(text), options, chunkBytes: 32)
    return schema.fields.map { header ? "\($0.name) \($0.type.sql)" : $0.type.sql }
}

/// Expected types: Spark 4.3 with inferSchema on the same text.
@Test func infersAsSpark() throws {
    let text =
        "a,b,c,d,e,f,g,h\n1,1,1.5,true,2024-01-01,2024-01-01 00:00:00,,x\n"
        + "2,3000000000,2,FALSE,2024-01-02,2024-01-01,,\n"
    #expect(
        try types(text, header: true)
            == [
                "a INT", "b BIGINT", "c DOUBLE", "d BOOLEAN", "e DATE", "f TIMESTAMP", "g STRING", "h STRING",
            ])
    #expect(
        try types("a,,a,A,\"x y\"\n1,2,3,4,5\n", header: true)
            == ["a0 INT", "_c1 INT", "a2 INT", "A3 INT", "x y INT"])
    #expect(try types("1,1\n1.0,true\n") == ["DOUBLE", "STRING"])
    #expect(try types("1,99999999999999999999,-1,+5\n1,1,1,1\n") == ["INT", "DECIMAL(20,0)", "INT", "INT"])
    #expect(try types("2024-01-01,2024-01-01\n1,2024-01-01 00:00\n") == ["STRING", "TIMESTAMP"])
    #expect(try types("NaN,1e3,.5,5.\n1,1,1,1\n") == ["DOUBLE", "DOUBLE", "DOUBLE", "DECIMAL(1,0)"])
    #expect(
        try types("99999999999999999999.5,1d, 1,0x10\n1,1,1,1\n") == ["DOUBLE", "DOUBLE", "DOUBLE", "STRING"])
    #expect(try types("1\n2,3\n") == ["INT"])
    #expect(try types("1\n99999999999999999999\n1.5\n") == ["DOUBLE"])
    #expect(try types("9999999999\n99999999999999999999\n") == ["DECIMAL(20,0)"])
    for (value, type) in [
        ("2024-1-2", "TIMESTAMP"), ("2024-01", "TIMESTAMP"), ("2024-01-02T", "STRING"), ("2024-01-02 00", "TIMESTAMP"),
        ("2024-01-02 ", "TIMESTAMP"), ("tRue", "BOOLEAN"), ("1E400", "DOUBLE"), ("-", "STRING"), ("0x1p3", "DOUBLE"),
        ("1L", "STRING"), ("1,5", "STRING"), ("9223372036854775808", "DECIMAL(19,0)"), ("-Inf", "DOUBLE"),
        ("123456789012345678901234567890123456789", "DOUBLE"), ("10E2", "DOUBLE"), ("1e38", "DOUBLE"),
    ] {
        #expect(try types("\"\(value)\"\n") == [type], "\(value)")
    }
}

@Test func withoutInferenceEverythingIsString() throws {
    let schema = try CSVSchemaInference.infer(BytesFile("1,2\n"), CSVReadOptions())
    #expect(schema.fields.map(\.name) == ["_c0", "_c1"] && schema.types == [.string, .string])
    #expect(try CSVSchemaInference.infer(BytesFile(""), CSVReadOptions()).count == 0)
}
