import Testing
import TideColumns
import TideSimulation

@testable import TideConnectors

func keyedTable(
    _ machine: Machine, key: TableKey = .columns([0, 1]), _ options: TableOptions = smallOptions()
) throws -> ParquetKeyedTable {
    try ParquetKeyedTable(
        location: "/w/t", identity: identity, schema: rowSchema, key: key, options: options,
        environment: machine.environment)
}

func randomRow(_ generator: inout SeededGenerator, keys: Int) -> Row {
    let key = Int.random(in: 0..<keys, using: &generator)
    let names = ["a", "b", nil, "a name longer than twelve bytes", "a name longer than twelve byteS"]
    return Row(
        name: names[key % names.count], number: Int64(key / names.count),
        value: Double(Int.random(in: 0..<1000, using: &generator)))
}

@Suite struct KeyedTableTests {
    /// Random change sets against a dictionary.
    @Test(arguments: 0..<8 as Range<UInt64>)
    func equalsTheModel(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let machine = Machine(seed: seed)
        var table = try keyedTable(machine)
        var model: [Row.Key: Row] = [:]
        let keys = seed % 2 == 0 ? 300 : 3000
        var epoch: Int64 = 0
        var filesMost = 0
        for step in 0..<40 {
            var changes: [Batch] = []
            var touched: Set<Row.Key> = []
            let before = model
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                var seen: [Row.Key: (Row, Int64)] = [:]
                let size = step == 0 ? 1000 : [0, 1, 20, 400].randomElement(using: &generator) ?? 0
                for _ in 0..<size {
                    let row = randomRow(&generator, keys: keys)
                    seen[row.key] = (row, Int.random(in: 0..<4, using: &generator) == 0 ? -1 : 1)
                }
                let entries = seen.values.sorted { $0.0 < $1.0 }
                for (row, weight) in entries { model[row.key] = weight > 0 ? row : nil }
                touched.formUnion(seen.keys)
                changes.append(batch(entries.map(\.0), weights: entries.map(\.1)))
            }
            epoch += Int64.random(in: 1...3, using: &generator)
            let report = try table.publish(changes, through: Epoch(epoch))
            #expect(report.rowsInserted == touched.filter { before[$0] == nil && model[$0] != nil }.count)
            #expect(report.rowsUpdated == touched.filter { before[$0] != nil && model[$0] != nil }.count)
            #expect(report.rowsDeleted == touched.filter { before[$0] != nil && model[$0] == nil }.count)
            #expect(try machine.stored("/w/t").sorted() == model.values.sorted())
            filesMost = max(filesMost, try machine.names("/w/t").count)
            if step % 9 == 8 {
                table = try keyedTable(machine)
                try table.recover()
            }
        }
        #expect(filesMost < 40)
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func bagHoldsEachRowAsOftenAsItOccurs(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let machine = Machine(seed: seed)
        let table = try keyedTable(machine, key: .bag)
        var model: [Row] = []
        for epoch in 0..<30 as Range<Int64> {
            var changes: [Batch] = []
            for _ in 0..<2 {
                var weights: [Row: Int64] = [:]
                for _ in 0..<Int.random(in: 0..<100, using: &generator) {
                    var row = randomRow(&generator, keys: 40)
                    row.value = row.value.truncatingRemainder(dividingBy: 3)
                    weights[row, default: 0] += Int64.random(in: 1...3, using: &generator)
                }
                for row in model.shuffled(using: &generator).prefix(Int.random(in: 0..<60, using: &generator)) {
                    weights[row, default: 0] -= 1
                }
                let entries = weights.filter { $0.value != 0 }.sorted { $0.key < $1.key }
                for (row, weight) in entries {
                    for _ in 0..<max(weight, 0) { model.append(row) }
                    for _ in 0..<max(-weight, 0) { if let at = model.firstIndex(of: row) { model.remove(at: at) } }
                }
                changes.append(batch(entries.map(\.key), weights: entries.map(\.value)))
            }
            _ = try table.publish(changes, through: Epoch(epoch))
            #expect(try machine.stored("/w/t").sorted() == model.sorted())
        }
    }

    @Test func bagRefusesToRemoveWhatIsNotThere() throws {
        let machine = Machine()
        let table = try keyedTable(machine, key: .bag)
        let row = Row(name: "a", number: 1, value: 1)
        _ = try table.publish([batch([row])], through: Epoch(0))
        #expect { try table.publish([batch([row], weights: [-2])], through: Epoch(1)) } throws: {
            ($0 as? TidemillError)?.code == "TIDEMILL_STORED_ROWS_MISSING"
        }
        #expect(try machine.stored("/w/t") == [row])
    }

    @Test func tableWithoutKeyColumnsHoldsOneRow() throws {
        let machine = Machine()
        let table = try keyedTable(machine, key: .columns([]))
        for number in 0..<3 as Range<Int64> {
            _ = try table.publish([batch([Row(name: "x", number: number, value: 0)])], through: Epoch(number))
            #expect(try machine.stored("/w/t") == [Row(name: "x", number: number, value: 0)])
        }
    }

    /// Files whose keys the change cannot hold are linked, not read; row groups without a changed key are copied.
    @Test func touchesOnlyWhatChanged() throws {
        let machine = Machine()
        var options = TableOptions()
        options.rowGroupRows = 1000
        options.fileBytesTarget = 1 << 20
        let table = try keyedTable(machine, options)
        func value(_ number: Int64) -> Row { Row(name: "n\(number)", number: number, value: Double(number) * 1.37) }
        var epoch = Epoch(0)
        for file in 0..<3 as Range<Int64> {
            _ = try table.publish([batch((0..<5000).map { value(file * 5000 + $0) })], through: epoch)
            epoch = epoch.next
        }
        let before = Set(try machine.names("/w/t"))
        var changed = value(7500)
        changed.value = -1
        let report = try table.publish([batch([changed])], through: epoch)
        #expect(report.rowsUpdated == 1 && report.rowsInserted == 0)
        #expect(report.filesKept == 2 && report.filesRewritten == 1 && report.rowGroupsCopied == 4)
        #expect(before.intersection(try machine.names("/w/t")).filter { $0.hasPrefix("part-") }.count == 2)
        #expect(try machine.stored("/w/t").filter { $0.value == -1 } == [changed])
        let inode = try machine.disk.status(of: FilePath("/w/t/_tidemill"))
        _ = try table.publish([batch([value(99_999)], weights: [-1])], through: epoch.next)
        #expect(try machine.disk.status(of: FilePath("/w/t/_tidemill")) == inode)
    }

    @Test func emptiedTableStillShowsItsColumns() throws {
        let machine = Machine()
        let table = try keyedTable(machine)
        let rows = (0..<50).map { Row(name: nil, number: $0, value: 0) }
        _ = try table.publish([batch(rows)], through: Epoch(0))
        let report = try table.publish([batch(rows, weights: rows.map { _ in -1 })], through: Epoch(1))
        #expect(report.rowsDeleted == 50)
        let reader = try TableReader(path: "/w/t", environment: machine.environment)
        #expect(reader.rowCount == 0 && reader.schema == rowSchema && reader.epoch == Epoch(1))
        _ = try table.publish([batch(rows)], through: Epoch(2), replacingAll: true)
        #expect(try machine.stored("/w/t").count == 50)
    }

    @Test func keepsSwappedOutVersionsForTheGrace() throws {
        let machine = Machine()
        let table = try keyedTable(machine)
        func old() throws -> Int { try machine.names("/w").filter { $0.hasPrefix(".t.old-") }.count }
        for epoch in 0..<3 as Range<Int64> {
            _ = try table.publish([batch([Row(name: "a", number: epoch, value: 0)])], through: Epoch(epoch))
        }
        #expect(try old() == 3)
        machine.clock.advance(micros: 59_000_000)
        _ = try table.publish([batch([Row(name: "a", number: 3, value: 0)])], through: Epoch(3))
        #expect(try old() == 4)
        machine.clock.advance(micros: 1_000_000)
        try table.recover()
        #expect(try old() == 1)
    }

    /// Bounds against the order of UTF-8 bytes, computed value by value.
    @Test func rangesBoundTheirColumn() {
        var generator = SeededGenerator(seed: 5)
        let letters = Array("aab\u{0}é")
        for _ in 0..<300 {
            let strings = (0..<Int.random(in: 1...6, using: &generator)).map { _ in
                let prefix = ["", "PROD", "a common prefix "].randomElement(using: &generator) ?? ""
                let length = Int.random(in: 0...6, using: &generator)
                return prefix + String((0..<length).map { _ in letters.randomElement(using: &generator) ?? "a" })
            }
            let range = KeyRange(of: Column(.string, strings.map { .string($0) } + [.null(.string)]))
            let sorted = strings.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
            #expect(range.min?.bytes == sorted.first && range.max?.bytes == sorted.last && range.hasNull)
        }
        let long = KeyRange(of: Column(.string, [.string(String(repeating: "x", count: 100))]))
        #expect(long.min?.bytes?.count == 64 && long.max == nil)
        let days = KeyRange(of: Column(.date, [Scalar(.date, .integer(5)), Scalar(.date, .integer(-3))]))
        #expect(days.min?.integer == -3 && days.max?.integer == 5 && !days.hasNull)
    }

    /// Every key that went in is found; of others few are.
    @Test func filtersHaveNoFalseMisses() throws {
        var generator = SeededGenerator(seed: 3)
        let hashes = (0..<5000).map { _ in generator.next() }
        var filter = BloomFilter(expectedKeys: hashes.count)
        hashes.withUnsafeBufferPointer { filter.insert($0.baseAddress!, count: $0.count) }
        let again = try BloomFilter(decoding: filter.encoded(), file: "f")
        #expect(hashes.allSatisfy { again.mayContain($0) })
        let wrong = (0..<10_000).filter { _ in again.mayContain(generator.next()) }.count
        #expect(wrong < 400)
        var bytes = filter.encoded()
        bytes[100] ^= 1
        #expect { try BloomFilter(decoding: bytes, file: "f") } throws: { ($0 as? TidemillError)?.kind == .corruption }
    }
}
