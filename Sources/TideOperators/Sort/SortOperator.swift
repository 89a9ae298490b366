/// ORDER BY with LIMIT and OFFSET over a whole input, for batch queries: one partition, output in order.
public final class SortOperator: BatchConsumer, Breaker {
    let sort: LogicalPlan.Sort
    let types: [DataType]
    let program: ExpressionProgram
    let outputs: Outputs
    private let rows: Locked<[Int: [Batch]]>

    public init(_ sort: LogicalPlan.Sort, outputs: Outputs) {
        self.sort = sort
        types = sort.input.schema.types
        program = ExpressionProgram(sort.keys.map(\.expression))
        self.outputs = outputs
        rows = Locked([:])
    }

    public var partitionCount: Int { 1 }

    public func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        guard batch.weights == nil else { throw TidemillError.internal("a sorted batch query got retractions") }
        rows.withLock { $0[task.ordinal, default: []].append(batch) }
    }
    public func finishTask(_ task: TaskContext) throws(TidemillError) {}

    public func finish(partition: Int, _ task: TaskContext) throws(TidemillError) {
        let all = rows.withLock { rows in rows.keys.sorted().flatMap { rows[$0] ?? [] } }
        let batch = Batch.concat(all, types: types)
        let keys = try program.evaluate(batch, task.evaluation)
        var order =
            sort.keys.isEmpty
            ? Array(UInt32(0)..<UInt32(batch.count)) : SortKeys(keys, sort.keys, count: batch.count).order()
        order = Array(order.dropFirst(sort.offset))
        if let limit = sort.limit { order = Array(order.prefix(limit)) }
        try outputs.emit(batch.gather(order), task)
        try outputs.finishTask(task)
    }
}
