import Glibc
import TideColumns

/// Field texts that differ from what the file says: unescaped, repaired, replaced. Becomes heap buffer 1 of string
/// columns.
struct SideText {
    /// Number kernels load up to eight bytes before a value's end.
    private static let headroom = 8
    private(set) var buffer = Buffer(byteCount: 64)
    private var used = headroom

    var bytes: UnsafePointer<UInt8> { UnsafePointer(buffer.pointer(UInt8.self)) }

    /// Starts over, leaving the old buffer to the batches that point into it.
    mutating func clear() {
        if used > SideText.headroom { self = SideText() }
    }

    /// Offset of the copy.
    mutating func append(_ text: UnsafeRawBufferPointer) -> Int {
        if buffer.byteCount - used < text.count {
            let larger = Buffer(byteCount: max(used + text.count, buffer.byteCount * 2, 4096))
            memcpy(larger.base, buffer.base, used)
            buffer = larger
        }
        if let source = text.baseAddress { memcpy(buffer.base + used, source, text.count) }
        defer { used += text.count }
        return used
    }
}
