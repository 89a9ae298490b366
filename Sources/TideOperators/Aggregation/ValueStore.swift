/// The values of an aggregate's argument by group, with how often each occurs: what DISTINCT and, over input that
/// retracts, MIN and MAX need beside their accumulator; and for FIRST, LAST and ANY_VALUE the whole input rows, whose
/// order decides.
///
/// Rows are | group columns | values |, by group. A value that appears (disappears) is added to (taken from) the
/// accumulators that the store feeds, once per epoch, so that an accumulator of DISTINCT values works as any other.
struct ValueStore: Hashable, Sendable {
    /// What is made of all values of a group, at the end of the epoch.
    enum Pick: Hashable, Sendable {
        /// The last column of the first (last) row in the order of the columns.
        case first, last
        case percentile(PercentileFraction)
        case mode
        case bitAnd, bitOr, bitXor
        /// The last columns of all rows, in their order, as often as they occur; of each once.
        case list, set
        /// The same joined to one text.
        case text(delimiter: [UInt8])
        /// How many distinct values there are, from pairs of register and rank.
        case estimate(precision: Int)

        /// Whether only the picked row can matter as long as nothing is taken back.
        var needsOneRow: Bool { self == .first || self == .last }
    }

    /// Evaluated columns that are kept. With a pick of a row: what orders the rows, then the argument.
    var columns: [Int]
    var types: [DataType]
    /// Which evaluated boolean column must be true.
    var filter: Int?
    /// Evaluated columns of which none may be NULL.
    var required: [Int]
    var pick: Pick?

    /// The rows of a batch that count, among those selected.
    func rows(_ inputs: [Column], _ selection: UnsafeBufferPointer<UInt32>) -> [UInt32] {
        var valid: Bitmap?
        for column in required { valid = Bitmap.and(valid, inputs[column].validity) }
        if let filter {
            let keep = inputs[filter]
            valid = Bitmap.and(valid, keep.validity.map { keep.bits.and($0) } ?? keep.bits)
        }
        guard let valid else { return Array(selection) }
        return selection.filter { valid[Int($0)] }
    }
}

extension AggregatePartition {
    /// Puts the selected rows' values into the stores.
    func keepValues(
        _ groups: [Column], _ inputs: [Column], weights: Column?, selection: UnsafeBufferPointer<UInt32>
    ) {
        for (store, rows) in zip(accumulators.stores, values) {
            let picked = store.rows(inputs, selection)
            if picked.isEmpty { continue }
            let keys = groups.map { $0.gather(picked) }
            rows.apply(
                Batch(
                    columns: keys + store.columns.map { inputs[$0].gather(picked) }, count: picked.count,
                    weights: weights?.gather(picked)),
                keys: KeyImages(keys, count: picked.count, layout: rows.index.layout))
        }
    }

    /// Brings the accumulators that stores feed to the epoch's end. Called once per epoch, before anything is emitted.
    /// - Parameter forgets: the input never retracts, so of the rows of a pick only the one that is picked can matter.
    func settleValues(forgets: Bool) throws(TidemillError) {
        for (index, store) in accumulators.stores.enumerated() where !values[index].touched.isEmpty {
            if let pick = store.pick {
                try settle(pick, index, forgets: forgets)
            } else {
                settle(index)
            }
        }
    }

    private func settle(_ index: Int) {
        let rows = values[index]
        var entries: [UnsafeMutableRawPointer] = []
        var weights: [Int64] = []
        for (entry, before) in zip(rows.touched, rows.before) {
            let isThere = rows.weight(of: entry) > 0
            if isThere == (before.weight > 0) { continue }
            entries.append(entry)
            weights.append(isThere ? 1 : -1)
        }
        if entries.isEmpty { return }
        let fed = feed(index, entries, Column(bigints: weights))
        rescan(index, entries, weights, fed)
    }

    /// Adds values to the accumulators of a store.
    /// - Returns: the values, and the value areas of their groups.
    @discardableResult private func feed(
        _ index: Int, _ entries: [UnsafeMutableRawPointer], _ weights: Column?
    ) -> (columns: [Column], areas: [UnsafeMutableRawPointer]) {
        let store = accumulators.stores[index]
        let n = entries.count
        let columns = values[index].columns(of: entries)
        let areas = valueAreas(Array(columns.dropLast(store.columns.count)), count: n)
        var inputs = [Column](repeating: .empty(.null), count: accumulators.inputs.count)
        for (input, column) in zip(store.columns, columns.suffix(store.columns.count)) { inputs[input] = column }
        let all = Array(UInt32(0)..<UInt32(n))
        areas.withUnsafeBufferPointer { areas in
            all.withUnsafeBufferPointer { all in
                for slot in accumulators.slots where slot.store == index {
                    var plain = slot
                    plain.filter = nil
                    // A store of several columns is counted as it is.
                    if store.columns.count > 1 { plain.argument = nil }
                    apply(plain, inputs, weights, areas.baseAddress!, all.baseAddress!, n)
                }
            }
        }
        return (Array(columns.suffix(store.columns.count)), areas)
    }

    /// Extremes that disappeared are looked for again among the values of their group.
    private func rescan(
        _ index: Int, _ entries: [UnsafeMutableRawPointer], _ weights: [Int64],
        _ fed: (columns: [Column], areas: [UnsafeMutableRawPointer])
    ) {
        let gone = weights.indices.filter { weights[$0] < 0 }
        if gone.isEmpty { return }
        let areas = gone.map { fed.areas[$0] }
        let value = fed.columns[0].gather(gone.map { UInt32($0) })
        let heap = AccumulatorHeap(strings: arena.heap(), sums: sums)
        for slot in accumulators.slots where slot.store == index && (slot.kind == .minimum || slot.kind == .maximum) {
            let extremes = areas.withUnsafeBufferPointer {
                accumulators.extreme(slot, slot.type, $0.baseAddress!, gone.count, heap)
            }
            let isLost = equalValues(extremes, value)
            var candidates: [UnsafeMutableRawPointer] = []
            var targets: [UnsafeMutableRawPointer] = []
            let rows = values[index]
            for (i, position) in gone.enumerated() where isLost[i] {
                guard let key = rows.keyRow(of: entries[position]) else { continue }
                clear(slot, areas[i])
                var entry = rows.first(of: key)
                while let current = entry {
                    if rows.weight(of: current) > 0 {
                        candidates.append(current)
                        targets.append(areas[i])
                    }
                    entry = rows.next(after: current)
                }
            }
            if candidates.isEmpty { continue }
            var inputs = [Column](repeating: .empty(.null), count: accumulators.inputs.count)
            let store = accumulators.stores[index]
            for (input, column) in zip(store.columns, rows.columns(of: candidates).suffix(store.columns.count)) {
                inputs[input] = column
            }
            var plain = slot
            plain.filter = nil
            let all = Array(UInt32(0)..<UInt32(candidates.count))
            targets.withUnsafeBufferPointer { targets in
                all.withUnsafeBufferPointer { all in
                    apply(plain, inputs, nil, targets.baseAddress!, all.baseAddress!, candidates.count)
                }
            }
        }
    }

    /// The value of the first or last row of every touched group.
    private func settle(_ pick: ValueStore.Pick, _ index: Int, forgets: Bool) throws(TidemillError) {
        let store = accumulators.stores[index]
        let rows = values[index]
        var entries: [UnsafeMutableRawPointer] = []
        var starts: [Int] = []
        var groups: [UnsafeMutableRawPointer] = []
        var seen = Set<UnsafeMutableRawPointer>()
        for touched in rows.touched {
            guard let key = rows.keyRow(of: touched), seen.insert(key).inserted else { continue }
            starts.append(entries.count)
            groups.append(key)
            var entry = rows.first(of: key)
            while let current = entry {
                if rows.weight(of: current) > 0 { entries.append(current) }
                entry = rows.next(after: current)
            }
        }
        starts.append(entries.count)
        let columns = rows.columns(of: entries)
        let batch = Batch(columns: columns, count: entries.count)
        let order = SortKeys(ascending: Array(columns.suffix(store.columns.count)), count: entries.count)
        let areas = valueAreas(rows.keyColumns(groups), count: groups.count)
        if case .estimate(let precision) = pick {
            return estimate(precision, index, starts, columns[columns.count - 1], entries, areas, forgets: forgets)
        }
        if !pick.needsOneRow {
            let weights = entries.map { rows.weight(of: $0) }
            if let type = accumulators.slots.first(where: { $0.store == index })?.type,
                let lists = pick.lists(columns[columns.count - 1], type, order, weights, starts)
            {
                let batch = Batch(columns: [lists], count: lists.count)
                for group in groups.indices {
                    for slot in accumulators.slots where slot.store == index {
                        clear(slot, areas[group])
                        if starts[group] == starts[group + 1] { continue }
                        try accumulators.store(slot, batch, 0, group, areas[group], self)
                    }
                }
                return
            }
            for group in groups.indices {
                let range = starts[group]..<starts[group + 1]
                for slot in accumulators.slots where slot.store == index {
                    try fold(pick, slot, columns[columns.count - 1], order, weights, range, areas[group])
                }
            }
            return
        }
        for group in groups.indices {
            var chosen: Int?
            for row in starts[group]..<starts[group + 1] {
                guard let best = chosen else {
                    chosen = row
                    continue
                }
                let comparison = order.compare(UInt32(row), UInt32(best))
                if pick == .first ? comparison < 0 : comparison > 0 { chosen = row }
            }
            for slot in accumulators.slots where slot.store == index {
                clear(slot, areas[group])
                if let chosen {
                    try accumulators.store(slot, batch, columns.count - 1, chosen, areas[group], self)
                }
            }
            guard forgets, let chosen else { continue }
            for row in starts[group]..<starts[group + 1] where row != chosen { rows.setWeight(0, of: entries[row]) }
        }
    }

    /// Puts into a slot what a pick makes of the values in `range`, which are distinct; none: NULL.
    private func fold(
        _ pick: ValueStore.Pick, _ slot: AccumulatorLayout.Slot, _ values: Column, _ order: SortKeys,
        _ weights: [Int64], _ range: Range<Int>, _ area: UnsafeMutableRawPointer
    ) throws(TidemillError) {
        clear(slot, area)
        if range.isEmpty { return }
        let target = area + slot.offset
        target.storeBytes(of: 1, as: UInt64.self)
        switch pick {
        case .percentile(let fraction):
            let sorted = range.sorted { order.compare(UInt32($0), UInt32($1)) < 0 }
            let doubles = values.pointer(Double.self)
            let value = Percentile.interpolated(sorted.map { (doubles[$0], weights[$0]) }, fraction.value)
            target.storeBytes(of: value, toByteOffset: 8, as: Double.self)
        case .mode:
            let best = range.max { a, b in
                weights[a] != weights[b] ? weights[a] < weights[b] : order.compare(UInt32(a), UInt32(b)) > 0
            }
            let batch = Batch(columns: [values], count: values.count)
            if let best { try accumulators.store(slot, batch, 0, best, area, self) }
        case .bitAnd, .bitOr, .bitXor:
            func integer(_ row: Int) -> Int64 {
                values.type.physical == .int32
                    ? Int64(values.pointer(Int32.self)[row]) : values.pointer(Int64.self)[row]
            }
            var bits: Int64 = pick == .bitAnd ? -1 : 0
            for row in range {
                switch pick {
                case .bitAnd: bits &= integer(row)
                case .bitOr: bits |= integer(row)
                default: if weights[row] & 1 == 1 { bits ^= integer(row) }
                }
            }
            if values.type.physical == .int32 {
                target.storeBytes(of: Int32(truncatingIfNeeded: bits), toByteOffset: 8, as: Int32.self)
            } else {
                target.storeBytes(of: bits, toByteOffset: 8, as: Int64.self)
            }
        case .first, .last, .list, .set, .text, .estimate: break
        }
    }

    /// Empties a slot that holds a value.
    func clear(_ slot: AccumulatorLayout.Slot, _ area: UnsafeMutableRawPointer) {
        let target = area + slot.offset
        if slot.type.physical == .view && target.load(as: UInt64.self) != 0 {
            arena.forget(target.loadUnaligned(fromByteOffset: 8, as: StringView.self))
        }
        target.storeBytes(of: 0, as: UInt64.self)
    }

    /// The value areas of groups, which exist: their rows were counted before.
    private func valueAreas(_ groups: [Column], count: Int) -> [UnsafeMutableRawPointer] {
        let keys = KeyImages(groups, count: count, layout: table.layout)
        return [UnsafeMutableRawPointer](unsafeUninitializedCapacity: count) { buffer, initialized in
            initialized = count
            guard let base = buffer.baseAddress, count > 0 else { return }
            table.findOrInsert(keys, selection: nil, count: count, into: base)
            for i in 0..<count { base[i] += table.layout.valueOffset }
        }
    }
}
