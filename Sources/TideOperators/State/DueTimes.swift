import TideCheckpoints

/// Keys by the time at which something of theirs ends, where rows may lie in runs alone: how the watermark finds them
/// without a look at the others.
///
///     a part of the operator's state   | time | live | hash of the key |
///
/// The time stands where other parts have the key's hash, as an unsigned number of the same order. So flushes, merges
/// and reads of a range serve these entries as they are: what is due is one range of the runs, and an epoch that ends
/// nothing reads nothing.
///
/// An entry says when a key is to be looked at, no more. It may be early (what it was made for has grown), and it is
/// looked at once: the epoch that passes its time deletes it. The operator sees to it that every row which may leave
/// memory has an entry behind the time passed so far and not behind its own end.
///
/// Keys with one hash share entries, so whoever is told of a hash looks at every key that has it.
///
/// Rows whose end never changes keep their entries with `RowEnds`; those of sessions grow: `SessionPartition+Times`.
final class DueTimes: Sendable {
    struct Entry: Hashable, Sendable {
        var time: Int64
        var hash: UInt64
        /// False: the entry goes.
        var isLive: Bool
    }
    /// What the runs have of a key that is due.
    struct Due: Hashable, Sendable {
        var hash: UInt64
        var time: Int64
    }

    static let part = StatePart(types: [.bigint, .boolean, .bigint], keyColumns: [2], isIndex: true)

    private struct Pass {
        var cold: ColdState?
        /// Entries up to here have been looked at by earlier epochs.
        var ended = Int64.min
        /// What the epoch in hand passes; nil: nothing yet.
        var passing: Int64?
        /// Of the runs and the log, by hash; nil: not read.
        var due: [Due]?
        var isKept = false
        /// Every row that came back has its entry, or will have it when the epoch that passes something is committed.
        var isWhole = true
        /// Whether `isWhole` was said of the state that comes back.
        var isFound = false
        /// Entries that came back from the log, which no run has yet.
        var logged: Set<Due> = []
        var loggedThrough = Epoch.zero
    }
    private let pass = Locked(Pass())

    func attach(_ state: ColdState) { pass.withLock { $0.cold = state } }

    /// From now on entries are kept. Before anything else, if at all.
    func keep() { pass.withLock { $0.isKept = true } }
    var isKept: Bool { pass.withLock { $0.isKept } }

    /// Including the epoch in hand; nil: rows that came back have no entries yet, or none are kept.
    var endedThrough: Int64? {
        pass.withLock {
            $0.isKept && ($0.isWhole || $0.passing != nil) ? max($0.ended, $0.passing ?? .min) : nil
        }
    }
    /// Before the epoch in hand: what ends by then is gone, though runs may show it.
    var endedBefore: Int64 { pass.withLock { $0.ended } }

    /// The state that comes back has every row's entry.
    func setEnded(through time: Int64) {
        pass.withLock {
            $0.ended = time
            $0.isFound = true
        }
    }

    /// Rows come back.
    /// - Returns: whether they have no entries, so that the next epoch has to make them.
    func needsListing() -> Bool {
        pass.withLock {
            if !$0.isKept || $0.isFound { return false }
            $0.isWhole = false
            return true
        }
    }

    /// Entries come back from the log. Their rows need not be in memory.
    func restore(_ batch: Batch, epoch: Epoch) {
        pass.withLock { pass in
            if !pass.isKept { return }
            pass.loggedThrough = max(pass.loggedThrough, epoch)
            DueTimes.forEachEntry(of: batch) { entry in
                let due = Due(hash: entry.hash, time: entry.time)
                if entry.isLive { pass.logged.insert(due) } else { pass.logged.remove(due) }
            }
        }
    }

    /// The runs hold everything up to an epoch.
    func forgetLog(through flushed: Epoch) {
        pass.withLock { if !$0.logged.isEmpty && $0.loggedThrough <= flushed { $0.logged = [] } }
    }

    var byteCount: Int { pass.withLock { $0.logged.capacity * MemoryLayout<Due>.stride } }

    /// The epoch ends what is due by `limit`.
    /// - Parameter hasCold: whether rows of the partition may lie in runs alone.
    /// - Returns: what of the partition is due, as runs and log have it; nothing where all is in memory.
    func pass(
        through limit: Int64, partition p: Int, bits: Int, hasCold: Bool
    ) throws(TidemillError) -> ArraySlice<Due> {
        pass.withLock { $0.passing = max($0.passing ?? .min, limit) }
        return hasCold ? try due(through: limit, partition: p, bits: bits) : []
    }

    /// A partition's part of what runs and log have between the time passed before and `limit`. They are read once for
    /// all partitions, by the first that asks.
    private func due(through limit: Int64, partition p: Int, bits: Int) throws(TidemillError) -> ArraySlice<Due> {
        let all = try pass.withLock { (pass) throws(TidemillError) -> [Due] in
            if let known = pass.due { return known }
            var read = try DueTimes.read(pass.cold, after: pass.ended, through: limit)
            let logged = pass.logged.filter { $0.time > pass.ended && $0.time <= limit }
            if !logged.isEmpty { read = Array(logged.union(read)) }
            read.sort { ($0.hash, $0.time) < ($1.hash, $1.time) }
            pass.due = read
            return read
        }
        if bits == 0 { return all[...] }
        let shift = UInt64(64 - bits)
        func first(_ partition: Int) -> Int {
            var (low, high) = (0, all.count)
            while low < high {
                let middle = (low + high) / 2
                if Int(all[middle].hash &>> shift) < partition { low = middle + 1 } else { high = middle }
            }
            return low
        }
        return all[first(p)..<first(p + 1)]
    }

    private static func read(
        _ cold: ColdState?, after ended: Int64, through limit: Int64
    ) throws(TidemillError) -> [Due] {
        guard let cold, !cold.isEmpty, ended < limit else { return [] }
        var due: [Due] = []
        let first = ended == .min ? 0 : image(ended) + 1
        try cold.forEachRow(in: first...image(limit)) { (batch) throws(TidemillError) in
            let times = batch.columns[0].pointer(UInt64.self)
            let hashes = batch.columns[2].pointer(UInt64.self)
            for row in 0..<batch.count { due.append(Due(hash: hashes[row], time: time(times[row]))) }
        }
        return due
    }

    func endEpoch() {
        pass.withLock {
            if let passing = $0.passing {
                $0.ended = max($0.ended, passing)
                $0.isWhole = true
                if let due = $0.due, !$0.logged.isEmpty { $0.logged.subtract(due) }
            }
            $0.passing = nil
            $0.due = nil
        }
    }

    // MARK: Changes

    /// What an epoch changed. Partitions share the part, whose order is not that of keys: the first gives it for all.
    /// - Parameter entries: of every partition.
    func changes(partition p: Int, _ entries: () -> [[Entry]]) -> [Batch] {
        p > 0 || !isKept ? [] : changes(entries())
    }

    /// One sequence in the order of times. What was due goes.
    private func changes(_ partitions: [[Entry]]) -> [Batch] {
        var entries: [Entry] = []
        entries.reserveCapacity(partitions.reduce(0) { $0 + $1.count })
        for own in partitions { entries += own }
        for due in pass.withLock({ $0.due }) ?? [] {
            entries.append(Entry(time: due.time, hash: due.hash, isLive: false))
        }
        entries.sort { ($0.time, $0.hash) < ($1.time, $1.hash) }
        // What memory and the runs both had; nothing that is passed is made anew in the same epoch.
        entries.removeDuplicates()
        return stride(from: 0, to: entries.count, by: DueTimes.blockRows).map { start in
            let rows = entries[start..<min(start + DueTimes.blockRows, entries.count)]
            return Batch(
                columns: [
                    Column(bigints: rows.map { Int64(bitPattern: DueTimes.image($0.time)) }),
                    Column(boolean: Bitmap(count: rows.count) { rows[rows.startIndex + $0].isLive }),
                    Column(bigints: rows.map { Int64(bitPattern: $0.hash) }),
                ], count: rows.count)
        }
    }
    private static let blockRows = 8192

    /// A batch of the part, entry by entry.
    static func forEachEntry(of batch: Batch, _ body: (Entry) -> Void) {
        let times = batch.columns[0].pointer(UInt64.self)
        let hashes = batch.columns[2].pointer(UInt64.self)
        let live = batch.columns[1].bits
        for row in 0..<batch.count {
            body(Entry(time: time(times[row]), hash: hashes[row], isLive: live[row]))
        }
    }

    private static let sign: UInt64 = 1 << 63
    static func image(_ time: Int64) -> UInt64 { UInt64(bitPattern: time) ^ sign }
    static func time(_ image: UInt64) -> Int64 { Int64(bitPattern: image ^ sign) }
}
