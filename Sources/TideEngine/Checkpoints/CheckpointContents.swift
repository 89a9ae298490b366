/// What a checkpoint holds, in the pipeline's words. Read without the lock.
public struct CheckpointContents: Sendable {
    /// What one part of the pipeline keeps: state of an operator, files a source has taken, changes of a table.
    public struct Holding: Sendable, Hashable {
        /// `daily.aggregate`, `source sales`, `table daily`.
        public var name: String
        public var kind: BlockKind
        public var runs = 0
        /// Rows in runs, tombstones and replaced rows included.
        public var runRows: Int64 = 0
        public var runBytes: Int64 = 0
        /// Rows and bytes in the log that runs do not hold yet.
        public var logRows: Int64 = 0
        public var logBytes: Int64 = 0
    }
    public struct Source: Sendable, Hashable {
        public var name: String
        /// JSON text of the source.
        public var offset: String
    }
    public struct Retained: Sendable, Hashable {
        public var epoch: Epoch
        public var savepoint: String?
        /// A rollback went back behind it: its number may stand for another epoch by now.
        public var isFromBeforeRollback: Bool
        public var clockMicros: Int64?
        /// Bytes that only it keeps alive, in the checkpoint and beside the tables.
        public var bytes: Int64
        /// Tables whose version is not complete any more.
        public var missing: [String]
    }

    public var pipeline: String
    public var generation: UInt64
    public var token: UInt64
    public var settings: [String: String]
    public var lastCommitted: Epoch?
    public var publishedThrough: Epoch?
    public var snapshotEpoch: Epoch?
    /// Recorded time of the last epoch, microseconds since 1970-01-01T00:00:00Z.
    public var clockMicros: Int64?
    public var segments: [RecoveredCheckpoint.Segment]
    public var runs: [ManifestRun]
    public var pinnedRuns: [ManifestRun]
    public var holdings: [Holding]
    public var sources: [Source]
    public var watermarks: [EpochRecord.Watermark]
    public var counters: [EpochRecord.Counter]
    /// Newest first.
    public var retained: [Retained]
    public var tornTail: String?
    /// A rollback that the next start finishes.
    public var pendingRollback: Epoch?

    public var bytes: Int64 {
        segments.reduce(0) { $0 + $1.bytes } + (runs + pinnedRuns).reduce(0) { $0 + $1.bytes }
    }

    public init(
        _ recovered: RecoveredCheckpoint, definition: PipelineDefinition, connectors: any Connectors,
        retention: RetentionPolicy
    ) throws(TidemillError) {
        let manifest = recovered.manifest
        let latest = recovered.latest
        pipeline = manifest.pipeline
        generation = manifest.generation
        token = manifest.fencingToken
        settings = manifest.settings
        lastCommitted = recovered.lastCommitted
        publishedThrough = recovered.publishedThrough
        snapshotEpoch = manifest.snapshotEpoch
        clockMicros = latest?.clockMicros
        segments = try recovered.segments()
        runs = manifest.runs
        pinnedRuns = recovered.pinnedRuns
        holdings = try CheckpointContents.holdings(recovered)
        sources = (latest?.sources ?? []).map { Source(name: $0.id, offset: String(decoding: $0.bytes, as: UTF8.self)) }
        watermarks = latest?.watermarks ?? []
        counters = latest?.counters ?? []
        tornTail = recovered.tornTail
        pendingRollback = manifest.rollback.flatMap { $0.isDecided ? $0.epoch : nil }
        retained = try CheckpointContents.retained(recovered, definition, connectors, retention)
    }

    private static func holdings(_ recovered: RecoveredCheckpoint) throws(TidemillError) -> [Holding] {
        let names = try PlanRegistry(of: recovered).ownerNames
        var found: [String: Holding] = [:]
        func add(_ owner: UInt32, _ kind: BlockKind, _ body: (inout Holding) -> Void) {
            // What no part of the pipeline owns any more goes with the next snapshot.
            let name = names[owner] ?? "no longer needed"
            let key = "\(kind.rawValue) \(name)"
            var holding = found[key] ?? Holding(name: name, kind: kind)
            body(&holding)
            found[key] = holding
        }
        for run in recovered.manifest.runs {
            add(run.owner, run.kind) { holding in
                holding.runs += 1
                holding.runRows += run.rows
                holding.runBytes += run.bytes
            }
        }
        for epoch in recovered.afterSnapshot {
            for block in epoch.blocks {
                add(block.owner, block.kind) { holding in
                    holding.logRows += Int64(block.rows)
                    holding.logBytes += Int64(block.length)
                }
            }
        }
        return found.values.sorted { ($0.kind.rawValue, $0.name) < ($1.kind.rawValue, $1.name) }
    }

    private static func retained(
        _ recovered: RecoveredCheckpoint, _ definition: PipelineDefinition, _ connectors: any Connectors,
        _ retention: RetentionPolicy
    ) throws(TidemillError) -> [Retained] {
        let kept = try retention.pruned(recovered.retained) { (entry) throws(TidemillError) in
            try held(entry, recovered, definition, connectors)
        }
        var all: [Retained] = []
        // One line for an epoch that is both.
        let named = Set(kept.filter { $0.savepoint != nil }.map(\.version))
        let shown = kept.filter { $0.savepoint != nil || !named.contains($0.version) }
        let current = recovered.manifest.generation
        func rank(_ entry: RetainedEpoch) -> (Epoch, Int, String) {
            (entry.epoch, entry.generation == current ? 1 : 0, entry.savepoint ?? "")
        }
        for entry in shown.sorted(by: { rank($0) > rank($1) }) {
            let past = try recovered.at(entry)
            let tables = try PlanRegistry(of: past).tablesInUse
            var missing: [String] = []
            for dataset in definition.datasets where tables.contains(dataset.name.lowercased()) {
                if try connectors.missingFiles(dataset, of: entry.version) != [] { missing.append(dataset.name) }
            }
            all.append(
                Retained(
                    epoch: entry.epoch, savepoint: entry.savepoint,
                    isFromBeforeRollback: entry.generation != recovered.manifest.generation,
                    clockMicros: past.latest?.clockMicros,
                    bytes: try held(entry, recovered, definition, connectors), missing: missing))
        }
        return all
    }

    private static func held(
        _ entry: RetainedEpoch, _ recovered: RecoveredCheckpoint, _ definition: PipelineDefinition,
        _ connectors: any Connectors
    ) throws(TidemillError) -> Int64 {
        let own = Set(recovered.manifest.runs)
        var bytes: Int64 = 0
        for run in entry.base?.runs ?? [] where !own.contains(run) { bytes += run.bytes }
        let pinned = entry.base?.segments ?? []
        if !pinned.isEmpty {
            for segment in try recovered.segments() where segment.isPinned && pinned.contains(segment.number) {
                bytes += segment.bytes
            }
        }
        for dataset in definition.datasets { bytes += try connectors.bytesHeld(dataset, by: entry.version) }
        return bytes
    }
}
