/// Where a stored table goes.
///
/// The contract over a crash: `prepare` (or the epoch log's change set) is durable before the commit; `publish` may be
/// called again for an epoch that is already visible and then does nothing; what was prepared and never committed is
/// removed by `recover`.
public protocol AppendTarget: AnyObject, Sendable {
    /// The newest epoch a reader of the table can see; nil if none. Evidence for recovery.
    func publishedEpoch() throws(TidemillError) -> Epoch?
    /// Removes what uncommitted epochs left behind.
    /// - Parameter committed: epochs that were committed and perhaps not published, oldest first.
    func recover(committed: [PreparedEpoch]) throws(TidemillError)
    /// - Parameter replacingAll: the table will hold this epoch's rows only (`overwrite`, full refresh).
    func begin(_ epoch: Epoch, replacingAll: Bool) throws(TidemillError) -> any AppendEpoch
    /// Makes the rows of committed epochs visible, durably: in their order, several of them at once or each by itself.
    /// - Parameter epochs: oldest first; those that are visible already may be among them.
    func publish(_ epochs: [PreparedEpoch]) throws(TidemillError) -> PublishReport
    /// Versions that later publishes and `recover` must not remove.
    func retain(_ versions: Set<RetainedVersion>)
}

/// What an epoch prepared for a table, as the epoch log keeps it.
public struct PreparedEpoch: Sendable {
    public var epoch: Epoch
    public var manifest: [UInt8]
    public init(epoch: Epoch, manifest: [UInt8]) {
        self.epoch = epoch
        self.manifest = manifest
    }
}

/// A table as of an epoch that can be gone back to.
public struct RetainedVersion: Hashable, Sendable {
    public var epoch: Epoch
    /// Of the checkpoint that published it.
    public var generation: UInt64
    public init(epoch: Epoch, generation: UInt64) {
        self.epoch = epoch
        self.generation = generation
    }
}

extension RetainedVersion {
    /// In a set of versions to keep: keep all there are, since somebody reads.
    public static let all = RetainedVersion(epoch: Epoch(.max), generation: 0)
}

/// What committed epochs bring to a table that does not show them yet.
public struct PendingChanges: Sendable {
    public struct Step: Sendable {
        public var epoch: Epoch
        /// Nothing from before the epoch counts.
        public var startsOver: Bool
        /// Of a keyed table, as `KeyedTarget.publish` takes them.
        public var changes: [Batch]
        /// Of a table that only grows, as `AppendTarget.publish` takes it.
        public var manifest: [UInt8]?
        public init(epoch: Epoch, startsOver: Bool = false, changes: [Batch] = [], manifest: [UInt8]? = nil) {
            self.epoch = epoch
            self.startsOver = startsOver
            self.changes = changes
            self.manifest = manifest
        }
    }
    /// Of the checkpoint.
    public var generation: UInt64
    /// The last committed epoch: what the table is to be read as of.
    public var through: Epoch
    /// Ascending; epochs that are published already may be among them.
    public var steps: [Step]
    public init(generation: UInt64, through: Epoch, steps: [Step]) {
        self.generation = generation
        self.through = through
        self.steps = steps
    }
}

extension AppendTarget {
    public func retain(_ versions: Set<RetainedVersion>) {}
    public func begin(_ epoch: Epoch) throws(TidemillError) -> any AppendEpoch {
        try begin(epoch, replacingAll: false)
    }
    public func publish(_ epoch: Epoch, manifest: [UInt8]) throws(TidemillError) -> PublishReport {
        try publish([PreparedEpoch(epoch: epoch, manifest: manifest)])
    }
}

/// The rows of one epoch on their way into a table. `append` is called in row order, from one thread at a time.
public protocol AppendEpoch: AnyObject, Sendable {
    func append(_ batch: Batch) throws(TidemillError)
    /// Makes the rows durable under hidden names, or returns them inside the manifest when they are few.
    func prepare() throws(TidemillError) -> [UInt8]
    func abandon()
}

/// How the rows of a stored table are told apart.
public enum TableKey: Hashable, Sendable {
    /// At most one row per value of these columns. NULL equals NULL.
    case columns([Int])
    /// No key: a row is stored as often as it occurs.
    case bag
}

/// A table that is kept equal to a result: rows are replaced and removed.
public protocol KeyedTarget: AnyObject, Sendable {
    func publishedEpoch() throws(TidemillError) -> Epoch?
    func recover() throws(TidemillError)
    /// Applies the change sets of consecutive epochs, oldest first, as one new version of the table.
    ///
    /// With key columns: a row of weight +1 replaces the row of its key, a row of weight -1 removes it (only its key
    /// columns count); one batch holds a key at most once. As a bag: weights add or remove that many copies.
    ///
    /// - Parameter replacingAll: the rows of the table before do not count (`overwrite`, full refresh).
    func publish(
        _ changes: [Batch], through epoch: Epoch, replacingAll: Bool
    ) throws(TidemillError) -> PublishReport
    /// Versions that later publishes and `recover` must not remove.
    func retain(_ versions: Set<RetainedVersion>)
}

extension KeyedTarget {
    public func retain(_ versions: Set<RetainedVersion>) {}
    public func publish(_ changes: [Batch], through epoch: Epoch) throws(TidemillError) -> PublishReport {
        try publish(changes, through: epoch, replacingAll: false)
    }
}

public struct PublishReport: Sendable, Hashable {
    public var rowsInserted = 0
    public var rowsUpdated = 0
    public var rowsDeleted = 0
    public var filesWritten = 0
    public var filesRewritten = 0
    public var filesKept = 0
    public var bytesWritten: Int64 = 0
    /// Row groups copied without decoding.
    public var rowGroupsCopied = 0
    public init() {}

    public static func += (a: inout PublishReport, b: PublishReport) {
        a.rowsInserted += b.rowsInserted
        a.rowsUpdated += b.rowsUpdated
        a.rowsDeleted += b.rowsDeleted
        a.filesWritten += b.filesWritten
        a.filesRewritten += b.filesRewritten
        a.filesKept += b.filesKept
        a.bytesWritten += b.bytesWritten
        a.rowGroupsCopied += b.rowGroupsCopied
    }
}
