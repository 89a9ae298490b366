// Rows by their hash alone, for those who know a key's hash and not the key.

extension RowTable {
    /// The hash of a row's key; rows do not keep it.
    public func hash(of row: UnsafeMutableRawPointer) -> UInt64 { hashPackedRow(row, layout, arena.bases) }

    /// Every row with this hash: one as a rule, and more if keys collide. The body must not insert or remove.
    public func forEachRow(ofHash hash: UInt64, _ body: (UnsafeMutableRawPointer) -> Void) {
        let prefix = (hash &<< leadBits) &>> 32
        var s = RowTable.home(prefix, slotCount)
        // Some slot is empty: at most three of four are taken.
        while slots[s] != 0 {
            if slots[s] &>> 32 == prefix {
                let found = row(inSlot: slots[s])
                if self.hash(of: found) == hash { body(found) }
            }
            s = s + 1 == slotCount ? 0 : s + 1
        }
    }
}
