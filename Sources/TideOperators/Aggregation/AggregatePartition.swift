import Glibc

/// The groups of one partition: a table of packed rows, what the epoch touched, and copies of what stood there before.
///
/// Groups that end are in `AggregatePartition+Times.swift`, those that lie in runs alone in `AggregatePartition+Cold`.
///
/// Invariants between epochs: every row but dead ones has a positive `rows` slot, its mark is its stamp (`RowStamp`),
/// nothing is touched.
final class AggregatePartition {
    let table: RowTable
    let accumulators: AccumulatorLayout
    /// Key groups of which rows may lie in the runs alone; see `LazyOperator`.
    var cold = KeyGroupSet()
    /// Per key group the stamp of the last row that was deleted and not kept as a dead one.
    private var lastRemoval: [UInt32]
    /// The key group that the next eviction takes as its sample.
    var hand = EvictionHand()
    // Under the partition's lock there is one owner, and update, eviction and commit reach these once per row: run-time
    // exclusivity checks were a third of a load with a memory limit.
    @exclusivity(unchecked) var deadRows = 0
    /// Groups that came, less those that went, since the operator was opened.
    private(set) var liveChange = 0
    private var pendingLiveChange = 0
    /// Long strings that are a minimum or maximum.
    @exclusivity(unchecked) var arena = RowArena()
    @exclusivity(unchecked) var sums: AccumulatorSums
    /// One for each of the layout's stores.
    let values: [KeyedRows]

    /// Rows touched since the last commit, in order of first touch; a row's mark is its position and `touchedBit`.
    @exclusivity(unchecked) private(set) var touched: [UnsafeMutableRawPointer] = []
    @exclusivity(unchecked) private var touchedGroups: [UInt8] = []
    /// What both have room for from earlier epochs.
    private var touchedMost = 0
    /// Positions of touched rows that started from zero though the runs may have them.
    @exclusivity(unchecked) var unresolved: [UInt32] = []
    /// The value areas of `touched` as they were, back to back. A group that was not there has zeroes.
    @exclusivity(unchecked) private var before: UnsafeMutableRawPointer
    @exclusivity(unchecked) private var beforeCapacity = 0
    private let valueBytes: Int
    private let valueOffset: Int
    private let stringOffsets: [Int]
    /// Positions in `before` whose copies hold spilled sums, to be given back.
    @exclusivity(unchecked) private var detached: [Int] = []
    /// Groups by the time they end, where they do.
    @exclusivity(unchecked) var endings = EvictionIndex()
    let endingGroup: Int?
    /// Where state has a limit: see `AggregatePartition+Times.swift`.
    var ends = RowEnds()
    /// State came back, so `endings` must be made anew.
    var indexIsStale = false

    init(layout: RowLayout, accumulators: AccumulatorLayout, leadBits: Int, endingGroup: Int? = nil) {
        self.endingGroup = endingGroup
        table = RowTable(layout: layout, leadBits: leadBits)
        self.accumulators = accumulators
        valueBytes = layout.valueBytes
        valueOffset = layout.valueOffset
        sums = AccumulatorSums(accumulators)
        values = accumulators.stores.map {
            KeyedRows(
                keyLayout: RowLayout(keys: layout.keyTypes, valueBytes: KeyedRows.keyValueBytes),
                types: layout.keyTypes + $0.types, duties: .init(), leadBits: leadBits)
        }
        stringOffsets = accumulators.slots.filter { $0.isExtreme && $0.type.physical == .view }.map(\.offset)
        before = .allocate(byteCount: 0, alignment: 8)
        lastRemoval = Array(repeating: 0, count: KeyGroup.count >> leadBits)
    }
    deinit { before.deallocate() }

    /// Applies the selected rows of a batch.
    /// - Parameter inputs: the evaluated accumulator inputs, full batch length.
    func update(_ keys: KeyImages, _ inputs: [Column], weights: Column?, selection: UnsafeBufferPointer<UInt32>) {
        let chunk = 1024
        refreshEndings()
        withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: chunk) { buffer in
            let rows = buffer.baseAddress!
            var done = 0
            while done < selection.count {
                let n = min(chunk, selection.count - done)
                let part = selection.baseAddress! + done
                table.findOrInsert(keys, selection: part, count: n, into: rows)
                touch(rows, n, keys.hashes.pointer(UInt64.self), part)
                apply(to: rows, inputs, weights: weights, selection: part, n)
                done += n
            }
        }
    }

    /// Updates the groups at `rows`, which are touched; the addresses become those of their value areas.
    func apply(
        to rows: UnsafeMutablePointer<UnsafeMutableRawPointer>, _ inputs: [Column], weights: Column?,
        selection: Selection, _ n: Int
    ) {
        for i in 0..<n { rows[i] += valueOffset }
        for slot in accumulators.slots where slot.store == nil {
            apply(slot, inputs, weights, UnsafePointer(rows), selection, n)
        }
    }

    /// First touch of a group in this epoch keeps a copy of its accumulators.
    /// - Parameters:
    ///   - hashes: of the rows' keys; nil: no row ever lies in runs alone, so key groups do not matter.
    ///   - selection: where the hashes of the rows are; nil means at 0..<n.
    func touch(
        _ rows: UnsafePointer<UnsafeMutableRawPointer>, _ n: Int, _ hashes: UnsafePointer<UInt64>? = nil,
        _ selection: UnsafePointer<UInt32>? = nil
    ) {
        for i in 0..<n {
            let row = rows[i]
            let mark = row.load(fromByteOffset: RowLayout.markOffset, as: UInt32.self)
            if mark & RowStamp.touchedBit != 0 { continue }
            if let endingGroup, (row + valueOffset).load(as: Int64.self) == 0 { index(row, group: endingGroup) }
            let index = touched.count
            touched.append(row)
            let group = hashes.map { Int(truncatingIfNeeded: $0[selection.map { Int($0[i]) } ?? i] &>> 56) } ?? 0
            touchedGroups.append(UInt8(truncatingIfNeeded: group))
            row.storeBytes(
                of: UInt32(truncatingIfNeeded: index) | RowStamp.touchedBit, toByteOffset: RowLayout.markOffset,
                as: UInt32.self)
            if mark & RowStamp.deadBit != 0 { deadRows -= 1 }
            if mark == 0 && cold.contains(group) { unresolved.append(UInt32(truncatingIfNeeded: index)) }
            if (index + 1) * valueBytes > beforeCapacity { growBefore(index + 1) }
            let copy = before + index * valueBytes
            memcpy(copy, row + valueOffset, valueBytes)
            // A spilled sum will be changed in place.
            if sums.detach(copy) { detached.append(index) }
        }
    }
    /// Must come before the first change of an epoch.
    func refreshEndings() {
        guard indexIsStale, let endingGroup else { return }
        indexIsStale = false
        indexAll(group: endingGroup)
    }
    private func growBefore(_ rows: Int) {
        let capacity = max(rows * valueBytes, beforeCapacity * 2, 1 << 14)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
        memcpy(larger, before, beforeCapacity)
        before.deallocate()
        before = larger
        beforeCapacity = capacity
    }

    func areaBefore(_ index: Int) -> UnsafeMutableRawPointer { before + index * valueBytes }

    func apply(
        _ slot: AccumulatorLayout.Slot, _ inputs: [Column], _ weights: Column?, _ areas: ValueAreas,
        _ selection: Selection, _ n: Int
    ) {
        let column = slot.argument.map { inputs[$0] }
        var valid = column?.validity
        if let filter = slot.filter {
            let keep = inputs[filter]
            let bits = keep.validity.map { keep.bits.and($0) } ?? keep.bits
            valid = Bitmap.and(valid, bits)
        }
        withExtendedLifetime(valid) {
            let mask = RowMask(
                valid: valid.map { UnsafePointer($0.words) }, weights: weights.map { $0.pointer(Int64.self) })
            switch slot.kind {
            case .rows, .nonNull: addWeights(areas, selection, n, offset: slot.offset, mask)
            case .trueCount:
                addTrue(areas, selection, n, offset: slot.offset, bits: column!.bits.words, mask)
            case .sumInteger:
                func add<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) {
                    addIntegers(
                        type, areas, selection, n, offset: slot.offset, values: column!.pointer(), mask,
                        &sums.integers)
                }
                switch slot.type.physical {
                case .int32: add(Int32.self)
                case .int64: add(Int64.self)
                default: add(Int128.self)
                }
            case .sumDecimal:
                addDecimals(areas, selection, n, offset: slot.offset, values: column!.pointer(), mask)
            case .sumDouble:
                addDoubles(
                    areas, selection, n, offset: slot.offset, values: column!.pointer(), mask, &sums.doubles)
            case .sumSquares:
                addPowers(
                    SquareRule.self, areas, selection, n, offset: slot.offset, column!.pointer(), column!.pointer(),
                    mask, &sums.doubles)
            case .sumCubes:
                addPowers(
                    CubeRule.self, areas, selection, n, offset: slot.offset, column!.pointer(), column!.pointer(),
                    mask, &sums.doubles)
            case .sumFourths:
                addPowers(
                    FourthRule.self, areas, selection, n, offset: slot.offset, column!.pointer(), column!.pointer(),
                    mask, &sums.doubles)
            case .sumProducts:
                let other = slot.other.map { inputs[$0] } ?? column!
                addPowers(
                    ProductRule.self, areas, selection, n, offset: slot.offset, column!.pointer(), other.pointer(),
                    mask, &sums.doubles)
            case .picked: preconditionFailure("a picked row comes from its store")
            case .minimum, .maximum:
                extremes(slot, column!, areas, selection, n, mask)
            }
        }
    }

    private func extremes(
        _ slot: AccumulatorLayout.Slot, _ column: Column, _ areas: ValueAreas, _ selection: Selection, _ n: Int,
        _ mask: RowMask
    ) {
        let largest = slot.kind == .maximum
        func run<Rule: ExtremeRule>(_ rule: Rule.Type) {
            takeExtremes(
                rule, largest: largest, areas, selection, n, offset: slot.offset, values: column.pointer(), mask)
        }
        switch slot.type.physical {
        case .bit:
            // As 0 and 1, in bytes.
            let bytes = Buffer(byteCount: column.count)
            let out = bytes.pointer(UInt8.self)
            let words = column.bits.words
            for i in 0..<column.count { out[i] = UInt8(truncatingIfNeeded: (words[i >> 6] >> UInt64(i & 63)) & 1) }
            takeExtremes(
                IntegerOrder<UInt8>.self, largest: largest, areas, selection, n, offset: slot.offset,
                values: UnsafePointer(out), mask)
        case .int32: run(IntegerOrder<Int32>.self)
        case .int64: run(IntegerOrder<Int64>.self)
        case .int128: run(IntegerOrder<Int128>.self)
        case .float32: run(FloatOrder.self)
        case .float64: run(DoubleOrder.self)
        case .view:
            takeExtremeStrings(
                largest: largest, areas, selection, n, offset: slot.offset, column: column, mask, arena)
        }
    }

    /// The group of an aggregate without GROUP BY, which exists even over no input.
    func touchGlobalGroup() {
        let keys = KeyImages([], count: 1, layout: table.layout)
        withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: 1) { rows in
            table.findOrInsert(keys, selection: nil, count: 1, into: rows.baseAddress!)
            touch(UnsafePointer(rows.baseAddress!), 1, keys.hashes.pointer(UInt64.self), nil)
        }
    }

    /// `before` of a touched row now holds a row read from the runs, with sums of its own.
    func noteSums(ofCopy index: Int) {
        if sums.holdsIndices(areaBefore(index)) { detached.append(index) }
    }

    /// Counts groups that came and went, once the epoch's input is complete.
    func countLiveChange() {
        var change = 0
        for index in touched.indices {
            let was = areaBefore(index).load(as: Int64.self) > 0
            let isLive = (touched[index] + valueOffset).load(as: Int64.self) > 0
            if was != isLive { change += isLive ? 1 : -1 }
        }
        pendingLiveChange = change
    }
    /// The rows have been counted.
    func forgetLiveChange() { liveChange = 0 }
    /// Including the epoch in hand.
    var liveChangeSoFar: Int { liveChange + pendingLiveChange }

    /// After the commit: rows get their stamp; groups without rows go, or stay as dead ones where the runs may still
    /// have them alive.
    func endEpoch(keepsEmptyGroup: Bool, stamp: UInt32) {
        for (index, row) in touched.enumerated() {
            let area = row + valueOffset
            var mark = stamp
            if !keepsEmptyGroup && area.load(as: Int64.self) <= 0 {
                release(area)
                let group = Int(touchedGroups[index])
                if endingGroup == nil && cold.contains(group) {
                    memset(area, 0, valueBytes)
                    mark |= RowStamp.deadBit
                    deadRows += 1
                } else {
                    noteRemoval(group, stamp)
                    table.remove(row)
                    continue
                }
            }
            row.storeBytes(of: mark, toByteOffset: RowLayout.markOffset, as: UInt32.self)
        }
        for rows in values { rows.endEpoch() }
        ends.endEpoch(stamp: stamp)
        for index in detached { sums.release(areaBefore(index)) }
        detached.removeAll(keepingCapacity: true)
        touchedMost = max(touchedMost, touched.count)
        touched.removeAll(keepingCapacity: true)
        touchedGroups.removeAll(keepingCapacity: true)
        liveChange += pendingLiveChange
        pendingLiveChange = 0
        // What one large epoch needed is no part of the state at rest.
        if beforeCapacity > table.byteCount / 32 { shrinkScratch() }
        if table.count == 0 { releaseAll() }
    }

    /// Between epochs, where nobody keeps addresses of rows but `endings`: memory of groups that went is given back.
    func settle() {
        guard table.settle() else { return }
        indexIsStale = endingGroup != nil
        reclaimExtremes()
    }

    /// No group is left: nor is anything that groups needed.
    private func releaseAll() {
        table.settle()
        if arena.usedBytes > 0 { arena = RowArena() }
        sums.removeAll()
        if beforeCapacity > 0 { releaseScratch() }
    }

    private func releaseScratch() {
        before.deallocate()
        before = .allocate(byteCount: 0, alignment: 8)
        beforeCapacity = 0
        (touched, touchedGroups, touchedMost) = ([], [], 0)
    }

    func noteRemoval(_ group: Int, _ stamp: UInt32) {
        let index = group & (lastRemoval.count - 1)
        lastRemoval[index] = max(lastRemoval[index], stamp)
    }
    func lastRemoval(_ group: Int) -> UInt32 { lastRemoval[group & (lastRemoval.count - 1)] }

    // MARK: Strings that are extremes

    /// Gives back what a value area refers to.
    func release(_ area: UnsafeMutableRawPointer) {
        sums.release(area)
        for offset in stringOffsets where area.load(fromByteOffset: offset, as: UInt64.self) != 0 {
            arena.forget(area.loadUnaligned(fromByteOffset: offset + 8, as: StringView.self))
        }
    }

    /// Copies the strings that are still extremes to a new arena if most of the old one is dead. Between epochs only.
    func reclaimExtremes() {
        guard !stringOffsets.isEmpty, arena.isMostlyDead else { return }
        let fresh = RowArena()
        let bases = arena.bases
        table.forEachRow { row in
            for offset in stringOffsets where (row + valueOffset).load(fromByteOffset: offset, as: UInt64.self) != 0 {
                let field = row + valueOffset + offset + 8
                let view = field.loadUnaligned(as: StringView.self)
                if view.isInline { continue }
                field.storeBytes(
                    of: fresh.append(bases[view.bufferIndex] + view.offset, view.length), as: StringView.self)
            }
        }
        arena = fresh
    }

    /// Gives back the memory that a large epoch left for the next one. Between epochs only.
    func shrinkScratch() {
        ends.shrink()
        if beforeCapacity > 1 << 20 { releaseScratch() }
    }

    var rowBytes: Int { table.layout.stride }
    var byteCount: Int {
        let scratch = beforeCapacity + [UInt8].grownBytes(max(touchedMost, touched.count)) * 9
        return table.byteCount + endings.byteCount + ends.byteCount + arena.byteCount + sums.byteCount + scratch
            + lastRemoval.count * 4 + values.reduce(0) { $0 + $1.byteCount }
    }
}
