import Testing
import TideEngineSimulation
import TideSimulation

@testable import Tidemill

/// Going back to retained epochs: state, offsets and tables together, whatever happens in between.
@Suite struct RollbackTests {
    static let sql = """
        CREATE TABLE sales (id INT, customer STRING, amount DOUBLE)
        USING csv OPTIONS (path 'in', header 'true', maxFilesPerTrigger '1');
        CREATE STREAMING TABLE big AS SELECT * FROM STREAM sales WHERE amount >= 10;
        CREATE MATERIALIZED VIEW totals AS
          SELECT customer, count(*) AS n, sum(amount) AS amount FROM sales GROUP BY customer;
        CREATE MATERIALIZED VIEW listed USING json AS SELECT customer, n FROM totals WHERE n > 1;
        CREATE SINK report USING csv OPTIONS (path 'out/report', header 'true') AS FROM totals;
        """
    static let tables = ["big", "totals", "listed"]
    static let checkpoint = SimulatedMachine.root.appending("checkpoint")

    /// Rows of one file: the content follows from the number.
    private static func write(_ number: Int, to machine: SimulatedMachine) throws {
        var text = "id,customer,amount\n"
        for i in 0..<4 { text += "\(number * 10 + i),c\((number + i) % 5),\((number * 7 + i * 5) % 30)\n" }
        try machine.write("in/\(number < 10 ? "0" : "")\(number).csv", text)
        machine.clock.advance(micros: 1_000_000)
    }

    private static func machine(_ seed: UInt64) -> SimulatedMachine {
        let machine = SimulatedMachine(seed: seed)
        machine.settings["tidemill.publishInterval"] = "0 ms"
        machine.settings["tidemill.flushBytes"] = ["0", "100000000", "2000"][Int(seed % 3)]
        return machine
    }

    private static func contents(_ machine: SimulatedMachine) throws -> [String] {
        let stored = try tables.dropLast().flatMap { table in try machine.rows(sql, table).map { "\(table) \($0)" } }
        return try stored.sorted() + lines(machine, SimulatedMachine.root.appending("spark-warehouse/listed"), ".json")
    }

    private static func report(_ machine: SimulatedMachine) throws -> [String] {
        try lines(machine, SimulatedMachine.root.appending("out/report"), ".csv")
    }

    /// What a text table shows to everyone.
    private static func lines(_ machine: SimulatedMachine, _ path: FilePath, _ suffix: String) throws -> [String] {
        try machine.names(path).filter { $0.hasSuffix(suffix) }.flatMap { name in
            String(decoding: try machine.disk.contents(of: path.appending(name)), as: UTF8.self).split(separator: "\n")
                .map(String.init)
        }.sorted()
    }

    private static func retainedEpochs(_ machine: SimulatedMachine) throws(TidemillError) -> RetainedEpochs {
        try machine.pipeline(sql).retainedEpochs()
    }

    private static func retained(_ machine: SimulatedMachine) throws -> [String] {
        try machine.pipeline(sql).checkpointContents().retained.map { entry in
            (entry.savepoint ?? "\(entry.epoch)") + (entry.missing.isEmpty ? "" : " without \(entry.missing)")
        }
    }

    /// Files one by one in one run each: contents after every epoch, as they should be again.
    private static func history(_ machine: SimulatedMachine, files: ClosedRange<Int>) throws -> [[String]] {
        var history: [[String]] = []
        for number in files {
            try write(number, to: machine)
            try machine.run(sql)
            history.append(try contents(machine))
            #expect(try verifyCheckpoint(checkpoint, files: machine.disk).damage == [])
        }
        return history
    }

    @Test(arguments: [0, 1, 2] as [UInt64]) func theLastEpochsCanBeGoneBackTo(_ seed: UInt64) throws {
        let machine = Self.machine(seed)
        let history = try Self.history(machine, files: 1...6)
        #expect(try Self.retained(machine) == ["5", "4"])
        let end = try Self.report(machine)

        let result = try Self.retainedEpochs(machine).rollBack(to: Epoch(4))
        #expect(result.from == Epoch(5) && result.tables == Self.tables && result.removed == [])
        #expect(try Self.contents(machine) == history[4])
        #expect(try verifyCheckpoint(Self.checkpoint, files: machine.disk).damage == [])
        // What was read after epoch 4 is new again.
        try machine.run(Self.sql)
        #expect(try Self.contents(machine) == history[5])
        #expect(try Self.report(machine) == end)
        #expect(try Self.retained(machine) == ["5", "4"])

        let error = #expect(throws: TidemillError.self) { try Self.retainedEpochs(machine).rollBack(to: Epoch(2)) }
        #expect(error?.code == "TIDEMILL_EPOCH_NOT_RETAINED")
        #expect(error?.hint == "retained are: 4, 5")
        #expect(try Self.contents(machine) == history[5])
    }

    @Test(arguments: [0, 1, 2] as [UInt64]) func savepointsOutliveEverything(_ seed: UInt64) throws {
        let machine = Self.machine(seed)
        let first = try Self.history(machine, files: 1...3)
        #expect(try Self.retainedEpochs(machine).createSavepoint("monday") == Epoch(2))
        let second = try Self.history(machine, files: 4...12)
        // Longer than any reader's grace.
        machine.clock.advance(micros: 600_000_000)
        let third = try Self.history(machine, files: 13...14)
        #expect(try Self.retained(machine) == ["13", "12", "monday"])
        _ = try Self.retainedEpochs(machine).rollBack(to: Epoch(12))
        #expect(try Self.contents(machine) == third[0])
        try machine.run(Self.sql)
        #expect(try Self.contents(machine) == third[1])

        _ = try Self.retainedEpochs(machine).rollBack(to: Epoch(2))
        #expect(try Self.contents(machine) == first[2])
        #expect(try verifyCheckpoint(Self.checkpoint, files: machine.disk).damage == [])
        try machine.run(Self.sql)
        #expect(try Self.contents(machine) == third[1])
        #expect(second.count == 9)
        // The same savepoint again, now from another log.
        #expect(try Self.retainedEpochs(machine).rollBack(toSavepoint: "monday").to == Epoch(2))
        #expect(try Self.contents(machine) == first[2])

        try Self.retainedEpochs(machine).dropSavepoint("monday")
        let error = #expect(throws: TidemillError.self) { try Self.retainedEpochs(machine).dropSavepoint("monday") }
        #expect(error?.code == "TIDEMILL_SAVEPOINT_NOT_FOUND")
        try machine.run(Self.sql)
        #expect(try Self.contents(machine) == third[1])
        #expect(try verifyCheckpoint(Self.checkpoint, files: machine.disk).problems == [])
    }

    /// Nothing is held for epochs that fell out of retention.
    @Test func whatIsNotRetainedIsRemoved() throws {
        let machine = Self.machine(0)
        _ = try Self.history(machine, files: 1...3)
        _ = try Self.retainedEpochs(machine).createSavepoint("s")
        _ = try Self.history(machine, files: 4...8)
        try Self.retainedEpochs(machine).dropSavepoint("s")
        _ = try Self.history(machine, files: 9...10)
        machine.clock.advance(micros: 600_000_000)
        _ = try Self.history(machine, files: 11...11)
        let warehouse = SimulatedMachine.root.appending("spark-warehouse")
        #expect(try machine.names(warehouse).count { $0.contains(".totals.old-") } == 1)
        let contents = try machine.pipeline(Self.sql).checkpointContents()
        #expect(contents.retained.map(\.epoch) == [Epoch(10), Epoch(9)])
        #expect(try verifyCheckpoint(Self.checkpoint, files: machine.disk).problems == [])
    }

    /// `tidemill.readerGrace` says how long replaced versions stay, of a table before all.
    @Test func replacedVersionsStayForTheGrace() throws {
        func replaced(_ grace: String, own: String? = nil) throws -> Int {
            let machine = Self.machine(0)
            machine.settings["tidemill.readerGrace"] = grace
            let properties = own.map { "TBLPROPERTIES ('tidemill.readerGrace' = '\($0)')" } ?? ""
            let sql = Self.sql.replacing("VIEW totals AS", with: "VIEW totals \(properties) AS")
            for number in 1...6 {
                try Self.write(number, to: machine)
                try machine.run(sql)
            }
            let names = try machine.names(SimulatedMachine.root.appending("spark-warehouse"))
            return names.count { $0.contains(".totals.old-") }
        }
        // The next to last epoch is retained, whatever the grace.
        #expect(try replaced("0 s") == 1)
        #expect(try replaced("1 hour") == 6)
        #expect(try replaced("0 s", own: "1 hour") == 6)
        #expect(try replaced("1 hour", own: "0 s") == 1)
        let error = #expect(throws: TidemillError.self) { try replaced("soon") }
        #expect(error?.code == "INVALID_CONF_VALUE")
    }

    /// `tidemill.retain.epochs` and `tidemill.retain.bytes` widen what is kept.
    @Test func retentionCanBeWidened() throws {
        for (key, value, kept) in [
            ("tidemill.retain.epochs", "4", ["5", "4", "3", "2"]),
            ("tidemill.retain.bytes", "1g", ["5", "4", "3", "2", "1", "0"]),
        ] {
            let machine = Self.machine(0)
            machine.settings[key] = value
            let history = try Self.history(machine, files: 1...6)
            machine.clock.advance(micros: 600_000_000)
            #expect(try Self.retained(machine) == kept)
            let oldest = try #require(kept.last.flatMap { Int($0) })
            _ = try Self.retainedEpochs(machine).rollBack(to: Epoch(Int64(oldest)))
            #expect(try Self.contents(machine) == history[oldest])
            try machine.run(Self.sql)
            #expect(try Self.contents(machine) == history[5])
        }
    }

    /// A table that was made after the epoch leaves its place, and comes back with the next run.
    @Test func tablesThatCameLater() throws {
        let machine = Self.machine(1)
        let history = try Self.history(machine, files: 1...2)
        let more = Self.sql + "CREATE STREAMING TABLE late AS SELECT id FROM STREAM sales;"
        try Self.write(3, to: machine)
        try machine.run(more)
        let all = try machine.rows(more, "late").count
        #expect(all == 12)
        let result = try machine.pipeline(more).retainedEpochs().rollBack(to: Epoch(1))
        #expect(result.removed == ["late"])
        #expect(try Self.contents(machine) == history[1])
        #expect(try !machine.names(SimulatedMachine.root.appending("spark-warehouse")).contains("late"))
        try machine.run(more)
        #expect(try machine.rows(more, "late").count == all)
    }

    /// Cut off at any call, with or without what was not synced: the next command finishes the rollback or nothing has
    /// happened; then the tables end as if nothing had been.
    @Test func aRollbackSurvivesAPowerCutAnywhere() throws {
        let start = Self.machine(2)
        let history = try Self.history(start, files: 1...5)
        let whole = SimulatedMachine(start.disk.copied(), seed: 2)
        whole.settings = start.settings
        let first = whole.disk.calls
        _ = try Self.retainedEpochs(whole).rollBack(to: Epoch(3))
        let calls = whole.disk.calls - first
        #expect(calls > 30)
        var outcomes: [String: Int] = [:]
        for cut in 0..<calls {
            let seed = UInt64(cut)
            let machine = SimulatedMachine(start.disk.copied(), seed: seed &+ 40)
            machine.settings = start.settings
            machine.disk.cutPower(afterCalls: cut)
            #expect(throws: TidemillError.self) { try Self.retainedEpochs(machine).rollBack(to: Epoch(3)) }
            let next = SimulatedMachine(machine.disk.crashed(seed: seed), seed: seed &+ 50)
            next.settings = start.settings
            next.clock.advance(micros: 30_000_000)
            // A command that takes the lock finishes what was decided.
            _ = try Self.retainedEpochs(next).createSavepoint("after")
            let now = try Self.contents(next)
            let outcome = now == history[3] ? "back" : now == history[4] ? "untouched" : "wrong"
            outcomes[outcome, default: 0] += 1
            #expect(outcome != "wrong", "cut \(cut)")
            #expect(try verifyCheckpoint(Self.checkpoint, files: next.disk).damage == [], "cut \(cut)")
            try next.run(Self.sql)
            #expect(try Self.contents(next) == history[4], "cut \(cut): \(outcome)")
        }
        #expect(outcomes["back"] ?? 0 > 0 && outcomes["untouched"] ?? 0 > 0)
    }
}
