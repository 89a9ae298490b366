/// The panes of one partition's keys: accumulators of slices of time, of which sliding windows are put together.
///
///     keys:  key row, its mark a `RowStamp` | first pane, address | open windows, counted for progress |
///     panes: (key, start) row | accumulators | next | previous | key row |
///
/// A pane is as long as the greatest common divisor of the windows' size and slide, so each window is a whole number of
/// panes, and a row touches one pane however many windows it falls into.
///
/// A key is in memory with all its panes or with none: `PanePartition+Cold.swift`.
final class PanePartition {
    let keys: RowTable
    let panes: AggregatePartition
    let windows: PaneWindows
    let accumulators: AccumulatorLayout
    let tail: Int
    let keyValue: Int
    private let startOffset: Int
    /// Panes by the next end of a window that they belong to. Hints: an address may have been given to another pane.
    var endings = EvictionIndex()
    var indexIsStale = false
    let endsWindows: Bool
    /// Windows that end by then have ended.
    var passed = Int64.min

    // Where state has a limit: see `PanePartition+Cold.swift`.
    var tracksKeys = false
    var ends = RowEnds()
    var cold = KeyGroupSet()
    var hand = EvictionHand()
    /// Keys that the epoch touched; a key's mark is its position and `touchedBit`.
    var touchedKeys: [UnsafeMutableRawPointer] = []
    /// Positions among them of keys that were begun without what the runs may have.
    var unresolved: [UInt32] = []
    /// State was opened cold, and keys came back from the log: the runs may have more of their panes.
    var isOpenedCold = false
    var isPartial = false

    /// next, previous, key
    static let tailBytes = 24
    static let keyValueBytes = 16
    /// Windows of all keys that are open: what a table of windows would hold.
    var windowCount = 0
    /// State came back, so windows must be counted anew.
    var windowsAreStale = false

    init(
        keyLayout: RowLayout, layout: RowLayout, accumulators: AccumulatorLayout, windows: PaneWindows, window: Int,
        leadBits: Int, endsWindows: Bool
    ) {
        self.endsWindows = endsWindows
        keys = RowTable(layout: keyLayout, leadBits: leadBits)
        // Panes are hashed by key and start, whose leading bits are spread.
        panes = AggregatePartition(layout: layout, accumulators: accumulators, leadBits: 0)
        self.accumulators = accumulators
        self.windows = windows
        tail = layout.valueOffset + accumulators.valueBytes
        keyValue = keyLayout.valueOffset
        startOffset = layout.keyOffsets[window]
    }

    func start(of pane: UnsafeMutableRawPointer) -> Int64 {
        pane.loadUnaligned(fromByteOffset: startOffset, as: Int64.self)
    }
    func link(_ row: UnsafeMutableRawPointer, _ at: Int) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: row.load(fromByteOffset: at, as: UInt.self))
    }
    func setLink(_ row: UnsafeMutableRawPointer, _ at: Int, _ to: UnsafeMutableRawPointer?) {
        row.storeBytes(of: to.map { UInt(bitPattern: $0) } ?? 0, toByteOffset: at, as: UInt.self)
    }
    func key(of pane: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? { link(pane, tail + 16) }

    // MARK: Input

    func update(
        _ keyImages: KeyImages, _ images: KeyImages, _ inputs: [Column], weights: Column?,
        selection: UnsafeBufferPointer<UInt32>
    ) {
        refresh()
        let chunk = 1024
        withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: 2 * chunk) { buffer in
            let rows = buffer.baseAddress!
            var done = 0
            while done < selection.count {
                let n = min(chunk, selection.count - done)
                let part = selection.baseAddress! + done
                keys.findOrInsert(keyImages, selection: part, count: n, into: rows + chunk)
                panes.table.findOrInsert(images, selection: part, count: n, into: rows)
                if tracksKeys { touchKeys(rows + chunk, n, keyImages.hashes.pointer(UInt64.self), part) }
                for i in 0..<n where key(of: rows[i]) == nil { begin(rows[i], of: rows[chunk + i]) }
                panes.touch(UnsafePointer(rows), n)
                panes.apply(to: rows, inputs, weights: weights, selection: part, n)
                done += n
            }
        }
    }

    /// A pane that was not there.
    func begin(_ pane: UnsafeMutableRawPointer, of key: UnsafeMutableRawPointer) {
        enlist(pane, key)
        expect(pane)
    }

    /// A pane is to be looked at when its next window has ended.
    private func expect(_ pane: UnsafeMutableRawPointer) {
        guard endsWindows else { return }
        let start = start(of: pane)
        endings.add(pane, at: windows.firstEnd(ofPane: start, after: passed) ?? windows.lastEnd(ofPane: start))
    }

    private func enlist(_ pane: UnsafeMutableRawPointer, _ key: UnsafeMutableRawPointer) {
        let first = link(key, keyValue)
        setLink(pane, tail, first)
        setLink(pane, tail + 8, nil)
        setLink(pane, tail + 16, key)
        if let first { setLink(first, tail + 8, pane) }
        setLink(key, keyValue, pane)
    }

    private func unlink(_ pane: UnsafeMutableRawPointer) {
        guard let key = key(of: pane) else { return }
        let next = link(pane, tail)
        let previous = link(pane, tail + 8)
        if let previous { setLink(previous, tail, next) } else { setLink(key, keyValue, next) }
        if let next { setLink(next, tail + 8, previous) }
        setLink(pane, tail + 16, nil)
        if link(key, keyValue) == nil {
            windowCount -= counted(key)
            // Where keys are tracked this one is touched, and goes with the epoch.
            if tracksKeys { setCounted(key, 0) } else { keys.remove(key) }
        }
    }

    func forEachPane(of key: UnsafeMutableRawPointer, _ body: (UnsafeMutableRawPointer) -> Void) {
        var next = link(key, keyValue)
        while let pane = next {
            next = link(pane, tail)
            body(pane)
        }
    }

    /// A key's panes in order of time.
    func panes(of key: UnsafeMutableRawPointer) -> [(start: Int64, row: UnsafeMutableRawPointer)] {
        var all: [(start: Int64, row: UnsafeMutableRawPointer)] = []
        forEachPane(of: key) { all.append((start(of: $0), $0)) }
        return all.sorted { $0.start < $1.start }
    }

    // MARK: Counting windows

    /// Counts the open windows of keys anew.
    /// - Parameter limit: windows that end by then are closed.
    func countWindows(of touched: some Sequence<UnsafeMutableRawPointer>, after limit: Int64) {
        if windowsAreStale {
            windowsAreStale = false
            windowCount = 0
            keys.forEachRow { recount($0, 0, limit) }
        }
        for key in Set(touched) {
            recount(key, counted(key), limit)
        }
    }
    /// Windows of a key, as they were counted last.
    private func counted(_ key: UnsafeMutableRawPointer) -> Int {
        Int(key.load(fromByteOffset: keyValue + 8, as: Int64.self))
    }
    func setCounted(_ key: UnsafeMutableRawPointer, _ count: Int) {
        key.storeBytes(of: Int64(count), toByteOffset: keyValue + 8, as: Int64.self)
    }

    private func recount(_ key: UnsafeMutableRawPointer, _ before: Int, _ limit: Int64) {
        let count = windows.count(of: panes(of: key).map(\.start), after: limit)
        setCounted(key, count)
        windowCount += count - before
    }

    // MARK: Ends

    /// Panes that belong to a window which ends by `limit`; they come again with their next window.
    func due(through limit: Int64) -> [UnsafeMutableRawPointer] {
        refresh()
        var due: [UnsafeMutableRawPointer] = []
        for pane in endings.take(through: limit) where key(of: pane) != nil {
            due.append(pane)
            if tracksKeys { noteEnd(of: pane, through: limit) }
            if let next = windows.firstEnd(ofPane: start(of: pane), after: limit) { endings.add(pane, at: next) }
        }
        return due
    }

    /// Takes out panes whose last window has ended.
    func remove(_ rows: [UnsafeMutableRawPointer]) {
        rows.withUnsafeBufferPointer { if let base = $0.baseAddress { panes.touch(base, $0.count) } }
        for pane in rows { unlink(pane) }
        panes.markEmpty(rows)
    }

    /// Panes whose rows were all taken back go as well.
    func endEpoch(stamp: UInt32) {
        let offset = panes.table.layout.valueOffset
        for pane in panes.touched where (pane + offset).load(as: Int64.self) <= 0 { unlink(pane) }
        panes.endEpoch(keepsEmptyGroup: false, stamp: 0)
        if tracksKeys { endKeys(stamp: stamp) }
        if keys.count == 0 { keys.settle() }
    }

    // MARK: State that came back

    func refresh() {
        guard indexIsStale else { return }
        indexIsStale = false
        endings = EvictionIndex()
        panes.table.forEachRow { expect($0) }
    }

    func willRestore(isUnlisted: Bool) {
        indexIsStale = endsWindows
        if isOpenedCold { isPartial = true } else { windowsAreStale = true }
        if isUnlisted { ends.askForListing() }
    }

    func restore(_ pane: UnsafeMutableRawPointer, key: UnsafeMutableRawPointer) {
        if self.key(of: pane) == nil { enlist(pane, key) }
    }

    func drop(_ pane: UnsafeMutableRawPointer) {
        guard let key = key(of: pane) else { return }
        let next = link(pane, tail)
        let previous = link(pane, tail + 8)
        if let previous { setLink(previous, tail, next) } else { setLink(key, keyValue, next) }
        if let next { setLink(next, tail + 8, previous) }
        setLink(pane, tail + 16, nil)
    }

    func forgetEmptyKeys(_ rows: UnsafeBufferPointer<UnsafeMutableRawPointer>) {
        for key in Set(rows) where link(key, keyValue) == nil { keys.remove(key) }
    }

    var byteCount: Int {
        keys.byteCount + panes.byteCount + endings.byteCount + ends.byteCount
            + [UnsafeMutableRawPointer].grownBytes(touchedKeys.capacity)
    }
}
