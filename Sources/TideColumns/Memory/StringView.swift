import Glibc

/// Arrow's string view: 16 bytes.
///
///     length ≤ 12:  | length u32 | 12 bytes, zero padded                        |
///     longer:       | length u32 | first 4 bytes | buffer index u32 | offset u32 |
///
/// A value of at most 12 bytes is always inline, so two inline views are equal exactly when their words are, and a view
/// whose first word differs from another's never equals it.
public struct StringView: BitwiseCopyable, Sendable {
    /// Length in the low half, the first four bytes in the high half.
    public var low: UInt64
    /// Bytes 4 to 11, or buffer index (low half) and offset (high half).
    public var high: UInt64

    @inlinable public init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }
    @inlinable public static var inlineBytesMax: Int { 12 }
    @inlinable public static var empty: StringView { StringView(low: 0, high: 0) }

    @inlinable public var length: Int { Int(truncatingIfNeeded: low & 0xFFFF_FFFF) }
    @inlinable public var isInline: Bool { length <= 12 }
    @inlinable public var bufferIndex: Int { Int(truncatingIfNeeded: high & 0xFFFF_FFFF) }
    @inlinable public var offset: Int { Int(truncatingIfNeeded: high >> 32) }

    /// An inline view of `length` ≤ 12 bytes. Reads only those bytes.
    @inlinable public init(inline bytes: UnsafeRawPointer, length: Int) {
        var words: (UInt64, UInt64) = (UInt64(length), 0)
        withUnsafeMutableBytes(of: &words) { target in
            _ = memcpy(target.baseAddress! + 4, bytes, length)
        }
        low = UInt64(littleEndian: words.0)
        high = UInt64(littleEndian: words.1)
    }

    /// An inline view of `length` ≤ 12 bytes, by two loads. At least 12 bytes must be readable at `bytes`.
    @inlinable public init(inlineLoading bytes: UnsafeRawPointer, length: Int) {
        let a = bytes.loadUnaligned(as: UInt32.self)
        let b = (bytes + 4).loadUnaligned(as: UInt64.self)
        let first = length >= 4 ? a : a & ((1 &<< UInt32(truncatingIfNeeded: length &* 8)) &- 1)
        let rest = length >= 12 ? b : (length <= 4 ? 0 : b & ((1 &<< UInt64((length &- 4) &* 8)) &- 1))
        low = UInt64(length) | (UInt64(first) << 32)
        high = rest
    }

    /// A view of bytes that lie in a buffer of the column's heap. `length` > 12.
    @inlinable public init(bytes: UnsafeRawPointer, length: Int, bufferIndex: Int, offset: Int) {
        let prefix = bytes.loadUnaligned(as: UInt32.self)
        low = UInt64(length) | (UInt64(prefix) << 32)
        high = UInt64(bufferIndex) | (UInt64(offset) << 32)
    }
}

/// Where a view's bytes are. `views + index` must stay valid while the result is used, because short values are inline.
@inlinable public func stringBytes(
    _ views: UnsafePointer<StringView>, _ index: Int, _ bases: UnsafePointer<UnsafeRawPointer>
) -> UnsafeRawBufferPointer {
    let view = views[index]
    if view.isInline {
        return UnsafeRawBufferPointer(start: UnsafeRawPointer(views + index) + 4, count: view.length)
    }
    return UnsafeRawBufferPointer(start: bases[view.bufferIndex] + view.offset, count: view.length)
}

/// Equality of two string values that may lie in different heaps.
@inlinable public func stringEqual(
    _ a: StringView, _ aBases: UnsafePointer<UnsafeRawPointer>, _ b: StringView,
    _ bBases: UnsafePointer<UnsafeRawPointer>
) -> Bool {
    if a.low != b.low { return false }
    if a.isInline { return a.high == b.high }
    return memcmp(aBases[a.bufferIndex] + a.offset, bBases[b.bufferIndex] + b.offset, a.length) == 0
}

/// The byte buffers that the long views of a column point into.
public final class StringHeap: @unchecked Sendable {
    // Sendable: immutable after init.
    public let buffers: [Buffer]
    /// Base address of each buffer; never empty, so that it can be passed on without a test.
    public let bases: UnsafePointer<UnsafeRawPointer>

    public init(_ buffers: [Buffer]) {
        self.buffers = buffers
        let table = UnsafeMutablePointer<UnsafeRawPointer>.allocate(capacity: max(buffers.count, 1))
        table.initialize(repeating: UnsafeRawPointer(table), count: max(buffers.count, 1))
        for (index, buffer) in buffers.enumerated() { table[index] = UnsafeRawPointer(buffer.base) }
        bases = UnsafePointer(table)
    }
    deinit { bases.deallocate() }

    public static let empty = StringHeap([])
    public var byteCount: Int { buffers.reduce(0) { $0 + $1.byteCount } }
}
