/// A query over what is there now: `tidemill sql`, static sides of joins, copies of tables. The same operators as a
/// flow, run once.
public struct QueryRunner {
    /// Finds the rows of a leaf.
    public typealias Resolver = (LogicalPlan.Scan) throws(TidemillError) -> any Source

    let executor: any Executor
    let resolve: Resolver
    /// Rows of `.working` leaves.
    let bindings: [Int: [Batch]]

    public init(executor: any Executor, resolve: @escaping Resolver) {
        self.init(executor: executor, bindings: [:], resolve: resolve)
    }

    init(executor: any Executor, bindings: [Int: [Batch]], resolve: @escaping Resolver) {
        self.executor = executor
        self.bindings = bindings
        self.resolve = resolve
    }

    /// The result in order (if the plan orders it), and the version of every relation that was read.
    public func run(
        _ plan: LogicalPlan, evaluation: EvaluationContext
    ) throws(TidemillError) -> (batches: [Batch], versions: [[UInt8]]) {
        let graph = FlowGraph()
        let result = ResultCollector()
        let collector = OrderedCollector { batch in result.append(batch) }
        graph.collectors.append(collector)
        var builder = GraphBuilder(
            graph: graph, partitionBits: TideOperators.partitionBits(workers: executor.workers), isBatch: true,
            incremental: Incrementalization(datasets: []))
        builder.bindings = bindings
        try builder.add(flow: "query", plan: plan, to: collector, output: .maintained(replacesByGroup: false))
        var versions: [[UInt8]] = []
        for side in graph.statics {
            let inner = try run(side.plan, evaluation: evaluation)
            versions += inner.versions
            try side.join.load(inner.batches, evaluation)
        }
        let runner = StageRunner(graph: graph, executor: executor, evaluation: evaluation)
        for scan in graph.scans.values.sorted(by: { $0.key < $1.key }) {
            let reference = LogicalPlan.Scan(
                relation: RelationReference(
                    name: scan.key.name, isOwnTable: false, mode: .snapshot, isStream: false,
                    options: scan.key.options), columns: scan.columns, relationSchema: scan.relationSchema)
            versions.append(try read(reference, scan.columns, into: scan.port(flows: nil), runner))
        }
        for reader in graph.tableReaders {
            let reference = LogicalPlan.Scan(
                relation: RelationReference(name: reader.table, isOwnTable: true, mode: .snapshot, isStream: false),
                columns: reader.columns, relationSchema: Schema([]))
            versions.append(try read(reference, reader.columns, into: reader.consumer, runner))
        }
        for constant in graph.constants { try runner.feed(constant.batch, into: constant.consumer) }
        try runner.finishBreakers()
        return (result.take(), versions)
    }

    private func read(
        _ scan: LogicalPlan.Scan, _ columns: [Int], into consumer: any BatchConsumer, _ runner: StageRunner
    ) throws(TidemillError) -> [UInt8] {
        let source = try resolve(scan)
        let snapshot = try source.snapshot()
        _ = try runner.scan(source, snapshot.splits, columns: columns, into: consumer)
        return snapshot.version
    }

    /// Versions of the relations a plan reads, without reading them.
    func versions(of plan: LogicalPlan) throws(TidemillError) -> [[UInt8]] {
        if case .scan(let scan) = plan { return [try resolve(scan).snapshot().version] }
        var all: [[UInt8]] = []
        for input in plan.inputs { all += try versions(of: input) }
        return all
    }
}

private final class ResultCollector: @unchecked Sendable {
    // Sendable: the ordered collector calls `append` from one thread at a time; `take` runs after all tasks.
    private var batches: [Batch] = []
    func append(_ batch: Batch) { batches.append(batch) }
    func take() -> [Batch] { batches }
}
