import Foundation
import Testing

/// The documents speak of what is there.
struct DocumentTests {
    private static let documents =
        ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"]
        + ["SQL", "SEMANTICS", "FORMATS", "OPERATIONS", "PERFORMANCE", "CONTRIBUTING"].map { "docs/\($0).md" }

    @Test func topLevelHoldsWhatItShould() throws {
        let allowed: Set<String> = [
            "Package.swift", "Makefile", "README.md", "ARCHITECTURE.md", "CHANGELOG.md", "LICENSE", "Sources",
            "checkpoints", "connectors", "benchmarks", "Tests", "docs", "examples",
            // Made by builds and runs, and ignored by git.
            "Package.resolved", "demo",
        ]
        let allowedHidden: Set<String> = [".git", ".gitignore", ".swift-format", ".ci", ".swiftpm", ".bench"]
        for name in try FileManager.default.contentsOfDirectory(atPath: Repository.root.path) {
            if name.hasPrefix(".build") || name.hasPrefix(".venv") { continue }
            #expect(
                allowed.contains(name) || allowedHidden.contains(name), "\(name) is not one of the top level's names")
        }
    }

    /// Paths in backquotes that begin like one of the tree's folders, and targets of relative links.
    @Test(arguments: documents) func pathsExist(document: String) throws {
        let text = try Repository.text(document)
        let folder = (document as NSString).deletingLastPathComponent
        for match in text.matches(of: #/\]\(([^)#:\s]+)(?:#[^)]*)?\)/#) {
            let path = (folder as NSString).appendingPathComponent(String(match.output.1))
            #expect(Repository.exists(path), "\(document) links to \(path)")
        }
        let inTree = #/`((?:Sources|checkpoints|connectors|benchmarks|Tests|docs|examples|\.ci)(?:/[^`\s*<>{}…]*)?)`/#
        for match in text.matches(of: inTree) {
            #expect(Repository.exists(String(match.output.1)), "\(document) speaks of \(match.output.1)")
        }
        // Bare names of Swift files.
        let all = Set(try Repository.swiftFiles(in: Repository.codeFolders).map(\.name)).union(["Package.swift"])
        for match in text.matches(of: #/`([A-Za-z0-9+]+\.swift)`/#) {
            #expect(all.contains(String(match.output.1)), "\(document) speaks of \(match.output.1)")
        }
    }

    /// The module table has every target that is not a test, in the order of Package.swift, with its folder.
    @Test func architectureListsEveryModule() throws {
        let text = try Repository.text("ARCHITECTURE.md")
        let targets = try PackageTargets()
        var rows: [(names: [String], path: String)] = []
        for match in text.matches(of: #/(?m)^\| ((?:`[A-Za-z0-9-]+`(?:, )?)+) \| `([^`]+)` \|/#) {
            let names = match.output.1.matches(of: #/`([^`]+)`/#).map { String($0.output.1) }
            rows.append((names, String(match.output.2)))
        }
        #expect(rows.flatMap(\.names) == targets.all.filter { !$0.isTest }.map(\.name))
        for row in rows {
            for name in row.names {
                let target = try #require(targets[name], "ARCHITECTURE.md lists \(name)")
                #expect(
                    target.folders.allSatisfy { $0.hasPrefix(row.path) },
                    "ARCHITECTURE.md says that \(name) is in \(row.path)")
            }
        }
        #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= 251)
    }

    @Test func everyLineOfADocumentFits() throws {
        for document in DocumentTests.documents {
            for (number, line) in try Repository.text(document).split(separator: "\n", omittingEmptySubsequences: false)
                .enumerated() where !line.hasPrefix("|") && !line.contains("](")
            {
                #expect(line.count <= 120, "\(document):\(number + 1) is \(line.count) columns wide")
            }
        }
    }

    /// `## version (date or unreleased)`, newest first; below it the known headings with lists.
    @Test func changelogKeepsItsForm() throws {
        let headings = ["Safety", "Features", "Speed", "Internals"]
        let text = try Repository.text("CHANGELOG.md")
        #expect(text.hasPrefix("# Changelog\n"))
        var versions: [[Int]] = []
        var inSection = false
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let place = "CHANGELOG.md:\(number + 1): \(line)"
            if line.hasPrefix("## ") {
                let form = #/^## (\d+)\.(\d+)\.(\d+) \((?:unreleased|\d{4}-\d{2}-\d{2})\)$/#
                guard let match = line.wholeMatch(of: form) else {
                    Issue.record("\(place)")
                    continue
                }
                versions.append([match.output.1, match.output.2, match.output.3].compactMap { Int($0) })
                inSection = false
            } else if line.hasPrefix("### ") {
                #expect(headings.contains(String(line.dropFirst(4))), "\(place)")
                inSection = true
            } else if !line.isEmpty, number > 0, inSection {
                #expect(line.hasPrefix("- ") || line.hasPrefix("  "), "\(place)")
            }
        }
        #expect(!versions.isEmpty)
        #expect(versions == versions.sorted { $1.lexicographicallyPrecedes($0) })
    }
}
