import CTideKernels
import Glibc

/// An open-addressing table of packed rows, ordered by hash: slot = hash · slots / 2^64 (of the bits behind those that
/// the whole partition shares), so a key group is a range of slots and iteration yields rows in nearly ascending hash
/// order.
///
///     slots: [UInt64]   hash prefix (32 bits) | row number + 1 (32 bits); 0 is empty
///     rows:  `RowStorage`; removed rows are reused
///     arena: bytes of key strings longer than 12
///
/// The prefix in the slot answers almost every comparison without touching the row, and growing reads the slots alone.
/// A layout with one-byte tags beside 32-bit row numbers was considered: it saves 3 bytes per slot but costs a second
/// miss per probe and needs the rows to grow.
///
/// At most three of four slots are taken. Sizes are 2^k and 3 · 2^k, so growing leaves half or more of that: 10.7 to 16
/// bytes of slots per row (doubling alone: up to 21.3).
///
/// Row addresses stay valid until the row is removed or the table compacted. Not thread safe: one partition, one owner
/// at a time.
public final class RowTable: @unchecked Sendable {
    // Sendable: moved between workers under a partition's lock, never shared.
    public let layout: RowLayout

    // One owner at a time is the contract, so the run-time exclusivity checks would only cost (2 to 5 ns per access).
    @exclusivity(unchecked) public internal(set) var count = 0
    @exclusivity(unchecked) var slots: UnsafeMutablePointer<UInt64>
    @exclusivity(unchecked) var slotCount: Int
    @exclusivity(unchecked) var storage: RowStorage
    @exclusivity(unchecked) public internal(set) var arena = RowArena()

    /// Leading hash bits that all keys of this table share (its partition); slots are numbered by the bits after them.
    let leadBits: UInt64

    static let batchRows = 256
    static let slotCountMin = 64

    /// - Parameter leadBits: at most 8, the bits of a key group.
    public init(layout: RowLayout, leadBits: Int = 0, expectedRows: Int = 0) {
        precondition(leadBits <= 8)
        self.layout = layout
        self.leadBits = UInt64(leadBits)
        slotCount = RowTable.slotCount(for: expectedRows, from: RowTable.slotCountMin)
        slots = RowTable.allocateSlots(slotCount)
        storage = RowStorage(stride: layout.stride)
    }

    deinit {
        LargeMemory.deallocate(slots, byteCount: slotCount * 8)
        storage.deallocate()
    }

    static func allocateSlots(_ count: Int) -> UnsafeMutablePointer<UInt64> {
        LargeMemory.allocateZeroed(count * 8).bindMemory(to: UInt64.self, capacity: count)
    }

    /// The first size from `start` on that holds `rows`.
    static func slotCount(for rows: Int, from start: Int) -> Int {
        var size = start
        while rows * 4 > size * 3 { size = size.nonzeroBitCount == 1 ? size / 2 * 3 : size / 3 * 4 }
        precondition(size <= 1 << 32, "a partition holds at most 2^32 slots")
        return size
    }

    /// Bytes this table has allocated.
    public var byteCount: Int { LargeMemory.reservedBytes(slotCount * 8) + storage.byteCount + arena.byteCount }

    @inline(__always) func row(inSlot slot: UInt64) -> UnsafeMutableRawPointer {
        storage.address(UInt32(truncatingIfNeeded: slot) &- 1)
    }
    /// Where a prefix belongs if nothing is in the way.
    @inline(__always) static func home(_ prefix: UInt64, _ slotCount: Int) -> Int {
        Int(truncatingIfNeeded: (prefix &* UInt64(truncatingIfNeeded: slotCount)) &>> 32)
    }

    // MARK: Batch lookups

    /// For each selected key the address of its row, inserted if missing (value area and mark zero).
    /// - Parameters:
    ///   - selection: positions in `keys`; nil means all of 0..<count.
    ///   - rows: room for `count` addresses.
    public func findOrInsert(
        _ keys: KeyImages, selection: UnsafePointer<UInt32>?, count n: Int,
        into rows: UnsafeMutablePointer<UnsafeMutableRawPointer>
    ) {
        var done = 0
        while done < n {
            let size = min(RowTable.batchRows, n - done)
            if (count + size) * 4 > slotCount * 3 { resize(for: count + size, from: slotCount) }
            probe(
                keys, selection.map { $0 + done }, from: selection == nil ? done : 0, size, inserting: true
            ) { index, row in rows[done + index] = row.unsafelyUnwrapped }
            done += size
        }
    }

    /// For each selected key the address of its row, or nil.
    public func find(
        _ keys: KeyImages, selection: UnsafePointer<UInt32>?, count n: Int,
        into rows: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    ) {
        var done = 0
        while done < n {
            let size = min(RowTable.batchRows, n - done)
            probe(
                keys, selection.map { $0 + done }, from: selection == nil ? done : 0, size, inserting: false
            ) { index, row in rows[done + index] = row }
            done += size
        }
    }

    /// Two passes hide the two misses of a lookup: slots first, then the rows they name. What the second finds in a
    /// key's first slot is what the third compares; only where that is another key's row, or none, is there a search.
    @inline(__always) private func probe(
        _ keys: KeyImages, _ selection: UnsafePointer<UInt32>?, from start: Int, _ n: Int, inserting: Bool,
        _ emit: (Int, UnsafeMutableRawPointer?) -> Void
    ) {
        let hashes = UnsafePointer(keys.hashes.pointer(UInt64.self))
        let slotCount = self.slotCount
        let slots = self.slots
        let imageBytes = layout.imageBytes
        let images = UnsafeRawPointer(keys.images.base)
        let lead = leadBits
        let lastByte = layout.stride - 1
        withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer?.self, capacity: n) { buffer in
            let candidates = buffer.baseAddress.unsafelyUnwrapped
            for i in 0..<n {
                let k = selection.map { Int($0[i]) } ?? start &+ i
                tide_prefetch_read(slots + RowTable.home((hashes[k] &<< lead) &>> 32, slotCount))
            }
            for i in 0..<n {
                let k = selection.map { Int($0[i]) } ?? start &+ i
                let prefix = (hashes[k] &<< lead) &>> 32
                let slot = slots[RowTable.home(prefix, slotCount)]
                if slot &>> 32 == prefix && slot != 0 {
                    let address = row(inSlot: slot)
                    tide_prefetch_write(address)
                    tide_prefetch_write(address + lastByte)
                    candidates[i] = address
                } else {
                    candidates[i] = nil
                }
            }
            for i in 0..<n {
                let k = selection.map { Int($0[i]) } ?? start &+ i
                let image = images + k &* imageBytes
                if let candidate = candidates[i], equal(candidate, image, imageBytes, keys.heap) {
                    emit(i, candidate)
                } else {
                    let prefix = (hashes[k] &<< lead) &>> 32
                    emit(i, search(prefix, image, keys.heap, inserting: inserting))
                }
            }
        }
    }

    /// The row of a key, wherever it is, or a new one.
    @inline(never) private func search(
        _ prefix: UInt64, _ image: UnsafeRawPointer, _ heap: StringHeap, inserting: Bool
    ) -> UnsafeMutableRawPointer? {
        var s = RowTable.home(prefix, slotCount)
        while true {
            let slot = slots[s]
            if slot == 0 {
                if !inserting { return nil }
                let number = newRow(image: image, heap: heap)
                slots[s] = prefix &<< 32 | (UInt64(number) &+ 1)
                return storage.address(number)
            }
            if slot &>> 32 == prefix {
                let candidate = row(inSlot: slot)
                if equal(candidate, image, layout.imageBytes, heap) { return candidate }
            }
            s &+= 1
            if s == slotCount { s = 0 }
        }
    }

    @inline(__always) private func equal(
        _ row: UnsafeMutableRawPointer, _ image: UnsafeRawPointer, _ bytes: Int, _ heap: StringHeap
    ) -> Bool {
        // The mark is no part of the key: the first word counts from its null bits on.
        var different = (row.load(as: UInt64.self) ^ image.load(as: UInt64.self)) &>> 32
        var at = RowLayout.keyOffset
        while at < bytes {
            different |=
                row.load(fromByteOffset: at, as: UInt64.self) ^ image.load(fromByteOffset: at, as: UInt64.self)
            at &+= 8
        }
        if layout.stringKeys.isEmpty { return different == 0 }
        return different == 0 ? longViewsAgree(row, heap) : equalThroughViews(row, image, heap)
    }

    /// Images that are equal bytes are equal keys only if no view is long: a long view names a place, and the same
    /// numbers mean different places in the arena and in the batch.
    @inline(__always) private func longViewsAgree(_ row: UnsafeMutableRawPointer, _ heap: StringHeap) -> Bool {
        for key in layout.stringKeys {
            let view = row.loadUnaligned(fromByteOffset: layout.keyOffsets[key], as: StringView.self)
            if !view.isInline
                && memcmp(
                    arena.bases[view.bufferIndex] + view.offset, heap.bases[view.bufferIndex] + view.offset,
                    view.length) != 0
            {
                return false
            }
        }
        return true
    }

    @inline(never) private func equalThroughViews(
        _ row: UnsafeMutableRawPointer, _ image: UnsafeRawPointer, _ heap: StringHeap
    ) -> Bool {
        for index in layout.keyTypes.indices {
            let offset = layout.keyOffsets[index]
            let type = layout.keyTypes[index].physical
            if type == .view {
                let a = row.loadUnaligned(fromByteOffset: offset, as: StringView.self)
                let b = image.loadUnaligned(fromByteOffset: offset, as: StringView.self)
                if !stringEqual(a, arena.bases, b, heap.bases) { return false }
            } else if memcmp(row + offset, image + offset, max(1, type.width)) != 0 {
                return false
            }
        }
        let nulls = RowLayout.nullOffset
        return row.load(fromByteOffset: nulls, as: UInt32.self) == image.load(fromByteOffset: nulls, as: UInt32.self)
            && memcmp(row + layout.fieldsEnd, image + layout.fieldsEnd, layout.wideNullBytes) == 0
    }

    // MARK: Insertion

    private func newRow(image: UnsafeRawPointer, heap: StringHeap) -> UInt32 {
        let number = storage.take()
        let address = storage.address(number)
        memcpy(address, image, layout.imageBytes)
        memset(address + layout.valueOffset, 0, layout.valueBytes)
        for key in layout.stringKeys {
            let field = address + layout.keyOffsets[key]
            let view = field.loadUnaligned(as: StringView.self)
            if !view.isInline {
                field.storeBytes(
                    of: arena.append(heap.bases[view.bufferIndex] + view.offset, view.length), as: StringView.self)
            }
        }
        count += 1
        return number
    }

    /// Old and new slots have one order, so both are walked from end to end.
    @inline(never) func resize(for rows: Int, from start: Int) {
        let size = RowTable.slotCount(for: rows, from: start)
        let resized = RowTable.allocateSlots(size)
        for i in 0..<slotCount where slots[i] != 0 {
            var s = RowTable.home(slots[i] &>> 32, size)
            while resized[s] != 0 {
                s &+= 1
                if s == size { s = 0 }
            }
            resized[s] = slots[i]
        }
        LargeMemory.deallocate(slots, byteCount: slotCount * 8)
        slots = resized
        slotCount = size
    }

    /// Every row, in slot order. The body must not insert or remove.
    public func forEachRow(_ body: (UnsafeMutableRawPointer) -> Void) {
        for i in 0..<slotCount where slots[i] != 0 { body(row(inSlot: slots[i])) }
    }
}
