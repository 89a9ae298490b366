import Synchronization
import Testing
import TideColumns
import TideSimulation

@testable import TideConnectors

/// A row of the tables under test: two key columns (one of them may be NULL, long strings included) and a value.
struct Row: Hashable, Comparable {
    var name: String?
    var number: Int64
    var value: Double

    static func < (a: Row, b: Row) -> Bool {
        (a.name ?? "", a.name == nil ? 0 : 1, a.number, a.value)
            < (b.name ?? "", b.name == nil ? 0 : 1, b.number, b.value)
    }
    struct Key: Hashable {
        var name: String?
        var number: Int64
    }
    var key: Key { Key(name: name, number: number) }
}

let rowSchema = Schema([
    Field("name", .string), Field("number", .bigint, nullable: false), Field("value", .double),
])

func batch(_ rows: [Row], weights: [Int64]? = nil) -> Batch {
    Batch(
        columns: [
            Column(.string, rows.map { $0.name.map { .string($0) } ?? .null(.string) }),
            Column(.bigint, rows.map { .bigint($0.number) }),
            Column(.double, rows.map { .double($0.value) }),
        ], count: rows.count, weights: weights.map { Column(.bigint, $0.map { .bigint($0) }) })
}

func rows(_ batches: [Batch]) -> [Row] {
    batches.flatMap { batch in
        (0..<batch.count).map { row in
            var value = 0.0
            if case .double(let v) = batch.columns[2].scalar(row).value { value = v }
            return Row(
                name: batch.columns[0].scalar(row).string, number: batch.columns[1].scalar(row).integer ?? .min,
                value: value)
        }
    }
}

struct Machine {
    var disk: SimulatedFileSystem
    let clock: SimulatedClock
    let environment: Environment
    /// How the tables under test are stored.
    var format = StoredFormat.parquet

    init(
        _ disk: SimulatedFileSystem = SimulatedFileSystem(), seed: UInt64 = 1, clock: SimulatedClock = SimulatedClock()
    ) {
        self.disk = disk
        self.clock = clock
        environment = Environment(
            files: disk, clock: clock, random: SimulatedRandom(seed: seed), executor: SimulatedExecutor(seed: seed))
    }

    func write(_ path: String, _ text: String) throws {
        let file = try disk.open(FilePath(path), .createNew)
        try file.write(Array(text.utf8), at: 0)
        try file.sync()
    }
    func names(_ path: String) throws -> [String] { try disk.entries(of: FilePath(path)).map(\.name).sorted() }

    /// What a reader of the table sees.
    func stored(_ path: String) throws -> [Row] {
        if format != .parquet {
            let reader = try TextTableReader(path: FilePath(path), format: format, environment: environment)
            var found: [Row] = []
            for file in reader.paths.indices {
                let split = try reader.open(file: file, columns: [0, 1, 2])
                while let batch = try split.next() { found += rows([batch]) }
                if split.report.badRows > 0 { Issue.record("bad rows in \(reader.paths[file])") }
            }
            return found
        }
        let reader = try TableReader(path: FilePath(path), environment: environment)
        return rows(try reader.batches(columns: [0, 1, 2]))
    }
    func epoch(_ path: String) throws -> Epoch? {
        if format != .parquet {
            return try TextTableReader(path: FilePath(path), format: format, environment: environment).epoch
        }
        return try TableReader(path: FilePath(path), environment: environment).epoch
    }
}

/// Small limits, so that few rows make many row groups, files and merges.
func smallOptions() -> TableOptions {
    var options = TableOptions()
    options.rowGroupRows = 32
    options.fileBytesTarget = 24 << 10
    options.inlineBytesMax = 2 << 10
    options.mergeFanIn = 4
    options.bloomRowsMin = 100
    return options
}

let identity = TableIdentity(table: "t", generation: 7)
