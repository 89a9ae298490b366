import CTideKernels

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

        /// Of the rows of one batch.
        init(_ times: Column) {
            let values: UnsafePointer<Int64> = times.pointer()
            if times.validity == nil {
                observe(UnsafeBufferPointer(start: values, count: times.count))
                return
            }
            for row in 0..<times.count where times.isValid(row) {
                let millis = floorMillis(values[row])
                count += 1
                least = min(least, millis)
                greatest = max(greatest, millis)
                sum += Int128(millis)
            }
        }

        /// Of times that are all there. Those of a batch mostly lie within hours, which 32 bits can count.
        private mutating func observe(_ micros: UnsafeBufferPointer<Int64>) {
            guard let times = micros.baseAddress, !micros.isEmpty else { return }
            count = micros.count
            var (low, high) = (Int64.max, Int64.min)
            tide_time_range(times, count, &low, &high)
            (least, greatest) = (floorMillis(low), floorMillis(high))
            let (span, overflow) = greatest.subtractingReportingOverflow(least)
            guard !overflow, span < Int64(UInt32.max) / 125, count < 1 << 32 else {
                for time in micros { sum += Int128(floorMillis(time)) }
                return
            }
            sum = Int128(least) * Int128(count) + Int128(tide_millis_above(times, count, least &* 1000))
        }

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
        let seen = Observed(batch.columns[column])
        if seen.count > 0 { observed.withLock { $0.merge(seen) } }
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
