import TideParquet

/// A stored file on its way into the next version.
struct RewriteInput: Sendable {
    var file: DataFile
    /// Open if the file lost rows.
    var reader: ParquetReader?
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
        var takesAdditions: Bool
    }
    private(set) var kept: [Int] = []
    private(set) var outputs: [Output] = []

    /// Touched files that end below this are written together with the new rows: they are decoded anyhow. Larger ones
    /// are written alone, so that they keep their filter and their bounds stay narrow.
    static let foldedBytesMax: Int64 = 256 << 10

    init(_ inputs: [RewriteInput], additions: Batch, options: TableOptions) {
        let alive = inputs.indices.filter { inputs[$0].remaining > 0 }
        var pool = Output(inputs: [], takesAdditions: additions.count > 0)
        // Encoded rows take about a quarter of their memory.
        var poolBytes = Int64(additions.byteCount / 4)
        var units: [(output: Output, bytes: Int64)] = []
        for index in alive {
            let bytes = inputs[index].bytes
            if inputs[index].isTouched && bytes < RewritePlan.foldedBytesMax
                && poolBytes + bytes <= options.fileBytesTarget
            {
                pool.inputs.append(index)
                poolBytes += bytes
            } else {
                units.append((Output(inputs: [index], takesAdditions: false), bytes))
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
                    takesAdditions: group.contains { sorted[$0].output.takesAdditions }))
        }
        for (index, unit) in sorted.enumerated() where !merged.contains(index) {
            let single = unit.output.inputs.count == 1 && !unit.output.takesAdditions
            if single && !inputs[unit.output.inputs[0]].isTouched {
                kept.append(unit.output.inputs[0])
            } else {
                outputs.append(unit.output)
            }
        }
        kept.sort()
    }
}
