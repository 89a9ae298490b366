import Testing
import TideColumns
import TideSimulation

@testable import TideConnectors

/// Tables whose last column, `value`, names directories: what readers see, and power cuts at every call.
@Suite struct PartitionedTableTests {
    private var options: TableOptions {
        var options = smallOptions()
        options.partitionColumnCount = 1
        options.partitionBytesMax = 4 << 10
        options.mergeFanIn = 2
        options.bloomRowsMin = 20
        return options
    }

    private func append(_ machine: Machine) throws -> AppendTable {
        try AppendTable(
            location: "/w/t", identity: identity, schema: rowSchema, options: options,
            environment: machine.environment)
    }

    private let epochs: [[Row]] = [3, 60, 1, 0, 90, 2].enumerated().map { epoch, count in
        (0..<count).map { Row(name: "epoch \(epoch) row \($0)", number: Int64($0), value: [0.5, 2, -1.25][$0 % 3]) }
    }

    private final class Log {
        var manifests: [PreparedEpoch] = []
        var published = 0
    }

    private func run(_ machine: Machine, _ log: Log) throws {
        let table = try append(machine)
        try table.recover(committed: log.manifests)
        for prepared in log.manifests {
            _ = try table.publish([prepared])
            log.published = max(log.published, Int(prepared.epoch.rawValue) + 1)
        }
        for number in log.manifests.count..<epochs.count {
            let epoch = Epoch(Int64(number))
            let writer = try table.begin(epoch, replacingAll: false)
            try writer.append(batch(epochs[number]))
            log.manifests.append(PreparedEpoch(epoch: epoch, manifest: try writer.prepare()))
            _ = try table.publish([log.manifests[number]])
            log.published = number + 1
        }
    }

    /// Files below a directory, with their path; a directory without files as itself.
    private func tree(_ machine: Machine, _ path: String, _ prefix: String = "") throws -> [String] {
        var found: [String] = []
        for entry in try machine.disk.entries(of: FilePath(path)) {
            let inner =
                entry.kind == .directory
                ? try tree(machine, "\(path)/\(entry.name)", "\(prefix)\(entry.name)/") : []
            found += inner.isEmpty ? [prefix + entry.name] : inner
        }
        return found.sorted()
    }

    private func expectNoOrphans(_ machine: Machine) throws {
        let marker = try TableMarker(decoding: machine.disk.contents(of: "/w/t/_tidemill"), file: "_tidemill")
        let listed = marker.files.flatMap { $0.hasBloom ? [$0.name, $0.bloomName] : [$0.name] } + ["_tidemill"]
        #expect(try tree(machine, "/w/t") == listed.sorted())
        if try machine.disk.exists("/w/.t.staging") { #expect(try machine.names("/w/.t.staging") == []) }
    }

    @Test func layout() throws {
        let machine = Machine()
        try run(machine, Log())
        #expect(try machine.names("/w/t") == ["_tidemill", "value=-1.25", "value=0.5", "value=2.0"])
        #expect(try machine.stored("/w/t").sorted() == epochs.flatMap { $0 }.sorted())
        let name = try #require(try machine.names("/w/t/value=2.0").first)
        let reader = try TableReader(path: FilePath("/w/t/value=2.0/\(name)"), environment: machine.environment)
        #expect(reader.schema.names == ["name", "number"])
    }

    @Test func appendSurvivesAPowerCutAnywhere() throws {
        let whole = Machine()
        try run(whole, Log())
        let calls = whole.disk.calls
        #expect(calls > 100)
        var prefixes: [[Row]] = [[]]
        for rows in epochs { prefixes.append((prefixes[prefixes.count - 1] + rows).sorted()) }
        for cut in 0..<calls {
            let machine = Machine()
            let log = Log()
            machine.disk.cutPower(afterCalls: cut)
            #expect(throws: TidemillError.self) { try run(machine, log) }
            let after = Machine(machine.disk.crashed(seed: UInt64(cut)), seed: 2)
            if try after.disk.exists("/w/t/_tidemill") {
                let seen = try after.stored("/w/t").sorted()
                #expect(prefixes[log.published...].contains(seen), "cut at \(cut): a reader sees no whole epoch")
            }
            let again = Machine(after.disk.crashed(seed: 0), seed: 3)
            again.disk.cutPower(afterCalls: cut % 23)
            try? run(again, log)
            let last = Machine(again.disk.crashed(seed: UInt64(cut) + 1), seed: 4)
            try run(last, log)
            #expect(try last.stored("/w/t").sorted() == prefixes[epochs.count], "cut at \(cut)")
            try expectNoOrphans(last)
        }
    }

    // MARK: Keyed

    /// Rows move from directory to directory, since the key is not the partition.
    private func changeSets() -> (changes: [Batch], states: [[Row]]) {
        var model: [Row.Key: Row] = [:]
        var changes: [Batch] = []
        var states: [[Row]] = [[]]
        for (epoch, size) in [40, 5, 30, 1].enumerated() {
            let entries = (0..<size).map { index in
                let number = (index * 7 + epoch * 3) % 50
                let row = Row(name: "key", number: Int64(number), value: Double((number + epoch) % 4))
                return (row: row, weight: Int64((index + epoch) % 5 == 0 ? -1 : 1))
            }
            for (row, weight) in entries { model[row.key] = weight > 0 ? row : nil }
            changes.append(batch(entries.map(\.row), weights: entries.map(\.weight)))
            states.append(model.values.sorted())
        }
        return (changes, states)
    }

    private func upsert(_ machine: Machine, _ changes: [Batch]) throws {
        let table = try ParquetKeyedTable(
            location: "/w/t", identity: identity, schema: rowSchema, key: .columns([0, 1]), options: options,
            environment: machine.environment)
        try table.recover()
        let start = try table.publishedEpoch().map { Int($0.rawValue) + 1 } ?? 0
        for number in start..<changes.count {
            _ = try table.publish([changes[number]], through: Epoch(Int64(number)), replacingAll: false)
        }
    }

    @Test func upsertSurvivesAPowerCutAnywhere() throws {
        let (changes, states) = changeSets()
        let whole = Machine()
        try upsert(whole, changes)
        #expect(try whole.stored("/w/t").sorted() == states[changes.count])
        try expectNoOrphans(whole)
        for cut in 0..<whole.disk.calls {
            let machine = Machine()
            machine.disk.cutPower(afterCalls: cut)
            #expect(throws: TidemillError.self) { try upsert(machine, changes) }
            let after = Machine(machine.disk.crashed(seed: UInt64(cut)), seed: 2)
            if try after.disk.exists("/w/t/_tidemill") {
                let epoch = try after.epoch("/w/t")
                #expect(
                    try after.stored("/w/t").sorted() == states[epoch.map { Int($0.rawValue) + 1 } ?? 0],
                    "cut at \(cut)")
            }
            try upsert(after, changes)
            #expect(try after.stored("/w/t").sorted() == states[changes.count], "cut at \(cut)")
            try expectNoOrphans(after)
        }
    }

    /// The names that Spark 4.3 gave these values (`df.write.partitionBy("value")`).
    @Test func namesAreEscapedAsSparkDoes() {
        #expect(PartitionDirectories.name("c", "a/b=c") == "c=a%2Fb%3Dc")
        #expect(PartitionDirectories.name("c", "50%") == "c=50%25")
        #expect(PartitionDirectories.name("c", "q\"t") == "c=q%22t")
        #expect(PartitionDirectories.name("c", "ü x") == "c=ü x")
        #expect(PartitionDirectories.name("c", "2024-01-02 03:04:05") == "c=2024-01-02 03%3A04%3A05")
        #expect(PartitionDirectories.name("c", "[^]{}\\*?'#\n") == "c=%5B%5E%5D%7B}%5C%2A%3F%27%23%0A")
        #expect(PartitionDirectories.name("c", "") == "c=__HIVE_DEFAULT_PARTITION__")
        #expect(PartitionDirectories.name("c", nil) == "c=__HIVE_DEFAULT_PARTITION__")
    }
}
