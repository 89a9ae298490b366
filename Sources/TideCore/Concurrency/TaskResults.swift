import Synchronization

/// Results of parallel tasks, one slot per task.
public final class TaskResults<Value: Sendable>: Sendable {
    private let slots: Mutex<[Value?]>

    public init(count: Int) { slots = Mutex(Array(repeating: nil, count: count)) }

    public subscript(_ task: Int) -> Value? {
        get { slots.withLock { $0[task] } }
        set { slots.withLock { $0[task] = newValue } }
    }
}
