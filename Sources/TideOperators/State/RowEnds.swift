import TideCheckpoints

/// A partition's entries in `DueTimes`, where they follow from a row and the time passed: each row has one at its end,
/// which never changes, or where the next of the windows ends that it belongs to; from the epoch that stores the row
/// first until the watermark has passed it. So an epoch's entries follow from its changes, and rows need not remember
/// theirs.
///
/// What ends by the time passed is gone, whatever the runs still show: it is never looked up, and needs no dead row.
struct RowEnds {
    var isKept = false
    /// Of the epoch in hand.
    private(set) var changes: [DueTimes.Entry] = []
    private var changesMost = 0
    /// Rows came back without entries; the next epoch makes them.
    private(set) var needsListing = false
    /// The stamp of the epoch that made them: the runs must have it before a row may leave.
    private var listed: UInt32 = 0

    mutating func askForListing() {
        needsListing = true
        listed = .max
    }

    /// - Parameter isLive: the row comes; false: it goes.
    mutating func note(_ time: Int64, hash: UInt64, isLive: Bool) {
        changes.append(DueTimes.Entry(time: time, hash: hash, isLive: isLive))
    }
    /// Every row of the partition has been noted.
    mutating func didList() { needsListing = false }

    /// Whether rows that leave memory would be found again.
    /// - Parameter flushed: the stamp of the epoch that the runs have.
    func allowEviction(_ flushed: UInt32) -> Bool { isKept && listed <= flushed }

    /// - Parameter stamp: of the epoch that was committed.
    mutating func endEpoch(stamp: UInt32) {
        if listed == .max && !needsListing { listed = stamp }
        changesMost = max(changesMost, changes.count)
        changes.removeAll(keepingCapacity: true)
    }

    /// Gives back the memory that a large epoch left for the next one. Between epochs only.
    mutating func shrink() {
        if changesMost > 1 << 16 { (changes, changesMost) = ([], 0) }
    }

    var byteCount: Int { [DueTimes.Entry].grownBytes(max(changesMost, changes.count)) }
}
