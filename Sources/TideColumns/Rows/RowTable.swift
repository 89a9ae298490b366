import CTideKernels
import Glibc

/// An open-addressing table of packed rows, ordered by hash: slot = top bits of the hash (behind those that the whole
/// partition shares), so a key group is a range of slots and iteration yields rows in nearly ascending hash order.
///
///     slots: [UInt64]   hash prefix (32 bits) | row number + 1 (32 bits); 0 is empty
///     rows:  chunks of 2^14 rows at fixed addresses; freed rows are reused
///     arena: bytes of key strings longer than 12
///
/// The prefix in the slot answers almost every comparison without touching the row, and growing reads the slots alone.
/// A layout with one-byte tags beside 32-bit row numbers was considered: it saves 3 bytes per slot but costs a second
/// miss per probe and needs the rows to grow.
///
/// Row addresses stay valid until the row is removed. Not thread safe: one partition, one owner at a time.
public final class RowTable: @unchecked Sendable {
    // Sendable: moved between workers under a partition's lock, never shared.
    public let layout: RowLayout
    public private(set) var count = 0

    // One owner at a time is the contract, so the run-time exclusivity checks would only cost (2 to 5 ns per access).
    @exclusivity(unchecked) private var slots: UnsafeMutablePointer<UInt64>
    @exclusivity(unchecked) private var slotBits: Int
    @exclusivity(unchecked) private var chunks: UnsafeMutablePointer<UnsafeMutableRawPointer>
    private var chunkCount = 0
    private var chunkCapacity = 16
    private var rowsUsed = 0
    private var freeRows: [UInt32] = []
    public let arena = RowArena()

    /// Leading hash bits that all keys of this table share (its partition); slots are numbered by the bits after them.
    private let leadBits: UInt64

    private static let chunkBits = 14
    private static let chunkRows = 1 << chunkBits
    private static let batchRows = 256

    public init(layout: RowLayout, leadBits: Int = 0, expectedRows: Int = 0) {
        self.layout = layout
        self.leadBits = UInt64(leadBits)
        var bits = 8
        while (1 << bits) * 3 / 4 < expectedRows { bits += 1 }
        slotBits = bits
        slots = RowTable.allocateSlots(bits)
        chunks = .allocate(capacity: chunkCapacity)
    }

    deinit {
        slots.deallocate()
        for i in 0..<chunkCount { chunks[i].deallocate() }
        chunks.deallocate()
    }

    private static func allocateSlots(_ bits: Int) -> UnsafeMutablePointer<UInt64> {
        let count = 1 << bits
        let raw = UnsafeMutableRawPointer.allocate(byteCount: count * 8, alignment: count >= 1 << 18 ? 1 << 21 : 64)
        if count >= 1 << 18 { madvise(raw, count * 8, MADV_HUGEPAGE) }
        memset(raw, 0, count * 8)
        return raw.bindMemory(to: UInt64.self, capacity: count)
    }

    /// Bytes this table has allocated.
    public var byteCount: Int {
        (1 << slotBits) * 8 + chunkCount * RowTable.chunkRows * layout.stride + arena.byteCount
    }

    @inline(__always) public func row(_ number: UInt32) -> UnsafeMutableRawPointer {
        chunks[Int(number) >> RowTable.chunkBits] + (Int(number) & (RowTable.chunkRows - 1)) * layout.stride
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
            if (count + size) * 4 > (1 << slotBits) * 3 { grow(for: count + size) }
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

    /// Two passes hide the two misses of a lookup: slots first, then the rows they name.
    @inline(__always) private func probe(
        _ keys: KeyImages, _ selection: UnsafePointer<UInt32>?, from start: Int, _ n: Int, inserting: Bool,
        _ emit: (Int, UnsafeMutableRawPointer?) -> Void
    ) {
        let hashes = UnsafePointer(keys.hashes.pointer(UInt64.self))
        let shift = UInt64(64 - slotBits)
        let mask = (1 << slotBits) - 1
        let slots = self.slots
        let imageBytes = layout.imageBytes
        let images = keys.images.base
        let lead = leadBits
        for i in 0..<n {
            let k = selection.map { Int($0[i]) } ?? start + i
            tide_prefetch_read(slots + Int(truncatingIfNeeded: (hashes[k] << lead) >> shift))
        }
        for i in 0..<n {
            let k = selection.map { Int($0[i]) } ?? start + i
            let h = hashes[k] << lead
            let slot = slots[Int(truncatingIfNeeded: h >> shift)]
            if slot >> 32 == h >> 32 && slot != 0 {
                let address = row(UInt32(truncatingIfNeeded: slot) &- 1)
                tide_prefetch_write(address)
                tide_prefetch_write(address + 64)
            }
        }
        for i in 0..<n {
            let k = selection.map { Int($0[i]) } ?? start + i
            let h = hashes[k] << lead
            let image = UnsafeRawPointer(images + k &* imageBytes)
            var s = Int(truncatingIfNeeded: h >> shift)
            while true {
                let slot = slots[s]
                if slot == 0 {
                    if !inserting {
                        emit(i, nil)
                    } else {
                        let number = newRow(hash: h, image: image, heap: keys.heap)
                        slots[s] = (h >> 32) << 32 | (UInt64(number) &+ 1)
                        emit(i, row(number))
                    }
                    break
                }
                if slot >> 32 == h >> 32 {
                    let candidate = row(UInt32(truncatingIfNeeded: slot) &- 1)
                    if equal(candidate, image, imageBytes, keys.heap) {
                        emit(i, candidate)
                        break
                    }
                }
                s = (s &+ 1) & mask
            }
        }
    }

    @inline(__always) private func equal(
        _ row: UnsafeMutableRawPointer, _ image: UnsafeRawPointer, _ bytes: Int, _ heap: StringHeap
    ) -> Bool {
        let key = UnsafeRawPointer(row + RowLayout.keyOffset)
        var at = 0
        while at < bytes {
            if key.loadUnaligned(fromByteOffset: at, as: UInt64.self)
                != image.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            {
                return layout.stringKeys.isEmpty ? false : equalThroughViews(row, image, heap)
            }
            at &+= 8
        }
        return longViewsAgree(row, heap)
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
                let b = image.loadUnaligned(fromByteOffset: offset - RowLayout.keyOffset, as: StringView.self)
                if !stringEqual(a, arena.bases, b, heap.bases) { return false }
            } else if memcmp(row + offset, image + offset - RowLayout.keyOffset, max(1, type.width)) != 0 {
                return false
            }
        }
        let nulls = (layout.keyTypes.count + 7) / 8
        return memcmp(row + layout.nullOffset, image + layout.nullOffset - RowLayout.keyOffset, nulls) == 0
    }

    // MARK: Insertion and removal

    private func newRow(hash: UInt64, image: UnsafeRawPointer, heap: StringHeap) -> UInt32 {
        let number: UInt32
        if let free = freeRows.popLast() {
            number = free
        } else {
            if rowsUsed == chunkCount * RowTable.chunkRows { addChunk() }
            precondition(rowsUsed < Int(UInt32.max) - 1, "a partition holds at most 2^32 - 2 rows")
            number = UInt32(rowsUsed)
            rowsUsed += 1
        }
        let address = row(number)
        address.storeBytes(of: UInt32(truncatingIfNeeded: hash >> 32), as: UInt32.self)
        address.storeBytes(of: 0, toByteOffset: RowLayout.markOffset, as: UInt32.self)
        memcpy(address + RowLayout.keyOffset, image, layout.imageBytes)
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

    @inline(never) private func addChunk() {
        if chunkCount == chunkCapacity {
            let larger = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: chunkCapacity * 2)
            for i in 0..<chunkCount { larger[i] = chunks[i] }
            chunks.deallocate()
            chunks = larger
            chunkCapacity *= 2
        }
        chunks[chunkCount] = .allocate(byteCount: RowTable.chunkRows * layout.stride, alignment: 64)
        chunkCount += 1
    }

    /// Forgets a row found earlier; its address becomes invalid. Strings stay in the arena until it is rebuilt.
    public func remove(_ address: UnsafeMutableRawPointer) {
        let prefix = UInt64(address.load(as: UInt32.self))
        let mask = (1 << slotBits) - 1
        // The slot is found by the prefix alone while the table has at most 2^32 slots.
        var s = slotBits <= 32 ? Int(prefix >> UInt64(32 - slotBits)) : 0
        while true {
            let slot = slots[s]
            precondition(slot != 0, "removed row is not in the table")
            if slot >> 32 == prefix && row(UInt32(truncatingIfNeeded: slot) &- 1) == address {
                freeRows.append(UInt32(truncatingIfNeeded: slot) &- 1)
                break
            }
            s = (s + 1) & mask
        }
        // Backward shift: move up later entries that may stand here, so that no tombstone is needed.
        var hole = s
        var next = (s + 1) & mask
        while slots[next] != 0 {
            let home = Int((slots[next] >> 32) >> UInt64(32 - slotBits))
            if ((next &- home) & mask) >= ((next &- hole) & mask) {
                slots[hole] = slots[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        slots[hole] = 0
        count -= 1
    }

    @inline(never) private func grow(for wanted: Int) {
        var bits = slotBits
        while wanted * 4 > (1 << bits) * 3 { bits += 1 }
        precondition(bits <= 32, "a partition holds at most 2^32 slots")
        let larger = RowTable.allocateSlots(bits)
        let mask = (1 << bits) - 1
        for i in 0..<(1 << slotBits) where slots[i] != 0 {
            var s = Int((slots[i] >> 32) >> UInt64(32 - bits))
            while larger[s] != 0 { s = (s + 1) & mask }
            larger[s] = slots[i]
        }
        slots.deallocate()
        slots = larger
        slotBits = bits
    }

    /// Every row, in slot order. The body must not insert or remove.
    public func forEachRow(_ body: (UnsafeMutableRawPointer) -> Void) {
        for i in 0..<(1 << slotBits) where slots[i] != 0 { body(row(UInt32(truncatingIfNeeded: slots[i]) &- 1)) }
    }
}

/// Bytes of long strings that rows own. Chunks never move.
public final class RowArena: @unchecked Sendable {
    // Sendable: owned by one table.
    private var writerUsed = 0
    private var capacity = 0
    private var buffers: [Buffer] = []
    private var table: UnsafeMutablePointer<UnsafeRawPointer>
    private var tableCapacity = 8
    public private(set) var byteCount = 0

    public init() {
        table = .allocate(capacity: tableCapacity)
        table.initialize(repeating: UnsafeRawPointer(table), count: tableCapacity)
    }
    deinit { table.deallocate() }

    public var bases: UnsafePointer<UnsafeRawPointer> { UnsafePointer(table) }

    public func append(_ bytes: UnsafeRawPointer, _ length: Int) -> StringView {
        if capacity - writerUsed < length {
            let size = max(length, buffers.isEmpty ? 4096 : 1 << 20)
            if buffers.count == tableCapacity {
                let larger = UnsafeMutablePointer<UnsafeRawPointer>.allocate(capacity: tableCapacity * 2)
                larger.initialize(repeating: UnsafeRawPointer(larger), count: tableCapacity * 2)
                for i in 0..<tableCapacity { larger[i] = table[i] }
                table.deallocate()
                table = larger
                tableCapacity *= 2
            }
            let buffer = Buffer(byteCount: size)
            table[buffers.count] = UnsafeRawPointer(buffer.base)
            buffers.append(buffer)
            byteCount += size
            writerUsed = 0
            capacity = size
        }
        let target = buffers[buffers.count - 1].base + writerUsed
        memcpy(target, bytes, length)
        defer { writerUsed += length }
        return StringView(bytes: target, length: length, bufferIndex: buffers.count - 1, offset: writerUsed)
    }

    /// A heap over the current chunks, for columns gathered from rows.
    public func heap() -> StringHeap { buffers.isEmpty ? .empty : StringHeap(buffers) }
}
