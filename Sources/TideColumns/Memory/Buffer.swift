import Glibc

/// A block of bytes: 64-byte aligned, with at least 64 readable bytes after its end, so kernels may load whole words.
///
/// A buffer is written by the one builder that created it and never after it became part of a column; from then on any
/// number of threads read it. That is why it is Sendable.
public final class Buffer: @unchecked Sendable {
    public static let alignment = 64
    public static let paddingBytes = 64

    public let base: UnsafeMutableRawPointer
    public let byteCount: Int

    /// Uninitialized but for the padding, which is zero.
    public init(byteCount: Int) {
        precondition(byteCount >= 0)
        self.byteCount = byteCount
        var memory: UnsafeMutableRawPointer?
        let code = posix_memalign(&memory, Buffer.alignment, byteCount + Buffer.paddingBytes)
        guard code == 0, let memory else { preconditionFailure("out of memory: \(byteCount) bytes") }
        memset(memory + byteCount, 0, Buffer.paddingBytes)
        base = memory
    }

    public static func zeroed(byteCount: Int) -> Buffer {
        let buffer = Buffer(byteCount: byteCount)
        memset(buffer.base, 0, byteCount)
        return buffer
    }

    public convenience init(copying bytes: UnsafeRawBufferPointer) {
        self.init(byteCount: bytes.count)
        if let source = bytes.baseAddress { memcpy(base, source, bytes.count) }
    }

    deinit { free(base) }

    @inlinable public func pointer<T: BitwiseCopyable>(_ type: T.Type = T.self) -> UnsafeMutablePointer<T> {
        base.assumingMemoryBound(to: T.self)
    }
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: byteCount) }
}
