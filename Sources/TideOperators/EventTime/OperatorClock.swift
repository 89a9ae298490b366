import Synchronization

/// Whether a flow takes part in an epoch: it does if one of its sources has new input or its own no-data epoch is due.
/// If not, its watermark, its late filter and its state stand still.
public final class FlowClock: @unchecked Sendable {
    // Sendable: `isDue` is set between epochs, rows are counted atomically.
    /// Known before the epoch runs.
    public var isDue = false
    private let rows = Atomic<Int>(0)

    public init() {}

    /// Rows of the pipeline's own tables come while the epoch runs. Asked by breakers, whose input is complete.
    public var takesPart: Bool { isDue || rows.load(ordering: .relaxed) > 0 }
    func add(rows count: Int) { rows.wrappingAdd(count, ordering: .relaxed) }
    public func beginEpoch(isDue: Bool) {
        self.isDue = isDue
        rows.store(0, ordering: .relaxed)
    }
}

/// Event time as one stateful operator sees it in an epoch, and what it counts.
///
/// Rows are late by the watermark that the flow's previous epoch ran with, and state goes by this epoch's: what an
/// operator below gives out when its state goes is not late above.
public final class OperatorClock: @unchecked Sendable {
    // Sendable: thresholds are set between epochs; counters are atomic.
    public let flow: FlowClock
    public let path: WatermarkPath
    /// For late rows: who met them, and the columns of each of the operator's inputs.
    public let operatorName: String
    public let flowName: String
    private let inputs: [[String]]
    /// Where late rows are kept; nil: they are only counted.
    public var lateRows: LateRows?
    /// Microseconds: an event time up to here is late.
    public private(set) var lateMicros: Int64 = 0
    /// Microseconds: state with an event time up to here goes.
    public private(set) var evictionMicros: Int64 = 0
    public private(set) var evictionMillis: Int64 = 0

    private let late = Atomic<Int>(0)
    private let lateKeys = Atomic<Int>(0)
    private let updated = Atomic<Int>(0)
    private let removed = Atomic<Int>(0)
    private let leaving = Atomic<Int>(0)
    private let duplicates = Atomic<Int>(0)

    public init(
        flow: FlowClock, path: WatermarkPath, flowName: String = "", operatorName: String = "", inputs: [Schema] = []
    ) {
        self.flow = flow
        self.path = path
        self.flowName = flowName
        self.operatorName = operatorName
        self.inputs = inputs.map(\.names)
    }

    /// Keeps the rows of a batch that are not in time.
    /// - Parameters:
    ///   - times: of all rows of the batch.
    ///   - input: which of the operator's inputs they came from.
    func keep(late batch: Batch, notIn timely: Bitmap, times: Column, input: Int = 0, _ task: TaskContext) {
        guard let lateRows, inputs.indices.contains(input), inputs[input].count == batch.columns.count else { return }
        let late = Batch(columns: batch.columns + [times], count: batch.count).filter(timely.inverted())
        lateRows.add(
            Batch(columns: Array(late.columns.dropLast()), count: late.count), names: inputs[input],
            times: late.columns[late.columns.count - 1], flow: flowName, operatorName: operatorName,
            watermarkMicros: lateMicros, task)
    }

    /// - Parameters: the flow's global watermarks, milliseconds.
    public func beginEpoch(previous: Int64, current: Int64) {
        lateMicros = (path.value(global: previous) ?? 0) &* 1000
        evictionMillis = path.value(global: current) ?? 0
        evictionMicros = evictionMillis &* 1000
    }

    func count(late rows: Int, keys: Int) {
        late.wrappingAdd(rows, ordering: .relaxed)
        lateKeys.wrappingAdd(keys, ordering: .relaxed)
    }
    func count(updated rows: Int) { updated.wrappingAdd(rows, ordering: .relaxed) }
    /// - Parameter leaving: rows that `stateRows` still counts, though they go with the commit.
    func count(removed rows: Int, leaving: Int) {
        removed.wrappingAdd(rows, ordering: .relaxed)
        self.leaving.wrappingAdd(leaving, ordering: .relaxed)
    }
    func count(removed rows: Int) { count(removed: rows, leaving: rows) }
    func count(duplicates rows: Int) { duplicates.wrappingAdd(rows, ordering: .relaxed) }

    /// What one epoch did to an operator's state.
    public struct Counts: Sendable, Hashable {
        /// Input rows that came too late, exactly.
        public var lateRows = 0
        /// What Spark counts: of an aggregation, groups that late rows fell into; of others, rows.
        public var lateKeys = 0
        public var updated = 0
        public var removed = 0
        public var leaving = 0
        public var duplicates = 0
    }
    /// Since the last call.
    public func takeCounts() -> Counts {
        Counts(
            lateRows: late.exchange(0, ordering: .relaxed), lateKeys: lateKeys.exchange(0, ordering: .relaxed),
            updated: updated.exchange(0, ordering: .relaxed), removed: removed.exchange(0, ordering: .relaxed),
            leaving: leaving.exchange(0, ordering: .relaxed), duplicates: duplicates.exchange(0, ordering: .relaxed))
    }
}

/// A leaf of a flow: counts its input, and says which leaf it came through.
public final class FlowInput: BatchConsumer {
    let clock: FlowClock
    let branch: Int
    let output: any BatchConsumer
    public init(clock: FlowClock, branch: Int, output: any BatchConsumer) {
        self.clock = clock
        self.branch = branch
        self.output = output
    }
    public func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        clock.add(rows: batch.count)
        try output.consume(batch, task.through(branch: branch))
    }
    public func finishTask(_ task: TaskContext) throws(TidemillError) {
        try output.finishTask(task.through(branch: branch))
    }
}

extension Column {
    /// A row of an event-time column, microseconds; of a window its end.
    @inline(__always) func eventMicros(_ row: Int) -> Int64 {
        type == .timeWindow ? TimeWindow(packed: pointer(Int128.self)[row]).end : pointer(Int64.self)[row]
    }

    /// Rows of an event-time column that are not late: NULL is never late. nil: none is.
    func notLate(after threshold: Int64) -> Bitmap? {
        let bits: Bitmap?
        switch type {
        case .timeWindow:
            let values: UnsafePointer<Int128> = pointer()
            bits = timely(values, count) { TimeWindow(packed: $0).end > threshold }
        default:
            let values: UnsafePointer<Int64> = pointer()
            bits = timely(values, count) { $0 > threshold }
        }
        guard let bits else { return nil }
        let all = validity.map { bits.or($0.inverted()) } ?? bits
        return all.onesCount == count ? nil : all
    }
}

@inline(__always)
private func timely<T: BitwiseCopyable>(_ values: UnsafePointer<T>, _ count: Int, _ rule: (T) -> Bool) -> Bitmap? {
    // Mostly no row is late, and that is found without a branch per row.
    var late: UInt64 = 0
    for row in 0..<count { late |= rule(values[row]) ? 0 : 1 }
    if late == 0 { return nil }
    let buffer = Buffer(byteCount: Bitmap.wordCount(count) * 8)
    let out = buffer.pointer(UInt64.self)
    var row = 0
    while row < count {
        var word: UInt64 = 0
        let end = min(64, count - row)
        for bit in 0..<end where rule(values[row + bit]) { word |= 1 << UInt64(bit) }
        out[row >> 6] = word
        row += 64
    }
    return Bitmap(buffer: buffer, count: count)
}
