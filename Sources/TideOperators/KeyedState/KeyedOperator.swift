/// Runs a processor over keyed state (see `KeyedProcessor`): rows by the partition of their key, timers, time to live.
public final class KeyedOperator: BatchConsumer, StatefulOperator {
    private final class Partition {
        let processor: any KeyedProcessor
        var pending = PendingRows()
        init(_ processor: any KeyedProcessor) { self.processor = processor }
    }

    private let rule: LogicalPlan.Keyed.Rule
    private let keys: [Int]
    private let keyTypes: [DataType]
    private let inputTypes: [DataType]
    /// The input's event time, by which rows are late and timers fire; nil: timers are of processing time.
    private let timeColumn: Int?
    private let bits: Int
    private let partitions: [Locked<Partition>]
    private let clock: OperatorClock
    private let outputs: Outputs
    public let stateParts: [StatePart]

    public init(
        _ keyed: LogicalPlan.Keyed, clock: OperatorClock, partitionBits: Int, outputs: Outputs
    ) throws(TidemillError) {
        rule = keyed.rule
        keys = keyed.keys
        let types = keyed.input.schema.types
        inputTypes = types
        let keyTypes = keys.map { types[$0] }
        self.keyTypes = keyTypes
        bits = keys.isEmpty ? 0 : partitionBits
        self.clock = clock
        self.outputs = outputs
        let timeColumn = keyed.timeColumn
        let lead = bits
        let make: () -> any KeyedProcessor
        switch keyed.rule {
        case .inOrder:
            guard let timeColumn else { throw TidemillError.internal("rows in order without event time") }
            self.timeColumn = timeColumn
            stateParts = OrderedRows.variableTypes(keys: keyTypes, input: types)
            make = { OrderedRows(keys: keyTypes, input: types, timeColumn: timeColumn, leadBits: lead) }
        case .silent(let micros):
            self.timeColumn = timeColumn
            stateParts = SilentKeys.variableTypes(keys: keyTypes, input: types)
            make = {
                SilentKeys(
                    keys: keyTypes, input: types, timeColumn: timeColumn, silenceMicros: micros, leadBits: lead)
            }
        case .newValues(let column, let micros):
            self.timeColumn = nil
            stateParts = NewValues.variableTypes(keys: keyTypes, value: types[column])
            make = {
                NewValues(
                    keys: keyTypes, value: types[column], valueColumn: column, liveMicros: micros, leadBits: lead)
            }
        }
        partitions = (0..<(1 << bits)).map { _ in Locked(Partition(make())) }
    }

    public var partitionCount: Int { partitions.count }

    // MARK: Input

    public func consume(_ input: Batch, _ task: TaskContext) throws(TidemillError) {
        var batch = input
        if let timeColumn, let keep = batch.columns[timeColumn].notLate(after: clock.lateMicros) {
            let late = keep.count - keep.onesCount
            clock.count(late: late, keys: late)
            clock.keep(late: batch, notIn: keep, times: batch.columns[timeColumn], task)
            batch = batch.filter(keep)
        }
        if batch.weights != nil {
            guard let single = batch.repeatedByWeight() else {
                throw TidemillError.internal("a row was retracted below state per key")
            }
            batch = single
        }
        if batch.count == 0 { return }
        let hashes = hashRows(keys.map { batch.columns[$0] }, count: batch.count)
        let selection = PartitionedSelection(
            hashes: hashes.pointer(UInt64.self), count: batch.count, partitionBits: bits)
        for p in partitions.indices {
            let rows = selection.rows(of: p)
            if rows.isEmpty { continue }
            let part = rows.count == batch.count ? batch : batch.gather(rows.baseAddress!, count: rows.count)
            partitions[p].withLock { $0.pending.append(part, task) }
        }
    }

    public func finishTask(_ task: TaskContext) throws(TidemillError) {}

    // MARK: Output

    public func finish(partition p: Int, _ task: TaskContext) throws(TidemillError) {
        let moment = KeyedMoment(
            now: task.evaluation.currentTimestampMicros, watermark: timeColumn == nil ? nil : clock.evictionMicros)
        try partitions[p].withLock { partition throws(TidemillError) in
            let processor = partition.processor
            let pending = partition.pending.take()
            if !pending.isEmpty {
                let batch = pending.count == 1 ? pending[0] : Batch.concat(pending, types: inputTypes)
                let rows = KeyedBatch(batch: batch, keys: keys.map { batch.columns[$0] }, moment: moment)
                if let made = try processor.handle(rows) { try outputs.emit(made, task) }
            }
            if clock.flow.takesPart {
                if let due = processor.timers?.fire(through: moment.watermark ?? moment.now),
                    let made = try processor.handle(due, moment)
                {
                    try outputs.emit(made, task)
                }
                for variable in processor.variables where variable !== processor.timers?.times {
                    variable.remove(variable.due(through: moment.now))
                }
            }
            for variable in processor.variables {
                let counts = variable.takeCounts()
                clock.count(updated: counts.updated)
                clock.count(removed: counts.removed, leaving: 0)
            }
        }
        try outputs.finishTask(task)
    }

    public func endEpoch(partition p: Int) {
        partitions[p].withLock { for variable in $0.processor.variables { variable.endEpoch() } }
    }

    // MARK: State

    public func stateChanges(part: Int, partition p: Int) -> [Batch] {
        partitions[p].withLock { $0.processor.variables[part].stateChanges() }
    }

    public func restore(part: Int, _ batch: Batch) throws(TidemillError) {
        guard batch.columns.map(\.type) == stateParts[part].types else {
            throw TidemillError(
                .corruption, "TIDEMILL_STATE_TYPES", "stored keyed state has other columns than its query")
        }
        let hashes = hashRows(Array(batch.columns[2..<(2 + keyTypes.count)]), count: batch.count)
        let selection = PartitionedSelection(
            hashes: hashes.pointer(UInt64.self), count: batch.count, partitionBits: bits)
        for p in partitions.indices {
            let rows = selection.rows(of: p)
            guard let base = rows.baseAddress, !rows.isEmpty else { continue }
            let own = rows.count == batch.count ? batch : batch.gather(base, count: rows.count)
            partitions[p].withLock { $0.processor.variables[part].restore(own) }
        }
    }

    private func sum(_ measure: (StateVariable) -> Int) -> Int {
        partitions.reduce(0) { total, partition in
            partition.withLock { $0.processor.variables.reduce(total) { $0 + measure($1) } }
        }
    }
    public var stateRows: Int { sum { $0.liveCount } }
    public var stateBytes: Int { sum { $0.byteCount } }
    public var touchedRows: Int { sum { $0.touched.count } }
}

/// A breaker that has something to do when time has passed, though no row came.
public protocol ProcessingTimers: AnyObject {
    /// The first moment of processing time at which it has, microseconds; nil: none.
    var nextMoment: Int64? { get }
}

extension KeyedOperator: ProcessingTimers {
    public var nextMoment: Int64? {
        guard timeColumn == nil, case .silent = rule else { return nil }
        return partitions.compactMap { $0.withLock { $0.processor.timers?.next } }.min()
    }
}
