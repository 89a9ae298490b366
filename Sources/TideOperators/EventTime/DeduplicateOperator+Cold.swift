import TideCheckpoints

// Keys that are remembered for ever need not be in memory. They never change and never go, so the runs and memory
// cannot disagree: before an epoch's rows are looked at, those of their keys that memory lacks are read from the runs,
// in one sorted pass per partition.

extension DeduplicateOperator: LazyOperator {
    /// Keys that the watermark ends are in memory: the index of their ends names their rows.
    public var readsLazily: Bool { !keys.isEmpty && delayMicros == nil && timeKey == nil }

    public func attach(_ state: ColdState, part: Int) { cold.withLock { $0 = state } }

    public func setRows(_ rows: Int) {
        openedRows.withLock { $0 = rows }
        for partition in partitions { partition.withLock { $0.added = 0 } }
    }

    public func openCold() {
        guard let state = cold.withLock({ $0 }) else { return }
        for p in partitions.indices {
            partitions[p].withLock { $0.cold.formUnion(KeyGroupSet(in: state, partition: p, bits: bits)) }
        }
    }

    /// Brings those keys of the rows into memory that runs have and memory has not.
    func fetch(_ batches: [Batch], _ partition: Partition) throws(TidemillError) {
        if partition.cold.isEmpty { return }
        guard let state = cold.withLock({ $0 }) else {
            throw .internal("keys of a cold key group without runs to read them from")
        }
        var missing: [UInt64] = []
        for batch in batches {
            let n = batch.count
            let images = KeyImages(keys.map { batch.columns[$0] }, count: n, layout: layout)
            let hashes = images.hashes.pointer(UInt64.self)
            withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer?.self, capacity: max(1, n)) { found in
                guard let base = found.baseAddress else { return }
                partition.table.find(images, selection: nil, count: n, into: base)
                for row in 0..<n where base[row] == nil && partition.cold.contains(Int(hashes[row] >> 56)) {
                    missing.append(hashes[row])
                }
            }
        }
        if missing.isEmpty { return }
        missing.sort()
        missing.removeDuplicates()
        guard let known = try state.fetch(missing) else { return }
        fetched.wrappingAdd(known.count, ordering: .relaxed)
        remember(known, partition)
    }

    /// Rows that the runs hold as they are; some may be of other keys with the same hash.
    private func remember(_ known: Batch, _ partition: Partition) {
        let n = known.count
        let images = KeyImages(Array(known.columns[2..<(2 + keyTypes.count)]), count: n, layout: layout)
        withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: n) { found in
            guard let base = found.baseAddress else { return }
            partition.table.findOrInsert(images, selection: nil, count: n, into: base)
            for i in 0..<n where base[i].load(fromByteOffset: layout.valueOffset + 8, as: UInt64.self) == 0 {
                base[i].storeBytes(of: Int64.max, toByteOffset: layout.valueOffset, as: Int64.self)
                base[i].storeBytes(of: 1, toByteOffset: layout.valueOffset + 8, as: UInt64.self)
                base[i].storeBytes(of: RowStamp.clean, toByteOffset: RowLayout.markOffset, as: UInt32.self)
            }
        }
    }

    public func evict(partition p: Int, bytes: Int, flushed: Epoch) -> Int {
        if !readsLazily { return 0 }
        let groups = KeyGroupSet.groups(ofPartition: p, bits: bits)
        let flushed = RowStamp.of(flushed)
        return partitions[p].withLock { partition in
            let table = partition.table
            let rows = (bytes + layout.stride - 1) / layout.stride
            let oldest = partition.hand.stamp(rows, of: table, flushed: flushed, groups: groups)
            var gone = 0
            for group in groups {
                let count = table.removeRows(ofKeyGroup: group) { row in
                    RowStamp.isClean(row.load(fromByteOffset: RowLayout.markOffset, as: UInt32.self), through: oldest)
                }
                if count > 0 { partition.cold.insert(group) }
                gone += count
            }
            if gone > 0, table.freeRows * 8 > table.count { table.compact() }
            return gone * layout.stride
        }
    }

    public var coldGroups: Int { partitions.reduce(0) { sum, p in sum + p.withLock { $0.cold.count } } }
    public var fetchedRows: Int { fetched.load(ordering: .relaxed) }
}
