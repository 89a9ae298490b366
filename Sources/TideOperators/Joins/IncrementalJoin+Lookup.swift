// Rows that look others up: of a stream, in a table of the same pipeline.

extension IncrementalJoinOperator {
    /// Brings the looked-up side to the epoch's end, then lets the stream's rows meet it, in their order.
    func lookUp(_ side: Side, _ partition: Partition, _ task: TaskContext) throws(TidemillError) {
        let isLeft = side == .left
        let stored = isLeft ? partition.left : partition.right
        apply(isLeft ? partition.pendingLeft : partition.pendingRight, to: stored)
        let rows = (isLeft ? partition.pendingRight : partition.pendingLeft).enumerated()
            .sorted { ($0.element.ordinal, $0.offset) < ($1.element.ordinal, $1.offset) }
        for (_, change) in rows { try lookUp(change, in: stored, streamIsLeft: !isLeft, task) }
        try outputs.finishTask(task)
    }

    private func lookUp(
        _ change: RowChange, in stored: KeyedRows, streamIsLeft: Bool, _ task: TaskContext
    ) throws(TidemillError) {
        let batch = change.batch
        let matchable = specification.matchable(change.keys)
        // All pairs of a batch are needed at once: a row without one keeps its place among the others.
        var probe: [UInt32] = []
        var entries: [UnsafeMutableRawPointer] = []
        var weights: [Int64] = []
        var pairs = JoinPairs(change, stored)
        while pairs.next() {
            if let residual = specification.residual {
                pairs.keep(
                    try residual.evaluatePredicate(combined(pairs, batch, stored, streamIsLeft), task.evaluation))
            }
            for i in 0..<pairs.count where matchable?[Int(pairs.probe[i])] ?? true {
                probe.append(pairs.probe[i])
                entries.append(pairs.entries[i])
                weights.append(pairs.weights[i])
            }
        }
        if specification.isFilter {
            let kept = rowNumbers(matched: specification.kind == .semi, by: probe, count: batch.count)
            return try outputs.emit(batch.gather(kept), task)
        }
        var partners = Array(UInt32(0)..<UInt32(probe.count))
        let pads = streamIsLeft ? specification.keepsLeft : specification.keepsRight
        if pads { (probe, partners) = paddedInPlace(probe, partners, count: batch.count) }
        let own = batch.weights?.pointer(Int64.self)
        let product = partners.indices.map { i in
            partners[i] == .max ? (own.map { $0[Int(probe[i])] } ?? 1) : weights[Int(partners[i])]
        }
        let stream = batch.columns.map { $0.gather(probe) }
        let found = stored.columns(of: entries).map { $0.gatherOrNull(partners) }
        try outputs.emit(
            Batch(
                columns: streamIsLeft ? stream + found : found + stream, count: probe.count,
                weights: product.allSatisfy { $0 == 1 } ? nil : Column(bigints: product)), task)
    }

    private func combined(
        _ pairs: borrowing JoinPairs, _ batch: Batch, _ stored: KeyedRows, _ streamIsLeft: Bool
    ) -> Batch {
        let probe = UnsafePointer(pairs.probe)
        let stream = batch.columns.map { $0.gather(probe, count: pairs.count) }
        let found = stored.columns(of: UnsafeBufferPointer(start: pairs.entries, count: pairs.count))
        return Batch(columns: streamIsLeft ? stream + found : found + stream, count: pairs.count)
    }
}
