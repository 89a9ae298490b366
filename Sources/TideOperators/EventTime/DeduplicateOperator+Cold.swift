import TideCheckpoints

// Keys that are remembered need not be in memory. A key never changes before it goes, so the runs and memory cannot
// disagree: before an epoch's rows are looked at, those of their keys that memory lacks are read from the runs, in one
// sorted pass per partition. What ends by the time passed is gone, though runs may show it.

extension DeduplicateOperator: TimedOperator {
    /// Whether keys that lie in runs are to be found by the time at which they are forgotten.
    var canKeepTimes: Bool { !keys.isEmpty && (delayMicros != nil || timeKey != nil) }

    public var readsLazily: Bool { !keys.isEmpty && (times.isKept || !canKeepTimes) }

    public func keepTimes() {
        guard canKeepTimes else { return }
        times.keep()
        for partition in partitions { partition.withLock { $0.ends.isKept = true } }
    }
    public var endedThrough: Int64? { times.endedThrough }
    public func setEnded(through time: Int64) { times.setEnded(through: time) }

    public func attach(_ state: ColdState, part: Int) {
        if part > 0 { times.attach(state) } else { cold.withLock { $0 = state } }
    }

    public func setRows(_ rows: Int) {
        openedRows.withLock { $0 = rows }
        for partition in partitions { partition.withLock { $0.liveChange = 0 } }
    }

    public func openCold() {
        guard let state = cold.withLock({ $0 }) else { return }
        for p in partitions.indices {
            partitions[p].withLock { $0.cold.formUnion(KeyGroupSet(in: state, partition: p, bits: bits)) }
        }
    }

    // MARK: What memory lacks

    /// Brings those keys of the rows into memory that runs have and memory has not.
    func fetch(_ batches: [Batch], _ partition: Partition) throws(TidemillError) {
        if partition.cold.isEmpty { return }
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
        missing.sort()
        try remember(missing, partition)
    }

    /// Brings keys into memory that are forgotten by `limit`.
    func load(_ p: Int, _ partition: Partition, through limit: Int64) throws(TidemillError) {
        guard partition.ends.isKept else { return }
        let due = try times.pass(through: limit, partition: p, bits: bits, hasCold: !partition.cold.isEmpty)
        var missing: [UInt64] = []
        for entry in due where partition.cold.contains(Int(truncatingIfNeeded: entry.hash &>> 56)) {
            var isKnown = false
            partition.table.forEachRow(ofHash: entry.hash) { row in
                if row.load(fromByteOffset: layout.valueOffset, as: Int64.self) == entry.time { isKnown = true }
            }
            if !isKnown { missing.append(entry.hash) }
        }
        try remember(missing, partition)
    }

    /// - Parameter hashes: ascending.
    private func remember(_ hashes: [UInt64], _ partition: Partition) throws(TidemillError) {
        if hashes.isEmpty { return }
        let state = try cold.runs(of: "keys")
        var distinct = hashes
        distinct.removeDuplicates()
        for start in stride(from: 0, to: distinct.count, by: DeduplicateOperator.loadRows) {
            let some = Array(distinct[start..<min(start + DeduplicateOperator.loadRows, distinct.count)])
            guard let known = try state.fetch(some) else { continue }
            fetched.wrappingAdd(known.count, ordering: .relaxed)
            remember(known, partition)
        }
    }
    private static let loadRows = 1 << 16

    /// Rows that the runs hold as they are; some may be of other keys with the same hash.
    private func remember(_ known: Batch, _ partition: Partition) {
        let passed = times.isKept ? times.endedBefore : .min
        let ends = known.columns[2 + keyTypes.count].pointer(Int64.self)
        let alive = (0..<known.count).lazy.filter { ends[$0] > passed }.map { UInt32($0) }
        let selection = Array(alive)
        let images = KeyImages(Array(known.columns[2..<(2 + keyTypes.count)]), count: known.count, layout: layout)
        withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: max(1, selection.count)) { found in
            guard let base = found.baseAddress else { return }
            selection.withUnsafeBufferPointer {
                partition.table.findOrInsert(images, selection: $0.baseAddress, count: $0.count, into: base)
            }
            for (i, row) in selection.enumerated()
            where base[i].load(fromByteOffset: RowLayout.markOffset, as: UInt32.self) == 0 {
                let end = ends[Int(row)]
                base[i].storeBytes(of: end, toByteOffset: layout.valueOffset, as: Int64.self)
                base[i].storeBytes(of: 1, toByteOffset: layout.valueOffset + 8, as: UInt64.self)
                base[i].storeBytes(of: RowStamp.clean, toByteOffset: RowLayout.markOffset, as: UInt32.self)
                if end != .max { partition.index.add(base[i], at: end) }
            }
        }
    }

    // MARK: Times in the checkpoint

    /// What the epoch changed of the times at which keys are forgotten, once it is known which it forgot.
    func makeEntries(_ partition: Partition) {
        func note(_ row: UnsafeMutableRawPointer, isLive: Bool) {
            let end = row.load(fromByteOffset: layout.valueOffset, as: Int64.self)
            if end != .max { partition.ends.note(end, hash: partition.table.hash(of: row), isLive: isLive) }
        }
        func isLive(_ row: UnsafeMutableRawPointer) -> Bool {
            row.load(fromByteOffset: layout.valueOffset + 8, as: UInt64.self) != 0
        }
        for row in partition.touched { note(row, isLive: isLive(row)) }
        if !partition.ends.needsListing { return }
        partition.table.forEachRow { if isLive($0) { note($0, isLive: true) } }
        partition.ends.didList()
    }

    func timeChanges(partition p: Int) -> [Batch] {
        times.changes(partition: p) { partitions.map { $0.withLock { $0.ends.changes } } }
    }

    // MARK: Eviction

    public func evict(partition p: Int, bytes: Int, flushed: Epoch) -> Int {
        if !readsLazily { return 0 }
        times.forgetLog(through: flushed)
        let groups = KeyGroupSet.groups(ofPartition: p, bits: bits)
        let flushed = RowStamp.of(flushed)
        return partitions[p].withLock { partition in
            if canKeepTimes && !partition.ends.allowEviction(flushed) { return 0 }
            partition.ends.shrink()
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
            if gone > 0 {
                if table.freeRows * 8 > table.count { table.compact() }
                if canKeepTimes { (partition.index, partition.indexIsStale) = (EvictionIndex(), true) }
            }
            return gone * layout.stride
        }
    }

    public var coldGroups: Int { partitions.reduce(0) { sum, p in sum + p.withLock { $0.cold.count } } }
    public var fetchedRows: Int { fetched.load(ordering: .relaxed) }
}
