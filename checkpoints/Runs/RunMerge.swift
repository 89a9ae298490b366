import TideColumns

/// Merges runs, newest first, into `writer`: per key the row of the newest run wins. A key stands at most once per run.
public func mergeRuns(
    _ runs: [RunReader], rule: MergeRule, into writer: RunWriter, cancel: CancelFlag = CancelFlag()
) throws(TidemillError) {
    guard let types = runs.first?.types else { return }
    guard runs.allSatisfy({ $0.types == types }) else { throw .internal("runs of different types are merged") }
    try mergeRows(runs.map { RunInput($0) }, types: types, rule: rule, cancel: cancel) {
        (batch) throws(TidemillError) in
        try writer.append(batch)
    }
}

/// Merges inputs, newest first, and hands on what stands, in order of hashes.
///
/// Works on ranges: up to the lowest last hash among the batches at hand, every input's rows are known. If only one
/// input has rows there, they are handed on as they are; otherwise they are put together and sorted as columns.
func mergeRows(
    _ inputs: [any MergeInput], types: [DataType], rule: MergeRule, cancel: CancelFlag,
    _ emit: (Batch) throws(TidemillError) -> Void
) throws(TidemillError) {
    var cursors: [MergeCursor] = []
    for input in inputs { cursors.append(try MergeCursor(input, types)) }
    while let bound = cursors.compactMap(\.lastHash).min() {
        try cancel.check()
        var pieces: [RowRange] = []
        for cursor in cursors { try cursor.take(through: bound, into: &pieces) }
        let merged = RowMerge.newest(pieces, types: types, rule: rule)
        if merged.count > 0 { try emit(merged) }
    }
}

/// Rows of a batch, ordered by hash.
struct RowRange {
    let batch: Batch
    let rows: Range<Int>
    init(_ batch: Batch, _ rows: Range<Int>) {
        self.batch = batch
        self.rows = rows
    }
    init(_ batch: Batch) { self.init(batch, 0..<batch.count) }
}

/// A position in an input.
private final class MergeCursor {
    private let input: any MergeInput
    private let types: [DataType]
    private var batch: Batch?
    private var row = 0

    init(_ input: any MergeInput, _ types: [DataType]) throws(TidemillError) {
        self.input = input
        self.types = types
        try load()
    }

    private func load() throws(TidemillError) {
        row = 0
        batch = try input.next()
        if let batch, batch.columns.map(\.type) != types {
            throw .internal("rows of different types are merged")
        }
    }

    /// Of the batch at hand; nil at the end of the input.
    var lastHash: UInt64? { batch.map { $0.columns[0].pointer(UInt64.self)[$0.count - 1] } }

    /// Moves past every row up to `bound`. Rows of one hash may lie in several batches.
    func take(through bound: UInt64, into pieces: inout [RowRange]) throws(TidemillError) {
        while let current = batch {
            let hashes = current.columns[0].pointer(UInt64.self)
            var low = row
            var high = current.count
            while low < high {
                let middle = (low + high) / 2
                if hashes[middle] <= bound { low = middle + 1 } else { high = middle }
            }
            if low > row { pieces.append(RowRange(current, row..<low)) }
            row = low
            if low < current.count { return }
            try load()
        }
    }
}

/// The merge of sorted pieces in memory.
enum RowMerge {
    /// Per identity the row of the first piece that has it.
    /// - Parameter pieces: newest first, each ordered by hash.
    static func newest(_ pieces: [RowRange], types: [DataType], rule: MergeRule) -> Batch {
        if pieces.isEmpty { return Batch(columns: types.map { Column.empty($0) }, count: 0) }
        if pieces.count == 1, pieces[0].rows.count == pieces[0].batch.count {
            return withoutTombstones(pieces[0].batch, rule)
        }
        var assembler = RowAssembler(types: types)
        var starts: [Int] = []
        for piece in pieces {
            starts.append(assembler.rows)
            assembler.append(piece.batch, piece.rows)
        }
        let all = assembler.finish()
        if pieces.count == 1 { return withoutTombstones(all, rule) }
        let order = merged(starts + [all.count], UnsafePointer(all.columns[0].values.pointer(UInt64.self)))
        return all.gather(standing(all, order, rule))
    }

    private static func withoutTombstones(_ batch: Batch, _ rule: MergeRule) -> Batch {
        guard rule.dropTombstones, let live = rule.liveColumn else { return batch }
        let bits = batch.columns[live].bits
        return bits.onesCount == batch.count ? batch : batch.filter(bits)
    }

    /// Row numbers by hash; of equal hashes the rows of earlier pieces first. Pieces are merged two by two.
    private static func merged(_ bounds: [Int], _ hashes: UnsafePointer<UInt64>) -> [UInt32] {
        let count = bounds[bounds.count - 1]
        var order = Array(UInt32(0)..<UInt32(count))
        var other = order
        var bounds = bounds
        while bounds.count > 2 {
            var next = [0]
            order.withUnsafeBufferPointer { from in
                other.withUnsafeMutableBufferPointer { to in
                    var i = 0
                    while i + 1 < bounds.count {
                        let middle = bounds[i + 1]
                        let end = i + 2 < bounds.count ? bounds[i + 2] : middle
                        mergePair(from, bounds[i], middle, end, to, hashes)
                        next.append(end)
                        i += 2
                    }
                }
            }
            swap(&order, &other)
            bounds = next
        }
        return order
    }

    private static func mergePair(
        _ from: UnsafeBufferPointer<UInt32>, _ start: Int, _ middle: Int, _ end: Int,
        _ to: UnsafeMutableBufferPointer<UInt32>, _ hashes: UnsafePointer<UInt64>
    ) {
        var a = start
        var b = middle
        var out = start
        while a < middle && b < end {
            if hashes[Int(from[a])] <= hashes[Int(from[b])] {
                to[out] = from[a]
                a += 1
            } else {
                to[out] = from[b]
                b += 1
            }
            out += 1
        }
        while a < middle {
            to[out] = from[a]
            a += 1
            out += 1
        }
        while b < end {
            to[out] = from[b]
            b += 1
            out += 1
        }
    }

    /// Of the rows in `order` those that no earlier row of the same identity shadows and no tombstone rule drops.
    private static func standing(_ all: Batch, _ order: [UInt32], _ rule: MergeRule) -> [UInt32] {
        let hashes = all.columns[0].pointer(UInt64.self)
        let live = rule.dropTombstones ? rule.liveColumn.map { all.columns[$0].bits } : nil
        let identity = RowIdentity(all, rule.keyColumns)
        var kept: [UInt32] = []
        kept.reserveCapacity(order.count)
        var i = 0
        // Identities seen in the current group of equal hashes, dropped tombstones included.
        var seen: [UInt32] = []
        var identityHashes: Buffer?
        while i < order.count {
            let hash = hashes[Int(order[i])]
            var end = i + 1
            while end < order.count && hashes[Int(order[end])] == hash { end += 1 }
            if end == i + 1 {
                if live?[Int(order[i])] ?? true { kept.append(order[i]) }
            } else if end - i <= RowMerge.comparedMax {
                seen.removeAll(keepingCapacity: true)
                for row in order[i..<end] where !seen.contains(where: { identity.isSame(Int($0), Int(row)) }) {
                    seen.append(row)
                    if live?[Int(row)] ?? true { kept.append(row) }
                }
            } else {
                let hashes = identityHashes ?? hashRows(rule.keyColumns.map { all.columns[$0] }, count: all.count)
                identityHashes = hashes
                for row in firsts(order[i..<end], identity, hashes) where live?[Int(row)] ?? true { kept.append(row) }
            }
            i = end
        }
        return kept
    }

    /// Rows with one hash are compared one by one up to this many; more are told apart by a table. The rows of a join
    /// key or a partition all have the key's hash.
    private static let comparedMax = 16

    /// The first row of each identity, in order.
    private static func firsts(
        _ rows: ArraySlice<UInt32>, _ identity: RowIdentity, _ hashes: Buffer
    ) -> [UInt32] {
        let hash = hashes.pointer(UInt64.self)
        var size = 32
        while size < rows.count * 2 { size *= 2 }
        // Row number + 1; 0 is empty.
        var slots = [UInt32](repeating: 0, count: size)
        var firsts: [UInt32] = []
        for row in rows {
            var slot = Int(truncatingIfNeeded: hash[Int(row)]) & (size - 1)
            while slots[slot] != 0 && !identity.isSame(Int(slots[slot] - 1), Int(row)) {
                slot = (slot + 1) & (size - 1)
            }
            if slots[slot] != 0 { continue }
            slots[slot] = row + 1
            firsts.append(row)
        }
        return firsts
    }
}
