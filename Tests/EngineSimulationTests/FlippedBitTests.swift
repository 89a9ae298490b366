import Dispatch
import Foundation
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

        // Every byte position, a bit of it: which one moves with the position. Halves of the work on two threads.
        var places: [(path: FilePath, index: Int, length: Int)] = []
        for path in try Self.paths(disk) {
            let length = try disk.contents(of: path).count
            for index in 0..<length { places.append((path, index, length)) }
        }
        let outcome = Outcome()
        let all = places
        DispatchQueue.concurrentPerform(iterations: 2) { half in
            let own = disk.copied()
            own.stopTracing()
            for (number, place) in all.enumerated() where number % 2 == half {
                do { try Self.flip(place.path, place.index, on: own, wanted: wanted, outcome) } catch {
                    outcome.complain("byte \(place.index) of \(place.path): \(error)")
                }
            }
        }
        let (complaints, refused) = outcome.result
        #expect(places.count > 3000)
        #expect(refused > 1000)
        #expect(complaints.isEmpty, "\(complaints.count) of \(places.count): \(complaints.prefix(8))")
    }

    private final class Outcome: @unchecked Sendable {
        // Sendable: behind `lock`.
        private let lock = NSLock()
        private var complaints: [String] = []
        private var refused = 0
        func complain(_ text: String) { lock.withLock { complaints.append(text) } }
        func refuse() { lock.withLock { refused += 1 } }
        var result: (complaints: [String], refused: Int) { lock.withLock { (complaints, refused) } }
    }

    /// Flips a bit, has the checkpoint verified and opened, and flips it back.
    private static func flip(
        _ path: FilePath, _ index: Int, on disk: SimulatedFileSystem, wanted: [String], _ outcome: Outcome
    ) throws {
        let file = try disk.open(path, .readWrite)
        var byte: [UInt8] = [0]
        _ = try byte.withUnsafeMutableBytes { bytes throws(TidemillError) in
            try file.read(into: bytes, at: Int64(index))
        }
        try file.write([byte[0] ^ (1 << UInt8(index % 8))], at: Int64(index))
        let damage = try verifyCheckpoint(checkpoint, files: disk).damage
        if !damage.contains(where: { $0.file == path.string && $0.offset <= index }) {
            outcome.complain("verify does not name byte \(index) of \(path): \(damage)")
        }
        let next = SimulatedMachine(disk.copied(), seed: 4, workers: 1)
        next.disk.stopTracing()
        do throws(TidemillError) {
            try next.run(sql)
            if (try? tables(next)) != wanted { outcome.complain("byte \(index) of \(path): other tables") }
        } catch {
            outcome.refuse()
            let isNamed = if case .file = error.place { true } else { false }
            if error.kind != .corruption && error.kind != .unsupported || !isNamed {
                outcome.complain("byte \(index) of \(path): \(error)")
            }
        }
        try file.write(byte, at: Int64(index))
        file.close()
    }
}
