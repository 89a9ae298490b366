import Foundation
import Testing

@testable import Tidemill

/// Runs every golden stream in every way. See `GoldenFile` for the dialect.
@Suite struct GoldenTests {
    static let updates = ProcessInfo.processInfo.environment["TIDE_UPDATE"] == "1"

    @Test(arguments: GoldenFile.all) func stream(_ file: GoldenFile) throws {
        if Self.updates {
            var file = file
            try update(&file)
            return
        }
        #expect(!file.blocks.isEmpty)
        for way in GoldenWay.all where file.allows(way) { try check(file, way) }
    }

    @Test func thereAreGoldens() {
        if ProcessInfo.processInfo.environment["TIDE_GOLDEN"] == nil { #expect(GoldenFile.all.count >= 35) }
    }

    // MARK: Checking

    private func check(_ file: GoldenFile, _ way: GoldenWay) throws {
        let machine = try GoldenMachine(way, sql: file.sql)
        if way.course != .stepwise {
            for block in file.blocks { for step in block.steps { try machine.apply(step) } }
            let outcome = try machine.run()
            #expect(outcome.error == nil, "\(way.name)")
            for (subject, expected) in file.last {
                try compare(machine, outcome, expected, "\(way.name), at the end: \(subject)")
            }
        } else {
            for (number, block) in file.blocks.enumerated() {
                for step in block.steps { try machine.apply(step) }
                let outcome = try machine.run()
                let place = "\(way.name), epoch block \(number + 1)"
                if let error = outcome.error, !block.expected.contains(where: { $0.title == "error" }) {
                    Issue.record("\(place): \(error.report())")
                    return
                }
                for expected in block.expected {
                    if way.crashes && expected.countsRows { continue }
                    try compare(machine, outcome, expected, "\(place): \(expected.subject)")
                }
            }
        }
        if file.blocks.last?.expected.first?.title != "error" {
            #expect(try machine.checkpointProblems() == [], "\(way.name)")
        }
    }

    private func compare(
        _ machine: GoldenMachine, _ outcome: GoldenMachine.Outcome, _ expected: GoldenFile.Expected, _ place: String
    ) throws {
        let found = try section(machine, outcome, expected.subject)
        #expect(found == expected, "\(place)")
    }

    private func section(
        _ machine: GoldenMachine, _ outcome: GoldenMachine.Outcome, _ subject: String
    ) throws -> GoldenFile.Expected {
        let words = subject.split(separator: " ").map(String.init)
        switch words[0] {
        case "table": return try machine.table(words[1])
        case "copy": return try machine.copy(words[1])
        case "bad": return GoldenFile.Expected(title: "bad rows \(outcome.badRows)")
        case "late": return GoldenFile.Expected(title: "late rows \(outcome.lateRows)")
        case "state":
            let counts = ["rows": outcome.stateRows, "updated": outcome.updatedRows, "dropped": outcome.droppedRows]
            return GoldenFile.Expected(title: "state \(words[1]) \(counts[words[1]] ?? -1)")
        case "watermark":
            let millis = outcome.watermarks[words[1]]
            let text = millis.map { ProgressJSON.timestamp($0 * 1000) } ?? "none"
            return GoldenFile.Expected(title: "watermark \(words[1]) \(text)")
        case "rows": return GoldenFile.Expected(title: "rows read \(outcome.rowsRead)")
        case "error": return outcome.error.map { machine.report($0) } ?? GoldenFile.Expected(title: "no error")
        default: return GoldenFile.Expected(title: "no such section")
        }
    }

    // MARK: Updating

    private func update(_ file: inout GoldenFile) throws {
        let machine = try GoldenMachine(GoldenWay.all[1], sql: file.sql)
        for index in file.blocks.indices {
            for step in file.blocks[index].steps { try machine.apply(step) }
            let outcome = try machine.run()
            var subjects = file.blocks[index].expected.map(\.subject)
            if let error = outcome.error {
                if !subjects.isEmpty, subjects != ["error"] {
                    Issue.record("\(file.testDescription): \(error.report())")
                }
                subjects = ["error"]
            } else if subjects.isEmpty {
                subjects =
                    try machine.tables().map { "table \($0)" } + (outcome.badRows > 0 ? ["bad rows"] : [])
                    + ["rows read"]
            }
            file.blocks[index].expected = try subjects.map { try section(machine, outcome, $0) }
        }
        try file.save()
    }
}

extension GoldenFile {
    /// Whether the files can come in another rhythm than written, and the runs be cut off.
    func allows(_ way: GoldenWay) -> Bool {
        if isTimed && way.crashes { return false }
        if way.course == .stepwise { return true }
        if isStaged || blocks.contains(where: { $0.expected.contains { $0.title == "error" } }) { return false }
        var seen = Set<String>()
        for step in blocks.flatMap(\.steps) {
            guard case .file(let name, _) = step, seen.insert(name).inserted else { return false }
        }
        return true
    }

    /// The last block's tables, and copies.
    var last: [(subject: String, expected: Expected)] {
        (blocks.last?.expected ?? []).filter { !$0.countsRows }.map { ($0.subject, $0) }
    }
}

extension GoldenFile.Expected {
    /// Whether it is about what the last run did, which a run that was cut short did before.
    var countsRows: Bool {
        ["rows read", "bad rows", "late rows", "watermark ", "state "].contains { title.hasPrefix($0) }
    }
}
