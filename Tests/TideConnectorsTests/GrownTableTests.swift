import Testing
import TideColumns
import TideSimulation

@testable import TideConnectors

/// A table that got a column, read between commit and publish. Expected: by hand; a column that came later is NULL in
/// the rows before, as after ALTER TABLE … ADD COLUMN.
@Suite struct GrownTableTests {
    private let old = Schema([Field("id", .bigint)])
    private let new = Schema([Field("id", .bigint), Field("name", .string)])

    private func table(_ machine: Machine, _ schema: Schema) throws -> AppendTable {
        try AppendTable(
            location: "/w/t", identity: identity, schema: schema, options: smallOptions(),
            environment: machine.environment)
    }

    private func manifest(_ table: AppendTable, _ epoch: Int64, _ columns: [Column]) throws -> [UInt8] {
        let writer = try table.begin(Epoch(epoch))
        try writer.append(Batch(columns: columns, count: columns[0].count))
        return try writer.prepare()
    }

    @Test func columnsOfWhatWaits() throws {
        let machine = Machine()
        let before = try table(machine, old)
        let first = try manifest(before, 0, [Column(.bigint, [.bigint(1)])])
        _ = try before.publish(Epoch(0), manifest: first)
        let second = try manifest(before, 1, [Column(.bigint, [.bigint(2)])])
        let third = try manifest(
            try table(machine, new), 2, [Column(.bigint, [.bigint(3)]), Column(.string, [.string("x")])])
        let committed = try #require(
            try CommittedTable.open(
                "/w/t", schema: new, key: nil,
                pending: PendingChanges(
                    generation: identity.generation, through: Epoch(2),
                    steps: [
                        .init(epoch: Epoch(1), manifest: second), .init(epoch: Epoch(2), manifest: third),
                    ]), options: smallOptions(), environment: machine.environment))
        #expect(committed.schema == new)
        #expect(try rows(committed, [0, 1]) == ["1|NULL", "2|NULL", "3|x"])
        #expect(try rows(committed, [1]) == ["NULL", "NULL", "x"])
        // The query lost the column again: what is stored counts.
        let shrunk = try #require(
            try CommittedTable.open(
                "/w/t", schema: old, key: nil,
                pending: PendingChanges(generation: identity.generation, through: Epoch(0), steps: []),
                options: smallOptions(), environment: machine.environment))
        #expect(try rows(shrunk, [0]) == ["1"])
    }

    private func rows(_ table: CommittedTable, _ columns: [Int]) throws -> [String] {
        var rows: [String] = []
        for piece in table.names.indices {
            for batch in try table.read(piece: piece, columns: columns) {
                for row in 0..<batch.count {
                    rows.append(
                        batch.columns.map { column in
                            column.isValid(row) ? column.formatted().scalar(row).string ?? "" : "NULL"
                        }.joined(separator: "|"))
                }
            }
        }
        return rows
    }
}
