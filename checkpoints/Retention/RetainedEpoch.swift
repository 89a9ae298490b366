import TideColumns

/// An epoch that the checkpoint can be taken back to, together with the tables.
///
/// Costs nothing while the runs and the log of the checkpoint itself still lead to it; once they have moved past it,
/// `base` pins what does.
public struct RetainedEpoch: Sendable, Hashable {
    public var epoch: Epoch
    /// nil: kept because it is among the last published ones.
    public var savepoint: String?
    /// Of the log that committed it; tables repeat it in their markers.
    public var generation: UInt64
    public var base: RetainedBase?

    public init(epoch: Epoch, savepoint: String? = nil, generation: UInt64, base: RetainedBase? = nil) {
        self.epoch = epoch
        self.savepoint = savepoint
        self.generation = generation
        self.base = base
    }
}

/// Runs and log segments that hold the state of a retained epoch.
public struct RetainedBase: Sendable, Hashable {
    /// The record of the epoch whose state the runs hold; nil: there were no runs yet.
    public var snapshot: EpochRecord?
    /// Oldest first.
    public var runs: [ManifestRun]
    /// Segments with the epochs after the snapshot up to the retained one, ascending.
    public var segments: [UInt64]

    public init(snapshot: EpochRecord?, runs: [ManifestRun], segments: [UInt64]) {
        self.snapshot = snapshot
        self.runs = runs
        self.segments = segments
    }
}

/// How far back one can go without a savepoint.
public struct RetentionPolicy: Sendable, Hashable {
    /// `tidemill.retain.epochs`: so many of the last published epochs; 0: savepoints alone.
    public var epochs: Int = 2
    /// `tidemill.retain.bytes`: older ones too while what is held for them alone is no more than this.
    public var bytes: Int64 = 0
    public init() {}
    /// Nothing but savepoints.
    public static let none = {
        var policy = RetentionPolicy()
        policy.epochs = 0
        return policy
    }()

    /// The entries that stay; savepoints always do. `held` says how many bytes an entry alone keeps alive.
    public func pruned(
        _ entries: [RetainedEpoch], held: (RetainedEpoch) throws(TidemillError) -> Int64
    ) throws(TidemillError) -> [RetainedEpoch] {
        let published = entries.filter { $0.savepoint == nil }.sorted { $0.epoch > $1.epoch }
        var stays = Set(published.prefix(epochs).map(\.epoch))
        var left = bytes
        for entry in published.dropFirst(epochs) where left > 0 {
            left -= try held(entry)
            if left < 0 { break }
            stays.insert(entry.epoch)
        }
        return entries.filter { $0.savepoint != nil || stays.contains($0.epoch) }
    }
}

extension RetainedEpoch {
    func encode(into writer: inout ByteWriter) {
        writer.i64(epoch.rawValue)
        writer.string(savepoint ?? "")
        writer.u64(generation)
        writer.bool(base != nil)
        guard let base else { return }
        writer.bool(base.snapshot != nil)
        if let snapshot = base.snapshot {
            var record = ByteWriter()
            snapshot.encode(into: &record)
            writer.blob(record.bytes)
        }
        writer.varint(UInt64(base.runs.count))
        for run in base.runs { run.encode(into: &writer) }
        writer.varint(UInt64(base.segments.count))
        for segment in base.segments { writer.u64(segment) }
    }

    static func decode(from reader: inout ByteReader, file: String) throws(TidemillError) -> RetainedEpoch {
        let epoch = Epoch(try reader.i64())
        let name = try reader.string()
        var entry = RetainedEpoch(
            epoch: epoch, savepoint: name.isEmpty ? nil : name, generation: try reader.u64())
        guard try reader.bool() else { return entry }
        var snapshot: EpochRecord?
        if try reader.bool() {
            var record = ByteReader(try reader.blob(), file: file)
            snapshot = try EpochRecord.decode(from: &record, file: file)
            try record.expectEnd()
        }
        var runs: [ManifestRun] = []
        for _ in 0..<(try reader.count(elementBytesMin: 35)) { runs.append(try ManifestRun.decode(from: &reader)) }
        var segments: [UInt64] = []
        for _ in 0..<(try reader.count(elementBytesMin: 8)) { segments.append(try reader.u64()) }
        entry.base = RetainedBase(snapshot: snapshot, runs: runs, segments: segments)
        return entry
    }
}

extension Manifest {
    /// Segments below `firstSegment` that retained epochs need.
    var pinnedSegments: Set<UInt64> {
        retained.reduce(into: []) { $0.formUnion($1.base?.segments ?? []) }
    }
    /// Every run that must stay: of the checkpoint itself, then of retained epochs, each once.
    var allRuns: [ManifestRun] {
        var seen = Set<ManifestRun>()
        return (runs + retained.flatMap { $0.base?.runs ?? [] }).filter { seen.insert($0).inserted }
    }
}

extension Manifest {
    /// The log a segment belongs to: one that only retained epochs need may be from before a rollback.
    func generation(ofSegment number: UInt64) -> UInt64 {
        if number >= firstSegment { return generation }
        return retained.first { $0.base?.segments.contains(number) ?? false }?.generation ?? generation
    }
}
