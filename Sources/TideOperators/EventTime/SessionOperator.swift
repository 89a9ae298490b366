import Synchronization
import TideCheckpoints

/// GROUP BY session_window(…): rows of a key whose windows touch are one group, whose window is their union.
///
/// In a streaming table a session is given out once, when the watermark passes its end; in a view the old sessions are
/// taken back and the new ones given. Rows cannot be taken back, since a session that lost a row might fall apart; then
/// `SessionsOverChanges` says the same otherwise.
public final class SessionOperator: BatchConsumer, StatefulOperator {
    private let program: ExpressionProgram
    let groupCount: Int
    private let groupTypes: [DataType]
    /// Position of the session among the groups.
    private let session: Int
    let accumulators: AccumulatorLayout
    /// Of the groups without the session, and of sessions: the groups with the start in the session's place.
    private let keyLayout: RowLayout
    private let layout: RowLayout
    let stored: StoredWindows
    let bits: Int
    let partitions: [Locked<SessionPartition>]
    let eventTime: AggregateEventTime?
    // See `SessionOperator+Cold.swift`.
    let cold: Locked<ColdState?>
    let times: DueTimes
    let fetched: Atomic<Int>
    /// Sessions when the operator was opened; nil where nobody set it.
    let openedRows: Locked<Int?>
    private let counter: OperatorClock?
    /// By which rows are late; nil: the session's time has no watermark.
    private let lateness: OperatorClock?
    let lateGroups: LateGroups
    private let sourceOrder: SourceOrder?
    private let outputs: Outputs

    /// - Parameters:
    ///   - inSourceOrder: see `AggregateOperator`. As in Spark, rows of a session are sorted by time before.
    ///   - counter: in complete mode, where no session ends. Rows are late all the same, as in Spark.
    public init(
        _ aggregate: LogicalPlan.Aggregate, session: Int, inSourceOrder: Bool = false, eventTime: AggregateEventTime?,
        counter: OperatorClock? = nil, partitionBits: Int,
        outputs: Outputs
    ) throws(TidemillError) {
        self.session = session
        self.eventTime = eventTime
        self.counter = eventTime?.clock ?? counter
        lateness = eventTime?.clock ?? (EventTime.group(of: aggregate) == nil ? nil : counter)
        self.outputs = outputs
        groupCount = aggregate.groups.count
        groupTypes = aggregate.groups.map(\.expression.type)
        lateGroups = LateGroups(groupTypes)
        accumulators = try AccumulatorLayout(
            aggregate.aggregates, input: aggregate.input.schema,
            sourceOrder: inSourceOrder ? SourceOrder.sessionTypes : [],
            retracts: false)
        sourceOrder = SourceOrder(
            columns: accumulators.sourceOrderColumns, of: SourceOrder.sessionTypes.count)
        program = ExpressionProgram(aggregate.groups.map(\.expression) + accumulators.inputs)
        var keyTypes = groupTypes
        keyTypes.remove(at: session)
        var rowTypes = groupTypes
        rowTypes[session] = .timestamp
        keyLayout = RowLayout(keys: keyTypes, valueBytes: 8)
        layout = RowLayout(keys: rowTypes, valueBytes: accumulators.valueBytes + SessionPartition.tailBytes)
        bits = keyTypes.isEmpty ? 0 : partitionBits
        stored = StoredWindows(
            groupCount: aggregate.groups.count, window: session, hasEnds: true, layout: layout, keyLayout: keyLayout)
        cold = Locked(nil)
        times = DueTimes()
        fetched = Atomic(0)
        openedRows = Locked(nil)
        let (keyLayout, layout, accumulators, bits) = (keyLayout, layout, accumulators, bits)
        partitions = (0..<(1 << bits)).map { _ in
            Locked(
                SessionPartition(
                    keyLayout: keyLayout, layout: layout, accumulators: accumulators, session: session,
                    leadBits: bits, endsSessions: eventTime != nil))
        }
    }

    public var partitionCount: Int { partitions.count }

    // MARK: Input

    public func consume(_ input: Batch, _ task: TaskContext) throws(TidemillError) {
        var columns = try program.evaluate(input, task.evaluation)
        if let sourceOrder {
            columns += sourceOrder.columns(input.count, task, behind: [start(of: columns[session]).retyped(.bigint)])
        }
        var batch = Batch(columns: columns, count: input.count, weights: input.weights)
        if let lateness, let keep = batch.columns[session].notLate(after: lateness.lateMicros) {
            let groups = lateGroups.add(Array(columns[..<groupCount]), where: keep.inverted())
            lateness.count(late: keep.count - keep.onesCount, keys: groups)
            lateness.keep(late: input, notIn: keep, times: batch.columns[session], task)
            batch = batch.filter(keep)
        }
        if batch.count == 0 { return }
        if let weights = batch.weights {
            let values = weights.pointer(Int64.self)
            for row in 0..<batch.count where values[row] < 0 {
                throw TidemillError.internal("sessions of input that takes rows back")
            }
        }
        let windows = batch.columns[session]
        let keys = WindowKeys(
            batch.columns[..<groupCount], window: session, starts: start(of: windows), layout: layout,
            keyLayout: keyLayout, bits: bits)
        let inputs = Array(batch.columns[groupCount...])
        for p in partitions.indices {
            let rows = keys.selection.rows(of: p)
            if rows.isEmpty { continue }
            try partitions[p].withLock { (partition) throws(TidemillError) in
                try complete(partition)
                partition.update(
                    keys.keyImages, keys.images, groups: keys.groups, windows: windows, inputs, weights: batch.weights,
                    selection: rows)
            }
        }
    }

    private func start(of windows: Column) -> Column {
        let buffer = Buffer(byteCount: windows.count * 8)
        let values: UnsafePointer<Int128> = windows.pointer()
        let out = buffer.pointer(Int64.self)
        for row in 0..<windows.count { out[row] = TimeWindow(packed: values[row]).start }
        return Column(type: .timestamp, count: windows.count, values: buffer)
    }

    public func finishTask(_ task: TaskContext) throws(TidemillError) { sourceOrder?.finishTask(task) }

    // MARK: Output

    public func finish(partition p: Int, _ task: TaskContext) throws(TidemillError) {
        try partitions[p].withLock { partition throws(TidemillError) in
            try complete(partition)
            try resolve(partition)
            try partition.sessions.settleValues(forgets: true)
            // As Spark counts: all sessions of keys that got rows; those that were swallowed are removed.
            counter?.count(updated: partition.sessionsOfTouchedKeys())
            counter?.count(removed: partition.swallowed(), leaving: 0)
            if let eventTime {
                if eventTime.clock.flow.takesPart { try end(p, partition, eventTime.clock, task) }
            } else {
                try emitChanges(of: partition, task)
            }
            partition.sessions.countLiveChange()
        }
        try outputs.finishTask(task)
    }

    /// Sessions that the watermark has passed are given out and go.
    private func end(
        _ p: Int, _ partition: SessionPartition, _ clock: OperatorClock, _ task: TaskContext
    ) throws(TidemillError) {
        let limit = clock.evictionMicros
        try load(p, partition, through: limit)
        let ended = partition.endSessions(through: limit)
        let offset = layout.valueOffset
        let areas = ended.map { $0 + offset }
        try emit(ended, areas, old: 0, partition, task)
        partition.sessions.dropValues(ended)
        partition.markEmpty(ended)
        if partition.keepsTimes { partition.makeEntries() }
        clock.count(removed: ended.count, leaving: readsLazily ? 0 : ended.count)
    }

    private func isLive(_ area: UnsafeMutableRawPointer) -> Bool { area.load(as: Int64.self) > 0 }

    /// Sessions as they were are taken back, as they are now are given.
    private func emitChanges(of partition: SessionPartition, _ task: TaskContext) throws(TidemillError) {
        let touched = partition.sessions.touched
        let offset = layout.valueOffset
        var rows: [UnsafeMutableRawPointer] = []
        var areas: [UnsafeMutableRawPointer] = []
        for (index, row) in touched.enumerated() {
            let before = partition.sessions.areaBefore(index)
            if isLive(before) {
                rows.append(row)
                areas.append(before)
            }
        }
        let old = rows.count
        for row in touched where isLive(row + offset) {
            rows.append(row)
            areas.append(row + offset)
        }
        try emit(rows, areas, old: old, partition, task)
    }

    /// - Parameter old: so many of the rows, in front, are taken back.
    private func emit(
        _ rows: [UnsafeMutableRawPointer], _ areas: [UnsafeMutableRawPointer], old: Int,
        _ partition: SessionPartition, _ task: TaskContext
    ) throws(TidemillError) {
        let table = partition.sessions.table
        let heap = AccumulatorHeap(strings: partition.sessions.arena.heap(), sums: partition.sessions.sums)
        let keyHeap = table.arena.heap()
        for start in stride(from: 0, to: rows.count, by: AggregateOperator.outputRows) {
            let range = start..<min(start + AggregateOperator.outputRows, rows.count)
            let n = range.count
            let pointers = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: 2 * n)
            defer { pointers.deallocate() }
            for (i, source) in range.enumerated() {
                pointers[i] = rows[source]
                pointers[n + i] = areas[source]
            }
            var columns: [Column] = []
            for group in 0..<groupCount {
                columns.append(
                    group == session
                        ? windows(pointers, n, partition)
                        : table.keyColumn(
                            group, of: UnsafePointer(pointers), count: n, as: groupTypes[group], heap: keyHeap))
            }
            for output in accumulators.outputs.indices {
                columns.append(try accumulators.result(output, UnsafePointer(pointers + n), n, heap))
            }
            let weights = old == 0 ? nil : Column(bigints: range.map { $0 < old ? -1 : 1 })
            try outputs.emit(Batch(columns: columns, count: n, weights: weights), task)
        }
    }

    private func windows(
        _ pointers: UnsafeMutablePointer<UnsafeMutableRawPointer>, _ n: Int, _ partition: SessionPartition
    ) -> Column {
        let buffer = Buffer(byteCount: n * 16)
        let out = buffer.pointer(Int128.self)
        for i in 0..<n {
            out[i] =
                TimeWindow(start: partition.start(of: pointers[i]), end: partition.end(ofArea: pointers[n + i]))
                .packed
        }
        return Column(type: .timeWindow, count: n, values: buffer)
    }

    public func endEpoch(partition p: Int) { endEpoch(partition: p, of: .zero) }

    // MARK: State

    /// | hash of the key | live | groups, with the start in the session's place | end | accumulators |
    public var stateParts: [StatePart] {
        [
            StatePart(
                types: [.bigint, .boolean] + layout.keyTypes + [.timestamp] + accumulators.stateTypes,
                keyColumns: Array(2..<(2 + groupCount)))
        ] + accumulators.stores.map { KeyedRows.statePart(layout.keyTypes + $0.types, .init()) }
            + (canKeepTimes ? [DueTimes.part] : [])
    }

    public func stateChanges(part: Int, partition p: Int) -> [Batch] {
        if canKeepTimes && part == SessionOperator.timePart { return timeChanges(partition: p) }
        return partitions[p].withLock {
            part == 0 ? stateBatches($0, $0.sessions.touched) : $0.sessions.values[part - 1].stateChanges()
        }
    }

    func stateBatches(_ partition: SessionPartition, _ rows: [UnsafeMutableRawPointer]) -> [Batch] {
        let offset = layout.valueOffset
        let heap = AccumulatorHeap(strings: partition.sessions.arena.heap(), sums: partition.sessions.sums)
        let hashed = groupTypes.indices.filter { $0 != session }
        return StateOrder.batches(rows, table: partition.sessions.table, keyTypes: layout.keyTypes, hashed: hashed) {
            rows in
            let areas = rows.map { $0 + offset }
            let ends = Column(.timestamp, rows.map { Scalar(.timestamp, .integer(partition.end(of: $0))) })
            let columns = areas.withUnsafeBufferPointer { buffer in
                buffer.baseAddress.map { base in
                    accumulators.slots.flatMap { accumulators.stateColumns($0, base, rows.count, heap) }
                } ?? []
            }
            return (live: Bitmap(count: rows.count) { isLive(areas[$0]) }, values: [ends] + columns)
        }
    }

    public func restore(part: Int, _ batch: Batch) throws(TidemillError) {
        try restore(part: part, batch, epoch: .zero)
    }

    public func restore(part: Int, _ batch: Batch, epoch: Epoch) throws(TidemillError) {
        guard batch.columns.map(\.type) == stateParts[part].types else {
            throw TidemillError(
                .corruption, "TIDEMILL_STATE_TYPES", "stored state of sessions has other columns than their query")
        }
        if canKeepTimes && part == SessionOperator.timePart { return restoreTimes(batch) }
        if part > 0 { return restoreValues(part - 1, batch) }
        // The partitions find out which sessions have no entry.
        _ = times.needsListing()
        let rows = stored.rows(batch)
        let selection = PartitionedSelection(
            hashes: rows.keyImages.hashes.pointer(UInt64.self), count: batch.count, partitionBits: bits)
        for p in partitions.indices {
            let own = selection.rows(of: p)
            if own.isEmpty { continue }
            try partitions[p].withLock { (partition) throws(TidemillError) in
                try partition.restore(rows, own, stamp: RowStamp.of(epoch))
            }
        }
    }

    private func restoreValues(_ store: Int, _ batch: Batch) {
        // Sessions go by their keys without the start.
        var keys = Array(batch.columns[2..<(2 + groupCount)])
        keys.remove(at: session)
        let types = layout.keyTypes + accumulators.stores[store].types
        let count = groupCount
        KeyedRows.split(batch, types: types, by: keys, partitionBits: bits) { p, change, stored in
            var whole = change
            whole.keys = Array(change.batch.columns.prefix(count))
            let own = whole
            partitions[p].withLock { $0.sessions.values[store].restore(own, stored: stored) }
        }
    }

    public var stateRows: Int {
        guard let opened = openedRows.withLock({ $0 }) else { return rowsInMemory }
        return partitions.reduce(opened) { sum, p in sum + p.withLock { $0.sessions.liveChangeSoFar } }
    }
    public var rowsInMemory: Int { partitions.reduce(0) { sum, p in sum + p.withLock { $0.liveCount } } }
    public var stateBytes: Int { partitions.reduce(0) { sum, p in sum + p.withLock { $0.byteCount } } }
    public var touchedRows: Int { partitions.reduce(0) { sum, p in sum + p.withLock { $0.sessions.touched.count } } }
}
