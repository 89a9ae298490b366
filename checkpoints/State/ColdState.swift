import TideColumns

/// What the runs hold of one address: the place of rows that are not in memory.
///
/// Runs are immutable, so any number of threads look rows up at once. When runs were flushed or merged a new
/// `ColdState` takes the place of the old one; both show the same rows for every key that is not newer in memory.
public final class ColdState: Sendable {
    /// Newest first.
    let runs: [RunReader]
    private let rule: MergeRule
    public var rowsMax: Int { runs.reduce(0) { $0 + Int($1.rows) } }
    public var isEmpty: Bool { runs.isEmpty }
    /// Memory of indexes and bloom filters.
    public var byteCount: Int { runs.reduce(0) { $0 + $1.memoryBytes } }

    /// - Parameter runs: newest first.
    public init(_ runs: [RunReader], rule: MergeRule) {
        self.runs = runs
        var rule = rule
        rule.dropTombstones = true
        self.rule = rule
    }

    /// Whether a row may have a hash in this range.
    public func mayHoldRows(_ range: ClosedRange<UInt64>) -> Bool {
        runs.contains { $0.hashRange?.overlaps(range) ?? false }
    }

    /// The newest row of every identity with one of these hashes, in order of hashes; rows that were deleted are left
    /// out. Rows of other keys with the same hash are among them.
    /// - Parameter hashes: ascending, each once.
    public func fetch(_ hashes: [UInt64]) throws(TidemillError) -> Batch? {
        guard let types = runs.first?.types, !hashes.isEmpty else { return nil }
        var pieces: [RowRange] = []
        var fetch = RunFetch(types: types)
        defer { fetch.deallocate() }
        for run in runs {
            guard run.types == types else { throw .internal("runs of one state have different types") }
            let found = try fetch.rows(of: run, hashes)
            if found.count > 0 { pieces.append(RowRange(found)) }
        }
        if pieces.isEmpty { return nil }
        let newest = RowMerge.newest(pieces, types: types, rule: rule)
        return newest.count > 0 ? newest : nil
    }

    /// The newest row of every identity in a range of hashes, batch by batch in order of hashes.
    public func forEachRow(
        in range: ClosedRange<UInt64>, _ body: (Batch) throws(TidemillError) -> Void
    ) throws(TidemillError) {
        guard let types = runs.first?.types else { return }
        let inputs = runs.map { RangeInput($0, range) }
        try mergeRows(inputs, types: types, rule: rule, cancel: CancelFlag(), body)
    }
}

/// The rows of a run in a range of hashes.
private final class RangeInput: MergeInput {
    private let run: RunReader
    private let range: ClosedRange<UInt64>
    private var blocks: Range<Int>
    private static let blocksPerRead = 32

    init(_ run: RunReader, _ range: ClosedRange<UInt64>) {
        self.run = run
        self.range = range
        let slice = run.blocks(range)
        blocks = slice.startIndex..<slice.endIndex
    }

    func next() throws(TidemillError) -> Batch? {
        while !blocks.isEmpty {
            let end = min(blocks.lowerBound + RangeInput.blocksPerRead, blocks.upperBound)
            let batch = try run.batch(blocks: blocks.lowerBound..<end)
            blocks = end..<blocks.upperBound
            let hashes = batch.columns[0].pointer(UInt64.self)
            var first = 0
            while first < batch.count && hashes[first] < range.lowerBound { first += 1 }
            var last = batch.count
            while last > first && hashes[last - 1] > range.upperBound { last -= 1 }
            if first == last { continue }
            if first == 0 && last == batch.count { return batch }
            return batch.gather(Array(UInt32(first)..<UInt32(last)))
        }
        return nil
    }
}

/// Looks many hashes up in one run at a time: bloom filter, index and hashes are walked together, neighbouring blocks
/// are read by one call, each block is unpacked once.
struct RunFetch {
    private var probe: BlockProbe
    private var bytes: UnsafeMutableRawBufferPointer
    /// Blocks that are this close are read together with what lies between them.
    private static let gapBytesMax: Int64 = 8 << 10
    private static let readBytesMax: Int64 = 256 << 10

    init(types: [DataType]) {
        probe = BlockProbe(types: types)
        bytes = .allocate(byteCount: 64 << 10, alignment: 64)
    }
    func deallocate() {
        probe.deallocate()
        bytes.deallocate()
    }

    /// A block and which of the hashes it may hold.
    private struct Wanted {
        var block: Int
        var hashes: Range<Int>
    }

    mutating func rows(of run: RunReader, _ hashes: [UInt64]) throws(TidemillError) -> Batch {
        let (candidates, wanted) = try wantedBlocks(run, hashes)
        var start = 0
        while start < wanted.count {
            let first = run.blocks[wanted[start].block]
            var end = start
            var upper = first.offset
            while end < wanted.count {
                let block = run.blocks[wanted[end].block]
                if end > start {
                    if block.offset - upper > RunFetch.gapBytesMax { break }
                    if block.offset + Int64(block.length) - first.offset > RunFetch.readBytesMax { break }
                }
                upper = block.offset + Int64(block.length)
                end += 1
            }
            try read(run, first.offset..<upper)
            for one in wanted[start..<end] {
                let block = run.blocks[one.block]
                let at = Int(block.offset - first.offset)
                let damage = BlockDamage(file: run.path.string, offset: block.offset)
                try probe.open(
                    UnsafeRawBufferPointer(rebasing: bytes[at..<(at + Int(block.length))]), rows: Int(block.rows),
                    damage)
                var row = 0
                for index in one.hashes {
                    row = probe.firstRow(from: row, hash: candidates[index])
                    while row < probe.rows && probe.hash(row) == candidates[index] {
                        try probe.collect(row, damage)
                        row += 1
                    }
                }
            }
            start = end
        }
        return probe.takeRows()
    }

    /// The hashes that the bloom filter lets through, and the blocks that may hold them, in order.
    private func wantedBlocks(_ run: RunReader, _ hashes: [UInt64]) throws(TidemillError) -> ([UInt64], [Wanted]) {
        guard let range = run.hashRange else { return ([], []) }
        let filter = try run.bloomFilter()
        let candidates = hashes.filter { range.contains($0) && filter.mayContain($0) }
        var wanted: [Wanted] = []
        let blocks = run.blocks
        var block = 0
        for (index, hash) in candidates.enumerated() {
            block = RunFetch.firstBlock(blocks, from: block, hash)
            // Rows of one hash may fill the end of a block and go on in the next.
            var next = block
            while next < blocks.count && blocks[next].firstHash <= hash {
                if let last = wanted.last, last.block == next {
                    wanted[wanted.count - 1].hashes = last.hashes.lowerBound..<(index + 1)
                } else {
                    wanted.append(Wanted(block: next, hashes: index..<(index + 1)))
                }
                if blocks[next].lastHash > hash { break }
                next += 1
            }
        }
        return (candidates, wanted)
    }

    /// The first block from `start` on that does not end before `hash`; gallops, because hashes ascend.
    private static func firstBlock(_ blocks: [RunBlock], from start: Int, _ hash: UInt64) -> Int {
        var low = start
        var step = 1
        while low + step < blocks.count && blocks[low + step].lastHash < hash {
            low += step
            step *= 2
        }
        var high = min(blocks.count, low + step)
        while low < high {
            let middle = (low + high) / 2
            if blocks[middle].lastHash < hash { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private mutating func read(_ run: RunReader, _ range: Range<Int64>) throws(TidemillError) {
        let count = Int(range.upperBound - range.lowerBound)
        if bytes.count < count {
            bytes.deallocate()
            bytes = .allocate(byteCount: count * 2, alignment: 64)
        }
        try run.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<count]), at: range.lowerBound)
    }
}
