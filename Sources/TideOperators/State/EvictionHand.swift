/// Which rows of a partition leave memory: those that were not touched for longest, as a sample tells. A hand goes from
/// key group to key group, so that each is the sample in turn.
struct EvictionHand {
    private var group = 0

    /// The stamp up to which clean rows must go so that about `rows` of them do.
    mutating func stamp(_ rows: Int, of table: RowTable, flushed: UInt32, groups: Range<Int>) -> UInt32 {
        if !groups.contains(group) { group = groups.lowerBound }
        var stamps: [UInt32] = []
        table.forEachRow(ofKeyGroup: group) { row in
            let mark = row.load(fromByteOffset: RowLayout.markOffset, as: UInt32.self)
            if RowStamp.isClean(mark, through: flushed) { stamps.append(RowStamp.stamp(mark)) }
        }
        group += 1
        let share = (rows + groups.count - 1) / groups.count
        if share >= stamps.count { return flushed }
        stamps.sort()
        return stamps[share]
    }
}
