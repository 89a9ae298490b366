import Tidemill

/// `SELECT k, count(*), sum(v) GROUP BY k` as epochs of one batch each: the operator as the engine builds it, its state
/// changes encoded by the workers, and one commit with one fdatasync per batch.
struct StateJob {
    let environment: Environment
    let directory: FilePath
    let operations: Int
    let keys: Int
    let batchRows: Int

    /// Rows of one task.
    private static let sliceRows = 8192
    private static let owner: UInt32 = 1

    struct Result {
        var seconds = 0.0
        var bytesWritten = 0
        var stateBytes = 0
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
        try environment.files.removeTree(directory)
        try environment.files.createDirectories(directory)
        let (store, _) = try CheckpointStore.open(directory, pipeline: "state", environment: environment)
        let aggregate = try makeOperator()
        var workload = StateWorkload(keys: keys)
        var result = Result()
        let writtenBefore = ProcessFigures.bytesWritten()
        let start = environment.clock.elapsed()
        var done = 0
        var epoch = Epoch.zero
        while done < operations {
            let batch = workload.batch(min(batchRows, operations - done))
            try runEpoch(epoch, batch, aggregate, store)
            done += batch.count
            epoch = epoch.next
        }
        result.seconds = Double(environment.clock.elapsed() - start) / 1e9
        result.bytesWritten = ProcessFigures.bytesWritten() - writtenBefore
        result.stateBytes = aggregate.stateBytes
        store.close()
        for partition in 0..<aggregate.partitionCount {
            for batch in aggregate.stateSnapshot(part: 0, partition: partition) { add(batch, to: &result.checksum) }
        }
        return result
    }

    private func runEpoch(
        _ epoch: Epoch, _ batch: Batch, _ aggregate: AggregateOperator, _ store: CheckpointStore
    ) throws(TidemillError) {
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
        try store.commit(EpochRecord(epoch: epoch, clockMicros: 0))
        try executor.run(tasks: aggregate.partitionCount) { (partition, _) throws(TidemillError) in
            aggregate.endEpoch(partition: partition)
        }
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
