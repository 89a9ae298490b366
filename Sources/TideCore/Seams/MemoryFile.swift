import Glibc
import Synchronization

/// A file that lies in memory: for small files that travel inside a log record, and for tests. `sync` does nothing.
public final class MemoryFile: File, Sendable {
    public let path: FilePath
    private let content: Mutex<[UInt8]>

    public init(_ path: FilePath = "memory", bytes: [UInt8] = []) {
        self.path = path
        content = Mutex(bytes)
    }

    /// The whole content so far.
    public var bytes: [UInt8] { content.withLock { $0 } }

    public func size() throws(TidemillError) -> Int64 { content.withLock { Int64($0.count) } }

    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(TidemillError) -> Int {
        content.withLock { bytes in
            guard offset >= 0, offset < Int64(bytes.count) else { return 0 }
            let count = min(buffer.count, bytes.count - Int(offset))
            bytes.withUnsafeBytes { source in
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[Int(offset)..<(Int(offset) + count)]))
            }
            return count
        }
    }

    public func write(_ source: UnsafeRawBufferPointer, at offset: Int64) throws(TidemillError) {
        guard offset >= 0 else {
            throw TidemillError(
                .io, "TIDEMILL_IO", "write before the start of the file", place: .file(path.string), errno: EINVAL)
        }
        content.withLock { bytes in
            let start = Int(offset)
            let end = start + source.count
            if start == bytes.count {
                bytes.append(contentsOf: source)
                return
            }
            if end > bytes.count { bytes.append(contentsOf: repeatElement(0, count: end - bytes.count)) }
            bytes.withUnsafeMutableBytes { target in
                UnsafeMutableRawBufferPointer(rebasing: target[start..<end]).copyMemory(from: source)
            }
        }
    }

    public func sync() throws(TidemillError) {}

    public func truncate(to size: Int64) throws(TidemillError) {
        content.withLock { bytes in
            let wanted = max(0, Int(size))
            if wanted < bytes.count {
                bytes.removeSubrange(wanted...)
            } else {
                bytes.append(contentsOf: repeatElement(0, count: wanted - bytes.count))
            }
        }
    }

    public func close() {}
}
