import TideCheckpoints

// Groups that end when the watermark passes the time in their key.
//
// `endings` has every group in memory. Where state has a limit, each group also has an entry in `DueTimes`, by which it
// is found when it lies in runs alone. A group that has ended never comes back, since its rows are late from then on.

extension AggregatePartition {
    /// When a group ends: the time in its key; nil: never.
    func end(of row: UnsafeMutableRawPointer, group: Int) -> Int64? {
        let layout = table.layout
        if layout.isNull(row, key: group) { return nil }
        let field = row + layout.keyOffsets[group]
        return layout.keyTypes[group] == .timeWindow
            ? TimeWindow(packed: field.loadUnaligned(as: Int128.self)).end : field.loadUnaligned(as: Int64.self)
    }

    /// A group that appears is remembered by its end.
    func index(_ row: UnsafeMutableRawPointer, group: Int) {
        if let time = end(of: row, group: group) { endings.add(row, at: time) }
    }

    /// After state came back.
    func indexAll(group: Int) {
        endings = EvictionIndex()
        table.forEachRow { index($0, group: group) }
    }

    /// Groups whose time has come, as touched ones.
    func endGroups(through limit: Int64) -> [UnsafeMutableRawPointer] {
        refreshEndings()
        let ended = endings.take(through: limit)
        ended.withUnsafeBufferPointer { if let base = $0.baseAddress { touch(base, ended.count) } }
        return ended
    }

    /// What the stores keep of groups that end goes with them.
    func dropValues(_ groups: [UnsafeMutableRawPointer]) {
        if groups.isEmpty || values.isEmpty { return }
        let heap = table.arena.heap()
        let types = table.layout.keyTypes
        let columns = groups.withUnsafeBufferPointer { rows in
            types.indices.map { column in
                rows.baseAddress.map {
                    table.keyColumn(column, of: $0, count: rows.count, as: types[column], heap: heap)
                } ?? .empty(types[column])
            }
        }
        for rows in values { rows.removeAll(of: columns, count: groups.count) }
    }

    /// A group without rows leaves the state when the epoch is committed.
    func markEmpty(_ rows: [UnsafeMutableRawPointer]) {
        for row in rows { row.storeBytes(of: 0, toByteOffset: table.layout.valueOffset, as: Int64.self) }
    }

    // MARK: Groups in runs alone

    /// Brings groups that are due into memory, if they are not there.
    /// - Parameters:
    ///   - due: ordered by hash.
    ///   - passed: what ended by then is gone, though runs may show it.
    /// - Returns: rows read.
    func load(
        _ due: ArraySlice<DueTimes.Due>, after passed: Int64, _ runs: ColdState
    ) throws(TidemillError) -> Int {
        guard let endingGroup else { return 0 }
        refreshEndings()
        var missing: [UInt64] = []
        for entry in due where cold.contains(Int(truncatingIfNeeded: entry.hash &>> 56)) {
            var isKnown = false
            table.forEachRow(ofHash: entry.hash) { if end(of: $0, group: endingGroup) == entry.time { isKnown = true } }
            if !isKnown { missing.append(entry.hash) }
        }
        missing.removeDuplicates()
        var read = 0
        for start in stride(from: 0, to: missing.count, by: AggregatePartition.loadRows) {
            let hashes = Array(missing[start..<min(start + AggregatePartition.loadRows, missing.count)])
            guard let rows = try runs.fetch(hashes) else { continue }
            read += rows.count
            try insert(rows, after: passed, group: endingGroup)
        }
        return read
    }
    private static let loadRows = 1 << 16

    /// Rows as the runs have them; some may be of other groups with the same hash.
    private func insert(_ rows: Batch, after passed: Int64, group: Int) throws(TidemillError) {
        let (n, groupCount) = (rows.count, table.layout.keyTypes.count)
        let keys = KeyImages(Array(rows.columns[2..<(2 + groupCount)]), count: n, layout: table.layout)
        let found = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: n)
        defer { found.deallocate() }
        table.findOrInsert(keys, selection: nil, count: n, into: found)
        for i in 0..<n where found[i].load(fromByteOffset: RowLayout.markOffset, as: UInt32.self) == 0 {
            guard let end = end(of: found[i], group: group), end > passed else {
                table.remove(found[i])
                continue
            }
            try accumulators.store(
                rows, firstSlot: 2 + groupCount, row: i, into: found[i] + table.layout.valueOffset, self)
            found[i].storeBytes(of: RowStamp.clean, toByteOffset: RowLayout.markOffset, as: UInt32.self)
            endings.add(found[i], at: end)
        }
    }

    // MARK: Entries, where state has a limit

    /// What the epoch changed of the times at which groups end, once it is known which it ended.
    func makeEntries(through limit: Int64) {
        guard ends.isKept, let endingGroup else { return }
        let offset = table.layout.valueOffset
        for (index, row) in touched.enumerated() {
            let was = areaBefore(index).load(as: Int64.self) > 0
            let isLive = (row + offset).load(as: Int64.self) > 0
            if was != isLive, let end = end(of: row, group: endingGroup) {
                ends.note(end, hash: table.hash(of: row), isLive: isLive)
            }
        }
        guard ends.needsListing else { return }
        table.forEachRow { row in
            guard (row + offset).load(as: Int64.self) > 0, let end = end(of: row, group: endingGroup) else { return }
            ends.note(end, hash: table.hash(of: row), isLive: true)
        }
        ends.didList()
    }
}
