// Windows put together from panes.

extension PaneAggregateOperator {
    /// Counts the windows of touched keys anew, and gives how many windows the touched panes are in.
    func count(_ partition: PanePartition, after limit: Int64) -> Int {
        let touched = partition.panes.touched.compactMap { pane in
            partition.key(of: pane).map { (key: $0, start: partition.start(of: pane)) }
        }
        partition.countWindows(of: touched.lazy.map(\.key), after: limit)
        let sorted = touched.sorted { ($0.key, $0.start) < ($1.key, $1.start) }
        var (first, updated) = (0, 0)
        for end in sorted.indices where end + 1 == sorted.count || sorted[end + 1].key != sorted[first].key {
            updated += windows.count(of: sorted[first...end].map(\.start), after: limit)
            first = end + 1
        }
        return updated
    }

    /// Per key, the ends of windows to be given out.
    typealias Ends = [(key: UnsafeMutableRawPointer, ends: [Int64])]

    func ends(
        of panes: [UnsafeMutableRawPointer], _ partition: PanePartition, after low: Int64, through high: Int64
    ) -> Ends {
        var found: [UnsafeMutableRawPointer: Set<Int64>] = [:]
        var order: [UnsafeMutableRawPointer] = []
        for pane in panes {
            guard let key = partition.key(of: pane) else { continue }
            let start = partition.start(of: pane)
            let last = min(windows.lastEnd(ofPane: start), high)
            if found[key] == nil { order.append(key) }
            var ends = found[key] ?? []
            var next = windows.firstEnd(ofPane: start, after: low)
            while let end = next, end <= last {
                ends.insert(end)
                next = end &+ windows.slide
            }
            found[key] = ends
        }
        return order.compactMap { key in found[key].map { (key, $0.sorted()) } }
    }

    func emitTouched(
        _ partition: PanePartition, after low: Int64, withOld: Bool, _ task: TaskContext
    ) throws(TidemillError) {
        let all = ends(of: partition.panes.touched, partition, after: low, through: .max)
        try emit(all, partition, withOld: withOld, task)
    }

    private static let outputRows = 4096

    func emit(
        _ all: Ends, _ partition: PanePartition, withOld: Bool, _ task: TaskContext
    ) throws(TidemillError) {
        if all.isEmpty { return }
        var before: [UnsafeMutableRawPointer: UnsafeMutableRawPointer] = [:]
        if withOld {
            for (index, row) in partition.panes.touched.enumerated() { before[row] = partition.panes.areaBefore(index) }
        }
        var rows = WindowRows(valueBytes: accumulators.valueBytes, capacity: PaneAggregateOperator.outputRows)
        defer { rows.deallocate() }
        for (key, ends) in all {
            let panes = partition.panes(of: key)
            var first = 0
            for end in ends {
                while first < panes.count && panes[first].start < end - windows.size { first += 1 }
                if rows.count + 2 > PaneAggregateOperator.outputRows { try give(&rows, partition, task) }
                let span = panes[first...].prefix { $0.start < end }
                if withOld { put(end, span, before, -1, into: &rows, partition) }
                put(end, span, [:], 1, into: &rows, partition)
            }
        }
        try give(&rows, partition, task)
    }

    /// Puts a window's panes together, as they are or as they were.
    private func put(
        _ end: Int64, _ span: ArraySlice<(start: Int64, row: UnsafeMutableRawPointer)>,
        _ before: [UnsafeMutableRawPointer: UnsafeMutableRawPointer], _ weight: Int64, into rows: inout WindowRows,
        _ partition: PanePartition
    ) {
        let area = rows.nextArea()
        for pane in span {
            let source = before[pane.row] ?? pane.row + layout.valueOffset
            if source.load(as: Int64.self) > 0 { accumulators.combine(source, into: area, partition.panes) }
        }
        // Without rows there is no window.
        if let row = span.first?.row, area.load(as: Int64.self) > 0 { rows.keep(row, end, weight) }
    }

    private func give(
        _ rows: inout WindowRows, _ partition: PanePartition, _ task: TaskContext
    ) throws(TidemillError) {
        defer { rows.clear(partition.panes) }
        let n = rows.count
        if n == 0 { return }
        let table = partition.panes.table
        let heap = AccumulatorHeap(strings: partition.panes.arena.heap(), sums: partition.panes.sums)
        let keyHeap = table.arena.heap()
        let pointers = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: 2 * n)
        defer { pointers.deallocate() }
        for i in 0..<n {
            pointers[i] = rows.rows[i]
            pointers[n + i] = rows.area(i)
        }
        let packed = rows.ends.map { TimeWindow(start: $0 - windows.size, end: $0).packed }
        var columns: [Column] = []
        for group in 0..<groupCount {
            columns.append(
                group == window
                    ? Column(type: .timeWindow, count: n, values: packed.withUnsafeBytes { Buffer(copying: $0) })
                    : table.keyColumn(
                        group, of: UnsafePointer(pointers), count: n, as: groupTypes[group], heap: keyHeap))
        }
        for output in accumulators.outputs.indices {
            columns.append(try accumulators.result(output, UnsafePointer(pointers + n), n, heap))
        }
        let weights = rows.weights.allSatisfy { $0 == 1 } ? nil : Column(bigints: rows.weights)
        try outputs.emit(Batch(columns: columns, count: n, weights: weights), task)
    }
}

/// Windows that wait to be given out: each a value area of its own, put together from panes.
private struct WindowRows {
    private(set) var rows: [UnsafeMutableRawPointer] = []
    private(set) var ends: [Int64] = []
    private(set) var weights: [Int64] = []
    private let memory: UnsafeMutableRawPointer
    private let valueBytes: Int
    private let capacity: Int

    init(valueBytes: Int, capacity: Int) {
        self.valueBytes = valueBytes
        self.capacity = capacity
        // Sums are pairs of doubles, extremes hold 16-byte values: all are read unaligned or by 8 bytes.
        memory = .allocate(byteCount: valueBytes * capacity, alignment: 16)
    }
    func deallocate() { memory.deallocate() }

    var count: Int { rows.count }
    func area(_ index: Int) -> UnsafeMutableRawPointer { memory + index * valueBytes }

    /// Zeroed memory for the next window; it counts once it is kept.
    func nextArea() -> UnsafeMutableRawPointer {
        precondition(rows.count < capacity)
        let next = area(rows.count)
        next.initializeMemory(as: UInt8.self, repeating: 0, count: valueBytes)
        return next
    }

    mutating func keep(_ row: UnsafeMutableRawPointer, _ end: Int64, _ weight: Int64) {
        rows.append(row)
        ends.append(end)
        weights.append(weight)
    }

    /// Forgets the windows, and the spilled sums that putting them together made.
    mutating func clear(_ partition: AggregatePartition) {
        for index in rows.indices { partition.sums.release(area(index)) }
        rows.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        weights.removeAll(keepingCapacity: true)
    }
}
