/// The change sets of one publish, folded: which stored rows go, and which rows come.
///
/// With key columns the newest row of a key wins. As a bag the weights of equal rows are added up, so that a row that
/// came and went between two publishes costs nothing.
final class ChangeSet: @unchecked Sendable {
    // Sendable: built by one thread; then `table` is only probed, which changes nothing, until the bag's one-threaded
    // assignment of copies.
    let key: TableKey
    /// Columns rows are told apart by, as positions in the schema.
    let keyColumns: [Int]
    let layout: RowLayout
    /// Rows to add, in the order they came.
    let additions: Batch
    /// Key columns of `additions`, for ranges and filters of the file they go to.
    var additionKeys: [Column] { keyColumns.map { additions.columns[$0] } }
    /// How many keys (or distinct rows of a bag) may take away stored rows.
    let removingCount: Int
    /// Ranges and hashes of those keys; empty when there is none.
    let removingRanges: [KeyRange]
    let removingHashes: Buffer
    /// The keys that take away stored rows: mark 1 for replaced, 2 for deleted; as a bag the value is the number of
    /// copies to remove, as a negative number.
    let table: RowTable

    static let replacedMark: UInt32 = 1
    static let deletedMark: UInt32 = 2

    /// - Parameter tableIsEmpty: there are no stored rows, so nothing needs to be looked up.
    convenience init(_ changes: [Batch], key: TableKey, schema: Schema, tableIsEmpty: Bool) {
        let parts = changes.filter { $0.count > 0 }
        switch key {
        case .columns(let columns): self.init(keyed: parts, columns, schema, tableIsEmpty)
        case .bag: self.init(bag: parts, schema)
        }
    }

    private init(keyed parts: [Batch], _ columns: [Int], _ schema: Schema, _ tableIsEmpty: Bool) {
        key = .columns(columns)
        keyColumns = columns
        layout = RowLayout(keys: columns.map { schema[$0].type }, valueBytes: 0)
        let rows = parts.reduce(0) { $0 + $1.count }
        // One batch holds a key once, so a first publish of one batch needs no table at all.
        let looksUp = !tableIsEmpty || parts.count > 1
        table = RowTable(layout: layout, expectedRows: looksUp ? rows : 0)
        var kept: [Batch] = []
        var keys: [[Column]] = []
        for part in parts.reversed() {
            var part = part
            if looksUp {
                let images = KeyImages(columns.map { part.columns[$0] }, count: part.count, layout: layout)
                let selection = ChangeSet.newestRows(images, part.weights, table)
                if selection.count < part.count { part = part.gather(selection) }
            }
            kept.append(part)
            keys.append(columns.map { part.columns[$0] })
        }
        kept.reverse()
        keys.reverse()
        additions = Batch.concat(
            kept.map(ChangeSet.insertions), types: schema.types)
        if tableIsEmpty || kept.isEmpty {
            removingCount = 0
            removingRanges = []
            removingHashes = Buffer(byteCount: 0)
        } else {
            let joined = columns.indices.map { index in
                Column.concat(schema[columns[index]].type, keys.map { $0[index] })
            }
            removingCount = joined.first?.count ?? kept.reduce(0) { $0 + $1.count }
            removingRanges = joined.map { KeyRange(of: $0) }
            removingHashes = hashRows(joined, count: removingCount)
        }
    }

    /// Rows whose key no newer batch had. Within a batch the last row of a key counts.
    private static func newestRows(_ images: KeyImages, _ weights: Column?, _ table: RowTable) -> [UInt32] {
        let count = images.count
        let sign = weights?.pointer(Int64.self)
        return withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: max(count, 1)) { rows in
            guard let base = rows.baseAddress else { return [] }
            table.findOrInsert(images, selection: nil, count: count, into: base)
            var selection: [UInt32] = []
            selection.reserveCapacity(count)
            for i in stride(from: count - 1, through: 0, by: -1) {
                let mark = base[i] + RowLayout.markOffset
                if mark.load(as: UInt32.self) != 0 { continue }
                let deletes = sign.map { $0[i] < 0 } ?? false
                mark.storeBytes(of: deletes ? deletedMark : replacedMark, as: UInt32.self)
                selection.append(UInt32(truncatingIfNeeded: i))
            }
            selection.reverse()
            return selection
        }
    }

    /// The rows of positive weight, without weights.
    private static func insertions(_ batch: Batch) -> Batch {
        guard let weights = batch.weights else { return batch }
        let sign = weights.pointer(Int64.self)
        var selection: [UInt32] = []
        for i in 0..<batch.count where sign[i] > 0 { selection.append(UInt32(truncatingIfNeeded: i)) }
        let chosen = selection.count == batch.count ? batch : batch.gather(selection)
        return Batch(columns: chosen.columns, count: chosen.count)
    }

    private init(bag parts: [Batch], _ schema: Schema) {
        key = .bag
        keyColumns = Array(0..<schema.count)
        layout = RowLayout(keys: schema.types, valueBytes: 8)
        table = RowTable(layout: layout)
        let all = Batch.concat(parts, types: schema.types)
        let (added, removed) = ChangeSet.net(all, layout)
        additions = Batch(columns: all.columns.map { $0.gather(added) }, count: added.count)
        let gone = all.columns.map { $0.gather(removed.map(\.row)) }
        removingCount = removed.count
        removingRanges = removed.isEmpty ? [] : gone.map { KeyRange(of: $0) }
        removingHashes = hashRows(gone, count: removed.count)
        let images = KeyImages(gone, count: removed.count, layout: layout)
        withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: max(removed.count, 1)) { rows in
            guard let base = rows.baseAddress else { return }
            table.findOrInsert(images, selection: nil, count: removed.count, into: base)
            for (i, entry) in removed.enumerated() {
                base[i].storeBytes(of: entry.weight, toByteOffset: layout.valueOffset, as: Int64.self)
            }
        }
    }

    /// Rows to add (as often as their net weight) and rows to remove, by first occurrence.
    private static func net(
        _ all: Batch, _ layout: RowLayout
    ) -> (added: [UInt32], removed: [(row: UInt32, weight: Int64)]) {
        let sums = RowTable(layout: layout, expectedRows: all.count)
        let images = KeyImages(all.columns, count: all.count, layout: layout)
        let weights = all.weights?.pointer(Int64.self)
        var added: [UInt32] = []
        var removed: [(row: UInt32, weight: Int64)] = []
        withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: max(all.count, 1)) { rows in
            guard let base = rows.baseAddress else { return }
            sums.findOrInsert(images, selection: nil, count: all.count, into: base)
            for i in 0..<all.count {
                let value = base[i] + layout.valueOffset
                value.storeBytes(of: value.load(as: Int64.self) &+ (weights?[i] ?? 1), as: Int64.self)
            }
            for i in 0..<all.count {
                let mark = base[i] + RowLayout.markOffset
                if mark.load(as: UInt32.self) != 0 { continue }
                mark.storeBytes(of: 1, as: UInt32.self)
                let weight = (base[i] + layout.valueOffset).load(as: Int64.self)
                if weight < 0 { removed.append((row: UInt32(truncatingIfNeeded: i), weight: weight)) }
                for _ in 0..<max(weight, 0) { added.append(UInt32(truncatingIfNeeded: i)) }
            }
        }
        return (added, removed)
    }
}
