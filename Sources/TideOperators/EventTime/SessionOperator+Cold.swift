import TideCheckpoints

// The sessions' side of `LazyOperator`: `SessionPartition+Cold.swift` explains it.

extension SessionOperator: TimedOperator {
    static let timePart = 1

    /// Whether sessions that lie in runs are to be found by their time. Values that are kept one by one stay in memory,
    /// and so do sessions without a key beside them.
    var canKeepTimes: Bool { eventTime != nil && canLeaveMemory }
    private var canLeaveMemory: Bool { groupCount > 1 && accumulators.stores.isEmpty }

    public var readsLazily: Bool {
        canLeaveMemory && (eventTime == nil || times.isKept)
    }

    public func keepTimes() {
        guard canKeepTimes else { return }
        times.keep()
        for partition in partitions { partition.withLock { $0.keepsTimes = true } }
    }
    public var endedThrough: Int64? { times.endedThrough }
    public func setEnded(through time: Int64) { times.setEnded(through: time) }

    public func attach(_ state: ColdState, part: Int) {
        if part == 0 { cold.withLock { $0 = state } } else { times.attach(state) }
    }

    public func setRows(_ rows: Int) { openedRows.withLock { $0 = rows } }

    public func openCold() {
        guard let state = cold.withLock({ $0 }) else { return }
        for p in partitions.indices {
            partitions[p].withLock { $0.cold.formUnion(KeyGroupSet(in: state, partition: p, bits: bits)) }
        }
    }

    // MARK: What memory lacks

    func complete(_ partition: SessionPartition) throws(TidemillError) {
        if partition.partial.isEmpty { return }
        fetched.wrappingAdd(try partition.complete(try cold.runs(of: "sessions"), stored), ordering: .relaxed)
    }

    func resolve(_ partition: SessionPartition) throws(TidemillError) {
        if partition.unresolved.isEmpty { return }
        fetched.wrappingAdd(try partition.resolve(try cold.runs(of: "sessions"), stored), ordering: .relaxed)
    }

    /// Brings sessions into memory whose time has come, or their entry's.
    func load(_ p: Int, _ partition: SessionPartition, through limit: Int64) throws(TidemillError) {
        guard partition.keepsTimes else { return }
        let due = try times.pass(through: limit, partition: p, bits: bits, hasCold: !partition.cold.isEmpty)
        if due.isEmpty { return }
        fetched.wrappingAdd(try partition.load(due, try cold.runs(of: "sessions"), stored), ordering: .relaxed)
    }

    // MARK: Times in the checkpoint

    func timeChanges(partition p: Int) -> [Batch] {
        times.changes(partition: p) { partitions.map { $0.withLock { $0.timeChanges } } }
    }

    func restoreTimes(_ batch: Batch) {
        if !times.isKept { return }
        DueTimes.forEachEntry(of: batch) { entry in
            let p = bits == 0 ? 0 : Int(truncatingIfNeeded: entry.hash &>> UInt64(64 - bits))
            partitions[p].withLock { $0.restore(entry) }
        }
    }

    // MARK: Epochs and eviction

    public func endEpoch(partition p: Int, of epoch: Epoch) {
        partitions[p].withLock { $0.endEpoch(stamp: RowStamp.of(epoch)) }
        times.endEpoch()
        lateGroups.endEpoch()
    }

    public func evict(partition p: Int, bytes: Int, flushed: Epoch) -> Int {
        if !readsLazily { return 0 }
        let groups = KeyGroupSet.groups(ofPartition: p, bits: bits)
        return partitions[p].withLock { $0.evict(bytes: bytes, flushed: RowStamp.of(flushed), groups: groups) }
    }

    public var coldGroups: Int { partitions.reduce(0) { sum, p in sum + p.withLock { $0.cold.count } } }
    public var fetchedRows: Int { fetched.load(ordering: .relaxed) }
}
