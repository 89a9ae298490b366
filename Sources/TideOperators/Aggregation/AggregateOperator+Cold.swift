import Synchronization
import TideCheckpoints

// The aggregate's side of `LazyOperator`: `AggregatePartition+Cold.swift` explains it, and where groups end
// `AggregatePartition+Times.swift`.

extension AggregateOperator: TimedOperator {
    /// One group is always in memory; so are groups whose values are kept one by one.
    private var canLeaveMemory: Bool { groupCount > 0 && accumulators.stores.isEmpty }
    /// Whether groups that lie in runs are to be found by the time at which they end.
    var canKeepTimes: Bool { eventTime?.group != nil && canLeaveMemory }

    public var readsLazily: Bool { canLeaveMemory && (eventTime?.group == nil || times.isKept) }

    public func keepTimes() {
        guard canKeepTimes else { return }
        times.keep()
        for partition in partitions { partition.withLock { $0.ends.isKept = true } }
    }
    public var endedThrough: Int64? { times.endedThrough }
    public func setEnded(through time: Int64) { times.setEnded(through: time) }

    /// There are no stores then.
    func isTimePart(_ part: Int) -> Bool { canKeepTimes && part == 1 }

    func timeChanges(partition p: Int) -> [Batch] {
        times.changes(partition: p) { partitions.map { $0.withLock { $0.ends.changes } } }
    }

    public func attach(_ state: ColdState, part: Int) {
        if isTimePart(part) { times.attach(state) } else { cold.withLock { $0 = state } }
    }

    public func setRows(_ rows: Int) {
        openedRows.withLock { $0 = rows }
        for partition in partitions { partition.withLock { $0.forgetLiveChange() } }
    }

    public func openCold() {
        guard let state = cold.withLock({ $0 }) else { return }
        for p in partitions.indices {
            partitions[p].withLock { $0.cold.formUnion(KeyGroupSet(in: state, partition: p, bits: bits)) }
        }
    }

    /// Called once per partition and epoch, by the worker that finishes it.
    func resolve(_ partition: AggregatePartition) throws(TidemillError) {
        if partition.unresolved.isEmpty { return }
        fetched.wrappingAdd(
            try partition.resolve(try cold.runs(of: "rows"), groupCount: groupCount), ordering: .relaxed)
    }

    /// Brings groups into memory that end by `limit`.
    func load(_ p: Int, _ partition: AggregatePartition, through limit: Int64) throws(TidemillError) {
        guard partition.ends.isKept else { return }
        let due = try times.pass(through: limit, partition: p, bits: bits, hasCold: !partition.cold.isEmpty)
        if due.isEmpty { return }
        fetched.wrappingAdd(
            try partition.load(due, after: times.endedBefore, try cold.runs(of: "rows")), ordering: .relaxed)
    }

    public func endEpoch(partition p: Int, of epoch: Epoch) {
        let keeps = groupCount == 0
        partitions[p].withLock { partition in
            partition.endEpoch(keepsEmptyGroup: keeps, stamp: RowStamp.of(epoch))
            partition.settle()
        }
        times.endEpoch()
        if eventTime != nil { lateGroups.endEpoch() }
    }

    public func evict(partition p: Int, bytes: Int, flushed: Epoch) -> Int {
        if !readsLazily { return 0 }
        times.forgetLog(through: flushed)
        let groups = KeyGroupSet.groups(ofPartition: p, bits: bits)
        return partitions[p].withLock { partition in
            partition.shrinkScratch()
            return partition.evict(bytes: bytes, flushed: RowStamp.of(flushed), groups: groups)
        }
    }

    public var coldGroups: Int { partitions.reduce(0) { sum, p in sum + p.withLock { $0.cold.count } } }
    public var fetchedRows: Int { fetched.load(ordering: .relaxed) }
}
