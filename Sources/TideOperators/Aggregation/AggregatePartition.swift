import Glibc

/// The groups of one partition: a table of packed rows, what the epoch touched, and copies of what stood there before.
///
/// Invariant between epochs: every row has a positive `rows` slot, its mark is 0, nothing is touched.
final class AggregatePartition {
    let table: RowTable
    let accumulators: AccumulatorLayout
    /// Long strings that are a minimum or maximum.
    var arena = RowArena()
    var wide = WideSums()

    /// Rows touched since the last commit, in order of first touch; a row's mark is its position + 1.
    private(set) var touched: [UnsafeMutableRawPointer] = []
    /// The value areas of `touched` as they were, back to back. A group that was not there has zeroes.
    private var before: UnsafeMutableRawPointer
    private var beforeCapacity = 0
    private let valueBytes: Int
    private let valueOffset: Int
    private let doubleOffsets: [Int]
    /// Wide sums copied for `before`, to be freed.
    private var copiedWide: [Int] = []
    /// Groups by the time they end, where they do.
    var endings = EvictionIndex()
    private let endingGroup: Int?
    /// State came back, so `endings` must be made anew.
    var indexIsStale = false

    init(layout: RowLayout, accumulators: AccumulatorLayout, leadBits: Int, endingGroup: Int? = nil) {
        self.endingGroup = endingGroup
        table = RowTable(layout: layout, leadBits: leadBits)
        self.accumulators = accumulators
        valueBytes = layout.valueBytes
        valueOffset = layout.valueOffset
        doubleOffsets = accumulators.slots.filter { $0.kind == .sumDouble }.map(\.offset)
        before = .allocate(byteCount: 0, alignment: 8)
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
                touch(rows, n)
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
        for slot in accumulators.slots { apply(slot, inputs, weights, UnsafePointer(rows), selection, n) }
    }

    /// First touch of a group in this epoch keeps a copy of its accumulators.
    func touch(_ rows: UnsafePointer<UnsafeMutableRawPointer>, _ n: Int) {
        for i in 0..<n {
            let row = rows[i]
            if row.load(fromByteOffset: RowLayout.markOffset, as: UInt32.self) != 0 { continue }
            if let endingGroup, (row + valueOffset).load(as: Int64.self) == 0 { index(row, group: endingGroup) }
            let index = touched.count
            touched.append(row)
            row.storeBytes(of: UInt32(index + 1), toByteOffset: RowLayout.markOffset, as: UInt32.self)
            if (index + 1) * valueBytes > beforeCapacity { growBefore(index + 1) }
            let copy = before + index * valueBytes
            memcpy(copy, row + valueOffset, valueBytes)
            for offset in doubleOffsets {
                let sum = (copy + offset).assumingMemoryBound(to: ExactSum.self)
                if let spilled = sum.pointee.spillIndex {
                    // The wide sum itself will be changed in place.
                    let index = wide.insert(wide.copy(spilled))
                    copiedWide.append(index)
                    sum.pointee = ExactSum(spill: index)
                }
            }
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

    private func apply(
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
                switch slot.type.physical {
                case .int32:
                    addIntegers(
                        Int32.self, areas, selection, n, offset: slot.offset, values: column!.pointer(), mask)
                case .int64:
                    addIntegers(
                        Int64.self, areas, selection, n, offset: slot.offset, values: column!.pointer(), mask)
                default:
                    addIntegers(
                        Int128.self, areas, selection, n, offset: slot.offset, values: column!.pointer(), mask)
                }
            case .sumDouble:
                addDoubles(areas, selection, n, offset: slot.offset, values: column!.pointer(), mask, &wide)
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
            touch(UnsafePointer(rows.baseAddress!), 1)
        }
    }

    /// After the commit: groups without rows go, marks are cleared.
    func endEpoch(keepsEmptyGroup: Bool) {
        for row in touched {
            row.storeBytes(of: 0, toByteOffset: RowLayout.markOffset, as: UInt32.self)
            if !keepsEmptyGroup && (row + valueOffset).load(as: Int64.self) <= 0 {
                for offset in doubleOffsets {
                    let sum = (row + valueOffset + offset).assumingMemoryBound(to: ExactSum.self)
                    if let spilled = sum.pointee.spillIndex { wide.remove(spilled) }
                }
                table.remove(row)
            }
        }
        for index in copiedWide { wide.remove(index) }
        copiedWide.removeAll(keepingCapacity: true)
        touched.removeAll(keepingCapacity: true)
    }

    var byteCount: Int {
        table.byteCount + endings.byteCount + arena.byteCount + wide.byteCount + beforeCapacity + touched.capacity * 8
    }
}
