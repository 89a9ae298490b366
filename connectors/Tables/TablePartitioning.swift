import TideParquet

/// How the rows of a table are spread over directories, `region=north/day=2024-01-02/part-….parquet`, in Hive's layout
/// as Spark writes it. The columns that name directories are the last ones of the table and are in none of its files.
struct TablePartitioning: Sendable, Hashable {
    /// Of the table, the columns of directories last.
    let schema: Schema
    /// How many columns are in the files.
    let fileColumnCount: Int

    var isPartitioned: Bool { fileColumnCount < schema.count }
    var fileSchema: Schema { isPartitioned ? Schema(Array(schema.fields[..<fileColumnCount])) : schema }
    var columns: Range<Int> { fileColumnCount..<schema.count }

    /// - Parameter columnCount: how many of the last columns name directories.
    init(_ schema: Schema, columnCount: Int) {
        precondition(columnCount >= 0 && columnCount <= schema.count)
        self.schema = schema
        fileColumnCount = schema.count - columnCount
    }

    /// What a file of the table holds of these rows.
    func fileColumns(_ batch: Batch) -> Batch {
        isPartitioned ? Batch(columns: Array(batch.columns[..<fileColumnCount]), count: batch.count) : batch
    }

    /// The values that the directories of a file's name stand for, one per partition column.
    func values(ofFile name: String) throws(TidemillError) -> [Scalar] {
        if !isPartitioned || TableDirectory.isEmptyFile(name) { return columns.map { .null(schema[$0].type) } }
        let found = try PartitionDirectories.values(of: name, below: FilePath())
        guard found.count == columns.count else {
            throw TidemillError(
                .corruption, "TIDEMILL_TABLE_FILE_MISPLACED", "a data file lies in no partition of its table: \(name)",
                hint: "rebuild the table with --full-refresh")
        }
        var values: [Scalar] = []
        for (column, value) in zip(columns, found) {
            values.append(try PartitionDirectories.scalar(value, schema[column], path: name))
        }
        return values
    }

    /// A table's rows by directory, in the order in which the directories occur; within one in their own order.
    /// Unpartitioned: all rows, in no directory.
    func split(_ batch: Batch) throws(TidemillError) -> [(directory: String, rows: [UInt32])] {
        precondition(isPartitioned)
        let keys = Array(batch.columns[columns])
        let layout = RowLayout(keys: keys.map(\.type), valueBytes: 8)
        let table = RowTable(layout: layout)
        let images = KeyImages(keys, count: batch.count, layout: layout)
        var firsts: [UInt32] = []
        var rows: [[UInt32]] = []
        withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: max(batch.count, 1)) { found in
            guard let base = found.baseAddress else { return }
            table.findOrInsert(images, selection: nil, count: batch.count, into: base)
            for row in 0..<batch.count {
                let index = UInt32(truncatingIfNeeded: row)
                let place = base[row] + layout.valueOffset
                var number = place.load(as: Int64.self)
                if number == 0 {
                    firsts.append(index)
                    rows.append([])
                    number = Int64(rows.count)
                    place.storeBytes(of: number, as: Int64.self)
                }
                rows[Int(number) - 1].append(index)
            }
        }
        let texts = keys.map { $0.gather(firsts).formatted() }
        var result: [(directory: String, rows: [UInt32])] = []
        var places: [String: Int] = [:]
        for (number, selected) in rows.enumerated() {
            let directory = try self.directory(texts, number)
            // Values that print alike, such as '' and NULL, share a directory.
            if let place = places[directory] {
                result[place].rows = (result[place].rows + selected).sorted()
            } else {
                places[directory] = result.count
                result.append((directory, selected))
            }
        }
        return result
    }

    private func directory(_ texts: [Column], _ row: Int) throws(TidemillError) -> String {
        var parts: [String] = []
        for (column, text) in zip(columns, texts) {
            let value = text.isValid(row) ? String(decoding: text.bytes(row), as: UTF8.self) : nil
            let part = PartitionDirectories.name(schema[column].name, value)
            guard part.utf8.count <= TablePartitioning.nameBytesMax else {
                throw TidemillError(
                    .data, "TIDEMILL_PARTITION_VALUE_TOO_LONG",
                    "a value of the partition column \(schema[column].name) is too long for the name of a directory: "
                        + "\(part.utf8.count) bytes", hint: "partition by a shorter column")
            }
            parts.append(part)
        }
        return parts.joined(separator: "/")
    }

    /// What file systems allow.
    private static let nameBytesMax = 255
}

/// A Parquet file of a table, open, with the values that its directories name.
struct TableFile: Sendable {
    let reader: ParquetReader
    let partitioning: TablePartitioning
    /// One per partition column.
    let values: [Scalar]

    /// - Parameter columns: positions in the table's schema.
    func read(rowGroup: Int, columns: [Int]) throws(TidemillError) -> Batch {
        let own = columns.filter { $0 < partitioning.fileColumnCount }
        let stored = try reader.read(
            rowGroup: rowGroup, columns: own, types: own.map { partitioning.schema[$0].type })
        if own.count == columns.count { return stored }
        var rest = stored.columns[...]
        var result: [Column] = []
        for column in columns {
            if column < partitioning.fileColumnCount {
                result.append(rest.removeFirst())
            } else {
                let value = values[column - partitioning.fileColumnCount]
                result.append(Column(repeating: value, count: stored.count))
            }
        }
        return Batch(columns: result, count: stored.count)
    }

    /// Positions 0..<count without `removed`, which ascends.
    static func complement(_ removed: [UInt32], _ count: Int) -> [UInt32] {
        var kept: [UInt32] = []
        kept.reserveCapacity(count - removed.count)
        var next = 0
        for position in 0..<UInt32(truncatingIfNeeded: count) {
            if next < removed.count && removed[next] == position {
                next += 1
            } else {
                kept.append(position)
            }
        }
        return kept
    }

    /// What is known of a column of the table in a row group.
    func range(rowGroup: Int, column: Int) -> KeyRange {
        guard column < partitioning.fileColumnCount else {
            return KeyRange(of: Column(repeating: values[column - partitioning.fileColumnCount], count: 1))
        }
        return KeyRange(reader.rowGroups[rowGroup].columns[column], type: reader.schema[column].type)
    }
}

extension TableDirectory {
    func openTableFile(
        _ name: String, _ partitioning: TablePartitioning
    ) throws(TidemillError) -> TableFile {
        TableFile(
            reader: try ParquetReader(file: openFiles.file(location.appending(name))), partitioning: partitioning,
            values: try partitioning.values(ofFile: name))
    }

    /// Makes the directories of a file's name below `root`, which are durable after `syncPartitions`.
    func makePartition(of name: String, in root: FilePath) throws(TidemillError) {
        var path = root
        for part in name.split(separator: "/").dropLast() {
            path = path.appending(String(part))
            if try !files.exists(path) { try files.createDirectory(path) }
        }
    }

    /// Makes the directories that hold these files durable, inner ones first; not `root` itself.
    func syncPartitions(of names: [String], in root: FilePath) throws(TidemillError) {
        var directories = Set<String>()
        for name in names {
            var parts = name.split(separator: "/").dropLast()
            while !parts.isEmpty {
                directories.insert(parts.joined(separator: "/"))
                parts.removeLast()
            }
        }
        for directory in directories.sorted(by: >) { try files.syncDirectory(root.appending(directory)) }
    }

    /// Names of all files below `root`, partitions included, and whether each is a file.
    func allEntries(of root: FilePath) throws(TidemillError) -> [(name: String, kind: FileStatus.Kind)] {
        var found: [(name: String, kind: FileStatus.Kind)] = []
        var waiting = [""]
        while let prefix = waiting.popLast() {
            for entry in try files.entries(of: prefix.isEmpty ? root : root.appending(prefix)) {
                let name = prefix.isEmpty ? entry.name : "\(prefix)/\(entry.name)"
                if entry.kind == .directory && PartitionDirectories.isPartition(entry.name) {
                    waiting.append(name)
                } else {
                    found.append((name, entry.kind))
                }
            }
        }
        return found
    }

    /// The last part of a file's name: how it is called in its directory.
    static func baseName(_ name: String) -> Substring {
        name.utf8.lastIndex(of: UInt8(ascii: "/")).map { name[name.index(after: $0)...] } ?? name[...]
    }
}
