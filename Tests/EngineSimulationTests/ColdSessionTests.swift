import Testing
import TideEngineSimulation
import TideSimulation

@testable import Tidemill

/// Sessions that lie in runs alone: found by their key when a row comes, by their time when the watermark does.
@Suite struct ColdSessionTests {
    private static let sql =
        ColdLives.source + """
            CREATE STREAMING TABLE ended AS
              SELECT k, session_window.start AS s, session_window.end AS e, count(*) AS n, sum(v) AS total, max(v) AS most
              FROM STREAM l WATERMARK ts DELAY OF INTERVAL 2 MINUTES AS l GROUP BY k, session_window(ts, '60 seconds');
            CREATE MATERIALIZED VIEW every AS
              SELECT k, session_window.start AS s, session_window.end AS e, count(*) AS n, sum(v) AS total, max(v) AS most
              FROM l GROUP BY k, session_window(ts, '60 seconds');
            """
    private static let gap = 60

    private typealias Row = ColdLives.Row
    struct Session: Hashable {
        var key: Int
        var start: Int
        var end: Int
        var count: Int
        var total: Int
        var most: Int
    }

    /// Sorted by time and put together, key by key.
    private static func sessions(_ rows: [Row]) -> [Session] {
        var all: [Session] = []
        for (key, own) in Dictionary(grouping: rows, by: \.key) {
            var open: Session?
            for row in own.sorted(by: { $0.time < $1.time }) {
                if var session = open, row.time <= session.end {
                    session.end = max(session.end, row.time + gap)
                    session.count += 1
                    session.total += row.value
                    session.most = max(session.most, row.value)
                    open = session
                    continue
                }
                if let session = open { all.append(session) }
                open = Session(
                    key: key, start: row.time, end: row.time + gap, count: 1, total: row.value, most: row.value)
            }
            if let session = open { all.append(session) }
        }
        return all
    }

    private static func stored(_ machine: SimulatedMachine, _ table: String) throws -> [Session] {
        try machine.rows(sql, table).map { row in
            let numbers = row.map { Int($0.integer ?? -1) }
            return Session(
                key: numbers[0], start: numbers[1] / 1_000_000, end: numbers[2] / 1_000_000, count: numbers[3],
                total: numbers[4], most: numbers[5])
        }
    }

    private static func check(_ machine: SimulatedMachine, _ rows: [Row], _ seed: UInt64) throws {
        let wanted = sessions(rows)
        let every = try stored(machine, "every")
        #expect(Set(every) == Set(wanted) && every.count == wanted.count, "seed \(seed)")
        let watermark = ColdLives.watermark(rows)
        let closed = wanted.filter { $0.end <= watermark }
        let ended = try stored(machine, "ended")
        let (lost, extra) = (Set(closed).subtracting(ended), Set(ended).subtracting(closed))
        #expect(lost.isEmpty && extra.isEmpty && ended.count == closed.count, "seed \(seed): \(lost), \(extra)")
    }

    /// Keys with several sessions open, and some whose session goes on and on.
    @Test(arguments: [UInt64](1...40)) func sessionsOfRandomLives(seed: UInt64) throws {
        try ColdLives.run(Self.sql, seed: seed) { outcome in
            try Self.check(outcome.machine, outcome.rows, seed)
            let sessions = Self.sessions(outcome.rows)
            let open = sessions.count { $0.end > outcome.watermark }
            if let count = outcome.counted["every"] { #expect(count == sessions.count, "seed \(seed)") }
            if let count = outcome.counted["ended"] { #expect(count == open, "seed \(seed)") }
        }
    }

    /// Under a limit nothing stays but what epochs touch; all are counted; closing reads what it closes.
    @Test(arguments: [1, 2, 4]) func sessionsLeaveMemory(_ workers: Int) throws {
        let machine = SimulatedMachine(seed: 1, workers: workers)
        machine.settings = ["tidemill.memory.limit": "1"]
        var all: [Row] = []
        for file in 0..<20 {
            let new = (0..<30).map { Row(key: file * 30 + $0, value: $0, time: 1000 + $0) }
            all += new
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
        try Self.check(machine, all, 1)
        #expect(states.count == 40)
        #expect(states.allSatisfy { $0.rowsInMemory <= 30 })
        #expect(states.suffix(2).allSatisfy { $0.rowsTotal == 600 })

        // The watermark passes half of them: 1015 and before, and their gap.
        let second = SimulatedMachine(machine.disk, seed: 2, workers: 3 - min(2, workers))
        second.settings = ["tidemill.memory.limit": "1g"]
        all.append(Row(key: 7, value: 1, time: 1014 + 60 + 120))
        try second.write("in/200.csv", ColdLives.text([Row(key: 7, value: 1, time: 1014 + 60 + 120)]))
        try run(second)
        try Self.check(second, all, 2)
        // 15 of 30 go; key 7 has a new session.
        #expect(states.map(\.rowsTotal).contains(301))
        #expect(try Self.stored(second, "ended").count == 300)
    }
}
