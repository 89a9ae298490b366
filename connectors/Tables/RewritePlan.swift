import TideParquet

/// A stored file on its way into the next version.
struct RewriteInput: Sendable {
    var file: DataFile
    /// Open if the file lost rows.
    var open: TableFile?
    /// Ascending positions of the rows that go, by row group.
    var removed: [Int: [UInt32]]
    var removedCount: Int

    var isTouched: Bool { removedCount > 0 }
    var remaining: Int { file.rows - removedCount }
    /// Expected bytes of what remains.
    var bytes: Int64 { file.rows == 0 ? 0 : Int64(Double(file.bytes) * Double(remaining) / Double(file.rows)) }
}

/// Which files stay as they are, and which files are written from what. Pure; decided before any byte is written.
struct RewritePlan: Sendable {
    struct Output: Sendable, Hashable {
        /// Positions in the inputs.
        var inputs: [Int]
        /// Rows to add that go into it.
        var additions: Range<Int>
        /// With a slash at its end; empty unless the table is partitioned.
        var directory = ""

        var takesAdditions: Bool { !additions.isEmpty }
    }
    private(set) var kept: [Int] = []
    private(set) var outputs: [Output] = []

    /// Touched files that end below this are written together with the new rows: they are decoded anyhow. Larger ones
    /// are written alone, so that they keep their filter and their bounds stay narrow.
    static let foldedBytesMax: Int64 = 256 << 10

    /// - Parameters:
    ///   - additions: where the rows to add lie in `rows`, by directory.
    ///   - bytesPerRow: of rows to add, in memory.
    init(_ inputs: [RewriteInput], additions: [String: Range<Int>], bytesPerRow: Double, options: TableOptions) {
        var members: [String: [Int]] = [:]
        for (index, input) in inputs.enumerated() where input.remaining > 0 {
            let directory = input.file.name.dropLast(TableDirectory.baseName(input.file.name).count)
            members[String(directory), default: []].append(index)
        }
        for directory in Set(members.keys).union(additions.keys).sorted() {
            let rows = additions[directory] ?? 0..<0
            // Encoded rows take about a quarter of their memory.
            let bytes = Int64(Double(rows.count) * bytesPerRow / 4)
            add(directory, members[directory] ?? [], inputs, rows, bytes: bytes, options)
        }
        kept.sort()
    }

    private mutating func add(
        _ directory: String, _ alive: [Int], _ inputs: [RewriteInput], _ additions: Range<Int>, bytes: Int64,
        _ options: TableOptions
    ) {
        var pool = Output(inputs: [], additions: additions)
        var poolBytes = bytes
        var units: [(output: Output, bytes: Int64)] = []
        for index in alive {
            let bytes = inputs[index].bytes
            if inputs[index].isTouched && bytes < RewritePlan.foldedBytesMax
                && poolBytes + bytes <= options.fileBytesTarget
            {
                pool.inputs.append(index)
                poolBytes += bytes
            } else {
                units.append((Output(inputs: [index], additions: 0..<0), bytes))
            }
        }
        if !pool.inputs.isEmpty || pool.takesAdditions { units.append((pool, poolBytes)) }
        // The order of files means nothing in a keyed table; by falling size like joins like. Stable, so determined.
        let order = units.indices.sorted { a, b in
            units[a].bytes != units[b].bytes ? units[a].bytes > units[b].bytes : a < b
        }
        let sorted = order.map { units[$0] }
        var merged = Set<Int>()
        for group in options.mergePlan.groups(sorted.map(\.bytes)) {
            merged.formUnion(group)
            outputs.append(
                Output(
                    inputs: group.flatMap { sorted[$0].output.inputs },
                    additions: group.contains { sorted[$0].output.takesAdditions } ? additions : 0..<0,
                    directory: directory))
        }
        for (index, unit) in sorted.enumerated() where !merged.contains(index) {
            let single = unit.output.inputs.count == 1 && !unit.output.takesAdditions
            if single && !inputs[unit.output.inputs[0]].isTouched {
                kept.append(unit.output.inputs[0])
            } else {
                var output = unit.output
                output.directory = directory
                outputs.append(output)
            }
        }
    }
}
