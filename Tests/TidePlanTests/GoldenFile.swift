import Foundation
import Testing

/// A text file of cases: `== name`, the SQL, `--`, what comes out. With TIDEMILL_UPDATE_GOLDENS=1 the file is written
/// anew with what came out, for review by `git diff`.
struct GoldenFile {
    struct Case {
        var name: String
        var sql: String
        var expected: String
    }
    let path: String
    let cases: [Case]

    init(_ name: String, file: String = #filePath) throws {
        path = URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent("Goldens/\(name)").path
        let text = try String(contentsOfFile: path, encoding: .utf8)
        var cases: [Case] = []
        var isExpected = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("== ") {
                cases.append(Case(name: String(line.dropFirst(3)), sql: "", expected: ""))
                isExpected = false
            } else if line == "--" {
                isExpected = true
            } else if !cases.isEmpty {
                if isExpected {
                    cases[cases.count - 1].expected += line + "\n"
                } else {
                    cases[cases.count - 1].sql += line + "\n"
                }
            }
        }
        for index in cases.indices { cases[index].expected = GoldenFile.trimmed(cases[index].expected) }
        self.cases = cases
    }

    private static func trimmed(_ text: String) -> String {
        var text = text
        while text.hasSuffix("\n\n") { text.removeLast() }
        return text == "\n" ? "" : text
    }

    /// Compares every case with `run` of its SQL.
    func check(casesMin: Int, _ run: (String) -> String) throws {
        #expect(cases.count >= casesMin)
        var updated = ""
        for item in cases {
            let actual = run(item.sql)
            updated += "== \(item.name)\n\(item.sql)--\n\(actual)\n"
            if ProcessInfo.processInfo.environment["TIDEMILL_UPDATE_GOLDENS"] == nil {
                #expect(actual == item.expected, "\(item.name)")
            }
        }
        if ProcessInfo.processInfo.environment["TIDEMILL_UPDATE_GOLDENS"] != nil {
            try updated.write(toFile: path, atomically: true, encoding: .utf8)
        }
    }
}
