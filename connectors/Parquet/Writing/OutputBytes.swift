import Glibc

/// Bytes on their way out: grows by doubling, is emptied and filled again. One owner.
final class OutputBytes {
    private(set) var base: UnsafeMutableRawPointer
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int = 4096) {
        self.capacity = capacity
        base = .allocate(byteCount: capacity, alignment: 64)
    }
    deinit { base.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// Room for `extra` bytes at the end; valid until the next reserve or append.
    func reserve(_ extra: Int) -> UnsafeMutableRawPointer {
        if count + extra > capacity {
            let larger = max(count + extra, capacity * 2)
            let memory = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 64)
            memcpy(memory, base, count)
            base.deallocate()
            base = memory
            capacity = larger
        }
        return base + count
    }
    /// Declares `n` bytes of the reserved room written.
    func advance(_ n: Int) {
        precondition(n >= 0 && count + n <= capacity)
        count += n
    }
    func append(_ source: UnsafeRawBufferPointer) {
        guard let from = source.baseAddress else { return }
        memcpy(reserve(source.count), from, source.count)
        count += source.count
    }
    func append(_ source: [UInt8]) { source.withUnsafeBytes { append($0) } }
    func append<T: FixedWidthInteger>(littleEndian value: T) {
        reserve(MemoryLayout<T>.size).storeBytes(of: value.littleEndian, as: T.self)
        count += MemoryLayout<T>.size
    }
    func removeAll() { count = 0 }
}
