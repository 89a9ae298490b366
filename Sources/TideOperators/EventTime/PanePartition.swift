/// The panes of one partition's keys: accumulators of slices of time, of which sliding windows are put together.
///
///     keys:  key row       | first pane, address | open windows, counted for progress |
///     panes: (key, start) row | accumulators | next | previous | key row |
///
/// A pane is as long as the greatest common divisor of the windows' size and slide, so each window is a whole number of
/// panes, and a row touches one pane however many windows it falls into.
final class PanePartition {
    let keys: RowTable
    let panes: AggregatePartition
    let windows: PaneWindows
    private let accumulators: AccumulatorLayout
    private let tail: Int
    private let keyValue: Int
    private let startOffset: Int
    /// Panes by the next end of a window that they belong to. Hints: an address may have been given to another pane.
    private var endings = EvictionIndex()
    var indexIsStale = false

    /// next, previous, key
    static let tailBytes = 24
    static let keyValueBytes = 16
    /// Windows of all keys that are open: what a table of windows would hold.
    private(set) var windowCount = 0
    /// State came back, so windows must be counted anew.
    var windowsAreStale = false

    init(
        keyLayout: RowLayout, layout: RowLayout, accumulators: AccumulatorLayout, windows: PaneWindows, window: Int,
        leadBits: Int
    ) {
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
    private func link(_ row: UnsafeMutableRawPointer, _ at: Int) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: row.load(fromByteOffset: at, as: UInt.self))
    }
    private func setLink(_ row: UnsafeMutableRawPointer, _ at: Int, _ to: UnsafeMutableRawPointer?) {
        row.storeBytes(of: to.map { UInt(bitPattern: $0) } ?? 0, toByteOffset: at, as: UInt.self)
    }
    func key(of pane: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? { link(pane, tail + 16) }

    // MARK: Input

    func update(
        _ keyImages: KeyImages, _ images: KeyImages, _ inputs: [Column], weights: Column?,
        selection: UnsafeBufferPointer<UInt32>, indexes: Bool
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
                for i in 0..<n where key(of: rows[i]) == nil {
                    enlist(rows[i], rows[chunk + i])
                    if indexes { endings.add(rows[i], at: windows.firstEnd(ofPane: start(of: rows[i]))) }
                }
                panes.touch(UnsafePointer(rows), n)
                panes.apply(to: rows, inputs, weights: weights, selection: part, n)
                done += n
            }
        }
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
            windowCount -= Int(key.load(fromByteOffset: keyValue + 8, as: Int64.self))
            keys.remove(key)
        }
    }

    /// A key's panes in order of time.
    func panes(of key: UnsafeMutableRawPointer) -> [(start: Int64, row: UnsafeMutableRawPointer)] {
        var all: [(start: Int64, row: UnsafeMutableRawPointer)] = []
        var next = link(key, keyValue)
        while let pane = next {
            all.append((start(of: pane), pane))
            next = link(pane, tail)
        }
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
            recount(key, Int(key.load(fromByteOffset: keyValue + 8, as: Int64.self)), limit)
        }
    }

    private func recount(_ key: UnsafeMutableRawPointer, _ before: Int, _ limit: Int64) {
        let count = windows.count(of: panes(of: key).map(\.start), after: limit)
        key.storeBytes(of: Int64(count), toByteOffset: keyValue + 8, as: Int64.self)
        windowCount += count - before
    }

    // MARK: Ends

    /// Panes that belong to a window which ends by `limit`; they come again with their next window.
    func due(through limit: Int64) -> [UnsafeMutableRawPointer] {
        refresh()
        var due: [UnsafeMutableRawPointer] = []
        for pane in endings.take(through: limit) where key(of: pane) != nil {
            due.append(pane)
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
    func endEpoch() {
        let offset = panes.table.layout.valueOffset
        for pane in panes.touched where (pane + offset).load(as: Int64.self) <= 0 { unlink(pane) }
        panes.endEpoch(keepsEmptyGroup: false, stamp: 0)
        if keys.count == 0 { keys.settle() }
    }

    // MARK: State that came back

    func refresh() {
        guard indexIsStale else { return }
        indexIsStale = false
        windowsAreStale = true
        endings = EvictionIndex()
        panes.table.forEachRow { endings.add($0, at: windows.firstEnd(ofPane: start(of: $0))) }
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

    var byteCount: Int { keys.byteCount + panes.byteCount + endings.byteCount }
}

/// Which windows a pane belongs to.
struct PaneWindows: Sendable {
    let size: Int64
    let slide: Int64
    let offset: Int64
    /// The length of a pane.
    let pane: Int64

    init(_ windows: LogicalPlan.TimeWindows) {
        size = windows.size
        slide = windows.slide
        offset = windows.offset
        var (a, b) = (windows.size, windows.slide)
        while b != 0 { (a, b) = (b, a % b) }
        pane = a
    }

    /// How many windows that end after `limit` have one of the panes, whose starts ascend.
    func count(of starts: [Int64], after limit: Int64) -> Int {
        var counted = Int64.min
        var count: Int64 = 0
        for start in starts {
            let last = lastEnd(ofPane: start)
            guard let first = firstEnd(ofPane: start, after: Swift.max(limit, counted)) else { continue }
            count += (last &- first) / slide &+ 1
            counted = last
        }
        return Int(count)
    }

    func paneStart(of time: Int64) -> Int64 { TimeWindow.lastStart(atOrBefore: time, slide: pane, offset: offset) }
    /// The end of the last window that has the pane.
    func lastEnd(ofPane start: Int64) -> Int64 {
        TimeWindow.lastStart(atOrBefore: start, slide: slide, offset: offset) &+ size
    }
    func firstEnd(ofPane start: Int64) -> Int64 {
        // Window starts lie in (start - size, start].
        let last = TimeWindow.lastStart(atOrBefore: start, slide: slide, offset: offset)
        let back = (last &- (start &- size) &- 1) / slide
        return last &- back &* slide &+ size
    }
    /// The first end behind `limit`; nil if all windows of the pane have ended by then.
    func firstEnd(ofPane start: Int64, after limit: Int64) -> Int64? {
        let first = firstEnd(ofPane: start)
        if first > limit { return first }
        let next = first &+ ((limit &- first) / slide &+ 1) &* slide
        return next <= lastEnd(ofPane: start) ? next : nil
    }
}
