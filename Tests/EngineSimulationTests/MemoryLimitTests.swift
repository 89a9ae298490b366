import Testing
import TideEngineSimulation
import TideSimulation

@testable import Tidemill

/// State above `tidemill.memory.limit` is left to the runs, and what is asked for comes back.
@Suite struct MemoryLimitTests {
    private static let sql = """
        CREATE TABLE l (id INT, k INT, v INT) USING csv OPTIONS (path 'in', maxFilesPerTrigger '1');
        CREATE MATERIALIZED VIEW t AS SELECT k, count(*) AS n, sum(v) AS s, max(id) AS m FROM l GROUP BY k;
        """
    private static let keys = 500

    /// Files of 40 rows: ids count on, keys are drawn.
    private static func write(_ machine: SimulatedMachine, _ files: Range<Int>) throws -> [Int: [Int]] {
        var byKey: [Int: [Int]] = [:]
        for file in 0..<files.upperBound {
            var generator = SeededGenerator(seed: UInt64(file))
            var text = ""
            for row in 0..<40 {
                let key = Int.random(in: 0..<keys, using: &generator)
                let id = file * 40 + row
                text += "\(id),\(key),\(id % 7)\n"
                byKey[key, default: []].append(id)
            }
            if files.contains(file) { try machine.write("in/\(10 + file).csv", text) }
        }
        return byKey
    }

    private static func check(_ machine: SimulatedMachine, _ expected: [Int: [Int]]) throws {
        let found = try machine.rows(sql, "t").map { row in row.map { Int($0.integer ?? -1) } }
        let wanted = expected.map { key, ids in
            [key, ids.count, ids.reduce(0) { $0 + $1 % 7 }, ids.max() ?? -1]
        }
        #expect(Set(found) == Set(wanted) && found.count == wanted.count)
    }

    private static func states(_ machine: SimulatedMachine) throws -> [EpochProgress.StateProgress] {
        var states: [EpochProgress.StateProgress] = []
        try machine.run(sql) { event in
            if case .epoch(let progress) = event { states += progress.flows.flatMap(\.stateOperators) }
        }
        return states
    }

    @Test(arguments: [1, 2, 4]) func rowsLeaveMemoryAndComeBack(_ workers: Int) throws {
        let first = SimulatedMachine(seed: 1, workers: workers)
        first.settings = ["tidemill.memory.limit": "1"]
        let expected = try Self.write(first, 0..<30)
        let states = try Self.states(first)
        try Self.check(first, expected)
        #expect(states.count == 30)
        // Nothing but what the epoch touches, 40 rows at most; all groups are counted.
        #expect(states.allSatisfy { $0.rowsInMemory <= 40 })
        #expect(states.last?.rowsTotal == expected.count && expected.count > 400)

        // Opened cold, by another number of workers, without a limit: what is touched stays.
        let second = SimulatedMachine(first.disk, seed: 2, workers: workers == 2 ? 1 : 2)
        second.settings = ["tidemill.memory.limit": "1g"]
        let more = try Self.write(second, 30..<33)
        let later = try Self.states(second)
        try Self.check(second, more)
        #expect(later.map(\.rowsTotal).last == more.count)
        #expect(later.first.map { $0.rowsInMemory <= 40 } == true)
        #expect(later.last.map { $0.rowsInMemory > 40 && $0.rowsInMemory <= 120 } == true)
    }

    /// Keys of duplicates that are remembered for ever leave memory; an old key that comes again is known.
    @Test(arguments: [1, 4]) func keysOfDuplicates(_ workers: Int) throws {
        let sql = """
            CREATE TABLE l (id INT, name STRING) USING csv OPTIONS (path 'in', maxFilesPerTrigger '1');
            CREATE STREAMING TABLE t AS SELECT * FROM drop_duplicates(TABLE(SELECT * FROM STREAM l), 'name');
            """
        var first: [String: Int] = [:]
        func write(_ machine: SimulatedMachine, _ files: Range<Int>) throws {
            for file in files {
                var generator = SeededGenerator(seed: UInt64(file))
                var text = ""
                for row in 0..<40 {
                    let name = "a key that is long \(Int.random(in: 0..<300, using: &generator))"
                    text += "\(file * 40 + row),\(name)\n"
                    if first[name] == nil { first[name] = file * 40 + row }
                }
                try machine.write("in/\(10 + file).csv", text)
            }
        }
        func states(_ machine: SimulatedMachine) throws -> [EpochProgress.StateProgress] {
            var states: [EpochProgress.StateProgress] = []
            try machine.run(sql) { event in
                if case .epoch(let progress) = event { states += progress.flows.flatMap(\.stateOperators) }
            }
            return states
        }
        func check(_ machine: SimulatedMachine) throws {
            let found = try machine.rows(sql, "t").map { ($0[1].string ?? "", Int($0[0].integer ?? -1)) }
            #expect(found.count == first.count)
            for (name, id) in found { #expect(first[name] == id) }
        }
        let machine = SimulatedMachine(seed: 3, workers: workers)
        machine.settings = ["tidemill.memory.limit": "1"]
        try write(machine, 0..<20)
        let limited = try states(machine)
        try check(machine)
        #expect(limited.allSatisfy { $0.rowsInMemory <= 40 })
        #expect(limited.last?.rowsTotal == first.count && first.count > 200)
        // Opened cold by other workers.
        let second = SimulatedMachine(machine.disk, seed: 4, workers: workers == 1 ? 2 : 1)
        second.settings = ["tidemill.memory.limit": "1g"]
        try write(second, 20..<25)
        let later = try states(second)
        try check(second)
        #expect(later.last?.rowsTotal == first.count)
        #expect(later.first.map { $0.rowsInMemory <= 40 } == true)
    }

    /// State that must stay is told once, and again when it has doubled.
    @Test func stateThatStaysIsTold() throws {
        let sql = """
            CREATE TABLE l (id INT, ts TIMESTAMP) USING csv OPTIONS (path 'in', maxFilesPerTrigger '1');
            CREATE MATERIALIZED VIEW t AS SELECT id, count(*) OVER (PARTITION BY id) AS n FROM l;
            """
        let machine = SimulatedMachine(seed: 5, workers: 1)
        machine.settings = ["tidemill.memory.limit": "20k"]
        for file in 0..<12 {
            let rows = (0..<100).map { "\(file * 100 + $0),2024-01-01 00:00:00\n" }
            try machine.write("in/\(10 + file).csv", rows.joined())
        }
        var notes: [String] = []
        try machine.run(sql) { event in
            if case .note(let text) = event, text.contains("cannot leave memory") { notes.append(text) }
        }
        #expect((1...4).contains(notes.count), "\(notes)")
        #expect(notes.allSatisfy { $0.contains("window of t") && $0.contains("(20480 bytes)") })
    }

    @Test func aLimitIsANumberOfBytes() throws {
        for (text, bytes) in [("512", 512), ("64k", 65536), (" 2 GB ", 2 << 30), ("1m", 1 << 20)] as [(String, Int64)] {
            #expect(try EngineSettings(["tidemill.memory.limit": text]).memoryLimit == bytes)
        }
        for text in ["", "much", "-1", "1.5g", "9999999999999g"] {
            let error = #expect(throws: TidemillError.self) { try EngineSettings(["tidemill.memory.limit": text]) }
            #expect(error?.code == "INVALID_CONF_VALUE")
        }
    }
}
