import Synchronization

/// Brings the batches of parallel tasks back into task order and hands them on, holding no more than what came early:
/// tasks are claimed in ascending order, so that is at most a few tasks' output.
///
/// Stages run one after another and each numbers its tasks from 0; `beginStage` starts a new numbering.
public final class OrderedCollector: BatchConsumer {
    private struct State {
        var next = 0
        var early: [Int: [Batch]] = [:]
        var finished: Set<Int> = []
    }
    private let state: Locked<State>
    private let receive: @Sendable (Batch) throws(TidemillError) -> Void

    /// - Parameter receive: called with batches in order, by one thread at a time.
    public init(_ receive: @escaping @Sendable (Batch) throws(TidemillError) -> Void) {
        self.receive = receive
        state = Locked(State())
    }

    public func beginStage() { state.withLock { $0 = State() } }

    public func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        try state.withLock { state throws(TidemillError) in
            // What comes for a task that ended (by another way to here) stands behind it.
            if task.ordinal <= state.next {
                try receive(batch)
            } else {
                state.early[task.ordinal, default: []].append(batch)
            }
        }
    }

    public func finishTask(_ task: TaskContext) throws(TidemillError) {
        try state.withLock { state throws(TidemillError) in
            state.finished.insert(task.ordinal)
            while state.finished.remove(state.next) != nil {
                state.next += 1
                for batch in state.early.removeValue(forKey: state.next) ?? [] { try receive(batch) }
            }
        }
    }
}
