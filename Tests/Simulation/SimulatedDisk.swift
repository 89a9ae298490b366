import TideCore

/// What the simulated disk holds, twice: as programs see it now, and as a power cut would leave it at least.
///
/// Fault model. A sector of 512 bytes is written whole or not at all. A power cut keeps any subset of the sectors
/// written since the last sync of their file, any length between the durable and the current one, and any subset of the
/// directory operations since the last sync of their directory, each whole (a rename never loses both names).
struct SimulatedDisk {
    static let sectorBytes = 512
    static let root = 0

    struct Inode {
        var isDirectory = false
        /// As programs see it.
        var content: [UInt8] = []
        /// As it is on the platter.
        var durable: [UInt8] = []
        /// Sectors that differ, perhaps.
        var dirty: Set<Int> = []
        /// Sectors that a failed sync dropped: readable, but no later sync writes them.
        var dropped: Set<Int> = []
        var entries: [String: Int] = [:]
        var durableEntries: [String: Int] = [:]
        var modified: Int64 = 0
    }

    /// One directory operation: names set to an inode, or removed.
    struct Change {
        var directory: Int
        var name: String
        var inode: Int?
    }

    var inodes: [Int: Inode] = [root: Inode(isDirectory: true)]
    var nextInode = 1
    /// Directory operations that are not durable, oldest first.
    var pending: [[Change]] = []
    var ticks: Int64 = 0

    func lookUp(_ path: FilePath) -> Int? {
        var inode = SimulatedDisk.root
        for component in path.components {
            guard let next = inodes[inode]?.entries[component.string] else { return nil }
            inode = next
        }
        return inode
    }

    mutating func add(directory isDirectory: Bool) -> Int {
        defer { nextInode += 1 }
        ticks += 1
        inodes[nextInode] = Inode(isDirectory: isDirectory, modified: ticks)
        return nextInode
    }

    mutating func apply(_ changes: [Change]) {
        for change in changes { inodes[change.directory]?.entries[change.name] = change.inode }
        pending.append(changes)
    }

    mutating func write(_ inode: Int, _ bytes: UnsafeRawBufferPointer, at offset: Int) {
        guard var file = inodes.removeValue(forKey: inode) else { return }
        let end = offset + bytes.count
        let before = file.content.count
        if before < end { file.content.append(contentsOf: repeatElement(0, count: end - before)) }
        file.content.withUnsafeMutableBytes { target in
            UnsafeMutableRawBufferPointer(rebasing: target[offset..<end]).copyMemory(from: bytes)
        }
        for sector in (min(offset, before) / SimulatedDisk.sectorBytes)..<((end + 511) / SimulatedDisk.sectorBytes) {
            file.dirty.insert(sector)
            file.dropped.remove(sector)
        }
        ticks += 1
        file.modified = ticks
        inodes[inode] = file
    }

    mutating func truncate(_ inode: Int, to size: Int) {
        guard var file = inodes.removeValue(forKey: inode) else { return }
        let old = file.content.count
        if size < old {
            file.content.removeLast(old - size)
        } else {
            file.content.append(contentsOf: repeatElement(0, count: size - old))
        }
        let end = (max(size, old) + 511) / SimulatedDisk.sectorBytes
        for sector in (min(size, old) / SimulatedDisk.sectorBytes)..<end {
            file.dirty.insert(sector)
        }
        inodes[inode] = file
    }

    mutating func sync(_ inode: Int) {
        guard var file = inodes.removeValue(forKey: inode) else { return }
        var image = file.content
        for sector in file.dropped { SimulatedDisk.copy(sector, from: file.durable, to: &image) }
        file.durable = image
        file.dirty = []
        inodes[inode] = file
    }

    /// A sync that failed, as Linux has it: the pages count as clean afterwards.
    mutating func drop(_ inode: Int) {
        guard var file = inodes.removeValue(forKey: inode) else { return }
        file.dropped.formUnion(file.dirty)
        file.dirty = []
        inodes[inode] = file
    }

    mutating func syncDirectory(_ directory: Int) {
        var rest: [[Change]] = []
        for changes in pending {
            guard changes.contains(where: { $0.directory == directory }) else {
                rest.append(changes)
                continue
            }
            makeDurable(changes)
        }
        pending = rest
    }

    private mutating func makeDurable(_ changes: [Change]) {
        for change in changes { inodes[change.directory]?.durableEntries[change.name] = change.inode }
    }

    /// The disk after a power cut.
    func crashed(seed: UInt64) -> SimulatedDisk {
        var generator = SeededGenerator(seed: seed)
        var after = self
        // Some cuts keep nearly all, some nearly nothing.
        let keep = Double.random(in: 0...1, using: &generator)
        for changes in pending where Double.random(in: 0..<1, using: &generator) < keep { after.makeDurable(changes) }
        after.pending = []
        for number in inodes.keys.sorted() {
            guard var inode = after.inodes[number] else { continue }
            inode.entries = inode.durableEntries
            if !inode.isDirectory { SimulatedDisk.tear(&inode, keep, &generator) }
            after.inodes[number] = inode
        }
        return after
    }

    private static func tear(_ file: inout Inode, _ keep: Double, _ generator: inout SeededGenerator) {
        let unsynced = file.dirty.union(file.dropped)
        if !unsynced.isEmpty {
            let lengths = [file.durable.count, file.content.count].sorted()
            let size =
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: file.durable.count
                case 1: file.content.count
                default: Int.random(in: lengths[0]...lengths[1], using: &generator)
                }
            var image = Array(file.durable.prefix(size))
            image.append(contentsOf: repeatElement(0, count: size - image.count))
            for sector in unsynced.sorted() where Double.random(in: 0..<1, using: &generator) < keep {
                copy(sector, from: file.content, to: &image)
            }
            file.durable = image
        }
        file.content = file.durable
        file.dirty = []
        file.dropped = []
    }

    /// Copies one sector as far as both images reach; what the source lacks is zero.
    private static func copy(_ sector: Int, from source: [UInt8], to image: inout [UInt8]) {
        let start = sector * sectorBytes
        let end = min(start + sectorBytes, image.count)
        guard start < end else { return }
        for i in start..<end { image[i] = i < source.count ? source[i] : 0 }
    }
}
