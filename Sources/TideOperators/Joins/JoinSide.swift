/// The rows that one side of a join has so far, by join key.
///
///     index:   key row    | first entry, address | total weight |
///     entries: packed row | weight | next entry | previous entry | key row |
///
/// Entries of one key form a doubly linked list. An entry whose weight fell to 0 stays linked until the epoch ends, so
/// that its removal can be checkpointed; probing passes over it.
final class JoinSide {
    let index: RowTable
    let entries: RowTable
    let types: [DataType]
    private(set) var touched: [UnsafeMutableRawPointer] = []

    private let first: Int
    private let weightAt: Int

    static let keyValueBytes = 16
    static let entryValueBytes = 32

    init(keyLayout: RowLayout, types: [DataType], leadBits: Int) {
        index = RowTable(layout: keyLayout, leadBits: leadBits)
        self.types = types
        // Entries are hashed by the whole row, whose leading bits are spread.
        entries = RowTable(layout: RowLayout(keys: types, valueBytes: JoinSide.entryValueBytes))
        first = keyLayout.valueOffset
        weightAt = entries.layout.valueOffset
    }

    func weight(of entry: UnsafeMutableRawPointer) -> Int64 { entry.load(fromByteOffset: weightAt, as: Int64.self) }
    func totalWeight(of key: UnsafeMutableRawPointer) -> Int64 {
        key.load(fromByteOffset: first + 8, as: Int64.self)
    }

    func forEachEntry(of key: UnsafeMutableRawPointer, _ body: (UnsafeMutableRawPointer) -> Void) {
        var entry = UnsafeMutableRawPointer(bitPattern: key.load(fromByteOffset: first, as: UInt.self))
        while let current = entry {
            if weight(of: current) != 0 { body(current) }
            entry = UnsafeMutableRawPointer(bitPattern: current.load(fromByteOffset: weightAt + 8, as: UInt.self))
        }
    }

    /// Applies changes. `keyRows[i]` receives the key row of each change.
    func apply(_ rows: Batch, keys: KeyImages, keyRows: UnsafeMutablePointer<UnsafeMutableRawPointer>) {
        let n = rows.count
        index.findOrInsert(keys, selection: nil, count: n, into: keyRows)
        let images = KeyImages(rows.columns, count: n, layout: entries.layout)
        let found = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: max(1, n))
        defer { found.deallocate() }
        entries.findOrInsert(images, selection: nil, count: n, into: found)
        let weights = rows.weights?.pointer(Int64.self)
        for i in 0..<n {
            let entry = found[i]
            let key = keyRows[i]
            let change = weights.map { $0[i] } ?? 1
            if entry.load(fromByteOffset: weightAt + 24, as: UInt.self) == 0 { link(entry, key) }
            entry.storeBytes(of: weight(of: entry) + change, toByteOffset: weightAt, as: Int64.self)
            key.storeBytes(of: totalWeight(of: key) + change, toByteOffset: first + 8, as: Int64.self)
            if entry.load(fromByteOffset: RowLayout.markOffset, as: UInt32.self) == 0 {
                entry.storeBytes(of: 1, toByteOffset: RowLayout.markOffset, as: UInt32.self)
                touched.append(entry)
            }
        }
    }

    private func link(_ entry: UnsafeMutableRawPointer, _ key: UnsafeMutableRawPointer) {
        let head = key.load(fromByteOffset: first, as: UInt.self)
        entry.storeBytes(of: head, toByteOffset: weightAt + 8, as: UInt.self)
        entry.storeBytes(of: 0, toByteOffset: weightAt + 16, as: UInt.self)
        entry.storeBytes(of: UInt(bitPattern: key), toByteOffset: weightAt + 24, as: UInt.self)
        if let old = UnsafeMutableRawPointer(bitPattern: head) {
            old.storeBytes(of: UInt(bitPattern: entry), toByteOffset: weightAt + 16, as: UInt.self)
        }
        key.storeBytes(of: UInt(bitPattern: entry), toByteOffset: first, as: UInt.self)
    }

    private func unlink(_ entry: UnsafeMutableRawPointer) {
        let next = entry.load(fromByteOffset: weightAt + 8, as: UInt.self)
        let previous = entry.load(fromByteOffset: weightAt + 16, as: UInt.self)
        let keyAddress = entry.load(fromByteOffset: weightAt + 24, as: UInt.self)
        guard let key = UnsafeMutableRawPointer(bitPattern: keyAddress) else { return }
        if let before = UnsafeMutableRawPointer(bitPattern: previous) {
            before.storeBytes(of: next, toByteOffset: weightAt + 8, as: UInt.self)
        } else {
            key.storeBytes(of: next, toByteOffset: first, as: UInt.self)
        }
        if let after = UnsafeMutableRawPointer(bitPattern: next) {
            after.storeBytes(of: previous, toByteOffset: weightAt + 16, as: UInt.self)
        }
        if previous == 0 && next == 0 { index.remove(key) }
    }

    func endEpoch() {
        for entry in touched {
            entry.storeBytes(of: 0, toByteOffset: RowLayout.markOffset, as: UInt32.self)
            if weight(of: entry) == 0 {
                unlink(entry)
                entries.remove(entry)
            }
        }
        touched.removeAll(keepingCapacity: true)
    }

    /// The rows of entries, as columns.
    func columns(of rows: [UnsafeMutableRawPointer]) -> [Column] {
        let heap = entries.arena.heap()
        return rows.withUnsafeBufferPointer { buffer in
            types.indices.map { column in
                guard let base = buffer.baseAddress else { return Column.empty(types[column]) }
                return entries.keyColumn(column, of: base, count: rows.count, as: types[column], heap: heap)
            }
        }
    }

    var byteCount: Int { index.byteCount + entries.byteCount }
}
