import CTideKernels

// Taking rows out. The hole is closed by moving later entries up, so that no tombstone is left.

extension RowTable {
    /// Forgets a row found earlier; its address becomes invalid.
    public func remove(_ address: UnsafeMutableRawPointer) {
        remove(address, hash: hashPackedRow(address, layout, arena.bases))
    }

    /// Forgets many rows, each of which is in the table and stands there once.
    public func remove(_ rows: UnsafePointer<UnsafeMutableRawPointer>, count n: Int) {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: RowTable.batchRows) { hashes in
            var done = 0
            while done < n {
                let size = min(RowTable.batchRows, n - done)
                for i in 0..<size {
                    hashes[i] = hashPackedRow(rows[done + i], layout, arena.bases)
                    tide_prefetch_write(slots + RowTable.home((hashes[i] &<< leadBits) &>> 32, slotCount))
                }
                for i in 0..<size { remove(rows[done + i], hash: hashes[i]) }
                done += size
            }
        }
    }

    private func remove(_ address: UnsafeMutableRawPointer, hash: UInt64) {
        let prefix = (hash &<< leadBits) &>> 32
        var s = RowTable.home(prefix, slotCount)
        while true {
            let slot = slots[s]
            precondition(slot != 0, "removed row is not in the table")
            if slot &>> 32 == prefix && row(inSlot: slot) == address { break }
            s = s + 1 == slotCount ? 0 : s + 1
        }
        clear(slotAt: s)
    }

    /// Takes out the row of slot `s`, which afterwards holds a later entry or nothing.
    func clear(slotAt s: Int) {
        let address = row(inSlot: slots[s])
        for key in layout.stringKeys {
            arena.forget(address.loadUnaligned(fromByteOffset: layout.keyOffsets[key], as: StringView.self))
        }
        storage.giveBack(UInt32(truncatingIfNeeded: slots[s]) &- 1)
        count -= 1
        var hole = s
        var next = s
        while true {
            next = next + 1 == slotCount ? 0 : next + 1
            let slot = slots[next]
            if slot == 0 { break }
            // It may move up if its home is not behind the hole.
            if distance(RowTable.home(slot &>> 32, slotCount), next) >= distance(hole, next) {
                slots[hole] = slot
                hole = next
            }
        }
        slots[hole] = 0
    }

    private func distance(_ from: Int, _ to: Int) -> Int { to >= from ? to - from : to - from + slotCount }
}
