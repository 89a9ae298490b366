/// The rows of some partitions as they follow each other, each as often as its weight says: what window functions run
/// over. Positions number the sequence; `rows` names the batch row at each.
struct WindowSequence {
    let batch: Batch
    private(set) var rows: [UInt32] = []
    /// Where the partition of each position begins and ends.
    private(set) var partitionStart: [Int32] = []
    private(set) var partitionEnd: [Int32] = []
    /// Where the peers of each position begin and end.
    private(set) var peersStart: [Int32] = []
    private(set) var peersEnd: [Int32] = []
    /// By position in the order: where the row's copies begin; and the count at the end.
    private(set) var firstCopy: [Int32] = []

    var count: Int { rows.count }

    /// - Parameter weights: of the batch's rows; none is negative.
    init(_ batch: Batch, starts: [Int], order: PartitionOrder, weights: [Int64]) {
        self.batch = batch
        firstCopy.reserveCapacity(batch.count + 1)
        for p in 0..<(starts.count - 1) {
            let begin = rows.count
            var peers = begin
            for position in starts[p]..<starts[p + 1] {
                if order.startsPeers[position] {
                    closePeers(from: peers)
                    peers = rows.count
                }
                firstCopy.append(Int32(rows.count))
                let row = order.rows[position]
                for _ in 0..<max(0, weights[Int(row)]) { rows.append(row) }
            }
            closePeers(from: peers)
            let end = rows.count
            partitionStart.append(contentsOf: repeatElement(Int32(begin), count: end - begin))
            partitionEnd.append(contentsOf: repeatElement(Int32(end), count: end - begin))
        }
        firstCopy.append(Int32(rows.count))
    }

    private mutating func closePeers(from start: Int) {
        let n = rows.count - start
        peersStart.append(contentsOf: repeatElement(Int32(start), count: n))
        peersEnd.append(contentsOf: repeatElement(Int32(rows.count), count: n))
    }
}

/// Frames of every position of a sequence: `start..<end`, empty where start ≥ end.
struct WindowFrames {
    var start: [Int32]
    var end: [Int32]

    /// - Parameters:
    ///   - keys: the order keys of the batch's rows.
    ///   - bounds: values of `.value` bounds as keys, start and end, by batch row; and whether they are NULL.
    init(
        _ frame: WindowFunction.Frame, _ sequence: WindowSequence, keys: SortKeys?, startBound: RangeBound?,
        endBound: RangeBound?
    ) {
        let n = sequence.count
        start = Array(repeating: 0, count: n)
        end = Array(repeating: 0, count: n)
        let isRows = frame.unit == .rows
        for i in 0..<n {
            let (first, last) = (sequence.partitionStart[i], sequence.partitionEnd[i])
            switch frame.start {
            case .unboundedPreceding: start[i] = first
            case .currentRow: start[i] = isRows ? Int32(i) : sequence.peersStart[i]
            case .rows(let by): start[i] = WindowFrames.clamped(i, by, first, last)
            case .value:
                start[i] = startBound.flatMap { $0.first(sequence, keys, i) { $0 >= 0 } } ?? sequence.peersStart[i]
            case .unboundedFollowing: start[i] = last
            }
            switch frame.end {
            case .unboundedPreceding: end[i] = first
            case .currentRow: end[i] = isRows ? Int32(i + 1) : sequence.peersEnd[i]
            case .rows(let by): end[i] = WindowFrames.clamped(i + 1, by, first, last)
            case .value:
                end[i] = endBound.flatMap { $0.first(sequence, keys, i) { $0 > 0 } } ?? sequence.peersEnd[i]
            case .unboundedFollowing: end[i] = last
            }
        }
    }

    private static func clamped(_ position: Int, _ by: Int, _ first: Int32, _ last: Int32) -> Int32 {
        let (moved, overflow) = position.addingReportingOverflow(by)
        if overflow { return by < 0 ? first : last }
        return Int32(min(max(moved, Int(first)), Int(last)))
    }

    /// Values up to which rows belong to a RANGE frame, by batch row.
    struct RangeBound {
        let keys: SortKeys
        let isPresent: Bitmap?

        init(_ column: Column, _ key: LogicalPlan.Sort.Key) {
            keys = SortKeys([column], [key], count: column.count)
            isPresent = column.validity
        }

        /// The first position of the partition of `i` whose key, compared with the bound, `isIn`; the partition's end
        /// if there is none; nil if the bound is NULL.
        func first(_ sequence: WindowSequence, _ all: SortKeys?, _ i: Int, _ isIn: (Int) -> Bool) -> Int32? {
            let row = sequence.rows[i]
            guard let all, isPresent?[Int(row)] ?? true else { return nil }
            var (low, high) = (sequence.partitionStart[i], sequence.partitionEnd[i])
            while low < high {
                let middle = (low + high) / 2
                if isIn(all.compare(sequence.rows[Int(middle)], to: keys, row)) {
                    high = middle
                } else {
                    low = middle + 1
                }
            }
            return low
        }
    }
}
