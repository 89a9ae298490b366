/// A join of two inputs that both change: inner, left, and without keys every pair.
///
/// With L and R the rows before the epoch, the change of the result is ΔL ⋈ R + (L + ΔL) ⋈ ΔR. Rows of the left side
/// without a partner are padded with NULLs (left join); because a key's rows share their partners when the condition is
/// equality alone, padding turns on and off per key, when the total weight of the key's right rows leaves or reaches 0.
///
/// A side may only be *looked up*: rows of the other one meet it as it is after the epoch's changes and are not
/// remembered, and later changes of it never touch what was emitted.
public final class IncrementalJoinOperator: StatefulOperator {
    struct Pending {
        var batch: Batch
        var keys: [Column]
        /// Of the task that brought the rows.
        var ordinal = 0
    }
    /// The sides of the join.
    public enum Side: Sendable { case left, right }

    final class Partition {
        let left: JoinSide
        let right: JoinSide
        var pendingLeft: [Pending] = []
        var pendingRight: [Pending] = []
        init(left: JoinSide, right: JoinSide) {
            self.left = left
            self.right = right
        }
    }

    let specification: JoinSpecification
    let lookedUp: Side?
    let bits: Int
    private let partitions: [Locked<Partition>]
    let outputs: Outputs

    public init(
        _ join: LogicalPlan.Join, lookedUp: Side? = nil, partitionBits: Int, outputs: Outputs
    ) throws(TidemillError) {
        let specification = JoinSpecification(join, keyValueBytes: JoinSide.keyValueBytes)
        guard join.kind == .inner || (join.kind == .left && join.residual == nil && lookedUp != .left) else {
            throw TidemillError.unsupported(
                join.kind == .left
                    ? "a left join of two changing inputs with a condition beyond equality"
                    : "a \(join.kind.rawValue) join of two changing inputs")
        }
        self.specification = specification
        self.lookedUp = lookedUp
        // Rows that look others up keep their order, so one task handles them.
        let bits = join.keys.isEmpty || lookedUp != nil ? 0 : partitionBits
        self.bits = bits
        partitions = (0..<(1 << bits)).map { _ in
            Locked(
                Partition(
                    left: JoinSide(
                        keyLayout: specification.keyLayout, types: specification.leftTypes, leadBits: bits),
                    right: JoinSide(
                        keyLayout: specification.keyLayout, types: specification.rightTypes, leadBits: bits)))
        }
        self.outputs = outputs
    }

    public var partitionCount: Int { partitions.count }

    /// The consumer for one side's changes.
    public func input(left: Bool) -> any BatchConsumer { Input(self, left) }

    private final class Input: BatchConsumer {
        let join: IncrementalJoinOperator
        let isLeft: Bool
        init(_ join: IncrementalJoinOperator, _ isLeft: Bool) {
            self.join = join
            self.isLeft = isLeft
        }
        func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
            try join.accept(batch, left: isLeft, task)
        }
        func finishTask(_ task: TaskContext) throws(TidemillError) {}
    }

    /// Rows wait, split by partition, until the epoch's input is complete.
    private func accept(_ input: Batch, left: Bool, _ task: TaskContext) throws(TidemillError) {
        var batch = input
        var keys = try (left ? specification.leftKeys : specification.rightKeys).evaluate(batch, task.evaluation)
        // A row that looks others up stays in its place, whatever its key.
        let isRemembered = lookedUp == nil || (lookedUp == .left) == left
        if isRemembered, let matchable = specification.matchable(keys) {
            if left && specification.kind == .left {
                // A NULL key never finds a partner: its padding is final and needs no state.
                let lonely = batch.filter(matchable.inverted())
                let padding = specification.rightTypes.map { Column(repeating: .null($0), count: lonely.count) }
                try outputs.emit(
                    Batch(columns: lonely.columns + padding, count: lonely.count, weights: lonely.weights), task)
            }
            let both = Batch(columns: batch.columns + keys, count: batch.count, weights: batch.weights)
                .filter(matchable)
            let width = batch.columns.count
            keys = Array(both.columns[width...])
            batch = Batch(columns: Array(both.columns[..<width]), count: both.count, weights: both.weights)
        }
        if batch.count == 0 { return }
        let hashes = hashRows(keys, count: batch.count)
        let selection = PartitionedSelection(
            hashes: hashes.pointer(UInt64.self), count: batch.count, partitionBits: bits)
        for p in partitions.indices {
            let rows = selection.rows(of: p)
            if rows.isEmpty { continue }
            let part = batch.gather(rows.baseAddress!, count: rows.count)
            let partKeys = keys.map { $0.gather(rows.baseAddress!, count: rows.count) }
            partitions[p].withLock { partition in
                let pending = Pending(batch: part, keys: partKeys, ordinal: task.ordinal)
                if left { partition.pendingLeft.append(pending) } else { partition.pendingRight.append(pending) }
            }
        }
    }

    public func finish(partition p: Int, _ task: TaskContext) throws(TidemillError) {
        try partitions[p].withLock { partition throws(TidemillError) in
            if let lookedUp { return try lookUp(lookedUp, partition, task) }
            for change in partition.pendingLeft {
                try emitPairs(change, from: partition.right, changeIsLeft: true, task)
                apply(change, to: partition.left)
            }
            for change in partition.pendingRight {
                try emitPairs(change, from: partition.left, changeIsLeft: false, task)
                if specification.kind == .left {
                    try applyRightWithPadding(change, partition, task)
                } else {
                    apply(change, to: partition.right)
                }
            }
            partition.pendingLeft.removeAll()
            partition.pendingRight.removeAll()
        }
        try outputs.finishTask(task)
    }

    private func lookUp(_ side: Side, _ partition: Partition, _ task: TaskContext) throws(TidemillError) {
        let isLeft = side == .left
        let stored = isLeft ? partition.left : partition.right
        for change in isLeft ? partition.pendingLeft : partition.pendingRight { apply(change, to: stored) }
        let rows = (isLeft ? partition.pendingRight : partition.pendingLeft).enumerated()
            .sorted { ($0.element.ordinal, $0.offset) < ($1.element.ordinal, $1.offset) }
        for (_, change) in rows { try emitPairs(change, from: stored, changeIsLeft: !isLeft, task) }
        partition.pendingLeft.removeAll()
        partition.pendingRight.removeAll()
    }

    private func apply(_ change: Pending, to side: JoinSide) {
        let keys = KeyImages(change.keys, count: change.batch.count, layout: specification.keyLayout)
        withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: max(1, change.batch.count)) {
            side.apply(change.batch, keys: keys, keyRows: $0.baseAddress!)
        }
    }

    private static let outputRows = 8192

    /// change ⋈ stored. A left change without partners is padded (left join).
    private func emitPairs(
        _ change: Pending, from stored: JoinSide, changeIsLeft: Bool, _ task: TaskContext
    ) throws(TidemillError) {
        let n = change.batch.count
        let keys = KeyImages(change.keys, count: n, layout: specification.keyLayout)
        let found = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: max(1, n))
        defer { found.deallocate() }
        stored.index.find(keys, selection: nil, count: n, into: found)
        let weights = change.batch.weights?.pointer(Int64.self)
        var probe: [UInt32] = []
        var entries: [UnsafeMutableRawPointer] = []
        var product: [Int64] = []
        var lonely: [UInt32] = []
        for row in 0..<n {
            let weight = weights.map { $0[row] } ?? 1
            var matched = false
            if let key = found[row] {
                stored.forEachEntry(of: key) { entry in
                    probe.append(UInt32(row))
                    entries.append(entry)
                    product.append(weight * stored.weight(of: entry))
                    matched = true
                }
            }
            if !matched { lonely.append(UInt32(row)) }
            if probe.count >= IncrementalJoinOperator.outputRows {
                try emit(change.batch, probe, stored, entries, product, changeIsLeft, task)
                probe.removeAll(keepingCapacity: true)
                entries.removeAll(keepingCapacity: true)
                product.removeAll(keepingCapacity: true)
            }
        }
        try emit(change.batch, probe, stored, entries, product, changeIsLeft, task)
        if changeIsLeft && specification.kind == .left && !lonely.isEmpty {
            let rows = change.batch.gather(lonely)
            try emitPadding(rows.columns, rows.weights, rows.count, task)
        }
    }

    private func emit(
        _ batch: Batch, _ probe: [UInt32], _ stored: JoinSide, _ entries: [UnsafeMutableRawPointer],
        _ product: [Int64], _ changeIsLeft: Bool, _ task: TaskContext
    ) throws(TidemillError) {
        if probe.isEmpty { return }
        let changed = batch.columns.map { $0.gather(probe) }
        let kept = stored.columns(of: entries)
        let weights = product.allSatisfy { $0 == 1 } ? nil : Column(bigints: product)
        var out = Batch(
            columns: changeIsLeft ? changed + kept : kept + changed, count: probe.count, weights: weights)
        if let residual = specification.residual {
            out = out.filter(try residual.evaluatePredicate(out, task.evaluation))
        }
        try outputs.emit(out, task)
    }

    private func emitPadding(
        _ left: [Column], _ weights: Column?, _ count: Int, _ task: TaskContext
    ) throws(TidemillError) {
        let padding = specification.rightTypes.map { Column(repeating: .null($0), count: count) }
        try outputs.emit(Batch(columns: left + padding, count: count, weights: weights), task)
    }

    /// Right rows of a left join: keys that get their first partner lose their padding, keys that lose the last get it.
    private func applyRightWithPadding(
        _ change: Pending, _ partition: Partition, _ task: TaskContext
    ) throws(TidemillError) {
        let n = change.batch.count
        let keys = KeyImages(change.keys, count: n, layout: specification.keyLayout)
        let keyRows = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: max(1, n))
        let found = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: max(1, n))
        defer {
            keyRows.deallocate()
            found.deallocate()
        }
        partition.right.index.find(keys, selection: nil, count: n, into: found)
        var before: [UnsafeMutableRawPointer: Bool] = [:]
        let hadPartners = (0..<n).map { row in found[row].map { partition.right.totalWeight(of: $0) > 0 } ?? false }
        partition.right.apply(change.batch, keys: keys, keyRows: keyRows)
        partition.left.index.find(keys, selection: nil, count: n, into: found)
        var entries: [UnsafeMutableRawPointer] = []
        var weights: [Int64] = []
        for row in 0..<n where before.updateValue(hadPartners[row], forKey: keyRows[row]) == nil {
            let has = partition.right.totalWeight(of: keyRows[row]) > 0
            if has == hadPartners[row] { continue }
            guard let key = found[row] else { continue }
            partition.left.forEachEntry(of: key) { entry in
                entries.append(entry)
                weights.append(has ? -partition.left.weight(of: entry) : partition.left.weight(of: entry))
            }
        }
        if !entries.isEmpty {
            try emitPadding(partition.left.columns(of: entries), Column(bigints: weights), entries.count, task)
        }
    }

    // MARK: State

    public var stateParts: [StatePart] {
        [specification.leftTypes, specification.rightTypes].map { types in
            StatePart(types: [.bigint, .boolean] + types + [.bigint], keyColumns: Array(2..<(2 + types.count)))
        }
    }

    public func stateChanges(part: Int, partition p: Int) -> [Batch] {
        partitions[p].withLock { partition in
            let side = part == 0 ? partition.left : partition.right
            return stateBatches(side, side.touched, part: part)
        }
    }

    /// Entries in the order of their join key's hash, so that a key group is one range of a run.
    private func stateBatches(_ side: JoinSide, _ rows: [UnsafeMutableRawPointer], part: Int) -> [Batch] {
        if rows.isEmpty { return [] }
        let columns = side.columns(of: rows)
        let all = Batch(columns: columns, count: rows.count)
        let program = part == 0 ? specification.leftKeys : specification.rightKeys
        let context = EvaluationContext(currentTimestampMicros: 0)
        guard let keys = try? program.evaluate(all, context) else {
            preconditionFailure("join keys of stored rows were evaluated before and cannot fail now")
        }
        let buffer = hashRows(keys, count: rows.count)
        let hashes = buffer.pointer(UInt64.self)
        var order = Array(UInt32(0)..<UInt32(rows.count))
        order.sort { hashes[Int($0)] < hashes[Int($1)] }
        var batches: [Batch] = []
        for start in stride(from: 0, to: rows.count, by: IncrementalJoinOperator.outputRows) {
            let chunk = Array(order[start..<min(start + IncrementalJoinOperator.outputRows, rows.count)])
            let weights = chunk.map { side.weight(of: rows[Int($0)]) }
            let live = Bitmap(count: chunk.count) { weights[$0] != 0 }
            let hashColumn = Column(type: .bigint, count: rows.count, values: buffer).gather(chunk)
            batches.append(
                Batch(
                    columns: [hashColumn, Column(boolean: live)] + columns.map { $0.gather(chunk) }
                        + [Column(bigints: weights)], count: chunk.count))
        }
        return batches
    }

    public func restore(part: Int, _ batch: Batch) throws(TidemillError) {
        guard batch.columns.map(\.type) == stateParts[part].types else {
            throw TidemillError(
                .corruption, "TIDEMILL_STATE_TYPES", "stored state of a join has other columns than its query")
        }
        let width = batch.columns.count - 3
        let rows = Batch(columns: Array(batch.columns[2..<(2 + width)]), count: batch.count)
        let program = part == 0 ? specification.leftKeys : specification.rightKeys
        let keys = try program.evaluate(rows, EvaluationContext(currentTimestampMicros: 0))
        let live = batch.columns[1].bits
        let stored = batch.columns[2 + width].pointer(Int64.self)
        let buffer = hashRows(keys, count: rows.count)
        let selection = PartitionedSelection(
            hashes: buffer.pointer(UInt64.self), count: rows.count, partitionBits: bits)
        for p in partitions.indices {
            let picked = selection.rows(of: p)
            if picked.isEmpty { continue }
            let part1 = rows.gather(picked.baseAddress!, count: picked.count)
            let partKeys = keys.map { $0.gather(picked.baseAddress!, count: picked.count) }
            try partitions[p].withLock { partition throws(TidemillError) in
                let side = part == 0 ? partition.left : partition.right
                // Stored weights are absolute; what the table has already is taken off.
                let present = side.weights(of: part1)
                let changes = (0..<picked.count).map { i in
                    (live[Int(picked[i])] ? stored[Int(picked[i])] : 0) - present[i]
                }
                let change = Batch(columns: part1.columns, count: part1.count, weights: Column(bigints: changes))
                apply(Pending(batch: change, keys: partKeys), to: side)
                side.endEpoch()
            }
        }
    }

    public func endEpoch(partition p: Int) {
        partitions[p].withLock {
            $0.left.endEpoch()
            $0.right.endEpoch()
        }
    }

    public var stateRows: Int {
        partitions.reduce(0) { sum, p in sum + p.withLock { $0.left.entries.count + $0.right.entries.count } }
    }
    public var stateBytes: Int {
        partitions.reduce(0) { sum, p in sum + p.withLock { $0.left.byteCount + $0.right.byteCount } }
    }
    public var touchedRows: Int {
        partitions.reduce(0) { sum, p in sum + p.withLock { $0.left.touched.count + $0.right.touched.count } }
    }
}

extension JoinSide {
    /// Weights that the given rows have now; 0 for rows that are not there.
    func weights(of rows: Batch) -> [Int64] {
        let images = KeyImages(rows.columns, count: rows.count, layout: entries.layout)
        let found = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: max(1, rows.count))
        defer { found.deallocate() }
        entries.find(images, selection: nil, count: rows.count, into: found)
        return (0..<rows.count).map { found[$0].map { weight(of: $0) } ?? 0 }
    }
}

extension Column {
    /// A bigint column without NULL.
    init(bigints values: [Int64]) {
        let buffer = values.withUnsafeBytes { Buffer(copying: $0) }
        self.init(type: .bigint, count: values.count, values: buffer)
    }
}
