@_exported import TideConnectorAPI

/// How a stored table is written.
public struct TableOptions: Sendable {
    public var format = StoredFormat.parquet
    /// How long a version that was swapped out stays for readers in the middle of it.
    public var readerGrace: Duration = .seconds(60)
    public var rowGroupRows = 128 << 10
    /// Files are closed, and merged, at about this size.
    public var fileBytesTarget: Int64 = 128 << 20
    /// How many of the last columns name the directories that rows lie in.
    public var partitionColumnCount = 0
    /// Rows of a partitioned table wait until they take about this much, and are then written directory by directory:
    /// one file is open at a time, however many directories an epoch touches.
    public var partitionBytesMax = 64 << 20
    /// Prepared files up to this size travel inside the commit record.
    public var inlineBytesMax = 1 << 20
    /// How many files of one size class are merged into one.
    public var mergeFanIn = 8
    /// Smaller files of keyed tables have no bloom filter: their keys are read as quickly.
    public var bloomRowsMin = 32 << 10
    /// A table written under another checkpoint is taken over: nothing counts as published, its rows stay until a
    /// publish that replaces all.
    public var adoptsOtherGeneration = false
    /// The stored columns may differ because the first publish replaces all rows.
    public var replacesOtherSchema = false
    public init() {}

    var mergePlan: MergePlan { MergePlan(targetBytes: fileBytesTarget, fanIn: mergeFanIn) }
    /// Row groups below this are decoded and gathered into larger ones when files are merged.
    var rowGroupRowsTiny: Int { rowGroupRows / 4 }
}
