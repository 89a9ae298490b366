/// Sessions of rows that may be taken back: keeps the input's rows by key and appends to each the session it is in, so
/// that an ordinary aggregate can group by it. A row that goes may split its session; one that comes may join two.
///
/// Keys that an epoch touched are computed as they were and as they are; rows whose session stays emit nothing.
public final class SessionAssignment: BatchConsumer, StatefulOperator {
    private let window: ExpressionProgram
    private let partitions: KeyedPartitions
    private let outputs: Outputs

    /// The aggregate that groups the operator's output, and retracts.
    public static func aggregate(over aggregate: LogicalPlan.Aggregate, session: Int) -> [NamedExpression] {
        var groups = aggregate.groups
        groups[session].expression = .column(
            index: aggregate.input.schema.count, type: .timeWindow, nullable: false)
        return groups
    }

    public init(
        _ aggregate: LogicalPlan.Aggregate, session: Int, partitionBits: Int, outputs: Outputs
    ) {
        window = ExpressionProgram([aggregate.groups[session].expression])
        var keys = aggregate.groups.map(\.expression)
        keys.remove(at: session)
        partitions = KeyedPartitions(
            types: aggregate.input.schema.types, partitionBy: keys, partitionBits: partitionBits)
        self.outputs = outputs
    }

    public var partitionCount: Int { partitions.count }

    public func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        try partitions.accept(batch, task)
    }
    public func finishTask(_ task: TaskContext) throws(TidemillError) {}

    public func finish(partition p: Int, _ task: TaskContext) throws(TidemillError) {
        try partitions.finish(p) { (_, touched) throws(TidemillError) in
            let windows = try window.evaluate(touched.batch, task.evaluation)[0]
            let order = SessionAssignment.order(windows, touched.starts)
            let old = SessionAssignment.sessions(windows, touched.starts, order, touched.weightsBefore)
            let new = SessionAssignment.sessions(windows, touched.starts, order, touched.weights)
            var rows: [UInt32] = []
            var sessions: [Int128] = []
            var weights: [Int64] = []
            func add(_ row: Int, _ session: Int128, _ weight: Int64) {
                if weight == 0 { return }
                rows.append(UInt32(row))
                sessions.append(session)
                weights.append(weight)
            }
            // A row without a window is in no session, before and after.
            for row in 0..<touched.batch.count where windows.isValid(row) {
                let (before, after) = (max(0, touched.weightsBefore[row]), max(0, touched.weights[row]))
                if before > 0, after > 0, old[row] == new[row] {
                    add(row, new[row], after - before)
                } else {
                    add(row, old[row], -before)
                    add(row, new[row], after)
                }
            }
            let column = Column(
                type: .timeWindow, count: rows.count, values: sessions.withUnsafeBytes { Buffer(copying: $0) })
            let picked = touched.batch.gather(rows)
            try outputs.emit(
                Batch(columns: picked.columns + [column], count: rows.count, weights: Column(bigints: weights)), task)
        }
        try outputs.finishTask(task)
    }

    /// Row numbers by the start of their windows, key after key.
    private static func order(_ windows: Column, _ starts: [Int]) -> [Int] {
        let values: UnsafePointer<Int128> = windows.pointer()
        var order = Array(0..<windows.count)
        for key in 0..<(starts.count - 1) {
            order[starts[key]..<starts[key + 1]].sort { values[$0] < values[$1] }
        }
        return order
    }

    /// Each row's session among the rows that are there; what stands for the others means nothing.
    private static func sessions(
        _ windows: Column, _ starts: [Int], _ order: [Int], _ weights: [Int64]
    ) -> [Int128] {
        let values: UnsafePointer<Int128> = windows.pointer()
        var sessions = [Int128](repeating: 0, count: windows.count)
        for key in 0..<(starts.count - 1) {
            var members: [Int] = []
            var current = TimeWindow(start: 0, end: 0)
            func close() {
                for row in members { sessions[row] = current.packed }
                members.removeAll(keepingCapacity: true)
            }
            for row in order[starts[key]..<starts[key + 1]] where weights[row] > 0 && windows.isValid(row) {
                let own = TimeWindow(packed: values[row])
                // Windows that meet at a point are one session.
                if members.isEmpty || own.start > current.end {
                    close()
                    current = own
                } else {
                    current.end = max(current.end, own.end)
                }
                members.append(row)
            }
            close()
        }
        return sessions
    }

    // MARK: State

    public var stateParts: [StatePart] { [partitions.statePart] }
    public func stateChanges(part: Int, partition p: Int) -> [Batch] { partitions.stateChanges(p) }
    public func restore(part: Int, _ batch: Batch) throws(TidemillError) {
        try partitions.restore(batch, of: "sessions")
    }
    public func endEpoch(partition p: Int) { partitions.endEpoch(p) }
    public var stateRows: Int { partitions.rowCount }
    public var stateBytes: Int { partitions.byteCount }
    public var touchedRows: Int { partitions.touchedCount }
}
