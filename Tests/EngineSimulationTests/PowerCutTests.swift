import Testing
import TideEngineSimulation
import TideSimulation

@testable import Tidemill

/// The whole engine with its own connectors on a disk that loses power. Recovery with a new runner, and the tables are
/// those of a life without cuts.
@Suite struct PowerCutTests {
    private static let sql = """
        CREATE TABLE sales (id INT, customer STRING, amount DOUBLE)
          USING csv OPTIONS (path 'input/sales', maxFilesPerTrigger '1');
        CREATE TABLE customers (customer STRING, city STRING) USING csv OPTIONS (path 'input/customers');
        CREATE STREAMING TABLE enriched AS
          SELECT s.id, s.amount, c.city FROM STREAM sales AS s JOIN customers AS c ON s.customer = c.customer;
        CREATE MATERIALIZED VIEW per_city AS SELECT city, count(*) AS n, sum(amount) AS total FROM enriched GROUP BY city;
        CREATE MATERIALIZED VIEW sizes AS SELECT n, count(*) AS cities FROM per_city GROUP BY n;
        CREATE MATERIALIZED VIEW pairs AS SELECT a.id AS one, b.id AS other
          FROM sales AS a JOIN sales AS b ON a.amount = b.amount WHERE a.id < b.id;
        CREATE SINK copy USING csv OPTIONS (path 'out/copy', header 'true') AS FROM per_city;
        """
    private static let tables = ["enriched", "per_city", "sizes", "pairs"]
    private static let fileCount = 6

    /// A disk with all input on it, durably.
    private static func disk() throws -> SimulatedFileSystem {
        let machine = SimulatedMachine(seed: 0)
        try machine.write("input/customers/c.csv", "a,Aachen\nb,Bonn\nc,Celle\nd,Celle\n")
        var generator = SeededGenerator(seed: 1)
        var id = 0
        for file in 0..<fileCount {
            var text = ""
            for _ in 0..<(file == 3 ? 300 : 5) {
                id += 1
                let customer = ["a", "b", "c", "d", "e", ""].randomElement(using: &generator)!
                let amount = file == 3 ? id : Int.random(in: 0..<20, using: &generator)
                text += "\(id),\(customer),\(amount).5\n"
            }
            try machine.write("input/sales/\(file).csv", text)
        }
        return machine.disk.copied()
    }

    private struct Contents: Equatable {
        var tables: [[String]] = []
        var copy: [String] = []
    }

    private static func contents(_ machine: SimulatedMachine) throws -> Contents {
        var contents = Contents()
        for table in tables {
            contents.tables.append(try machine.rows(sql, table).map { row in "\(row.map(\.value))" }.sorted())
        }
        let path = SimulatedMachine.root.appending("out").appending("copy")
        for name in try machine.names(path) where name.hasSuffix(".csv") {
            let text = String(decoding: try machine.disk.contents(of: path.appending(name)), as: UTF8.self)
            contents.copy += text.split(separator: "\n").map(String.init)
        }
        contents.copy.sort()
        return contents
    }

    /// Names that nothing should leave behind.
    private static func leftovers(_ machine: SimulatedMachine) throws -> [String] {
        let warehouse = SimulatedMachine.root.appending("spark-warehouse")
        var found: [String] = []
        for name in try machine.names(warehouse) where !tables.contains(name) {
            if name.hasSuffix(".staging") {
                found += try machine.names(warehouse.appending(name)).map { "\(name)/\($0)" }
            } else if !name.contains(".old-") {
                found.append(name)
            }
        }
        for name in try machine.names(SimulatedMachine.root.appending("out")) {
            if name == "copy" || name.contains(".old-") { continue }
            if name.hasSuffix(".staging"),
                try machine.names(SimulatedMachine.root.appending("out").appending(name)).isEmpty
            {
                continue
            }
            found.append("out/\(name)")
        }
        return found
    }

    private static func settings(_ seed: UInt64) -> [String: String] {
        [
            "tidemill.publishInterval": ["0 ms", "1 h", "0 ms"][Int(seed % 3)],
            "tidemill.flushBytes": ["0", "100000000", "2000"][Int(seed / 3 % 3)],
            "tidemill.memory.limit": ["1", "1g"][Int(seed / 5 % 2)],
        ]
    }

    /// One life: cut, perhaps cut again while recovering, then to the end. nil if all is as it should be.
    private static func complaint(
        _ start: SimulatedFileSystem, cut: Int, seed: UInt64, log: EpochLog.Options, wanted: Contents
    ) -> String? {
        do {
            var disk = start.copied()
            for (life, calls) in [cut, Int(seed % 4) == 0 ? cut % 37 : nil].enumerated() {
                guard let calls else { continue }
                let machine = SimulatedMachine(disk, seed: seed &+ UInt64(life), workers: life + 1)
                machine.settings = settings(seed)
                machine.log = log
                disk.cutPower(afterCalls: calls)
                do throws(TidemillError) { try machine.run(sql) } catch {
                    // The power is out; what the error says does not matter unless it is not about that.
                    if error.kind == .internal || error.kind == .corruption {
                        return "before the cut: \(error.report())"
                    }
                }
                disk = disk.crashed(seed: seed &+ UInt64(life))
            }
            let last = SimulatedMachine(disk, seed: seed &+ 9, workers: 2)
            last.settings = settings(seed &+ 1)
            last.log = log
            try last.run(sql)
            let found = try contents(last)
            if found != wanted { return "other contents: \(found.tables.map(\.count)), \(found.copy)" }
            let left = try leftovers(last)
            if !left.isEmpty { return "left behind: \(left)" }
            let problems = try verifyCheckpoint(SimulatedMachine.root.appending("checkpoint"), files: disk).problems
            if !problems.isEmpty { return "checkpoint: \(problems)" }
            return nil
        } catch let error as TidemillError {
            return error.report()
        } catch { return "\(error)" }
    }

    private static func uninterrupted(_ start: SimulatedFileSystem, _ seed: UInt64) throws -> (Contents, calls: Int) {
        let whole = SimulatedMachine(start.copied(), seed: seed)
        whole.settings = settings(seed)
        var epochs = 0
        try whole.run(sql) { if case .epoch = $0 { epochs += 1 } }
        #expect(epochs == fileCount)
        #expect(try leftovers(whole) == [])
        return (try contents(whole), whole.disk.calls)
    }

    @Test func tablesSurviveAPowerCutAnywhere() throws {
        let start = try Self.disk()
        let (wanted, _) = try Self.uninterrupted(start, 0)
        #expect(wanted.tables.map(\.count).allSatisfy { $0 > 0 })
        #expect(wanted.copy.count == wanted.tables[1].count + 1)
        var failures: [String] = []
        for seed: UInt64 in 0..<180 {
            let (contents, calls) = try Self.uninterrupted(start, seed % 9)
            #expect(contents == wanted)
            #expect(calls > 100)
            var generator = SeededGenerator(seed: seed)
            let cut = Int.random(in: 0..<calls, using: &generator)
            if let complaint = Self.complaint(start, cut: cut, seed: seed, log: .init(), wanted: wanted) {
                failures.append("seed \(seed), cut after call \(cut): \(complaint)")
            }
        }
        #expect(failures.isEmpty, "\(failures.count) failures: \(failures.prefix(4).joined(separator: "\n"))")
    }

    /// The canary: a log that is never synced must be noticed.
    @Test func aMissingSyncIsNoticed() throws {
        let start = try Self.disk()
        let (wanted, calls) = try Self.uninterrupted(start, 0)
        var options = EpochLog.Options()
        options.skipSync = true
        var found: UInt64?
        for seed: UInt64 in 0..<200 where found == nil {
            var generator = SeededGenerator(seed: seed)
            let cut = Int.random(in: 0..<calls, using: &generator)
            if Self.complaint(start, cut: cut, seed: seed, log: options, wanted: wanted) != nil { found = seed }
        }
        #expect(found != nil)
    }

    /// An error of the disk ends the run with an error; the next run goes on as if nothing had been.
    @Test(arguments: ["write", "sync", "rename", "exchange", "syncdir", "create", "link"])
    func errorsOfTheDisk(_ call: String) throws {
        let start = try Self.disk()
        let (wanted, _) = try Self.uninterrupted(start, 0)
        for index in stride(from: 0, to: 60, by: 7) {
            let machine = SimulatedMachine(start.copied(), seed: UInt64(index))
            machine.settings = Self.settings(UInt64(index))
            machine.disk.inject(SimulatedFault(call: call, index: index))
            do throws(TidemillError) { try machine.run(Self.sql) } catch {
                #expect(error.errno ?? error.cause?.errno == 5)
            }
            // The disk as the process left it, without the fault.
            let again = SimulatedMachine(machine.disk.copied(), seed: 5)
            try again.run(Self.sql)
            #expect(try Self.contents(again) == wanted, "\(call) \(index)")
            #expect(try Self.leftovers(again) == [], "\(call) \(index)")
        }
    }
}
