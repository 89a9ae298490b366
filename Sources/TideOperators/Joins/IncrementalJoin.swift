/// A join of two inputs that both change, of every kind, with and without keys, with and without a condition beyond
/// them.
///
/// With L and R the rows before the epoch, the change of the pairs is ΔL ⋈ R + (L + ΔL) ⋈ ΔR. What a row adds beside
/// its pairs (outer joins: the row padded with NULLs while it has no partner; semi joins: the row while it has one;
/// anti joins: while it has none) is settled at the end of the epoch, from what it was before to what it is now, so
/// that a row which finds and loses a partner within the epoch says nothing. Whether a row has partners is known per
/// key (the total weight of the other side's rows with that key), or with a condition beyond equality per row: its
/// number of partners is kept with it.
///
/// A side may only be *looked up* (`IncrementalJoin+Lookup.swift`): rows of the other one meet it as it is after the
/// epoch's changes and are not remembered, and later changes of it never touch what was emitted.
public final class IncrementalJoinOperator: StatefulOperator {
    /// The sides of the join.
    public enum Side: Sendable { case left, right }

    final class Partition {
        let left: KeyedRows
        let right: KeyedRows
        var pendingLeft: [RowChange] = []
        var pendingRight: [RowChange] = []
        init(left: KeyedRows, right: KeyedRows) {
            self.left = left
            self.right = right
        }
    }

    let specification: JoinSpecification
    let lookedUp: Side?
    let bits: Int
    let partitions: [Locked<Partition>]
    let outputs: Outputs
    let leftDuties: KeyedRows.Duties
    let rightDuties: KeyedRows.Duties

    public init(
        _ join: LogicalPlan.Join, lookedUp: Side? = nil, partitionBits: Int, outputs: Outputs
    ) {
        let specification = JoinSpecification(join, keyValueBytes: KeyedRows.keyValueBytes)
        self.specification = specification
        self.lookedUp = lookedUp
        // Rows that look others up keep their order, so one task handles them.
        let bits = join.keys.isEmpty || lookedUp != nil ? 0 : partitionBits
        self.bits = bits
        let isKept = lookedUp == nil
        let counts = isKept && specification.countsMatches
        // A side watches its keys for the sake of the other one.
        let left = KeyedRows.Duties(
            countsMatches: counts && specification.watchesLeft,
            watchesKeys: isKept && !counts && specification.watchesRight)
        let right = KeyedRows.Duties(
            countsMatches: counts && specification.watchesRight,
            watchesKeys: isKept && !counts && specification.watchesLeft)
        leftDuties = left
        rightDuties = right
        let layout = specification.keyLayout
        partitions = (0..<(1 << bits)).map { _ in
            Locked(
                Partition(
                    left: KeyedRows(keyLayout: layout, types: specification.leftTypes, duties: left, leadBits: bits),
                    right: KeyedRows(keyLayout: layout, types: specification.rightTypes, duties: right, leadBits: bits))
            )
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
        /// Rows without a possible partner have gone out in this task.
        func finishTask(_ task: TaskContext) throws(TidemillError) { try join.outputs.finishTask(task) }
    }

    /// Rows wait, split by partition, until the epoch's input is complete.
    private func accept(_ input: Batch, left: Bool, _ task: TaskContext) throws(TidemillError) {
        var batch = input
        var keys = try (left ? specification.leftKeys : specification.rightKeys).evaluate(batch, task.evaluation)
        if !left && specification.rightIsKeys { batch = batch.with(columns: keys) }
        // A row that looks others up stays in its place, whatever its key.
        let isRemembered = lookedUp == nil || (lookedUp == .left) == left
        if isRemembered, let matchable = specification.matchable(keys) {
            // A NULL key never finds a partner: what the row adds by itself is final and needs no state.
            let isWatched = left ? specification.watchesLeft : specification.watchesRight
            if isWatched && specification.kind != .semi && lookedUp == nil {
                let lonely = batch.filter(matchable.inverted())
                let columns = specification.own(lonely.columns, count: lonely.count, isLeft: left)
                try outputs.emit(lonely.with(columns: columns), task)
            }
            let width = batch.columns.count
            let both = batch.with(columns: batch.columns + keys).filter(matchable)
            keys = Array(both.columns[width...])
            batch = both.with(columns: Array(both.columns[..<width]))
        }
        batch.split(by: keys, partitionBits: bits, ordinal: task.ordinal) { p, change in
            partitions[p].withLock { partition in
                if left { partition.pendingLeft.append(change) } else { partition.pendingRight.append(change) }
            }
        }
    }

    public func finish(partition p: Int, _ task: TaskContext) throws(TidemillError) {
        try partitions[p].withLock { partition throws(TidemillError) in
            defer {
                partition.pendingLeft.removeAll()
                partition.pendingRight.removeAll()
            }
            if let lookedUp { return try lookUp(lookedUp, partition, task) }
            let (left, right) = (partition.left, partition.right)
            apply(partition.pendingLeft, to: left)
            try meet(partition.pendingLeft, of: left, right, changeIsLeft: true, task)
            apply(partition.pendingRight, to: right)
            try meet(partition.pendingRight, of: right, left, changeIsLeft: false, task)
            if specification.watchesLeft { try settle(left, against: right, isLeft: true, task) }
            if specification.watchesRight { try settle(right, against: left, isLeft: false, task) }
        }
        try outputs.finishTask(task)
    }

    func apply(_ changes: [RowChange], to side: KeyedRows) {
        for change in changes {
            side.apply(
                change.batch,
                keys: KeyImages(change.keys, count: change.batch.count, layout: specification.keyLayout))
        }
    }

    static let chunkRows = 8192

    /// Emits the pairs of one side's changes with the other side's rows, and counts them where that is needed.
    private func meet(
        _ pending: [RowChange], of side: KeyedRows, _ stored: KeyedRows, changeIsLeft: Bool, _ task: TaskContext
    ) throws(TidemillError) {
        // By equality alone, a semi or anti join asks keys, not pairs.
        if pending.isEmpty || (specification.isFilter && !specification.countsMatches) { return }
        // Rows that are counted must be met once each, with their net change; and retractions mostly cancel.
        guard specification.countsMatches || pending.contains(where: { $0.batch.weights != nil }) else {
            for change in pending { try emitPairs(change, of: side, stored, changeIsLeft: changeIsLeft, task) }
            return
        }
        // Counting may touch more rows of the other side, never of this one.
        let touched = side.touched.count
        for start in stride(from: 0, to: touched, by: IncrementalJoinOperator.chunkRows) {
            let end = min(start + IncrementalJoinOperator.chunkRows, touched)
            let change = side.netChanges(start..<end)
            if change.batch.count > 0 {
                try emitPairs(change, of: side, stored, changeIsLeft: changeIsLeft, task)
            }
        }
    }

    private func emitPairs(
        _ change: RowChange, of side: KeyedRows, _ stored: KeyedRows, changeIsLeft: Bool, _ task: TaskContext
    ) throws(TidemillError) {
        var pairs = JoinPairs(change, stored)
        while pairs.next() {
            var out = combine(pairs, change.batch, stored, changeIsLeft)
            if let residual = specification.residual {
                let kept = try residual.evaluatePredicate(out, task.evaluation)
                if kept.onesCount == 0 { continue }
                out = out.filter(kept)
                if specification.countsMatches {
                    pairs.keep(kept)
                    count(pairs, change, of: side, stored)
                }
            }
            if !specification.isFilter { try outputs.emit(out, task) }
        }
    }

    private func combine(
        _ pairs: borrowing JoinPairs, _ batch: Batch, _ stored: KeyedRows, _ changeIsLeft: Bool
    ) -> Batch {
        let n = pairs.count
        let probe = UnsafePointer(pairs.probe)
        let changed = batch.columns.map { $0.gather(probe, count: n) }
        let kept = stored.columns(of: UnsafeBufferPointer(start: pairs.entries, count: n))
        return Batch(
            columns: changeIsLeft ? changed + kept : kept + changed, count: n, weights: pairs.weightColumn)
    }

    // MARK: Partners

    /// Adds pairs to the numbers of partners: of stored rows by the change, of changed rows that are new by what was
    /// there. Rows of the change that were there before have counted the stored rows when these came.
    private func count(
        _ pairs: borrowing JoinPairs, _ change: RowChange, of side: KeyedRows, _ stored: KeyedRows
    ) {
        let countsOwn = side.duties.countsMatches
        let countsStored = stored.duties.countsMatches
        let weights = change.batch.weights?.pointer(Int64.self)
        for i in 0..<pairs.count {
            let row = Int(pairs.probe[i])
            let partner = pairs.entries[i]
            if countsStored { stored.addMatches(weights.map { $0[row] } ?? 1, to: partner) }
            if countsOwn {
                let entry = change.entries[row]
                if side.weightBefore(of: entry) == 0 { side.addMatches(stored.weight(of: partner), to: entry) }
            }
        }
    }

    /// Emits what changed in the rows that a side adds by itself.
    private func settle(
        _ side: KeyedRows, against other: KeyedRows, isLeft: Bool, _ task: TaskContext
    ) throws(TidemillError) {
        var rows: [UnsafeMutableRawPointer] = []
        var weights: [Int64] = []
        func add(_ entry: UnsafeMutableRawPointer, _ change: Int64) throws(TidemillError) {
            if change == 0 { return }
            rows.append(entry)
            weights.append(change)
            if rows.count == IncrementalJoinOperator.chunkRows { try flush() }
        }
        func flush() throws(TidemillError) {
            if rows.isEmpty { return }
            let columns = specification.own(side.columns(of: rows), count: rows.count, isLeft: isLeft)
            try outputs.emit(Batch(columns: columns, count: rows.count, weights: Column(bigints: weights)), task)
            rows.removeAll(keepingCapacity: true)
            weights.removeAll(keepingCapacity: true)
        }

        if side.duties.countsMatches {
            for (entry, before) in zip(side.touched, side.before) {
                let old = specification.ownRows(weight: before.weight, isMatched: before.matches > 0)
                let new = specification.ownRows(weight: side.weight(of: entry), isMatched: side.matches(of: entry) > 0)
                try add(entry, new - old)
            }
            return try flush()
        }
        let keys = other.find(keys: side.keyColumns(of: side.touched), count: side.touched.count)
        for (i, entry) in side.touched.enumerated() {
            let was = keys[i].map { other.totalBefore(of: $0) > 0 } ?? false
            let isNow = keys[i].map { other.totalWeight(of: $0) > 0 } ?? false
            let old = specification.ownRows(weight: side.before[i].weight, isMatched: was)
            let new = specification.ownRows(weight: side.weight(of: entry), isMatched: isNow)
            try add(entry, new - old)
        }
        // Rows that stayed, of keys that got their first partner or lost the last.
        let flipped = other.touchedKeys.indices.filter {
            (other.totalsBefore[$0] > 0) != (other.totalWeight(of: other.touchedKeys[$0]) > 0)
        }
        let flippedKeys = flipped.map { other.touchedKeys[$0] }
        let own = side.find(keys: other.keyColumns(flippedKeys), count: flippedKeys.count)
        for (i, key) in own.enumerated() {
            guard let key else { continue }
            let isMatched = other.totalWeight(of: flippedKeys[i]) > 0
            var entry = side.first(of: key)
            while let current = entry {
                if side.mark(of: current) == 0 {
                    let weight = side.weight(of: current)
                    try add(
                        current,
                        specification.ownRows(weight: weight, isMatched: isMatched)
                            - specification.ownRows(weight: weight, isMatched: !isMatched))
                }
                entry = side.next(after: current)
            }
        }
        try flush()
    }
}
