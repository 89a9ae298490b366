/// The sessions of one partition's keys.
///
///     keys:     key row     | first session, address |
///     sessions: (key, start) row | accumulators | end | next | previous | key row or successor | state |
///
/// Sessions of one key form a doubly linked list and never touch. A session that grows at its end stays where it is;
/// one that grows at its start, or is swallowed by an earlier one, hands its accumulators to the session that takes
/// over and remembers it as its successor until the epoch ends.
final class SessionPartition {
    let keys: RowTable
    let sessions: AggregatePartition
    private let accumulators: AccumulatorLayout
    private let tail: Int
    private let keyValue: Int
    private let startOffset: Int
    /// Position of the session among the groups.
    private let session: Int
    /// Addresses to look at when their time has come: a hint, since sessions grow and go.
    private var endings = EvictionIndex()
    var indexIsStale = false

    /// end, next, previous, key or successor, state
    static let tailBytes = 40
    private enum State {
        static let none: UInt64 = 0
        static let open: UInt64 = 1
        static let merged: UInt64 = 2
    }

    /// - Parameters:
    ///   - layout: rows of sessions: the keys in their order, `start` in the session's place, `tailBytes` more than the
    ///     accumulators need.
    init(keyLayout: RowLayout, layout: RowLayout, accumulators: AccumulatorLayout, session: Int, leadBits: Int) {
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
    private func setEnd(_ row: UnsafeMutableRawPointer, _ end: Int64) {
        row.storeBytes(of: end, toByteOffset: tail, as: Int64.self)
    }
    private func link(_ row: UnsafeMutableRawPointer, _ field: Int) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: row.load(fromByteOffset: tail + field, as: UInt.self))
    }
    private func setLink(_ row: UnsafeMutableRawPointer, _ field: Int, _ to: UnsafeMutableRawPointer?) {
        row.storeBytes(of: to.map { UInt(bitPattern: $0) } ?? 0, toByteOffset: tail + field, as: UInt.self)
    }
    private func state(_ row: UnsafeMutableRawPointer) -> UInt64 {
        row.load(fromByteOffset: tail + 32, as: UInt64.self)
    }
    private func setState(_ row: UnsafeMutableRawPointer, _ state: UInt64) {
        row.storeBytes(of: state, toByteOffset: tail + 32, as: UInt64.self)
    }
    private func first(_ key: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: key.load(fromByteOffset: keyValue, as: UInt.self))
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
        withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: chunk) { buffer in
            let rows = buffer.baseAddress!
            var done = 0
            while done < selection.count {
                let n = min(chunk, selection.count - done)
                let part = selection.baseAddress! + done
                keys.findOrInsert(keyImages, selection: part, count: n, into: rows)
                for i in 0..<n {
                    let window = TimeWindow(packed: values[Int(part[i])])
                    rows[i] = session(of: rows[i], window, images, part + i)
                }
                // A later row of the chunk may have merged the session of an earlier one.
                for i in 0..<n {
                    while state(rows[i]) == State.merged, let next = link(rows[i], 24) { rows[i] = next }
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
        var next = first(key)
        while let session = next {
            next = link(session, 8)
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
        endings.add(new, at: end)
        return new
    }

    private func enlist(_ session: UnsafeMutableRawPointer, key: UnsafeMutableRawPointer, end: Int64) {
        setEnd(session, end)
        setState(session, State.open)
        let head = first(key)
        setLink(session, 8, head)
        setLink(session, 16, nil)
        setLink(session, 24, key)
        if let head { setLink(head, 16, session) }
        key.storeBytes(of: UInt(bitPattern: session), toByteOffset: keyValue, as: UInt.self)
    }

    private func absorb(_ others: [UnsafeMutableRawPointer], into session: UnsafeMutableRawPointer) {
        let offset = sessions.table.layout.valueOffset
        if !others.isEmpty && !accumulators.stores.isEmpty { moveValues(of: others, to: session) }
        for other in others {
            touch(other)
            accumulators.combine(other + offset, into: session + offset, sessions)
            if end(of: other) > end(of: session) { setEnd(session, end(of: other)) }
            unlink(other)
            setLink(other, 24, session)
            setState(other, State.merged)
            other.storeBytes(of: 0, toByteOffset: offset, as: Int64.self)
        }
    }

    /// Takes a session out of its key's list; a key without sessions goes.
    private func unlink(_ session: UnsafeMutableRawPointer) {
        let next = link(session, 8)
        let previous = link(session, 16)
        if let previous {
            setLink(previous, 8, next)
        } else if let key = link(session, 24) {
            key.storeBytes(of: next.map { UInt(bitPattern: $0) } ?? 0, toByteOffset: keyValue, as: UInt.self)
        }
        if let next { setLink(next, 16, previous) }
    }

    private func touch(_ row: UnsafeMutableRawPointer) {
        var row = row
        sessions.touch(&row, 1)
    }

    // MARK: Ends

    /// Open sessions that end by `limit`, as touched ones.
    func endSessions(through limit: Int64) -> [UnsafeMutableRawPointer] {
        refresh()
        var ended: [UnsafeMutableRawPointer] = []
        for session in endings.take(through: limit) where state(session) == State.open {
            if end(of: session) > limit {
                endings.add(session, at: end(of: session))
                continue
            }
            touch(session)
            unlinkAndForgetKey(session)
            setState(session, State.none)
            ended.append(session)
        }
        return ended
    }

    private func unlinkAndForgetKey(_ session: UnsafeMutableRawPointer) {
        let key = link(session, 24)
        unlink(session)
        if let key, first(key) == nil { keys.remove(key) }
    }

    // MARK: Counting

    /// Open sessions of the keys whose sessions the epoch touched.
    func sessionsOfTouchedKeys() -> Int {
        var count = 0
        for key in Set(sessions.touched.lazy.filter { self.state($0) == State.open }.compactMap { self.link($0, 24) }) {
            var next = first(key)
            while let session = next {
                count += 1
                next = link(session, 8)
            }
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

    func endEpoch() {
        for row in sessions.touched where state(row) == State.merged { setState(row, State.none) }
        sessions.endEpoch(keepsEmptyGroup: false, stamp: 0)
        if keys.count == 0 { keys.settle() }
    }

    // MARK: State that came back

    /// Sessions' rows with their ends are in the table: lists and hints are made anew.
    func refresh() {
        guard indexIsStale else { return }
        indexIsStale = false
        endings = EvictionIndex()
        var rows: [UnsafeMutableRawPointer] = []
        sessions.table.forEachRow { rows.append($0) }
        for session in rows { endings.add(session, at: end(of: session)) }
    }

    /// A session out of the checkpoint; `key` is its key's row.
    func restore(_ session: UnsafeMutableRawPointer, key: UnsafeMutableRawPointer, end: Int64) {
        if state(session) == State.open {
            setEnd(session, end)
        } else {
            enlist(session, key: key, end: end)
        }
    }

    /// A session that a later block takes out again. Its key stays until `forgetEmptyKeys`.
    func drop(_ session: UnsafeMutableRawPointer) {
        if state(session) == State.open { unlink(session) }
        setState(session, State.none)
    }

    func forgetEmptyKeys(_ rows: UnsafeBufferPointer<UnsafeMutableRawPointer>) {
        for key in Set(rows) where first(key) == nil { keys.remove(key) }
    }

    var byteCount: Int { keys.byteCount + sessions.byteCount + endings.byteCount }
}
