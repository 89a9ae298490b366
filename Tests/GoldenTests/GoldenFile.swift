import Foundation
import Testing

/// A golden stream as text, line by line:
///
///     -- the rule that is shown, and where the expected values come from
///     CREATE TABLE …;  CREATE MATERIALIZED VIEW …;
///
///     epoch
///     file input/sales/a.csv
///     1,2
///
///     ----
///     table t (a INT, n BIGINT)
///     1|2
///
/// An `epoch` is one run of the pipeline. What stands before its `----` happens first, in order:
///
/// - `file PATH`, then the lines of the file until an empty one. `file PATH "…"` gives the bytes as an escaped string
///   (`\n \r \t \x00 \u{…}`), for files that lines cannot show.
/// - `directory PATH`, `remove PATH`.
/// - `sql`, then the pipeline's whole new text until a line `end`.
/// - `refresh TABLE`: the run gets `--full-refresh TABLE`.
/// - `crash`: the power is cut (on the disk of the test: all that was not synced may be gone), then the run starts.
///
/// What stands after it is expected: `table`, `copy PATH` (a file or all files of a folder), `bad rows N`, `rows read
/// N`, `late rows N`, `watermark FLOW TIME` (with which the flow's last epoch ran), `state rows N`, `state updated N`
/// and `state dropped N` (as progress counts them: rows in state after the last epoch, rows updated in it and late rows
/// dropped, over all operators), and `error` with the report of a run that must fail. Rows are sorted; `NULL` is NULL,
/// `''` the empty string, `\p` a bar. With TIDE_UPDATE=1 expected sections are written anew: those that are there, or
/// all if none is.
///
/// A comment `-- staged` says that results depend on which file comes in which epoch, `-- timed` that they depend on
/// the clock, which a crash and the start after it move on.
struct GoldenFile: Sendable, CustomTestStringConvertible {
    struct Expected: Equatable, Sendable {
        /// The heading, e.g. `table t (a INT)`.
        var title: String
        var lines: [String] = []
        /// `table t`, `copy out/x`, `bad rows`, …: what is asked for.
        var subject: String {
            let words = title.split(separator: " ")
            return title == "error" ? title : words.prefix(2).joined(separator: " ")
        }
    }
    enum Step: Sendable {
        case file(String, [UInt8])
        case directory(String)
        case remove(String)
        case sql(String)
        case refresh(String)
        case crash
    }
    struct Block: Sendable {
        /// Lines before the expected part, as they are.
        var input: [String] = []
        var steps: [Step] = []
        var expected: [Expected] = []
    }

    let path: URL
    let sql: String
    let isStaged: Bool
    let isTimed: Bool
    var blocks: [Block]

    static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Golden")

    /// All of them, or those whose path contains TIDE_GOLDEN.
    static let all: [GoldenFile] = {
        let wanted = ProcessInfo.processInfo.environment["TIDE_GOLDEN"] ?? ""
        let found = FileManager.default.enumerator(at: directory, includingPropertiesForKeys: nil)
        let paths = (found?.allObjects ?? []).compactMap { $0 as? URL }.filter {
            $0.pathExtension == "tide" && (wanted.isEmpty || $0.path.contains(wanted))
        }
        return paths.sorted { $0.path < $1.path }.map { GoldenFile($0) }
    }()

    var testDescription: String { String(path.path.dropFirst(Self.directory.path.count + 1)) }

    init(_ path: URL) {
        self.path = path
        let text = String(decoding: FileManager.default.contents(atPath: path.path) ?? Data(), as: UTF8.self)
        var lines = text.components(separatedBy: "\n")[...]
        if lines.last == "" { lines.removeLast() }
        let head = lines.prefix { $0 != "epoch" }
        sql = head.joined(separator: "\n") + "\n"
        isStaged = head.contains { $0.hasPrefix("-- staged") }
        isTimed = head.contains { $0.hasPrefix("-- timed") }
        blocks = []
        lines = lines.dropFirst(head.count)
        while lines.popFirst() != nil {
            var block = Block()
            let input = lines.prefix { $0 != "----" && $0 != "epoch" }
            block.input = Array(input)
            block.steps = GoldenFile.steps(input)
            lines = lines.dropFirst(input.count)
            if lines.first == "----" { lines.removeFirst() }
            let expected = lines.prefix { $0 != "epoch" }
            block.expected = GoldenFile.expected(expected)
            lines = lines.dropFirst(expected.count)
            blocks.append(block)
        }
    }

    private static func steps(_ input: ArraySlice<String>) -> [Step] {
        var lines = input
        var steps: [Step] = []
        while let line = lines.popFirst() {
            let words = line.split(separator: " ", maxSplits: 2).map(String.init)
            switch words.first {
            case nil: break
            case "file" where words.count == 3: steps.append(.file(words[1], unescaped(words[2])))
            case "file":
                let content = lines.prefix { !$0.isEmpty }
                lines = lines.dropFirst(content.count)
                steps.append(.file(words[1], content.flatMap { Array($0.utf8) + [10] }))
            case "directory": steps.append(.directory(words[1]))
            case "remove": steps.append(.remove(words[1]))
            case "refresh": steps.append(.refresh(words[1]))
            case "crash": steps.append(.crash)
            case "sql":
                let text = lines.prefix { $0 != "end" }
                lines = lines.dropFirst(text.count + 1)
                steps.append(.sql(text.joined(separator: "\n") + "\n"))
            case .some(let word): preconditionFailure("golden file: no such step: \(word)")
            }
        }
        return steps
    }

    private static func expected(_ input: ArraySlice<String>) -> [Expected] {
        var lines = input
        var all: [Expected] = []
        while let line = lines.popFirst() {
            if line.isEmpty { continue }
            let content = lines.prefix { !$0.isEmpty }
            lines = lines.dropFirst(content.count)
            all.append(Expected(title: line, lines: Array(content)))
        }
        return all
    }

    private static func unescaped(_ text: String) -> [UInt8] {
        var characters = text.unicodeScalars.dropFirst().dropLast()
        var bytes: [UInt8] = []
        while let next = characters.popFirst() {
            guard next == "\\", let escape = characters.popFirst() else {
                bytes += Array(String(next).utf8)
                continue
            }
            switch escape {
            case "n": bytes.append(10)
            case "r": bytes.append(13)
            case "t": bytes.append(9)
            case "x":
                let digits = String(String.UnicodeScalarView(characters.prefix(2)))
                characters = characters.dropFirst(2)
                bytes.append(UInt8(digits, radix: 16) ?? 0)
            case "u":
                let digits = characters.dropFirst().prefix { $0 != "}" }
                characters = characters.dropFirst(digits.count + 2)
                let code = UInt32(String(String.UnicodeScalarView(digits)), radix: 16) ?? 0
                bytes += Array(String(Unicode.Scalar(code) ?? " ").utf8)
            default: bytes += Array(String(escape).utf8)
            }
        }
        return bytes
    }

    /// Writes the file with the blocks' expected parts as they are now.
    func save() throws {
        var text = sql
        for (index, block) in blocks.enumerated() {
            var input = block.input
            while input.last == "" { input.removeLast() }
            text += "epoch\n" + input.map { $0 + "\n" }.joined() + (input.isEmpty ? "" : "\n") + "----\n"
            for (number, one) in block.expected.enumerated() {
                let isShort =
                    one.title.hasPrefix("rows read") || one.title.hasPrefix("bad rows")
                    || one.title.hasPrefix("late rows") || one.title.hasPrefix("watermark ")
                    || one.title.hasPrefix("state ")
                text += one.title + "\n" + one.lines.map { $0 + "\n" }.joined()
                let isLast = number == block.expected.count - 1
                if !(isShort && isLast) && !(isLast && index == blocks.count - 1) { text += "\n" }
            }
            if index < blocks.count - 1 && !text.hasSuffix("\n\n") { text += "\n" }
        }
        try Data(text.utf8).write(to: path)
    }
}
