import Glibc

/// The sessions of one partition's keys.
///
///     keys:     key row, its mark a `RowStamp` | first session, address |
///     sessions: (key, start) row | accumulators | end | next | previous | key row or successor, and state | entry |
///
/// Sessions of one key form a doubly linked list and never touch. A session that grows at its end stays where it is;
/// one that grows at its start, or is swallowed by an earlier one, hands its accumulators to the session that takes
/// over and remembers it as its successor until the epoch ends.
///
/// A key is in memory with all its sessions or with none; its stamp is that of the latest change of any of them. Of a
/// cold key group a key whose sessions have all gone stays until the runs know that too. `SessionPartition+Cold.swift`
/// has what lies in runs alone, `SessionPartition+Times.swift` how sessions end.
final class SessionPartition {
    let keys: RowTable
    let sessions: AggregatePartition
    let accumulators: AccumulatorLayout
    private let tail: Int
    private let keyValue: Int
    private let startOffset: Int
    /// Position of the session among the groups.
    let session: Int
    /// Addresses of sessions, to look at when their time has come: hints, never behind a session's entry or end.
    var endings = TimeIndex()
    var indexIsStale = false
    /// Whether sessions end at all.
    let endsSessions: Bool

    // Where state has a limit: see `SessionPartition+Times.swift`.
    var keepsTimes = false
    var timeChanges: [DueTimes.Entry] = []
    /// Entries, by the key's hash, of sessions that others have taken over.
    var strays = TimeIndex()
    /// Sessions came back of which it is not known whether they have an entry.
    var hasUnlisted = false

    // Where rows may lie in runs alone: see `SessionPartition+Cold.swift`.
    var cold = KeyGroupSet()
    var hand = EvictionHand()
    /// Per key group the stamp of the last key that was forgotten.
    var lastRemoval: [UInt32]
    /// Keys that the epoch touched, and their key groups; a key's mark is its position and `touchedBit`.
    var touchedKeys: [UnsafeMutableRawPointer] = []
    var touchedGroups: [UInt8] = []
    /// What they and `timeChanges` have room for from earlier epochs.
    private var touchedMost = 0
    private var timeChangesMost = 0
    /// Positions among `touchedKeys` of keys that were begun without what the runs may have.
    var unresolved: [UInt32] = []
    /// Keys of cold groups that came back from the log: the runs may have more of their sessions.
    var partial: [UnsafeMutableRawPointer] = []
    /// Rows of theirs that the log deleted.
    var partialDead: [UnsafeMutableRawPointer] = []

    /// end, next, previous, key or successor with the state in its lowest bits, entry
    static let tailBytes = 40
    enum State {
        static let none: UInt = 0
        static let open: UInt = 1
        static let merged: UInt = 2
    }
    /// Rows lie at multiples of 8.
    private static let stateMask: UInt = 7

    /// - Parameters:
    ///   - layout: rows of sessions: the keys in their order, `start` in the session's place, `tailBytes` more than the
    ///     accumulators need.
    init(
        keyLayout: RowLayout, layout: RowLayout, accumulators: AccumulatorLayout, session: Int, leadBits: Int,
        endsSessions: Bool
    ) {
        self.endsSessions = endsSessions
        lastRemoval = Array(repeating: 0, count: KeyGroup.count >> leadBits)
        keys = RowTable(layout: keyLayout, leadBits: leadBits)
        // Sessions are hashed by key and start, whose leading bits are spread.
        sessions = AggregatePartition(layout: layout, accumulators: accumulators, leadBits: 0)
        self.accumulators = accumulators
        tail = layout.valueOffset + accumulators.valueBytes
        keyValue = keyLayout.valueOffset
        startOffset = layout.keyOffsets[session]
        self.session = session
        // A session's values stand where the session does: by its key without the start.
        for rows in sessions.values { rows.hashedKeys = layout.keyTypes.indices.filter { $0 != session } }
    }

    func start(of row: UnsafeMutableRawPointer) -> Int64 {
        row.loadUnaligned(fromByteOffset: startOffset, as: Int64.self)
    }
    func end(of row: UnsafeMutableRawPointer) -> Int64 { row.load(fromByteOffset: tail, as: Int64.self) }
    /// The same, of a copy of a value area.
    func end(ofArea area: UnsafeMutableRawPointer) -> Int64 {
        area.load(fromByteOffset: accumulators.valueBytes, as: Int64.self)
    }
    func setEnd(_ row: UnsafeMutableRawPointer, _ end: Int64) {
        row.storeBytes(of: end, toByteOffset: tail, as: Int64.self)
    }
    /// The same, of a copy of a value area.
    func setEnd(ofArea area: UnsafeMutableRawPointer, _ end: Int64) {
        area.storeBytes(of: end, toByteOffset: accumulators.valueBytes, as: Int64.self)
    }
    private func address(_ row: UnsafeMutableRawPointer, _ field: Int) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: row.load(fromByteOffset: tail + field, as: UInt.self))
    }
    private func setAddress(_ row: UnsafeMutableRawPointer, _ field: Int, _ to: UnsafeMutableRawPointer?) {
        row.storeBytes(of: to.map { UInt(bitPattern: $0) } ?? 0, toByteOffset: tail + field, as: UInt.self)
    }
    func next(_ row: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? { address(row, 8) }
    func setNext(_ row: UnsafeMutableRawPointer, _ to: UnsafeMutableRawPointer?) { setAddress(row, 8, to) }
    func previous(_ row: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? { address(row, 16) }
    func setPrevious(_ row: UnsafeMutableRawPointer, _ to: UnsafeMutableRawPointer?) { setAddress(row, 16, to) }

    private func ownerAndState(_ row: UnsafeMutableRawPointer) -> UInt {
        row.load(fromByteOffset: tail + 24, as: UInt.self)
    }
    /// The key's row; of a session that was merged, its successor.
    func owner(_ row: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: ownerAndState(row) & ~SessionPartition.stateMask)
    }
    func state(_ row: UnsafeMutableRawPointer) -> UInt { ownerAndState(row) & SessionPartition.stateMask }
    func setOwner(_ row: UnsafeMutableRawPointer, _ owner: UnsafeMutableRawPointer?, _ state: UInt) {
        let bits = owner.map { UInt(bitPattern: $0) } ?? 0
        row.storeBytes(of: bits | state, toByteOffset: tail + 24, as: UInt.self)
    }
    /// See `SessionEntry`.
    func entry(_ row: UnsafeMutableRawPointer) -> Int64 {
        row.load(fromByteOffset: tail + 32, as: Int64.self) ^ SessionEntry.none
    }
    func setEntry(_ row: UnsafeMutableRawPointer, _ time: Int64) {
        // A new row's zero means none.
        row.storeBytes(of: time ^ SessionEntry.none, toByteOffset: tail + 32, as: Int64.self)
    }
    func first(_ key: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: key.load(fromByteOffset: keyValue, as: UInt.self))
    }
    func setFirst(_ key: UnsafeMutableRawPointer, _ to: UnsafeMutableRawPointer?) {
        key.storeBytes(of: to.map { UInt(bitPattern: $0) } ?? 0, toByteOffset: keyValue, as: UInt.self)
    }
    func forEachSession(of key: UnsafeMutableRawPointer, _ body: (UnsafeMutableRawPointer) -> Void) {
        var session = first(key)
        while let row = session {
            session = next(row)
            body(row)
        }
    }

    // MARK: Input

    /// Rows of a batch, each with the session that it alone would make.
    /// - Parameters:
    ///   - keyImages: without the session; `images` and `groups`: with each row's own start in the session's place.
    func update(
        _ keyImages: KeyImages, _ images: KeyImages, groups: [Column], windows: Column, _ inputs: [Column],
        weights: Column?, selection: UnsafeBufferPointer<UInt32>
    ) {
        refresh()
        let chunk = 1024
        let values: UnsafePointer<Int128> = windows.pointer()
        let hashes = keyImages.hashes.pointer(UInt64.self)
        withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: chunk) { buffer in
            let rows = buffer.baseAddress!
            var done = 0
            while done < selection.count {
                let n = min(chunk, selection.count - done)
                let part = selection.baseAddress! + done
                keys.findOrInsert(keyImages, selection: part, count: n, into: rows)
                for i in 0..<n {
                    touchKey(rows[i], group: Int(truncatingIfNeeded: hashes[Int(part[i])] &>> 56))
                    let window = TimeWindow(packed: values[Int(part[i])])
                    rows[i] = session(of: rows[i], window, images, part + i)
                }
                // A later row of the chunk may have merged the session of an earlier one.
                for i in 0..<n {
                    while state(rows[i]) == State.merged, let next = owner(rows[i]) { rows[i] = next }
                }
                if !accumulators.stores.isEmpty {
                    keepValues(groups, rows, inputs, weights, UnsafeBufferPointer(start: part, count: n))
                }
                sessions.apply(to: rows, inputs, weights: weights, selection: part, n)
                done += n
            }
        }
    }

    /// Values go to the sessions that their rows belong to by now, whose start is part of the key.
    private func keepValues(
        _ groups: [Column], _ rows: UnsafePointer<UnsafeMutableRawPointer>, _ inputs: [Column], _ weights: Column?,
        _ selection: UnsafeBufferPointer<UInt32>
    ) {
        let chosen = Array(selection)
        let starts = Buffer(byteCount: chosen.count * 8)
        for i in chosen.indices { starts.pointer(Int64.self)[i] = start(of: rows[i]) }
        var keys = groups.map { $0.gather(chosen) }
        keys[session] = Column(type: .timestamp, count: chosen.count, values: starts)
        let all = Array(UInt32(0)..<UInt32(chosen.count))
        all.withUnsafeBufferPointer {
            sessions.keepValues(
                keys, inputs.map { $0.gather(chosen) }, weights: weights?.gather(chosen), selection: $0)
        }
    }

    /// Values of sessions that were merged into another follow them.
    private func moveValues(of others: [UnsafeMutableRawPointer], to target: UnsafeMutableRawPointer) {
        let types = sessions.table.layout.keyTypes
        let heap = sessions.table.arena.heap()
        func keys(_ rows: [UnsafeMutableRawPointer]) -> [Column] {
            rows.withUnsafeBufferPointer { buffer in
                types.indices.map { column in
                    buffer.baseAddress.map {
                        sessions.table.keyColumn(column, of: $0, count: buffer.count, as: types[column], heap: heap)
                    } ?? .empty(types[column])
                }
            }
        }
        let old = keys(others)
        for rows in sessions.values {
            let (entries, weights) = rows.entries(of: old, count: others.count)
            if entries.isEmpty { continue }
            let columns = rows.columns(of: entries)
            for entry in entries { rows.setWeight(0, of: entry) }
            let new = keys(Array(repeating: target, count: entries.count))
            let moved = Batch(
                columns: new + columns.dropFirst(types.count), count: entries.count, weights: Column(bigints: weights))
            rows.apply(moved, keys: KeyImages(new, count: entries.count, layout: rows.index.layout))
        }
    }

    /// The session that a row belongs to, grown by it.
    private func session(
        of key: UnsafeMutableRawPointer, _ window: TimeWindow, _ images: KeyImages, _ row: UnsafePointer<UInt32>
    ) -> UnsafeMutableRawPointer {
        var earliest: UnsafeMutableRawPointer?
        var others: [UnsafeMutableRawPointer] = []
        var following = first(key)
        while let session = following {
            following = next(session)
            // Windows that meet at a point are one session.
            guard start(of: session) <= window.end, end(of: session) >= window.start else { continue }
            if let known = earliest {
                others.append(start(of: session) < start(of: known) ? known : session)
                if start(of: session) < start(of: known) { earliest = session }
            } else {
                earliest = session
            }
        }
        if let session = earliest, start(of: session) <= window.start {
            touch(session)
            absorb(others, into: session)
            if window.end > end(of: session) { setEnd(session, window.end) }
            return session
        }
        if let session = earliest { others.append(session) }
        let new = insert(images, row, key: key, end: window.end)
        absorb(others, into: new)
        return new
    }

    private func insert(
        _ images: KeyImages, _ row: UnsafePointer<UInt32>, key: UnsafeMutableRawPointer, end: Int64
    ) -> UnsafeMutableRawPointer {
        var new = key
        sessions.table.findOrInsert(images, selection: row, count: 1, into: &new)
        touch(new)
        enlist(new, key: key, end: end)
        expect(new, at: end)
        return new
    }

    func enlist(_ session: UnsafeMutableRawPointer, key: UnsafeMutableRawPointer, end: Int64) {
        setEnd(session, end)
        setOwner(session, key, State.open)
        let head = first(key)
        setNext(session, head)
        setPrevious(session, nil)
        if let head { setPrevious(head, session) }
        setFirst(key, session)
    }

    func absorb(_ others: [UnsafeMutableRawPointer], into session: UnsafeMutableRawPointer) {
        let offset = sessions.table.layout.valueOffset
        if !others.isEmpty && !accumulators.stores.isEmpty { moveValues(of: others, to: session) }
        for other in others {
            touch(other)
            accumulators.combine(other + offset, into: session + offset, sessions)
            if end(of: other) > end(of: session) { setEnd(session, end(of: other)) }
            if keepsTimes { handOver(entryOf: other, to: session) }
            unlink(other)
            setOwner(other, session, State.merged)
            other.storeBytes(of: 0, toByteOffset: offset, as: Int64.self)
        }
    }

    /// Takes a session out of its key's list.
    func unlink(_ session: UnsafeMutableRawPointer) {
        let (following, preceding) = (next(session), previous(session))
        if let preceding {
            setNext(preceding, following)
        } else if let key = owner(session) {
            setFirst(key, following)
        }
        if let following { setPrevious(following, preceding) }
    }

    func touch(_ row: UnsafeMutableRawPointer) {
        var row = row
        sessions.touch(&row, 1)
    }

    func touchKey(_ key: UnsafeMutableRawPointer, group: Int) {
        let mark = key.load(fromByteOffset: RowLayout.markOffset, as: UInt32.self)
        if mark & RowStamp.touchedBit != 0 { return }
        let index = UInt32(truncatingIfNeeded: touchedKeys.count)
        touchedKeys.append(key)
        touchedGroups.append(UInt8(truncatingIfNeeded: group))
        setMark(key, index | RowStamp.touchedBit)
        if mark == 0 && cold.contains(group) { unresolved.append(index) }
    }
    func setMark(_ row: UnsafeMutableRawPointer, _ mark: UInt32) {
        row.storeBytes(of: mark, toByteOffset: RowLayout.markOffset, as: UInt32.self)
    }

    // MARK: Counting

    /// Open sessions of the keys whose sessions the epoch touched.
    func sessionsOfTouchedKeys() -> Int {
        var count = 0
        for key in Set(sessions.touched.lazy.filter { self.state($0) == State.open }.compactMap { self.owner($0) }) {
            forEachSession(of: key) { _ in count += 1 }
        }
        return count
    }

    /// Sessions of earlier epochs that became part of others.
    func swallowed() -> Int {
        sessions.touched.indices.count { index in
            state(sessions.touched[index]) == State.merged && sessions.areaBefore(index).load(as: Int64.self) > 0
        }
    }

    /// Sessions without those that this epoch merged into others.
    var liveCount: Int { sessions.table.count - sessions.touched.count { state($0) == State.merged } }

    func markEmpty(_ rows: [UnsafeMutableRawPointer]) { sessions.markEmpty(rows) }

    func endEpoch(stamp: UInt32) {
        for row in sessions.touched where state(row) == State.merged { setOwner(row, nil, State.none) }
        sessions.endEpoch(keepsEmptyGroup: false, stamp: stamp)
        for (index, key) in touchedKeys.enumerated() {
            if first(key) == nil {
                forgetEmpty(key, group: Int(touchedGroups[index]), stamp)
            } else {
                setMark(key, stamp)
            }
        }
        touchedMost = max(touchedMost, touchedKeys.count)
        timeChangesMost = max(timeChangesMost, timeChanges.count)
        touchedKeys.removeAll(keepingCapacity: true)
        touchedGroups.removeAll(keepingCapacity: true)
        timeChanges.removeAll(keepingCapacity: true)
        settle()
    }

    /// Between epochs: memory of rows that went is given back.
    private func settle() {
        if keys.isSparse { compactKeys() }
        if sessions.table.isSparse { compactSessions() }
        if sessions.table.count > 0 || touchedMost == 0 { return }
        endings = TimeIndex()
        shrinkScratch(above: 0)
    }

    /// Gives back the memory that a large epoch left for the next one. Between epochs only.
    func shrinkScratch(above most: Int) {
        if touchedMost > most { (touchedKeys, touchedGroups, touchedMost) = ([], [], 0) }
        if timeChangesMost > most { (timeChanges, timeChangesMost) = ([], 0) }
    }

    func compactKeys() {
        keys.compact { (_, new) in
            forEachSession(of: new) { setOwner($0, new, State.open) }
        }
    }
    func compactSessions() {
        sessions.table.compact { (_, new) in
            // Neighbours that have moved before said so in the row that moves now.
            if let next = next(new) { setPrevious(next, new) }
            if let previous = previous(new) {
                setNext(previous, new)
            } else if let key = owner(new) {
                setFirst(key, new)
            }
        }
        sessions.reclaimExtremes()
        indexIsStale = true
    }

    // MARK: State that came back

    /// Rows of the checkpoint; later batches win over earlier ones.
    func restore(
        _ rows: StoredWindows.Rows, _ selection: UnsafeBufferPointer<UInt32>, stamp: UInt32
    ) throws(TidemillError) {
        let n = selection.count
        // Not empty: the caller has looked.
        let chosen = selection.baseAddress.unsafelyUnwrapped
        let found = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: 2 * n)
        defer { found.deallocate() }
        indexIsStale = true
        keys.findOrInsert(rows.keyImages, selection: chosen, count: n, into: found)
        sessions.table.findOrInsert(rows.images, selection: chosen, count: n, into: found + n)
        let hashes = rows.keyImages.hashes.pointer(UInt64.self)
        var others: [UInt32] = []
        for (i, row) in selection.enumerated() {
            let (key, session) = (found[i], found[n + i])
            setMark(key, stamp)
            let isCold = cold.contains(Int(truncatingIfNeeded: hashes[Int(row)] &>> 56))
            if isCold { partial.append(key) }
            if rows.live[Int(row)] {
                restore(session, key: key, end: rows.ends[Int(row)], isCold: isCold)
            } else {
                drop(session)
                if isCold {
                    // It has to be told from one that the runs have.
                    partialDead.append(session)
                    let area = session + sessions.table.layout.valueOffset
                    sessions.release(area)
                    memset(area, 0, accumulators.valueBytes)
                    continue
                }
            }
            others.append(row)
        }
        if !others.isEmpty {
            try others.withUnsafeBufferPointer { (others) throws(TidemillError) in
                try accumulators.restore(
                    sessions, rows.images, rows.batch, firstSlot: rows.firstSlot, live: rows.live, others, stamp: 0)
            }
        }
        for key in Set(UnsafeBufferPointer(start: found, count: n)) where first(key) == nil {
            forgetEmpty(key, group: Int(truncatingIfNeeded: keys.hash(of: key) &>> 56), stamp)
        }
    }

    /// A key without sessions; of a cold group it stays, until the runs know.
    private func forgetEmpty(_ key: UnsafeMutableRawPointer, group: Int, _ stamp: UInt32) {
        if cold.contains(group) { return setMark(key, stamp) }
        let index = group & (lastRemoval.count - 1)
        lastRemoval[index] = max(lastRemoval[index], stamp)
        keys.remove(key)
    }

    private func restore(
        _ session: UnsafeMutableRawPointer, key: UnsafeMutableRawPointer, end: Int64, isCold: Bool
    ) {
        if state(session) == State.open {
            setEnd(session, end)
        } else {
            enlist(session, key: key, end: end)
        }
        if !keepsTimes || entry(session) != SessionEntry.none { return }
        if isCold { setEntry(session, SessionEntry.inRuns) } else { hasUnlisted = true }
    }

    /// A session that a later block takes out again. Its key stays until all of them are there.
    private func drop(_ session: UnsafeMutableRawPointer) {
        if state(session) == State.open { unlink(session) }
        setOwner(session, nil, State.none)
        setEntry(session, SessionEntry.none)
    }

    var byteCount: Int {
        keys.byteCount + sessions.byteCount + endings.byteCount + strays.byteCount
            + [UInt8].grownBytes(max(touchedMost, touchedKeys.count)) * 9
            + [DueTimes.Entry].grownBytes(max(timeChangesMost, timeChanges.count))
    }
}
