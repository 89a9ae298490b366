import TideColumns

// Which epochs can be gone back to. The last published ones need no entry of their own on the disk while the log shows
// them (every trailer says what was published when it was written); the manifest lists them when it is replaced anyway.

extension CheckpointStore {
    /// Epochs that can be gone back to, oldest first.
    public var retained: [RetainedEpoch] { manifest.retained }

    /// What tables must keep once `epoch` is published.
    public func retained(afterPublishing epoch: Epoch) throws(TidemillError) -> [RetainedEpoch] {
        try retention.pruned(
            CheckpointStore.noting(epoch, manifest.retained, generation: manifest.generation), held: bytesHeld)
    }

    /// `epoch` was published: it can be gone back to, and older ones may no longer.
    func notePublished(_ epoch: Epoch) throws(TidemillError) {
        manifest.retained = try retained(afterPublishing: epoch)
    }

    static func noting(_ epoch: Epoch, _ entries: [RetainedEpoch], generation: UInt64) -> [RetainedEpoch] {
        let isKnown = entries.contains { $0.epoch == epoch && $0.savepoint == nil && $0.generation == generation }
        if isKnown { return entries }
        return entries + [RetainedEpoch(epoch: epoch, generation: generation)]
    }

    /// The entries of a start: those of the manifest, and what the log says was published since.
    static func found(
        _ scan: CheckpointScan, policy: RetentionPolicy
    ) throws(TidemillError) -> [RetainedEpoch] {
        let manifest = scan.manifest
        var entries = manifest.retained
        for epoch in scan.publications where epoch >= manifest.snapshotEpoch ?? epoch {
            entries = noting(epoch, entries, generation: manifest.generation)
        }
        var plain = policy
        plain.bytes = .max
        if policy.bytes == 0 { plain.bytes = 0 }
        return try plain.pruned(entries) { _ in 0 }
    }

    /// Bytes that only this entry keeps alive: its pinned runs and segments, and its versions of tables.
    private func bytesHeld(_ entry: RetainedEpoch) throws(TidemillError) -> Int64 {
        var bytes = try tableBytesHeld(entry)
        guard let base = entry.base else { return bytes }
        let own = Set(manifest.runs)
        for run in base.runs where !own.contains(run) { bytes += run.bytes }
        for number in base.segments where number < manifest.firstSegment {
            bytes += try files.status(of: blocks.path(number))?.size ?? 0
        }
        return bytes
    }

    /// The entries as they must be when `next` replaces the manifest: one that its runs have moved past gets what led
    /// to it until now.
    func bound(_ entries: [RetainedEpoch], to next: Manifest) -> [RetainedEpoch] {
        entries.map { entry in
            guard entry.base == nil, let snapshot = next.snapshotEpoch, snapshot > entry.epoch else { return entry }
            var bound = entry
            bound.base = currentBase(of: entry.epoch)
            return bound
        }
    }

    /// What leads to an epoch now.
    func currentBase(of epoch: Epoch) -> RetainedBase {
        let first = (manifest.snapshotEpoch?.rawValue ?? -1) + 1
        let segments = first <= epoch.rawValue ? log.segments(from: Epoch(first), through: epoch) : []
        return RetainedBase(snapshot: manifest.snapshot, runs: manifest.runs, segments: segments)
    }

    /// Files that the manifest `old` needed and `next` does not, but for the log's own segments.
    static func released(by old: Manifest, for next: Manifest, _ directory: FilePath) -> [FilePath] {
        let segments = old.pinnedSegments.subtracting(next.pinnedSegments).filter { $0 < old.firstSegment }
        let kept = Set(next.allRuns)
        return segments.sorted().map { CheckpointScan.log(directory).appending(LogFormat.name($0)) }
            + old.allRuns.filter { !kept.contains($0) }.map { CheckpointScan.runs(directory).appending($0.fileName) }
    }

    /// Generations that markers of tables may have.
    public var usedGenerations: Set<UInt64> {
        Set(manifest.retained.map(\.generation) + manifest.earlierGenerations + [manifest.generation])
    }

    // MARK: Savepoints

    /// Retains the last published epoch until the savepoint is dropped.
    /// - Throws: `.user` if the name is taken or no name, or nothing was published yet.
    public func createSavepoint(_ name: String) throws(TidemillError) -> RetainedEpoch {
        let isName = !name.isEmpty && name.utf8.count <= 64 && name.utf8.allSatisfy(CheckpointStore.mayStandInName)
        guard isName else {
            throw TidemillError(
                .user, "TIDEMILL_SAVEPOINT_NAME", "not a name for a savepoint: '\(name)'",
                hint: "up to 64 letters, digits, dots, dashes and underscores")
        }
        guard !manifest.retained.contains(where: { $0.savepoint == name }) else {
            throw TidemillError(
                .user, "TIDEMILL_SAVEPOINT_EXISTS", "there is a savepoint of this name: \(name)",
                hint: "drop it first: tidemill checkpoint savepoint --drop \(name)")
        }
        guard let published = publishedThrough,
            var entry = manifest.retained.last(where: { $0.savepoint == nil && $0.epoch == published })
        else {
            throw TidemillError(
                .user, "TIDEMILL_NOTHING_PUBLISHED", "no epoch was published yet", hint: "run the pipeline first")
        }
        entry.savepoint = name
        var next = manifest
        next.retained.append(entry)
        try replace(next)
        return entry
    }

    /// - Throws: `.user` if there is no such savepoint.
    public func dropSavepoint(_ name: String) throws(TidemillError) {
        var next = manifest
        next.retained.removeAll { $0.savepoint == name }
        guard next.retained.count < manifest.retained.count else {
            let names = manifest.retained.compactMap(\.savepoint)
            throw TidemillError(
                .user, "TIDEMILL_SAVEPOINT_NOT_FOUND", "there is no savepoint of this name: \(name)",
                hint: names.isEmpty ? "there are none" : "there are: \(names.joined(separator: ", "))")
        }
        try replace(next)
    }

    private static func mayStandInName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
