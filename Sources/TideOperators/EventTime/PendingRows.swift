/// Rows of an epoch that wait, split by the partition of their key, until they can be handled in source order:
/// operators that keep the first of something must not depend on which thread came first.
struct PendingRows {
    private var batches: [(ordinal: Int, batch: Batch)] = []

    mutating func append(_ batch: Batch, _ task: TaskContext) { batches.append((task.ordinal, batch)) }

    /// In the order of tasks, and within a task as they came; nothing is left behind.
    mutating func take() -> [Batch] {
        defer { batches.removeAll() }
        return batches.enumerated().sorted { ($0.element.ordinal, $0.offset) < ($1.element.ordinal, $1.offset) }
            .map(\.element.batch)
    }
    var isEmpty: Bool { batches.isEmpty }
}
