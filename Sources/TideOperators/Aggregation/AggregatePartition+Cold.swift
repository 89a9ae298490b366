import Glibc
import TideCheckpoints

// Groups that lie in runs alone.
//
// A group of a cold key group that is not in memory starts with zero accumulators, as a difference to what the runs
// have. When the epoch's input is complete, the rows of the runs are fetched, all in one sorted pass, and added: that
// is cheaper than a read per batch, and input that comes in a million small batches costs the same.

extension AggregatePartition {
    /// Adds what the runs hold to the groups that were begun without it.
    /// - Returns: rows read.
    func resolve(_ cold: ColdState, groupCount: Int) throws(TidemillError) -> Int {
        if unresolved.isEmpty { return 0 }
        let rows = unresolved.map { touched[Int($0)] }
        let hashes = hashesOfRows(rows, groupCount)
        var distinct = hashes.sorted()
        distinct.removeDuplicates()
        let base = try cold.fetch(distinct)
        if let base { try addBase(base, groupCount) }
        unresolved.removeAll(keepingCapacity: true)
        return base?.count ?? 0
    }

    private func hashesOfRows(_ rows: [UnsafeMutableRawPointer], _ groupCount: Int) -> [UInt64] {
        let heap = table.arena.heap()
        let buffer = rows.withUnsafeBufferPointer { pointers in
            let columns = (0..<groupCount).map { key in
                // Not empty: the caller has looked.
                table.keyColumn(
                    key, of: pointers.baseAddress.unsafelyUnwrapped, count: rows.count,
                    as: table.layout.keyTypes[key], heap: heap)
            }
            return hashRows(columns, count: rows.count)
        }
        // Read after its last mention, so it is held until then.
        defer { withExtendedLifetime(buffer) {} }
        return Array(UnsafeBufferPointer(start: buffer.pointer(UInt64.self), count: rows.count))
    }

    private func addBase(_ base: Batch, _ groupCount: Int) throws(TidemillError) {
        var isPending = [Bool](repeating: false, count: touched.count)
        for index in unresolved { isPending[Int(index)] = true }
        let keys = KeyImages(Array(base.columns[2..<(2 + groupCount)]), count: base.count, layout: table.layout)
        let found = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: base.count)
        defer { found.deallocate() }
        table.find(keys, selection: nil, count: base.count, into: found)
        for i in 0..<base.count {
            // Another key with the same hash, or a row that memory has in a newer state.
            guard let row = found[i] else { continue }
            let mark = row.load(fromByteOffset: RowLayout.markOffset, as: UInt32.self)
            guard mark & RowStamp.touchedBit != 0 else { continue }
            let index = Int(mark & ~RowStamp.touchedBit)
            guard isPending[index] else { continue }
            let before = areaBefore(index)
            try accumulators.store(base, firstSlot: 2 + groupCount, row: i, into: before, self)
            noteSums(ofCopy: index)
            accumulators.combine(before, into: row + table.layout.valueOffset, self)
        }
    }

    // MARK: Eviction

    /// Takes clean rows out, those that were not touched for longest first, until about `bytes` are free.
    ///
    /// Rows go from all over the table. Whole key groups were tried: slots are in hash order, so what stayed crowded
    /// into a few ranges of slots, and a load that takes 13 s without a limit took 213.
    func evict(bytes: Int, flushed: UInt32, groups: Range<Int>) -> Int {
        if endingGroup != nil && !ends.allowEviction(flushed) { return 0 }
        let rows = (bytes + table.layout.stride - 1) / table.layout.stride
        let oldest = hand.stamp(rows, of: table, flushed: flushed, groups: groups)
        var gone = 0
        for group in groups { gone += evict(group: group, through: oldest, flushed: flushed) }
        if gone > 0 {
            if table.freeRows * 8 > table.count { table.compact() }
            if endingGroup != nil { (endings, indexIsStale) = (EvictionIndex(), true) }
            reclaimExtremes()
        }
        return gone * table.layout.stride
    }

    private func evict(group: Int, through oldest: UInt32, flushed: UInt32) -> Int {
        // A row that was deleted and forgotten may still stand in a run, until its deletion does.
        guard lastRemoval(group) <= flushed else { return 0 }
        let valueOffset = table.layout.valueOffset
        let gone = table.removeRows(ofKeyGroup: group) { row in
            let mark = row.load(fromByteOffset: RowLayout.markOffset, as: UInt32.self)
            guard RowStamp.isClean(mark, through: oldest) else { return false }
            if mark & RowStamp.deadBit != 0 { deadRows -= 1 }
            release(row + valueOffset)
            return true
        }
        if gone > 0 { cold.insert(group) }
        return gone
    }
}

extension Array where Element: Equatable {
    /// Of neighbours that are equal the first stays.
    mutating func removeDuplicates() {
        var kept = 0
        for index in indices where index == 0 || self[index] != self[kept - 1] {
            self[kept] = self[index]
            kept += 1
        }
        removeLast(count - kept)
    }
}
