import TideColumns

/// A checkpoint as it was found: what to start from.
public struct RecoveredCheckpoint: Sendable {
    public let manifest: Manifest
    /// Committed epochs that the snapshot does not hold or that are not known to be published, in order.
    public let records: [CommittedEpoch]
    public let publishedThrough: Epoch?
    public let lastCommitted: Epoch?
    /// Set if the log ended in a frame whose fdatasync never returned; its input is read again.
    public let tornTail: String?
    /// Epochs that a start could go back to: those of the manifest, and what was published since it was written.
    public let retained: [RetainedEpoch]
    let directory: FilePath
    let files: any FileSystem
    let log: LogReader

    private static func retained(_ manifest: Manifest, _ scan: CheckpointScan) -> [RetainedEpoch] {
        var entries = manifest.retained
        for epoch in scan.publications where epoch >= manifest.snapshotEpoch ?? epoch {
            entries = CheckpointStore.noting(epoch, entries, generation: manifest.generation)
        }
        return entries
    }

    /// The newest record; nil for a new checkpoint.
    public var latest: EpochRecord? { records.last?.record ?? manifest.snapshot }
    /// Epochs to apply to the state of the snapshot.
    public var afterSnapshot: [CommittedEpoch] { records.filter { $0.epoch > manifest.snapshotEpoch ?? Epoch(-1) } }
    /// Epochs to publish.
    public var unpublished: [CommittedEpoch] { records.filter { $0.epoch > publishedThrough ?? Epoch(-1) } }

    /// Which epoch a block of state is from.
    public enum Origin: Sendable, Hashable {
        case run(ManifestRun)
        case log(Epoch)
    }

    /// Whether there is a checkpoint; nothing of it is read.
    public static func exists(_ directory: FilePath, files: any FileSystem) throws(TidemillError) -> Bool {
        try files.exists(directory.appending(Manifest.fileName))
    }

    /// Reads a checkpoint without taking its lock or writing; nil if there is none. The writer may be at work: then a
    /// segment or run may vanish while it is read, and reading starts again.
    public static func read(_ directory: FilePath, files: any FileSystem, evidence: Epoch? = nil)
        throws(TidemillError) -> RecoveredCheckpoint?
    {
        for attempt in 1... {
            guard let manifest = try CheckpointScan.manifest(directory, files: files) else { return nil }
            do throws(TidemillError) {
                let scan = try CheckpointScan.read(directory, manifest, evidence: evidence, files: files)
                return RecoveredCheckpoint(scan, directory, files)
            } catch {
                let now = try CheckpointScan.manifest(directory, files: files)
                if now == manifest || attempt == attemptsMax { throw error }
            }
        }
        return nil
    }
    private static let attemptsMax = 64

    init(
        _ scan: CheckpointScan, _ directory: FilePath, _ files: any FileSystem, manifest: Manifest? = nil,
        rewritten: CommittedEpoch? = nil
    ) {
        self.manifest = manifest ?? scan.manifest
        records = scan.epochs.map { $0.epoch == rewritten?.epoch ? rewritten ?? $0 : $0 }
        publishedThrough = scan.plan.publishedThrough < 0 ? nil : Epoch(scan.plan.publishedThrough)
        lastCommitted = scan.plan.lastCommitted < 0 ? nil : Epoch(scan.plan.lastCommitted)
        tornTail = scan.plan.torn.map {
            "epoch \($0.epoch) was not committed: segment \($0.segment) ends in an unfinished frame"
        }
        retained = RecoveredCheckpoint.retained(manifest ?? scan.manifest, scan)
        self.directory = directory
        self.files = files
        log = scan.reader
    }

    /// Another point of the same checkpoint.
    init(_ other: RecoveredCheckpoint, manifest: Manifest, records: [CommittedEpoch]) {
        self.manifest = manifest
        self.records = records
        publishedThrough = manifest.publishedThrough
        lastCommitted = records.last?.epoch ?? manifest.snapshotEpoch
        tornTail = nil
        retained = other.retained
        directory = other.directory
        files = other.files
        log = other.log
    }

    /// The runs of one owner, oldest first.
    public func runs(owner: UInt32, kind: BlockKind, part: UInt16? = nil) throws(TidemillError) -> [RunReader] {
        var readers: [RunReader] = []
        for run in manifest.runs where run.owner == owner && run.kind == kind && (part ?? run.part) == run.part {
            readers.append(try openRun(run))
        }
        return readers
    }

    func openRun(_ run: ManifestRun) throws(TidemillError) -> RunReader {
        let folder = CheckpointScan.runs(directory)
        return try RunFactory(directory: folder, files: files, numbers: RunNumbers(next: manifest.nextRun)).open(run)
    }

    /// The state of one owner: blocks of its runs, oldest run first, then its blocks in the log after the snapshot, in
    /// the order of epochs. `part` nil means all parts; `fromLogAlone` leaves out the runs.
    public func forEachBlock(
        owner: UInt32, kind: BlockKind, part: UInt16? = nil, fromLogAlone: Bool = false,
        _ body: (Batch, Origin) throws(TidemillError) -> Void
    ) throws(TidemillError) {
        for run in fromLogAlone ? [] : manifest.runs
        where run.owner == owner && run.kind == kind && (part ?? run.part) == run.part {
            let reader = try openRun(run)
            defer { reader.close() }
            let input = RunInput(reader)
            while let batch = try input.next() { try body(batch, .run(run)) }
        }
        for epoch in afterSnapshot {
            try forEachBlock(of: epoch, owner: owner, kind: kind, part: part) { (batch) throws(TidemillError) in
                try body(batch, .log(epoch.epoch))
            }
        }
    }

    /// The blocks of one epoch, in the order they were appended.
    public func forEachBlock(
        of epoch: CommittedEpoch, owner: UInt32, kind: BlockKind, part: UInt16? = nil,
        _ body: (Batch) throws(TidemillError) -> Void
    ) throws(TidemillError) {
        for block in epoch.blocks
        where block.owner == owner && block.kind == kind && (part ?? block.part) == block.part {
            try body(try log.batch(block))
        }
    }
}
