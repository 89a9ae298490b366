import TideCheckpoints
@_exported import TidePlan

/// One task of a stage: a split being read, or a partition being finished.
public struct TaskContext: Sendable {
    /// 0..<workers; tasks with the same worker never run at the same time.
    public let worker: Int
    /// Position in the stage's order: rows of a lower ordinal come first.
    public let ordinal: Int
    /// Of the scans of an epoch: rows of a lower stage come first.
    public let stage: Int
    public let epoch: Int64
    /// Which leaf of its flow's plan the rows came through, from left to right.
    public private(set) var branch = 0
    public let evaluation: EvaluationContext
    public init(worker: Int, ordinal: Int, stage: Int = 0, epoch: Int64 = 0, evaluation: EvaluationContext) {
        self.worker = worker
        self.ordinal = ordinal
        self.stage = stage
        self.epoch = epoch
        self.evaluation = evaluation
    }

    func through(branch: Int) -> TaskContext {
        var copy = self
        copy.branch = branch
        return copy
    }
}

/// Takes changes. Within a task calls come in row order; tasks call from many threads at once.
public protocol BatchConsumer: AnyObject, Sendable {
    func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError)
    /// No more batches of this task will come.
    func finishTask(_ task: TaskContext) throws(TidemillError)
}

/// Where an operator's output goes: every consumer gets every batch.
public struct Outputs: Sendable {
    public private(set) var consumers: [any BatchConsumer]
    public init(_ consumers: [any BatchConsumer]) { self.consumers = consumers }

    public func emit(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        if batch.count == 0 { return }
        do throws(TidemillError) {
            for consumer in consumers { try consumer.consume(batch, task) }
        } catch {
            // Whoever gave the rows that these were made from does not know them.
            throw error.atRow(nil)
        }
    }

    /// The same for rows that were made from one input row each, so that an error names the row that was read.
    /// - Parameter inputRow: the input row that an output row was made from.
    public func emit(
        _ batch: Batch, _ task: TaskContext, from inputRow: (Int) -> Int
    ) throws(TidemillError) {
        if batch.count == 0 { return }
        do throws(TidemillError) {
            for consumer in consumers { try consumer.consume(batch, task) }
        } catch {
            throw error.atRow(error.row.map(inputRow))
        }
    }
    public func finishTask(_ task: TaskContext) throws(TidemillError) {
        for consumer in consumers { try consumer.finishTask(task) }
    }
}

/// An operator that takes a whole epoch's input before it gives output, split by key into partitions that are finished
/// as tasks of their own.
public protocol Breaker: AnyObject, Sendable {
    var partitionCount: Int { get }
    /// All input of the epoch has come. Emits the partition's changes; `finishTask` of the outputs is called by it.
    func finish(partition: Int, _ task: TaskContext) throws(TidemillError)
}

/// One table of an operator's state, as the checkpoint has it.
public struct StatePart: Sendable, Hashable {
    /// The key's hash, a boolean `live` (false: forget the row), then keys and values; the same in the log and in runs.
    public var types: [DataType]
    /// Which columns tell two rows with one hash apart.
    public var keyColumns: [Int]
    /// It says nothing that other parts do not: a way to find their rows. Then the first column need not be a hash.
    public var isIndex: Bool
    public init(types: [DataType], keyColumns: [Int], isIndex: Bool = false) {
        self.types = types
        self.keyColumns = keyColumns
        self.isIndex = isIndex
    }
    public var rule: MergeRule { MergeRule(keyColumns: keyColumns, liveColumn: 1) }
}

/// A breaker that remembers rows between epochs. State leaves as batches of what an epoch changed; the checkpoint
/// merges them, so an operator is never asked for all it has. It enters as batches of the same form, older ones first.
public protocol StatefulOperator: Breaker {
    /// Each part is a table of its own (a join has two sides).
    var stateParts: [StatePart] { get }
    /// What the epoch changed in a partition; complete after `finish`. Sorted by hash as an unsigned number.
    func stateChanges(part: Int, partition: Int) -> [Batch]
    func restore(part: Int, _ batch: Batch) throws(TidemillError)
    /// Forgets what the epoch touched; called after the commit.
    func endEpoch(partition: Int)
    var stateRows: Int { get }
    var stateBytes: Int { get }
    /// Rows changed by the epoch so far.
    var touchedRows: Int { get }
}
