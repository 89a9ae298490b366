import Synchronization
import TideCheckpoints

// The aggregate's side of `LazyOperator`.

extension AggregateOperator: LazyOperator {
    /// One group is always in memory; so are groups that end, since the index of their ends names their rows, and
    /// groups whose values are kept one by one.
    public var readsLazily: Bool { groupCount > 0 && eventTime == nil && accumulators.stores.isEmpty }

    public func attach(_ state: ColdState, part: Int) { cold.withLock { $0 = state } }

    public func setRows(_ rows: Int) { openedRows.withLock { $0 = rows } }

    public func openCold() {
        guard let state = cold.withLock({ $0 }) else { return }
        for p in partitions.indices {
            partitions[p].withLock { $0.cold.formUnion(KeyGroupSet(in: state, partition: p, bits: bits)) }
        }
    }

    /// Called once per partition and epoch, by the worker that finishes it.
    func resolve(_ partition: AggregatePartition) throws(TidemillError) {
        if partition.unresolved.isEmpty { return }
        guard let state = cold.withLock({ $0 }) else {
            throw .internal("rows of a cold key group without runs to read them from")
        }
        let rows = try partition.resolve(state, groupCount: groupCount)
        fetched.wrappingAdd(rows, ordering: .relaxed)
    }

    public func endEpoch(partition p: Int, of epoch: Epoch) {
        let keeps = groupCount == 0
        partitions[p].withLock { partition in
            partition.endEpoch(keepsEmptyGroup: keeps, stamp: RowStamp.of(epoch))
            partition.settle()
        }
        if eventTime != nil { lateGroups.endEpoch() }
    }

    public func evict(partition p: Int, bytes: Int, flushed: Epoch) -> Int {
        if !readsLazily { return 0 }
        let groups = KeyGroupSet.groups(ofPartition: p, bits: bits)
        return partitions[p].withLock { partition in
            partition.shrinkScratch()
            return partition.evict(bytes: bytes, flushed: RowStamp.of(flushed), groups: groups)
        }
    }

    public var coldGroups: Int { partitions.reduce(0) { sum, p in sum + p.withLock { $0.cold.count } } }
    public var fetchedRows: Int { fetched.load(ordering: .relaxed) }
}
