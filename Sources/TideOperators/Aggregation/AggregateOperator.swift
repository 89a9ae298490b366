import Synchronization
import TideCheckpoints

/// GROUP BY: one accumulator row per group; per epoch, for every touched group whose result changed, the old row with
/// weight -1 and the new one with +1.
///
/// `consume` evaluates keys and arguments for the whole batch, then each partition takes its rows under its lock.
/// Aggregating into private tables that are merged later was measured 1.4 times slower (J1, two threads).
public final class AggregateOperator: BatchConsumer, StatefulOperator {
    let program: ExpressionProgram
    let groupCount: Int
    let groupTypes: [DataType]
    let accumulators: AccumulatorLayout
    let layout: RowLayout
    let bits: Int
    let partitions: [Locked<AggregatePartition>]
    let outputs: Outputs
    /// False if every consumer replaces rows by their key, which is this operator's group: a changed group then needs
    /// only its new row.
    let emitsOldRows: Bool
    private let inputAppends: Bool
    private let seeded: Atomic<Bool>
    /// In streaming tables: how groups end.
    let eventTime: AggregateEventTime?
    private let sourceOrder: SourceOrder?
    private let reduction = BatchReduction()
    let lateGroups: LateGroups
    let cold: Locked<ColdState?>
    let times: DueTimes
    let fetched: Atomic<Int>
    /// Groups when the operator was opened; nil where nobody set it.
    let openedRows: Locked<Int?>

    /// - Parameters:
    ///   - input: columns of the input; where the first or last row of a group is asked for, their order decides.
    ///   - inSourceOrder: there the row that came first is the first: of streaming tables.
    ///   - inputAppends: the input retracts nothing.
    public init(
        groups: [NamedExpression], aggregates: [NamedAggregate], input: Schema = Schema([]),
        inSourceOrder: Bool = false, inputAppends: Bool = true, partitionBits: Int, emitsOldRows: Bool,
        eventTime: AggregateEventTime? = nil,
        outputs: Outputs
    ) throws(TidemillError) {
        self.eventTime = eventTime
        self.inputAppends = inputAppends
        groupCount = groups.count
        groupTypes = groups.map(\.expression.type)
        lateGroups = LateGroups(groupTypes)
        accumulators = try AccumulatorLayout(
            aggregates, input: input, sourceOrder: inSourceOrder ? SourceOrder.types : [], retracts: !inputAppends)
        sourceOrder = SourceOrder(columns: accumulators.sourceOrderColumns, of: SourceOrder.types.count)
        program = ExpressionProgram(groups.map(\.expression) + accumulators.inputs)
        layout = RowLayout(keys: groupTypes, valueBytes: accumulators.valueBytes)
        // One row has one partition.
        bits = groups.isEmpty ? 0 : partitionBits
        let (layout, accumulators, lead) = (layout, accumulators, bits)
        partitions = (0..<(1 << bits)).map { _ in
            Locked(
                AggregatePartition(
                    layout: layout, accumulators: accumulators, leadBits: lead, endingGroup: eventTime?.group))
        }
        self.emitsOldRows = emitsOldRows
        self.outputs = outputs
        seeded = Atomic(false)
        cold = Locked(nil)
        times = DueTimes()
        fetched = Atomic(0)
        openedRows = Locked(nil)
    }

    public var partitionCount: Int { partitions.count }

    public func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        var batch = batch
        var columns = try program.evaluate(batch, task.evaluation)
        if let sourceOrder { columns += sourceOrder.columns(batch.count, task) }
        if let eventTime, let keep = withoutLate(columns, batch, eventTime, task) {
            let kept = Batch(columns: columns, count: batch.count, weights: batch.weights).filter(keep)
            (batch, columns) = (kept, kept.columns)
            if batch.count == 0 { return }
        }
        let keys = KeyImages(Array(columns[..<groupCount]), count: batch.count, layout: layout)
        let groups = Array(columns[..<groupCount])
        let inputs = Array(columns[groupCount...])
        let reduced = accumulators.needsWeightsOnly ? reduction.reduced(keys, weights: batch.weights) : nil
        let weights = reduced?.weights ?? batch.weights
        let selection = PartitionedSelection(
            hashes: keys.hashes.pointer(UInt64.self), count: batch.count, partitionBits: bits, among: reduced?.rows)
        // Workers start at different partitions, so that they seldom meet.
        let first = task.worker * partitions.count / max(1, task.worker + 1)
        for step in partitions.indices {
            let p = (first + step) % partitions.count
            let rows = selection.rows(of: p)
            if rows.isEmpty { continue }
            try partitions[p].withLock { partition throws(TidemillError) in
                partition.update(keys, inputs, weights: weights, selection: rows)
                partition.keepValues(groups, inputs, weights: weights, selection: rows)
            }
        }
    }

    public func finishTask(_ task: TaskContext) throws(TidemillError) { sourceOrder?.finishTask(task) }

    // MARK: Output

    static let outputRows = 8192

    public func finish(partition p: Int, _ task: TaskContext) throws(TidemillError) {
        try partitions[p].withLock { partition throws(TidemillError) in
            if groupCount == 0 && !seeded.exchange(true, ordering: .relaxed) && partition.table.count == 0 {
                partition.touchGlobalGroup()
            }
            // As in Spark, the one row without GROUP BY is written in every epoch of its flow.
            if groupCount == 0, let eventTime, eventTime.clock.flow.takesPart { partition.touchGlobalGroup() }
            try resolve(partition)
            try partition.settleValues(forgets: inputAppends)
            partition.countLiveChange()
            if let eventTime {
                try finish(p, partition, eventTime, task)
                partition.countLiveChange()
            } else {
                try emitChanges(of: partition, task)
            }
        }
        try outputs.finishTask(task)
    }

    func emitChanges(of partition: AggregatePartition, _ task: TaskContext) throws(TidemillError) {
        let touched = partition.touched
        if touched.isEmpty { return }
        let heap = AccumulatorHeap(strings: partition.arena.heap(), sums: partition.sums)
        let keyHeap = partition.table.arena.heap()
        let valueOffset = layout.valueOffset
        let isGlobal = groupCount == 0
        var index = 0
        let capacity = AggregateOperator.outputRows * 2
        let rows = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: capacity)
        let areas = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: capacity)
        defer {
            rows.deallocate()
            areas.deallocate()
        }
        while index < touched.count {
            let end = min(index + AggregateOperator.outputRows, touched.count)
            var old = 0
            // Old rows first, then new ones.
            for i in index..<end {
                let before = partition.areaBefore(i)
                let wasLive = before.load(as: Int64.self) > 0 || (isGlobal && globalWasPublished)
                let isLive = (touched[i] + valueOffset).load(as: Int64.self) > 0 || isGlobal
                if wasLive && (emitsOldRows || !isLive) && !partition.sums.areEqual(before, touched[i] + valueOffset) {
                    rows[old] = touched[i]
                    areas[old] = before
                    old += 1
                }
            }
            var n = old
            for i in index..<end {
                let area = touched[i] + valueOffset
                let before = partition.areaBefore(i)
                let wasLive = before.load(as: Int64.self) > 0 || (isGlobal && globalWasPublished)
                let isLive = area.load(as: Int64.self) > 0 || isGlobal
                if isLive && !(wasLive && partition.sums.areEqual(before, area)) {
                    rows[n] = touched[i]
                    areas[n] = area
                    n += 1
                }
            }
            if n > 0 {
                var columns: [Column] = []
                for key in 0..<groupCount {
                    columns.append(
                        partition.table.keyColumn(
                            key, of: UnsafePointer(rows), count: n, as: groupTypes[key], heap: keyHeap))
                }
                for output in accumulators.outputs.indices {
                    columns.append(try accumulators.result(output, UnsafePointer(areas), n, heap))
                }
                try outputs.emit(Batch(columns: columns, count: n, weights: weights(old: old, n)), task)
            }
            index = end
        }
        if isGlobal { globalWasPublished = true }
    }

    // Touched by the one partition of a global aggregate, under its lock.
    nonisolated(unsafe) private var globalWasPublished = false

    private func weights(old: Int, _ n: Int) -> Column? {
        if old == 0 { return nil }
        let buffer = Buffer(byteCount: n * 8)
        let out = buffer.pointer(Int64.self)
        for i in 0..<n { out[i] = i < old ? -1 : 1 }
        return Column(type: .bigint, count: n, values: buffer)
    }

    public func endEpoch(partition p: Int) { endEpoch(partition: p, of: .zero) }

    // MARK: State

    public var stateParts: [StatePart] {
        [
            StatePart(
                types: [.bigint, .boolean] + groupTypes + accumulators.stateTypes,
                keyColumns: Array(2..<(2 + groupCount)))
        ] + accumulators.stores.map { KeyedRows.statePart(groupTypes + $0.types, .init()) }
            + (canKeepTimes ? [DueTimes.part] : [])
    }

    /// The state's columns behind the hash, the live mark and the groups, as they are read.
    public func accumulatorFields(over input: Schema) -> [Field] { accumulators.stateNames(of: input) }

    public func stateChanges(part: Int, partition p: Int) -> [Batch] {
        if isTimePart(part) { return timeChanges(partition: p) }
        return partitions[p].withLock { part == 0 ? stateBatches($0, $0.touched) : $0.values[part - 1].stateChanges() }
    }

    func stateBatches(_ partition: AggregatePartition, _ unsorted: [UnsafeMutableRawPointer]) -> [Batch] {
        if unsorted.isEmpty { return [] }
        let keyHeap = partition.table.arena.heap()
        let sorted = StateOrder.sorted(unsorted, table: partition.table, keyTypes: groupTypes, heap: keyHeap)
        let valueOffset = layout.valueOffset
        var batches: [Batch] = []
        var start = 0
        while start < sorted.rows.count {
            let n = min(AggregateOperator.outputRows, sorted.rows.count - start)
            let chunk = Array(sorted.rows[start..<(start + n)])
            let areas = chunk.map { $0 + valueOffset }
            let columns = chunk.withUnsafeBufferPointer { rows in
                areas.withUnsafeBufferPointer { areas in
                    stateColumns(partition, rows.baseAddress!, areas.baseAddress!, n, keyHeap)
                }
            }
            let hashes = Buffer(byteCount: n * 8)
            for i in 0..<n { hashes.pointer(UInt64.self)[i] = sorted.hashes[start + i] }
            let keepsEmpty = groupCount == 0
            let live = Bitmap(count: n) { areas[$0].load(as: Int64.self) > 0 || keepsEmpty }
            batches.append(
                Batch(
                    columns: [Column(type: .bigint, count: n, values: hashes), Column(boolean: live)] + columns,
                    count: n))
            start += n
        }
        return batches
    }

    private func stateColumns(
        _ partition: AggregatePartition, _ rows: UnsafePointer<UnsafeMutableRawPointer>, _ areas: ValueAreas, _ n: Int,
        _ keyHeap: StringHeap
    ) -> [Column] {
        var columns = (0..<groupCount).map {
            partition.table.keyColumn($0, of: rows, count: n, as: groupTypes[$0], heap: keyHeap)
        }
        let heap = AccumulatorHeap(strings: partition.arena.heap(), sums: partition.sums)
        for slot in accumulators.slots { columns += accumulators.stateColumns(slot, areas, n, heap) }
        return columns
    }

    public func restore(part: Int, _ batch: Batch) throws(TidemillError) {
        try restore(part: part, batch, epoch: .zero)
    }

    public func restore(part: Int, _ batch: Batch, epoch: Epoch) throws(TidemillError) {
        guard batch.columns.map(\.type) == stateParts[part].types else {
            throw TidemillError(
                .corruption, "TIDEMILL_STATE_TYPES", "stored state of an aggregate has other columns than its query")
        }
        if isTimePart(part) { return times.restore(batch, epoch: epoch) }
        if part > 0 { return restoreValues(part - 1, batch) }
        let isUnlisted = times.needsListing()
        let keys = KeyImages(Array(batch.columns[2..<(2 + groupCount)]), count: batch.count, layout: layout)
        let live = batch.columns[1].bits
        let selection = PartitionedSelection(
            hashes: keys.hashes.pointer(UInt64.self), count: batch.count, partitionBits: bits)
        if groupCount == 0 && batch.count > 0 {
            seeded.store(true, ordering: .relaxed)
            globalWasPublished = true
        }
        for p in partitions.indices {
            let rows = selection.rows(of: p)
            if rows.isEmpty { continue }
            try partitions[p].withLock { partition throws(TidemillError) in
                try accumulators.restore(
                    partition, keys, batch, firstSlot: 2 + groupCount, live: live, rows, stamp: RowStamp.of(epoch))
                partition.indexIsStale = eventTime?.group != nil
                if isUnlisted { partition.ends.askForListing() }
            }
        }
    }

    private func restoreValues(_ store: Int, _ batch: Batch) {
        let groups = Array(batch.columns[2..<(2 + groupCount)])
        KeyedRows.split(batch, types: groupTypes + accumulators.stores[store].types, by: groups, partitionBits: bits) {
            p, change, stored in
            partitions[p].withLock { $0.values[store].restore(change, stored: stored) }
        }
    }

    public var stateRows: Int {
        guard let opened = openedRows.withLock({ $0 }) else { return rowsInMemory }
        return partitions.reduce(opened) { sum, p in sum + p.withLock { $0.liveChangeSoFar } }
    }
    public var rowsInMemory: Int {
        partitions.reduce(0) { sum, p in sum + p.withLock { $0.table.count - $0.deadRows } }
    }
    public var stateBytes: Int {
        partitions.reduce(times.byteCount) { sum, p in sum + p.withLock { $0.byteCount } }
    }
    public var touchedRows: Int { partitions.reduce(0) { sum, p in sum + p.withLock { $0.touched.count } } }
}
