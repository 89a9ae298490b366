import TideColumns

/// Several neighbouring runs of one address become one. Stored with LZ4 like fresh ones: with ZSTD, unpacking blocks of
/// 4 KiB took half of the time of an epoch that looks 10,000 rows up.
public struct MergeJob: Sendable {
    let address: StateAddress
    /// Oldest first.
    let runs: [ManifestRun]
    let rule: MergeRule
    let factory: RunFactory
    let cancel: CancelFlag

    /// nil if nothing is left.
    func run() throws(TidemillError) -> ManifestRun? {
        var readers: [RunReader] = []
        defer { for reader in readers { reader.close() } }
        for run in runs.reversed() { readers.append(try factory.open(run)) }
        guard let types = readers.first?.types else { return nil }
        let rows = runs.reduce(0) { $0 + Int($1.rows) }
        return try factory.make(address, types: types, expectedRows: rows) {
            (writer) throws(TidemillError) in
            try mergeRuns(readers, rule: rule, into: writer, cancel: cancel)
        }
    }
}

/// Which runs to merge next: size-tiered. Runs of about one size wait until there are `fanIn` of them, so a row is
/// rewritten about once per tier, log₄(state / flush) times in its life.
public struct MergePolicy: Sendable {
    public var fanIn = 4
    /// Runs up to this size are all of the lowest tier.
    public var smallRunBytes: Int64 = 256 << 10

    public init() {}

    func tier(_ bytes: Int64) -> Int {
        var tier = 0
        var bound = smallRunBytes
        while bytes > bound {
            bound *= Int64(fanIn)
            tier += 1
        }
        return tier
    }

    /// Neighbours in age, all of one address, and whether the oldest run of the address is among them; nil if nothing
    /// is due. The cheapest merge comes first.
    /// - Parameter runs: of the manifest, oldest first.
    public func next(_ runs: [ManifestRun]) -> (runs: [ManifestRun], reachesBottom: Bool)? {
        var best: (runs: [ManifestRun], reachesBottom: Bool)?
        var bestBytes = Int64.max
        for (_, own) in Dictionary(grouping: runs, by: \.address).sorted(by: { $0.key < $1.key }) {
            guard own.count >= fanIn, let range = due(own.map { tier($0.bytes) }) else { continue }
            let bytes = own[range].reduce(0) { $0 + $1.bytes }
            if bytes < bestBytes {
                best = (Array(own[range]), range.lowerBound == 0)
                bestBytes = bytes
            }
        }
        return best
    }

    /// A stretch of runs of tier t and lower with `fanIn` of tier t among them, for the lowest such t. Counting the
    /// lower ones too would merge runs of every size as soon as there are four.
    private func due(_ tiers: [Int]) -> Range<Int>? {
        for tier in Set(tiers).sorted() {
            var start = 0
            while start < tiers.count {
                var end = start
                while end < tiers.count && tiers[end] <= tier { end += 1 }
                if tiers[start..<end].count(where: { $0 == tier }) >= fanIn { return start..<end }
                start = end + 1
            }
        }
        return nil
    }
}
