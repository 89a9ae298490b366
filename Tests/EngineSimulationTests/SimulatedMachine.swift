import TideSimulation

import TideConnectors
@testable import Tidemill

/// A computer in memory with one pipeline on it.
final class SimulatedMachine {
    let disk: SimulatedFileSystem
    let clock = SimulatedClock()
    let seed: UInt64
    let workers: Int
    var settings: [String: String] = [:]
    var log = EpochLog.Options()
    static let root = FilePath("/p")

    init(_ disk: SimulatedFileSystem = SimulatedFileSystem(), seed: UInt64, workers: Int = 2) {
        self.disk = disk
        self.seed = seed
        self.workers = workers
        clock.advance(micros: Int64(seed % 1000) * 1_000_000)
    }

    func write(_ name: String, _ text: String) throws {
        let path = Self.root.pushing(FilePath(name))
        try disk.createDirectories(path.removingLastComponent())
        try disk.createDurably(path, Array(text.utf8))
        try disk.syncDirectory(path.removingLastComponent())
    }

    func pipeline(_ sql: String) throws(TidemillError) -> Pipeline {
        let environment = Environment(
            files: disk, clock: clock, random: SimulatedRandom(seed: seed),
            executor: SimulatedExecutor(seed: seed, workers: workers))
        let project = Project(
            name: "p", directory: Self.root, scripts: [SourceText(name: "p.sql", text: sql)], configuration: [:],
            database: "default", storage: Self.root.appending("checkpoint"), notes: [])
        return try Pipeline(project, settings: settings, environment: environment)
    }

    func run(_ sql: String, report: @escaping (EngineEvent) -> Void = { _ in }) throws(TidemillError) {
        let pipeline = try pipeline(sql)
        try pipeline.validate()
        var options = PipelineRunner.Options(storage: pipeline.storage)
        options.log = log
        let runner = try PipelineRunner(
            pipeline.definition, connectors: pipeline.connectors, environment: pipeline.environment, options: options,
            report: report)
        try runner.run()
    }

    /// Stored rows, in no order.
    func rows(_ sql: String, _ table: String) throws(TidemillError) -> [[Scalar]] {
        let pipeline = try pipeline(sql)
        guard let dataset = pipeline.definition.dataset(named: table) else { return [] }
        let reader = try TableReader(path: pipeline.location(of: dataset), environment: pipeline.environment)
        var rows: [[Scalar]] = []
        for batch in try reader.batches(columns: Array(reader.schema.fields.indices)) {
            for row in 0..<batch.count { rows.append(batch.columns.map { $0.scalar(row) }) }
        }
        return rows
    }

    func names(_ directory: FilePath) throws(TidemillError) -> [String] {
        try disk.entries(of: directory).map(\.name).sorted()
    }
}
