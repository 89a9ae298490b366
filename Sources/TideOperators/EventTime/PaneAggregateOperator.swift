import Synchronization
import TideCheckpoints

/// GROUP BY a sliding window, from panes: what a row costs does not grow with the number of windows it falls into.
///
/// A window's row is put together from its panes when it is given out: at its end in append mode, for each window of a
/// pane that changed otherwise. The rules of event time are those of `AggregateOperator` over the expanded rows; only
/// the state is smaller: one row per key and pane.
public final class PaneAggregateOperator: BatchConsumer, StatefulOperator {
    /// Groups with the pane's start in the window's place, then accumulator inputs.
    private let program: ExpressionProgram
    let groupCount: Int
    let groupTypes: [DataType]
    /// Position of the window among the groups.
    let window: Int
    let windows: PaneWindows
    let accumulators: AccumulatorLayout
    private let keyLayout: RowLayout
    let layout: RowLayout
    let bits: Int
    let partitions: [Locked<PanePartition>]
    let eventTime: AggregateEventTime?
    let outputs: Outputs
    /// Groups that this epoch's late rows fall into, as they would be without panes.
    private let lateGroups: LateGroups
    /// Whether progress speaks of windows, as if each had a row of its own: of streaming tables.
    let countsWindows: Bool
    // See `PaneAggregateOperator+Cold.swift`.
    let stored: StoredWindows
    let cold = Locked<ColdState?>(nil)
    let times = DueTimes()
    let tracksKeys = Atomic<Bool>(false)
    let fetched = Atomic<Int>(0)
    /// Windows, or of a view panes, when the operator was opened.
    let openedRows = Locked<Int?>(nil)
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
        stored = StoredWindows(
            groupCount: groupCount, window: group, hasEnds: false, layout: layout, keyLayout: keyLayout)
        let (keyLayout, layout, accumulators, windows, bits) = (keyLayout, layout, accumulators, windows, bits)
        partitions = (0..<(1 << bits)).map { _ in
            Locked(
                PanePartition(
                    keyLayout: keyLayout, layout: layout, accumulators: accumulators, windows: windows, window: group,
                    leadBits: bits, endsWindows: eventTime?.group != nil))
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
            try partitions[p].withLock { (partition) throws(TidemillError) in
                try complete(partition)
                partition.update(keys.keyImages, keys.images, inputs, weights: batch.weights, selection: rows)
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
            try complete(partition)
            try resolve(partition)
            defer { if partition.tracksKeys { partition.panes.countLiveChange() } }
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
            try load(p, partition, through: clock.evictionMicros)
            let due = partition.due(through: clock.evictionMicros)
            let ends = ends(of: due, partition, after: clock.lateMicros, through: clock.evictionMicros)
            if eventTime.output == .ended { try emit(ends, partition, withOld: false, task) }
            clock.count(removed: ends.reduce(0) { $0 + $1.ends.count }, leaving: 0)
            partition.countWindows(of: ends.map(\.key), after: clock.evictionMicros)
            let gone = due.filter { windows.lastEnd(ofPane: partition.start(of: $0)) <= clock.evictionMicros }
            partition.remove(gone)
            partition.makeEntries(through: clock.evictionMicros)
            partition.passed = max(partition.passed, clock.evictionMicros)
        }
        try outputs.finishTask(task)
    }

    public func endEpoch(partition p: Int) { endEpoch(partition: p, of: .zero) }

    public func endEpoch(partition p: Int, of epoch: Epoch) {
        partitions[p].withLock { $0.endEpoch(stamp: RowStamp.of(epoch)) }
        times.endEpoch()
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
        ] + (canKeepTimes ? [DueTimes.part] : [])
    }

    public func stateChanges(part: Int, partition p: Int) -> [Batch] {
        if part > 0 { return timeChanges(partition: p) }
        return partitions[p].withLock { stateBatches($0, $0.panes.touched) }
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
        try restore(part: part, batch, epoch: .zero)
    }

    public func restore(part: Int, _ batch: Batch, epoch: Epoch) throws(TidemillError) {
        guard batch.columns.map(\.type) == stateParts[part].types else {
            throw TidemillError(
                .corruption, "TIDEMILL_STATE_TYPES", "stored state of windows has other columns than their query")
        }
        if part > 0 { return times.restore(batch, epoch: epoch) }
        let isUnlisted = times.needsListing()
        let panes = stored.rows(batch)
        let (images, keyImages) = (panes.images, panes.keyImages)
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
                partition.willRestore(isUnlisted: isUnlisted)
                partition.keys.findOrInsert(keyImages, selection: rows.baseAddress!, count: n, into: found)
                partition.panes.table.findOrInsert(images, selection: rows.baseAddress!, count: n, into: found + n)
                for (i, row) in rows.enumerated() {
                    partition.setMark(found[i], RowStamp.of(epoch))
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
        guard countsWindows || tracksKeys.load(ordering: .relaxed) else { return panesInMemory }
        return partitions.reduce(openedRows.withLock { $0 } ?? 0) { sum, p in
            sum + p.withLock { countsWindows ? $0.windowCount : $0.panes.liveChangeSoFar }
        }
    }
    public var stateBytes: Int { partitions.reduce(times.byteCount) { sum, p in sum + p.withLock { $0.byteCount } } }
    public var touchedRows: Int {
        if countsWindows { return windowsTouched.withLock { $0 } }
        return partitions.reduce(0) { sum, p in sum + p.withLock { $0.panes.touched.count } }
    }
}
