import Glibc

/// A buffer that doubles while it is filled by one owner and is sealed into the column it becomes.
public struct GrowableBuffer {
    private var buffer: Buffer
    public private(set) var byteCount = 0

    public init(byteCapacity: Int = 256) { buffer = Buffer(byteCount: max(byteCapacity, 64)) }

    @inline(__always) public mutating func append<T: BitwiseCopyable>(_ value: T) {
        reserve(MemoryLayout<T>.size)
        (buffer.base + byteCount).storeBytes(of: value, as: T.self)
        byteCount += MemoryLayout<T>.size
    }
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        reserve(bytes.count)
        memcpy(buffer.base + byteCount, source, bytes.count)
        byteCount += bytes.count
    }
    @inline(__always) private mutating func reserve(_ extra: Int) {
        if byteCount + extra > buffer.byteCount { grow(byteCount + extra) }
    }
    @inline(never) private mutating func grow(_ needed: Int) {
        let larger = Buffer(byteCount: max(needed, buffer.byteCount * 2))
        memcpy(larger.base, buffer.base, byteCount)
        buffer = larger
    }
    public var base: UnsafeMutableRawPointer { buffer.base }

    /// The bytes so far. The capacity behind them stays allocated; what follows them is zeroed for word loads.
    public consuming func seal() -> Buffer {
        memset(buffer.base + byteCount, 0, min(64, buffer.byteCount - byteCount))
        return buffer
    }
}
