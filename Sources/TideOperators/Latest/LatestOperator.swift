/// The newest row of each key (AUTO CDC, SCD type 1), whatever order the events come in.
///
/// Kept per key: the newest event as a whole, a deletion too, so that an event that comes late is recognized. Newer is
/// (sequence number, flow name, order of arrival); between epochs only the one newest event of a key is kept, so order
/// of arrival needs no number: what is kept came before what comes. An event older than the newest is counted and
/// ignored, one without a number is a bad row.
public final class LatestOperator: BatchConsumer, StatefulOperator, RejectsRows {
    private let keys: [Int]
    private let types: [DataType]
    private let columnCount: Int
    let partitions: KeyedPartitions
    private let rejected = Locked(RejectedRows())
    private let outputs: Outputs

    public init(_ latest: LogicalPlan.Latest, partitionBits: Int, outputs: Outputs) {
        keys = latest.keys
        let schema = latest.input.schema
        types = schema.types
        columnCount = latest.columnCount
        partitions = KeyedPartitions(
            types: schema.types,
            partitionBy: latest.keys.map {
                .column(index: $0, type: schema[$0].type, nullable: schema[$0].nullable)
            }, partitionBits: partitionBits)
        self.outputs = outputs
    }

    private var sequenceColumn: Int { columnCount }
    private var deletionColumn: Int { columnCount + 1 }
    private var flowColumn: Int { columnCount + 2 }

    public var partitionCount: Int { partitions.count }

    public func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        guard let known = batch.columns[sequenceColumn].validity else { return try partitions.accept(batch, task) }
        rejected.withLock { $0.bad += batch.count - known.onesCount }
        try partitions.accept(batch.filter(known), task)
    }
    public func finishTask(_ task: TaskContext) throws(TidemillError) {}

    public func takeRejectedRows() -> RejectedRows {
        rejected.withLock { rejected in
            defer { rejected = RejectedRows() }
            return rejected
        }
    }

    public func finish(partition p: Int, _ task: TaskContext) throws(TidemillError) {
        try partitions.withPart(p) { (rows, changes) throws(TidemillError) in
            let inOrder = changes.enumerated().sorted {
                ($0.element.ordinal, $0.offset) < ($1.element.ordinal, $1.offset)
            }
            let events = Batch.concat(inOrder.map(\.element.batch), types: types)
            if events.count == 0 { return }
            guard events.weights == nil || events.repeatedByWeight() != nil else {
                throw TidemillError.internal("an event of AUTO CDC was retracted")
            }
            try apply(events, to: rows, task)
        }
        try outputs.finishTask(task)
    }

    /// - Parameter events: in order of arrival.
    private func apply(_ events: Batch, to rows: KeyedRows, _ task: TaskContext) throws(TidemillError) {
        let n = events.count
        let keyColumns = keys.map { events.columns[$0] }
        // A number per key that occurs, and the stored event of each that has one.
        let numbers = KeyNumbers(keyColumns, count: n)
        let (numberOfEvent, firstEvents) = (numbers.numbers, numbers.firsts)
        let storedKeys = rows.find(keys: keyColumns.map { $0.gather(firstEvents) }, count: firstEvents.count)
        let stored = storedKeys.map { $0.flatMap { rows.first(of: $0) } }
        let storedEntries = stored.compactMap { $0 }
        let old = Batch(columns: rows.columns(of: storedEntries), count: storedEntries.count)
        let all = Batch.concat([old, Batch(columns: events.columns, count: n)], types: types)
        let order = SortKeys(
            ascending: [all.columns[sequenceColumn], all.columns[flowColumn]], count: all.count)

        var newest: [Int32] = []
        var next: Int32 = 0
        for entry in stored {
            newest.append(entry == nil ? -1 : next)
            if entry != nil { next += 1 }
        }
        let storedCount = storedEntries.count
        let storedOf = newest
        var outdated = 0
        for event in 0..<n {
            let key = Int(numberOfEvent[event])
            let row = UInt32(storedCount + event)
            if newest[key] < 0 || order.compare(row, UInt32(newest[key])) >= 0 {
                newest[key] = Int32(row)
            } else {
                outdated += 1
            }
        }
        rejected.withLock { $0.outdated += outdated }
        var (replaced, replacing): ([UInt32], [UInt32]) = ([], [])
        // Rows that an event replaces, and what by.
        var (before, after): ([UInt32], [UInt32]) = ([], [])
        var winners: [UInt32] = []
        let isDeletion = all.columns[deletionColumn].bits
        for key in newest.indices where newest[key] >= Int32(storedCount) {
            let winner = UInt32(newest[key])
            winners.append(winner)
            if let entry = stored[key] { rows.setWeight(0, of: entry) }
            let isStored = storedOf[key] >= 0 && !isDeletion[Int(storedOf[key])]
            switch (isStored, !isDeletion[Int(winner)]) {
            case (true, true):
                before.append(UInt32(storedOf[key]))
                after.append(winner)
            case (true, false): replaced.append(UInt32(storedOf[key]))
            case (false, true): replacing.append(winner)
            case (false, false): break
            }
        }
        var same = Bitmap(repeating: true, count: before.count)
        for column in all.columns[..<columnCount] {
            same = same.and(equalValues(column.gather(before), column.gather(after)))
        }
        for i in before.indices where !same[i] {
            replaced.append(before[i])
            replacing.append(after[i])
        }
        let stays = all.gather(winners)
        rows.apply(
            Batch(columns: stays.columns, count: stays.count),
            keys: KeyImages(keys.map { stays.columns[$0] }, count: stays.count, layout: rows.index.layout))
        try emit(all, replaced, weight: -1, task)
        try emit(all, replacing, weight: 1, task)
    }

    private func emit(_ all: Batch, _ rows: [UInt32], weight: Int64, _ task: TaskContext) throws(TidemillError) {
        if rows.isEmpty { return }
        let columns = all.columns[..<columnCount].map { $0.gather(rows) }
        let weights = weight == 1 ? nil : Column(repeating: .bigint(weight), count: rows.count)
        try outputs.emit(Batch(columns: columns, count: rows.count, weights: weights), task)
    }

    // MARK: State

    public var stateParts: [StatePart] { [partitions.statePart] }
    public func stateChanges(part: Int, partition p: Int) -> [Batch] { partitions.stateChanges(p) }
    public func restore(part: Int, _ batch: Batch) throws(TidemillError) {
        try partitions.restore(batch, of: "AUTO CDC")
    }
    public func endEpoch(partition p: Int) { partitions.endEpoch(p) }
    public var stateRows: Int { partitions.rowCount }
    public var stateBytes: Int { partitions.byteCount }
    public var touchedRows: Int { partitions.touchedCount }
}
