import Synchronization

/// A place in the graph where batches branch: one relation or table, every flow that reads it. Consumers are added
/// while the graph is built, never while it runs.
final class Port: BatchConsumer, @unchecked Sendable {
    // Sendable: `consumers` is fixed before the first epoch.
    private(set) var consumers: [any BatchConsumer] = []
    private let rows = Atomic<Int>(0)

    func add(_ consumer: any BatchConsumer) { consumers.append(consumer) }

    func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        if batch.count == 0 { return }
        rows.wrappingAdd(batch.count, ordering: .relaxed)
        for consumer in consumers { try consumer.consume(batch, task) }
    }
    func finishTask(_ task: TaskContext) throws(TidemillError) {
        for consumer in consumers { try consumer.finishTask(task) }
    }

    /// Rows since the last call.
    func takeRowCount() -> Int { rows.exchange(0, ordering: .relaxed) }
}

/// Gives a reader of a shared scan its own columns.
final class ColumnPicker: BatchConsumer {
    let columns: [Int]
    let output: any BatchConsumer
    init(columns: [Int], output: any BatchConsumer) {
        self.columns = columns
        self.output = output
    }
    func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        try output.consume(batch.with(columns: columns.map { batch.columns[$0] }), task)
    }
    func finishTask(_ task: TaskContext) throws(TidemillError) { try output.finishTask(task) }
}

/// Gives errors that come out of a flow's operators the flow's place in the SQL.
final class PlacedConsumer: BatchConsumer {
    let place: ErrorPlace
    let output: any BatchConsumer
    init(place: ErrorPlace, output: any BatchConsumer) {
        self.place = place
        self.output = output
    }
    func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        do throws(TidemillError) { try output.consume(batch, task) } catch { throw error.at(place) }
    }
    func finishTask(_ task: TaskContext) throws(TidemillError) {
        do throws(TidemillError) { try output.finishTask(task) } catch { throw error.at(place) }
    }
}
