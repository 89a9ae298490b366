/// Sliding windows: each row once for every window that contains its time, the window behind its columns. Weights pass
/// through.
public final class TimeWindowsOperator: BatchConsumer {
    let time: ExpressionProgram
    let size: Int64
    let slide: Int64
    let offset: Int64
    let outputs: Outputs

    public init(_ windows: LogicalPlan.TimeWindows, outputs: Outputs) {
        time = ExpressionProgram([windows.time])
        size = windows.size
        slide = windows.slide
        offset = windows.offset
        self.outputs = outputs
    }

    /// Input rows that are expanded together, so that a batch of many windows stays in cache.
    private static let chunkRows = 4096

    public func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        let times = try time.evaluate(batch, task.evaluation)[0]
        for start in stride(from: 0, to: batch.count, by: TimeWindowsOperator.chunkRows) {
            let end = min(start + TimeWindowsOperator.chunkRows, batch.count)
            let (rows, windows) = expand(times, start..<end)
            if rows.isEmpty { continue }
            let buffer = windows.withUnsafeBytes { Buffer(copying: $0) }
            let column = Column(type: .timeWindow, count: rows.count, values: buffer)
            let picked = batch.gather(rows)
            try outputs.emit(
                Batch(columns: picked.columns + [column], count: picked.count, weights: picked.weights), task
            ) { Int(rows[$0]) }
        }
    }

    /// From the latest window to the earliest, row by row.
    private func expand(_ times: Column, _ range: Range<Int>) -> (rows: [UInt32], windows: [Int128]) {
        let values: UnsafePointer<Int64> = times.pointer()
        let perRow = Int((size + slide - 1) / slide)
        var rows: [UInt32] = []
        var windows: [Int128] = []
        rows.reserveCapacity(range.count * perRow)
        windows.reserveCapacity(range.count * perRow)
        for row in range where times.isValid(row) {
            let at = values[row]
            var start = TimeWindow.lastStart(atOrBefore: at, slide: slide, offset: offset)
            while start > at &- size {
                rows.append(UInt32(truncatingIfNeeded: row))
                windows.append(TimeWindow(start: start, end: start &+ size).packed)
                start &-= slide
            }
        }
        return (rows, windows)
    }

    public func finishTask(_ task: TaskContext) throws(TidemillError) { try outputs.finishTask(task) }
}
