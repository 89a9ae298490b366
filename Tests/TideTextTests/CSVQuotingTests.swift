import Foundation
import Testing
import TideColumns

@testable import TideText

private struct QuotingCase {
    var text: String
    /// Spark 4.3, schema of three strings, multiLine: with escape \ (default) and with escape ".
    var backslash: [String?]
    var doubled: [String?]
    init(_ text: String, _ backslash: [String?], _ doubled: [String?]) {
        self.text = text
        self.backslash = backslash
        self.doubled = doubled
    }
}

/// Results copied from Spark 4.3.
private let cases: [QuotingCase] = [
    .init(#""x""y",b,c"#, [#""x""y""#, "b", "c"], [#"x"y"#, "b", "c"]),
    .init(#""",b,c"#, [nil, "b", "c"], [nil, "b", "c"]),
    .init("\"\"\",x\",b,c", ["\"", "x\"", "b"], ["\",x", "b", "c"]),
    .init("\"\"\"\",b,c", ["\"\"", "b", "c"], ["\"", "b", "c"]),
    .init(#""a,""b"",c",b,c"#, [#""a,""b"""#, #"c""#, "b"], [#"a,"b",c"#, "b", "c"]),
    .init(#""x\"y",b,c"#, [#"x"y"#, "b", "c"], [#""x\"y""#, "b", "c"]),
    .init(#""x\\y",b,c"#, [#"x\y"#, "b", "c"], [#"x\\y"#, "b", "c"]),
    .init(#""x\ny",b,c"#, [#"x\ny"#, "b", "c"], [#"x\ny"#, "b", "c"]),
    .init(#"x\"y,b\\,c"#, [#"x\"y"#, #"b\\"#, "c"], [#"x\"y"#, #"b\\"#, "c"]),
    .init(#""x"y,b,c"#, [#""x"y"#, "b", "c"], [#""x"y"#, "b", "c"]),
    .init(#""x" ,b,c"#, ["x", "b", "c"], ["x", "b", "c"]),
    .init(#" "x,z",b"#, [#" "x"#, #"z""#, "b"], [#" "x"#, #"z""#, "b"]),
    .init(#""abc"",b,c"#, [#"abc""#, "b", "c"], [#"abc",b,c"#, nil, nil]),
    .init(#"""abc"",b,c"#, [#"""abc"""#, "b", "c"], [#"""abc"""#, "b", "c"]),
    .init(#""""abc",b,c"#, [#""""abc""#, "b", "c"], [#""abc"#, "b", "c"]),
    .init(#""a"",b",c"#, [#"a""#, #"b""#, "c"], [#"a",b"#, "c", nil]),
    .init(#""a""",b,c"#, [#"a"""#, "b", "c"], [#"a""#, "b", "c"]),
    .init(#""a"b"c,d",e"#, [#""a"b"c"#, #"d""#, "e"], [#""a"b"c"#, #"d""#, "e"]),
    .init(#""a" b,c,d"#, [#""a" b"#, "c", "d"], [#""a" b"#, "c", "d"]),
    .init(#"""  ,b,c"#, [nil, "b", "c"], [nil, "b", "c"]),
    .init(#""a\"b"c,d,e"#, [#""a"b"c"#, "d", "e"], [#""a\"b"c"#, "d", "e"]),
    .init(#""\"",b,c"#, [#"""#, "b", "c"], [#"\",b,c"#, nil, nil]),
    .init(#""a\,b",c,d"#, [#"a\,b"#, "c", "d"], [#"a\,b"#, "c", "d"]),
    .init(#""a"  "b",c,d"#, [#""a"  "b""#, "c", "d"], [#""a"  "b""#, "c", "d"]),
    .init(#"x"",b,c"#, [#"x"""#, "b", "c"], [#"x"""#, "b", "c"]),
    .init("\"a\nb\",c,d", ["a\nb", "c", "d"], ["a\nb", "c", "d"]),
    .init("a,\"\",NA", ["a", nil, "NA"], ["a", nil, "NA"]),
]

@Test(arguments: cases.indices) func quotesAsSpark(_ index: Int) throws {
    let one = cases[index]
    for lineEnd in ["\n", "\r\n"] {
        for (escape, expected) in [(UInt8(ascii: "\\"), one.backslash), (UInt8(ascii: "\""), one.doubled)] {
            var options = CSVReadOptions()
            options.escape = escape
            // An unterminated quote takes the line end with it; those cases are compared without one.
            let isOpen = expected[0] != nil && expected[0]!.hasSuffix(",c") && expected[1] == nil
            let text = one.text + (isOpen ? "" : lineEnd)
            for chunkBytes in [16, 1 << 20] {
                let (rows, _) = try readAll(Array(text.utf8), strings(3), options, chunkBytes: chunkBytes)
                #expect(rows == [expected], "\(one.text) escape \(Character(UnicodeScalar(escape)))")
            }
        }
    }
}

@Test func nullAndEmptyValues() throws {
    var options = CSVReadOptions()
    options.nullValue = Array("NA".utf8)
    #expect(try readAll(Array(",\"\",NA\n".utf8), strings(3), options).rows == [[nil, "", nil]])
    options = CSVReadOptions()
    options.emptyValue = Array("E".utf8)
    #expect(try readAll(Array(",\"\",NA\n".utf8), strings(3), options).rows == [[nil, "E", "NA"]])
}

@Test func whiteSpaceOptions() throws {
    #expect(try readAll(Array(" a , b ,c \n".utf8), strings(3)).rows == [[" a ", " b ", "c "]])
    var options = CSVReadOptions()
    options.ignoreLeadingWhiteSpace = true
    options.ignoreTrailingWhiteSpace = true
    #expect(try readAll(Array(" a , b ,c \n".utf8), strings(3), options).rows == [["a", "b", "c"]])
    #expect(
        try readAll(Array("\" a \", \" b \",c \n".utf8), strings(3), options).rows == [[" a ", " b ", "c"]])
}

@Test func commentsAndOtherSeparators() throws {
    var options = CSVReadOptions()
    options.comment = UInt8(ascii: "#")
    #expect(try readAll(Array("#x\n1,2\n#3,4\n".utf8), strings(2), options).rows == [["1", "2"]])
    options = CSVReadOptions()
    options.separator = 0x09
    #expect(try readAll(Array("\t\t\na\tb\tc\n".utf8), strings(3), options).rows == [["a", "b", "c"]])
    options = CSVReadOptions()
    options.quote = nil
    #expect(
        try readAll(Array("\"a\",b\",c\n".utf8), strings(3), options).rows == [["\"a\"", "b\"", "c"]])
}

@Test func invalidUTF8IsReplacedAsInSpark() throws {
    let text = Array("a".utf8) + [0xFF] + Array("b,c".utf8) + [0xC3, 0x2C, 0xED, 0xA0, 0x80, 0x0A]
    #expect(try readAll(text, strings(3)).rows == [["a\u{FFFD}b", "c\u{FFFD}", "\u{FFFD}"]])
    let more: [UInt8] = [0xE2, 0x82, 0x2C, 0xF0, 0x9F, 0x98, 0x2C, 0xF4, 0x90, 0x80, 0x80, 0x0A]
    let four = "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"
    #expect(try readAll(more, strings(3)).rows == [["\u{FFFD}", "\u{FFFD}", four]])
}

/// github.com/maxogden/csv-spectrum, when TIDEMILL_CORPORA names the folder that holds it. Its files double quotes.
@Test func csvSpectrum() throws {
    guard let root = ProcessInfo.processInfo.environment["TIDEMILL_CORPORA"] else { return }
    let folder = URL(fileURLWithPath: root).appendingPathComponent("csv-spectrum")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("csvs").path)
    var seen = 0
    for name in names.sorted() where name.hasSuffix(".csv") {
        let csv = try Data(contentsOf: folder.appendingPathComponent("csvs/\(name)"))
        let json = folder.appendingPathComponent("json/\(name.dropLast(4)).json")
        // A checkout that normalized line ends took the CRs that this file's expectation names.
        if name.contains("newlines_crlf"), !csv.contains(0x0D) { continue }
        let decoded = try JSONSerialization.jsonObject(with: Data(contentsOf: json))
        let single = (decoded as? [String: String]).map { [$0] }
        let expected = try #require(single ?? decoded as? [[String: String]])
        var options = CSVReadOptions()
        options.header = true
        options.escape = UInt8(ascii: "\"")
        let schema = try CSVSchemaInference.infer(BytesFile(Array(csv)), options)
        let (rows, report) = try readAll(Array(csv), schema, options)
        #expect(report.badRows == 0 && report.headerMismatch.isEmpty)
        let found = rows.map { row in
            Dictionary(uniqueKeysWithValues: zip(schema.names, row.map { $0 ?? "" }))
        }
        // The corpus changed the phone number of this file in its JSON only.
        if name.hasPrefix("location_coordinates") {
            #expect(found[0]["Location Coordinates"] == expected[0]["Location Coordinates"])
        } else {
            #expect(found == expected, "\(name)")
        }
        seen += 1
    }
    #expect(seen >= 11)
}
