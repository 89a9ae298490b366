import Glibc

/// Bytes of one result while it is put together; reused from row to row.
struct ByteScratch: ~Copyable {
    private(set) var base: UnsafeMutableRawPointer
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int = 256) {
        self.capacity = capacity
        base = .allocate(byteCount: capacity, alignment: 16)
    }
    deinit { base.deallocate() }

    mutating func clear() { count = 0 }

    @inline(__always) mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        append(source, bytes.count)
    }
    @inline(__always) mutating func append(_ source: UnsafeRawPointer, _ length: Int) {
        reserve(length)
        memcpy(base + count, source, length)
        count &+= length
    }
    @inline(__always) mutating func append(_ byte: UInt8) {
        reserve(1)
        (base + count).storeBytes(of: byte, as: UInt8.self)
        count &+= 1
    }
    mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }
    @inline(__always) private mutating func reserve(_ extra: Int) {
        if count &+ extra > capacity { grow(count + extra) }
    }
    @inline(never) private mutating func grow(_ needed: Int) {
        let larger = max(needed, capacity * 2)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        memcpy(memory, base, count)
        base.deallocate()
        base = memory
        capacity = larger
    }
}

/// One text per row, put together by `write`. Rows under NULL are composed from empty values.
@inline(__always)
func composed(_ call: KernelCall, _ write: (Int, inout ByteScratch) -> Void) -> Column {
    var builder = StringColumnBuilder(type: call.resultType, capacity: call.rowCount)
    var scratch = ByteScratch()
    for row in 0..<call.rowCount {
        scratch.clear()
        write(row, &scratch)
        builder.append(scratch.base, scratch.count)
    }
    return builder.finish()
}
