import Glibc
import Synchronization

/// A file that stays in memory until it outgrows a limit, and then moves to its path. Small epochs travel inside the
/// commit record and never touch the disk on their own.
final class SpillingFile: File, @unchecked Sendable {
    // Sendable: one writer at a time is the contract of File; readers come after the writer is done.
    let path: FilePath
    private let limit: Int
    private let files: (any FileSystem)?
    private var memory: UnsafeMutableRawPointer
    private var capacity = 1 << 16
    private var count = 0
    private var disk: (any File)?

    /// - Parameters:
    ///   - limit: bytes kept in memory.
    ///   - files: where the rest goes; nil: everything stays in memory.
    init(path: FilePath, limit: Int = .max, files: (any FileSystem)? = nil) {
        self.path = path
        self.limit = limit
        self.files = files
        memory = .allocate(byteCount: capacity, alignment: 64)
    }
    /// A file in memory with this content.
    convenience init(path: FilePath, bytes: [UInt8]) {
        self.init(path: path)
        bytes.withUnsafeBytes { store($0, at: 0) }
    }
    deinit { memory.deallocate() }

    /// The content while it is in memory.
    var bytes: [UInt8]? {
        disk == nil ? Array(UnsafeRawBufferPointer(start: memory, count: count)) : nil
    }
    var isSpilled: Bool { disk != nil }

    func size() throws(TidemillError) -> Int64 { try disk?.size() ?? Int64(count) }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(TidemillError) -> Int {
        if let disk { return try disk.read(into: buffer, at: offset) }
        guard offset >= 0, offset < Int64(count), let target = buffer.baseAddress else { return 0 }
        let n = min(buffer.count, count - Int(offset))
        memcpy(target, memory + Int(offset), n)
        return n
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(TidemillError) {
        if let disk { return try disk.write(bytes, at: offset) }
        if let files, Int(offset) + bytes.count > limit {
            let file = try files.open(path, .createNew)
            disk = file
            try file.write(UnsafeRawBufferPointer(start: memory, count: count), at: 0)
            return try file.write(bytes, at: offset)
        }
        store(bytes, at: Int(offset))
    }
    private func store(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        guard let source = bytes.baseAddress else { return }
        let end = offset + bytes.count
        if end > capacity {
            let larger = max(end, capacity * 2)
            let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 64)
            memcpy(moved, memory, count)
            memory.deallocate()
            memory = moved
            capacity = larger
        }
        if offset > count { memset(memory + count, 0, offset - count) }
        memcpy(memory + offset, source, bytes.count)
        count = max(count, end)
    }

    func sync() throws(TidemillError) { try disk?.sync() }
    func truncate(to size: Int64) throws(TidemillError) {
        if let disk { return try disk.truncate(to: size) }
        if size < Int64(count) {
            count = Int(size)
        } else if size > Int64(count) {
            let zeros = [UInt8](repeating: 0, count: Int(size) - count)
            zeros.withUnsafeBytes { store($0, at: count) }
        }
    }
    func close() { disk?.close() }
}
