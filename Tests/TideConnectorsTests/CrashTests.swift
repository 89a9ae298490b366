import Testing
import TideColumns
import TideSimulation
import TideText

@testable import TideConnectors

/// The power is cut at every call that changes the disk, the disk keeps what it likes of what was not synced, and the
/// pipeline starts again with what its log says is committed.
@Suite struct CrashTests {
    private static let formats: [StoredFormat] = [.parquet, .json(JSONWriteOptions()), .csv(CSVWriteOptions())]

    private static func options(_ format: StoredFormat) -> TableOptions {
        var options = smallOptions()
        options.format = format
        options.mergeFanIn = 2
        options.bloomRowsMin = 20
        return options
    }

    /// Names that may stand in the warehouse once everything is published.
    private func expectNoOrphans(_ machine: Machine) throws {
        let siblings = try machine.names("/w").filter {
            $0 != "t" && $0 != ".t.staging" && $0 != ".t.rows" && !$0.contains(".old-")
        }
        #expect(siblings == [])
        if try machine.disk.exists("/w/.t.staging") { #expect(try machine.names("/w/.t.staging") == []) }
        let marker = try TableMarker(decoding: machine.disk.contents(of: "/w/t/_tidemill"), file: "_tidemill")
        let listed = marker.files.flatMap { $0.hasBloom ? [$0.name, $0.bloomName] : [$0.name] } + ["_tidemill"]
        #expect(try machine.names("/w/t") == listed.sorted())
    }

    // MARK: Append

    private let appended: [[Row]] = [3, 120, 1, 0, 300, 2, 2, 90].enumerated().map { epoch, count in
        (0..<count).map { Row(name: "epoch \(epoch) row \($0)", number: Int64(epoch), value: Double($0)) }
    }

    /// What outlives a crash besides the disk under test: the epoch log.
    private final class Log {
        var manifests: [PreparedEpoch] = []
        /// The newest epoch whose publish returned.
        var published: Epoch?
    }

    /// - Parameter together: how many epochs are published at a time; what a crash left over is published at once.
    private func runAppends(_ machine: Machine, _ log: Log, together: Int) throws {
        let table = try AppendTable(
            location: "/w/t", identity: identity, schema: rowSchema, options: CrashTests.options(machine.format),
            environment: machine.environment)
        if let published = log.published {
            // An epoch without rows leaves no mark of its own.
            let visible = log.manifests.last {
                $0.epoch <= published && !appended[Int($0.epoch.rawValue)].isEmpty
            }?.epoch
            #expect(try visible.map { wanted in try table.publishedEpoch().map { $0 >= wanted } ?? false } ?? true)
        }
        try table.recover(committed: log.manifests)
        _ = try table.publish(log.manifests)
        log.published = log.manifests.last?.epoch ?? log.published
        for number in log.manifests.count..<appended.count {
            let epoch = Epoch(Int64(number))
            let writer = try table.begin(epoch)
            try writer.append(batch(appended[number]))
            log.manifests.append(PreparedEpoch(epoch: epoch, manifest: try writer.prepare()))
            if (number + 1) % together == 0 || number + 1 == appended.count {
                _ = try table.publish(Array(log.manifests.suffix(together)))
                log.published = epoch
            }
        }
    }

    private func machine(
        _ format: StoredFormat, _ disk: SimulatedFileSystem = SimulatedFileSystem(), seed: UInt64 = 1
    ) -> Machine {
        var machine = Machine(disk, seed: seed)
        machine.format = format
        return machine
    }

    @Test(arguments: formats, [1, 3])
    func appendSurvivesAPowerCutAnywhere(_ format: StoredFormat, together: Int) throws {
        let whole = machine(format)
        try runAppends(whole, Log(), together: together)
        let all = appended.flatMap { $0 }.sorted()
        #expect(try whole.stored("/w/t").sorted() == all)
        let calls = whole.disk.calls
        #expect(calls > 60)
        var prefixes: [[Row]] = [[]]
        for rows in appended { prefixes.append((prefixes[prefixes.count - 1] + rows).sorted()) }
        for cut in 0..<calls {
            let machine = self.machine(format)
            let log = Log()
            machine.disk.cutPower(afterCalls: cut)
            #expect(throws: TidemillError.self) { try runAppends(machine, log, together: together) }
            let after = self.machine(format, machine.disk.crashed(seed: UInt64(cut)), seed: 2)
            if try after.disk.exists("/w/t/_tidemill") {
                let seen = try after.stored("/w/t").sorted()
                let least = log.published.map { Int($0.rawValue) + 1 } ?? 0
                #expect(prefixes[least...].contains(seen), "cut at \(cut): a reader sees no whole epoch")
            }
            // A second cut in the middle of the recovery.
            let again = self.machine(format, after.disk.crashed(seed: 0), seed: 3)
            again.disk.cutPower(afterCalls: cut % 23)
            try? runAppends(again, log, together: together)
            let last = self.machine(format, again.disk.crashed(seed: UInt64(cut) + 1), seed: 4)
            try runAppends(last, log, together: together)
            #expect(try last.stored("/w/t").sorted() == all, "cut at \(cut)")
            try expectNoOrphans(last)
        }
    }

    // MARK: Keyed

    /// Change sets of epochs, and the table after each.
    private func changeSets() -> (changes: [Batch], states: [[Row]]) {
        var generator = SeededGenerator(seed: 9)
        var model: [Row.Key: Row] = [:]
        var changes: [Batch] = []
        var states: [[Row]] = [[]]
        for size in [150, 5, 40, 1, 100, 3] {
            var seen: [Row.Key: (Row, Int64)] = [:]
            for _ in 0..<size {
                let row = randomRow(&generator, keys: 200)
                seen[row.key] = (row, Int.random(in: 0..<3, using: &generator) == 0 ? -1 : 1)
            }
            let entries = seen.values.sorted { $0.0 < $1.0 }
            for (row, weight) in entries { model[row.key] = weight > 0 ? row : nil }
            changes.append(batch(entries.map(\.0), weights: entries.map(\.1)))
            states.append(model.values.sorted())
        }
        return (changes, states)
    }

    private func anyKeyedTable(_ machine: Machine, _ options: TableOptions) throws -> any KeyedTarget {
        if options.format == .parquet { return try keyedTable(machine, options) }
        return try KeyedTextTable(
            location: "/w/t", identity: identity, schema: rowSchema, key: .columns([0, 1]), options: options,
            environment: machine.environment)
    }

    private func runUpserts(_ machine: Machine, _ changes: [Batch], _ log: Log) throws {
        let table = try anyKeyedTable(machine, CrashTests.options(machine.format))
        let found = try table.publishedEpoch()
        if let published = log.published { #expect(found.map { $0 >= published } ?? false) }
        try table.recover()
        let start = found.map { Int($0.rawValue) + 1 } ?? 0
        for number in min(start, max(0, (log.published.map { Int($0.rawValue) } ?? 0)))..<changes.count {
            _ = try table.publish([changes[number]], through: Epoch(Int64(number)))
            log.published = max(log.published ?? .zero, Epoch(Int64(number)))
            machine.clock.advance(micros: 25_000_000)
        }
    }

    @Test(arguments: formats) func upsertSurvivesAPowerCutAnywhere(_ format: StoredFormat) throws {
        let (changes, states) = changeSets()
        let whole = machine(format)
        try runUpserts(whole, changes, Log())
        #expect(try whole.stored("/w/t").sorted() == states[changes.count])
        let calls = whole.disk.calls
        #expect(calls > 60)
        for cut in 0..<calls {
            let machine = self.machine(format)
            let log = Log()
            machine.disk.cutPower(afterCalls: cut)
            #expect(throws: TidemillError.self) { try runUpserts(machine, changes, log) }
            let after = self.machine(format, machine.disk.crashed(seed: UInt64(cut)), seed: 2)
            if try after.disk.exists("/w/t/_tidemill") {
                let seen = try after.stored("/w/t").sorted()
                let epoch = try after.epoch("/w/t")
                #expect(seen == states[epoch.map { Int($0.rawValue) + 1 } ?? 0], "cut at \(cut)")
            }
            let again = self.machine(format, after.disk.crashed(seed: 0), seed: 3)
            again.disk.cutPower(afterCalls: cut % 23)
            try? runUpserts(again, changes, log)
            let last = self.machine(format, again.disk.crashed(seed: UInt64(cut) + 1), seed: 4)
            try runUpserts(last, changes, log)
            #expect(try last.stored("/w/t").sorted() == states[changes.count], "cut at \(cut)")
            try expectNoOrphans(last)
        }
    }
}
