/// GROUP BY a sliding window, from panes: what a row costs does not grow with the number of windows it falls into.
///
/// A window's row is put together from its panes when it is given out: at its end in append mode, for each window of a
/// pane that changed otherwise. The rules of event time are those of `AggregateOperator` over the expanded rows; only
/// the state is smaller: one row per key and pane.
public final class PaneAggregateOperator: BatchConsumer, StatefulOperator {
    /// Groups with the pane's start in the window's place, then accumulator inputs.
    private let program: ExpressionProgram
    private let groupCount: Int
    private let groupTypes: [DataType]
    /// Position of the window among the groups.
    private let window: Int
    private let windows: PaneWindows
    private let accumulators: AccumulatorLayout
    private let keyLayout: RowLayout
    private let layout: RowLayout
    private let bits: Int
    let partitions: [Locked<PanePartition>]
    private let eventTime: AggregateEventTime?
    private let outputs: Outputs
    /// Groups that this epoch's late rows fall into, as they would be without panes.
    private let lateGroups: LateGroups
    /// Whether progress speaks of windows, as if each had a row of its own: of streaming tables.
    private let countsWindows: Bool
    /// In complete mode: windows that the epoch touched.
    private let windowsTouched = Locked(0)

    /// Whether the aggregate groups by the window of sliding windows right below it, and reads it nowhere else. Gives
    /// the windows and the window's position among the groups.
    public static func windows(
        of aggregate: LogicalPlan.Aggregate
    ) -> (windows: LogicalPlan.TimeWindows, group: Int)? {
        guard case .timeWindows(let windows) = aggregate.input else { return nil }
        let column = windows.input.schema.count
        let groups = aggregate.groups.indices.filter { aggregate.groups[$0].expression.columns.contains(column) }
        guard groups.count == 1, case .column(column, _, _) = aggregate.groups[groups[0]].expression else { return nil }
        for call in aggregate.aggregates {
            let read = call.aggregate.arguments + (call.filter.map { [$0] } ?? [])
            if read.contains(where: { $0.columns.contains(column) }) || call.aggregate.distinct { return nil }
        }
        // Values that are kept one by one belong to whole windows.
        let layout = try? AccumulatorLayout(aggregate.aggregates, input: aggregate.input.schema, retracts: false)
        guard let layout, layout.stores.isEmpty else { return nil }
        return (windows, groups[0])
    }

    public init(
        _ aggregate: LogicalPlan.Aggregate, windows expanded: LogicalPlan.TimeWindows, group: Int,
        eventTime: AggregateEventTime?, countsWindows: Bool, partitionBits: Int, outputs: Outputs
    ) throws(TidemillError) {
        self.countsWindows = countsWindows
        window = group
        windows = PaneWindows(expanded)
        self.eventTime = eventTime
        self.outputs = outputs
        groupCount = aggregate.groups.count
        groupTypes = aggregate.groups.map(\.expression.type)
        lateGroups = LateGroups(groupTypes)
        accumulators = try AccumulatorLayout(aggregate.aggregates, input: aggregate.input.schema, retracts: false)
        var groups = aggregate.groups.map(\.expression)
        groups[group] = expanded.time
        program = ExpressionProgram(groups + accumulators.inputs)
        var keyTypes = groupTypes
        keyTypes.remove(at: group)
        var rowTypes = groupTypes
        rowTypes[group] = .timestamp
        keyLayout = RowLayout(keys: keyTypes, valueBytes: PanePartition.keyValueBytes)
        layout = RowLayout(keys: rowTypes, valueBytes: accumulators.valueBytes + PanePartition.tailBytes)
        bits = keyTypes.isEmpty ? 0 : partitionBits
        let (keyLayout, layout, accumulators, windows, bits) = (keyLayout, layout, accumulators, windows, bits)
        partitions = (0..<(1 << bits)).map { _ in
            Locked(
                PanePartition(
                    keyLayout: keyLayout, layout: layout, accumulators: accumulators, windows: windows, window: group,
                    leadBits: bits))
        }
    }

    public var partitionCount: Int { partitions.count }

    // MARK: Input

    public func consume(_ input: Batch, _ task: TaskContext) throws(TidemillError) {
        var batch = Batch(
            columns: try program.evaluate(input, task.evaluation), count: input.count, weights: input.weights)
        // Rows without a time fall into no window.
        var input = input
        if let validity = batch.columns[window].validity {
            batch = batch.filter(validity)
            input = input.filter(validity)
        }
        if let eventTime, eventTime.group != nil { batch = withoutLate(batch, input, eventTime.clock, task) }
        if batch.count == 0 { return }
        let keys = WindowKeys(
            batch.columns[..<groupCount], window: window, starts: paneStarts(of: batch.columns[window]), layout: layout,
            keyLayout: keyLayout, bits: bits)
        let inputs = Array(batch.columns[groupCount...])
        for p in partitions.indices {
            let rows = keys.selection.rows(of: p)
            if rows.isEmpty { continue }
            partitions[p].withLock {
                $0.update(
                    keys.keyImages, keys.images, inputs, weights: batch.weights, selection: rows,
                    indexes: eventTime?.group != nil)
            }
        }
    }

    private func paneStarts(of times: Column) -> Column {
        let buffer = Buffer(byteCount: times.count * 8)
        let values: UnsafePointer<Int64> = times.pointer()
        let out = buffer.pointer(Int64.self)
        for row in 0..<times.count { out[row] = windows.paneStart(of: values[row]) }
        return Column(type: .timestamp, count: times.count, values: buffer)
    }

    /// Rows that fall into a window which is still open. What falls into closed windows besides is counted only.
    private func withoutLate(_ batch: Batch, _ input: Batch, _ clock: OperatorClock, _ task: TaskContext) -> Batch {
        let values: UnsafePointer<Int64> = batch.columns[window].pointer()
        let limit = clock.lateMicros
        var late = 0
        var closed: [(row: UInt32, window: Int128)] = []
        var kept: [UInt32] = []
        kept.reserveCapacity(batch.count)
        for row in 0..<batch.count {
            let pane = windows.paneStart(of: values[row])
            var end = windows.firstEnd(ofPane: pane)
            let last = windows.lastEnd(ofPane: pane)
            if last > limit { kept.append(UInt32(row)) } else { late += 1 }
            while end <= limit && end <= last {
                closed.append((UInt32(row), TimeWindow(start: end - windows.size, end: end).packed))
                end += windows.slide
            }
        }
        if closed.isEmpty { return batch }
        clock.count(late: late, keys: newLateGroups(batch, closed))
        if late > 0 {
            let timely = Bitmap(count: batch.count) {
                windows.lastEnd(ofPane: windows.paneStart(of: values[$0])) > limit
            }
            clock.keep(late: input, notIn: timely, times: batch.columns[window], task)
        }
        return kept.count == batch.count ? batch : batch.gather(kept)
    }

    private func newLateGroups(_ batch: Batch, _ closed: [(row: UInt32, window: Int128)]) -> Int {
        let picked = batch.gather(closed.map(\.row))
        var keys = Array(picked.columns[..<groupCount])
        keys[window] = Column(
            type: .timeWindow, count: closed.count, values: closed.map(\.window).withUnsafeBytes { Buffer(copying: $0) }
        )
        return lateGroups.add(keys, count: closed.count)
    }

    public func finishTask(_ task: TaskContext) throws(TidemillError) {}

    // MARK: Output

    public func finish(partition p: Int, _ task: TaskContext) throws(TidemillError) {
        try partitions[p].withLock { partition throws(TidemillError) in
            guard let eventTime else {
                if countsWindows {
                    let touched = count(partition, after: .min)
                    windowsTouched.withLock { $0 += touched }
                }
                return try emitTouched(partition, after: .min, withOld: true, task)
            }
            let clock = eventTime.clock
            let isBounded = eventTime.group != nil
            clock.count(updated: count(partition, after: isBounded ? clock.lateMicros : .min))
            if eventTime.output != .ended {
                try emitTouched(
                    partition, after: isBounded ? clock.lateMicros : .min, withOld: eventTime.output == .changes, task)
            }
            guard isBounded, clock.flow.takesPart else { return }
            let due = partition.due(through: clock.evictionMicros)
            let ends = ends(of: due, partition, after: clock.lateMicros, through: clock.evictionMicros)
            if eventTime.output == .ended { try emit(ends, partition, withOld: false, task) }
            clock.count(removed: ends.reduce(0) { $0 + $1.ends.count }, leaving: 0)
            partition.countWindows(of: ends.map(\.key), after: clock.evictionMicros)
            let gone = due.filter { windows.lastEnd(ofPane: partition.start(of: $0)) <= clock.evictionMicros }
            partition.remove(gone)
        }
        try outputs.finishTask(task)
    }

    /// Counts the windows of touched keys anew, and gives how many windows the touched panes are in.
    private func count(_ partition: PanePartition, after limit: Int64) -> Int {
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
    private typealias Ends = [(key: UnsafeMutableRawPointer, ends: [Int64])]

    private func ends(
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

    private func emitTouched(
        _ partition: PanePartition, after low: Int64, withOld: Bool, _ task: TaskContext
    ) throws(TidemillError) {
        let all = ends(of: partition.panes.touched, partition, after: low, through: .max)
        try emit(all, partition, withOld: withOld, task)
    }

    private static let outputRows = 4096

    private func emit(
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

    public func endEpoch(partition p: Int) {
        partitions[p].withLock { $0.endEpoch() }
        if eventTime != nil { lateGroups.endEpoch() }
        windowsTouched.withLock { $0 = 0 }
    }

    // MARK: State

    /// | hash of the key | live | groups, with the pane's start in the window's place | accumulators |
    public var stateParts: [StatePart] {
        [
            StatePart(
                types: [.bigint, .boolean] + layout.keyTypes + accumulators.stateTypes,
                keyColumns: Array(2..<(2 + groupCount)))
        ]
    }

    public func stateChanges(part: Int, partition p: Int) -> [Batch] {
        partitions[p].withLock { stateBatches($0, $0.panes.touched) }
    }

    func stateBatches(_ partition: PanePartition, _ rows: [UnsafeMutableRawPointer]) -> [Batch] {
        let offset = layout.valueOffset
        let heap = AccumulatorHeap(strings: partition.panes.arena.heap(), sums: partition.panes.sums)
        let hashed = groupTypes.indices.filter { $0 != window }
        return StateOrder.batches(rows, table: partition.panes.table, keyTypes: layout.keyTypes, hashed: hashed) {
            rows in
            let areas = rows.map { $0 + offset }
            let columns = areas.withUnsafeBufferPointer { buffer in
                buffer.baseAddress.map { base in
                    accumulators.slots.flatMap { accumulators.stateColumns($0, base, rows.count, heap) }
                } ?? []
            }
            return (live: Bitmap(count: rows.count) { areas[$0].load(as: Int64.self) > 0 }, values: columns)
        }
    }

    public func restore(part: Int, _ batch: Batch) throws(TidemillError) {
        guard batch.columns.map(\.type) == stateParts[0].types else {
            throw TidemillError(
                .corruption, "TIDEMILL_STATE_TYPES", "stored state of windows has other columns than their query")
        }
        var keys = Array(batch.columns[2..<(2 + groupCount)])
        let images = KeyImages(keys, count: batch.count, layout: layout)
        keys.remove(at: window)
        let keyImages = KeyImages(keys, count: batch.count, layout: keyLayout)
        let live = batch.columns[1].bits
        let selection = PartitionedSelection(
            hashes: keyImages.hashes.pointer(UInt64.self), count: batch.count, partitionBits: bits)
        for p in partitions.indices {
            let rows = selection.rows(of: p)
            if rows.isEmpty { continue }
            try partitions[p].withLock { partition throws(TidemillError) in
                let n = rows.count
                let found = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: 2 * n)
                defer { found.deallocate() }
                partition.indexIsStale = eventTime?.group != nil
                partition.windowsAreStale = true
                partition.keys.findOrInsert(keyImages, selection: rows.baseAddress!, count: n, into: found)
                partition.panes.table.findOrInsert(images, selection: rows.baseAddress!, count: n, into: found + n)
                for (i, row) in rows.enumerated() {
                    if live[Int(row)] {
                        partition.restore(found[n + i], key: found[i])
                    } else {
                        partition.drop(found[n + i])
                    }
                }
                partition.forgetEmptyKeys(UnsafeBufferPointer(start: found, count: n))
                try accumulators.restore(
                    partition.panes, images, batch, firstSlot: 2 + groupCount, live: live, rows, stamp: 0)
            }
        }
    }

    /// Of a streaming table: open windows; of a view: panes.
    public var stateRows: Int {
        partitions.reduce(0) { sum, p in
            sum + p.withLock { countsWindows ? $0.windowCount : $0.panes.table.count }
        }
    }
    public var stateBytes: Int { partitions.reduce(0) { sum, p in sum + p.withLock { $0.byteCount } } }
    public var touchedRows: Int {
        if countsWindows { return windowsTouched.withLock { $0 } }
        return partitions.reduce(0) { sum, p in sum + p.withLock { $0.panes.touched.count } }
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
