import TideCheckpoints

// The sliding windows' side of `LazyOperator`: `PanePartition+Cold.swift` explains it.

extension PaneAggregateOperator: TimedOperator {
    /// Whether windows that lie in runs are to be found by the time at which they end. Without a key beside the window
    /// there are few panes, and they stay.
    var canKeepTimes: Bool { eventTime?.group != nil && groupCount > 1 }

    public var readsLazily: Bool { tracksKeys.load(ordering: .relaxed) }

    public func keepTimes() {
        guard groupCount > 1 else { return }
        tracksKeys.store(true, ordering: .relaxed)
        if canKeepTimes { times.keep() }
        for partition in partitions {
            partition.withLock {
                $0.tracksKeys = true
                $0.ends.isKept = canKeepTimes
            }
        }
    }
    public var endedThrough: Int64? { times.endedThrough }
    public func setEnded(through time: Int64) {
        times.setEnded(through: time)
        for partition in partitions { partition.withLock { $0.passed = time } }
    }

    public func attach(_ state: ColdState, part: Int) {
        if part > 0 { times.attach(state) } else { cold.withLock { $0 = state } }
    }

    public func openCold() {
        guard let state = cold.withLock({ $0 }) else { return }
        for p in partitions.indices {
            partitions[p].withLock {
                $0.isOpenedCold = true
                $0.cold.formUnion(KeyGroupSet(in: state, partition: p, bits: bits))
            }
        }
    }

    public func setRows(_ rows: Int) {
        let isCold = partitions[0].withLock { $0.isOpenedCold }
        // Windows that are all in memory are counted anew, when it is known which have ended.
        openedRows.withLock { $0 = isCold || !countsWindows ? rows : nil }
        for partition in partitions { partition.withLock { $0.panes.forgetLiveChange() } }
    }

    // MARK: What memory lacks

    func complete(_ partition: PanePartition) throws(TidemillError) {
        if !partition.isPartial { return }
        fetched.wrappingAdd(try partition.complete(cold.withLock { $0 }, stored), ordering: .relaxed)
    }

    func resolve(_ partition: PanePartition) throws(TidemillError) {
        if partition.unresolved.isEmpty { return }
        fetched.wrappingAdd(try partition.resolve(try cold.runs(of: "windows"), stored), ordering: .relaxed)
    }

    /// Brings keys into memory that have a window which ends by `limit`.
    func load(_ p: Int, _ partition: PanePartition, through limit: Int64) throws(TidemillError) {
        guard partition.ends.isKept else { return }
        let due = try times.pass(through: limit, partition: p, bits: bits, hasCold: !partition.cold.isEmpty)
        if due.isEmpty { return }
        fetched.wrappingAdd(try partition.load(due, try cold.runs(of: "windows"), stored), ordering: .relaxed)
    }

    func timeChanges(partition p: Int) -> [Batch] {
        times.changes(partition: p) { partitions.map { $0.withLock { $0.ends.changes } } }
    }

    // MARK: Eviction

    public func evict(partition p: Int, bytes: Int, flushed: Epoch) -> Int {
        if !readsLazily { return 0 }
        times.forgetLog(through: flushed)
        let groups = KeyGroupSet.groups(ofPartition: p, bits: bits)
        return partitions[p].withLock { $0.evict(bytes: bytes, flushed: RowStamp.of(flushed), groups: groups) }
    }

    var panesInMemory: Int { partitions.reduce(0) { sum, p in sum + p.withLock { $0.panes.table.count } } }
    /// Panes, where they can leave memory.
    public var rowsInMemory: Int { readsLazily ? panesInMemory : stateRows }
    public var coldGroups: Int { partitions.reduce(0) { sum, p in sum + p.withLock { $0.cold.count } } }
    public var fetchedRows: Int { fetched.load(ordering: .relaxed) }
}
