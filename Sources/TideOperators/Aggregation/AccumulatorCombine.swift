import Glibc

// Accumulators of a group that were computed in two parts: what was there before, and what an epoch adds.

extension AccumulatorLayout {
    /// Adds the accumulators of `base` to those of `area`: counts and sums add up, extremes compare. What stores feed
    /// stays as it is. Both lie in one partition; `base` stays as it is.
    func combine(
        _ base: UnsafeMutableRawPointer, into area: UnsafeMutableRawPointer, _ partition: AggregatePartition
    ) {
        for slot in slots where slot.store == nil {
            let from = base + slot.offset
            let to = area + slot.offset
            switch slot.kind {
            case .rows, .nonNull, .trueCount:
                to.storeBytes(of: to.load(as: Int64.self) &+ from.load(as: Int64.self), as: Int64.self)
            case .sumInteger:
                let sum = from.load(as: CompactSum.self)
                let target = to.assumingMemoryBound(to: CompactSum.self)
                if sum.isInline && target.pointee.add(sum.word) { continue }
                partition.sums.integers.add(partition.sums.integers.value(of: sum), to: target)
            case .sumDecimal:
                let sum = to.loadUnaligned(as: Int128.self) &+ from.loadUnaligned(as: Int128.self)
                to.storeBytes(of: sum, as: Int128.self)
            case .sumDouble, .sumSquares, .sumCubes, .sumFourths, .sumProducts:
                partition.sums.doubles.add(
                    from.loadUnaligned(as: ExactSum.self), to: to.assumingMemoryBound(to: ExactSum.self))
            case .minimum, .maximum: combineExtremes(slot, from, to, partition.arena)
            case .picked: preconditionFailure("a picked row comes from its store")
            }
        }
    }

    private func combineExtremes(
        _ slot: Slot, _ from: UnsafeMutableRawPointer, _ to: UnsafeMutableRawPointer, _ arena: RowArena
    ) {
        if from.load(as: UInt64.self) == 0 { return }
        if to.load(as: UInt64.self) != 0 && !isBetter(slot, from + 8, to + 8, arena) { return }
        memcpy(to, from, slot.byteCount)
    }

    /// Whether the value at `a` would take the place of the one at `b`.
    private func isBetter(
        _ slot: Slot, _ a: UnsafeMutableRawPointer, _ b: UnsafeMutableRawPointer, _ arena: RowArena
    ) -> Bool {
        func better<Rule: ExtremeRule>(_: Rule.Type) -> Bool {
            let x = a.loadUnaligned(as: Rule.Element.self)
            let y = b.loadUnaligned(as: Rule.Element.self)
            return slot.kind == .maximum ? Rule.less(y, x) : Rule.less(x, y)
        }
        switch slot.type.physical {
        case .bit: return better(IntegerOrder<UInt8>.self)
        case .int32: return better(IntegerOrder<Int32>.self)
        case .int64: return better(IntegerOrder<Int64>.self)
        case .int128: return better(IntegerOrder<Int128>.self)
        case .float32: return better(FloatOrder.self)
        case .float64: return better(DoubleOrder.self)
        case .view:
            let order = compareBytes(arenaBytes(a, arena), arenaBytes(b, arena))
            return slot.kind == .maximum ? order > 0 : order < 0
        }
    }
}

extension WideSums {
    /// Adds one sum to another.
    mutating func add(_ sum: ExactSum, to target: UnsafeMutablePointer<ExactSum>) {
        if let index = sum.spillIndex {
            var wide = copy(index)
            if let own = target.pointee.spillIndex {
                wide.add(copy(own))
                remove(own)
            } else {
                wide.add(target.pointee.hi, weight: 1)
                wide.add(target.pointee.lo, weight: 1)
            }
            target.pointee = ExactSum(spill: insert(wide))
            return
        }
        var inline = target.pointee
        if target.pointee.spillIndex == nil && inline.add(sum.hi) && inline.add(sum.lo) {
            target.pointee = inline
            return
        }
        add(sum.hi, weight: 1, to: target)
        add(sum.lo, weight: 1, to: target)
    }
}
