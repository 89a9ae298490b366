/// An aggregate over the frame of every position of a sequence.
///
/// Counts and integer sums are differences of running totals (mod 2^128, so totals may wrap where sums do not); sums of
/// doubles are kept exactly while rows enter and leave the frame; extremes are kept in a queue of candidates (Lemire
/// 2006). Frames whose start and end never go back cost a constant per row; where one does, the frame starts over.
struct FrameAggregate {
    private let aggregate: BoundAggregate
    private let arguments: [Column]
    /// Batch rows that count; nil: all.
    private let mask: Bitmap?
    /// Batch rows that the filter lets pass; nil: all.
    private let kept: Bitmap?
    private let sequence: WindowSequence
    private let frames: WindowFrames

    init(
        _ aggregate: BoundAggregate, _ arguments: [Column], filter: Column?, _ sequence: WindowSequence,
        _ frames: WindowFrames
    ) {
        self.aggregate = aggregate
        self.arguments = arguments
        kept = filter.map { filter in filter.validity.map { filter.bits.and($0) } ?? filter.bits }
        mask = arguments.reduce(kept) { Bitmap.and($0, $1.validity) }
        self.sequence = sequence
        self.frames = frames
    }

    /// Refuses what is not computed over frames.
    static func check(_ aggregate: BoundAggregate, _ name: String) throws(TidemillError) {
        if aggregate.distinct {
            throw TidemillError(
                .user, "DISTINCT_WINDOW_FUNCTION_UNSUPPORTED",
                "DISTINCT inside a function with OVER is not supported: \(name)",
                hint: "remove duplicates in a subquery")
        }
        switch aggregate.kind {
        case .countStar, .count, .countIf, .sum, .avg, .min, .max, .first, .last, .anyValue, .boolAnd, .boolOr,
            .stddevPop, .stddevSamp, .varPop, .varSamp:
            return
        default:
            throw TidemillError.unsupported(
                "\(name) with OVER", hint: "compute it by GROUP BY and join the result")
        }
    }

    func result() throws(TidemillError) -> Column {
        let n = sequence.count
        switch aggregate.kind {
        case .countStar, .count: return Column(type: .bigint, count: n, values: counts { _ in true })
        case .countIf:
            let bits = arguments[0].bits
            return Column(type: .bigint, count: n, values: counts { bits[$0] })
        case .boolAnd, .boolOr:
            let bits = arguments[0].bits
            let trues = counts { bits[$0] }.pointer(Int64.self)
            let all = counts { _ in true }.pointer(Int64.self)
            let wantsAll = aggregate.kind == .boolAnd
            return Column(
                boolean: Bitmap(count: n) { wantsAll ? trues[$0] == all[$0] : trues[$0] > 0 },
                validity: Bitmap(count: n) { all[$0] > 0 })
        case .min, .max: return extremes(largest: aggregate.kind == .max)
        case .first(let ignoresNulls), .anyValue(let ignoresNulls):
            return Picking.nth(
                arguments[0], n: 1, fromEnd: false, mask: kept, ignoresNulls: ignoresNulls, sequence, frames)
        case .last(let ignoresNulls):
            return Picking.nth(
                arguments[0], n: 1, fromEnd: true, mask: kept, ignoresNulls: ignoresNulls, sequence, frames)
        case .sum, .avg:
            let counted = counts { _ in true }
            if arguments[0].type == .double { return doubleSums(counted) }
            let sums = integerSums()
            return aggregate.kind == .sum
                ? try SumResults.sums(sums, counted, n, as: aggregate.resultType)
                : try SumResults.averages(sums, of: arguments[0].type, counted, n, as: aggregate.resultType)
        case .stddevPop, .stddevSamp, .varPop, .varSamp: return variances(counts { _ in true })
        default: throw TidemillError.internal("an aggregate that is not computed over frames")
        }
    }

    // MARK: Running totals

    private func counts(_ isCounted: (Int) -> Bool) -> Buffer {
        let n = sequence.count
        let totals = Buffer(byteCount: (n + 1) * 8)
        let running = totals.pointer(Int64.self)
        running[0] = 0
        for i in 0..<n {
            let row = Int(sequence.rows[i])
            running[i + 1] = running[i] + ((mask?[row] ?? true) && isCounted(row) ? 1 : 0)
        }
        let buffer = Buffer(byteCount: n * 8)
        let out = buffer.pointer(Int64.self)
        for i in 0..<n {
            let (start, end) = (Int(frames.start[i]), Int(frames.end[i]))
            out[i] = start < end ? running[end] - running[start] : 0
        }
        return buffer
    }

    private func integerSums() -> Buffer {
        let n = sequence.count
        let totals = Buffer(byteCount: (n + 1) * 16)
        let running = totals.pointer(Int128.self)
        running[0] = 0
        func accumulate<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) {
            let values = arguments[0].pointer(T.self)
            for i in 0..<n {
                let row = Int(sequence.rows[i])
                running[i + 1] = mask?[row] ?? true ? running[i] &+ Int128(values[row]) : running[i]
            }
        }
        switch arguments[0].type.physical {
        case .int32: accumulate(Int32.self)
        case .int64: accumulate(Int64.self)
        default: accumulate(Int128.self)
        }
        let buffer = Buffer(byteCount: n * 16)
        let out = buffer.pointer(Int128.self)
        for i in 0..<n {
            let (start, end) = (Int(frames.start[i]), Int(frames.end[i]))
            out[i] = start < end ? running[end] &- running[start] : 0
        }
        return buffer
    }

    // MARK: Rows that enter and leave

    /// Calls `add` and `remove` with batch rows that count, so that before `emit(i)` exactly the frame of `i` is in.
    private func slide(_ add: (Int) -> Void, _ remove: (Int) -> Void, _ reset: () -> Void, _ emit: (Int) -> Void) {
        var (low, high) = (0, 0)
        for i in 0..<sequence.count {
            let start = Int(frames.start[i])
            let end = max(start, Int(frames.end[i]))
            if start < low || end < high || start >= high {
                reset()
                (low, high) = (start, start)
            }
            while high < end {
                let row = Int(sequence.rows[high])
                if mask?[row] ?? true { add(row) }
                high += 1
            }
            while low < start {
                let row = Int(sequence.rows[low])
                if mask?[row] ?? true { remove(row) }
                low += 1
            }
            emit(i)
        }
    }

    private func doubleSums(_ counted: Buffer) -> Column {
        let n = sequence.count
        let values = arguments[0].pointer(Double.self)
        let counts = counted.pointer(Int64.self)
        let buffer = Buffer(byteCount: n * 8)
        let out = buffer.pointer(Double.self)
        var sum = RunningSum()
        let isAverage = aggregate.kind == .avg
        slide({ sum.add(values[$0]) }, { sum.remove(values[$0]) }, { sum = RunningSum() }) { i in
            out[i] = isAverage ? sum.value / Double(counts[i]) : sum.value
        }
        return Column(type: .double, count: n, values: buffer, validity: Bitmap(count: n) { counts[$0] > 0 })
    }

    private func variances(_ counted: Buffer) -> Column {
        let n = sequence.count
        let values = arguments[0].pointer(Double.self)
        let counts = counted.pointer(Int64.self)
        let buffer = Buffer(byteCount: n * 8)
        let out = buffer.pointer(Double.self)
        var (sum, squares) = (RunningSum(), RunningSum())
        func enter(_ row: Int) {
            sum.add(values[row])
            let (square, rest) = Moments.square(values[row])
            squares.add(square)
            squares.add(rest)
        }
        func leave(_ row: Int) {
            sum.remove(values[row])
            let (square, rest) = Moments.square(values[row])
            squares.remove(square)
            squares.remove(rest)
        }
        let kind = aggregate.kind
        slide(enter, leave, { (sum, squares) = (RunningSum(), RunningSum()) }) { i in
            out[i] = Moments.result(kind, count: counts[i], sum: sum.parts, squares: squares.parts) ?? 0
        }
        let least = Moments.leastCount(kind)
        return Column(type: .double, count: n, values: buffer, validity: Bitmap(count: n) { counts[$0] >= least })
    }

    /// Candidates stand in a queue, each better than those behind it: a row that enters throws out the worse ones.
    private func extremes(largest: Bool) -> Column {
        let n = sequence.count
        let ranks = SortKeys(ascending: [arguments[0]], count: arguments[0].count).ranks()
        var queue: [UInt32] = []
        var head = 0
        var picked = [UInt32](repeating: .max, count: n)
        slide(
            { row in
                while queue.count > head,
                    largest
                        ? ranks[Int(queue[queue.count - 1])] < ranks[row]
                        : ranks[Int(queue[queue.count - 1])] > ranks[row]
                {
                    queue.removeLast()
                }
                queue.append(UInt32(row))
            },
            { row in if head < queue.count && queue[head] == UInt32(row) { head += 1 } },
            {
                queue.removeAll(keepingCapacity: true)
                head = 0
            },
            { i in if head < queue.count { picked[i] = queue[head] } })
        return arguments[0].gatherOrNull(picked)
    }
}

/// One exact sum with its own place for what does not fit inline.
struct RunningSum {
    private var sum = ExactSum(hi: 0, lo: 0)
    private var wide: WideSum?

    mutating func add(_ x: Double) { add(x, weight: 1) }
    mutating func remove(_ x: Double) { add(x, weight: -1) }
    private mutating func add(_ x: Double, weight: Int64) {
        if wide == nil {
            if sum.add(weight < 0 ? -x : x) { return }
            var all = WideSum()
            all.add(sum.hi, weight: 1)
            all.add(sum.lo, weight: 1)
            wide = all
        }
        wide?.add(x, weight: weight)
    }

    var value: Double { wide?.value ?? sum.hi }
    /// The sum as two doubles, the second what the first lacks.
    var parts: (Double, Double) {
        guard let wide else { return (sum.hi, sum.lo) }
        return wide.parts
    }
}

extension WideSum {
    /// The sum as two doubles, the second what the first lacks.
    var parts: (Double, Double) {
        let high = value
        guard high.isFinite else { return (high, 0) }
        var rest = self
        rest.add(high, weight: -1)
        return (high, rest.value)
    }
}
