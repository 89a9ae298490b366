import Testing
import TideEngineSimulation
import TideSimulation

@testable import Tidemill

/// A stream l(k, v, ts) that a pipeline reads over several starts, each under a memory limit, a size of flushes and a
/// number of workers drawn from a seed; some of them lose power.
struct ColdLives {
    struct Row: Hashable {
        var key: Int
        var value: Int
        /// Seconds.
        var time: Int
    }
    /// What there is after a start that came to its end.
    struct Outcome {
        var machine: SimulatedMachine
        /// By start, by file: one file is one epoch.
        var lives: [[[Row]]]
        /// By flow: rows of state after the last epoch.
        var counted: [String: Int]
        var rows: [Row] { lives.flatMap { $0.flatMap { $0 } } }
        /// The delay is two minutes.
        var watermark: Int { ColdLives.watermark(rows) }
    }

    static let source = """
        CREATE TABLE l (k INT, v INT, ts TIMESTAMP) USING csv OPTIONS (path 'in', maxFilesPerTrigger '1');

        """
    static func watermark(_ rows: [Row]) -> Int { (rows.map(\.time).max() ?? 0) - 120 }

    static func text(_ rows: [Row]) -> String {
        rows.map { row in
            let second = row.time % 60
            let minute = row.time / 60 % 60
            func two(_ n: Int) -> String { n < 10 ? "0\(n)" : "\(n)" }
            let day = two(1 + row.time / 86400)
            let clock = "\(two(row.time / 3600 % 24)):\(two(minute)):\(two(second))"
            return "\(row.key),\(row.value),1970-01-\(day) \(clock)\n"
        }.joined()
    }

    /// None lies behind the watermark.
    ///
    /// A key that goes on and on, keys that come back, rows out of order.
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

    static func run(_ sql: String, seed: UInt64, check: (Outcome) throws -> Void) throws {
        var generator = SeededGenerator(seed: seed)
        var disk = SimulatedFileSystem()
        var lives: [[[Row]]] = []
        var file = 0
        for life in 0..<Int.random(in: 2...6, using: &generator) {
            var machine = SimulatedMachine(
                disk, seed: seed &+ UInt64(life), workers: [1, 2, 4].randomElement(using: &generator)!)
            lives.append([])
            for _ in 0..<Int.random(in: 1...10, using: &generator) {
                let new = rows(file, &generator)
                lives[life].append(new)
                try machine.write("in/\(100 + file).csv", text(new))
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
                do throws(TidemillError) { try machine.run(sql) } catch {
                    #expect(error.kind != .internal && error.kind != .corruption, "\(error.report())")
                }
                disk = disk.crashed(seed: seed &+ UInt64(life))
                machine = SimulatedMachine(disk, seed: seed &+ 50 &+ UInt64(life), workers: 2)
                machine.settings = settings
            }
            var counted: [String: Int] = [:]
            try machine.run(sql) { event in
                guard case .epoch(let progress) = event else { return }
                for flow in progress.flows { counted[flow.name] = flow.stateOperators.first?.rowsTotal }
            }
            try check(Outcome(machine: machine, lives: lives, counted: counted))
            disk = machine.disk
        }
    }
}
