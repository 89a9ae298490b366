/// The groups that an epoch's late rows fall into: what Spark counts of an aggregation's late rows, since they meet the
/// watermark there only after those of a group have become one.
final class LateGroups: Sendable {
    private let layout: RowLayout
    private let table = Locked<RowTable?>(nil)

    /// - Parameter types: of the groups, the window among them.
    init(_ types: [DataType]) { layout = RowLayout(keys: types, valueBytes: 0) }

    /// How many of the rows' groups are new in this epoch.
    func add(_ groups: [Column], count n: Int) -> Int {
        if n == 0 { return 0 }
        let images = KeyImages(groups, count: n, layout: layout)
        return table.withLock { table in
            let groups = table ?? RowTable(layout: layout)
            let known = groups.count
            table = groups
            withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: n) {
                groups.findOrInsert(images, selection: nil, count: n, into: $0.baseAddress!)
            }
            return groups.count - known
        }
    }

    /// The same of those rows that are marked.
    func add(_ groups: [Column], where marked: Bitmap) -> Int {
        var rows = [UInt32](repeating: 0, count: marked.count)
        let n = rows.withUnsafeMutableBufferPointer { marked.indices(into: $0.baseAddress!) }
        rows.removeLast(rows.count - n)
        return add(groups.map { $0.gather(rows) }, count: n)
    }

    func endEpoch() { table.withLock { $0 = nil } }
}
