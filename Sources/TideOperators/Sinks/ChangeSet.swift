/// Collects an epoch's changes for a keyed table and brings them to the form that `KeyedTarget.publish` takes: per key
/// one row, +1 to put it there or -1 to take it away; for a bag, each distinct row with its net weight.
public final class ChangeSetCollector: BatchConsumer {
    let key: TableKey
    let types: [DataType]
    /// True if an operator below may emit several versions of one key's row in an epoch (a join): then only the net
    /// change of each whole row says which one stands.
    let needsNetting: Bool
    private let changes: Locked<[Int: [Batch]]>
    private let netsOnce = Locked(false)

    public init(key: TableKey, types: [DataType], needsNetting: Bool) {
        self.key = key
        self.types = types
        self.needsNetting = needsNetting
        changes = Locked([:])
    }

    public func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        changes.withLock { $0[task.ordinal, default: []].append(batch) }
    }
    public func finishTask(_ task: TaskContext) throws(TidemillError) {}

    /// The next change set is netted in any case: rows that a table had and their changes come in one epoch, in no
    /// order.
    public func netOnce() { netsOnce.withLock { $0 = true } }

    /// The epoch's change set; the collector is empty afterwards.
    public func take() -> [Batch] {
        let nets = netsOnce.withLock { once in
            defer { once = false }
            return once || needsNetting
        }
        let batches = changes.withLock { changes in
            defer { changes = [:] }
            return changes.keys.sorted().flatMap { changes[$0] ?? [] }
        }
        if batches.isEmpty { return [] }
        switch key {
        case .bag: return [net(batches)].filter { $0.count > 0 }
        case .columns(let keys):
            if nets { return [lastPerKey([net(batches)], keys)].filter { $0.count > 0 } }
            // One version per key, insertions behind deletions: nothing to do unless there are deletions.
            if batches.allSatisfy({ $0.weights == nil }) { return batches }
            return [lastPerKey(batches, keys)].filter { $0.count > 0 }
        }
    }

    /// Whole rows with their summed weights, zeros left out.
    private func net(_ batches: [Batch]) -> Batch {
        let all = Batch.concat(batches, types: types)
        let layout = RowLayout(keys: types, valueBytes: 16)
        let (rows, table) = locate(all, all.columns, layout)
        defer {
            rows.deallocate()
            withExtendedLifetime(table) {}
        }
        let weights = all.weights?.pointer(Int64.self)
        var order: [(row: UInt32, address: UnsafeMutableRawPointer)] = []
        let at = layout.valueOffset
        for i in 0..<all.count {
            let address = rows[i]
            if address.load(fromByteOffset: at + 8, as: Int64.self) == 0 {
                address.storeBytes(of: 1, toByteOffset: at + 8, as: Int64.self)
                order.append((UInt32(i), address))
            }
            let sum = address.load(fromByteOffset: at, as: Int64.self) + (weights.map { $0[i] } ?? 1)
            address.storeBytes(of: sum, toByteOffset: at, as: Int64.self)
        }
        let kept = order.filter { $0.address.load(fromByteOffset: at, as: Int64.self) != 0 }
        let net = kept.map { $0.address.load(fromByteOffset: at, as: Int64.self) }
        let picked = all.gather(kept.map(\.row))
        return Batch(columns: picked.columns, count: picked.count, weights: Column(bigints: net))
    }

    /// Per key the row with positive weight, or else its removal.
    private func lastPerKey(_ batches: [Batch], _ keys: [Int]) -> Batch {
        let all = Batch.concat(batches, types: types)
        let layout = RowLayout(keys: keys.map { types[$0] }, valueBytes: 8)
        let (rows, table) = locate(all, keys.map { all.columns[$0] }, layout)
        defer {
            rows.deallocate()
            withExtendedLifetime(table) {}
        }
        let weights = all.weights?.pointer(Int64.self)
        let at = layout.valueOffset
        var firsts: [UnsafeMutableRawPointer] = []
        for i in 0..<all.count {
            let isInsert = (weights.map { $0[i] } ?? 1) > 0
            let current = rows[i].load(fromByteOffset: at, as: Int64.self)
            if current == 0 { firsts.append(rows[i]) }
            // Stored as row number + 1; an insertion is never replaced by a removal.
            if isInsert || current == 0 || (weights.map { $0[Int(current) - 1] } ?? 1) < 0 {
                rows[i].storeBytes(of: Int64(i + 1), toByteOffset: at, as: Int64.self)
            }
        }
        let picked = firsts.map { UInt32($0.load(fromByteOffset: at, as: Int64.self) - 1) }
        let chosen = picked.map { row in (weights.map { $0[Int(row)] } ?? 1) > 0 ? Int64(1) : -1 }
        let result = all.gather(picked)
        return Batch(columns: result.columns, count: result.count, weights: Column(bigints: chosen))
    }

    /// The table row of every batch row. The table lives as long as the returned reference.
    private func locate(
        _ all: Batch, _ keys: [Column], _ layout: RowLayout
    ) -> (UnsafeMutablePointer<UnsafeMutableRawPointer>, RowTable) {
        let table = RowTable(layout: layout, expectedRows: all.count)
        let rows = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: max(1, all.count))
        table.findOrInsert(
            KeyImages(keys, count: all.count, layout: layout), selection: nil, count: all.count, into: rows)
        return (rows, table)
    }
}
