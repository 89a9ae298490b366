import Foundation
import Testing

import TideConnectors
@testable import Tidemill

/// The real program, killed with SIGKILL while it works, as often as you like: the last run gives the tables of a run
/// that was left in peace.
@Suite struct KillTests {
    /// TIDEMILL_BINARY, or the release build beside this checkout; nil if there is none.
    private static let binary: URL? = {
        if let given = ProcessInfo.processInfo.environment["TIDEMILL_BINARY"] { return URL(fileURLWithPath: given) }
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let built = root.appendingPathComponent(".build/release/tidemill")
        return FileManager.default.isExecutableFile(atPath: built.path) ? built : nil
    }()

    private static let sql = """
        CREATE TABLE sales (id INT, customer STRING, amount DOUBLE)
          USING csv OPTIONS (path 'input', maxFilesPerTrigger '1');
        CREATE STREAMING TABLE clean AS SELECT id, customer, amount * 2 AS twice FROM STREAM sales WHERE amount > 1;
        CREATE MATERIALIZED VIEW totals AS SELECT customer, count(*) AS n, sum(twice) AS s FROM clean GROUP BY customer;
        CREATE MATERIALIZED VIEW sizes AS SELECT n, count(*) AS customers FROM totals GROUP BY n;

        """

    private static func makeProject(_ directory: URL) throws {
        let input = directory.appendingPathComponent("input")
        try FileManager.default.createDirectory(at: input, withIntermediateDirectories: true)
        try Data(sql.utf8).write(to: directory.appendingPathComponent("p.sql"))
        var state: UInt64 = 88
        func next(_ below: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % below
        }
        for file in 0..<60 {
            var text = ""
            for row in 0..<400 { text += "\(file * 400 + row),customer \(next(900)),\(next(1000)).25\n" }
            let name = String(format: "%03d.csv", file)
            try Data(text.utf8).write(to: input.appendingPathComponent(name))
        }
    }

    /// Runs the program; kills it once it has printed so many progress lines. Its exit status, or nil if it was killed.
    private static func run(_ binary: URL, in directory: URL, killedAfterLines: Int?) throws -> Int32? {
        let process = Process()
        process.executableURL = binary
        process.arguments = [
            "run", directory.appendingPathComponent("p.sql").path, "--progress", "jsonl", "--set",
            "tidemill.publishInterval=0 ms", "--set", "tidemill.flushBytes=60000",
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        var lines = 0
        while killedAfterLines == nil || lines < killedAfterLines! {
            let bytes = output.fileHandleForReading.availableData
            if bytes.isEmpty { break }
            lines += bytes.count { $0 == 10 }
        }
        let kills = killedAfterLines.map { lines >= $0 } ?? false
        if kills { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        return process.terminationReason == .uncaughtSignal ? nil : process.terminationStatus
    }

    private static func rows(_ directory: URL, _ table: String) throws -> [String] {
        let path = FilePath(directory.appendingPathComponent("spark-warehouse/\(table)").path)
        let reader = try TableReader(path: path, environment: .system(workers: 1))
        var rows: [String] = []
        for batch in try reader.batches(columns: Array(reader.schema.fields.indices)) {
            for row in 0..<batch.count { rows.append("\(batch.columns.map { $0.scalar(row).value })") }
        }
        return rows.sorted()
    }

    @Test func tablesSurviveKill9() throws {
        guard let binary = Self.binary else {
            print("skipped: no tidemill program; build it with: swift build -c release --product tidemill")
            return
        }
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("tide-kill-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        let whole = root.appendingPathComponent("whole")
        try Self.makeProject(whole)
        #expect(try Self.run(binary, in: whole, killedAfterLines: nil) == 0)
        let killed = root.appendingPathComponent("killed")
        try Self.makeProject(killed)
        var generator = SystemRandomNumberGenerator()
        let limits = [0, 1] + (0..<10).map { _ in Int.random(in: 0...30, using: &generator) }
        var kills = 0
        for limit in limits where try Self.run(binary, in: killed, killedAfterLines: limit) == nil { kills += 1 }
        #expect(kills >= 2, "killed after \(limits) lines")
        #expect(try Self.run(binary, in: killed, killedAfterLines: nil) == 0)
        for table in ["clean", "totals", "sizes"] {
            let wanted = try Self.rows(whole, table)
            #expect(!wanted.isEmpty)
            #expect(try Self.rows(killed, table) == wanted, "\(table), killed after \(limits) lines")
        }
        let checkpoint = FilePath(killed.appendingPathComponent(".tidemill/p").path)
        #expect(try verifyCheckpoint(checkpoint, files: POSIXFileSystem()).problems.map(\.description) == [])
    }
}
