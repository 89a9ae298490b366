/// What one epoch did, for the progress bar and the JSON lines.
public struct EpochProgress: Sendable {
    public struct FlowProgress: Sendable {
        public var name: String
        public var table: String
        public var inputRows = 0
        public var sources: [SourceProgress] = []
        public var stateOperators: [StateProgress] = []
        /// Of a streaming flow with a watermark.
        public var eventTime: EventTimeProgress?
        /// Files read earlier that changed or vanished, so that the flow was computed anew in this epoch.
        public var changedFiles = 0
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
        /// After the epoch.
        public var memoryBytes = 0
        /// After the epoch; the others lie in runs alone.
        public var rowsInMemory = 0
        /// Of a streaming table's operator.
        public var counts: OperatorClock.Counts?
        /// The watermark by which the operator's state went, milliseconds.
        public var watermarkMillis: Int64?
    }
    /// Event times of an epoch, milliseconds since 1970.
    public struct EventTimeProgress: Sendable {
        public struct Source: Sendable {
            /// The watermark's column.
            public var name: String
            /// What its rows say now; nil: none has come.
            public var watermarkMillis: Int64?
            public var isIdle: Bool
            /// Whether it holds the flow's watermark back.
            public var holds: Bool
        }
        /// With which the epoch ran.
        public var watermarkMillis: Int64
        public var least: Int64?
        public var greatest: Int64?
        public var average: Int64?
        public var sources: [Source] = []
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
