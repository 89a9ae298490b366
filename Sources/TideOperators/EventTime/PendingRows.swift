/// Rows of an epoch that wait, split by the partition of their key, until they can be handled in source order:
/// operators that keep the first of something must not depend on which thread came first.
struct PendingRows {
    private var batches: [(task: TaskContext, batch: Batch)] = []

    mutating func append(_ batch: Batch, _ task: TaskContext) { batches.append((task, batch)) }

    /// By leaf, scan and task, and within a task as they came; nothing is left behind.
    mutating func take() -> [Batch] {
        defer { batches.removeAll() }
        func place(_ task: TaskContext, _ offset: Int) -> (Int, Int, Int, Int) {
            (task.branch, task.stage, task.ordinal, offset)
        }
        return batches.enumerated().sorted { place($0.element.task, $0.offset) < place($1.element.task, $1.offset) }
            .map(\.element.batch)
    }

    /// By their values, ascending, NULLs first: where the way to here has mixed the rows, and how depends on threads.
    mutating func takeByValue() -> [Batch] {
        defer { batches.removeAll() }
        guard let types = batches.first?.batch.columns.map(\.type) else { return [] }
        let all = Batch.concat(batches.map(\.batch), types: types)
        return [all.gather(SortKeys(ascending: all.columns, count: all.count).order())]
    }
    var isEmpty: Bool { batches.isEmpty }
}

extension OperatorClock {
    /// The rows that are not late; the others are counted and kept.
    /// - Parameter timeColumn: nil: none is.
    func timely(_ batch: Batch, by timeColumn: Int?, _ task: TaskContext) -> Batch {
        guard let timeColumn, let keep = batch.columns[timeColumn].notLate(after: lateMicros) else { return batch }
        let late = keep.count - keep.onesCount
        count(late: late, keys: late)
        self.keep(late: batch, notIn: keep, times: batch.columns[timeColumn], task)
        return batch.filter(keep)
    }
}

extension Batch {
    /// The rows by the partition of their key; partitions without any are left out.
    func split(by keys: [Int], partitionBits bits: Int, _ body: (_ partition: Int, _ rows: Batch) -> Void) {
        if count == 0 { return }
        let hashes = hashRows(keys.map { columns[$0] }, count: count)
        let selection = PartitionedSelection(hashes: hashes.pointer(UInt64.self), count: count, partitionBits: bits)
        for p in 0..<(1 << bits) {
            let rows = selection.rows(of: p)
            guard let base = rows.baseAddress, !rows.isEmpty else { continue }
            body(p, rows.count == count ? self : gather(base, count: rows.count))
        }
    }
}
