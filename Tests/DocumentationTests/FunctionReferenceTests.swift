import Foundation
import Testing
import Tidemill

/// docs/functions.md says what the registry says. `TIDE_UPDATE=1` writes it anew.
struct FunctionReferenceTests {
    private static func escaped(_ text: String) -> String { text.replacingOccurrences(of: "|", with: "\\|") }

    /// Code that may itself hold a backquote.
    private static func code(_ text: String) -> String {
        let text = escaped(text)
        return text.contains("`") ? "`` \(text) ``" : "`\(text)`"
    }

    /// Whether the engine refuses to compute it: the function is known, so that its types and errors are right.
    private static func isRefused(_ entry: FunctionDocumentation) -> Bool {
        guard entry.example.hasPrefix("SELECT") else { return false }
        do {
            _ = try Pipeline.query(
                SourceText(name: "example", text: entry.example), directory: FilePath("/"),
                environment: .system(workers: 1))
            return false
        } catch {
            #expect(error.kind == .unsupported, "\(entry.usage): \(error.report())")
            return true
        }
    }

    static func generate() -> String {
        var out = """
            # Functions

            Written by `TIDE_UPDATE=1 make test FILTER=FunctionReferenceTests` from the functions' own documentation.
            Names are matched in any case. Meaning, types and NULL rules are those of Spark SQL in ANSI mode.

            """
        for group in FunctionDocumentation.Group.allCases {
            let entries = FunctionRegistry.builtin.documentation.filter { $0.group == group }
            if entries.isEmpty { continue }
            out += "\n## \(group.rawValue)\n\n| usage | what it gives | example | result |\n| --- | --- | --- | --- |\n"
            for entry in entries {
                let others = entry.names.dropFirst().map(code).joined(separator: ", ")
                let also = others.isEmpty ? "" : " (also \(others))"
                let refused = isRefused(entry) ? " *Not computed yet.*" : ""
                let example = entry.example.isEmpty ? "" : code(entry.example)
                let result = entry.result.isEmpty ? "" : code(entry.result)
                out +=
                    "| \(code(entry.usage)) | \(escaped(entry.summary))\(also)\(refused) | \(example) | \(result) |\n"
            }
        }
        return out
    }

    @Test func referenceIsCurrent() throws {
        let file = Documents.root.appendingPathComponent("docs/functions.md")
        let generated = FunctionReferenceTests.generate()
        if ProcessInfo.processInfo.environment["TIDE_UPDATE"] == "1" {
            try generated.write(to: file, atomically: true, encoding: .utf8)
        }
        let written = try String(contentsOf: file, encoding: .utf8)
        let lines = written.split(separator: "\n", omittingEmptySubsequences: false)
        for (number, line) in generated.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let there = number < lines.count ? lines[number] : "(end of file)"
            #expect(there == line, "docs/functions.md:\(number + 1); TIDE_UPDATE=1 writes it anew")
        }
        #expect(written == generated)
    }
}
