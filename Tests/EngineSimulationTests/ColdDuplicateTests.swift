import Testing
import TideEngineSimulation
import TideSimulation

@testable import Tidemill

/// Keys of duplicates that the watermark ends, in runs alone.
@Suite struct ColdDuplicateTests {
    private static let sql =
        ColdLives.source + """
            CREATE STREAMING TABLE moments AS
              SELECT * FROM drop_duplicates(
                TABLE(SELECT k, ts FROM STREAM l WATERMARK ts DELAY OF INTERVAL 2 MINUTES AS l), 'k', 'ts');
            CREATE STREAMING TABLE firsts AS SELECT k, ts FROM drop_duplicates_within_watermark(
              TABLE(SELECT k, ts FROM STREAM l WATERMARK ts DELAY OF INTERVAL 2 MINUTES AS l), 'k');
            """
    private struct Seen: Hashable {
        var key: Int
        var time: Int
    }

    private static func stored(_ machine: SimulatedMachine, _ table: String) throws -> [Seen] {
        try machine.rows(sql, table)
            .map { Seen(key: Int($0[0].integer ?? -1), time: Int(($0[1].integer ?? -1) / 1_000_000)) }
            .sorted { ($0.key, $0.time) < ($1.key, $1.time) }
    }

    /// By hand: the first row of a key, until the watermark has passed it by the delay; after each start an epoch
    /// without rows brings the watermark up to date.
    private static func firsts(_ lives: [[[ColdLives.Row]]]) -> (given: [Seen], remembered: Int) {
        var ends: [Int: Int] = [:]
        var given: [Seen] = []
        var read: [ColdLives.Row] = []
        for life in lives {
            for file in life {
                for row in file where ends[row.key] == nil {
                    ends[row.key] = row.time + 120
                    given.append(Seen(key: row.key, time: row.time))
                }
                let watermark = ColdLives.watermark(read)
                ends = ends.filter { $0.value > watermark }
                read += file
            }
            let watermark = ColdLives.watermark(read)
            ends = ends.filter { $0.value > watermark }
        }
        return (given.sorted { ($0.key, $0.time) < ($1.key, $1.time) }, ends.count)
    }

    @Test(arguments: [UInt64](1...40)) func duplicatesOfRandomLives(seed: UInt64) throws {
        try ColdLives.run(Self.sql, seed: seed) { outcome in
            let moments = Set(outcome.rows.map { Seen(key: $0.key, time: $0.time) })
            let found = try Self.stored(outcome.machine, "moments")
            #expect(Set(found) == moments && found.count == moments.count, "seed \(seed)")
            let firsts = Self.firsts(outcome.lives)
            #expect(try Self.stored(outcome.machine, "firsts") == firsts.given, "seed \(seed)")
            if let count = outcome.counted["moments"] {
                #expect(count == moments.count { $0.time > outcome.watermark }, "seed \(seed)")
            }
            if let count = outcome.counted["firsts"] { #expect(count == firsts.remembered, "seed \(seed)") }
        }
    }

    /// Under a limit nothing stays but what epochs touch.
    @Test(arguments: [1, 2, 4]) func keysLeaveMemory(_ workers: Int) throws {
        let machine = SimulatedMachine(seed: 1, workers: workers)
        machine.settings = ["tidemill.memory.limit": "1"]
        for file in 0..<20 {
            let new = (0..<30).map { ColdLives.Row(key: file * 30 + $0, value: $0, time: 1000 + $0) }
            try machine.write("in/\(100 + file).csv", ColdLives.text(new))
        }
        var states: [EpochProgress.StateProgress] = []
        try machine.run(Self.sql) { event in
            if case .epoch(let progress) = event { states += progress.flows.flatMap(\.stateOperators) }
        }
        #expect(states.count >= 40)
        #expect(states.allSatisfy { $0.rowsInMemory <= 30 })
        #expect(states.suffix(2).allSatisfy { $0.rowsTotal == 600 })
    }
}
