/// Computes the functions of one OVER over sequences of rows. Immutable; any number of threads use one.
struct WindowEvaluator: Sendable {
    private struct Call: Sendable {
        var function: WindowFunction
        var frame: WindowFunction.Frame
        /// Where the function's expressions, then its frame's, stand among the program's results.
        var inputs: Int
        var frameInputs: Int
    }
    private let calls: [Call]
    private let orderBy: [LogicalPlan.Sort.Key]
    private let program: ExpressionProgram
    /// Whether the order of rows that the order keys leave equal can show.
    let dependsOnTies: Bool

    init(_ window: LogicalPlan.Window) throws(TidemillError) {
        var expressions = window.orderBy.map(\.expression)
        var calls: [Call] = []
        var dependsOnTies = false
        for named in window.functions {
            let inputs = expressions.count
            expressions += named.function.expressions
            let frameInputs = expressions.count
            expressions += named.frame.expressions
            calls.append(
                Call(function: named.function, frame: named.frame, inputs: inputs, frameInputs: frameInputs))
            if named.function.dependsOnTies || named.frame.unit == .rows && named.frame != .wholePartition {
                dependsOnTies = true
            }
            if case .aggregate(let aggregate, _) = named.function { try FrameAggregate.check(aggregate, named.name) }
        }
        self.calls = calls
        orderBy = window.orderBy
        program = ExpressionProgram(expressions)
        self.dependsOnTies = dependsOnTies
    }

    /// What the functions need of a batch of whole partitions, in any number of sequences over it.
    struct Prepared {
        fileprivate let columns: [Column]
        fileprivate let keys: SortKeys?
        let order: PartitionOrder
    }

    func prepare(_ batch: Batch, starts: [Int], _ context: EvaluationContext) throws(TidemillError) -> Prepared {
        let columns = try program.evaluate(batch, context)
        let keys =
            orderBy.isEmpty ? nil : SortKeys(Array(columns[..<orderBy.count]), orderBy, count: batch.count)
        return Prepared(
            columns: columns, keys: keys,
            order: PartitionOrder(batch, starts: starts, keys: keys, breaksTies: dependsOnTies))
    }

    /// One column per function, a value per position.
    func evaluate(_ prepared: Prepared, _ sequence: WindowSequence) throws(TidemillError) -> [Column] {
        var results: [Column] = []
        for call in calls { results.append(try evaluate(call, prepared, sequence)) }
        return results
    }

    private func evaluate(
        _ call: Call, _ prepared: Prepared, _ sequence: WindowSequence
    ) throws(TidemillError) -> Column {
        func frames() -> WindowFrames {
            var next = call.frameInputs
            func bound(_ bound: WindowFunction.Frame.Bound) -> WindowFrames.RangeBound? {
                guard case .value = bound else { return nil }
                defer { next += 1 }
                return WindowFrames.RangeBound(prepared.columns[next], orderBy[0])
            }
            let start = bound(call.frame.start)
            return WindowFrames(
                call.frame, sequence, keys: prepared.keys, startBound: start, endBound: bound(call.frame.end))
        }
        switch call.function {
        case .rowNumber: return Ranking.rowNumber(sequence)
        case .rank: return Ranking.rank(sequence)
        case .denseRank: return Ranking.denseRank(sequence)
        case .percentRank: return Ranking.percentRank(sequence)
        case .cumeDist: return Ranking.cumeDist(sequence)
        case .ntile(let buckets): return Ranking.ntile(sequence, buckets: buckets)
        case .shifted(_, let by, _, let ignoresNulls):
            return Picking.shifted(
                prepared.columns[call.inputs], by: by, otherwise: prepared.columns[call.inputs + 1],
                ignoresNulls: ignoresNulls, sequence)
        case .nth(_, let n, let ignoresNulls):
            return Picking.nth(
                prepared.columns[call.inputs], n: n, fromEnd: false, mask: nil, ignoresNulls: ignoresNulls, sequence,
                frames())
        case .aggregate(let aggregate, let filter):
            let arguments = Array(prepared.columns[call.inputs..<(call.inputs + aggregate.arguments.count)])
            let keep = filter.map { _ in prepared.columns[call.inputs + aggregate.arguments.count] }
            do throws(TidemillError) {
                return try FrameAggregate(aggregate, arguments, filter: keep, sequence, frames()).result()
            } catch { throw error.at(aggregate.origin) }
        }
    }
}

/// Functions of the position alone.
private enum Ranking {
    private static func integers(_ sequence: WindowSequence, _ value: (Int) -> Int) -> Column {
        let buffer = Buffer(byteCount: sequence.count * 4)
        let out = buffer.pointer(Int32.self)
        for i in 0..<sequence.count { out[i] = Int32(truncatingIfNeeded: value(i)) }
        return Column(type: .int, count: sequence.count, values: buffer)
    }
    private static func doubles(_ sequence: WindowSequence, _ value: (Int) -> Double) -> Column {
        let buffer = Buffer(byteCount: sequence.count * 8)
        let out = buffer.pointer(Double.self)
        for i in 0..<sequence.count { out[i] = value(i) }
        return Column(type: .double, count: sequence.count, values: buffer)
    }

    static func rowNumber(_ s: WindowSequence) -> Column { integers(s) { $0 - Int(s.partitionStart[$0]) + 1 } }
    static func rank(_ s: WindowSequence) -> Column {
        integers(s) { Int(s.peersStart[$0] - s.partitionStart[$0]) + 1 }
    }
    static func denseRank(_ s: WindowSequence) -> Column {
        var rank = 0
        return integers(s) { i in
            if Int(s.partitionStart[i]) == i { rank = 0 }
            if Int(s.peersStart[i]) == i { rank += 1 }
            return rank
        }
    }
    static func percentRank(_ s: WindowSequence) -> Column {
        doubles(s) { i in
            let rows = Double(s.partitionEnd[i] - s.partitionStart[i])
            return rows <= 1 ? 0 : Double(s.peersStart[i] - s.partitionStart[i]) / (rows - 1)
        }
    }
    static func cumeDist(_ s: WindowSequence) -> Column {
        doubles(s) { i in
            Double(s.peersEnd[i] - s.partitionStart[i]) / Double(s.partitionEnd[i] - s.partitionStart[i])
        }
    }
    static func ntile(_ s: WindowSequence, buckets: Int) -> Column {
        integers(s) { i in
            let rows = Int(s.partitionEnd[i] - s.partitionStart[i])
            let position = i - Int(s.partitionStart[i])
            let (size, longer) = rows.quotientAndRemainder(dividingBy: buckets)
            let head = longer * (size + 1)
            return position < head ? position / (size + 1) + 1 : longer + (position - head) / max(size, 1) + 1
        }
    }
}

/// Functions that take the value of one other row.
enum Picking {
    /// lag and lead.
    static func shifted(
        _ argument: Column, by: Int, otherwise: Column, ignoresNulls: Bool, _ sequence: WindowSequence
    ) -> Column {
        let values = Column.concat(argument.type, [argument, otherwise])
        let present = ignoresNulls ? PresentPositions(argument, mask: nil, sequence) : nil
        let picked = (0..<sequence.count).map { i -> UInt32 in
            let (first, last) = (Int(sequence.partitionStart[i]), Int(sequence.partitionEnd[i]))
            let target: Int
            if let present, by != 0 {
                target = present.shifted(i, by: by, first..<last) ?? last
            } else {
                let (moved, overflow) = i.addingReportingOverflow(by)
                target = overflow ? last : moved
            }
            if target >= first && target < last { return sequence.rows[target] }
            return UInt32(argument.count) + sequence.rows[i]
        }
        return values.gather(picked)
    }

    /// The value of a frame's row `n` from its start, or from its end; NULL where there is none.
    static func nth(
        _ argument: Column, n: Int, fromEnd: Bool, mask: Bitmap?, ignoresNulls: Bool, _ sequence: WindowSequence,
        _ frames: WindowFrames
    ) -> Column {
        let present =
            ignoresNulls || mask != nil
            ? PresentPositions(ignoresNulls ? argument : nil, mask: mask, sequence) : nil
        let picked = (0..<sequence.count).map { i -> UInt32 in
            let (start, end) = (Int(frames.start[i]), Int(frames.end[i]))
            if start >= end { return .max }
            let target =
                present.map { $0.nth(n, start..<end, fromEnd: fromEnd) } ?? (fromEnd ? end - n : start + n - 1)
            guard let target, target >= start && target < end else { return .max }
            return sequence.rows[target]
        }
        return argument.gatherOrNull(picked)
    }
}

/// The positions that count: with a value (if one is asked for), and kept by a mask.
private struct PresentPositions {
    /// Ascending.
    private var positions: [Int32] = []
    /// By position: how many of `positions` are before it; and the total.
    private var before: [Int32] = []

    init(_ argument: Column?, mask: Bitmap?, _ sequence: WindowSequence) {
        before.reserveCapacity(sequence.count + 1)
        for i in 0..<sequence.count {
            before.append(Int32(positions.count))
            let row = Int(sequence.rows[i])
            if argument?.isValid(row) ?? true, mask?[row] ?? true { positions.append(Int32(i)) }
        }
        before.append(Int32(positions.count))
    }

    func nth(_ n: Int, _ range: Range<Int>, fromEnd: Bool) -> Int? {
        let (low, high) = (Int(before[range.lowerBound]), Int(before[range.upperBound]))
        if n > high - low { return nil }
        return Int(positions[fromEnd ? high - n : low + n - 1])
    }

    /// The position `by` present ones behind (before) `i`, in the range.
    func shifted(_ i: Int, by: Int, _ range: Range<Int>) -> Int? {
        let low = Int(before[range.lowerBound])
        let high = Int(before[range.upperBound])
        // Present positions before i, and before i + 1.
        let (own, after) = (Int(before[i]), Int(before[i + 1]))
        let (target, overflow) = by > 0 ? (after - 1).addingReportingOverflow(by) : own.addingReportingOverflow(by)
        return !overflow && target >= low && target < high ? Int(positions[target]) : nil
    }
}
