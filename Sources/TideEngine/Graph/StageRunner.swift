/// Runs the stages of a graph on the executor.
struct StageRunner {
    let graph: FlowGraph
    let executor: any Executor
    let evaluation: EvaluationContext
    /// Longer batches of a source are cut.
    var batchRowsMax = Int.max
    var epoch: Int64 = 0
    /// Scans so far.
    private let scans = Locked(0)

    init(
        graph: FlowGraph, executor: any Executor, evaluation: EvaluationContext, batchRowsMax: Int = .max,
        epoch: Int64 = 0
    ) {
        self.graph = graph
        self.executor = executor
        self.evaluation = evaluation
        self.batchRowsMax = batchRowsMax
        self.epoch = epoch
    }

    struct ScanResult: Sendable {
        var rows = 0
        var bytes: Int64 = 0
        var badRows = 0
        var droppedRows = 0
        var samples: [SplitReport.BadRow] = []
        /// The first in the order of their texts, and how many there are.
        var warning: String?
        var warnings = 0
        static let samplesMax = 20

        mutating func add(_ report: SplitReport, bytes: Int64) {
            rows += report.rows
            self.bytes += bytes
            badRows += report.badRows
            droppedRows += report.droppedRows
            samples += report.samples.prefix(ScanResult.samplesMax - samples.count)
            if let found = report.warning {
                warning = warning.map { min($0, found) } ?? found
                warnings += 1
            }
        }
    }

    private func beginStage() { for collector in graph.collectors { collector.beginStage() } }

    /// Reads splits in parallel and pushes their batches into `port`.
    func scan(
        _ source: any Source, _ splits: [SourceSplit], columns: [Int], into port: any BatchConsumer
    ) throws(TidemillError) -> ScanResult {
        beginStage()
        let evaluation = evaluation
        let (rowsMax, epoch) = (batchRowsMax, epoch)
        let stage = scans.withLock { scans in
            scans += 1
            return scans
        }
        let result = Locked(ScanResult())
        try executor.run(tasks: splits.count) { (index, worker) throws(TidemillError) in
            let task = TaskContext(
                worker: worker, ordinal: index, stage: stage, epoch: epoch, evaluation: evaluation)
            let reader = try source.open(splits[index], columns: columns)
            var rowsRead = 0
            while let batch = try reader.next() {
                // A scan that needs no column still counts rows.
                let pieces = stride(from: 0, to: batch.count, by: min(rowsMax, max(1, batch.count)))
                for start in pieces {
                    var piece = batch
                    if batch.count > rowsMax {
                        piece = batch.gather(Array(UInt32(start)..<UInt32(min(start + rowsMax, batch.count))))
                    }
                    do throws(TidemillError) { try port.consume(piece, task) } catch {
                        let names = columns.map { source.schema[$0].name }
                        let rows = SplitRows(
                            split: splits[index], names: names, first: rowsRead + start,
                            dropped: reader.report.droppedRows)
                        throw rows.naming(error, piece)
                    }
                }
                rowsRead += batch.count
            }
            try port.finishTask(task)
            result.withLock { $0.add(reader.report, bytes: splits[index].bytes) }
        }
        return result.withLock { $0 }
    }

    func feed(_ batch: Batch, into consumer: any BatchConsumer) throws(TidemillError) {
        beginStage()
        let task = TaskContext(worker: 0, ordinal: 0, evaluation: evaluation)
        try consumer.consume(batch, task)
        try consumer.finishTask(task)
    }

    /// All breakers, in dependency order.
    func finishBreakers() throws(TidemillError) {
        for (index, breaker) in graph.breakers.enumerated() {
            let place = graph.breakerPlaces[index]
            beginStage()
            let evaluation = evaluation
            try executor.run(tasks: breaker.partitionCount) { (partition, worker) throws(TidemillError) in
                do throws(TidemillError) {
                    try breaker.finish(
                        partition: partition, TaskContext(worker: worker, ordinal: partition, evaluation: evaluation))
                } catch {
                    throw place.map { error.at($0) } ?? error
                }
            }
        }
    }
}
