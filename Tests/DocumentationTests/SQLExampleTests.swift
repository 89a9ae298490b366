import Foundation
import Testing
import Tidemill

/// The SQL that the documents show is accepted, or refused with the code they name.
struct SQLExampleTests {
    private let environment = Environment.system(workers: 1)

    private func project(_ name: String, _ blocks: [Documents.Block], in directory: URL) -> Project {
        Project(
            name: name.isEmpty ? "example" : name, directory: FilePath(directory.path),
            scripts: blocks.map { SourceText(name: "\($0.document):\($0.line)", text: $0.sql) }, configuration: [:],
            database: "default", storage: FilePath(directory.appendingPathComponent(".tidemill").path), notes: [])
    }

    /// A folder with every input that the examples name.
    private func withDirectory(_ sql: [Documents.Block], _ body: (URL) throws -> Void) throws {
        let name = "tidemill-docs-\(UUID().uuidString)"
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(name)
        defer { try? FileManager.default.removeItem(at: directory) }
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        for block in sql {
            for match in block.sql.matches(of: #/path '([^']+)'/#) where !match.output.1.contains("*") {
                try FileManager.default.createDirectory(
                    at: directory.appendingPathComponent(String(match.output.1)), withIntermediateDirectories: true)
            }
        }
        try body(directory)
    }

    @Test(arguments: Documents.withSQL) func pipelinesAreAccepted(document: String) throws {
        let blocks = try Documents.blocks(of: document)
        for name in Set(blocks.filter { $0.kind == "dry-run" }.map(\.name)).sorted() {
            let members = blocks.filter { $0.kind == "dry-run" && $0.name == name }
            // Blocks without a name stand alone.
            for group in name.isEmpty ? members.map({ [$0] }) : [members] {
                try withDirectory(group) { directory in
                    do {
                        let pipeline = try Pipeline(project(name, group, in: directory), environment: environment)
                        try pipeline.validate()
                    } catch let error as TidemillError {
                        Issue.record("\(document):\(group[0].line)\n\(error.report())")
                    }
                }
            }
        }
    }

    @Test(arguments: Documents.withSQL) func queriesAreAccepted(document: String) throws {
        let blocks = try Documents.blocks(of: document)
        for query in blocks where query.kind == "query" {
            let members = blocks.filter { $0.kind == "dry-run" && $0.name == query.name && !query.name.isEmpty }
            try withDirectory(members) { directory in
                do {
                    guard !members.isEmpty else {
                        _ = try Pipeline.query(
                            SourceText(name: "query", text: query.sql), directory: FilePath(directory.path),
                            environment: environment)
                        return
                    }
                    let pipeline = try Pipeline(project(query.name, members, in: directory), environment: environment)
                    try pipeline.run { _ in }
                    _ = try pipeline.query(SourceText(name: "query", text: query.sql))
                } catch let error as TidemillError {
                    Issue.record("\(document):\(query.line)\n\(error.report())")
                }
            }
        }
    }

    @Test(arguments: Documents.withSQL) func refusalsHaveTheirCode(document: String) throws {
        for block in try Documents.blocks(of: document) where block.kind == "error" {
            try withDirectory([block]) { directory in
                do {
                    let pipeline = try Pipeline(project("refused", [block], in: directory), environment: environment)
                    try pipeline.runner { _ in }.run()
                    Issue.record("\(document):\(block.line) is accepted")
                } catch let error as TidemillError {
                    #expect(error.code == block.name, "\(document):\(block.line)\n\(error.report())")
                }
            }
        }
    }

    /// A block that is not marked is not tested: each has its mark.
    @Test(arguments: Documents.withSQL) func everyBlockIsMarked(document: String) throws {
        for block in try Documents.blocks(of: document) {
            let kinds = ["dry-run", "query", "error"]
            #expect(kinds.contains(block.kind ?? ""), "\(document):\(block.line) has no mark")
        }
    }
}
