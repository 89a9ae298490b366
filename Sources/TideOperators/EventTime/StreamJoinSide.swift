/// The rows of one side of a join of two streams that may still find a partner, by join key.
///
///     index:   key row | first entry, address |
///     entries: (columns, number) row | time it goes | next | previous | key row | flags |
///
/// Equal rows are entries of their own, told apart by a number, since one may have found a partner and the other not.
/// Entries of a key form a doubly linked list. One that goes leaves its list at once and its table when the epoch is
/// committed, so that its removal can be checkpointed.
final class StreamJoinSide {
    let index: RowTable
    let entries: RowTable
    let types: [DataType]
    /// Entries that are new, gone, or have found their first partner in this epoch.
    private(set) var touched: [UnsafeMutableRawPointer] = []
    private var endings = EvictionIndex()
    private var nextNumber: Int64 = 0
    private let head: Int
    private let value: Int

    static let keyValueBytes = 8
    private static let entryValueBytes = 40
    private static let live: UInt64 = 1
    private static let matched: UInt64 = 2
    /// When a row without a time goes.
    static let never = Int64.max

    init(keyLayout: RowLayout, types: [DataType], leadBits: Int) {
        index = RowTable(layout: keyLayout, leadBits: leadBits)
        self.types = types
        entries = RowTable(layout: RowLayout(keys: types + [.bigint], valueBytes: StreamJoinSide.entryValueBytes))
        head = keyLayout.valueOffset
        value = entries.layout.valueOffset
    }

    private func link(_ row: UnsafeMutableRawPointer, _ at: Int) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: row.load(fromByteOffset: at, as: UInt.self))
    }
    private func setLink(_ row: UnsafeMutableRawPointer, _ at: Int, _ to: UnsafeMutableRawPointer?) {
        row.storeBytes(of: to.map { UInt(bitPattern: $0) } ?? 0, toByteOffset: at, as: UInt.self)
    }
    private func flags(_ entry: UnsafeMutableRawPointer) -> UInt64 {
        entry.load(fromByteOffset: value + 32, as: UInt64.self)
    }
    private func setFlags(_ entry: UnsafeMutableRawPointer, _ flags: UInt64) {
        entry.storeBytes(of: flags, toByteOffset: value + 32, as: UInt64.self)
    }
    func isLive(_ entry: UnsafeMutableRawPointer) -> Bool { flags(entry) & StreamJoinSide.live != 0 }
    func isMatched(_ entry: UnsafeMutableRawPointer) -> Bool { flags(entry) & StreamJoinSide.matched != 0 }

    func match(_ entry: UnsafeMutableRawPointer) {
        if isMatched(entry) { return }
        setFlags(entry, flags(entry) | StreamJoinSide.matched)
        touch(entry)
    }

    @inline(__always)
    func forEachEntry(of key: UnsafeMutableRawPointer, _ body: (UnsafeMutableRawPointer) -> Void) {
        var entry = link(key, head)
        while let current = entry {
            entry = link(current, value + 8)
            body(current)
        }
    }

    func isTouched(_ entry: UnsafeMutableRawPointer) -> Bool {
        entry.load(fromByteOffset: RowLayout.markOffset, as: UInt32.self) != 0
    }
    private func touch(_ entry: UnsafeMutableRawPointer) {
        if isTouched(entry) { return }
        entry.storeBytes(of: 1, toByteOffset: RowLayout.markOffset, as: UInt32.self)
        touched.append(entry)
    }

    /// Remembers rows.
    /// - Parameters:
    ///   - matched: of each row, whether it has found a partner.
    ///   - times: when each goes.
    func store(_ rows: Batch, keys: KeyImages, matched: [Bool], times: [Int64]) {
        let n = rows.count
        if n == 0 { return }
        let numbers = Column(bigints: (0..<Int64(n)).map { nextNumber + $0 })
        nextNumber += Int64(n)
        add(rows.columns + [numbers], keys: keys, count: n) { row, entry, key in
            enlist(entry, key, matched: matched[row], time: times[row])
            touch(entry)
        }
    }

    private func add(
        _ columns: [Column], keys: KeyImages, count n: Int,
        _ body: (Int, UnsafeMutableRawPointer, UnsafeMutableRawPointer) -> Void
    ) {
        let found = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: 2 * n)
        defer { found.deallocate() }
        index.findOrInsert(keys, selection: nil, count: n, into: found)
        entries.findOrInsert(
            KeyImages(columns, count: n, layout: entries.layout), selection: nil, count: n, into: found + n)
        for row in 0..<n { body(row, found[n + row], found[row]) }
    }

    private func enlist(
        _ entry: UnsafeMutableRawPointer, _ key: UnsafeMutableRawPointer, matched: Bool, time: Int64
    ) {
        entry.storeBytes(of: time, toByteOffset: value, as: Int64.self)
        setFlags(entry, StreamJoinSide.live | (matched ? StreamJoinSide.matched : 0))
        let first = link(key, head)
        setLink(entry, value + 8, first)
        setLink(entry, value + 16, nil)
        setLink(entry, value + 24, key)
        if let first { setLink(first, value + 16, entry) }
        setLink(key, head, entry)
        if time != StreamJoinSide.never { endings.add(entry, at: time) }
    }

    private func unlink(_ entry: UnsafeMutableRawPointer) {
        let next = link(entry, value + 8)
        let previous = link(entry, value + 16)
        if let previous {
            setLink(previous, value + 8, next)
        } else if let key = link(entry, value + 24) {
            setLink(key, head, next)
            if next == nil { index.remove(key) }
        }
        if let next { setLink(next, value + 16, previous) }
    }

    /// Takes out the entries whose time has come.
    func evict(through limit: Int64) -> [UnsafeMutableRawPointer] {
        // A forgotten entry stays in the index, and its address may be another one's by now.
        let due = endings.take(through: limit).filter { entry in
            guard isLive(entry), entry.load(fromByteOffset: value, as: Int64.self) <= limit else { return false }
            forget(entry)
            return true
        }
        return due
    }

    /// Takes out one entry.
    func forget(_ entry: UnsafeMutableRawPointer) {
        unlink(entry)
        setFlags(entry, flags(entry) & ~StreamJoinSide.live)
        touch(entry)
    }

    func endEpoch() {
        var gone: [UnsafeMutableRawPointer] = []
        for entry in touched {
            entry.storeBytes(of: 0, toByteOffset: RowLayout.markOffset, as: UInt32.self)
            if isLive(entry) { continue }
            setFlags(entry, 0)
            gone.append(entry)
        }
        touched.removeAll(keepingCapacity: true)
        gone.withUnsafeBufferPointer { rows in
            if let base = rows.baseAddress { entries.remove(base, count: rows.count) }
        }
        if LinkedRows.settle(index: index, head: head, entries: entries, links: value + 8) { indexIsStale = true }
    }

    /// The columns of entries; with the number behind them if asked for.
    func columns(of rows: [UnsafeMutableRawPointer], withNumber: Bool = false) -> [Column] {
        let heap = entries.arena.heap()
        let all = withNumber ? types + [.bigint] : types
        return rows.withUnsafeBufferPointer { buffer in
            all.indices.map { column in
                guard let base = buffer.baseAddress else { return Column.empty(all[column]) }
                return entries.keyColumn(column, of: base, count: rows.count, as: all[column], heap: heap)
            }
        }
    }

    /// Rows out of the checkpoint: columns, then the number. A row that is not live leaves again.
    func restore(_ columns: [Column], keys: KeyImages, live: Bitmap, matched: Bitmap, times: [Int64]) {
        let numbers = columns[columns.count - 1].pointer(Int64.self)
        var dropped: [UnsafeMutableRawPointer] = []
        add(columns, keys: keys, count: live.count) { row, entry, key in
            nextNumber = max(nextNumber, numbers[row] + 1)
            if live[row] {
                if isLive(entry) {
                    setFlags(entry, StreamJoinSide.live | (matched[row] ? StreamJoinSide.matched : 0))
                } else {
                    enlist(entry, key, matched: matched[row], time: times[row])
                }
            } else {
                dropped.append(entry)
            }
        }
        let emptyKeys = Set(dropped.compactMap { isLive($0) ? link($0, value + 24) : nil })
        for entry in dropped {
            if isLive(entry) { unlinkKeepingKey(entry) }
            setFlags(entry, 0)
            entries.remove(entry)
        }
        for key in emptyKeys where link(key, head) == nil { index.remove(key) }
        indexIsStale = true
    }

    private func unlinkKeepingKey(_ entry: UnsafeMutableRawPointer) {
        let next = link(entry, value + 8)
        let previous = link(entry, value + 16)
        if let previous {
            setLink(previous, value + 8, next)
        } else if let key = link(entry, value + 24) {
            setLink(key, head, next)
        }
        if let next { setLink(next, value + 16, previous) }
    }

    /// After state came back, what goes when is collected anew: rows may have come and gone in it. Keys that only gone
    /// rows named are forgotten.
    private(set) var indexIsStale = false
    func refresh() {
        guard indexIsStale else { return }
        indexIsStale = false
        endings = EvictionIndex()
        entries.forEachRow { entry in
            let time = entry.load(fromByteOffset: value, as: Int64.self)
            if time != StreamJoinSide.never { endings.add(entry, at: time) }
        }
        var lonely: [UnsafeMutableRawPointer] = []
        index.forEachRow { if link($0, head) == nil { lonely.append($0) } }
        for key in lonely { index.remove(key) }
    }

    /// Rows that are remembered; those that go with the commit are not.
    var stateRows: Int { entries.count - touched.count { !isLive($0) } }
    var byteCount: Int { index.byteCount + entries.byteCount + endings.byteCount }
}
