import Synchronization
import TideCheckpoints

/// The first row of each key, in source order; state is the keys seen.
///
///     key row, its mark a `RowStamp` | when the key is forgotten, Int64 | 1 if it is remembered, UInt64 |
///
/// A key is forgotten when the watermark passes its time: the event time in it, or, within the watermark, the first
/// row's event time and the delay. Otherwise never. `DeduplicateOperator+Cold.swift` has keys that left memory.
public final class DeduplicateOperator: BatchConsumer, StatefulOperator {
    final class Partition {
        let table: RowTable
        var pending = PendingRows()
        /// Keys that are new or forgotten in this epoch.
        var touched: [UnsafeMutableRawPointer] = []
        var index = EvictionIndex()
        var indexIsStale = false
        /// Key groups of which keys may lie in runs alone.
        var cold = KeyGroupSet()
        var hand = EvictionHand()
        /// Where state has a limit.
        var ends = RowEnds()
        /// Keys that came, less those that went, since the state was opened.
        var liveChange = 0
        init(layout: RowLayout, leadBits: Int) { table = RowTable(layout: layout, leadBits: leadBits) }
    }

    let keys: [Int]
    let keyTypes: [DataType]
    let layout: RowLayout
    let bits: Int
    /// The input's event time, by which rows are late; nil: none is.
    private let timeColumn: Int?
    /// Position among the keys of an event time that ends them.
    let timeKey: Int?
    /// Within the watermark: what is added to the first row's event time, microseconds.
    let delayMicros: Int64?
    let partitions: [Locked<Partition>]
    let cold = Locked<ColdState?>(nil)
    let times = DueTimes()
    let fetched = Atomic<Int>(0)
    /// Keys that there were when the state was opened, in memory and in runs; nil: all are in memory.
    let openedRows = Locked<Int?>(nil)
    private let clock: OperatorClock
    private let inSourceOrder: Bool
    private let outputs: Outputs

    /// - Parameter inSourceOrder: rows come in source order; if not, the least row of an epoch is its first.
    public init(
        _ deduplicate: LogicalPlan.Deduplicate, inSourceOrder: Bool, clock: OperatorClock, partitionBits: Int,
        outputs: Outputs
    ) {
        self.inSourceOrder = inSourceOrder
        keys = deduplicate.keys
        let schema = deduplicate.input.schema
        keyTypes = keys.map { schema[$0].type }
        let times = EventTime(of: deduplicate.input)
        timeColumn = times.columns.first
        if deduplicate.isWithinWatermark, let column = timeColumn {
            delayMicros = (times.delays[column] ?? 0) &* 1000
            timeKey = nil
        } else {
            delayMicros = nil
            timeKey = deduplicate.keys.firstIndex { times.delays[$0] != nil }
        }
        layout = RowLayout(keys: keyTypes, valueBytes: 16)
        bits = keys.isEmpty ? 0 : partitionBits
        let (layout, bits) = (layout, bits)
        partitions = (0..<(1 << bits)).map { _ in Locked(Partition(layout: layout, leadBits: bits)) }
        self.clock = clock
        self.outputs = outputs
    }

    public var partitionCount: Int { partitions.count }

    public func consume(_ input: Batch, _ task: TaskContext) throws(TidemillError) {
        clock.timely(input, by: timeColumn, task).split(by: keys, partitionBits: bits) { p, rows in
            partitions[p].withLock { $0.pending.append(rows, task) }
        }
    }

    public func finishTask(_ task: TaskContext) throws(TidemillError) {}

    public func finish(partition p: Int, _ task: TaskContext) throws(TidemillError) {
        try partitions[p].withLock { partition throws(TidemillError) in
            if partition.indexIsStale { indexAll(partition) }
            let pending = inSourceOrder ? partition.pending.take() : partition.pending.takeByValue()
            try fetch(pending, partition)
            for batch in pending { try outputs.emit(firsts(of: batch, partition), task) }
            if clock.flow.takesPart {
                try load(p, partition, through: clock.evictionMicros)
                let due = partition.index.take(through: clock.evictionMicros)
                for row in due {
                    row.storeBytes(of: 0, toByteOffset: layout.valueOffset + 8, as: UInt64.self)
                    touch(row, partition)
                }
                partition.liveChange -= due.count
                if partition.ends.isKept { makeEntries(partition) }
                clock.count(removed: due.count, leaving: readsLazily ? 0 : due.count)
            }
        }
        try outputs.finishTask(task)
    }

    /// Rows whose key was not there; they are remembered.
    private func firsts(of batch: Batch, _ partition: Partition) -> Batch {
        let images = KeyImages(keys.map { batch.columns[$0] }, count: batch.count, layout: layout)
        let found = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: max(1, batch.count))
        defer { found.deallocate() }
        partition.table.findOrInsert(images, selection: nil, count: batch.count, into: found)
        let times = timeColumn.map { batch.columns[$0] }
        var kept: [UInt32] = []
        for row in 0..<batch.count {
            let key = found[row]
            if key.load(fromByteOffset: layout.valueOffset + 8, as: UInt64.self) != 0 { continue }
            kept.append(UInt32(row))
            key.storeBytes(of: 1, toByteOffset: layout.valueOffset + 8, as: UInt64.self)
            var end = Int64.max
            if let delayMicros, let times {
                // As in Spark, a first row without an event time counts as one of 1970.
                end = (times.isValid(row) ? times.eventMicros(row) : 0) &+ delayMicros
            } else if let timeKey {
                let column = batch.columns[keys[timeKey]]
                if column.isValid(row) { end = column.eventMicros(row) }
            }
            key.storeBytes(of: end, toByteOffset: layout.valueOffset, as: Int64.self)
            if end != .max { partition.index.add(key, at: end) }
            touch(key, partition)
        }
        partition.liveChange += kept.count
        clock.count(updated: kept.count)
        clock.count(duplicates: batch.count - kept.count)
        return kept.count == batch.count ? batch : batch.gather(kept)
    }

    func touch(_ row: UnsafeMutableRawPointer, _ partition: Partition) {
        let mark = row.load(fromByteOffset: RowLayout.markOffset, as: UInt32.self)
        if mark & RowStamp.touchedBit != 0 { return }
        row.storeBytes(of: RowStamp.touchedBit, toByteOffset: RowLayout.markOffset, as: UInt32.self)
        partition.touched.append(row)
    }

    func indexAll(_ partition: Partition) {
        partition.indexIsStale = false
        partition.index = EvictionIndex()
        let offset = layout.valueOffset
        partition.table.forEachRow { row in
            let end = row.load(fromByteOffset: offset, as: Int64.self)
            if end != .max { partition.index.add(row, at: end) }
        }
    }

    public func endEpoch(partition p: Int) { endEpoch(partition: p, of: .zero) }

    public func endEpoch(partition p: Int, of epoch: Epoch) {
        let stamp = RowStamp.of(epoch)
        partitions[p].withLock { partition in
            for row in partition.touched {
                row.storeBytes(of: stamp, toByteOffset: RowLayout.markOffset, as: UInt32.self)
                if row.load(fromByteOffset: layout.valueOffset + 8, as: UInt64.self) == 0 {
                    partition.table.remove(row)
                }
            }
            partition.touched.removeAll(keepingCapacity: true)
            partition.ends.endEpoch(stamp: stamp)
            if partition.table.settle() { partition.indexIsStale = true }
        }
        times.endEpoch()
    }

    // MARK: State

    public var stateParts: [StatePart] {
        [
            StatePart(
                types: [.bigint, .boolean] + keyTypes + [.bigint], keyColumns: Array(2..<(2 + keyTypes.count)))
        ] + (canKeepTimes ? [DueTimes.part] : [])
    }

    public func stateChanges(part: Int, partition p: Int) -> [Batch] {
        if part > 0 { return timeChanges(partition: p) }
        return partitions[p].withLock { stateBatches($0, $0.touched) }
    }

    func stateBatches(_ partition: Partition, _ rows: [UnsafeMutableRawPointer]) -> [Batch] {
        let offset = layout.valueOffset
        return StateOrder.batches(rows, table: partition.table, keyTypes: keyTypes) { rows in
            (
                live: Bitmap(count: rows.count) {
                    rows[$0].load(fromByteOffset: offset + 8, as: UInt64.self) != 0
                },
                values: [Column(bigints: rows.map { $0.load(fromByteOffset: offset, as: Int64.self) })]
            )
        }
    }

    public func restore(part: Int, _ batch: Batch) throws(TidemillError) {
        try restore(part: part, batch, epoch: .zero)
    }

    public func restore(part: Int, _ batch: Batch, epoch: Epoch) throws(TidemillError) {
        guard batch.columns.map(\.type) == stateParts[part].types else {
            throw TidemillError(
                .corruption, "TIDEMILL_STATE_TYPES",
                "stored state of a deduplication has other columns than its query")
        }
        if part > 0 { return times.restore(batch, epoch: epoch) }
        let isUnlisted = times.needsListing()
        let stamp = RowStamp.of(epoch)
        let keyColumns = Array(batch.columns[2..<(2 + keyTypes.count)])
        let images = KeyImages(keyColumns, count: batch.count, layout: layout)
        let live = batch.columns[1].bits
        let ends = batch.columns[2 + keyTypes.count].pointer(Int64.self)
        let selection = PartitionedSelection(
            hashes: images.hashes.pointer(UInt64.self), count: batch.count, partitionBits: bits)
        for p in partitions.indices {
            let rows = selection.rows(of: p)
            if rows.isEmpty { continue }
            partitions[p].withLock { partition in
                partition.indexIsStale = true
                if isUnlisted { partition.ends.askForListing() }
                withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: rows.count) { found in
                    partition.table.findOrInsert(
                        images, selection: rows.baseAddress!, count: rows.count, into: found.baseAddress!)
                    for (i, source) in rows.enumerated() {
                        guard live[Int(source)] else {
                            partition.table.remove(found[i])
                            continue
                        }
                        found[i].storeBytes(of: ends[Int(source)], toByteOffset: layout.valueOffset, as: Int64.self)
                        found[i].storeBytes(of: 1, toByteOffset: layout.valueOffset + 8, as: UInt64.self)
                        found[i].storeBytes(of: stamp, toByteOffset: RowLayout.markOffset, as: UInt32.self)
                    }
                }
            }
        }
    }

    public var stateRows: Int {
        guard let opened = openedRows.withLock({ $0 }) else { return rowsInMemory }
        return partitions.reduce(opened) { sum, p in sum + p.withLock { $0.liveChange } }
    }
    public var rowsInMemory: Int { partitions.reduce(0) { sum, p in sum + p.withLock { $0.table.count } } }
    public var stateBytes: Int {
        partitions.reduce(times.byteCount) { sum, p in
            sum + p.withLock { $0.table.byteCount + $0.index.byteCount + $0.ends.byteCount }
        }
    }
    public var touchedRows: Int { partitions.reduce(0) { sum, p in sum + p.withLock { $0.touched.count } } }
}
