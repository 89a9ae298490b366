import Glibc

/// Bytes of long strings that rows own. Chunks never move and what is in them never changes, so columns may share them;
/// a column keeps the chunks it was made from alive, also when the owner has moved on to a rebuilt arena.
public final class RowArena: @unchecked Sendable {
    // Sendable: owned by one table.
    private var writerUsed = 0
    private var capacity = 0
    private var buffers: [Buffer] = []
    private var table: UnsafeMutablePointer<UnsafeRawPointer>
    private var tableCapacity = 8
    private var chunkBytes = 0
    /// Bytes appended, and how many of them nobody refers to any more.
    public private(set) var usedBytes = 0
    public private(set) var deadBytes = 0

    private static let chunkBytesMin = 4096
    private static let chunkBytesMax = 1 << 20
    /// What a buffer takes beside its bytes: padding, the object, the allocator's header and alignment.
    private static let bufferOverhead = Buffer.paddingBytes + 112

    public init() {
        table = .allocate(capacity: tableCapacity)
        table.initialize(repeating: UnsafeRawPointer(table), count: tableCapacity)
    }
    deinit { table.deallocate() }

    public var bases: UnsafePointer<UnsafeRawPointer> { UnsafePointer(table) }
    /// Bytes this arena has allocated.
    public var byteCount: Int { chunkBytes + [Buffer].grownBytes(buffers.count) + tableCapacity * 8 }

    public func append(_ bytes: UnsafeRawPointer, _ length: Int) -> StringView {
        if capacity - writerUsed < length { addChunk(for: length) }
        let target = buffers[buffers.count - 1].base + writerUsed
        memcpy(target, bytes, length)
        defer { writerUsed += length }
        usedBytes += length
        return StringView(bytes: target, length: length, bufferIndex: buffers.count - 1, offset: writerUsed)
    }

    /// An eighth of what is there: a small arena wastes little, a large one has few chunks.
    private func addChunk(for length: Int) {
        let size = max(length, min(RowArena.chunkBytesMax, max(RowArena.chunkBytesMin, (chunkBytes / 8) & ~4095)))
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
        chunkBytes += size + RowArena.bufferOverhead
        writerUsed = 0
        capacity = size
    }

    /// Says that the owner forgot a view; inline ones are ignored. The bytes go when the arena is rebuilt.
    @inline(__always) public func forget(_ view: StringView) {
        if !view.isInline { deadBytes += view.length }
    }

    /// Whether copying the live strings would give back more than half of an arena worth the work.
    public var isMostlyDead: Bool { deadBytes * 2 > usedBytes && usedBytes > 1 << 16 }

    /// A heap over the current chunks, for columns gathered from rows.
    public func heap() -> StringHeap { buffers.isEmpty ? .empty : StringHeap(buffers) }
}
