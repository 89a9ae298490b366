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
