/// The first rows of each partition in an order; without partition keys ORDER BY … LIMIT … OFFSET.
///
/// Emits what enters and what leaves the top of the partitions that an epoch touched. Over input that only grows a
/// partition keeps no row behind its top, since it can never come up again.
public final class TopNOperator: BatchConsumer, StatefulOperator {
    private let topN: LogicalPlan.TopN
    private let program: ExpressionProgram
    let partitions: KeyedPartitions
    /// Whether rows behind the top are forgotten.
    private let forgets: Bool
    private let outputs: Outputs

    /// - Parameter inputAppends: the input retracts nothing.
    public init(_ topN: LogicalPlan.TopN, inputAppends: Bool, partitionBits: Int, outputs: Outputs) {
        self.topN = topN
        program = ExpressionProgram(topN.orderBy.map(\.expression))
        partitions = KeyedPartitions(
            types: topN.input.schema.types, partitionBy: topN.partitionBy, partitionBits: partitionBits)
        forgets = inputAppends && topN.limit != nil
        self.outputs = outputs
    }

    public var partitionCount: Int { partitions.count }

    /// The last rank that counts.
    private var lastRank: Int {
        topN.limit.map { $0.addingReportingOverflow(topN.offset) }.map { $0.overflow ? .max : $0.partialValue } ?? .max
    }

    public func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        // Of one partition's rows those behind its top need not even be stored.
        if forgets, topN.partitionBy.isEmpty, batch.weights == nil, lastRank < batch.count / 2 {
            let ranks = try ranked(batch, starts: [0, batch.count], task.evaluation).ranks(
                Array(repeating: 1, count: batch.count), topN.kind)
            let kept = (0..<UInt32(batch.count)).filter { ranks.first[Int($0)] <= lastRank }
            return try partitions.accept(batch.gather(kept), task)
        }
        try partitions.accept(batch, task)
    }
    public func finishTask(_ task: TaskContext) throws(TidemillError) {}

    public func finish(partition p: Int, _ task: TaskContext) throws(TidemillError) {
        try partitions.finish(p) { (rows, touched) throws(TidemillError) in
            let ranked = try ranked(touched.batch, starts: touched.starts, task.evaluation)
            let old = ranked.ranks(touched.weightsBefore, topN.kind)
            let new = ranked.ranks(touched.weights, topN.kind)
            try emitChanges(touched, old, new, task)
            if forgets { forget(rows, touched, new) }
        }
        try outputs.finishTask(task)
    }

    private func ranked(
        _ batch: Batch, starts: [Int], _ context: EvaluationContext
    ) throws(TidemillError) -> RankedRows {
        let keys = try program.evaluate(batch, context)
        let sortKeys = topN.orderBy.isEmpty ? nil : SortKeys(keys, topN.orderBy, count: batch.count)
        return RankedRows(
            starts: starts,
            order: PartitionOrder(batch, starts: starts, keys: sortKeys, breaksTies: topN.kind == .rowNumber))
    }

    private func emitChanges(
        _ touched: KeyedPartitions.Touched, _ old: RankedRows.Ranks, _ new: RankedRows.Ranks, _ task: TaskContext
    ) throws(TidemillError) {
        var rows: [UInt32] = []
        var weights: [Int64] = []
        var ranks: [Int64] = []
        func add(_ row: Int, _ rank: Int, _ weight: Int64) {
            if weight == 0 { return }
            rows.append(UInt32(row))
            ranks.append(Int64(rank))
            weights.append(weight)
        }
        for row in touched.entries.indices {
            let before = copies(old.first[row], touched.weightsBefore[row])
            let after = copies(new.first[row], touched.weights[row])
            if topN.rank == nil {
                add(row, 0, Int64(after.count - before.count))
            } else if topN.kind == .rowNumber {
                // Every copy has a rank of its own.
                for rank in before where !after.contains(rank) { add(row, rank, -1) }
                for rank in after where !before.contains(rank) { add(row, rank, 1) }
            } else if before.isEmpty || after.isEmpty || old.first[row] != new.first[row] {
                add(row, old.first[row], -Int64(before.count))
                add(row, new.first[row], Int64(after.count))
            } else {
                add(row, new.first[row], Int64(after.count - before.count))
            }
        }
        if rows.isEmpty { return }
        var columns = touched.batch.columns.map { $0.gather(rows) }
        if topN.rank != nil {
            let buffer = Buffer(byteCount: ranks.count * 4)
            for (i, rank) in ranks.enumerated() { buffer.pointer(Int32.self)[i] = Int32(truncatingIfNeeded: rank) }
            columns.append(Column(type: .int, count: ranks.count, values: buffer))
        }
        try outputs.emit(Batch(columns: columns, count: rows.count, weights: Column(bigints: weights)), task)
    }

    /// The ranks of a row's copies that are in the top: of row numbers one each, of ranks the same for all, so that
    /// only their number counts.
    private func copies(_ first: Int, _ weight: Int64) -> Range<Int> {
        if weight <= 0 { return 0..<0 }
        if topN.kind != .rowNumber { return first > topN.offset && first <= lastRank ? 0..<Int(weight) : 0..<0 }
        let low = max(first, topN.offset + 1)
        let high = lastRank == .max ? first + Int(weight) : min(first + Int(weight), lastRank + 1)
        return low < high ? low..<high : 0..<0
    }

    private func forget(_ rows: KeyedRows, _ touched: KeyedPartitions.Touched, _ ranks: RankedRows.Ranks) {
        for (row, entry) in touched.entries.enumerated() where touched.weights[row] > 0 {
            let first = ranks.first[row]
            let kept =
                topN.kind == .rowNumber
                ? max(0, min(Int(touched.weights[row]), lastRank - first + 1))
                : first <= lastRank ? Int(touched.weights[row]) : 0
            if kept < Int(touched.weights[row]) { rows.setWeight(Int64(kept), of: entry) }
        }
    }

    // MARK: State

    public var stateParts: [StatePart] { [partitions.statePart] }
    public func stateChanges(part: Int, partition p: Int) -> [Batch] { partitions.stateChanges(p) }
    public func restore(part: Int, _ batch: Batch) throws(TidemillError) {
        try partitions.restore(batch, of: "a top-N")
    }
    public func endEpoch(partition p: Int) { partitions.endEpoch(p) }
    public var stateRows: Int { partitions.rowCount }
    public var stateBytes: Int { partitions.byteCount }
    public var touchedRows: Int { partitions.touchedCount }
}

/// Rows of partitions in order, ranked under any weights.
struct RankedRows {
    let starts: [Int]
    let order: PartitionOrder

    /// By batch row: its rank, of row numbers that of its first copy.
    struct Ranks { var first: [Int] }

    func ranks(_ weights: [Int64], _ kind: LogicalPlan.TopN.Kind) -> Ranks {
        var first = [Int](repeating: 0, count: weights.count)
        for p in 0..<(starts.count - 1) {
            // Rows so far; rows before the current peers; groups of peers with rows.
            var (rows, before, groups) = (0, 0, 0)
            var isNewGroup = true
            for position in starts[p]..<starts[p + 1] {
                if order.startsPeers[position] {
                    before = rows
                    isNewGroup = true
                }
                let row = Int(order.rows[position])
                let weight = Int(max(0, weights[row]))
                if weight > 0 && isNewGroup {
                    groups += 1
                    isNewGroup = false
                }
                switch kind {
                case .rowNumber: first[row] = rows + 1
                case .rank: first[row] = before + 1
                case .denseRank: first[row] = groups
                }
                rows += weight
            }
        }
        return Ranks(first: first)
    }
}
