import Foundation

/// SQL in the documents, as far as it is marked:
///
///     <!-- test: dry-run -->      above a ```sql block: it is a whole pipeline
///     <!-- test: dry-run a -->    blocks of one document with the same name are one pipeline, in order
///     <!-- test: query a -->      a query over the pipeline of that name (without a name: over files only)
///     <!-- test: error CODE -->   a whole pipeline that is refused with this code
enum Documents {
    static let root: URL = {
        var url = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { url.deleteLastPathComponent() }
        return url
    }()

    static let withSQL = [
        "README.md", "docs/SQL.md", "docs/SEMANTICS.md", "docs/OPERATIONS.md", "docs/CONTRIBUTING.md",
    ]

    struct Block {
        let document: String
        let line: Int
        /// dry-run, query, error; nil: not marked.
        let kind: String?
        let name: String
        let sql: String
    }

    static func blocks(of document: String) throws -> [Block] {
        let text = try String(contentsOf: root.appendingPathComponent(document), encoding: .utf8)
        var found: [Block] = []
        var mark: [Substring]?
        var sql: [Substring]?
        var start = 0
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if sql != nil {
                if line == "```" {
                    let kind = mark?.first.map(String.init)
                    let name = mark?.dropFirst().joined(separator: " ") ?? ""
                    found.append(
                        Block(
                            document: document, line: start, kind: kind, name: name,
                            sql: sql?.joined(separator: "\n") ?? ""))
                    sql = nil
                    mark = nil
                } else {
                    sql?.append(line)
                }
            } else if let match = line.wholeMatch(of: #/<!-- test: (.+) -->/#) {
                mark = match.output.1.split(separator: " ")
            } else if line == "```sql" {
                sql = []
                start = number + 1
            } else if !line.isEmpty {
                mark = nil
            }
        }
        return found
    }
}
