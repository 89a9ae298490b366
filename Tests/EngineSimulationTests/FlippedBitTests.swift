import Testing
import TideEngineSimulation
import TideSimulation

@testable import Tidemill

/// One flipped bit at every byte position of a small checkpoint after a clean exit: verification names the file and a
/// place at or before it; opening reports it or gives exactly the right tables.
@Suite struct FlippedBitTests {
    static let sql = """
        CREATE TABLE sales (id INT, customer STRING, amount DOUBLE) USING csv OPTIONS (path 'in', header 'true');
        CREATE TABLE people (customer STRING, city STRING) USING csv OPTIONS (path 'people', header 'true');
        CREATE STREAMING TABLE big AS SELECT * FROM STREAM sales WHERE amount >= 10;
        CREATE MATERIALIZED VIEW totals AS
          SELECT customer, count(*) AS n, sum(amount) AS amount FROM sales GROUP BY customer;
        CREATE MATERIALIZED VIEW cities AS SELECT s.id, p.city FROM sales s JOIN people p ON s.customer = p.customer;
        """
    static let checkpoint = SimulatedMachine.root.appending("checkpoint")

    /// Two runs: the first ends with a snapshot, the second leaves epochs in the log.
    private static func closed() throws -> SimulatedMachine {
        let machine = SimulatedMachine(seed: 3)
        try machine.write("people/1.csv", "customer,city\nann,Oslo\nbob,Bergen\n")
        try machine.write("in/1.csv", "id,customer,amount\n1,ann,10\n2,bob,20\n3,cid,5\n")
        machine.settings["tidemill.flushBytes"] = "0"
        try machine.run(sql)
        machine.settings["tidemill.flushBytes"] = "1000000"
        try machine.write("in/2.csv", "id,customer,amount\n4,ann,1\n5,a customer of many words,2\n6,dan,40\n")
        try machine.run(sql)
        try machine.write("in/3.csv", "id,customer,amount\n7,ann,100\n8,bob,0.5\n9,dan,-40\n")
        return machine
    }

    private static func tables(_ machine: SimulatedMachine) throws -> [String] {
        try ["big", "totals", "cities"].flatMap { table in try machine.rows(sql, table).map { "\(table) \($0)" } }
            .sorted()
    }

    private static func paths(_ disk: SimulatedFileSystem) throws -> [FilePath] {
        var paths = [checkpoint.appending("manifest")]
        for folder in [checkpoint.appending("log"), checkpoint.appending("runs")] {
            for entry in try disk.entries(of: folder).sorted(by: { $0.name < $1.name }) {
                paths.append(folder.appending(entry.name))
            }
        }
        return paths
    }

    @Test func everyBitIsNamedAndNoneDoesHarm() throws {
        let machine = try Self.closed()
        let disk = machine.disk
        #expect(try verifyCheckpoint(Self.checkpoint, files: disk).problems == [])
        let whole = SimulatedMachine(disk.copied(), seed: 4)
        try whole.run(Self.sql)
        let wanted = try Self.tables(whole)
        #expect(wanted.count == 4 + 5 + 5)

        var complaints: [String] = []
        var flipped = 0
        var refused = 0
        for path in try Self.paths(disk) {
            let content = try disk.contents(of: path)
            let file = try disk.open(path, .readWrite)
            for index in content.indices {
                flipped += 1
                try file.write([content[index] ^ (1 << UInt8(index % 8))], at: Int64(index))
                let damage = try verifyCheckpoint(Self.checkpoint, files: disk).damage
                if !damage.contains(where: { $0.file == path.string && $0.offset <= index }) {
                    complaints.append("verify does not name byte \(index) of \(path): \(damage)")
                }
                // Every sector is opened, with all of its bytes over time: which one moves with the file's length.
                if index % 11 == content.count % 11 {
                    let next = SimulatedMachine(disk.copied(), seed: 4)
                    do throws(TidemillError) {
                        try next.run(Self.sql)
                        if (try? Self.tables(next)) != wanted {
                            complaints.append("byte \(index) of \(path): other tables")
                        }
                    } catch {
                        refused += 1
                        let isNamed = if case .file = error.place { true } else { false }
                        if error.kind != .corruption && error.kind != .unsupported || !isNamed {
                            complaints.append("byte \(index) of \(path): \(error)")
                        }
                    }
                }
                try file.write([content[index]], at: Int64(index))
            }
        }
        #expect(flipped > 5000)
        #expect(refused > 100)
        #expect(complaints.isEmpty, "\(complaints.count) of \(flipped): \(complaints.prefix(8))")
    }
}
