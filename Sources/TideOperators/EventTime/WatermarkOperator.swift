/// `WATERMARK column DELAY OF …`: rows pass through; what is kept is how far their event time has come in this epoch.
public final class WatermarkOperator: BatchConsumer {
    /// Event times of one epoch, in milliseconds (rounded down, as Spark counts).
    public struct Observed: Sendable, Hashable {
        public var count = 0
        public var least = Int64.max
        public var greatest = Int64.min
        /// For the average; cannot overflow before 10^19 rows.
        public var sum: Int128 = 0

        public init() {}
        public mutating func merge(_ other: Observed) {
            count += other.count
            least = min(least, other.least)
            greatest = max(greatest, other.greatest)
            sum += other.sum
        }
    }

    let column: Int
    public let name: String
    public let delayMillis: Int64
    let outputs: Outputs
    private let observed = Locked(Observed())

    public init(_ watermark: LogicalPlan.Watermark, outputs: Outputs) {
        column = watermark.column
        name = watermark.input.schema[watermark.column].name
        delayMillis = watermark.delayMillis
        self.outputs = outputs
    }

    public func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        let times = batch.columns[column]
        var batchTimes = Observed()
        let values: UnsafePointer<Int64> = times.pointer()
        for row in 0..<batch.count where times.isValid(row) {
            let millis = floorMillis(values[row])
            batchTimes.count += 1
            batchTimes.least = min(batchTimes.least, millis)
            batchTimes.greatest = max(batchTimes.greatest, millis)
            batchTimes.sum += Int128(millis)
        }
        if batchTimes.count > 0 { observed.withLock { $0.merge(batchTimes) } }
        try outputs.emit(batch, task) { $0 }
    }

    public func finishTask(_ task: TaskContext) throws(TidemillError) { try outputs.finishTask(task) }

    /// Since the last call.
    public func takeObserved() -> Observed {
        observed.withLock { value in
            defer { value = Observed() }
            return value
        }
    }
}

@inline(__always) func floorMillis(_ micros: Int64) -> Int64 {
    micros >= 0 ? micros / 1000 : (micros &+ 1) / 1000 - 1
}
