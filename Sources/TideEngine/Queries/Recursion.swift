/// A recursive query taken apart: what does not change from step to step is computed once, as inputs; the step is a
/// small batch query over them and the rows of the step before.
struct Recursion: Sendable {
    let name: String
    let id: Int
    let levelMax: Int
    /// The base, then the parts of the step that do not read the recursion.
    let inputs: [LogicalPlan]
    /// Input i (from 1) is the `.working` leaf with the number -i.
    let step: LogicalPlan

    init(_ recursive: LogicalPlan.Recursive) {
        name = recursive.name
        id = recursive.id
        levelMax = recursive.levelMax
        var inputs = [recursive.base]
        step = Recursion.split(recursive.step, recursive.id, &inputs)
        self.inputs = inputs
    }

    private static func split(_ plan: LogicalPlan, _ id: Int, _ inputs: inout [LogicalPlan]) -> LogicalPlan {
        if case .working(let working) = plan, working.id == id { return plan }
        guard plan.reads(working: id) else {
            inputs.append(plan)
            return .working(LogicalPlan.Working(id: 1 - inputs.count, schema: plan.schema))
        }
        var children: [LogicalPlan] = []
        for input in plan.inputs { children.append(split(input, id, &inputs)) }
        return plan.withInputs(children)
    }

    /// All rows of the recursion over these inputs, in the order of its steps.
    func run(_ rows: [[Batch]], _ evaluation: EvaluationContext) throws(TidemillError) -> [Batch] {
        var result = rows[0]
        var last = rows[0]
        var total = count(last)
        var bindings: [Int: [Batch]] = [:]
        for (index, batches) in rows.enumerated().dropFirst() { bindings[-index] = batches }
        var level = 0
        while count(last) > 0 {
            guard level < levelMax else {
                throw TidemillError(
                    .limit, "RECURSION_LEVEL_LIMIT_EXCEEDED",
                    "the recursion \(name) did not end within \(levelMax) steps",
                    hint: "add a condition that ends it, or write MAX RECURSION LEVEL n behind its columns")
            }
            level += 1
            bindings[id] = last
            let runner = QueryRunner(executor: CallerExecutor(), bindings: bindings) {
                (scan) throws(TidemillError) in
                throw TidemillError.internal("a step of a recursion scans \(scan.relation.name)")
            }
            last = try runner.run(step, evaluation: evaluation).batches
            result += last
            total += count(last)
            guard total <= LogicalPlan.Recursive.rowsMax else {
                throw TidemillError(
                    .limit, "RECURSION_ROW_LIMIT_EXCEEDED",
                    "the recursion \(name) has more than \(LogicalPlan.Recursive.rowsMax) rows",
                    hint: "add a condition that ends it")
            }
        }
        return result
    }

    private func count(_ batches: [Batch]) -> Int { batches.reduce(0) { $0 + $1.count } }
}

/// A recursion in a batch query: collects the inputs, then runs the steps as one task.
final class RecursionNode: Breaker {
    let recursion: Recursion
    private let outputs: Outputs
    private let collected: [CollectedInput]

    init(_ recursive: LogicalPlan.Recursive, outputs: Outputs) {
        recursion = Recursion(recursive)
        self.outputs = outputs
        collected = recursion.inputs.map { _ in CollectedInput() }
    }

    func input(_ index: Int) -> any BatchConsumer { collected[index] }

    var partitionCount: Int { 1 }

    func finish(partition: Int, _ task: TaskContext) throws(TidemillError) {
        for batch in try recursion.run(collected.map { $0.take() }, task.evaluation) {
            try outputs.emit(batch, task)
        }
        try outputs.finishTask(task)
    }
}

/// An input's batches in the order of its tasks.
final class CollectedInput: BatchConsumer {
    private let batches = Locked<[Int: [Batch]]>([:])

    func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        batches.withLock { $0[task.ordinal, default: []].append(batch) }
    }
    func finishTask(_ task: TaskContext) throws(TidemillError) {}

    func take() -> [Batch] {
        batches.withLock { batches in
            defer { batches = [:] }
            return batches.keys.sorted().flatMap { batches[$0] ?? [] }
        }
    }
}
