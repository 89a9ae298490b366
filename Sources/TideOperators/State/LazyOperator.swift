import TideCheckpoints

/// A stateful operator whose rows need not be in memory: those of *cold* key groups may lie in the runs alone.
///
/// The seam, in the order of calls:
///
///     attach            at a start: what the runs hold
///     openCold          at a start: key groups that the runs cover are cold, nothing is read; or else `restore`
///     restore(…, epoch) at a start: rows of the log that no run holds yet
///     finish            reads, for every cold key that the epoch touched, the row of the runs, in one sorted pass per
///                       partition; `consume` never reads
///     endEpoch(…, of:)  stamps what the epoch changed
///     attach            runs were flushed or merged: the same rows, in other files
///     evict             memory is short: clean rows go, their key groups are cold from then on
///
/// Invariants: a row in memory is at least as new as that of the runs; a key of a cold group that is not in memory is
/// as the runs have it; a key of another group that is not in memory does not exist.
public protocol LazyOperator: StatefulOperator {
    /// False if this one keeps all rows in memory (one group, say): then it is restored as a whole.
    var readsLazily: Bool { get }
    func attach(_ cold: ColdState, part: Int)
    func openCold()
    /// At a start, after `openCold` or the last `restore`: how many rows there are, in memory and in runs. From then on
    /// the operator keeps count.
    func setRows(_ rows: Int)
    func restore(part: Int, _ batch: Batch, epoch: Epoch) throws(TidemillError)
    func endEpoch(partition: Int, of epoch: Epoch)
    /// Takes clean rows out of memory until about `bytes` are free or none is left.
    /// - Parameter flushed: the epoch whose state the runs hold.
    /// - Returns: bytes of the rows that went.
    func evict(partition: Int, bytes: Int, flushed: Epoch) -> Int
    var rowsInMemory: Int { get }
    /// Key groups, over all partitions, of which rows may lie in the runs alone.
    var coldGroups: Int { get }
    /// Rows read from runs since the start.
    var fetchedRows: Int { get }
}

extension Locked<ColdState?> {
    /// - Parameter what: lies in runs, for the error.
    func runs(of what: String) throws(TidemillError) -> ColdState {
        guard let state = withLock({ $0 }) else {
            throw .internal("\(what) of a cold key group without runs to read them from")
        }
        return state
    }
}

/// A lazy operator whose rows end when the watermark passes their time. Those that lie in runs are found by a part of
/// the state that has them by time (`DueTimes`); it is kept from `keepTimes` on, and only where state has a limit.
public protocol TimedOperator: LazyOperator {
    /// Before anything else: rows are to be found by their time. One whose rows do not end ignores it.
    func keepTimes()
    /// Event time, microseconds: what ended by then has been ended. nil: times are not kept.
    var endedThrough: Int64? { get }
    /// At a start, if the state that comes back has every row's time.
    func setEnded(through time: Int64)
}
