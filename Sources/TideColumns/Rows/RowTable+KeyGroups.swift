// A key group (the top 8 bits of the hash) is a range of slots, but for entries that probing put behind its end.

extension RowTable {
    public static let keyGroups = KeyGroup.count

    /// The slots that can hold rows of a group: `count` of them from `start` on, around the end of the table, and then
    /// all up to the next empty one.
    private func slotRange(_ group: Int) -> (start: Int, count: Int, local: UInt64, shift: UInt64) {
        let bits = 8 - leadBits
        let local = UInt64(group) & ((1 << bits) - 1)
        let shift = 32 - bits
        let start = RowTable.home(local << shift, slotCount)
        let last = RowTable.home(((local + 1) << shift) - 1, slotCount)
        return (start, last - start + 1, local, shift)
    }

    /// Every row of a key group; the body must not insert or remove. Groups of other partitions are not told apart: ask
    /// for those of this table alone.
    public func forEachRow(ofKeyGroup group: Int, _ body: (UnsafeMutableRawPointer) -> Void) {
        let range = slotRange(group)
        var s = range.start
        for step in 0..<slotCount {
            let slot = slots[s]
            if slot == 0 {
                if step >= range.count { return }
            } else if (slot &>> 32) &>> range.shift == range.local {
                body(row(inSlot: slot))
            }
            s = s + 1 == slotCount ? 0 : s + 1
        }
    }

    /// Takes the rows of a key group out for which `shouldGo` says so, in one walk over its slots.
    /// - Parameter shouldGo: the last call that sees the row; must not change the table.
    /// - Returns: how many went.
    @discardableResult
    public func removeRows(ofKeyGroup group: Int, where shouldGo: (UnsafeMutableRawPointer) -> Bool) -> Int {
        let range = slotRange(group)
        var s = range.start
        var step = 0
        var removed = 0
        while step < slotCount {
            let slot = slots[s]
            if slot == 0 {
                if step >= range.count { break }
            } else if (slot &>> 32) &>> range.shift == range.local && shouldGo(row(inSlot: slot)) {
                // A later entry stands here now, or none.
                clear(slotAt: s)
                removed += 1
                continue
            }
            s = s + 1 == slotCount ? 0 : s + 1
            step += 1
        }
        return removed
    }
}
