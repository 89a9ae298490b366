import Testing
import TideEngineSimulation
import TideSimulation

@testable import Tidemill

/// Sessions that lie in runs alone: found by their key when a row comes, by their time when the watermark does.
@Suite struct ColdSessionTests {
    private static let sql = """
        CREATE TABLE l (k INT, v INT, ts TIMESTAMP) USING csv OPTIONS (path 'in', maxFilesPerTrigger '1');
        CREATE STREAMING TABLE ended AS
          SELECT k, session_window.start AS s, session_window.end AS e, count(*) AS n, sum(v) AS total, max(v) AS most
          FROM STREAM l WATERMARK ts DELAY OF INTERVAL 2 MINUTES AS l GROUP BY k, session_window(ts, '60 seconds');
        CREATE MATERIALIZED VIEW every AS
          SELECT k, session_window.start AS s, session_window.end AS e, count(*) AS n, sum(v) AS total, max(v) AS most
          FROM l GROUP BY k, session_window(ts, '60 seconds');
        """
    private static let gap = 60

    struct Row: Hashable {
        var key: Int
        var value: Int
        /// Seconds.
        var time: Int
    }
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

    private static func watermark(_ rows: [Row]) -> Int { (rows.map(\.time).max() ?? 0) - 120 }

    private static func check(_ machine: SimulatedMachine, _ rows: [Row], _ seed: UInt64) throws {
        let wanted = sessions(rows)
        let every = try stored(machine, "every")
        #expect(Set(every) == Set(wanted) && every.count == wanted.count, "seed \(seed)")
        let watermark = watermark(rows)
        let closed = wanted.filter { $0.end <= watermark }
        let ended = try stored(machine, "ended")
        let (lost, extra) = (Set(closed).subtracting(ended), Set(ended).subtracting(closed))
        #expect(lost.isEmpty && extra.isEmpty && ended.count == closed.count, "seed \(seed): \(lost), \(extra)")
    }

    private static func text(_ rows: [Row]) -> String {
        rows.map { row in
            let second = row.time % 60
            let minute = row.time / 60 % 60
            func two(_ n: Int) -> String { n < 10 ? "0\(n)" : "\(n)" }
            let day = two(1 + row.time / 86400)
            let clock = "\(two(row.time / 3600 % 24)):\(two(minute)):\(two(second))"
            return "\(row.key),\(row.value),1970-01-\(day) \(clock)\n"
        }.joined()
    }

    /// None lies behind the watermark: it might touch a session that has ended.
    ///
    /// A key that goes on and on, keys that come back, keys with several sessions open, rows out of order.
    private static func rows(_ file: Int, _ generator: inout SeededGenerator) -> [Row] {
        let now = 1000 + file * 45
        var rows = [Row(key: 0, value: file, time: now)]
        for _ in 0..<Int.random(in: 0...12, using: &generator) {
            let key = Int.random(in: 1..<[6, 150].randomElement(using: &generator)!, using: &generator)
            rows.append(
                Row(
                    key: key, value: Int.random(in: 0..<50, using: &generator),
                    time: now - Int.random(in: 0..<115, using: &generator)))
        }
        return rows
    }

    @Test(arguments: [UInt64](1...40)) func sessionsOfRandomLives(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var disk = SimulatedFileSystem()
        var all: [Row] = []
        var file = 0
        for life in 0..<Int.random(in: 2...6, using: &generator) {
            var machine = SimulatedMachine(
                disk, seed: seed &+ UInt64(life), workers: [1, 2, 4].randomElement(using: &generator)!)
            for _ in 0..<Int.random(in: 1...10, using: &generator) {
                let new = Self.rows(file, &generator)
                all += new
                try machine.write("in/\(100 + file).csv", Self.text(new))
                file += 1
            }
            var settings = ["tidemill.flushBytes": ["0", "900", "100000000"].randomElement(using: &generator)!]
            if Int.random(in: 0..<8, using: &generator) > 0 {
                settings["tidemill.memory.limit"] = ["1", "1", "12k", "1g"].randomElement(using: &generator)!
            }
            machine.settings = settings
            machine.maintenance.policy.fanIn = [2, 4].randomElement(using: &generator)!
            if Int.random(in: 0..<3, using: &generator) == 0 {
                disk.cutPower(afterCalls: Int.random(in: 0..<400, using: &generator))
                do throws(TidemillError) { try machine.run(Self.sql) } catch {
                    #expect(error.kind != .internal && error.kind != .corruption, "\(error.report())")
                }
                disk = disk.crashed(seed: seed &+ UInt64(life))
                machine = SimulatedMachine(disk, seed: seed &+ 50 &+ UInt64(life), workers: 2)
                machine.settings = settings
            }
            var counted: [String: Int] = [:]
            try machine.run(Self.sql) { event in
                guard case .epoch(let progress) = event else { return }
                for flow in progress.flows { counted[flow.name] = flow.stateOperators.first?.rowsTotal }
            }
            try Self.check(machine, all, seed)
            let sessions = Self.sessions(all)
            let open = sessions.count { $0.end > Self.watermark(all) }
            if let count = counted["every"] { #expect(count == sessions.count, "seed \(seed)") }
            if let count = counted["ended"] { #expect(count == open, "seed \(seed)") }
            disk = machine.disk
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
            try machine.write("in/\(100 + file).csv", Self.text(new))
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
        try second.write("in/200.csv", Self.text([Row(key: 7, value: 1, time: 1014 + 60 + 120)]))
        try run(second)
        try Self.check(second, all, 2)
        // 15 of 30 go; key 7 has a new session.
        #expect(states.map(\.rowsTotal).contains(301))
        #expect(try Self.stored(second, "ended").count == 300)
    }
}
