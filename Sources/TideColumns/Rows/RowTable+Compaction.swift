import Glibc

// Giving memory back after many rows went.

extension RowTable {
    /// Rows that were removed and whose memory waits for others.
    public var freeRows: Int { storage.freeCount }

    /// Whether `compact` would give back more than half of the rows' memory, and enough to be worth a walk; of an empty
    /// table, whether it would give back anything.
    public var isSparse: Bool {
        if count == 0 { return storage.used > 0 || slotCount > RowTable.slotCountMin || arena.usedBytes > 0 }
        return storage.freeCount > count && storage.freeCount * layout.stride > 1 << 16
    }

    /// Between epochs, after rows may have gone: `compact` if it is worth it.
    /// - Returns: whether rows have moved, or none is left.
    @discardableResult
    public func settle(_ moved: (UnsafeMutableRawPointer, UnsafeMutableRawPointer) -> Void = { _, _ in }) -> Bool {
        guard isSparse else { return false }
        compact(moved)
        return true
    }

    /// Moves rows into the place of removed ones, until they are dense, and gives the rest of the memory back; slots
    /// shrink to fit. Needs no memory beside the list of free numbers.
    /// - Parameter moved: old and new address of every row that moves; both are readable during the call. Addresses
    ///   that nobody updates here must not be used afterwards.
    public func compact(_ moved: (UnsafeMutableRawPointer, UnsafeMutableRawPointer) -> Void = { _, _ in }) {
        if storage.freeCount > 0 {
            // As many numbers below `count` are free as rows stand above it.
            var free = storage.freeNumbers(below: count)
            for s in 0..<slotCount where slots[s] != 0 {
                let number = UInt32(truncatingIfNeeded: slots[s]) &- 1
                if Int(number) < count { continue }
                guard let target = free.popLast() else { preconditionFailure("more rows than numbers") }
                let (old, new) = (storage.address(number), storage.address(target))
                memcpy(new, old, layout.stride)
                slots[s] = (slots[s] &>> 32) &<< 32 | (UInt64(target) &+ 1)
                moved(old, new)
            }
            storage.truncate(to: count)
        }
        if RowTable.slotCount(for: count, from: RowTable.slotCountMin) * 2 <= slotCount {
            resize(for: count, from: RowTable.slotCountMin)
        }
        reclaimStrings()
    }

    /// Copies the live long strings to a new arena if most of the old one is dead. Row addresses stay; columns made
    /// from the old arena keep it alive.
    public func reclaimStrings() {
        guard arena.isMostlyDead || (count == 0 && arena.usedBytes > 0) else { return }
        let fresh = RowArena()
        let bases = arena.bases
        forEachRow { row in
            for key in layout.stringKeys {
                let field = row + layout.keyOffsets[key]
                let view = field.loadUnaligned(as: StringView.self)
                if view.isInline { continue }
                field.storeBytes(
                    of: fresh.append(bases[view.bufferIndex] + view.offset, view.length), as: StringView.self)
            }
        }
        arena = fresh
    }
}
