import TideParquet

/// Rows of one file that a change set takes away.
struct LocatedRows: @unchecked Sendable {
    // Sendable: the addresses point into the change set's table, which outlives this and is not changed by tasks.
    struct Group {
        var rowGroup: Int
        /// Ascending positions in the row group.
        var positions: [UInt32]
        /// For each, the row of the change set's table with its key.
        var rows: [UnsafeMutableRawPointer]
    }
    let file: TableFile
    /// By ascending row group; groups without matches are absent.
    var groups: [Group]
}

/// Finds where changed keys are stored. The seam for better indexes: the present one reads statistics and filters, and
/// then the key columns of the row groups that are left.
protocol KeyLocator: Sendable {
    /// One entry per file; nil where no changed key can be.
    func locate(
        _ changes: ChangeSet, in files: [DataFile], of directory: TableDirectory, _ partitioning: TablePartitioning
    ) throws(TidemillError) -> [LocatedRows?]
}

/// Per file: ranges of the key columns, a bloom filter over key hashes when few keys changed; per row group: Parquet
/// statistics; then the stored keys themselves, probed in the table of changed keys.
struct FileStatisticsLocator: KeyLocator {
    /// With more changed keys than this nearly every filter has a hit, so it is not read.
    static let bloomKeysMax = 512

    func locate(
        _ changes: ChangeSet, in files: [DataFile], of directory: TableDirectory, _ partitioning: TablePartitioning
    ) throws(TidemillError) -> [LocatedRows?] {
        var located: [LocatedRows?] = Array(repeating: nil, count: files.count)
        if changes.removingCount == 0 { return located }
        let near = files.indices.filter { file in
            files[file].rows > 0 && zip(files[file].ranges, changes.removingRanges).allSatisfy { $0.overlaps($1) }
        }
        let opened = TaskResults<[(file: TableFile, rowGroup: Int)]>(count: near.count)
        let executor = directory.environment.executor
        try executor.run(tasks: near.count) { (task, _) throws(TidemillError) in
            opened[task] = try rowGroups(files[near[task]], changes, directory, partitioning)
        }
        var tasks: [(index: Int, file: TableFile, rowGroup: Int)] = []
        for (task, index) in near.enumerated() {
            for candidate in opened[task] ?? [] { tasks.append((index, candidate.file, candidate.rowGroup)) }
        }
        let work = tasks
        let found = TaskResults<LocatedRows>(count: work.count)
        try executor.run(tasks: work.count) { (task, _) throws(TidemillError) in
            found[task] = try probe(changes, work[task].file, work[task].rowGroup)
        }
        for (task, item) in work.enumerated() {
            guard let groups = found[task]?.groups, !groups.isEmpty else { continue }
            let earlier = located[item.index]?.groups ?? []
            located[item.index] = LocatedRows(file: item.file, groups: earlier + groups)
        }
        return located
    }

    private func rowGroups(
        _ file: DataFile, _ changes: ChangeSet, _ directory: TableDirectory, _ partitioning: TablePartitioning
    ) throws(TidemillError) -> [(file: TableFile, rowGroup: Int)] {
        if file.hasBloom && changes.removingCount <= FileStatisticsLocator.bloomKeysMax {
            let path = directory.location.appending(file.bloomName)
            let filter = try BloomFilter(decoding: directory.files.contents(of: path), file: path.string)
            let hashes = changes.removingHashes
            let hit = withExtendedLifetime(hashes) {
                filter.mayContainAny(hashes.pointer(UInt64.self), count: changes.removingCount)
            }
            if !hit { return [] }
        }
        let open = try directory.openTableFile(file.name, partitioning)
        return open.reader.rowGroups.indices.filter { group in
            zip(changes.keyColumns, changes.removingRanges).allSatisfy { column, range in
                open.range(rowGroup: group, column: column).overlaps(range)
            }
        }.map { (open, $0) }
    }

    private func probe(
        _ changes: ChangeSet, _ file: TableFile, _ rowGroup: Int
    ) throws(TidemillError) -> LocatedRows {
        let keys = try file.read(rowGroup: rowGroup, columns: changes.keyColumns)
        let images = KeyImages(keys.columns, count: keys.count, layout: changes.layout)
        var group = LocatedRows.Group(rowGroup: rowGroup, positions: [], rows: [])
        withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer?.self, capacity: max(keys.count, 1)) { rows in
            guard let base = rows.baseAddress else { return }
            changes.table.find(images, selection: nil, count: keys.count, into: base)
            for i in 0..<keys.count {
                guard let row = base[i] else { continue }
                group.positions.append(UInt32(truncatingIfNeeded: i))
                group.rows.append(row)
            }
        }
        return LocatedRows(file: file, groups: group.positions.isEmpty ? [] : [group])
    }
}

extension ChangeSet {
    /// Of equal stored rows of a bag as many go as the change set says, the first in file order. Counts down in
    /// `table`: groups come one at a time, and each once.
    func takeCopies(_ group: LocatedRows.Group) -> [UInt32] {
        var positions: [UInt32] = []
        for (position, row) in zip(group.positions, group.rows) {
            let left = row.load(fromByteOffset: layout.valueOffset, as: Int64.self)
            if left >= 0 { continue }
            row.storeBytes(of: left + 1, toByteOffset: layout.valueOffset, as: Int64.self)
            positions.append(position)
        }
        return positions
    }
}

extension KeyRange {
    /// A row group's statistics as a range; floating bounds say nothing here, see `KeyRange`.
    init(_ statistics: ParquetColumnStatistics, type: DataType) {
        self.init(min: nil, max: nil, hasNull: statistics.nullCount != 0)
        if type.physical == .float32 || type.physical == .float64 { return }
        min = statistics.min
        max = statistics.max
    }
}
