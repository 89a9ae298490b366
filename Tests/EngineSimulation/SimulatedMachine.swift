import TideSimulation

import TideConnectors
import Tidemill

/// A computer in memory with one pipeline on it.
package final class SimulatedMachine {
    package let disk: SimulatedFileSystem
    package let clock: SimulatedClock
    package let environment: Environment
    package let seed: UInt64
    package var settings: [String: String] = [:]
    package var log = EpochLog.Options()
    package var tableOptions = TableOptions()
    package var maintenance = RunMaintenance.Options()
    package var refreshed: Set<String> = []
    package var epochsMax: Int?
    package static let root = FilePath("/p")

    package init(
        _ disk: SimulatedFileSystem = SimulatedFileSystem(), seed: UInt64, workers: Int = 2, clockMicros: Int64? = nil
    ) {
        self.disk = disk
        self.seed = seed
        clock = SimulatedClock(micros: clockMicros ?? 1_700_000_000_000_000 + Int64(seed % 1000) * 1_000_000)
        environment = Environment(
            files: disk, clock: clock, random: SimulatedRandom(seed: seed),
            executor: SimulatedExecutor(seed: seed, workers: workers))
    }

    package func write(_ name: String, _ text: String) throws {
        let path = Self.root.pushing(FilePath(name))
        try disk.createDirectories(path.removingLastComponent())
        try disk.createDurably(path, Array(text.utf8))
        try disk.syncDirectory(path.removingLastComponent())
    }

    package func pipeline(_ sql: String) throws(TidemillError) -> Pipeline {
        let project = Project(
            name: "p", directory: Self.root, scripts: [SourceText(name: "p.sql", text: sql)], configuration: [:],
            database: "default", storage: Self.root.appending("checkpoint"), notes: [])
        return try Pipeline(project, settings: settings, environment: environment)
    }

    package func run(_ sql: String, report: @escaping (EngineEvent) -> Void = { _ in }) throws(TidemillError) {
        let pipeline = try pipeline(sql)
        try pipeline.validate()
        var options = PipelineRunner.Options(storage: pipeline.storage)
        options.log = log
        options.maintenance = maintenance
        options.refreshed = refreshed
        options.epochsMax = epochsMax
        var connectors = pipeline.connectors
        connectors.tableOptions = tableOptions
        let runner = try PipelineRunner(
            pipeline.definition, connectors: connectors, environment: environment, options: options, report: report)
        try runner.run()
    }

    /// Stored rows, in no order.
    package func rows(_ sql: String, _ table: String) throws(TidemillError) -> [[Scalar]] {
        let pipeline = try pipeline(sql)
        guard let dataset = pipeline.definition.dataset(named: table) else { return [] }
        let reader = try TableReader(path: pipeline.location(of: dataset), environment: environment)
        var rows: [[Scalar]] = []
        for batch in try reader.batches(columns: Array(reader.schema.fields.indices)) {
            for row in 0..<batch.count { rows.append(batch.columns.map { $0.scalar(row) }) }
        }
        return rows
    }

    package func names(_ directory: FilePath) throws(TidemillError) -> [String] {
        try disk.entries(of: directory).map(\.name).sorted()
    }
}
