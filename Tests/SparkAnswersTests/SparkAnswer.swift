import Foundation

/// One line of Tests/Peers/answers/*.txt, which describes the form: a question with the types and rows of its answer.
struct SparkAnswer {
    let question: String
    /// Of an expression its type; of a query `~` or `=` and its columns; `!` if there is none.
    let types: String
    /// Rows of texts, as written; of an error its class behind `!`.
    let rows: [[String]]

    init(question: String, types: String, rows: [[String]]) {
        self.question = question
        self.types = types
        self.rows = rows
    }

    init?(line: Substring) {
        let parts = line.split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3 else { return nil }
        let rows = parts[2].isEmpty ? [] : parts[2].components(separatedBy: "\t\t")
        self.init(question: parts[0], types: parts[1], rows: rows.map { $0.components(separatedBy: "\t") })
    }

    var text: String { types + "\t" + rows.map { $0.joined(separator: "\t") }.joined(separator: "\t\t") }
    var isQuery: Bool { types.hasPrefix("~ ") || types.hasPrefix("= ") || Self.startsQuery(question) }
    var isOrdered: Bool { types.hasPrefix("= ") }

    /// The class of the error that this answer is. What stands after the point says the same more precisely, in places
    /// differently; and whether a constant fails before or after the types are known says nothing.
    private var error: Substring? {
        guard let text = rows.first?.first, text.hasPrefix("!") else { return nil }
        return text.prefix { $0 != "." }
    }

    private static func startsQuery(_ question: String) -> Bool {
        if question.hasPrefix("(") { return true }
        let word = question.prefix { $0.isLetter || $0 == "_" }.uppercased()
        return ["SELECT", "WITH", "VALUES", "FROM"].contains(word)
    }

    /// Equal, where doubles may differ in the last places that Java's and C's elementary functions compute, and floats
    /// in how Java before 19 prints them (JDK-4511638).
    func agrees(with other: SparkAnswer) -> Bool {
        if let error, let expected = other.error { return error == expected }
        guard types == other.types, rows.count == other.rows.count else { return false }
        return zip(rows, other.rows).allSatisfy { left, right in
            left.count == right.count && zip(left, right).allSatisfy(isSame)
        }
    }

    private func isSame(_ left: String, _ right: String) -> Bool {
        if left == right { return true }
        guard types.contains("double") || types.contains("float"), let a = Double(left), let b = Double(right) else {
            return false
        }
        if types.contains("float"), Float(left) == Float(right) { return true }
        return abs(a - b) <= 4e-15 * max(abs(a), abs(b))
    }

    // MARK: - Files

    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Peers")

    static func topics() throws -> [String] {
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/answers")
        return files.filter { $0.hasSuffix(".txt") }.map { String($0.dropLast(4)) }.sorted()
    }

    static func read(_ file: String) throws -> [SparkAnswer] {
        let text = try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { SparkAnswer(line: $0) }
    }
}
