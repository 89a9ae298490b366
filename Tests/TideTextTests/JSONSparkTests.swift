import Foundation
import Testing
import TideColumns

@testable import TideText

/// What Apache Spark 4.3 makes of JSON lines (Spark/spark_json.py), against what Tidemill makes of them.
struct JSONSparkTests {
    struct Case: Decodable, CustomTestStringConvertible, Sendable {
        var title: String
        var schema: String?
        var options: [String: String]
        var text: String?
        var base64: String?
        var inferred: [[String]]?
        var rows: [[String?]]?
        var error: Bool?

        var testDescription: String { title }
        var bytes: [UInt8] {
            if let base64 { return Data(base64Encoded: base64).map { Array($0) } ?? [] }
            return Array((text ?? "").utf8)
        }
    }

    static let cases: [Case] = {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "Spark/json.json")
        guard let data = try? Data(contentsOf: path) else { return [] }
        return (try? JSONDecoder().decode([Case].self, from: data)) ?? []
    }()

    @Test func thereAreCases() { #expect(JSONSparkTests.cases.count >= 25) }

    @Test(arguments: cases) func agreesWithSpark(_ item: Case) throws {
        let options = try JSONReadOptions.parse(item.options).options
        // Small windows cut the text everywhere; the large one takes it whole.
        for chunkBytes in [16, 61, 1 << 20] {
            if item.error == true {
                #expect(throws: TidemillError.self) { try read(item, options, chunkBytes) }
                continue
            }
            let rows = try read(item, options, chunkBytes)
            let expected = item.rows ?? []
            #expect(rows.count == expected.count)
            for (mine, spark) in zip(rows, expected) { #expect(mine == spark) }
        }
    }

    private func read(_ item: Case, _ options: JSONReadOptions, _ chunkBytes: Int) throws -> [[String?]] {
        let file = BytesFile(item.bytes, path: "t.json")
        let schema: Schema
        if let written = item.schema {
            schema = try Schema(columns(written))
        } else {
            var inference = try JSONSchemaInference(options)
            try inference.add(file, chunkBytes: chunkBytes)
            schema = try inference.schema()
            let found = schema.fields.map { [$0.name, $0.type.simpleName] }
            #expect(found == item.inferred)
        }
        let reader = try JSONReader(
            file: file, schema: schema, columns: Array(0..<schema.count), options: options, chunkBytes: chunkBytes)
        var all: [[String?]] = []
        while let batch = try reader.next() {
            for row in 0..<batch.count { all.append(batch.columns.map { text($0, row) }) }
        }
        return all
    }

    /// As Spark's cast prints it; binary in hexadecimal digits.
    private func text(_ column: Column, _ row: Int) -> String? {
        guard column.isValid(row) else { return nil }
        guard column.type == .binary else { return column.formatted().scalar(row).string }
        return column.bytes(row).map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined()
    }

    /// `a int, b decimal(5,2)`
    private func columns(_ text: String) throws -> [Field] {
        let types: [String: DataType] = [
            "boolean": .boolean, "tinyint": .tinyint, "smallint": .smallint, "int": .int, "bigint": .bigint,
            "float": .float, "double": .double, "string": .string, "binary": .binary, "date": .date,
            "timestamp": .timestamp, "timestamp_ntz": .timestampNTZ, "decimal(5,2)": .decimal(precision: 5, scale: 2),
        ]
        func type(_ text: String) throws -> DataType {
            if let known = types[text] { return known }
            let open = try #require(text.firstIndex(of: "<"))
            var parts: [String] = [""]
            var depth = 0
            for character in text[text.index(after: open)...].dropLast() {
                depth += "<(".contains(character) ? 1 : (">)".contains(character) ? -1 : 0)
                if character == "," && depth == 0 { parts.append("") } else { parts[parts.count - 1].append(character) }
            }
            switch text[..<open] {
            case "array": return .array(try type(parts[0]))
            case "map": return .map(key: try type(parts[0]), value: try type(parts[1]))
            default:
                return .structure(
                    try parts.map { part in
                        let colon = try #require(part.firstIndex(of: ":"))
                        return Field(String(part[..<colon]), try type(String(part[part.index(after: colon)...])))
                    })
            }
        }
        return try text.components(separatedBy: ", ").map { column in
            let parts = column.split(separator: " ").map(String.init)
            return Field(parts[0], try type(parts[1]))
        }
    }
}
