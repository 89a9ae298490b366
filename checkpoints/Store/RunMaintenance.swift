import TideColumns

/// Keeps the log short and the runs few, beside the epochs: flushes what the log has gathered into runs, merges runs in
/// tiers. Both read immutable files only and write files that nothing refers to; what they made is installed here, on
/// the control thread, at the boundary of an epoch.
///
/// Invariants: at most one flush and one merge at a time; a flush covers whole epochs from the last flush on; the
/// commit of an epoch never waits. An error of background work is reported once and tried again when the log has grown:
/// until then the log is longer, and nothing is lost.
public final class RunMaintenance {
    public struct Options: Sendable {
        /// Log bytes after the last flush that call for one; 0: every epoch does.
        public var flushBytes: Int64 = 32 << 20
        /// What a clean exit leaves in the log at most, for the next start to read.
        public var exitBytes: Int64 = 4 << 20
        public var policy = MergePolicy()
        /// How much of the log may be of no use before it is cut, unless more than this is flushed at a time.
        package var deadLogBytes: Int64 = 1 << 20
        /// A clean exit leaves one run per address, or none: what is kept can then be compared with what must be.
        package var mergesAllAtExit = false
        /// Below so many rows in the log a flush merges them, whatever is left of them.
        package var residentRowsMin = 1 << 12
        /// More rows of an address are never taken from memory: epochs wait for it, a few milliseconds.
        package var residentRowsMax = 1 << 17
        public init() {}
    }

    private let store: CheckpointStore
    private let executor: any Executor
    private let options: Options
    private let rules: [StateAddress: MergeRule]
    /// Epochs that no run holds yet, oldest first.
    private var tail: [FlushJob.Input] = []
    private var tailBytes: Int64 = 0
    private var latest: EpochRecord?
    /// Owners that are gone are dropped only with an epoch that was committed without them.
    private let openedAt: Epoch?
    private var retryAtBytes: Int64 = 0
    private var mergeRetryRuns = 0
    private var flush: Work<[ManifestRun]>?
    private var flushed: (count: Int, record: EpochRecord)?
    /// Addresses whose runs the flush replaces.
    private var replacing: Set<StateAddress> = []
    private var merge: Work<ManifestRun?>?
    private var merging: [ManifestRun] = []
    private var warnings: [String] = []
    /// What of the state is in memory as a whole.
    public var resident: (any ResidentState)?
    /// Called on the control thread when the runs of the manifest have changed.
    public var runsChanged: () throws(TidemillError) -> Void = { () throws(TidemillError) in }

    /// - Parameter rules: every address that is still of use.
    public init(
        _ store: CheckpointStore, recovered: RecoveredCheckpoint, rules: [StateAddress: MergeRule],
        executor: any Executor, options: Options = Options()
    ) {
        self.store = store
        self.executor = executor
        self.options = options
        self.rules = rules
        openedAt = recovered.lastCommitted
        latest = recovered.latest
        for epoch in recovered.afterSnapshot { remember(epoch) }
    }

    private func remember(_ epoch: CommittedEpoch) {
        tail.append(FlushJob.Input(epoch: epoch.epoch, blocks: epoch.blocks))
        tailBytes += epoch.blocks.reduce(0) { $0 + Int64($1.length) }
    }

    /// The last epoch whose state the runs hold.
    public var flushedThrough: Epoch? { store.manifest.snapshotEpoch }
    public var unflushedBytes: Int64 { tailBytes }
    public var isFlushing: Bool { flush != nil }
    public func takeWarnings() -> [String] {
        defer { warnings = [] }
        return warnings
    }

    // MARK: Between epochs

    /// To be called after every commit.
    public func committed(_ epoch: CommittedEpoch) {
        remember(epoch)
        latest = epoch.record
    }

    /// Installs what is done and starts what is due. Never waits for background work.
    public func poll() throws(TidemillError) {
        if flush?.work.isDone ?? false { try finishFlush() }
        if merge?.work.isDone ?? false { try finishMerge() }
        if flush == nil, tailBytes >= max(options.flushBytes, retryAtBytes) { try startFlush() }
        if merge == nil { startMerge() }
    }

    /// After everything committed was published: the log is cut once enough of it is of no use.
    public func published() throws(TidemillError) {
        if store.logBytes - tailBytes > max(options.flushBytes, options.deadLogBytes) {
            try store.truncateLog()
        }
    }

    /// Starts a flush of whatever there is, unless one is going on.
    public func flushSoon() throws(TidemillError) {
        if flush == nil { try startFlush() }
    }

    /// Flushes all that was committed and waits for it; for memory that must be freed before the next epoch.
    public func flushNow() throws(TidemillError) {
        if flush != nil { try finishFlush() }
        if tail.isEmpty { return }
        try startFlush()
        try finishFlush()
    }

    // MARK: The end

    /// Nothing more will be committed: starts the flush that `finish` would wait for, beside the last publication.
    public func willFinish() throws(TidemillError) {
        if isLongForExit { try flushSoon() }
    }

    private var isLongForExit: Bool { tailBytes > min(options.exitBytes, options.flushBytes) }

    /// A clean exit: what the next start would have to read from the log is kept short, and runs few.
    public func finish() throws(TidemillError) {
        if isLongForExit { try flushNow() }
        if flush != nil { try finishFlush() }
        if merge != nil { try finishMerge() }
        // A pipeline that is run for a minute at a time merges at its ends.
        while runCountIsHigh, mergeRetryRuns == 0 {
            startMerge()
            if merge == nil { break }
            try finishMerge()
        }
        if options.mergesAllAtExit { try mergeAll() }
    }

    private func mergeAll() throws(TidemillError) {
        for address in rules.keys.sorted() {
            let runs = store.manifest.runs.filter { $0.address == address }
            guard !runs.isEmpty else { continue }
            startMerge(of: runs, reachesBottom: true)
            try finishMerge()
        }
    }

    private var runCountIsHigh: Bool {
        Dictionary(grouping: store.manifest.runs, by: \.address).values.contains {
            $0.count >= 3 * options.policy.fanIn
        }
    }

    /// After an error: background work ends at its next step, and leaves no file.
    public func abandon() {
        for work in [flush?.cancel, merge?.cancel] { work?.raise() }
        flush?.work.wait()
        merge?.work.wait()
        flush = nil
        merge = nil
    }

    // MARK: Flush

    private func startFlush() throws(TidemillError) {
        guard let record = latest, let last = tail.last?.epoch, record.epoch == last, last > openedAt ?? Epoch(-1)
        else { return }
        // What travelled inside the record for publishing is in the log as long as it is needed.
        var kept = record
        kept.sinks = []
        flushed = (tail.count, kept)
        // Where there is no run yet, nothing lies below that a tombstone would have to hide.
        var rules = rules
        let held = Set(store.manifest.runs.map(\.address))
        for address in rules.keys where !held.contains(address) { rules[address]?.dropTombstones = true }
        let cancel = CancelFlag()
        var job = FlushJob(tail, rules: rules, log: store.blocks, factory: store.runFactory(), cancel: cancel)
        job.resident = try residentState()
        replacing = Set(job.resident.keys)
        flush = Work(executor, cancel) { [job] () throws(TidemillError) in try job.run() }
    }

    /// Addresses of which less is left than the log has gathered, with what is left. What lies in their runs would be
    /// merged one day, so it counts too.
    private func residentState() throws(TidemillError) -> [StateAddress: [Batch]] {
        guard let resident else { return [:] }
        var logged: [StateAddress: Int] = [:]
        for block in tail.lazy.flatMap(\.blocks) { logged[block.address, default: 0] += Int(block.rows) }
        var found: [StateAddress: [Batch]] = [:]
        for (address, rows) in logged.sorted(by: { $0.key < $1.key })
        where rows >= options.residentRowsMin && rules[address] != nil && merging.first?.address != address {
            let inRuns = store.manifest.runs.reduce(0) { $0 + ($1.address == address ? Int($1.rows) : 0) }
            guard let left = resident.residentRows(of: address),
                left <= min(rows, (rows + inRuns) / 4, options.residentRowsMax)
            else { continue }
            found[address] = try resident.residentBatches(of: address)
        }
        return found
    }

    private func finishFlush() throws(TidemillError) {
        guard let work = flush, let flushed else { return }
        flush = nil
        do throws(TidemillError) {
            let runs = try work.result()
            let (rules, replacing) = (rules, replacing)
            try store.install(flushed.record, runs: runs) {
                rules[$0.address] != nil && !replacing.contains($0.address)
            }
            self.replacing = []
        } catch {
            replacing = []
            if store.isStopped { throw error }
            retryAtBytes = tailBytes + options.flushBytes / 2 + 1
            warnings.append("the log was not flushed, it is kept longer: \(error.message)")
            return
        }
        retryAtBytes = 0
        tail.removeFirst(flushed.count)
        tailBytes = tail.reduce(0) { $0 + $1.blocks.reduce(0) { $0 + Int64($1.length) } }
        try runsChanged()
    }

    // MARK: Merge

    private func startMerge() {
        let runs = store.manifest.runs.filter { rules[$0.address] != nil && !replacing.contains($0.address) }
        if mergeRetryRuns > 0 && runs.count < mergeRetryRuns { return }
        guard let due = options.policy.next(runs) else { return }
        mergeRetryRuns = 0
        startMerge(of: due.runs, reachesBottom: due.reachesBottom)
    }

    private func startMerge(of runs: [ManifestRun], reachesBottom: Bool) {
        guard let address = runs.first?.address, var rule = rules[address] else { return }
        rule.dropTombstones = reachesBottom
        merging = runs
        let cancel = CancelFlag()
        let job = MergeJob(address: address, runs: runs, rule: rule, factory: store.runFactory(), cancel: cancel)
        merge = Work(executor, cancel) { () throws(TidemillError) in try job.run() }
    }

    private func finishMerge() throws(TidemillError) {
        guard let work = merge else { return }
        merge = nil
        defer { merging = [] }
        do throws(TidemillError) {
            let merged = try work.result()
            try store.replaceRuns(merging, by: merged)
        } catch {
            if store.isStopped { throw error }
            mergeRetryRuns = store.manifest.runs.count + options.policy.fanIn
            warnings.append("runs were not merged: \(error.message)")
            return
        }
        try runsChanged()
    }
}

/// Background work with a result.
private final class Work<Result: Sendable> {
    let work: any BackgroundWork
    let cancel: CancelFlag
    private let outcome: Locked<Swift.Result<Result, TidemillError>?>

    init(
        _ executor: any Executor, _ cancel: CancelFlag,
        _ body: @escaping @Sendable () throws(TidemillError) -> Result
    ) {
        let outcome = Locked<Swift.Result<Result, TidemillError>?>(nil)
        self.outcome = outcome
        self.cancel = cancel
        work = executor.startInBackground {
            do throws(TidemillError) {
                let result = try body()
                outcome.withLock { $0 = .success(result) }
            } catch { outcome.withLock { $0 = .failure(error) } }
        }
    }

    /// Waits for it.
    func result() throws(TidemillError) -> Result {
        work.wait()
        guard let outcome = outcome.withLock({ $0 }) else { throw .internal("background work ended without a result") }
        return try outcome.get()
    }
}
