/// What an operator over keyed state does with rows and timers, for the keys of one partition.
///
/// # Keyed state
///
/// Purpose: operators that remember, for each key, values, lists and maps, that let parts of it expire, and that set
/// timers; what Spark's `transformWithState` gives to user code. A processor says what happens; `KeyedOperator` does
/// the rest: partitions, order of rows, late rows, checkpoints, counts.
///
/// - `StateVariable`: a value, a list or a map per key, whole batches of keys at a time. Rows are packed; a row may
///   expire (TTL): it is invisible from that moment of processing time on and is removed in the flow's next epoch.
/// - `Timers`: moments per key, of event time or of processing time.
/// - `KeyedProcessor`: this seam. `OrderedRows` (list, timers of event time), `SilentKeys` (value, timers of either
///   time), `NewValues` (map, TTL).
///
/// Order in an epoch, as in Spark: rows, then timers, then what has expired. All state lies in `variables` and so in
/// the checkpoint: each is a part of its own, in the order of the grouping key's hash, so restoring it into another
/// number of partitions is splitting it anew. State is restored whole and stays in memory.
///
/// A processor gets the rows of an epoch at once, so nothing depends on how they were cut into batches.
protocol KeyedProcessor: AnyObject {
    /// In the checkpoint by position. Timers are one of them.
    var variables: [StateVariable] { get }
    var timers: Timers? { get }
    /// Rows in source order, each with its keys; none is late.
    func handle(_ rows: KeyedBatch) throws(TidemillError) -> Batch?
    func handle(_ due: Timers.Due, _ moment: KeyedMoment) throws(TidemillError) -> Batch?
}

/// What an epoch's times are, microseconds.
struct KeyedMoment {
    /// Processing time.
    var now: Int64
    /// The watermark by which state goes; nil without one.
    var watermark: Int64?
}

struct KeyedBatch {
    var batch: Batch
    var keys: [Column]
    var moment: KeyedMoment
    var count: Int { batch.count }
}
