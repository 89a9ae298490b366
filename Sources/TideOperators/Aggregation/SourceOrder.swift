/// Where the rows of a streaming aggregate stand in source order: by epoch, then file (by time of modification and
/// path), then row. Two BIGINT columns, so that what FIRST, LAST and COLLECT_LIST give depends on neither the number of
/// workers nor the size of batches.
final class SourceOrder: Sendable {
    static let types: [DataType] = [.bigint, .bigint]

    /// Rows so far of the tasks under way, by what leads their positions.
    private let counts = Locked<[Int64: Int64]>([:])

    /// The epoch, and scan, file and row of the epoch in 9, 22 and 32 bits.
    func columns(_ count: Int, _ task: TaskContext) -> [Column] {
        let lead = SourceOrder.lead(task)
        let first = counts.withLock { counts in
            let first = counts[lead] ?? 0
            counts[lead] = first + Int64(count)
            return first
        }
        let buffer = Buffer(byteCount: count * 8)
        let positions = buffer.pointer(Int64.self)
        for row in 0..<count { positions[row] = lead | min(first + Int64(row), Int64(UInt32.max)) }
        return [
            Column(repeating: .bigint(task.epoch), count: count),
            Column(type: .bigint, count: count, values: buffer),
        ]
    }

    func finishTask(_ task: TaskContext) { counts.withLock { $0[SourceOrder.lead(task)] = nil } }

    private static func lead(_ task: TaskContext) -> Int64 {
        Int64(min(task.stage, 511)) << 54 | Int64(min(task.ordinal, 1 << 22 - 1)) << 32
    }
}

extension LogicalPlan {
    /// Whether the rows come from one external relation in its order, each at most passing through operators without
    /// state. (The rows of a union, say, have no order of their own.)
    public var isInSourceOrder: Bool {
        switch self {
        case .scan(let scan): !scan.relation.isOwnTable
        case .filter(let input, _), .project(let input, _): input.isInSourceOrder
        case .watermark(let watermark): watermark.input.isInSourceOrder
        case .timeWindows(let windows): windows.input.isInSourceOrder
        case .generate(let generate): generate.input.isInSourceOrder
        default: false
        }
    }
}
