import Foundation
import Testing

/// The working tree that the tests were compiled from.
enum Repository {
    static let root: URL = {
        var url = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { url.deleteLastPathComponent() }
        return url
    }()

    /// Folders with code of ours.
    static let codeFolders = ["Sources", "checkpoints", "connectors", "benchmarks", "Tests"]
    /// Those without tests.
    static let productFolders = ["Sources", "checkpoints", "connectors", "benchmarks"]

    struct File {
        /// Relative to the root.
        let path: String
        let text: String
        var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
        var name: String { (path as NSString).lastPathComponent }
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
    }

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    /// Files below `folders` with one of the suffixes, by path. Hidden names are passed over.
    static func files(in folders: [String], suffixes: [String]) throws -> [File] {
        var paths: [String] = []
        for folder in folders {
            let base = root.appendingPathComponent(folder)
            let found = FileManager.default.enumerator(atPath: base.path)
            while let relative = found?.nextObject() as? String {
                let names = relative.split(separator: "/")
                if names.contains(where: { $0.hasPrefix(".") || $0 == "__pycache__" }) { continue }
                if suffixes.contains(where: relative.hasSuffix) { paths.append(folder + "/" + relative) }
            }
        }
        #expect(!paths.isEmpty, "no file with \(suffixes) below \(folders)")
        return try paths.sorted().map { File(path: $0, text: try text($0)) }
    }

    static func swiftFiles(in folders: [String]) throws -> [File] { try files(in: folders, suffixes: [".swift"]) }
}

/// One target of Package.swift.
struct PackageTarget {
    let name: String
    /// Position in the list: a target stands above those that use it.
    let position: Int
    /// Own targets and products it names.
    let dependencies: [String]
    let isTest: Bool
    /// Where its files are, relative to the root.
    let folders: [String]
}

/// The targets of Package.swift, read from its text: the file follows one form, and reading it must not need a build.
struct PackageTargets {
    let all: [PackageTarget]
    private let byName: [String: PackageTarget]

    init() throws {
        try self.init(text: Repository.text("Package.swift"))
    }

    init(text: String) throws {
        let start = try #require(text.range(of: "targets: [\n"), "Package.swift has no list of targets")
        let list = text[start.upperBound...].split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.drop { $0 == " " }.hasPrefix("//") }.joined(separator: "\n")
        var targets: [PackageTarget] = []
        let head = #/(module|tests|\.target|\.executableTarget|\.systemLibrary)\(/#
        var rest = Substring(list)
        while let match = rest.firstMatch(of: head) {
            let (body, end) = PackageTargets.balanced(rest, from: match.range.upperBound)
            targets.append(try PackageTargets.target(String(match.output.1), body, position: targets.count))
            rest = rest[end...]
        }
        all = targets
        byName = Dictionary(uniqueKeysWithValues: targets.map { ($0.name, $0) })
    }

    subscript(_ name: String) -> PackageTarget? { byName[name] }

    /// The text up to the parenthesis that closes the one before `start`, and what follows it.
    private static func balanced(_ text: Substring, from start: String.Index) -> (String, String.Index) {
        var depth = 1
        var index = start
        while index < text.endIndex {
            if text[index] == "(" { depth += 1 }
            if text[index] == ")" { depth -= 1 }
            let next = text.index(after: index)
            if depth == 0 { return (String(text[start..<index]), next) }
            index = next
        }
        return (String(text[start...]), text.endIndex)
    }

    private static func target(_ kind: String, _ body: String, position: Int) throws -> PackageTarget {
        let name = String(try #require(body.firstMatch(of: #/"([^"]+)"/#), "a target without a name: \(body)").output.1)
        let isTest = kind == "tests" || body.contains("path: \"Tests/")
        var path = (kind == "tests" ? "Tests/" : "Sources/") + name
        if let match = body.firstMatch(of: #/\bpath: "([^"]+)"/#) { path = String(match.output.1) }
        var folders = [path]
        if let match = body.firstMatch(of: #/\bsources: \[([^\]]*)\]/#) {
            folders = literals(String(match.output.1)).map { path + "/" + $0 }
        }
        return PackageTarget(
            name: name, position: position, dependencies: dependencies(kind, body), isTest: isTest, folders: folders)
    }

    /// `module` and `tests` take them as the second argument, the others by label.
    private static func dependencies(_ kind: String, _ body: String) -> [String] {
        let pattern = kind.hasPrefix(".") ? #/dependencies: \[/# : #/^\s*"[^"]+",\s*\[/#
        guard let match = body.firstMatch(of: pattern) else { return [] }
        var list = String(body[match.range.upperBound...])
        list.replace(#/\.product\(name: ("[^"]+"), package: "[^"]+"\)/#) { $0.output.1 }
        guard let end = list.firstIndex(of: "]") else { return [] }
        return literals(String(list[..<end]))
    }

    private static func literals(_ text: String) -> [String] {
        text.matches(of: #/"([^"]+)"/#).map { String($0.output.1) }
    }
}
