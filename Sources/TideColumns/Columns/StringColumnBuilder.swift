import Glibc

/// Builds a string or binary column: short values go into the views, long ones are copied into heap buffers.
public struct StringColumnBuilder {
    public let type: DataType
    public private(set) var count = 0
    private var views: GrowableBuffer
    private var heap = HeapWriter()

    public init(type: DataType, capacity: Int = 16) {
        self.type = type
        views = GrowableBuffer(byteCapacity: capacity * 16)
    }

    @inlinable public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        append(bytes.baseAddress, bytes.count)
    }

    public mutating func append(_ base: UnsafeRawPointer?, _ length: Int) {
        let view: StringView
        if length <= StringView.inlineBytesMax {
            view = base.map { StringView(inline: $0, length: length) } ?? .empty
        } else {
            view = heap.append(base!, length)
        }
        views.append(view)
        count += 1
    }
    public mutating func appendEmpty() {
        views.append(StringView.empty)
        count += 1
    }
    /// A view that `heap(adopting:)` or an earlier append made valid.
    public mutating func append(view: StringView) {
        views.append(view)
        count += 1
    }

    public consuming func finish(validity: Bitmap? = nil) -> Column {
        Column(type: type, count: count, values: views.seal(), validity: validity, heap: heap.finish())
    }
}

/// Copies long values into buffers of at least 64 KiB and makes views of them.
public struct HeapWriter {
    private var buffers: [Buffer] = []
    private var used = 0
    private var capacity = 0
    private var nextBytes = 4096

    public init() {}

    public mutating func append(_ base: UnsafeRawPointer, _ length: Int) -> StringView {
        let (target, index, offset) = reserve(length)
        memcpy(target, base, length)
        return StringView(bytes: target, length: length, bufferIndex: index, offset: offset)
    }

    /// Room for `length` bytes that the caller writes before making a view of them.
    public mutating func reserve(_ length: Int) -> (UnsafeMutableRawPointer, bufferIndex: Int, offset: Int) {
        if capacity - used < length {
            let bytes = max(nextBytes, length)
            buffers.append(Buffer(byteCount: bytes))
            nextBytes = min(nextBytes * 4, 1 << 20)
            used = 0
            capacity = bytes
        }
        defer { used += length }
        return (buffers[buffers.count - 1].base + used, buffers.count - 1, used)
    }

    public consuming func finish() -> StringHeap { buffers.isEmpty ? .empty : StringHeap(buffers) }
}
