@_exported import TideColumns

/// How much of what is there one epoch may take. nil: no bound.
public struct RateLimit: Hashable, Sendable {
    public var filesMax: Int?
    /// A soft bound: at least one file is always taken.
    public var bytesMax: Int64?
    /// Of a source whose rows are computed: events, of all streams that are cut together.
    public var rowsMax: Int64?
    public init(filesMax: Int? = nil, bytesMax: Int64? = nil, rowsMax: Int64? = nil) {
        self.filesMax = filesMax
        self.bytesMax = bytesMax
        self.rowsMax = rowsMax
    }
}

/// A piece of input that one task reads on its own: a file, a journal range. Splits of one plan are numbered in source
/// order; row order within a flow is (split, row).
public struct SourceSplit: Sendable {
    public var ordinal: Int
    /// What errors and progress show, e.g. the path.
    public var name: String
    public var bytes: Int64
    /// The source's own description of the piece.
    public var token: [UInt8]
    /// Rows of what `name` names that come before the split's first; nil if unknown.
    public var rowsBefore: Int?
    public init(ordinal: Int, name: String, bytes: Int64, token: [UInt8], rowsBefore: Int? = 0) {
        self.rowsBefore = rowsBefore
        self.ordinal = ordinal
        self.name = name
        self.bytes = bytes
        self.token = token
    }
}

/// What an epoch takes from a source.
public struct SourcePlan: Sendable {
    public var splits: [SourceSplit]
    /// Rows of `Source.ledgerTypes` that remember what was taken. They are committed with the epoch and come back
    /// through `Source.restore`.
    public var ledger: Batch
    /// Positions before and after, as JSON text for the progress line.
    public var startOffset: String
    public var endOffset: String
    /// True if a rate limit left input behind, so another epoch should follow at once.
    public var hasMore: Bool
    /// Things a person should know: changed or vanished files.
    public var warnings: [String]
    /// Names of splits taken earlier whose rows are taken back, before those of this plan's splits come.
    public var retracted: [String]
    /// Names of splits taken earlier whose input changed or is gone: what was made of them is out of date. `ledger` has
    /// what they are now, so an epoch that commits the plan has to read everything again (`Source.replayPresent`).
    public var disturbed: [String]
    public init(
        splits: [SourceSplit], ledger: Batch, startOffset: String, endOffset: String, hasMore: Bool,
        warnings: [String] = [], retracted: [String] = [], disturbed: [String] = []
    ) {
        self.splits = splits
        self.ledger = ledger
        self.startOffset = startOffset
        self.endOffset = endOffset
        self.hasMore = hasMore
        self.warnings = warnings
        self.retracted = retracted
        self.disturbed = disturbed
    }
}

/// Reads one split. Used by one task at a time.
public protocol SplitReader: AnyObject {
    /// The next rows in order, nil at the end. Columns as asked for in `Source.open`.
    func next() throws(TidemillError) -> Batch?
    var report: SplitReport { get }
}

/// What a reader met, complete once `next` gave nil.
public struct SplitReport: Sendable {
    public struct BadRow: Sendable, Hashable {
        public var file: String
        /// 1-based.
        public var line: Int
        public var reason: String
        public init(file: String, line: Int, reason: String) {
            self.file = file
            self.line = line
            self.reason = reason
        }
    }
    public var rows = 0
    /// Rows with at least one field that could not be read; kept with NULLs or left out, as the mode says.
    public var badRows = 0
    /// Of those, how many were left out.
    public var droppedRows = 0
    /// The first few.
    public var samples: [BadRow] = []
    /// What a person should know about the file; it was read all the same.
    public var warning: String?
    public init() {}
}

/// An input that grows: a directory, a socket's journal, a generator.
///
/// The engine owns the order: `restore` for every committed ledger batch, then `plan`, `open` for each split (from many
/// threads), and `commit` once the epoch is durable. A plan that was not committed leaves no trace: the next `plan`
/// offers the same input again. All but `open` are called from one thread.
public protocol Source: AnyObject, Sendable {
    /// As progress shows it, e.g. `FileStreamSource[file:/data/sales]`.
    var description: String { get }
    /// All columns a reader can give.
    var schema: Schema { get }
    /// Column types of ledger rows.
    var ledgerTypes: [DataType] { get }

    func restore(ledger: Batch) throws(TidemillError)
    /// The next piece of new input, or nil if there is none. `deadline` (a position taken by `horizon`) hides what came
    /// after it: a one-shot run sees what was there at its start.
    func plan(limit: RateLimit, until horizon: SourceHorizon?) throws(TidemillError) -> SourcePlan?
    /// What is there now, for a run that must end.
    func horizon() throws(TidemillError) -> SourceHorizon
    /// The plan's epoch is durable.
    func commit(_ plan: SourcePlan) throws(TidemillError)
    /// - Parameter columns: indices into `schema`, ascending; other columns are not decoded.
    func open(_ split: SourceSplit, columns: [Int]) throws(TidemillError) -> any SplitReader
    /// Everything committed so far, as splits in source order, for a flow that starts later than its source. Input that
    /// is gone is an error that lists it.
    func replay() throws(TidemillError) -> [SourceSplit]
    /// The same for a flow that has to equal its query over the input as it is: what is gone is left out.
    func replayPresent() throws(TidemillError) -> [SourceSplit]
    /// Everything there is now whether committed or not, with bytes that change when it changes: a relation read as a
    /// snapshot.
    func snapshot() throws(TidemillError) -> (version: [UInt8], splits: [SourceSplit])
    /// All ledger rows, for a snapshot of the checkpoint.
    func ledger() -> Batch
    /// Warnings that no plan has delivered, because there was no new input to plan. Each is given once.
    func takeWarnings() -> [String]
    /// Directories in which new input appears, for a pipeline that waits.
    func watched() -> [FilePath]
    /// What happened in watched directories: which files are whole, and which are being written.
    func noticed(_ files: WatchedFiles)
    /// From now on a file that was changed less than `window` ago, and not noticed as complete, is left for later: its
    /// writer may be at work. Zero (the default) takes every file as it is.
    func requireSettled(for window: Duration)
}

extension Source {
    public func replayPresent() throws(TidemillError) -> [SourceSplit] { try replay() }
    public func takeWarnings() -> [String] { [] }
    public func watched() -> [FilePath] { [] }
    public func noticed(_ files: WatchedFiles) {}
    public func requireSettled(for window: Duration) {}
}

/// An opaque bound made by a source for itself.
public struct SourceHorizon: Sendable {
    public var token: [UInt8]
    public init(token: [UInt8]) { self.token = token }
}
