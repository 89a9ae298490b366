/// The content of a file, as far as it can be told from outside: (mtime ns, size, inode).
struct FileVersion: Hashable, Sendable {
    var modified: Int64
    var size: Int64
    var inode: UInt64
    init(modified: Int64, size: Int64, inode: UInt64) {
        self.modified = modified
        self.size = size
        self.inode = inode
    }
    /// Of a file that was taken back because it vanished.
    static let gone = FileVersion(modified: 0, size: -1, inode: 0)
    init(_ status: FileStatus) { self.init(modified: status.modified, size: status.size, inode: status.inode) }
}

/// The files a directory source has taken, in the order it took them.
///
///     entries: 40 bytes each, in order      names: all paths, one after the other      slots: hash → entry + 1
///
/// A million files of 60-byte paths cost about 110 MB as a dictionary of strings and 104 bytes each here.
struct FileLedger: Sendable {
    struct Entry: Sendable {
        var nameEnd: Int
        var version: FileVersion
        /// The last listing that saw the path.
        var seen: UInt32
        /// A person was told that the file changed or vanished.
        var warned: Bool
    }
    private(set) var entries: [Entry] = []
    private var names: [UInt8] = []
    private var slots: [UInt32] = Array(repeating: 0, count: 64)

    static let types: [DataType] = [.string, .bigint, .bigint, .bigint]

    var count: Int { entries.count }

    private func nameRange(_ index: Int) -> Range<Int> {
        (index == 0 ? 0 : entries[index - 1].nameEnd)..<entries[index].nameEnd
    }
    func path(_ index: Int) -> String { String(decoding: names[nameRange(index)], as: UTF8.self) }

    private static func hash(_ path: String) -> UInt64 {
        var h: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in path.utf8 { h = (h ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return h ^ (h >> 32)
    }

    func index(of path: String) -> Int? {
        let mask = slots.count - 1
        var s = Int(truncatingIfNeeded: FileLedger.hash(path)) & mask
        while slots[s] != 0 {
            let index = Int(slots[s]) - 1
            if names[nameRange(index)].elementsEqual(path.utf8) { return index }
            s = (s + 1) & mask
        }
        return nil
    }

    /// Adds a file, or records another version of one that is there already.
    mutating func insert(_ path: String, _ version: FileVersion) {
        if let index = index(of: path) {
            entries[index].version = version
            return
        }
        names.append(contentsOf: path.utf8)
        entries.append(Entry(nameEnd: names.count, version: version, seen: 0, warned: false))
        if entries.count * 4 > slots.count * 3 {
            slots = Array(repeating: 0, count: slots.count * 2)
            for index in 0..<(entries.count - 1) { link(self.path(index), index) }
        }
        link(path, entries.count - 1)
    }
    private mutating func link(_ path: String, _ index: Int) {
        let mask = slots.count - 1
        var s = Int(truncatingIfNeeded: FileLedger.hash(path)) & mask
        while slots[s] != 0 { s = (s + 1) & mask }
        slots[s] = UInt32(index + 1)
    }

    mutating func markSeen(_ index: Int, listing: UInt32) { entries[index].seen = listing }
    mutating func markWarned(_ index: Int) { entries[index].warned = true }

    mutating func insert(_ rows: Batch) {
        let modified = rows.columns[1].pointer(Int64.self)
        let size = rows.columns[2].pointer(Int64.self)
        let inode = rows.columns[3].pointer(Int64.self)
        for row in 0..<rows.count {
            let path = String(decoding: rows.columns[0].bytes(row), as: UTF8.self)
            insert(
                path,
                FileVersion(modified: modified[row], size: size[row], inode: UInt64(bitPattern: inode[row])))
        }
    }

    func rows() -> Batch {
        FileLedger.rows(entries.indices.map { (path($0), entries[$0].version) })
    }

    static func rows(_ files: [(path: String, version: FileVersion)]) -> Batch {
        var paths = StringColumnBuilder(type: .string, capacity: max(files.count, 1))
        let values = (0..<3).map { _ in Buffer(byteCount: files.count * 8) }
        for (row, file) in files.enumerated() {
            var path = file.path
            path.withUTF8 { paths.append(UnsafeRawBufferPointer($0)) }
            values[0].pointer(Int64.self)[row] = file.version.modified
            values[1].pointer(Int64.self)[row] = file.version.size
            values[2].pointer(Int64.self)[row] = Int64(bitPattern: file.version.inode)
        }
        let numbers = values.map { Column(type: .bigint, count: files.count, values: $0) }
        return Batch(columns: [paths.finish()] + numbers, count: files.count)
    }
}
