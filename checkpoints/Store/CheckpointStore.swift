import TideColumns

/// The one writer of a checkpoint: lock, manifest, log and runs together.
///
/// Opening takes the lock, decides by `RecoveryPlan` what was committed, and then writes: the manifest with a new
/// fencing token, a new log segment (with the last epoch in it, if nothing proves that its fdatasync returned), and
/// only when both are durable removes what a crash left. A crash at any point of this finds the same epochs again.
///
/// Used by one thread at a time; `RunFactory` and the readers may be used from others.
public final class CheckpointStore {
    let directory: FilePath
    let files: any FileSystem
    private let lock: CheckpointLock
    let log: EpochLog
    /// Reads blocks of committed epochs.
    public let blocks: LogReader
    public internal(set) var manifest: Manifest
    /// As the disk has it; `manifest` may know of publications since.
    var written: Manifest
    let numbers: RunNumbers
    /// Files that nothing refers to any more, kept for readers.
    var postponed: [FilePath] = []
    /// Set when replacing the manifest failed: nobody knows which one the disk has.
    var manifestFailure: TidemillError?
    /// How many published epochs can be gone back to.
    public let retention: RetentionPolicy
    /// Bytes of table versions that only a retained epoch keeps alive; the engine knows the tables.
    public var tableBytesHeld: (RetainedEpoch) throws(TidemillError) -> Int64 = { (_) throws(TidemillError) in 0 }
    /// Epochs from here on stay in the log (a reader or a savepoint needs them); nil for no such need.
    public var pinnedFrom: Epoch?

    /// Opens the checkpoint, or makes a new one.
    /// - Parameters:
    ///   - settings: pinned when the checkpoint is made; compare `manifest.settings` afterwards.
    ///   - retention: which published epochs can be gone back to.
    ///   - evidence: the highest epoch of this generation that a table, outbox or journal says was committed.
    /// - Throws: `.conflict` if another process has it, `.corruption`, `.unsupported` for a newer format, `.user` if it
    ///   belongs to another pipeline.
    public static func open(
        _ directory: FilePath, pipeline: String, settings: [String: String] = [:], environment: Environment,
        holder: CheckpointHolder? = nil, options: EpochLog.Options = EpochLog.Options(),
        retention: RetentionPolicy = .none,
        evidence: (_ generation: UInt64) throws(TidemillError) -> Epoch? = { (_) throws(TidemillError) in nil }
    ) throws(TidemillError) -> (store: CheckpointStore, recovered: RecoveredCheckpoint) {
        let files = environment.files
        // Where there is a manifest, the directory is durable.
        if try !files.exists(directory.appending(Manifest.fileName)) { try files.createDirectories(directory) }
        let lock = try CheckpointLock.take(directory, files: files)
        do throws(TidemillError) {
            let found = try CheckpointScan.manifest(directory, files: files)
            var manifest =
                found
                ?? Manifest(
                    pipeline: pipeline, generation: environment.random.next(), fencingToken: 0, settings: settings,
                    firstSegment: 1, newestSegment: 0, nextRun: 1, publishedThrough: nil, snapshot: nil, runs: [])
            guard manifest.pipeline == pipeline else {
                throw TidemillError(
                    .user, "TIDEMILL_CHECKPOINT_OTHER_PIPELINE",
                    "the checkpoint belongs to another pipeline: \(manifest.pipeline)",
                    hint: "give this pipeline a storage directory of its own (--storage)",
                    place: .file(directory.string))
            }
            // Nobody has seen a generation that is just made up. Tables opened for it now would belong to nobody if
            // this start failed before the manifest is durable.
            let proof = found == nil ? nil : try evidence(manifest.generation)
            let scan = try CheckpointScan.read(directory, manifest, evidence: proof, files: files)
            manifest.fencingToken += 1
            manifest.newestSegment = scan.plan.previous
            manifest.publishedThrough = scan.plan.publishedThrough < 0 ? nil : Epoch(scan.plan.publishedThrough)
            let undecided = manifest.rollback.flatMap { $0.isDecided ? nil : scan.reader.path($0.segment) }
            if undecided != nil { manifest.rollback = nil }
            manifest.retained = try found == nil ? [] : CheckpointStore.found(scan, policy: retention)
            let holder = holder ?? .current(clock: environment.clock)
            try lock.write(holder, token: manifest.fencingToken)
            // Durable with the manifest's name.
            try files.createDirectory(CheckpointScan.log(directory))
            try files.createDirectory(CheckpointScan.runs(directory))
            // The manifest names a segment that a killed process may have left visible and not durable.
            if manifest.newestSegment != 0 { try files.syncDirectory(CheckpointScan.log(directory)) }
            if let undecided {
                // A segment of a generation that never came to be: gone for good before the manifest forgets it.
                if try files.exists(undecided) { try files.remove(undecided) }
                try files.syncDirectory(CheckpointScan.log(directory))
            }
            try files.replaceDurably(directory.appending(Manifest.fileName), manifest.encode())
            // Nothing refers to these, and a new file may want one of the names.
            var superfluous = scan.leftovers.filter { $0 != undecided }
            superfluous += CheckpointStore.released(by: scan.manifest, for: manifest, directory)
            if try ReaderLease.isAnyHeld(directory, files: files) {
                superfluous.removeAll { CheckpointStore.mayBeRead($0, before: manifest) }
            }
            for path in superfluous { try files.remove(path) }
            let (log, rewritten) = try beginLog(scan, manifest, directory, files, options)
            try clean(scan, directory, files)
            let store = CheckpointStore(
                directory: directory, files: files, lock: lock, log: log, blocks: scan.reader, manifest: manifest,
                retention: retention)
            return (
                store, RecoveredCheckpoint(scan, directory, files, manifest: manifest, rewritten: rewritten)
            )
        } catch {
            lock.release()
            throw error
        }
    }

    private init(
        directory: FilePath, files: any FileSystem, lock: CheckpointLock, log: EpochLog, blocks: LogReader,
        manifest: Manifest, retention: RetentionPolicy
    ) {
        self.retention = retention
        self.directory = directory
        self.files = files
        self.lock = lock
        self.log = log
        self.blocks = blocks
        self.manifest = manifest
        written = manifest
        numbers = RunNumbers(next: manifest.nextRun)
    }

    /// Whether a superfluous file was part of the checkpoint once. No number is used twice: it is in nobody's way.
    private static func mayBeRead(_ path: FilePath, before manifest: Manifest) -> Bool {
        guard let name = path.lastComponent?.string else { return false }
        if let segment = LogFormat.number(name) { return segment < manifest.firstSegment }
        return RunFormat.number(name).map { $0 < manifest.nextRun } ?? false
    }

    private static func beginLog(
        _ scan: CheckpointScan, _ manifest: Manifest, _ directory: FilePath, _ files: any FileSystem,
        _ options: EpochLog.Options
    ) throws(TidemillError) -> (log: EpochLog, rewritten: CommittedEpoch?) {
        let plan = scan.plan
        var start = EpochLog.Start()
        start.nextNumber = scan.nextSegment
        start.previous = plan.previous
        start.previousEnd = plan.previousEnd
        start.lastCommitted = plan.lastCommitted < 0 ? nil : Epoch(plan.lastCommitted)
        start.publishedThrough = plan.publishedThrough < 0 ? nil : Epoch(plan.publishedThrough)
        for segment in scan.facts.segments where !plan.removable.contains(segment.number) {
            let commits = segment.frames.filter {
                $0.trailer.kind == .commit && $0.trailer.epoch <= plan.lastCommitted
                    && $0.trailer.epoch != plan.rewrite?.epoch
            }
            let bytes = segment.number == plan.previous ? plan.previousEnd : segment.length
            start.kept.append((segment.number, bytes, commits.last?.trailer.epoch ?? -1))
        }
        var rewriting: (epoch: CommittedEpoch, blocks: [[UInt8]])?
        if let epoch = scan.rewriting {
            var blocks: [[UInt8]] = []
            for block in epoch.blocks { blocks.append(try scan.reader.blockBytes(block)) }
            rewriting = (epoch, blocks)
        }
        return try EpochLog.begin(
            files: files, directory: CheckpointScan.log(directory), generation: manifest.generation,
            token: manifest.fencingToken, start: start, rewriting: rewriting, options: options)
    }

    /// Removes what the new manifest and segment made superfluous. Not needed for correctness: a crash in here leaves
    /// files that the next start removes.
    private static func clean(_ scan: CheckpointScan, _ directory: FilePath, _ files: any FileSystem)
        throws(TidemillError)
    {
        let plan = scan.plan
        if plan.previous != 0, let segment = scan.facts.segments.first(where: { $0.number == plan.previous }),
            segment.length > plan.previousEnd
        {
            let file = try files.open(scan.reader.path(plan.previous), .readWrite)
            defer { file.close() }
            try file.truncate(to: plan.previousEnd)
            try file.sync()
        }
        if try ReaderLease.isAnyHeld(directory, files: files) { return }
        for number in plan.removable {
            scan.reader.forget(number)
            try files.remove(scan.reader.path(number))
        }
        if !plan.removable.isEmpty { try files.syncDirectory(CheckpointScan.log(directory)) }
    }

    // MARK: Epochs

    public var lastCommitted: Epoch? { log.lastCommitted }
    public var publishedThrough: Epoch? { log.publishedThrough }
    /// Bytes of the log, dead ones and those that runs hold already included.
    public var logBytes: Int64 { log.byteCount }

    /// Encodes the batch and streams it to the log as part of the epoch to be committed next.
    public func appendBlock(owner: UInt32, kind: BlockKind, part: UInt16, _ batch: Batch) throws(TidemillError) {
        try log.appendBlock(owner: owner, kind: kind, part: part, batch)
    }
    /// As `appendBlock`, for a block that a worker made with `BlockCodec.encode`.
    public func appendEncoded(owner: UInt32, kind: BlockKind, part: UInt16, rows: Int, _ block: [UInt8])
        throws(TidemillError)
    {
        try log.appendEncoded(owner: owner, kind: kind, part: part, rows: rows, block)
    }
    /// Forgets the blocks appended since the last commit.
    public func abandonEpoch() { log.abandonEpoch() }

    /// The commit point: one fdatasync makes the record and the blocks appended before it durable, together.
    /// - Throws: and then the store must be opened again, which finds out whether the epoch was committed.
    @discardableResult
    public func commit(_ record: EpochRecord) throws(TidemillError) -> CommittedEpoch { try log.commit(record) }

    /// Says that every epoch up to `epoch` is visible and durable in all tables. Without `durable` it travels with the
    /// next commit; losing it costs a second publishing.
    public func markPublished(through epoch: Epoch, durable: Bool = false) throws(TidemillError) {
        try log.markPublished(through: epoch, durable: durable)
        try notePublished(epoch)
    }

    /// Gives up the lock. Does not write: publish and mark first.
    public func close() {
        log.close()
        lock.release()
    }
}
