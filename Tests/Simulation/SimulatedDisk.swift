import TideCore

/// What the simulated disk holds, twice: as programs see it now, and as a power cut would leave it at least.
///
/// Fault model. A sector of 512 bytes is written whole or not at all. A power cut keeps any subset of the sectors
/// written since the last sync of their file, any length between the durable and the current one, and any subset of the
/// directory operations since the last sync of their directory, each whole (a rename never loses both names, an
/// exchange is done or not). The one order between them that is kept: what happened to a directory itself is not undone
/// under a later operation on the same directory, or it would have two names.
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
        /// Names that programs see.
        var links = 0
        var modified: Int64 = 0
    }

    /// A name set to an inode, or removed.
    struct Change {
        var directory: Int
        var name: String
        var inode: Int?
    }
    /// One directory operation: all of its changes become durable together.
    private struct Operation {
        var changes: [Change]
        /// Directories that it made, moved or removed.
        var directories: [Int]
    }

    private(set) var inodes: [Int: Inode] = [root: Inode(isDirectory: true)]
    private var nextInode = 1
    /// Directory operations that are not durable, oldest first.
    private var pending: [Operation] = []
    private var ticks: Int64 = 0
    /// Bytes of files that have a name.
    private(set) var usedBytes = 0

    // MARK: As programs see it

    func lookUp(_ path: FilePath) -> Int? {
        var inode = SimulatedDisk.root
        // Splitting bytes: to ask a path for its components takes ten times as long.
        for component in path.string.utf8.split(separator: UInt8(ascii: "/")) {
            guard let next = inodes[inode]?.entries[String(Substring(component))] else { return nil }
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
        var directories: [Int] = []
        for change in changes {
            let before = inodes[change.directory]?.entries[change.name]
            inodes[change.directory]?.entries[change.name] = change.inode
            for (inode, step) in [(before, -1), (change.inode, 1)] {
                guard let inode else { continue }
                link(inode, step)
                if inodes[inode]?.isDirectory == true { directories.append(inode) }
            }
        }
        pending.append(Operation(changes: changes, directories: directories))
    }

    private mutating func link(_ inode: Int, _ step: Int) {
        guard let before = inodes[inode]?.links else { return }
        inodes[inode]?.links = before + step
        let bytes = inodes[inode]?.content.count ?? 0
        if before == 0 { usedBytes += bytes }
        if before + step == 0 { usedBytes -= bytes }
    }

    mutating func write(_ inode: Int, _ bytes: UnsafeRawBufferPointer, at offset: Int) {
        guard var file = inodes.removeValue(forKey: inode) else { return }
        let end = offset + bytes.count
        let before = file.content.count
        if before < end { file.content.append(contentsOf: repeatElement(0, count: end - before)) }
        if file.links > 0 { usedBytes += file.content.count - before }
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
        if file.links > 0 { usedBytes += size - old }
        let end = (max(size, old) + 511) / SimulatedDisk.sectorBytes
        for sector in (min(size, old) / SimulatedDisk.sectorBytes)..<end {
            file.dirty.insert(sector)
        }
        inodes[inode] = file
    }

    /// A durable file with a durable name, in the place of whatever had the name.
    mutating func place(_ name: String, in directory: Int, _ bytes: [UInt8], modified: Int64) {
        withdraw(name, from: directory)
        let inode = add(directory: false)
        inodes[inode]?.content = bytes
        inodes[inode]?.durable = bytes
        inodes[inode]?.modified = modified
        inodes[inode]?.links = 1
        inodes[directory]?.entries[name] = inode
        inodes[directory]?.durableEntries[name] = inode
        usedBytes += bytes.count
    }

    /// A name that is durably gone.
    mutating func withdraw(_ name: String, from directory: Int) {
        guard let inode = inodes[directory]?.entries[name] else { return }
        link(inode, -1)
        inodes[directory]?.entries[name] = nil
        inodes[directory]?.durableEntries[name] = nil
    }

    // MARK: Durability

    mutating func sync(_ inode: Int) {
        guard var file = inodes.removeValue(forKey: inode) else { return }
        var image = file.content
        for sector in file.dropped { SimulatedDisk.copy(sector, from: file.durable, to: &image) }
        file.durable = image
        file.dirty = []
        inodes[inode] = file
    }

    /// A sync that failed, as Linux has it: the pages count as clean afterwards, and the next sync succeeds.
    /// - Parameter evicting: the pages leave the cache as well, so that programs see what the platter has.
    mutating func drop(_ inode: Int, evicting: Bool) {
        guard var file = inodes.removeValue(forKey: inode) else { return }
        file.dropped.formUnion(file.dirty)
        file.dirty = []
        if evicting {
            for sector in file.dropped { SimulatedDisk.copy(sector, from: file.durable, to: &file.content) }
        }
        inodes[inode] = file
    }

    mutating func syncDirectory(_ directory: Int) {
        var rest: [Operation] = []
        for operation in pending {
            guard operation.changes.contains(where: { $0.directory == directory }) else {
                rest.append(operation)
                continue
            }
            makeDurable(operation)
        }
        pending = rest
    }

    mutating func syncAll() {
        for number in inodes.keys { sync(number) }
        for operation in pending { makeDurable(operation) }
        pending = []
    }

    private mutating func makeDurable(_ operation: Operation) {
        for change in operation.changes { inodes[change.directory]?.durableEntries[change.name] = change.inode }
    }

    // MARK: Power cut

    /// The disk after a power cut.
    func crashed(seed: UInt64) -> SimulatedDisk {
        var generator = SeededGenerator(seed: seed)
        var after = self
        // Some cuts keep nearly all, some nearly nothing; files and names have their own luck.
        let keepNames = Double.random(in: 0...1, using: &generator)
        let keepSectors = Double.random(in: 0...1, using: &generator)
        var kept: [Operation] = []
        var needed: Set<Int> = []
        for operation in pending.reversed() {
            let isKept = Double.random(in: 0..<1, using: &generator) < keepNames
            guard isKept || operation.directories.contains(where: needed.contains) else { continue }
            needed.formUnion(operation.directories)
            kept.append(operation)
        }
        for operation in kept.reversed() { after.makeDurable(operation) }
        after.pending = []
        for number in inodes.keys.sorted() {
            guard var inode = after.inodes.removeValue(forKey: number) else { continue }
            inode.entries = inode.durableEntries
            if !inode.isDirectory { SimulatedDisk.tear(&inode, keepSectors, &generator) }
            after.inodes[number] = inode
        }
        after.recount()
        return after
    }

    /// Links and bytes from the names; what has no name any more is gone.
    private mutating func recount() {
        var links: [Int: Int] = [SimulatedDisk.root: 1]
        var open = [SimulatedDisk.root]
        while let directory = open.popLast() {
            for inode in inodes[directory]?.entries.values ?? [:].values {
                links[inode, default: 0] += 1
                if inodes[inode]?.isDirectory == true { open.append(inode) }
            }
        }
        inodes = inodes.filter { links[$0.key] != nil }
        usedBytes = 0
        for (number, count) in links {
            inodes[number]?.links = count
            usedBytes += inodes[number]?.content.count ?? 0
        }
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
