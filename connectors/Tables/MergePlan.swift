/// Decides which files of a table become one, so that a reader sees a bounded number of files however many epochs
/// there were, and a row is rewritten a bounded number of times (the tiers of a log-structured merge tree).
///
/// Sizes fall into tiers, each eight times the one before: under 16 KiB, 128 KiB, 1 MiB, 8 MiB, 64 MiB, full. When the
/// newest files, none of them of a larger tier, hold `fanIn` of one tier, they are merged. A row moves up a tier with
/// nearly every merge, so it is written about six times, and fewer than `fanIn` files stay per tier below full.
struct MergePlan: Sendable, Hashable {
    var targetBytes: Int64 = 128 << 20
    var fanIn = 8

    private func tier(_ bytes: Int64) -> Int {
        var tier = 0
        var limit: Int64 = 16 << 10
        while tier < 5 && bytes >= min(limit, targetBytes) {
            tier += 1
            limit <<= 3
        }
        return bytes >= targetBytes ? 5 : min(tier, 4)
    }

    /// Groups of neighbours to merge, as ranges of `sizes` (oldest first); empty if nothing is due.
    func groups(_ sizes: [Int64]) -> [Range<Int>] {
        let tiers = sizes.map(tier)
        for limit in [4, 3, 2, 1, 0] {
            var start = sizes.count
            var same = 0
            while start > 0 && tiers[start - 1] <= limit {
                start -= 1
                if tiers[start] == limit { same += 1 }
            }
            if same >= fanIn { return cut(sizes, from: start) }
        }
        return []
    }

    /// Neighbours from `start` on, gathered until the target size is reached. A group of one is left alone.
    private func cut(_ sizes: [Int64], from start: Int) -> [Range<Int>] {
        var groups: [Range<Int>] = []
        var first = start
        var bytes: Int64 = 0
        for index in start..<sizes.count {
            if index > first && bytes + sizes[index] > targetBytes {
                groups.append(first..<index)
                first = index
                bytes = 0
            }
            bytes += sizes[index]
        }
        groups.append(first..<sizes.count)
        return groups.filter { $0.count > 1 }
    }
}
