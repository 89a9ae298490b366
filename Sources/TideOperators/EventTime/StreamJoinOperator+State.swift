// Remembered rows of a join of streams as blocks of state.

extension StreamJoinOperator {
    public func stateChanges(part: Int, partition p: Int) -> [Batch] {
        partitions[p].withLock { partition in
            let side: Side = part == 0 ? .left : .right
            return stateBatches(partition.side(side), partition.side(side).touched, side)
        }
    }

    /// In the order of the join key's hash, so that a key group is one range of a run.
    func stateBatches(_ stored: StreamJoinSide, _ rows: [UnsafeMutableRawPointer], _ side: Side) -> [Batch] {
        if rows.isEmpty { return [] }
        let columns = stored.columns(of: rows)
        guard let keys = try? keys(of: Batch(columns: columns, count: rows.count), side) else {
            preconditionFailure("join keys of stored rows were evaluated before and cannot fail now")
        }
        let buffer = hashRows(keys, count: rows.count)
        defer { withExtendedLifetime(buffer) {} }
        let sorted = StateOrder.sorted(
            rows, UnsafeBufferPointer(start: buffer.pointer(UInt64.self), count: rows.count))
        var batches: [Batch] = []
        for start in stride(from: 0, to: rows.count, by: AggregateOperator.outputRows) {
            let end = min(start + AggregateOperator.outputRows, rows.count)
            let chunk = Array(sorted.rows[start..<end])
            let hashes = Column(bigints: sorted.hashes[start..<end].map { Int64(bitPattern: $0) })
            let live = Bitmap(count: chunk.count) { stored.isLive(chunk[$0]) }
            let matched = Bitmap(count: chunk.count) { stored.isMatched(chunk[$0]) }
            batches.append(
                Batch(
                    columns: [hashes, Column(boolean: live)] + stored.columns(of: chunk, withNumber: true)
                        + [Column(boolean: matched)], count: chunk.count))
        }
        return batches
    }

    public var stateRows: Int {
        partitions.reduce(0) { sum, p in sum + p.withLock { $0.left.stateRows + $0.right.stateRows } }
    }
    public var stateBytes: Int {
        partitions.reduce(0) { sum, p in sum + p.withLock { $0.left.byteCount + $0.right.byteCount } }
    }
    public var touchedRows: Int {
        partitions.reduce(0) { sum, p in sum + p.withLock { $0.left.touched.count + $0.right.touched.count } }
    }
}

extension LogicalPlan.Join {
    /// The condition beyond the keys, by the sides it speaks of.
    var residualBySide: (left: BoundExpression?, right: BoundExpression?, both: BoundExpression?) {
        guard let residual else { return (nil, nil, nil) }
        let conditions: [BoundExpression]
        if case .and(let operands) = residual { conditions = operands } else { conditions = [residual] }
        let leftCount = left.schema.count
        func all(_ list: [BoundExpression]) -> BoundExpression? { list.count > 1 ? .and(list) : list.first }
        func isLeft(_ one: BoundExpression) -> Bool {
            one.isDeterministic && !one.columns.isEmpty && one.columns.allSatisfy { $0 < leftCount }
        }
        func isRight(_ one: BoundExpression) -> Bool {
            one.isDeterministic && !one.columns.isEmpty && one.columns.allSatisfy { $0 >= leftCount }
        }
        return (
            all(conditions.filter(isLeft)),
            all(conditions.filter(isRight))?.remapped { $0 - leftCount },
            all(conditions.filter { !isLeft($0) && !isRight($0) })
        )
    }
}
