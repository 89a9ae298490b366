import Glibc
import TideCheckpoints

// Sessions that lie in runs alone.
//
// Rows of a cold key that is not in memory make sessions among themselves, as if the key were new. When the epoch's
// input is complete, what the runs have of such keys is fetched in one sorted pass, and each stored session is united
// with those it touches: the order in which windows are united does not matter.

extension SessionPartition {
    /// Adds what the runs hold of the keys that were begun without it.
    /// - Returns: rows read.
    func resolve(_ runs: ColdState, _ stored: StoredWindows) throws(TidemillError) -> Int {
        if unresolved.isEmpty { return 0 }
        var isPending = [Bool](repeating: false, count: touchedKeys.count)
        for index in unresolved { isPending[Int(index)] = true }
        let hashes = unresolved.map { keys.hash(of: touchedKeys[Int($0)]) }
        unresolved.removeAll(keepingCapacity: true)
        guard let batch = try stored.fetch(hashes, runs) else { return 0 }
        let found = batch.keyRows(in: keys)
        for row in 0..<batch.count {
            // Another key with the same hash, or one that memory has in a newer state.
            guard let key = found[row] else { continue }
            let mark = key.load(fromByteOffset: RowLayout.markOffset, as: UInt32.self)
            guard mark & RowStamp.touchedBit != 0, isPending[Int(mark & ~RowStamp.touchedBit)] else { continue }
            try unite(batch, row, key)
        }
        return batch.count
    }

    /// Brings keys of which something is due into memory, if they are not there.
    /// - Parameter due: ordered by hash.
    func load(
        _ due: ArraySlice<DueTimes.Due>, _ runs: ColdState, _ stored: StoredWindows
    ) throws(TidemillError) -> Int {
        var missing: [UInt64] = []
        for entry in due where cold.contains(Int(truncatingIfNeeded: entry.hash &>> 56)) {
            // A key in memory is there with all its sessions.
            var isKnown = false
            forEachSession(withHash: entry.hash, around: entry.time) { _ in isKnown = true }
            if !isKnown { missing.append(entry.hash) }
        }
        var read = 0
        if let batch = try stored.fetch(missing, runs) {
            read = batch.count
            // All are looked up before any is inserted.
            let known = batch.keyRows(in: keys)
            for row in 0..<batch.count where known[row] == nil {
                let key = batch.insertKey(row, into: keys)
                setMark(key, RowStamp.clean)
                try unite(batch, row, key)
            }
        }
        for entry in due {
            var passed: [UnsafeMutableRawPointer] = []
            forEachSession(withHash: entry.hash, around: entry.time) { session in
                if self.entry(session) == SessionEntry.inRuns { passed.append(session) }
            }
            for session in passed { askForEntry(session) }
        }
        return read
    }

    /// Keys of cold groups that came back from the log get their other sessions. Before anything else is done to them.
    func complete(_ runs: ColdState, _ stored: StoredWindows) throws(TidemillError) -> Int {
        if partial.isEmpty { return 0 }
        let own = Set(partial)
        let hashes = own.map { keys.hash(of: $0) }
        var read = 0
        if let batch = try stored.fetch(hashes, runs) {
            read = batch.count
            let found = batch.keyRows(in: keys)
            let rows = batch.windowRows(in: sessions.table)
            for row in 0..<batch.count {
                // What the log has, deleted or not, is newer.
                guard let key = found[row], own.contains(key), rows[row] == nil else { continue }
                try unite(batch, row, key)
            }
        }
        for row in Set(partialDead) where state(row) == State.none { sessions.table.remove(row) }
        partial = []
        partialDead = []
        indexIsStale = true
        return read
    }

    /// A stored session becomes part of its key's list, united with those of this epoch that it touches.
    private func unite(
        _ batch: StoredWindows.Rows, _ index: Int, _ key: UnsafeMutableRawPointer
    ) throws(TidemillError) {
        let row = batch.insertWindow(index, into: sessions.table)
        let offset = sessions.table.layout.valueOffset
        let end = batch.ends[index]
        if state(row) == State.none {
            try accumulators.store(
                batch.batch, firstSlot: batch.firstSlot, row: index, into: row + offset, sessions)
            setMark(row, RowStamp.clean)
            setEntry(row, SessionEntry.inRuns)
            enlist(row, key: key, end: end)
            expect(row, at: end)
            return uniteNeighbours(of: row, key)
        }
        // This epoch has begun one with the same start, which may be part of another by now.
        let mark = row.load(fromByteOffset: RowLayout.markOffset, as: UInt32.self)
        let position = Int(mark & ~RowStamp.touchedBit)
        let before = sessions.areaBefore(position)
        try accumulators.store(batch.batch, firstSlot: batch.firstSlot, row: index, into: before, sessions)
        setEnd(ofArea: before, end)
        sessions.noteSums(ofCopy: position)
        var session = row
        while state(session) == State.merged, let next = owner(session) { session = next }
        accumulators.combine(before, into: session + offset, sessions)
        if end > self.end(of: session) { setEnd(session, end) }
        if entry(session) == SessionEntry.none { setEntry(session, SessionEntry.inRuns) }
        uniteNeighbours(of: session, key)
    }

    /// Of the sessions in a key's list only one may touch others: those become part of the earliest.
    private func uniteNeighbours(of session: UnsafeMutableRawPointer, _ key: UnsafeMutableRawPointer) {
        var earliest = session
        var others: [UnsafeMutableRawPointer] = []
        forEachSession(of: key) { other in
            if other == session || start(of: other) > end(of: session) || end(of: other) < start(of: session) { return }
            if start(of: other) < start(of: earliest) {
                others.append(earliest)
                earliest = other
            } else {
                others.append(other)
            }
        }
        if others.isEmpty { return }
        touch(earliest)
        absorb(others, into: earliest)
    }

    // MARK: Eviction

    /// Takes clean keys with all their sessions out, those that were not touched for longest first, until about `bytes`
    /// are free.
    func evict(bytes: Int, flushed: UInt32, groups: Range<Int>) -> Int {
        // A session without an entry would not be found again.
        if keys.count == 0 || hasUnlisted { return 0 }
        let table = sessions.table
        let keyBytes = keys.layout.stride + table.layout.stride * table.count / keys.count
        let oldest = hand.stamp(
            (bytes + keyBytes - 1) / keyBytes, of: keys, flushed: flushed, groups: groups)
        var gone: [UnsafeMutableRawPointer] = []
        var goneKeys = 0
        for group in groups where lastRemoval[group & (lastRemoval.count - 1)] <= flushed {
            let count = keys.removeRows(ofKeyGroup: group) { key in
                let mark = key.load(fromByteOffset: RowLayout.markOffset, as: UInt32.self)
                guard RowStamp.isClean(mark, through: oldest) else { return false }
                forEachSession(of: key) { gone.append($0) }
                return true
            }
            if count > 0 { cold.insert(group) }
            goneKeys += count
        }
        for row in gone { sessions.release(row + table.layout.valueOffset) }
        gone.withUnsafeBufferPointer { if let base = $0.baseAddress { table.remove(base, count: $0.count) } }
        if goneKeys > 0 {
            if keys.freeRows * 8 > keys.count { compactKeys() }
            if table.freeRows * 8 > table.count { compactSessions() }
            indexIsStale = endsSessions
            endings = TimeIndex()
            sessions.shrinkScratch()
            shrinkScratch(above: 1 << 16)
        }
        return goneKeys * keys.layout.stride + gone.count * table.layout.stride
    }
}
