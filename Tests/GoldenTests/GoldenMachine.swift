import Foundation
import TideSimulation

import TideConnectors
@testable import Tidemill

/// The computer a golden stream runs on: its disk, its clock, and the pipeline's text.
final class GoldenMachine {
    let way: GoldenWay
    private(set) var files: any FileSystem
    private let root: FilePath
    private let clock = SimulatedClock()
    private var runs: UInt64 = 0
    var sql: String
    var refreshed: Set<String> = []

    /// What a run said.
    struct Outcome {
        var rowsRead = 0
        var badRows = 0
        /// The watermark that each flow's last epoch ran with, as progress shows it.
        var watermarks: [String: Int64] = [:]
        var lateRows = 0
        /// Of all operators together: rows in state after the last epoch; rows updated, and late ones dropped, as Spark
        /// counts them, in the whole run.
        var stateRows = 0
        var updatedRows = 0
        var droppedRows = 0
        var error: TidemillError?
    }

    init(_ way: GoldenWay, sql: String) throws {
        self.way = way
        self.sql = sql
        if way.isOnDisk {
            files = POSIXFileSystem()
            let directory = FileManager.default.temporaryDirectory.appendingPathComponent("tide-\(UUID().uuidString)")
            root = FilePath(directory.path)
        } else {
            files = SimulatedFileSystem()
            root = "/p"
        }
        try files.createDirectories(root)
        clock.advance(micros: 1)
    }

    deinit { if way.isOnDisk { try? files.removeTree(root) } }

    // MARK: Input

    func apply(_ step: GoldenFile.Step) throws {
        switch step {
        case .file(let name, let bytes):
            let path = root.pushing(FilePath(name))
            try files.createDirectories(path.removingLastComponent())
            if try files.exists(path) { try files.remove(path) }
            try files.createDurably(path, bytes)
            try files.syncDirectory(path.removingLastComponent())
        case .directory(let name): try files.createDirectories(root.pushing(FilePath(name)))
        case .remove(let name):
            let path = root.pushing(FilePath(name))
            try files.remove(path)
            try files.syncDirectory(path.removingLastComponent())
        case .sql(let text): sql = text
        case .refresh(let table): refreshed.insert(table)
        case .crash: crash(seed: runs)
        }
    }

    private func crash(seed: UInt64) {
        guard let simulated = files as? SimulatedFileSystem else { return }
        files = simulated.crashed(seed: seed)
    }

    // MARK: Running

    func run() throws -> Outcome {
        defer {
            runs += 1
            refreshed = []
        }
        if way.crashes {
            var generator = SeededGenerator(seed: runs &+ 77)
            for _ in 0..<3 {
                guard let simulated = files as? SimulatedFileSystem else { break }
                simulated.cutPower(afterCalls: Int.random(in: 0..<60, using: &generator))
                _ = try once()
                crash(seed: generator.next())
            }
        }
        return try once()
    }

    private func once() throws -> Outcome {
        var outcome = Outcome()
        do throws(TidemillError) {
            let pipeline = try pipeline()
            let runner = try runner(pipeline) { event in
                guard case .epoch(let progress) = event else { return }
                outcome.rowsRead += progress.inputRows
                outcome.badRows += progress.badRows
                outcome.stateRows = 0
                for state in progress.flows.flatMap(\.stateOperators) {
                    outcome.stateRows += state.rowsTotal
                    outcome.updatedRows += state.rowsUpdated
                    outcome.droppedRows += state.counts?.lateKeys ?? 0
                }
                for flow in progress.flows {
                    if let eventTime = flow.eventTime { outcome.watermarks[flow.name] = eventTime.watermarkMillis }
                    outcome.lateRows += flow.stateOperators.reduce(0) { $0 + ($1.counts?.lateRows ?? 0) }
                }
            }
            try runner.run()
        } catch {
            outcome.error = error
        }
        clock.advance(micros: 1_000_000)
        return outcome
    }

    private func pipeline() throws(TidemillError) -> Pipeline {
        let workers = way.workers[Int(runs) % way.workers.count]
        let environment = Environment(
            files: files, clock: clock, random: SimulatedRandom(seed: 11 &+ clock.elapsed()),
            executor: way.isOnDisk ? ThreadPool(workers: workers) : SimulatedExecutor(seed: runs, workers: workers))
        let project = Project(
            name: "golden", directory: root, scripts: [SourceText(name: "golden.tide", text: sql)], configuration: [:],
            database: "default", storage: root.appending("checkpoint"), notes: [])
        return try Pipeline(project, settings: way.settings, environment: environment)
    }

    private func runner(
        _ pipeline: Pipeline, _ report: @escaping (EngineEvent) -> Void
    ) throws(TidemillError) -> PipelineRunner {
        try pipeline.validate()
        var definition = pipeline.definition
        if way.course == .fileByFile {
            for name in definition.relations.keys { definition.relations[name]?.options["maxfilespertrigger"] = "1" }
        }
        var options = PipelineRunner.Options(storage: pipeline.storage)
        options.refreshed = refreshed
        return try PipelineRunner(
            definition, connectors: pipeline.connectors, environment: pipeline.environment, options: options,
            report: report)
    }

    // MARK: Results

    func tables() throws -> [String] { try pipeline().definition.datasets.map(\.name) }

    /// The stored rows as text, sorted.
    func table(_ name: String) throws -> GoldenFile.Expected {
        let pipeline = try pipeline()
        guard let dataset = pipeline.definition.dataset(named: name) else {
            return GoldenFile.Expected(title: "table \(name) (unknown)")
        }
        if dataset.format != "parquet" {
            // As its files have it.
            let lines = try textLines(pipeline.location(of: dataset), suffix: ".\(dataset.format)")
            return GoldenFile.Expected(title: "table \(name) (\(dataset.format))", lines: lines)
        }
        let reader = try TableReader(path: pipeline.location(of: dataset), environment: pipeline.environment)
        var lines: [String] = []
        for batch in try reader.batches(columns: Array(reader.schema.fields.indices)) {
            let columns = batch.columns.map { $0.formatted() }
            for row in 0..<batch.count {
                lines.append(columns.map { GoldenMachine.text($0, row) }.joined(separator: "|"))
            }
        }
        let columns = reader.schema.fields.map { "\($0.name) \($0.type.sql)" }
        return GoldenFile.Expected(
            title: "table \(name) (\(columns.joined(separator: ", ")))", lines: lines.sorted())
    }

    /// Lines of a sink's files.
    func copy(_ name: String) throws -> GoldenFile.Expected {
        let path = root.pushing(FilePath(name))
        return GoldenFile.Expected(
            title: "copy \(name)", lines: try textLines(path, suffix: ".csv") + textLines(path, suffix: ".json"))
    }

    private func textLines(_ path: FilePath, suffix: String) throws -> [String] {
        var lines: [String] = []
        for entry in try files.entries(of: path) where entry.name.hasSuffix(suffix) && !entry.name.hasPrefix(".") {
            let text = String(decoding: try files.contents(of: path.appending(entry.name)), as: UTF8.self)
            lines += text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
        }
        return lines.sorted()
    }

    /// The report with the machine's folder taken out.
    func report(_ error: TidemillError) -> GoldenFile.Expected {
        let text = error.report().replacingOccurrences(of: root.string + "/", with: "")
        return GoldenFile.Expected(
            title: "error", lines: text.split(separator: "\n").map(String.init))
    }

    func checkpointProblems() throws -> [String] {
        try verifyCheckpoint(root.appending("checkpoint"), files: files).problems.map(\.description)
    }

    static func text(_ column: Column, _ row: Int) -> String {
        guard let value = column.scalar(row).string else { return "NULL" }
        if value.isEmpty { return "''" }
        return value.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "|", with: "\\p")
            .replacingOccurrences(of: "\n", with: "\\n").replacingOccurrences(of: "\r", with: "\\r")
    }
}
