import Glibc

// Accumulators as columns of checkpointed state, and back.

extension AccumulatorLayout {
    func stateColumns(_ slot: Slot, _ areas: ValueAreas, _ n: Int, _ heap: AccumulatorHeap) -> [Column] {
        switch slot.kind {
        case .rows, .nonNull, .trueCount:
            return [Column(type: .bigint, count: n, values: collect(Int64.self, slot.offset, areas, n))]
        case .sumInteger, .sumDecimal:
            return [Column(type: slot.stateTypes[0], count: n, values: wideSums(slot, areas, n, heap))]
        case .sumDouble, .sumSquares, .sumCubes, .sumFourths, .sumProducts:
            let high = Buffer(byteCount: n * 8)
            let low = Buffer(byteCount: n * 8)
            var wide: StringColumnBuilder?
            for i in 0..<n {
                let sum = areas[i].loadUnaligned(fromByteOffset: slot.offset, as: ExactSum.self)
                high.pointer(Double.self)[i] = sum.spillIndex == nil ? sum.hi : 0
                low.pointer(Double.self)[i] = sum.lo
                if sum.spillIndex != nil { wide = StringColumnBuilder(type: .binary) }
            }
            if wide != nil {
                for i in 0..<n {
                    let sum = areas[i].loadUnaligned(fromByteOffset: slot.offset, as: ExactSum.self)
                    if let index = sum.spillIndex {
                        heap.sums.doubles.copy(index).encoded.withUnsafeBytes { wide?.append($0) }
                    } else {
                        wide?.appendEmpty()
                    }
                }
            }
            let spilled = wide.map { $0.finish() } ?? Column(repeating: Scalar(.binary, .bytes([])), count: n)
            return [
                Column(type: .double, count: n, values: high), Column(type: .double, count: n, values: low), spilled,
            ]
        case .minimum, .maximum, .picked:
            return [extreme(slot, slot.type, areas, n, heap)]
        }
    }

    /// Puts stored rows into the table; a row that is not live leaves it, or stays as a dead one in a cold key group.
    /// Later batches win over earlier ones.
    func restore(
        _ partition: AggregatePartition, _ keys: KeyImages, _ batch: Batch, firstSlot: Int, live: Bitmap,
        _ selection: UnsafeBufferPointer<UInt32>, stamp: UInt32
    ) throws(TidemillError) {
        let n = selection.count
        let rows = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: n)
        defer { rows.deallocate() }
        partition.table.findOrInsert(keys, selection: selection.baseAddress!, count: n, into: rows)
        let valueOffset = partition.table.layout.valueOffset
        let hashes = keys.hashes.pointer(UInt64.self)
        for i in 0..<n {
            let source = Int(selection[i])
            let area = rows[i] + valueOffset
            let mark = rows[i].load(fromByteOffset: RowLayout.markOffset, as: UInt32.self)
            if mark & RowStamp.deadBit != 0 { partition.deadRows -= 1 }
            partition.release(area)
            memset(area, 0, valueBytes)
            var stored = stamp
            if live[source] {
                try store(batch, firstSlot: firstSlot, row: source, into: area, partition)
            } else {
                let group = Int(truncatingIfNeeded: hashes[source] >> 56)
                guard partition.cold.contains(group), partition.endingGroup == nil else {
                    partition.noteRemoval(group, stamp)
                    partition.table.remove(rows[i])
                    continue
                }
                stored |= RowStamp.deadBit
                partition.deadRows += 1
            }
            rows[i].storeBytes(of: stored, toByteOffset: RowLayout.markOffset, as: UInt32.self)
        }
    }

    /// One stored row's accumulators, into a zeroed value area.
    func store(
        _ batch: Batch, firstSlot: Int, row: Int, into area: UnsafeMutableRawPointer, _ partition: AggregatePartition
    ) throws(TidemillError) {
        var column = firstSlot
        for slot in slots {
            try store(slot, batch, column, row, area, partition)
            column += slot.stateTypes.count
        }
    }

    func store(
        _ slot: Slot, _ batch: Batch, _ index: Int, _ row: Int, _ area: UnsafeMutableRawPointer,
        _ partition: AggregatePartition
    ) throws(TidemillError) {
        let column = batch.columns[index]
        let target = area + slot.offset
        switch slot.kind {
        case .rows, .nonNull, .trueCount: target.storeBytes(of: column.pointer(Int64.self)[row], as: Int64.self)
        case .sumInteger:
            partition.sums.integers.set(
                column.pointer(Int128.self)[row], in: target.assumingMemoryBound(to: CompactSum.self))
        case .sumDecimal: target.storeBytes(of: column.pointer(Int128.self)[row], as: Int128.self)
        case .sumDouble, .sumSquares, .sumCubes, .sumFourths, .sumProducts:
            let wide = batch.columns[index + 2].bytes(row)
            if wide.isEmpty {
                let low = batch.columns[index + 1].pointer(Double.self)[row]
                target.storeBytes(of: ExactSum(hi: column.pointer(Double.self)[row], lo: low), as: ExactSum.self)
            } else {
                let sum = partition.sums.doubles.insert(try WideSum(decoding: Array(wide)))
                target.storeBytes(of: ExactSum(spill: sum), as: ExactSum.self)
            }
        case .minimum, .maximum, .picked:
            guard column.isValid(row) else {
                target.storeBytes(of: 0, as: UInt64.self)
                return
            }
            target.storeBytes(of: 1, as: UInt64.self)
            switch slot.type.physical {
            case .bit: target.storeBytes(of: column.bits[row] ? 1 : 0, toByteOffset: 8, as: UInt8.self)
            case .view:
                let bytes = column.bytes(row)
                let view =
                    bytes.count <= StringView.inlineBytesMax
                    ? column.views[row] : partition.arena.append(bytes.baseAddress!, bytes.count)
                target.storeBytes(of: view, toByteOffset: 8, as: StringView.self)
            case let type:
                memcpy(target + 8, column.values.base + row * type.width, type.width)
            }
        }
    }
}
