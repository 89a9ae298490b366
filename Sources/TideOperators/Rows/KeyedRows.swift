/// Rows with their weights, by a key: one side of a join by its join key, a partition of OVER by its partition key.
///
///     index:   key row    | first entry, address | total weight |
///     entries: packed row | weight | next entry | previous entry | key row | matches, if counted |
///
/// Entries of one key form a doubly linked list. An entry whose weight fell to 0 stays linked until the epoch ends, so
/// that its removal can be checkpointed; probing passes over it. What stood in an entry (or in a key row) before its
/// first change in the epoch is kept in `before` (`totalsBefore`), found through the row's mark: position + 1.
///
/// Invariant between epochs: no weight is 0, every mark is 0, nothing is touched.
final class KeyedRows {
    /// What is remembered beside the weights.
    struct Duties {
        /// A number per row, in the entry: of a join, how many partners the row has.
        var countsMatches = false
        /// Total weights of keys before the epoch.
        var watchesKeys = false
    }
    struct Before {
        var weight: Int64
        var matches: Int64
    }

    let index: RowTable
    let entries: RowTable
    let types: [DataType]
    let duties: Duties
    /// Columns of the key that decide where its rows stand in the checkpoint; nil: all.
    var hashedKeys: [Int]?
    private(set) var touched: [UnsafeMutableRawPointer] = []
    private(set) var before: [Before] = []
    private(set) var touchedKeys: [UnsafeMutableRawPointer] = []
    private(set) var totalsBefore: [Int64] = []

    let firstAt: Int
    let weightAt: Int
    private var nextAt: Int { weightAt + 8 }
    private var previousAt: Int { weightAt + 16 }
    private var keyAt: Int { weightAt + 24 }
    private var matchesAt: Int { weightAt + 32 }

    static let keyValueBytes = 16

    init(keyLayout: RowLayout, types: [DataType], duties: Duties, leadBits: Int) {
        index = RowTable(layout: keyLayout, leadBits: leadBits)
        self.types = types
        self.duties = duties
        // Entries are hashed by the whole row, whose leading bits are spread.
        entries = RowTable(layout: RowLayout(keys: types, valueBytes: duties.countsMatches ? 40 : 32))
        firstAt = keyLayout.valueOffset
        weightAt = entries.layout.valueOffset
    }

    // MARK: Fields

    @inline(__always) func weight(of entry: UnsafeMutableRawPointer) -> Int64 {
        entry.load(fromByteOffset: weightAt, as: Int64.self)
    }
    @inline(__always) func matches(of entry: UnsafeMutableRawPointer) -> Int64 {
        entry.load(fromByteOffset: matchesAt, as: Int64.self)
    }
    @inline(__always) func keyRow(of entry: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: entry.load(fromByteOffset: keyAt, as: UInt.self))
    }
    @inline(__always) func totalWeight(of key: UnsafeMutableRawPointer) -> Int64 {
        key.load(fromByteOffset: firstAt + 8, as: Int64.self)
    }
    @inline(__always) func first(of key: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: key.load(fromByteOffset: firstAt, as: UInt.self))
    }
    @inline(__always) func next(after entry: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: entry.load(fromByteOffset: nextAt, as: UInt.self))
    }
    @inline(__always) func mark(of row: UnsafeMutableRawPointer) -> Int {
        Int(row.load(fromByteOffset: RowLayout.markOffset, as: UInt32.self))
    }
    /// The weight an entry had before the epoch.
    func weightBefore(of entry: UnsafeMutableRawPointer) -> Int64 {
        let mark = mark(of: entry)
        return mark == 0 ? weight(of: entry) : before[mark - 1].weight
    }
    /// The total weight a key had before the epoch. The side must watch its keys.
    func totalBefore(of key: UnsafeMutableRawPointer) -> Int64 {
        let mark = mark(of: key)
        return mark == 0 ? totalWeight(of: key) : totalsBefore[mark - 1]
    }

    // MARK: Changes

    /// Adds the weights of rows to their entries.
    /// - Parameter keys: the keys of the rows.
    func apply(_ rows: Batch, keys: KeyImages) {
        let n = rows.count
        let keyRows = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: max(1, n))
        let found = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: max(1, n))
        defer {
            keyRows.deallocate()
            found.deallocate()
        }
        index.findOrInsert(keys, selection: nil, count: n, into: keyRows)
        let images = KeyImages(rows.columns, count: n, layout: entries.layout)
        entries.findOrInsert(images, selection: nil, count: n, into: found)
        let weights = rows.weights?.pointer(Int64.self)
        let watches = duties.watchesKeys
        for i in 0..<n {
            let entry = found[i]
            let key = keyRows[i]
            let change = weights.map { $0[i] } ?? 1
            if entry.load(fromByteOffset: keyAt, as: UInt.self) == 0 { link(entry, key) }
            touch(entry)
            if watches { touch(key: key) }
            entry.storeBytes(of: weight(of: entry) &+ change, toByteOffset: weightAt, as: Int64.self)
            key.storeBytes(of: totalWeight(of: key) &+ change, toByteOffset: firstAt + 8, as: Int64.self)
        }
    }

    @inline(__always) private func touch(_ entry: UnsafeMutableRawPointer) {
        if mark(of: entry) != 0 { return }
        touched.append(entry)
        before.append(Before(weight: weight(of: entry), matches: duties.countsMatches ? matches(of: entry) : 0))
        entry.storeBytes(of: UInt32(touched.count), toByteOffset: RowLayout.markOffset, as: UInt32.self)
    }
    @inline(__always) private func touch(key: UnsafeMutableRawPointer) {
        if mark(of: key) != 0 { return }
        touchedKeys.append(key)
        totalsBefore.append(totalWeight(of: key))
        key.storeBytes(of: UInt32(touchedKeys.count), toByteOffset: RowLayout.markOffset, as: UInt32.self)
    }

    /// Adds to an entry's number of partners.
    func addMatches(_ count: Int64, to entry: UnsafeMutableRawPointer) {
        touch(entry)
        entry.storeBytes(of: matches(of: entry) &+ count, toByteOffset: matchesAt, as: Int64.self)
    }
    /// Sets the weight of an entry that the epoch has touched or touches now, and its key's total with it.
    func setWeight(_ weight: Int64, of entry: UnsafeMutableRawPointer) {
        touch(entry)
        if let key = keyRow(of: entry) {
            let total = totalWeight(of: key) &+ weight &- self.weight(of: entry)
            key.storeBytes(of: total, toByteOffset: firstAt + 8, as: Int64.self)
        }
        entry.storeBytes(of: weight, toByteOffset: weightAt, as: Int64.self)
    }
    /// The entries of keys that have a weight, and their weights.
    func entries(of keys: [Column], count n: Int) -> ([UnsafeMutableRawPointer], [Int64]) {
        let images = KeyImages(keys, count: n, layout: index.layout)
        var all: [UnsafeMutableRawPointer] = []
        withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer?.self, capacity: max(1, n)) { found in
            guard let base = found.baseAddress else { return }
            index.find(images, selection: nil, count: n, into: base)
            for i in 0..<n {
                var entry = base[i].flatMap { first(of: $0) }
                while let current = entry {
                    if weight(of: current) != 0 { all.append(current) }
                    entry = next(after: current)
                }
            }
        }
        return (all, all.map { weight(of: $0) })
    }
    /// Takes all rows of keys.
    func removeAll(of keys: [Column], count n: Int) {
        let images = KeyImages(keys, count: n, layout: index.layout)
        withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer?.self, capacity: max(1, n)) { found in
            guard let base = found.baseAddress else { return }
            index.find(images, selection: nil, count: n, into: base)
            for i in 0..<n {
                var entry = base[i].flatMap { first(of: $0) }
                while let current = entry {
                    setWeight(0, of: current)
                    entry = next(after: current)
                }
            }
        }
    }
    /// For restoring: what the checkpoint says.
    func setMatches(_ count: Int64, of entry: UnsafeMutableRawPointer) {
        entry.storeBytes(of: count, toByteOffset: matchesAt, as: Int64.self)
    }

    private func link(_ entry: UnsafeMutableRawPointer, _ key: UnsafeMutableRawPointer) {
        let head = key.load(fromByteOffset: firstAt, as: UInt.self)
        entry.storeBytes(of: head, toByteOffset: nextAt, as: UInt.self)
        entry.storeBytes(of: 0, toByteOffset: previousAt, as: UInt.self)
        entry.storeBytes(of: UInt(bitPattern: key), toByteOffset: keyAt, as: UInt.self)
        if let old = UnsafeMutableRawPointer(bitPattern: head) {
            old.storeBytes(of: UInt(bitPattern: entry), toByteOffset: previousAt, as: UInt.self)
        }
        key.storeBytes(of: UInt(bitPattern: entry), toByteOffset: firstAt, as: UInt.self)
    }

    /// - Returns: the entry's key if it has no entry left.
    private func unlink(_ entry: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        let next = entry.load(fromByteOffset: nextAt, as: UInt.self)
        let previous = entry.load(fromByteOffset: previousAt, as: UInt.self)
        guard let key = keyRow(of: entry) else { return nil }
        if let before = UnsafeMutableRawPointer(bitPattern: previous) {
            before.storeBytes(of: next, toByteOffset: nextAt, as: UInt.self)
        } else {
            key.storeBytes(of: next, toByteOffset: firstAt, as: UInt.self)
        }
        if let after = UnsafeMutableRawPointer(bitPattern: next) {
            after.storeBytes(of: previous, toByteOffset: previousAt, as: UInt.self)
        }
        return previous == 0 && next == 0 ? key : nil
    }

    func endEpoch() {
        for key in touchedKeys { key.storeBytes(of: 0, toByteOffset: RowLayout.markOffset, as: UInt32.self) }
        touchedKeys.removeAll(keepingCapacity: true)
        totalsBefore.removeAll(keepingCapacity: true)
        var (gone, goneKeys): ([UnsafeMutableRawPointer], [UnsafeMutableRawPointer]) = ([], [])
        for entry in touched {
            entry.storeBytes(of: 0, toByteOffset: RowLayout.markOffset, as: UInt32.self)
            if weight(of: entry) != 0 { continue }
            gone.append(entry)
            if let key = unlink(entry) { goneKeys.append(key) }
        }
        gone.withUnsafeBufferPointer { if let base = $0.baseAddress { entries.remove(base, count: $0.count) } }
        goneKeys.withUnsafeBufferPointer { if let base = $0.baseAddress { index.remove(base, count: $0.count) } }
        touched.removeAll(keepingCapacity: true)
        before.removeAll(keepingCapacity: true)
        LinkedRows.settle(index: index, head: firstAt, entries: entries, links: nextAt)
    }

    // MARK: Columns

    /// The rows of entries, as columns.
    func columns(of rows: UnsafeBufferPointer<UnsafeMutableRawPointer>) -> [Column] {
        guard let base = rows.baseAddress, !rows.isEmpty else { return types.map { .empty($0) } }
        let heap = entries.arena.heap()
        return types.indices.map { entries.keyColumn($0, of: base, count: rows.count, as: types[$0], heap: heap) }
    }
    func columns(of rows: [UnsafeMutableRawPointer]) -> [Column] {
        rows.withUnsafeBufferPointer { columns(of: $0) }
    }

    /// The keys of entries.
    func keyColumns(of rows: [UnsafeMutableRawPointer]) -> [Column] {
        keyColumns(rows.map { keyRow(of: $0).unsafelyUnwrapped })
    }
    func keyColumns(_ keys: [UnsafeMutableRawPointer]) -> [Column] {
        let heap = index.arena.heap()
        let types = index.layout.keyTypes
        return keys.withUnsafeBufferPointer { buffer in
            types.indices.map { column in
                guard let base = buffer.baseAddress else { return Column.empty(types[column]) }
                return index.keyColumn(column, of: base, count: buffer.count, as: types[column], heap: heap)
            }
        }
    }

    /// The epoch's net change of every touched entry that has one, a chunk of `touched` at a time.
    func netChanges(_ range: Range<Int>) -> RowChange {
        var rows: [UnsafeMutableRawPointer] = []
        var weights: [Int64] = []
        for i in range {
            let change = weight(of: touched[i]) &- before[i].weight
            if change == 0 { continue }
            rows.append(touched[i])
            weights.append(change)
        }
        let isPlain = weights.allSatisfy { $0 == 1 }
        return RowChange(
            batch: Batch(
                columns: columns(of: rows), count: rows.count, weights: isPlain ? nil : Column(bigints: weights)),
            keys: keyColumns(of: rows), entries: rows)
    }

    var byteCount: Int { index.byteCount + entries.byteCount }
}

extension Column {
    /// A bigint column without NULL.
    init(bigints values: [Int64]) {
        let buffer = values.withUnsafeBytes { Buffer(copying: $0) }
        self.init(type: .bigint, count: values.count, values: buffer)
    }
}
