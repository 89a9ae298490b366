/// What will be due at which time: entries ordered by time, then by key, from which the owner takes everything up to a
/// time. For eviction behind a watermark, timers, expiry.
///
///     tail: the newest entries, unordered, with their least time
///     runs: sorted; each at least twice as long as the next, so there are at most log2(n) of them
///
/// An insert is an append; a full tail becomes a run, and runs of like length are merged: sequential passes, where a
/// heap of the same 16 bytes per entry costs a cache miss per level. Asking for what is due costs one comparison per
/// run when nothing is.
///
/// Entries are not taken back: an owner whose rows move to another time inserts them again and ignores an entry when
/// the row says another time or is gone. So a key must be something that can be looked up safely then: the key's hash,
/// or the row's address if rows leave through this index alone.
///
/// Memory: 16 bytes per entry, twice that while runs are merged. One owner at a time.
public struct TimeIndex: Sendable {
    public struct Entry: BitwiseCopyable, Hashable, Comparable, Sendable {
        public var time: Int64
        public var key: UInt64
        public init(time: Int64, key: UInt64) {
            self.time = time
            self.key = key
        }
        @inlinable public static func < (a: Entry, b: Entry) -> Bool {
            a.time < b.time || (a.time == b.time && a.key < b.key)
        }
    }

    private struct Run {
        var entries: [Entry]
        /// Entries before this have been taken.
        var start = 0
        var count: Int { entries.count - start }
    }

    private var runs: [Run] = []
    private var tail: [Entry] = []
    private var tailLeast = Int64.max
    /// What the tail has room for from earlier entries.
    private var tailMost = 0
    public private(set) var count = 0

    private static let tailCountMax = 4096

    public init() {}

    /// The time of the first entry; nil if there is none.
    public var earliest: Int64? {
        if count == 0 { return nil }
        var least = tailLeast
        for run in runs { least = min(least, run.entries[run.start].time) }
        return least
    }

    public var byteCount: Int {
        let entries = runs.reduce(0) { $0 + $1.entries.count }
        return [Entry].grownBytes(max(tailMost, tail.count)) + entries * MemoryLayout<Entry>.stride
    }

    public mutating func insert(_ time: Int64, key: UInt64) {
        tail.append(Entry(time: time, key: key))
        tailLeast = min(tailLeast, time)
        count += 1
        if tail.count == TimeIndex.tailCountMax { closeTail() }
    }

    public mutating func insert(times: UnsafePointer<Int64>, keys: UnsafePointer<UInt64>, count n: Int) {
        for i in 0..<n { insert(times[i], key: keys[i]) }
    }

    /// Takes every entry with a time of at most `time`, in order, and appends them to `due`.
    public mutating func pop(through time: Int64, into due: inout [Entry]) {
        let before = due.count
        var sources = 0
        for index in runs.indices where runs[index].entries[runs[index].start].time <= time {
            let run = runs[index]
            let end = TimeIndex.firstAfter(time, run.entries, from: run.start)
            due += run.entries[run.start..<end]
            runs[index].start = end
            sources += 1
        }
        if sources > 0 { trimRuns() }
        if tailLeast <= time {
            takeFromTail(through: time, &due)
            // The sort finds the sorted stretches and merges them.
            sources = 2
        }
        if sources > 1 { due[before...].sort() }
        count -= due.count - before
    }

    private mutating func takeFromTail(through time: Int64, _ due: inout [Entry]) {
        var kept = 0
        tailLeast = .max
        for i in tail.indices {
            let entry = tail[i]
            if entry.time <= time {
                due.append(entry)
            } else {
                tail[kept] = entry
                tailLeast = min(tailLeast, entry.time)
                kept += 1
            }
        }
        tail.removeLast(tail.count - kept)
    }

    private static func firstAfter(_ time: Int64, _ entries: [Entry], from start: Int) -> Int {
        var (low, high) = (start, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].time <= time { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Empty runs go; one that is mostly taken gives its memory back.
    private mutating func trimRuns() {
        runs.removeAll { $0.count == 0 }
        for index in runs.indices where runs[index].start > runs[index].count {
            runs[index] = Run(entries: Array(runs[index].entries[runs[index].start...]))
        }
        mergeRuns()
    }

    private mutating func closeTail() {
        var run = Run(entries: tail)
        if !TimeIndex.isSorted(tail) { run.entries.sort() }
        tail.removeAll(keepingCapacity: true)
        tailMost = TimeIndex.tailCountMax
        tailLeast = .max
        runs.append(run)
        mergeRuns()
    }

    /// Brings back that each run is at least twice as long as the next.
    private mutating func mergeRuns() {
        var index = runs.count - 2
        while index >= 0 {
            if runs[index].count < 2 * runs[index + 1].count {
                runs[index] = TimeIndex.merge(runs[index], runs[index + 1])
                runs.remove(at: index + 1)
                // The longer run may now violate the rule with the one behind it, too.
                index = min(index + 1, runs.count - 1)
            }
            index -= 1
        }
    }

    private static func isSorted(_ entries: [Entry]) -> Bool {
        for i in 1..<max(1, entries.count) where entries[i] < entries[i - 1] { return false }
        return true
    }

    private static func merge(_ a: Run, _ b: Run) -> Run {
        let merged = [Entry](unsafeUninitializedCapacity: a.count + b.count) { out, n in
            // Bounds hold: i and j stay inside their runs, n counts what was written.
            a.entries.withUnsafeBufferPointer { x in
                b.entries.withUnsafeBufferPointer { y in
                    var (i, j) = (a.start, b.start)
                    while i < x.count && j < y.count {
                        if y[j] < x[i] {
                            out[n] = y[j]
                            j += 1
                        } else {
                            out[n] = x[i]
                            i += 1
                        }
                        n += 1
                    }
                    while i < x.count {
                        out[n] = x[i]
                        i += 1
                        n += 1
                    }
                    while j < y.count {
                        out[n] = y[j]
                        j += 1
                        n += 1
                    }
                }
            }
        }
        return Run(entries: merged)
    }
}
