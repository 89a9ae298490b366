import Foundation
import TideConnectors
import TideEngineSimulation
import TideSimulation
import Testing

@testable import Tidemill

/// A whole project as an earlier version left it, after a kill behind a commit: input, checkpoint and tables, in
/// Tests/Fixtures. It must open for ever, and go on as if nothing had been. A new folder is written by
/// `TIDEMILL_WRITE_FIXTURE=checkpoint-N`, whenever a format gets a new version; the old ones stay.
@Suite struct ReleasedCheckpointTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures")
    static let warehouse = SimulatedMachine.root.appending("spark-warehouse")

    static let sql = """
        CREATE TABLE sales (id INT, customer STRING, amount DECIMAL(10,2)) USING csv
          OPTIONS (path 'in/sales', header 'true', maxFilesPerTrigger '1');
        CREATE TABLE cities (customer STRING, city STRING) USING csv OPTIONS (path 'in/cities', header 'true');
        CREATE TABLE clicks (ts TIMESTAMP, customer STRING) USING csv
          OPTIONS (path 'in/clicks', header 'true', maxFilesPerTrigger '1');
        CREATE TABLE changes (k STRING, v INT, op STRING, n BIGINT) USING csv
          OPTIONS (path 'in/changes', header 'true', maxFilesPerTrigger '1');
        CREATE STREAMING TABLE big AS SELECT * FROM STREAM sales WHERE amount >= 10;
        CREATE MATERIALIZED VIEW totals AS
          SELECT customer, count(*) AS n, sum(amount) AS amount, max(amount) AS most FROM sales GROUP BY customer;
        CREATE MATERIALIZED VIEW by_city AS
          SELECT c.city, sum(t.amount) AS amount, count(DISTINCT t.customer) AS customers
          FROM totals t LEFT JOIN cities c ON t.customer = c.customer GROUP BY c.city;
        CREATE MATERIALIZED VIEW ranked AS
          SELECT id, customer, row_number() OVER (PARTITION BY customer ORDER BY amount DESC, id) AS place FROM sales
          QUALIFY place <= 2;
        CREATE MATERIALIZED VIEW listed USING json AS SELECT customer, n FROM totals WHERE n > 1;
        CREATE STREAMING TABLE per_minute AS
          SELECT window.start AS start, customer, count(*) AS n
          FROM STREAM clicks WATERMARK ts DELAY OF INTERVAL 10 SECONDS AS clicks
          GROUP BY window(ts, '1 minute'), customer;
        CREATE STREAMING TABLE latest;
        CREATE FLOW latest_changes AS AUTO CDC INTO latest FROM STREAM(changes)
          KEYS (k) APPLY AS DELETE WHEN op = 'D' SEQUENCE BY n COLUMNS * EXCEPT (op, n) STORED AS SCD TYPE 1;
        """
    static let tables = ["big", "totals", "by_city", "ranked", "per_minute", "latest"]

    /// Input of a step; the content follows from the number. No row is late.
    static func input(_ step: Int) -> [(path: String, text: String)] {
        let customer = { (i: Int) in "c\((step * 3 + i) % 5)" }
        let rows = 0..<6
        let minute = { (i: Int) in "2024-05-01 10:0\(step):\(i * 9 < 10 ? "0" : "")\(i * 9)" }
        return [
            (
                "in/sales/\(step).csv",
                ["id,customer,amount"]
                    + rows.map {
                        "\(step * 10 + $0),\(customer($0)),\((step * 7 + $0 * 5) % 30).\($0)0"
                    }
            ),
            ("in/clicks/\(step).csv", ["ts,customer"] + rows.map { "\(minute($0)),\(customer($0))" }),
            (
                "in/changes/\(step).csv",
                ["k,v,op,n"]
                    + rows.map {
                        "k\($0 % 4),\(step * $0),\($0 == step % 4 ? "D" : "U"),\(step * 10 + $0)"
                    }
            ),
        ].map { ($0.0, $0.1.joined(separator: "\n") + "\n") }
    }
    static let cities = "customer,city\nc0,Oslo\nc1,Bergen\nc2,Oslo\n"

    static func place(_ steps: ClosedRange<Int>, on disk: SimulatedFileSystem) throws {
        let root = SimulatedMachine.root
        try disk.createDirectories(root.pushing("in/cities"))
        disk.place(root.pushing("in/cities/1.csv"), Array(cities.utf8), modifiedNanos: 1)
        for step in steps {
            for file in input(step) {
                let path = root.pushing(FilePath(file.path))
                try disk.createDirectories(path.removingLastComponent())
                disk.place(path, Array(file.text.utf8), modifiedNanos: Int64(step) * 1_000_000_000)
            }
        }
    }

    /// Everything that a reader sees.
    static func contents(_ machine: SimulatedMachine) throws -> [String] {
        var all: [String] = []
        for table in tables { all += try machine.rows(sql, table).map { "\(table) \($0)" }.sorted() }
        let listed = warehouse.appending("listed")
        for name in try machine.names(listed) where name.hasSuffix(".json") {
            let text = String(decoding: try machine.disk.contents(of: listed.appending(name)), as: UTF8.self)
            all += text.split(separator: "\n").map { "listed \($0)" }.sorted()
        }
        return all
    }

    /// Files below a folder, by their path on the simulated disk.
    static func files(of disk: SimulatedFileSystem, below path: FilePath) throws -> [FilePath] {
        try disk.entries(of: path).sorted { $0.name < $1.name }.flatMap { entry in
            let path = path.appending(entry.name)
            return entry.kind == .directory ? try files(of: disk, below: path) : [path]
        }
    }

    /// Folders of warehouses are kept out of the repository, so the tables have another name there.
    static func place(ofFixture relative: String) -> FilePath {
        let isTable = relative == "tables" || relative.hasPrefix("tables/")
        return isTable
            ? warehouse.pushing(FilePath(String(relative.dropFirst("tables/".count))))
            : SimulatedMachine.root.pushing(FilePath(relative))
    }

    static let fixtures: [String] = {
        let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
        return (names ?? []).filter { $0.hasPrefix("checkpoint-") }.sorted()
    }()

    @Test(arguments: fixtures) func itOpensAndGoesOn(_ name: String) throws {
        let disk = SimulatedFileSystem()
        try Self.place(1...4, on: disk)
        let fixture = Self.folder.appending(path: name)
        for relative in try FileManager.default.subpathsOfDirectory(atPath: fixture.path).sorted() {
            let file = fixture.appending(path: relative)
            let path = Self.place(ofFixture: relative)
            if try file.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == true {
                try disk.createDirectories(path)
            } else {
                try disk.createDirectories(path.removingLastComponent())
                disk.place(path, [UInt8](try Data(contentsOf: file)), modifiedNanos: 5_000_000_000)
            }
        }
        let machine = SimulatedMachine(disk.copied(), seed: 11, clockMicros: 1_800_000_000_000_000)
        let checkpoint = SimulatedMachine.root.appending("checkpoint")
        #expect(try verifyCheckpoint(checkpoint, files: machine.disk).damage == [])
        let retained = try machine.pipeline(Self.sql).checkpointContents().retained
        #expect(retained.contains { $0.savepoint == "first" && $0.missing.isEmpty })

        // The last epoch was committed and not published; two files more are there than it had read.
        var last: Epoch?
        var notes: [String] = []
        var taken = 0
        try machine.run(Self.sql) { event in
            switch event {
            case .recovered(let epoch, _, _): last = epoch
            case .note(let text): notes.append(text)
            case .epoch(let progress):
                taken += progress.flows.filter { $0.name == "big" }.reduce(0) { $0 + $1.inputRows }
            default: break
            }
        }
        #expect(last == Epoch(2))
        #expect(notes == [], "\(notes)")
        #expect(taken == 6)
        #expect(try Self.contents(machine) == Self.whole(1...4))
        #expect(try verifyCheckpoint(checkpoint, files: machine.disk).damage == [])
        _ = try machine.pipeline(Self.sql).retainedEpochs().rollBack(toSavepoint: "first")
        #expect(try Self.contents(machine) == Self.whole(1...1))
        try machine.run(Self.sql)
        #expect(try Self.contents(machine) == Self.whole(1...4))
    }

    /// What a new checkpoint makes of the input.
    static func whole(_ steps: ClosedRange<Int>) throws -> [String] {
        let disk = SimulatedFileSystem()
        try place(steps, on: disk)
        let machine = SimulatedMachine(disk.copied(), seed: 3)
        try machine.run(sql)
        return try contents(machine)
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment["TIDEMILL_WRITE_FIXTURE"] != nil))
    func write() throws {
        var disk = SimulatedFileSystem()
        func machine(_ seed: UInt64) -> SimulatedMachine {
            let machine = SimulatedMachine(
                disk, seed: seed, clockMicros: 1_700_000_000_000_000 + Int64(seed) * 1_000_000)
            machine.tableOptions.bloomRowsMin = 1
            return machine
        }
        // In one go, as the test places them: a file is known by its inode too.
        try Self.place(1...3, on: disk)
        disk = disk.copied()
        var one = machine(1)
        one.settings["tidemill.flushBytes"] = "0"
        one.epochsMax = 1
        try one.run(Self.sql)
        _ = try one.pipeline(Self.sql).retainedEpochs().createSavepoint("first")
        disk = one.disk.killed()
        one = machine(2)
        let killed = one.disk
        #expect(throws: TidemillError.self) {
            try one.run(Self.sql) { event in
                if case .epoch(let progress) = event, progress.epoch == Epoch(2) { killed.cutPower(afterCalls: 0) }
            }
        }
        disk = killed.killed()
        let name = try #require(ProcessInfo.processInfo.environment["TIDEMILL_WRITE_FIXTURE"])
        for part in ["checkpoint", "spark-warehouse"] {
            for path in try Self.files(of: disk, below: SimulatedMachine.root.appending(part)) {
                let relative = String(path.string.dropFirst(SimulatedMachine.root.string.count + 1))
                let stored = relative.replacing("spark-warehouse", with: "tables", maxReplacements: 1)
                let file = Self.folder.appending(path: name).appending(path: stored)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(disk.contents(of: path)).write(to: file)
            }
        }
    }
}
