/// What one epoch did, for the progress bar and the JSON lines.
public struct EpochProgress: Sendable {
    public struct FlowProgress: Sendable {
        public var name: String
        public var table: String
        public var inputRows = 0
        public var sources: [SourceProgress] = []
        public var stateOperators: [StateProgress] = []
        /// Rows of the flow's result that changed.
        public var outputRows = 0
    }
    public struct SourceProgress: Sendable {
        public var description: String
        public var startOffset: String
        public var endOffset: String
        public var rows: Int
        public var bytes: Int64
    }
    public struct StateProgress: Sendable {
        public var name: String
        public var rowsTotal: Int
        public var rowsUpdated: Int
        public var memoryBytes: Int
        /// The others lie in runs alone.
        public var rowsInMemory: Int
    }
    public struct Durations: Sendable {
        public var planMillis = 0.0
        public var executeMillis = 0.0
        public var commitMillis = 0.0
    }
    public var epoch: Epoch
    public var clockMicros: Int64
    public var flows: [FlowProgress] = []
    public var durations = Durations()
    public var inputRows = 0
    public var inputBytes: Int64 = 0
    public var badRows = 0
    public var droppedRows = 0
    public var badRowSamples: [SplitReport.BadRow] = []
    public var warnings: [String] = []
    /// Bytes this epoch added to the epoch log.
    public var logBytes: Int64 = 0
}

/// What publishing did to one table.
public struct TablePublication: Sendable {
    public var table: String
    public var through: Epoch
    public var report: PublishReport
    public var millis: Double
}

/// What a pipeline tells while it works. Called from the thread that drives it.
public enum EngineEvent: Sendable {
    case recovered(lastCommitted: Epoch?, unpublished: Int, tornTail: String?)
    case note(String)
    case epoch(EpochProgress)
    case published([TablePublication])
}
