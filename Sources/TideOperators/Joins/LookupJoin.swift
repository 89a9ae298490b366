/// The stored side of a join with a relation that does not change within the epoch: all its rows in one batch, and a
/// table from key to the chain of rows that have it.
public final class LookupTable: Sendable {
    let rows: Batch
    let table: RowTable
    /// Row after row i with the same key, as row number + 1; 0 ends the chain. Chains run in row order.
    let next: [UInt32]
    let layout: RowLayout

    /// - Parameters:
    ///   - rows: the relation, concatenated.
    ///   - keys: its key columns; rows with a key that cannot match are left out of the table.
    init(rows: Batch, keys: [Column], specification: JoinSpecification) {
        precondition(rows.weights == nil)
        self.rows = rows
        layout = specification.keyLayout
        table = RowTable(layout: layout, expectedRows: rows.count)
        var next = [UInt32](repeating: 0, count: rows.count)
        let images = KeyImages(keys, count: rows.count, layout: layout)
        let matchable = specification.matchable(keys)
        let found = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: max(1, rows.count))
        defer { found.deallocate() }
        table.findOrInsert(images, selection: nil, count: rows.count, into: found)
        let at = layout.valueOffset
        // Backwards, so that each chain starts with its first row.
        for row in stride(from: rows.count - 1, through: 0, by: -1) where matchable?[row] ?? true {
            next[row] = found[row].load(fromByteOffset: at, as: UInt32.self)
            found[row].storeBytes(of: UInt32(row) + 1, toByteOffset: at, as: UInt32.self)
        }
        self.next = next
    }
}

/// Joins a stream of changes with a `LookupTable`: inner, the outer join that keeps the
/// stream's rows, and, if the stream is the left side, semi and anti. Weights
/// pass through; output keeps the order of the input rows.
public final class LookupJoinOperator: BatchConsumer, @unchecked Sendable {
    // Sendable: `lookup` is set between epochs only.
    let specification: JoinSpecification
    let streamIsLeft: Bool
    let outputs: Outputs
    public private(set) var lookup: LookupTable?
    /// Of the side that is looked up.
    private let types: [DataType]

    /// - Parameter streamIsLeft: which side of the join the changes come from.
    public init(_ join: LogicalPlan.Join, streamIsLeft: Bool, outputs: Outputs) {
        precondition(streamIsLeft ? join.kind != .right : join.kind == .inner || join.kind == .right)
        precondition(join.kind != .full)
        specification = JoinSpecification(join, keyValueBytes: 8)
        types = (streamIsLeft ? join.right : join.left).schema.types
        self.streamIsLeft = streamIsLeft
        self.outputs = outputs
    }

    /// Loads the other side. Called before the epoch's first batch when the relation's version changed.
    public func load(_ batches: [Batch], _ context: EvaluationContext) throws(TidemillError) {
        let rows = Batch.concat(batches, types: types)
        let program = streamIsLeft ? specification.rightKeys : specification.leftKeys
        lookup = LookupTable(rows: rows, keys: try program.evaluate(rows, context), specification: specification)
    }

    public func finishTask(_ task: TaskContext) throws(TidemillError) { try outputs.finishTask(task) }

    public func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        guard let lookup else { throw TidemillError.internal("lookup join ran before its table was loaded") }
        let program = streamIsLeft ? specification.leftKeys : specification.rightKeys
        let keys = try program.evaluate(batch, task.evaluation)
        let matchable = specification.matchable(keys)
        var (probe, build) = pairs(batch, keys, matchable, lookup)
        if let residual = specification.residual {
            let keep = try residual.evaluatePredicate(
                combine(batch, probe, lookup.rows, build), task.evaluation, from: { Int(probe[$0]) })
            let kept = probe.indices.filter { keep[$0] }
            probe = kept.map { probe[$0] }
            build = kept.map { build[$0] }
        }
        switch specification.kind {
        case .inner:
            break
        case .left where streamIsLeft:
            (probe, build) = paddedInPlace(probe, build, count: batch.count)
        case .semi, .anti:
            let kept = rowNumbers(matched: specification.kind == .semi, by: probe, count: batch.count)
            return try outputs.emit(batch.gather(kept), task) { Int(kept[$0]) }
        case .right where !streamIsLeft:
            (probe, build) = paddedInPlace(probe, build, count: batch.count)
        case .left, .right, .full:
            throw TidemillError.internal("outer join that keeps the lookup side")
        }
        try outputs.emit(combine(batch, probe, lookup.rows, build), task) { Int(probe[$0]) }
    }

    /// Candidate pairs in the order of the batch, then of the lookup rows.
    private func pairs(
        _ batch: Batch, _ keys: [Column], _ matchable: Bitmap?, _ lookup: LookupTable
    ) -> ([UInt32], [UInt32]) {
        let images = KeyImages(keys, count: batch.count, layout: lookup.layout)
        let found = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: max(1, batch.count))
        defer { found.deallocate() }
        lookup.table.find(images, selection: nil, count: batch.count, into: found)
        var probe: [UInt32] = []
        var build: [UInt32] = []
        probe.reserveCapacity(batch.count)
        build.reserveCapacity(batch.count)
        let at = lookup.layout.valueOffset
        lookup.next.withUnsafeBufferPointer { next in
            for row in 0..<batch.count {
                guard let entry = found[row], matchable?[row] ?? true else { continue }
                var match = entry.load(fromByteOffset: at, as: UInt32.self)
                while match != 0 {
                    probe.append(UInt32(row))
                    build.append(match - 1)
                    match = next[Int(match - 1)]
                }
            }
        }
        return (probe, build)
    }

    private func combine(_ batch: Batch, _ probe: [UInt32], _ rows: Batch, _ build: [UInt32]) -> Batch {
        let stream = batch.columns.map { $0.gather(probe) }
        let stored = rows.columns.map { $0.gatherOrNull(build) }
        return Batch(
            columns: streamIsLeft ? stream + stored : stored + stream, count: probe.count,
            weights: batch.weights?.gather(probe))
    }
}
