import Testing
import TideColumns
import TideSimulation

@testable import TideConnectors

@Suite struct AppendTableTests {
    private func table(_ machine: Machine, _ options: TableOptions = smallOptions()) throws -> AppendTable {
        try AppendTable(
            location: "/w/t", identity: identity, schema: rowSchema, options: options, environment: machine.environment)
    }
    private func add(_ table: AppendTable, _ epoch: Int64, _ rows: [Row], replacingAll: Bool = false) throws
        -> PublishReport
    {
        let writer = try table.begin(Epoch(epoch), replacingAll: replacingAll)
        for start in stride(from: 0, to: rows.count, by: 10) {
            try writer.append(batch(Array(rows[start..<min(start + 10, rows.count)])))
        }
        return try table.publish(Epoch(epoch), manifest: writer.prepare())
    }
    private func row(_ number: Int) -> Row {
        Row(name: number % 7 == 0 ? nil : "name number \(number % 5)", number: Int64(number), value: Double(number) / 4)
    }

    @Test func emptyTableShowsItsColumns() throws {
        let machine = Machine()
        _ = try table(machine)
        let reader = try TableReader(path: "/w/t", environment: machine.environment)
        #expect(reader.schema == rowSchema && reader.rowCount == 0 && reader.epoch == nil)
    }

    /// Epoch sizes from nothing to several files; rows stay in order, files stay few.
    @Test(arguments: 0..<4 as Range<UInt64>)
    func keepsAllRowsInOrder(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let machine = Machine(seed: seed)
        var table = try table(machine)
        var expected: [Row] = []
        var filesMost = 0
        for epoch in 0..<120 as Range<Int64> {
            let count = [0, 1, 5, 40, 200, epoch == 50 ? 3000 : 20].randomElement(using: &generator) ?? 0
            let new = (0..<count).map { row(expected.count + $0) }
            let report = try add(table, epoch, new)
            #expect(report.rowsInserted == count)
            expected += new
            if epoch % 17 == 0 {
                table = try self.table(machine)
                try table.recover(committed: [])
            }
            filesMost = max(filesMost, try machine.names("/w/t").count)
        }
        let stored = try machine.stored("/w/t")
        // TableReader reads by name, not by age: order is checked file by file through the marker.
        #expect(stored.count == expected.count && stored.sorted() == expected.sorted())
        let marker = try TableMarker(
            decoding: machine.disk.contents(of: "/w/t/_tidemill"), file: "_tidemill")
        var ordered: [Row] = []
        for file in marker.files { ordered += try machine.stored("/w/t/\(file.name)") }
        #expect(ordered == expected)
        #expect(filesMost < 60)
        #expect(try machine.names("/w/.t.staging") == [])
    }

    @Test func redoDoesNothing() throws {
        let machine = Machine()
        let table = try table(machine)
        for count in [3, 500] {
            let epoch = Epoch(Int64(count))
            let writer = try table.begin(epoch)
            try writer.append(batch((0..<count).map(row)))
            let manifest = try writer.prepare()
            _ = try table.publish(epoch, manifest: manifest)
            let names = try machine.names("/w/t")
            machine.disk.clearTrace()
            #expect(try table.publish(epoch, manifest: manifest) == PublishReport())
            let again = try self.table(machine)
            #expect(try again.publishedEpoch() == epoch)
            #expect(try again.publish(epoch, manifest: manifest) == PublishReport())
            #expect(try machine.names("/w/t") == names)
        }
        #expect(try machine.stored("/w/t").count == 503)
    }

    @Test func replacingAllForgetsOlderRows() throws {
        let machine = Machine()
        let table = try table(machine)
        _ = try add(table, 0, (0..<100).map(row))
        _ = try add(table, 1, (0..<3).map(row), replacingAll: true)
        #expect(try machine.stored("/w/t").sorted() == (0..<3).map(row).sorted())
        _ = try add(table, 2, [], replacingAll: true)
        #expect(try machine.stored("/w/t") == [])
        _ = try add(table, 3, [row(1)])
        #expect(try machine.stored("/w/t") == [row(1)])
    }

    @Test func abandonedAndForgottenEpochsLeaveNothing() throws {
        let machine = Machine()
        let table = try table(machine)
        let abandoned = try table.begin(Epoch(0))
        try abandoned.append(batch((0..<500).map(row)))
        abandoned.abandon()
        #expect(try machine.names("/w/.t.staging") == [])
        let forgotten = try table.begin(Epoch(0))
        try forgotten.append(batch((0..<500).map(row)))
        _ = try forgotten.prepare()
        #expect(try machine.names("/w/.t.staging").count > 0)
        let committed = try table.begin(Epoch(0))
        try committed.append(batch((0..<500).map(row)))
        let manifest = try committed.prepare()
        let restarted = try self.table(machine)
        try restarted.recover(committed: [PreparedEpoch(epoch: Epoch(0), manifest: manifest)])
        _ = try restarted.publish(Epoch(0), manifest: manifest)
        #expect(try machine.stored("/w/t").count == 500)
        #expect(try machine.names("/w/.t.staging") == [])
    }

    @Test func keepsWhatAPersonPutThere() throws {
        let machine = Machine()
        let table = try table(machine)
        try machine.write("/w/t/README", "mine")
        _ = try add(table, 0, (0..<3000).map(row))
        #expect(try machine.names("/w/t").contains("README"))
    }

    @Test func refusesForeignDirectories() throws {
        let machine = Machine()
        try machine.disk.createDirectory("/w")
        try machine.disk.createDirectory("/w/t")
        try machine.write("/w/t/precious.parquet", "data")
        #expect { try table(machine) } throws: { ($0 as? TidemillError)?.code == "TIDEMILL_FOREIGN_TABLE_DIRECTORY" }
        #expect(try machine.names("/w") == ["t"])

        let other = Machine()
        _ = try table(other)
        for (identity, code) in [
            (TableIdentity(table: "u", generation: 7), "TIDEMILL_TABLE_OF_ANOTHER_PIPELINE"),
            (TableIdentity(table: "t", generation: 8), "TIDEMILL_TABLE_OF_ANOTHER_CHECKPOINT"),
        ] {
            #expect {
                try AppendTable(
                    location: "/w/t", identity: identity, schema: rowSchema, environment: other.environment)
            } throws: { ($0 as? TidemillError)?.code == code }
        }
        #expect {
            try AppendTable(
                location: "/w/t", identity: identity, schema: Schema([Field("x", .int)]),
                environment: other.environment)
        } throws: { ($0 as? TidemillError)?.code == "TIDEMILL_TABLE_SCHEMA_CHANGED" }
    }

    @Test func refusesFileSystemsWithoutExchange() throws {
        let machine = Machine()
        machine.disk.inject(SimulatedFault(call: "exchange", errno: 22))
        #expect { try table(machine) } throws: { ($0 as? TidemillError)?.code == "TIDEMILL_NO_EXCHANGE" }
    }
}
