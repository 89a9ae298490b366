/// A join of two streams, by Spark's rules: inner, left, full and left semi.
///
/// In an epoch the left side's new rows meet the right side's stored ones and are stored; then the right side's new
/// rows meet the left side's, which by now include this epoch's (of a right join the other way round). A row is
/// remembered until the watermark says that no partner can come any more (`StreamJoinBounds`); a row of a preserved
/// side that goes without having found one is given out with NULLs then, once. What a condition says about one side
/// alone is asked before: a row that fails it finds no partner ever.
public final class StreamJoinOperator: StatefulOperator {
    enum Side {
        case left, right
        var other: Side { self == .left ? .right : .left }
    }

    final class Partition {
        let left: StreamJoinSide
        let right: StreamJoinSide
        var pendingLeft = PendingRows()
        var pendingRight = PendingRows()
        /// Stored left rows that a semi join has just given out.
        var given: [UnsafeMutableRawPointer] = []
        init(left: StreamJoinSide, right: StreamJoinSide) {
            self.left = left
            self.right = right
        }
        func side(_ side: Side) -> StreamJoinSide { side == .left ? left : right }
        func takePending(_ side: Side) -> [Batch] { side == .left ? pendingLeft.take() : pendingRight.take() }
    }

    let specification: JoinSpecification
    private let bounds: StreamJoinBounds
    /// The side that the SQL has on the left.
    private let first: Side
    /// Conditions on one side alone, and on both.
    private let leftOnly: ExpressionProgram?
    private let rightOnly: ExpressionProgram?
    private let both: ExpressionProgram?
    private let bits: Int
    let partitions: [Locked<Partition>]
    private let clock: OperatorClock
    private let outputs: Outputs

    public init(
        _ join: LogicalPlan.Join, clock: OperatorClock, partitionBits: Int, outputs: Outputs
    ) throws(TidemillError) {
        guard [.inner, .left, .full, .semi].contains(join.kind), !join.keys.isEmpty else {
            throw TidemillError.unsupported("a \(join.kind.rawValue) join of two streams")
        }
        let specification = JoinSpecification(join, keyValueBytes: StreamJoinSide.keyValueBytes, wholeRight: true)
        self.specification = specification
        bounds = StreamJoinBounds(join)
        first = join.isSwapped ? .right : .left
        let split = join.residualBySide
        leftOnly = split.left.map { ExpressionProgram([$0]) }
        rightOnly = split.right.map { ExpressionProgram([$0]) }
        both = split.both.map { ExpressionProgram([$0]) }
        bits = partitionBits
        partitions = (0..<(1 << partitionBits)).map { _ in
            Locked(
                Partition(
                    left: StreamJoinSide(
                        keyLayout: specification.keyLayout, types: specification.leftTypes, leadBits: partitionBits),
                    right: StreamJoinSide(
                        keyLayout: specification.keyLayout, types: specification.rightTypes, leadBits: partitionBits)))
        }
        self.clock = clock
        self.outputs = outputs
    }

    public var partitionCount: Int { partitions.count }

    private var preservesLeft: Bool { specification.kind == .left || specification.kind == .full }
    private var preservesRight: Bool { specification.kind == .full }
    private func preserves(_ side: Side) -> Bool { side == .left ? preservesLeft : preservesRight }

    // MARK: Input

    /// The consumer for one side's rows.
    public func input(left: Bool) -> any BatchConsumer { Input(self, left ? .left : .right) }

    private final class Input: BatchConsumer {
        let join: StreamJoinOperator
        let side: Side
        init(_ join: StreamJoinOperator, _ side: Side) {
            self.join = join
            self.side = side
        }
        func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
            // Late rows go out first, so rows have other numbers where keys are computed.
            do throws(TidemillError) { try join.accept(batch, side, task) } catch { throw error.atRow(nil) }
        }
        func finishTask(_ task: TaskContext) throws(TidemillError) {}
    }

    /// Rows in time wait, split by partition, with their keys behind their columns.
    private func accept(_ input: Batch, _ side: Side, _ task: TaskContext) throws(TidemillError) {
        var batch = input
        if let column = side == .left ? bounds.leftTime : bounds.rightTime,
            let keep = batch.columns[column].notLate(after: clock.lateMicros)
        {
            let late = keep.count - keep.onesCount
            clock.count(late: late, keys: late)
            clock.keep(
                late: batch, notIn: keep, times: batch.columns[column], input: side == .left ? 0 : 1, task)
            batch = batch.filter(keep)
        }
        if let only = side == .left ? leftOnly : rightOnly {
            let keep = try only.evaluatePredicate(batch, task.evaluation)
            if preserves(side) { try emitPadded(batch.filter(keep.inverted()), side, task) }
            batch = batch.filter(keep)
        }
        if batch.count == 0 { return }
        let program = side == .left ? specification.leftKeys : specification.rightKeys
        let keys = try program.evaluate(batch, task.evaluation)
        var waiting = Batch(columns: batch.columns + keys, count: batch.count, weights: batch.weights)
        // A NULL key finds nobody; a preserved row waits all the same, until its time has come.
        if !preserves(side), let matchable = specification.matchable(keys) { waiting = waiting.filter(matchable) }
        if waiting.count == 0 { return }
        let hashes = hashRows(Array(waiting.columns[batch.columns.count...]), count: waiting.count)
        let selection = PartitionedSelection(
            hashes: hashes.pointer(UInt64.self), count: waiting.count, partitionBits: bits)
        for p in partitions.indices {
            let rows = selection.rows(of: p)
            if rows.isEmpty { continue }
            let part = waiting.gather(rows.baseAddress!, count: rows.count)
            partitions[p].withLock {
                if side == .left { $0.pendingLeft.append(part, task) } else { $0.pendingRight.append(part, task) }
            }
        }
    }

    // MARK: Joining

    public func finish(partition p: Int, _ task: TaskContext) throws(TidemillError) {
        try partitions[p].withLock { partition throws(TidemillError) in
            partition.left.refresh()
            partition.right.refresh()
            for side in [first, first.other] {
                for rows in partition.takePending(side) { try join(rows, side, partition, task) }
            }
            if clock.flow.takesPart {
                try evict(.left, partition, task)
                try evict(.right, partition, task)
            }
        }
        try outputs.finishTask(task)
    }

    private func join(
        _ waiting: Batch, _ side: Side, _ partition: Partition, _ task: TaskContext
    ) throws(TidemillError) {
        let width = side == .left ? specification.leftTypes.count : specification.rightTypes.count
        let keys = Array(waiting.columns[width...])
        let rows = waiting.with(columns: Array(waiting.columns[..<width]))
        let images = KeyImages(keys, count: rows.count, layout: specification.keyLayout)
        let matched = try probe(rows, images, specification.matchable(keys), side, partition, task)
        var kept = Array(0..<rows.count)
        let times = times(of: rows, keys, side)
        if side == first {
            // A row that a semi join has given out already needs no memory.
            if specification.kind == .semi { kept.removeAll { matched[$0] } }
        } else {
            let limit = threshold(side)
            kept.removeAll { row in
                // It has met everybody it can meet.
                times[row] <= limit && !(preserves(side) && !matched[row])
            }
        }
        clock.count(updated: kept.count)
        let picked = kept.map { UInt32($0) }
        let stored =
            kept.count == rows.count
            ? images
            : KeyImages(
                keys.map { $0.gather(picked) }, count: kept.count, layout: specification.keyLayout)
        partition.side(side).store(
            kept.count == rows.count ? rows : rows.gather(picked), keys: stored, matched: kept.map { matched[$0] },
            times: kept.map { times[$0] })
    }

    private static let pairsMax = 8192

    /// Gives out the pairs that new rows make with stored ones. Returns which of the new rows have found a partner.
    private func probe(
        _ rows: Batch, _ images: KeyImages, _ matchable: Bitmap?, _ side: Side, _ partition: Partition,
        _ task: TaskContext
    ) throws(TidemillError) -> [Bool] {
        let n = rows.count
        let other = partition.side(side == .left ? .right : .left)
        let found = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: max(1, n))
        defer { found.deallocate() }
        other.index.find(images, selection: nil, count: n, into: found)
        var matched = [Bool](repeating: false, count: n)
        var pairs = Pairs()
        let skipsMatched = specification.kind == .semi && side == .right
        for row in 0..<n {
            guard let key = found[row], matchable?[row] ?? true else { continue }
            other.forEachEntry(of: key) { entry in
                if skipsMatched && other.isMatched(entry) { return }
                pairs.rows.append(UInt32(row))
                pairs.entries.append(entry)
            }
            if pairs.rows.count >= StreamJoinOperator.pairsMax {
                try give(pairs, rows, side, partition, &matched, task)
                pairs = Pairs()
            }
        }
        try give(pairs, rows, side, partition, &matched, task)
        // A left row that a semi join has given out needs no memory any more.
        for entry in partition.given { other.forget(entry) }
        partition.given.removeAll()
        return matched
    }

    private struct Pairs {
        var rows: [UInt32] = []
        var entries: [UnsafeMutableRawPointer] = []
    }

    private func give(
        _ pairs: Pairs, _ rows: Batch, _ side: Side, _ partition: Partition, _ matched: inout [Bool],
        _ task: TaskContext
    ) throws(TidemillError) {
        if pairs.rows.isEmpty { return }
        let other = partition.side(side == .left ? .right : .left)
        let new = rows.columns.map { $0.gather(pairs.rows) }
        let stored = other.columns(of: pairs.entries)
        var joined = Batch(columns: side == .left ? new + stored : stored + new, count: pairs.rows.count)
        var kept = Array(pairs.rows.indices)
        if let both {
            let keep = try both.evaluatePredicate(joined, task.evaluation)
            kept = kept.filter { keep[$0] }
            joined = joined.filter(keep)
        }
        if specification.kind == .semi {
            return try giveSemi(pairs, kept, rows, side, partition, &matched, task)
        }
        for pair in kept {
            matched[Int(pairs.rows[pair])] = true
            if preserves(side == .left ? .right : .left) { other.match(pairs.entries[pair]) }
        }
        try outputs.emit(joined, task)
    }

    /// Left rows that have found their first partner.
    private func giveSemi(
        _ pairs: Pairs, _ kept: [Int], _ rows: Batch, _ side: Side, _ partition: Partition,
        _ matched: inout [Bool], _ task: TaskContext
    ) throws(TidemillError) {
        let other = partition.side(side == .left ? .right : .left)
        if side == .left {
            var first: [UInt32] = []
            for pair in kept where !matched[Int(pairs.rows[pair])] {
                matched[Int(pairs.rows[pair])] = true
                first.append(pairs.rows[pair])
            }
            return try outputs.emit(rows.gather(first), task)
        }
        var first: [UnsafeMutableRawPointer] = []
        var new = 0
        var old = 0
        for pair in kept {
            matched[Int(pairs.rows[pair])] = true
            let entry = pairs.entries[pair]
            if other.isMatched(entry) { continue }
            if other.isTouched(entry) { new += 1 } else { old += 1 }
            other.match(entry)
            first.append(entry)
        }
        // A row that came and went in one epoch was never in the state.
        clock.count(updated: -new)
        clock.count(removed: old, leaving: 0)
        try outputs.emit(Batch(columns: other.columns(of: first), count: first.count), task)
        partition.given += first
    }

    // MARK: Going

    private func bound(_ side: Side) -> StreamJoinBounds.Bound? { side == .left ? bounds.left : bounds.right }

    private func threshold(_ side: Side) -> Int64 {
        bound(side)?.threshold(watermarkMillis: clock.evictionMillis) ?? Int64.min
    }

    /// When each row goes: by the event time in its key, or its own.
    func times(of rows: Batch, _ keys: [Column], _ isLeft: Bool) -> [Int64] {
        times(of: rows, keys, isLeft ? .left : .right)
    }
    private func times(of rows: Batch, _ keys: [Column], _ side: Side) -> [Int64] {
        let column: Column
        switch bound(side) {
        case nil: return Array(repeating: StreamJoinSide.never, count: rows.count)
        case .key(let index): column = keys[index]
        case .value(let index, _): column = rows.columns[index]
        }
        return (0..<rows.count).map { row in
            guard column.isValid(row) else { return StreamJoinSide.never }
            return column.type == .timeWindow
                ? TimeWindow(packed: column.pointer(Int128.self)[row]).end : column.pointer(Int64.self)[row]
        }
    }

    private func evict(_ side: Side, _ partition: Partition, _ task: TaskContext) throws(TidemillError) {
        guard bound(side) != nil else { return }
        let stored = partition.side(side)
        let gone = stored.evict(through: threshold(side))
        clock.count(removed: gone.count, leaving: 0)
        guard preserves(side) else { return }
        let lonely = gone.filter { !stored.isMatched($0) }
        for start in stride(from: 0, to: lonely.count, by: StreamJoinOperator.pairsMax) {
            let chunk = Array(lonely[start..<min(start + StreamJoinOperator.pairsMax, lonely.count)])
            try emitPadded(Batch(columns: stored.columns(of: chunk), count: chunk.count), side, task)
        }
    }

    private func emitPadded(_ rows: Batch, _ side: Side, _ task: TaskContext) throws(TidemillError) {
        if rows.count == 0 { return }
        let types = side == .left ? specification.rightTypes : specification.leftTypes
        let padding = types.map { Column(repeating: .null($0), count: rows.count) }
        try outputs.emit(
            Batch(columns: side == .left ? rows.columns + padding : padding + rows.columns, count: rows.count), task)
    }

    public func endEpoch(partition p: Int) {
        partitions[p].withLock {
            $0.left.endEpoch()
            $0.right.endEpoch()
        }
    }

    // MARK: State

    /// Of each side: | hash of the key | live | columns | number | has found a partner |
    public var stateParts: [StatePart] {
        [specification.leftTypes, specification.rightTypes].map { types in
            StatePart(
                types: [.bigint, .boolean] + types + [.bigint, .boolean], keyColumns: Array(2..<(3 + types.count)))
        }
    }

    public func restore(part: Int, _ batch: Batch) throws(TidemillError) {
        guard batch.columns.map(\.type) == stateParts[part].types else {
            throw TidemillError(
                .corruption, "TIDEMILL_STATE_TYPES", "stored state of a join has other columns than its query")
        }
        if batch.count == 0 { return }
        let side: Side = part == 0 ? .left : .right
        let width = side == .left ? specification.leftTypes.count : specification.rightTypes.count
        let rows = Batch(columns: Array(batch.columns[2..<(2 + width)]), count: batch.count)
        let keys = try keys(of: rows, side)
        let hashes = hashRows(keys, count: batch.count)
        let selection = PartitionedSelection(
            hashes: hashes.pointer(UInt64.self), count: batch.count, partitionBits: bits)
        for p in partitions.indices {
            let chosen = selection.rows(of: p)
            if chosen.isEmpty { continue }
            let part = Batch(columns: batch.columns + keys, count: batch.count)
                .gather(chosen.baseAddress!, count: chosen.count)
            let partRows = Batch(columns: Array(part.columns[2..<(2 + width)]), count: part.count)
            let partKeys = Array(part.columns[(4 + width)...])
            let images = KeyImages(partKeys, count: part.count, layout: specification.keyLayout)
            partitions[p].withLock { partition in
                partition.side(side).restore(
                    Array(part.columns[2..<(3 + width)]), keys: images, live: part.columns[1].bits,
                    matched: part.columns[3 + width].bits, times: times(of: partRows, partKeys, side))
            }
        }
    }

    func keys(of rows: Batch, _ side: Side) throws(TidemillError) -> [Column] {
        let program = side == .left ? specification.leftKeys : specification.rightKeys
        return try program.evaluate(rows, EvaluationContext(currentTimestampMicros: 0))
    }
}
