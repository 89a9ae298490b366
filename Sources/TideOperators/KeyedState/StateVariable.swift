/// One state variable of one partition: a value, a list or a map per key, with a time at which each row expires.
///
///     index:  key row | first element, address | next list position, Int64 |            lists and maps alone
///     rows:   key and element row | next | previous | key row | expiry, Int64 | flags, UInt64 | image of the values |
///
/// A value has one row per key; a list one per element, told apart by its position; a map one per element, told apart
/// by the map's key. Elements of one key form a doubly linked list. A row that was removed stays until the epoch ends,
/// so that the removal can be checkpointed.
///
/// Invariants between epochs: every row is live and stored, every mark is 0, nothing is touched. `expiries` may name
/// rows that are gone or have another expiry by now: what it gives is looked at again, and it is built anew when rows
/// have moved or half of it is out of date.
final class StateVariable {
    enum Kind: Hashable {
        case value
        case list
        case map([DataType])
    }
    enum Expiry {
        case at(Int64)
        /// One per row.
        case times(UnsafePointer<Int64>)
    }
    /// What each row has behind its key.
    enum Tail {
        static let links = 0
        static let key = 16
        static let expiry = 24
        static let flags = 32
        static let values = 40
    }
    enum Flags {
        static let live: UInt64 = 1
        /// The checkpoint knows the row.
        static let stored: UInt64 = 2
    }
    static let never = Int64.max

    let kind: Kind
    let keyTypes: [DataType]
    let elementTypes: [DataType]
    let valueTypes: [DataType]
    let rows: RowTable
    let index: RowTable?
    private let valueLayout: RowLayout
    private var arena = RowArena()
    private(set) var touched: [UnsafeMutableRawPointer] = []
    private(set) var liveCount = 0
    /// Rows written and removed since the last call of `takeCounts`.
    private var counts = (updated: 0, removed: 0)
    private var expiries = EvictionIndex()
    private var expiriesAreStale = false
    private let tailAt: Int
    let headAt: Int

    init(_ kind: Kind, keys: [DataType], values: [DataType], leadBits: Int) {
        self.kind = kind
        keyTypes = keys
        valueTypes = values
        switch kind {
        case .value: elementTypes = []
        case .list: elementTypes = [.bigint]
        case .map(let types): elementTypes = types
        }
        valueLayout = RowLayout(keys: values, valueBytes: 0)
        let bytes = values.isEmpty ? 0 : valueLayout.imageBytes
        let layout = RowLayout(keys: keys + elementTypes, valueBytes: Tail.values + bytes)
        // Rows with elements are hashed by them too, so their leading bits are spread.
        rows = RowTable(layout: layout, leadBits: kind == .value ? leadBits : 0)
        tailAt = layout.valueOffset
        let keyLayout = RowLayout(keys: keys, valueBytes: 16)
        index = kind == .value ? nil : RowTable(layout: keyLayout, leadBits: leadBits)
        headAt = keyLayout.valueOffset
    }

    // MARK: Fields

    @inline(__always) func expiry(of row: UnsafeMutableRawPointer) -> Int64 {
        row.load(fromByteOffset: tailAt + Tail.expiry, as: Int64.self)
    }
    @inline(__always) func flags(of row: UnsafeMutableRawPointer) -> UInt64 {
        row.load(fromByteOffset: tailAt + Tail.flags, as: UInt64.self)
    }
    @inline(__always) func isLive(_ row: UnsafeMutableRawPointer) -> Bool { flags(of: row) & Flags.live != 0 }
    @inline(__always) func setFlags(_ flags: UInt64, of row: UnsafeMutableRawPointer) {
        row.storeBytes(of: flags, toByteOffset: tailAt + Tail.flags, as: UInt64.self)
    }
    @inline(__always) private func address(_ row: UnsafeMutableRawPointer, _ at: Int) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: row.load(fromByteOffset: at, as: UInt.self))
    }
    @inline(__always) private func set(
        _ row: UnsafeMutableRawPointer, _ at: Int, _ to: UnsafeMutableRawPointer?
    ) {
        row.storeBytes(of: UInt(bitPattern: to), toByteOffset: at, as: UInt.self)
    }

    // MARK: Writing

    /// Sets rows; of two with one key and element the later one stays.
    /// - Parameters:
    ///   - elements: of a map its keys, of a list positions; empty for values.
    ///   - expiry: microseconds; `never`, or from then on the row is not there.
    func put(keys: [Column], elements: [Column] = [], values: [Column], count n: Int, expiry: Expiry) {
        if n == 0 { return }
        let images = KeyImages(keys + elements, count: n, layout: rows.layout)
        let valueImages = valueTypes.isEmpty ? nil : KeyImages(values, count: n, layout: valueLayout)
        withAddresses(n) { found in
            rows.findOrInsert(images, selection: nil, count: n, into: found)
            if index != nil { link(found, keys, n) }
            for i in 0..<n {
                let row = found[i]
                let time =
                    switch expiry {
                    case .at(let time): time
                    case .times(let times): times[i]
                    }
                let old = flags(of: row)
                if old & Flags.live == 0 {
                    setFlags(old | Flags.live, of: row)
                    liveCount += 1
                }
                if time != StateVariable.never, old & Flags.live == 0 || self.expiry(of: row) != time {
                    expiries.add(row, at: time)
                }
                row.storeBytes(of: time, toByteOffset: tailAt + Tail.expiry, as: Int64.self)
                valueImages?.store(i, at: row + (tailAt + Tail.values), in: arena)
                touch(row)
                counts.updated += 1
            }
        }
    }

    /// Adds elements behind those that the keys' lists have.
    func append(keys: [Column], values: [Column], count n: Int, expiry: Expiry) {
        precondition(kind == .list)
        guard let index, n > 0 else { return }
        let images = KeyImages(keys, count: n, layout: index.layout)
        let positions = Buffer(byteCount: n * 8)
        let out = positions.pointer(Int64.self)
        withAddresses(n) { found in
            index.findOrInsert(images, selection: nil, count: n, into: found)
            for i in 0..<n {
                let next = found[i].load(fromByteOffset: headAt + 8, as: Int64.self)
                out[i] = next
                found[i].storeBytes(of: next + 1, toByteOffset: headAt + 8, as: Int64.self)
            }
        }
        put(
            keys: keys, elements: [Column(type: .bigint, count: n, values: positions)], values: values, count: n,
            expiry: expiry)
    }

    func remove(_ gone: [UnsafeMutableRawPointer]) {
        for row in gone where isLive(row) {
            setFlags(flags(of: row) & ~Flags.live, of: row)
            liveCount -= 1
            counts.removed += 1
            if !valueTypes.isEmpty {
                let area = row + (tailAt + Tail.values)
                valueLayout.forget(area, in: arena)
                area.initializeMemory(as: UInt8.self, repeating: 0, count: valueLayout.imageBytes)
            }
            touch(row)
        }
    }

    private func touch(_ row: UnsafeMutableRawPointer) {
        if row.load(fromByteOffset: RowLayout.markOffset, as: UInt32.self) != 0 { return }
        row.storeBytes(of: 1, toByteOffset: RowLayout.markOffset, as: UInt32.self)
        touched.append(row)
    }

    private func link(_ found: UnsafeMutablePointer<UnsafeMutableRawPointer>, _ keys: [Column], _ n: Int) {
        guard let index else { return }
        let images = KeyImages(keys, count: n, layout: index.layout)
        withAddresses(n) { keyRows in
            index.findOrInsert(images, selection: nil, count: n, into: keyRows)
            for i in 0..<n where address(found[i], tailAt + Tail.key) == nil {
                let (row, key) = (found[i], keyRows[i])
                let head = address(key, headAt)
                set(row, tailAt + Tail.links, head)
                set(row, tailAt + Tail.key, key)
                if let head { set(head, tailAt + Tail.links + 8, row) }
                set(key, headAt, row)
            }
        }
    }

    // MARK: Reading

    /// The row of each key and element that is there.
    /// - Parameter now: microseconds; rows that expire up to then are not there.
    func find(
        keys: [Column], elements: [Column] = [], count n: Int, now: Int64
    ) -> [UnsafeMutableRawPointer?] {
        let images = KeyImages(keys + elements, count: n, layout: rows.layout)
        var found = [UnsafeMutableRawPointer?](unsafeUninitializedCapacity: n) { buffer, initialized in
            if let base = buffer.baseAddress { rows.find(images, selection: nil, count: n, into: base) }
            initialized = n
        }
        for i in 0..<n {
            if let row = found[i], !isLive(row) || expiry(of: row) <= now { found[i] = nil }
        }
        return found
    }

    /// The elements of each key that are there, side by side: those of key i are `starts[i]..<starts[i + 1]`. Lists are
    /// in their order, maps in none.
    func elements(
        of keys: [Column], count n: Int, now: Int64
    ) -> (rows: [UnsafeMutableRawPointer], starts: [Int]) {
        guard let index else { preconditionFailure("a value has no elements") }
        let images = KeyImages(keys, count: n, layout: index.layout)
        var all: [UnsafeMutableRawPointer] = []
        var starts = [0]
        let positionAt = rows.layout.keyOffsets.last ?? 0
        withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer?.self, capacity: max(1, n)) { found in
            guard let base = found.baseAddress else { return }
            index.find(images, selection: nil, count: n, into: base)
            for i in 0..<n {
                let start = all.count
                var next = base[i].flatMap { address($0, headAt) }
                while let row = next {
                    if isLive(row) && expiry(of: row) > now { all.append(row) }
                    next = address(row, tailAt + Tail.links)
                }
                if kind == .list {
                    all[start...].sort {
                        $0.load(fromByteOffset: positionAt, as: Int64.self)
                            < $1.load(fromByteOffset: positionAt, as: Int64.self)
                    }
                }
                starts.append(all.count)
            }
        }
        return (all, starts)
    }

    func keyColumns(of rows: [UnsafeMutableRawPointer]) -> [Column] { columns(rows, keyTypes.indices) }
    func elementColumns(of rows: [UnsafeMutableRawPointer]) -> [Column] {
        columns(rows, keyTypes.count..<(keyTypes.count + elementTypes.count))
    }
    private func columns(_ found: [UnsafeMutableRawPointer], _ range: Range<Int>) -> [Column] {
        let types = rows.layout.keyTypes
        let heap = rows.arena.heap()
        return found.withUnsafeBufferPointer { buffer in
            range.map { column in
                guard let base = buffer.baseAddress, !buffer.isEmpty else { return .empty(types[column]) }
                return rows.keyColumn(column, of: base, count: buffer.count, as: types[column], heap: heap)
            }
        }
    }

    func values(of found: [UnsafeMutableRawPointer]) -> [Column] {
        let at = tailAt + Tail.values
        let heap = arena.heap()
        return found.map { $0 + at }.withUnsafeBufferPointer { areas in
            valueTypes.indices.map { column in
                guard let base = areas.baseAddress, !areas.isEmpty else { return .empty(valueTypes[column]) }
                return valueLayout.column(column, of: base, count: areas.count, as: valueTypes[column], heap: heap)
            }
        }
    }

    // MARK: Time

    /// Rows that expire up to `limit`, by the hash of their key and then by time. Each is given once; the caller
    /// removes them.
    func due(through limit: Int64) -> [UnsafeMutableRawPointer] {
        renewExpiries()
        var found = expiries.take(through: limit).filter { isLive($0) && expiry(of: $0) <= limit }
        if found.isEmpty { return [] }
        // One that was set twice to the same time stands there twice.
        found.sort { $0 < $1 }
        var last: UnsafeMutableRawPointer?
        found.removeAll { row in
            defer { last = row }
            return row == last
        }
        let hashes = hashRows(keyColumns(of: found), count: found.count)
        let order = hashes.pointer(UInt64.self)
        return found.indices.sorted {
            (order[$0], expiry(of: found[$0])) < (order[$1], expiry(of: found[$1]))
        }.map { found[$0] }
    }

    /// The first time at which a row expires; nil: none does.
    func nextExpiry() -> Int64? {
        renewExpiries()
        while let least = expiries.least {
            let found = expiries.take(through: least).filter { isLive($0) && expiry(of: $0) <= least }
            for row in found { expiries.add(row, at: least) }
            if !found.isEmpty { return least }
        }
        return nil
    }

    private func renewExpiries() {
        guard expiriesAreStale || expiries.count > 2 * liveCount + 1024 else { return }
        expiriesAreStale = false
        expiries = EvictionIndex()
        rows.forEachRow { row in
            let time = expiry(of: row)
            if isLive(row), time != StateVariable.never { expiries.add(row, at: time) }
        }
    }

    // MARK: Epochs

    func takeCounts() -> (updated: Int, removed: Int) {
        defer { counts = (0, 0) }
        return counts
    }

    func endEpoch() {
        var (gone, goneKeys): ([UnsafeMutableRawPointer], [UnsafeMutableRawPointer]) = ([], [])
        for row in touched {
            row.storeBytes(of: 0, toByteOffset: RowLayout.markOffset, as: UInt32.self)
            if isLive(row) {
                setFlags(Flags.live | Flags.stored, of: row)
                continue
            }
            gone.append(row)
            if index != nil, let key = unlink(row) { goneKeys.append(key) }
        }
        touched.removeAll(keepingCapacity: true)
        gone.withUnsafeBufferPointer { if let base = $0.baseAddress { rows.remove(base, count: $0.count) } }
        goneKeys.withUnsafeBufferPointer { if let base = $0.baseAddress { index?.remove(base, count: $0.count) } }
        if let index {
            if LinkedRows.settle(index: index, head: headAt, entries: rows, links: tailAt + Tail.links) {
                expiriesAreStale = true
            }
        } else if rows.settle() {
            expiriesAreStale = true
        }
        if liveCount == 0 {
            expiries = EvictionIndex()
            expiriesAreStale = false
        }
        reclaimValues()
    }

    /// - Returns: the row's key if it has no element left.
    private func unlink(_ row: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        guard let key = address(row, tailAt + Tail.key) else { return nil }
        let (next, previous) = (address(row, tailAt + Tail.links), address(row, tailAt + Tail.links + 8))
        set(previous ?? key, previous == nil ? headAt : tailAt + Tail.links, next)
        if let next { set(next, tailAt + Tail.links + 8, previous) }
        return previous == nil && next == nil ? key : nil
    }

    private func reclaimValues() {
        guard arena.isMostlyDead || (rows.count == 0 && arena.usedBytes > 0) else { return }
        let fresh = RowArena()
        rows.forEachRow { valueLayout.move($0 + (tailAt + Tail.values), from: arena, to: fresh) }
        arena = fresh
    }

    /// What a stored list's next element gets.
    func raisePositions(keys: [Column], positions: UnsafePointer<Int64>, count n: Int) {
        guard let index else { return }
        let images = KeyImages(keys, count: n, layout: index.layout)
        withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer?.self, capacity: max(1, n)) { found in
            guard let base = found.baseAddress else { return }
            index.find(images, selection: nil, count: n, into: base)
            for i in 0..<n {
                guard let key = base[i] else { continue }
                let next = max(key.load(fromByteOffset: headAt + 8, as: Int64.self), positions[i] + 1)
                key.storeBytes(of: next, toByteOffset: headAt + 8, as: Int64.self)
            }
        }
    }

    var byteCount: Int {
        rows.byteCount + (index?.byteCount ?? 0) + arena.byteCount + expiries.byteCount
    }

    private func withAddresses(_ n: Int, _ body: (UnsafeMutablePointer<UnsafeMutableRawPointer>) -> Void) {
        let found = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: max(1, n))
        defer { found.deallocate() }
        body(found)
    }
}
