import Tidemill

/// `SELECT k, count(*), sum(v) GROUP BY k` as epochs of one batch each: the operator as the engine builds it, its state
/// changes encoded by the workers, and one commit with one fdatasync per batch.
struct StateJob {
    let environment: Environment
    let directory: FilePath
    let operations: Int
    let keys: Int
    let batchRows: Int
    /// Of state in memory; nil for none.
    let memoryLimit: Int64?
    /// Goes on with the checkpoint of the last run.
    let reopens: Bool

    /// Rows of one task.
    private static let sliceRows = 8192
    private static let owner: UInt32 = 1

    struct Result {
        var seconds = 0.0
        var bytesWritten = 0
        var stateBytes = 0
        var usage = Report.Usage(cpuSeconds: 0, peakMegabytes: 0)
        var openSeconds = 0.0
        /// Milliseconds of every epoch.
        var epochMillis: [Double] = []
        var fetchedRows = 0
        var checksum = StateWorkload.Checksum()
    }

    private func makeOperator() throws(TidemillError) -> AggregateOperator {
        let key = BoundExpression.column(index: 0, type: .bigint, nullable: true)
        let value = BoundExpression.column(index: 1, type: .bigint, nullable: true)
        func aggregate(_ kind: AggregateKind, _ arguments: [BoundExpression]) -> BoundAggregate {
            BoundAggregate(kind: kind, arguments: arguments, distinct: false, resultType: .bigint, nullable: true)
        }
        return try AggregateOperator(
            groups: [NamedExpression("k", key)],
            aggregates: [
                NamedAggregate("n", aggregate(.countStar, [])), NamedAggregate("s", aggregate(.sum, [value])),
            ],
            partitionBits: partitionBits(workers: environment.executor.workers), emitsOldRows: false,
            outputs: Outputs([]))
    }

    func run() throws(TidemillError) -> Result {
        if !reopens { try environment.files.removeTree(directory) }
        try environment.files.createDirectories(directory)
        var workload = StateWorkload(keys: keys)
        var result = Result()
        let opening = environment.clock.elapsed()
        let aggregate = try makeOperator()
        let part = aggregate.stateParts[0]
        let address = StateAddress(owner: StateJob.owner, kind: .state, part: 0)
        let (store, recovered) = try CheckpointStore.open(directory, pipeline: "state", environment: environment)
        let maintenance = RunMaintenance(
            store, recovered: recovered, rules: [address: part.rule], executor: environment.executor)
        let memory = StateMemory(
            [(aggregate, StateJob.owner, "aggregate")], store: store, maintenance: maintenance,
            executor: environment.executor,
            limit: memoryLimit)
        try memory.restore(aggregate, owner: StateJob.owner, recovered)
        result.openSeconds = Double(environment.clock.elapsed() - opening) / 1e9
        let writtenBefore = ProcessFigures.bytesWritten()
        let start = environment.clock.elapsed()
        var done = 0
        var epoch = recovered.lastCommitted?.next ?? .zero
        while done < operations {
            let batch = workload.batch(min(batchRows, operations - done))
            let epochStart = environment.clock.elapsed()
            maintenance.committed(try runEpoch(epoch, batch, aggregate, store, memory))
            try store.markPublished(through: epoch)
            try maintenance.poll()
            try memory.settle()
            try maintenance.published()
            result.epochMillis.append(Double(environment.clock.elapsed() - epochStart) / 1e6)
            done += batch.count
            epoch = epoch.next
        }
        result.seconds = Double(environment.clock.elapsed() - start) / 1e9
        result.bytesWritten = ProcessFigures.bytesWritten() - writtenBefore
        result.stateBytes = aggregate.stateBytes
        result.fetchedRows = aggregate.fetchedRows
        result.usage = Report.usage()
        try maintenance.flushNow()
        let factory = store.runFactory()
        var newestFirst: [RunReader] = []
        for run in store.manifest.runs.reversed() { newestFirst.append(try factory.open(run)) }
        try ColdState(newestFirst, rule: part.rule).forEachRow(in: 0...UInt64.max) { add($0, to: &result.checksum) }
        try maintenance.finish()
        store.close()
        return result
    }

    private func runEpoch(
        _ epoch: Epoch, _ batch: Batch, _ aggregate: AggregateOperator, _ store: CheckpointStore, _ memory: StateMemory
    ) throws(TidemillError) -> CommittedEpoch {
        let executor = environment.executor
        let evaluation = EvaluationContext(currentTimestampMicros: 0)
        let slices = (batch.count + StateJob.sliceRows - 1) / StateJob.sliceRows
        try executor.run(tasks: slices) { (index, worker) throws(TidemillError) in
            let first = index * StateJob.sliceRows
            let rows = Array(UInt32(first)..<UInt32(min(first + StateJob.sliceRows, batch.count)))
            try aggregate.consume(
                batch.gather(rows), TaskContext(worker: worker, ordinal: index, evaluation: evaluation))
        }
        let encoded = Locked([[(rows: Int, bytes: [UInt8])]](repeating: [], count: aggregate.partitionCount))
        try executor.run(tasks: aggregate.partitionCount) { (partition, worker) throws(TidemillError) in
            try aggregate.finish(
                partition: partition, TaskContext(worker: worker, ordinal: partition, evaluation: evaluation))
            var own: [(rows: Int, bytes: [UInt8])] = []
            for changes in aggregate.stateChanges(part: 0, partition: partition) {
                own.append((changes.count, try BlockCodec.encode(changes)))
            }
            encoded.withLock { $0[partition] = own }
        }
        for block in encoded.withLock({ $0 }).joined() {
            try store.appendEncoded(
                owner: StateJob.owner, kind: .state, part: 0, rows: block.rows, block.bytes)
        }
        let committed = try store.commit(EpochRecord(epoch: epoch, clockMicros: 0, counters: memory.counters))
        try executor.run(tasks: aggregate.partitionCount) { (partition, _) throws(TidemillError) in
            aggregate.endEpoch(partition: partition, of: epoch)
        }
        return committed
    }

    /// State batches are | hash | live | k | rows | non-null v | sum of v, DECIMAL(38) |.
    private func add(_ batch: Batch, to checksum: inout StateWorkload.Checksum) {
        let keys = batch.columns[2].pointer(Int64.self)
        let counts = batch.columns[3].pointer(Int64.self)
        let sums = batch.columns[5].pointer(Int128.self)
        for row in 0..<batch.count {
            checksum.add(key: keys[row], count: counts[row], sum: Int64(truncatingIfNeeded: sums[row]))
        }
    }
}
