/// LIMIT over a stream: the first n rows in source order, over all epochs. State is how many have gone out.
public final class StreamLimitOperator: BatchConsumer, StatefulOperator {
    private struct State {
        var given: Int64 = 0
        var pending = PendingRows()
        var hasChanged = false
        /// Whether the state has a row in the checkpoint.
        var isStored = false
    }
    private let limit: Int64
    private let state = Locked(State())
    private let outputs: Outputs

    public init(limit: Int, outputs: Outputs) {
        self.limit = Int64(limit)
        self.outputs = outputs
    }

    public var partitionCount: Int { 1 }

    public func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        state.withLock { state in
            // Of one batch no more rows than are missing can count.
            let missing = limit - state.given
            if missing <= 0 { return }
            let kept = Int64(batch.count) <= missing ? batch : batch.gather((0..<UInt32(missing)).map { $0 })
            state.pending.append(kept, task)
        }
    }

    public func finishTask(_ task: TaskContext) throws(TidemillError) {}

    public func finish(partition: Int, _ task: TaskContext) throws(TidemillError) {
        try state.withLock { state throws(TidemillError) in
            for batch in state.pending.take() {
                let missing = limit - state.given
                if missing <= 0 { break }
                let kept = Int64(batch.count) <= missing ? batch : batch.gather((0..<UInt32(missing)).map { $0 })
                state.given += Int64(kept.count)
                state.hasChanged = true
                try outputs.emit(kept, task)
            }
        }
        try outputs.finishTask(task)
    }

    // MARK: State

    public var stateParts: [StatePart] { [StatePart(types: [.bigint, .boolean, .bigint], keyColumns: [])] }

    public func stateChanges(part: Int, partition: Int) -> [Batch] {
        state.withLock { $0.hasChanged ? [block($0.given)] : [] }
    }
    private func block(_ given: Int64) -> Batch {
        Batch(
            columns: [
                Column(bigints: [0]), Column(boolean: Bitmap(repeating: true, count: 1)), Column(bigints: [given]),
            ], count: 1)
    }

    public func restore(part: Int, _ batch: Batch) throws(TidemillError) {
        guard batch.columns.map(\.type) == stateParts[0].types else {
            throw TidemillError(
                .corruption, "TIDEMILL_STATE_TYPES", "stored state of a limit has other columns than its query")
        }
        if batch.count == 0 { return }
        let given = batch.columns[2].pointer(Int64.self)[batch.count - 1]
        state.withLock {
            $0.given = given
            $0.isStored = true
        }
    }

    public func endEpoch(partition: Int) {
        state.withLock { state in
            if state.hasChanged { state.isStored = true }
            state.hasChanged = false
        }
    }

    public var stateRows: Int { state.withLock { $0.isStored || $0.hasChanged ? 1 : 0 } }
    public var stateBytes: Int { 16 }
    public var touchedRows: Int { state.withLock { $0.hasChanged ? 1 : 0 } }
}
