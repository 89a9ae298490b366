import TideCheckpoints

// Panes that lie in runs alone.
//
// Rows of a cold key that is not in memory begin panes as if the key were new. When the epoch's input is complete, what
// the runs have of such keys is fetched in one sorted pass and put beside or into what was begun.
//
// A key has one entry in `DueTimes`: the next end of a window that any of its panes belongs to. All panes that wait for
// that end share the entry, so it follows from the pane and the time passed, and nobody has to remember it. What ends
// by the time passed is gone, whatever the runs still show.

extension PanePartition {
    func touchKeys(
        _ rows: UnsafePointer<UnsafeMutableRawPointer>, _ n: Int, _ hashes: UnsafePointer<UInt64>,
        _ selection: UnsafePointer<UInt32>
    ) {
        for i in 0..<n { touchKey(rows[i], hashes[Int(selection[i])]) }
    }

    private func touchKey(_ key: UnsafeMutableRawPointer, _ hash: UInt64) {
        let mark = key.load(fromByteOffset: RowLayout.markOffset, as: UInt32.self)
        if mark & RowStamp.touchedBit != 0 { return }
        let index = UInt32(truncatingIfNeeded: touchedKeys.count)
        touchedKeys.append(key)
        setMark(key, index | RowStamp.touchedBit)
        if mark == 0 && cold.contains(Int(truncatingIfNeeded: hash &>> 56)) { unresolved.append(index) }
    }
    func setMark(_ key: UnsafeMutableRawPointer, _ mark: UInt32) {
        key.storeBytes(of: mark, toByteOffset: RowLayout.markOffset, as: UInt32.self)
    }

    /// Keys get their stamp; those without panes go.
    func endKeys(stamp: UInt32) {
        for key in touchedKeys {
            if link(key, keyValue) == nil { keys.remove(key) } else { setMark(key, stamp) }
        }
        touchedKeys.removeAll(keepingCapacity: true)
        ends.endEpoch(stamp: stamp)
    }

    // MARK: Entries

    /// A pane whose next window ends by `limit` waits for the one after it. Its key stays until the runs have the new
    /// entry.
    func noteEnd(of pane: UnsafeMutableRawPointer, through limit: Int64) {
        let start = start(of: pane)
        guard let key = key(of: pane), let end = windows.firstEnd(ofPane: start, after: passed), end <= limit
        else { return }
        let hash = keys.hash(of: key)
        touchKey(key, hash)
        ends.note(end, hash: hash, isLive: false)
        if let next = windows.firstEnd(ofPane: start, after: limit) { ends.note(next, hash: hash, isLive: true) }
    }

    /// Entries of panes that the epoch began, once it is known what it ends.
    func makeEntries(through limit: Int64) {
        guard ends.isKept else { return }
        let offset = panes.table.layout.valueOffset
        func note(_ pane: UnsafeMutableRawPointer) {
            guard let key = key(of: pane), let end = windows.firstEnd(ofPane: start(of: pane), after: limit)
            else { return }
            ends.note(end, hash: keys.hash(of: key), isLive: true)
        }
        for (index, pane) in panes.touched.enumerated()
        where panes.areaBefore(index).load(as: Int64.self) <= 0 && (pane + offset).load(as: Int64.self) > 0 {
            note(pane)
        }
        if ends.needsListing {
            panes.table.forEachRow(note)
            ends.didList()
        }
    }

    // MARK: What memory lacks

    /// Adds what the runs hold of the keys that were begun without it.
    /// - Returns: rows read.
    func resolve(_ runs: ColdState, _ stored: StoredWindows) throws(TidemillError) -> Int {
        let pending = Set(unresolved.map { touchedKeys[Int($0)] })
        unresolved.removeAll(keepingCapacity: true)
        guard let batch = try stored.fetch(pending.map { keys.hash(of: $0) }, runs) else { return 0 }
        var starts: [UnsafeMutableRawPointer: [Int64]] = [:]
        let found = batch.keyRows(in: keys)
        for row in 0..<batch.count {
            // Another key with the same hash, or one that memory has in a newer state.
            guard let key = found[row], pending.contains(key), isOpen(batch, row) else { continue }
            starts[key, default: []].append(batch.starts[row])
            try join(batch, row, key)
        }
        for (key, own) in starts { setCounted(key, windows.count(of: own.sorted(), after: passed)) }
        return batch.count
    }

    /// Brings keys of which something is due into memory, if they are not there.
    /// - Parameter due: ordered by hash.
    func load(
        _ due: ArraySlice<DueTimes.Due>, _ runs: ColdState, _ stored: StoredWindows
    ) throws(TidemillError) -> Int {
        refresh()
        var missing: [UInt64] = []
        for entry in due where cold.contains(Int(truncatingIfNeeded: entry.hash &>> 56)) {
            // A key in memory is there with all its panes.
            var isKnown = false
            keys.forEachRow(ofHash: entry.hash) { _ in isKnown = true }
            if !isKnown { missing.append(entry.hash) }
        }
        guard let batch = try stored.fetch(missing, runs) else { return 0 }
        // All are looked up before any is inserted.
        let known = batch.keyRows(in: keys)
        var loaded: Set<UnsafeMutableRawPointer> = []
        for row in 0..<batch.count where known[row] == nil && isOpen(batch, row) {
            let key = batch.insertKey(row, into: keys)
            setMark(key, RowStamp.clean)
            loaded.insert(key)
            try join(batch, row, key)
        }
        for key in loaded { setCounted(key, windows.count(of: panes(of: key).map(\.start), after: passed)) }
        return batch.count
    }

    /// Keys that came back from the log get their other panes. Before anything else is done to them.
    func complete(_ runs: ColdState?, _ stored: StoredWindows) throws(TidemillError) -> Int {
        isPartial = false
        var hashes: [UInt64] = []
        keys.forEachRow { hashes.append(keys.hash(of: $0)) }
        var read = 0
        if let runs, let batch = try stored.fetch(hashes, runs) {
            read = batch.count
            let found = batch.keyRows(in: keys)
            let known = batch.windowRows(in: panes.table)
            for row in 0..<batch.count where known[row] == nil && isOpen(batch, row) {
                if let key = found[row] { try join(batch, row, key) }
            }
        }
        keys.forEachRow { setCounted($0, windows.count(of: panes(of: $0).map(\.start), after: passed)) }
        indexIsStale = endsWindows
        return read
    }

    private func isOpen(_ batch: StoredWindows.Rows, _ row: Int) -> Bool {
        windows.lastEnd(ofPane: batch.starts[row]) > passed
    }

    /// A stored pane becomes one of its key's, or part of the one that the epoch has begun in its place.
    private func join(
        _ batch: StoredWindows.Rows, _ row: Int, _ key: UnsafeMutableRawPointer
    ) throws(TidemillError) {
        let pane = batch.insertWindow(row, into: panes.table)
        let area = pane + panes.table.layout.valueOffset
        if self.key(of: pane) == nil {
            try accumulators.store(batch.batch, firstSlot: batch.firstSlot, row: row, into: area, panes)
            return begin(pane, of: key)
        }
        let mark = pane.load(fromByteOffset: RowLayout.markOffset, as: UInt32.self)
        let position = Int(mark & ~RowStamp.touchedBit)
        let before = panes.areaBefore(position)
        try accumulators.store(batch.batch, firstSlot: batch.firstSlot, row: row, into: before, panes)
        panes.noteSums(ofCopy: position)
        accumulators.combine(before, into: area, panes)
    }

    // MARK: Eviction

    /// Takes clean keys with all their panes out, those that were not touched for longest first, until about `bytes`
    /// are free.
    func evict(bytes: Int, flushed: UInt32, groups: Range<Int>) -> Int {
        if keys.count == 0 || isPartial || (endsWindows && !ends.allowEviction(flushed)) { return 0 }
        let table = panes.table
        let keyBytes = keys.layout.stride + table.layout.stride * table.count / keys.count
        let oldest = hand.stamp((bytes + keyBytes - 1) / keyBytes, of: keys, flushed: flushed, groups: groups)
        var gone: [UnsafeMutableRawPointer] = []
        var goneKeys = 0
        for group in groups {
            let count = keys.removeRows(ofKeyGroup: group) { key in
                let mark = key.load(fromByteOffset: RowLayout.markOffset, as: UInt32.self)
                guard RowStamp.isClean(mark, through: oldest) else { return false }
                forEachPane(of: key) { gone.append($0) }
                return true
            }
            if count > 0 { cold.insert(group) }
            goneKeys += count
        }
        for pane in gone {
            setLink(pane, tail + 16, nil)
            panes.release(pane + table.layout.valueOffset)
        }
        gone.withUnsafeBufferPointer { if let base = $0.baseAddress { table.remove(base, count: $0.count) } }
        if goneKeys > 0 {
            if keys.freeRows * 8 > keys.count { compactKeys() }
            if table.freeRows * 8 > table.count { compactPanes() }
            (endings, indexIsStale) = (EvictionIndex(), endsWindows)
            panes.shrinkScratch()
            ends.shrink()
            if touchedKeys.capacity > 1 << 16 { touchedKeys = [] }
        }
        return goneKeys * keys.layout.stride + gone.count * table.layout.stride
    }

    private func compactKeys() {
        keys.compact { (_, new) in forEachPane(of: new) { setLink($0, tail + 16, new) } }
    }
    private func compactPanes() {
        panes.table.compact { (_, new) in
            // Neighbours that have moved before said so in the row that moves now.
            if let next = link(new, tail) { setLink(next, tail + 8, new) }
            if let previous = link(new, tail + 8) {
                setLink(previous, tail, new)
            } else if let key = key(of: new) {
                setLink(key, keyValue, new)
            }
        }
        panes.reclaimExtremes()
    }
}
