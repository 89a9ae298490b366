/// Where the rows of a streaming aggregate stand in source order: by epoch, then input of a union, then file (by time
/// of modification and path), then row. Two BIGINT columns, so that what FIRST, LAST and COLLECT_LIST give depends on
/// neither the number of workers nor the size of batches.
final class SourceOrder: Sendable {
    static let types: [DataType] = [.bigint, .bigint]
    /// Of sessions: the start of the row's own session before.
    static let sessionTypes: [DataType] = [.bigint] + types

    /// Rows so far of the tasks under way, by what leads their positions.
    private let counts = Locked<[Lead: Int64]>([:])

    private let isWantedBackwards: Bool

    /// - Parameters:
    ///   - wanted: how many columns are read; nil is what none needs.
    ///   - count: so many are the order, as many the order backwards.
    init?(columns wanted: Int, of count: Int) {
        if wanted == 0 { return nil }
        isWantedBackwards = wanted > count
    }

    private struct Lead: Hashable {
        /// The epoch, and the leaf of the plan in 12 bits.
        let epoch: Int64
        /// The scan and its file in 9 and 22 bits, and 32 bits for the row.
        let file: Int64
        init(_ task: TaskContext) {
            epoch = task.epoch << 12 | Int64(min(task.branch, 4095))
            file = Int64(min(task.stage, 511)) << 54 | Int64(min(task.ordinal, 1 << 22 - 1)) << 32
        }
    }

    /// - Parameter leading: columns that decide before.
    func columns(_ count: Int, _ task: TaskContext, behind leading: [Column] = []) -> [Column] {
        let lead = Lead(task)
        let first = counts.withLock { counts in
            let first = counts[lead] ?? 0
            counts[lead] = first + Int64(count)
            return first
        }
        let buffer = Buffer(byteCount: count * 8)
        let positions = buffer.pointer(Int64.self)
        for row in 0..<count { positions[row] = lead.file | min(first + Int64(row), Int64(UInt32.max)) }
        let order =
            leading + [
                Column(repeating: .bigint(lead.epoch), count: count),
                Column(type: .bigint, count: count, values: buffer),
            ]
        return isWantedBackwards ? order + order.map(SourceOrder.backwards) : order
    }

    private static func backwards(_ column: Column) -> Column {
        let buffer = Buffer(byteCount: column.count * 8)
        let (values, out) = (column.pointer(Int64.self), buffer.pointer(Int64.self))
        for row in 0..<column.count { out[row] = ~values[row] }
        return Column(type: .bigint, count: column.count, values: buffer)
    }

    func finishTask(_ task: TaskContext) { counts.withLock { $0[Lead(task)] = nil } }
}
