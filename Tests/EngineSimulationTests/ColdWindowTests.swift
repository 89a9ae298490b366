import Testing
import TideEngineSimulation
import TideSimulation

@testable import Tidemill

/// Groups that the watermark ends, in runs alone: found by their key when a row comes, by their time when the watermark
/// does.
@Suite struct ColdWindowTests {
    private static let sql =
        ColdLives.source + """
            CREATE STREAMING TABLE ended AS
              SELECT k, window.start AS s, count(*) AS n, sum(v) AS total, max(v) AS most
              FROM STREAM l WATERMARK ts DELAY OF INTERVAL 2 MINUTES AS l GROUP BY k, window(ts, '60 seconds');
            CREATE STREAMING TABLE changed TBLPROPERTIES ('tidemill.outputMode' = 'update', 'tidemill.key' = 'k, s') AS
              SELECT k, window.start AS s, count(*) AS n, sum(v) AS total, max(v) AS most
              FROM STREAM l WATERMARK ts DELAY OF INTERVAL 2 MINUTES AS l GROUP BY k, window(ts, '60 seconds');
            CREATE STREAMING TABLE moments AS
              SELECT k, ts AS s, count(*) AS n, sum(v) AS total, max(v) AS most
              FROM STREAM l WATERMARK ts DELAY OF INTERVAL 2 MINUTES AS l GROUP BY k, ts;
            CREATE STREAMING TABLE lasting TBLPROPERTIES ('tidemill.outputMode' = 'update', 'tidemill.key' = 'k') AS
              SELECT k, CAST('1970-01-01' AS TIMESTAMP) AS s, count(*) AS n, sum(v) AS total, max(v) AS most
              FROM STREAM l GROUP BY k;
            """
    private static let sliding =
        ColdLives.source + """
            CREATE STREAMING TABLE ended AS
              SELECT k, window.start AS s, count(*) AS n, sum(v) AS total, max(v) AS most
              FROM STREAM l WATERMARK ts DELAY OF INTERVAL 2 MINUTES AS l
              GROUP BY k, window(ts, '60 seconds', '20 seconds');
            CREATE STREAMING TABLE changed TBLPROPERTIES ('tidemill.outputMode' = 'update', 'tidemill.key' = 'k, s') AS
              SELECT k, window.start AS s, count(*) AS n, sum(v) AS total, max(v) AS most
              FROM STREAM l WATERMARK ts DELAY OF INTERVAL 2 MINUTES AS l
              GROUP BY k, window(ts, '60 seconds', '20 seconds');
            CREATE MATERIALIZED VIEW every AS
              SELECT k, window.start AS s, count(*) AS n, sum(v) AS total, max(v) AS most
              FROM l GROUP BY k, window(ts, '60 seconds', '20 seconds');
            """

    private typealias Row = ColdLives.Row
    private struct Group: Hashable {
        var key: Int
        var start: Int
        var count: Int
        var total: Int
        var most: Int
    }

    /// Groups of rows that share their key and the stretch of so many seconds that they fall into.
    private static func groups(_ rows: [Row], seconds: Int) -> Set<Group> {
        struct Place: Hashable {
            var key: Int
            var start: Int
        }
        let places = Dictionary(grouping: rows) { Place(key: $0.key, start: $0.time / seconds * seconds) }
        return Set(
            places.map { place, rows in
                Group(
                    key: place.key, start: place.start, count: rows.count, total: rows.reduce(0) { $0 + $1.value },
                    most: rows.map(\.value).max() ?? 0)
            })
    }

    private static func expect(
        _ wanted: Set<Group>, in table: String, of sql: String = sql, _ machine: SimulatedMachine, _ seed: UInt64
    ) throws {
        let found = try machine.rows(sql, table).map { row in
            let numbers = row.map { Int($0.integer ?? -1) }
            return Group(
                key: numbers[0], start: numbers[1] / 1_000_000, count: numbers[2], total: numbers[3], most: numbers[4])
        }
        let (lost, extra) = (wanted.subtracting(found), Set(found).subtracting(wanted))
        #expect(lost.isEmpty && extra.isEmpty && found.count == wanted.count, "\(table), \(seed): \(lost), \(extra)")
    }

    private static func check(_ outcome: ColdLives.Outcome, _ seed: UInt64) throws {
        let (rows, watermark) = (outcome.rows, outcome.watermark)
        let windows = groups(rows, seconds: 60)
        let moments = groups(rows, seconds: 1)
        let machine = outcome.machine
        try expect(windows.filter { $0.start + 60 <= watermark }, in: "ended", machine, seed)
        try expect(windows, in: "changed", machine, seed)
        try expect(moments.filter { $0.start <= watermark }, in: "moments", machine, seed)
        let all = groups(rows, seconds: .max)
        try expect(all, in: "lasting", machine, seed)
        for (table, open) in [
            ("ended", windows.count { $0.start + 60 > watermark }),
            ("changed", windows.count { $0.start + 60 > watermark }),
            ("moments", moments.count { $0.start > watermark }), ("lasting", all.count),
        ] {
            if let count = outcome.counted[table] { #expect(count == open, "\(table), seed \(seed)") }
        }
    }

    @Test(arguments: [UInt64](1...40)) func windowsOfRandomLives(seed: UInt64) throws {
        try ColdLives.run(Self.sql, seed: seed) { try Self.check($0, seed) }
    }

    /// A row falls into three windows, which begin every 20 seconds. Those that have ended before a late row came have
    /// been given out without it: rows are at most 115 seconds old, so no window has ended by then.
    @Test(arguments: [UInt64](1...40)) func slidingWindowsOfRandomLives(seed: UInt64) throws {
        try ColdLives.run(Self.sliding, seed: seed) { outcome in
            let (watermark, machine) = (outcome.watermark, outcome.machine)
            struct Place: Hashable {
                var key: Int
                var start: Int
            }
            var places: [Place: [Row]] = [:]
            for row in outcome.rows {
                for start in stride(from: row.time / 20 * 20, to: row.time - 60, by: -20) {
                    places[Place(key: row.key, start: start), default: []].append(row)
                }
            }
            let windows = Set(
                places.map { place, rows in
                    Group(
                        key: place.key, start: place.start, count: rows.count,
                        total: rows.reduce(0) { $0 + $1.value }, most: rows.map(\.value).max() ?? 0)
                })
            try Self.expect(
                windows.filter { $0.start + 60 <= watermark }, in: "ended", of: Self.sliding, machine, seed)
            try Self.expect(windows, in: "changed", of: Self.sliding, machine, seed)
            try Self.expect(windows, in: "every", of: Self.sliding, machine, seed)
            let open = windows.count { $0.start + 60 > watermark }
            for table in ["ended", "changed"] {
                if let count = outcome.counted[table] { #expect(count == open, "\(table), seed \(seed)") }
            }
            // A view counts panes.
            let panes = Set(outcome.rows.map { Place(key: $0.key, start: $0.time / 20) })
            if let count = outcome.counted["every"] { #expect(count == panes.count, "seed \(seed)") }
        }
    }

    /// Under a limit nothing stays but what epochs touch; all are counted; closing reads what it closes.
    @Test(arguments: [1, 2, 4]) func windowsLeaveMemory(_ workers: Int) throws {
        let machine = SimulatedMachine(seed: 1, workers: workers)
        machine.settings = ["tidemill.memory.limit": "1"]
        var lives: [[[Row]]] = [[]]
        for file in 0..<20 {
            let new = (0..<30).map { Row(key: file * 30 + $0, value: $0, time: 1020 + $0 * 4) }
            lives[0].append(new)
            try machine.write("in/\(100 + file).csv", ColdLives.text(new))
        }
        var states: [EpochProgress.StateProgress] = []
        func run(_ machine: SimulatedMachine) throws {
            states = []
            try machine.run(Self.sql) { event in
                if case .epoch(let progress) = event { states += progress.flows.flatMap(\.stateOperators) }
            }
        }
        try run(machine)
        #expect(states.count >= 80)
        #expect(states.allSatisfy { $0.rowsInMemory <= 30 })
        #expect(states.suffix(4).allSatisfy { $0.rowsTotal == 600 })

        // The watermark passes the end of the first window, 1080, which is half of the keys.
        let second = SimulatedMachine(machine.disk, seed: 2, workers: 3 - min(2, workers))
        second.settings = ["tidemill.memory.limit": "1g"]
        let last = [Row(key: 7, value: 1, time: 1080 + 120)]
        lives.append([last])
        try second.write("in/200.csv", ColdLives.text(last))
        try run(second)
        try Self.check(ColdLives.Outcome(machine: second, lives: lives, counted: [:]), 2)
        // 15 of 30 go; key 7 has a new one.
        #expect(states.map(\.rowsTotal).contains(301))
    }

    @Test(arguments: [1, 2, 4]) func panesLeaveMemory(_ workers: Int) throws {
        let machine = SimulatedMachine(seed: 1, workers: workers)
        machine.settings = ["tidemill.memory.limit": "1"]
        for file in 0..<20 {
            let new = (0..<30).map { Row(key: file * 30 + $0, value: $0, time: 1020 + $0 * 4) }
            try machine.write("in/\(100 + file).csv", ColdLives.text(new))
        }
        var states: [EpochProgress.StateProgress] = []
        try machine.run(Self.sliding) { event in
            if case .epoch(let progress) = event { states += progress.flows.flatMap(\.stateOperators) }
        }
        #expect(states.count >= 60)
        #expect(states.allSatisfy { $0.rowsInMemory <= 60 })
        // Three windows per key in streaming tables; one pane in the view.
        #expect(states.suffix(3).map(\.rowsTotal).sorted() == [600, 1800, 1800])
    }
}
