import Synchronization
import TideColumns

/// Numbers of run files, each given out once.
final class RunNumbers: Sendable {
    private let value: Atomic<UInt64>
    init(next: UInt64) { value = Atomic(next) }
    func take() -> UInt64 { value.wrappingAdd(1, ordering: .relaxed).oldValue }
    var next: UInt64 { value.load(ordering: .relaxed) }
}

/// One run of a snapshot to be: its rows, ordered by the hash in column 0, batch by batch until nil.
public struct SnapshotPart {
    public var owner: UInt32
    public var kind: BlockKind
    public var part: UInt16
    public var next: () throws(TidemillError) -> Batch?
    public init(owner: UInt32, kind: BlockKind, part: UInt16, next: @escaping () throws(TidemillError) -> Batch?) {
        self.owner = owner
        self.kind = kind
        self.part = part
        self.next = next
    }
}

/// Writes run files that nothing refers to yet. May be used from any thread, beside commits.
public struct SnapshotWriter: Sendable {
    let directory: FilePath
    let files: any FileSystem
    let numbers: RunNumbers

    /// A run whose bytes are durable; its name is when it is installed. nil if there are no rows.
    public func write(_ part: SnapshotPart, compression: BlockCompression = .lz4) throws(TidemillError)
        -> ManifestRun?
    {
        guard let first = try part.next() else { return nil }
        let types = first.columns.map(\.type)
        return try write(owner: part.owner, kind: part.kind, part: part.part, types: types, compression) {
            (writer) throws(TidemillError) in
            try writer.append(first)
            while let batch = try part.next() { try writer.append(batch) }
        }
    }

    /// The merge of runs, newest first, as one run.
    public func merge(_ runs: [RunReader], of owner: UInt32, kind: BlockKind, part: UInt16, rule: MergeRule)
        throws(TidemillError) -> ManifestRun?
    {
        guard let types = runs.first?.types else { return nil }
        return try write(owner: owner, kind: kind, part: part, types: types, .zstd(level: 1)) {
            (writer) throws(TidemillError) in try mergeRuns(runs, rule: rule, into: writer)
        }
    }

    private func write(
        owner: UInt32, kind: BlockKind, part: UInt16, types: [DataType], _ compression: BlockCompression,
        _ fill: (RunWriter) throws(TidemillError) -> Void
    ) throws(TidemillError) -> ManifestRun {
        let number = numbers.take()
        let path = directory.appending(RunFormat.name(number))
        let file = try files.open(path, .createNew)
        defer { file.close() }
        do throws(TidemillError) {
            let writer = try RunWriter(file: file, types: types, compression: compression)
            try fill(writer)
            let summary = try writer.finish()
            return ManifestRun(
                owner: owner, kind: kind, part: part, number: number, rows: summary.rows, bytes: summary.bytes,
                footerCRC: summary.footerCRC)
        } catch {
            try? files.remove(path)  // the next start removes it otherwise
            throw error
        }
    }
}

extension CheckpointStore {
    /// For runs that are written in the background and installed later.
    public func snapshotWriter() -> SnapshotWriter {
        SnapshotWriter(directory: CheckpointScan.runs(directory), files: files, numbers: numbers)
    }

    /// Writes all state as runs and makes them the snapshot: `record` is the epoch that they hold. Runs of the old
    /// snapshot for which `keeping` is true stay, as older runs below the new ones.
    public func writeSnapshot(
        _ record: EpochRecord, parts: [SnapshotPart], keeping: (ManifestRun) -> Bool = { _ in false }
    ) throws(TidemillError) {
        let writer = snapshotWriter()
        var runs: [ManifestRun] = []
        for part in parts {
            if let run = try writer.write(part) { runs.append(run) }
        }
        try install(record, runs: runs, keeping: keeping)
    }

    /// Makes runs that a `SnapshotWriter` wrote the snapshot of `record`'s epoch, then truncates the log and removes
    /// the runs that went out of use.
    public func install(_ record: EpochRecord, runs: [ManifestRun], keeping: (ManifestRun) -> Bool = { _ in false })
        throws(TidemillError)
    {
        guard let last = lastCommitted, record.epoch <= last, record.epoch >= manifest.snapshotEpoch ?? .zero else {
            throw .internal("a snapshot of epoch \(record.epoch), which is not between the last one and now")
        }
        var next = manifest
        next.snapshot = record
        next.runs = manifest.runs.filter(keeping) + runs
        try replace(next)
    }

    /// Puts a merged run (nil: nothing was left) in the place of the runs it was made from.
    public func replaceRuns(_ old: [ManifestRun], by merged: ManifestRun?) throws(TidemillError) {
        guard let place = manifest.runs.firstIndex(where: { old.contains($0) }),
            old.allSatisfy({ manifest.runs.contains($0) })
        else { throw .internal("runs were merged that are no longer in use") }
        var next = manifest
        if let merged { next.runs.insert(merged, at: place) }
        next.runs.removeAll { old.contains($0) }
        try replace(next)
    }

    /// Removes the log segments that neither the snapshot nor publishing needs any more.
    public func truncateLog() throws(TidemillError) { try replace(manifest) }

    /// The order that a crash may interrupt anywhere: names of the new runs durable; manifest replaced, durably; only
    /// then are segments and runs removed that the old manifest needed.
    func replace(_ wanted: Manifest) throws(TidemillError) {
        var next = wanted
        let covered = min(
            next.snapshotEpoch?.rawValue ?? -1, publishedThrough?.rawValue ?? -1,
            (pinnedFrom?.rawValue ?? .max) - 1)
        next.publishedThrough = publishedThrough
        next.nextRun = numbers.next
        next.retained = bound(wanted.retained, to: next)
        if covered >= 0 { next.firstSegment = try log.firstSegmentNeeded(from: Epoch(covered + 1)) }
        next.newestSegment = log.current
        guard next != written else { return }
        if next.runs != written.runs { try files.syncDirectory(CheckpointScan.runs(directory)) }
        let released = CheckpointStore.released(by: written, for: next, directory)
        try write(next)
        try log.removeSegments(below: next.firstSegment, pinned: next.pinnedSegments) { blocks.forget($0) }
        for path in released {
            if let number = path.lastComponent.flatMap({ LogFormat.number($0.string) }) { blocks.forget(number) }
            try files.remove(path)
        }
    }

    /// Replaces the manifest, unless another writer has done so since: after a pause that outlived the lock (a network
    /// file system, a restored machine) this process must not undo what its successor did.
    func write(_ next: Manifest) throws(TidemillError) {
        if let manifestFailure {
            throw TidemillError(
                .io, "TIDEMILL_CHECKPOINT_STOPPED", "the checkpoint stopped after an earlier error",
                hint: "start again: what was committed is read back from the disk", cause: manifestFailure)
        }
        do throws(TidemillError) {
            let found = try CheckpointScan.manifest(directory, files: files)
            guard found?.fencingToken == written.fencingToken, found?.generation == written.generation else {
                throw TidemillError(
                    .conflict, "TIDEMILL_CHECKPOINT_FENCED",
                    "another process has taken over this checkpoint: its token is "
                        + "\(found.map { String($0.fencingToken) } ?? "gone"), ours \(written.fencingToken)",
                    hint: "start again; only one process may write a checkpoint", place: .file(directory.string))
            }
            try files.replaceDurably(directory.appending(Manifest.fileName), next.encode())
            written = next
            manifest = next
        } catch {
            manifestFailure = error
            throw error
        }
    }
}
