import Glibc

// Two groups become one: what sessions do when they touch.

extension AccumulatorLayout {
    /// Adds the accumulators at `source` to those at `target`; both belong to `partition`.
    func merge(
        _ source: UnsafeMutableRawPointer, into target: UnsafeMutableRawPointer, of partition: AggregatePartition
    ) {
        for slot in slots {
            let from = source + slot.offset
            let to = target + slot.offset
            switch slot.kind {
            case .rows, .nonNull, .trueCount:
                to.storeBytes(of: to.load(as: Int64.self) &+ from.load(as: Int64.self), as: Int64.self)
            case .sumInteger:
                let sum = to.loadUnaligned(as: Int128.self) &+ from.loadUnaligned(as: Int128.self)
                to.storeBytes(of: sum, as: Int128.self)
            case .sumDouble:
                partition.wide.merge(
                    from.loadUnaligned(as: ExactSum.self), into: to.assumingMemoryBound(to: ExactSum.self))
            case .minimum, .maximum:
                mergeExtreme(slot, from, into: to, partition.arena)
            }
        }
    }

    private func mergeExtreme(
        _ slot: Slot, _ from: UnsafeMutableRawPointer, into to: UnsafeMutableRawPointer, _ arena: RowArena
    ) {
        guard from.load(as: UInt64.self) != 0 else { return }
        if to.load(as: UInt64.self) == 0 {
            memcpy(to, from, slot.byteCount)
            return
        }
        let isLess = less(slot.type, from + 8, to + 8, arena)
        let isGreater = less(slot.type, to + 8, from + 8, arena)
        if slot.kind == .minimum ? isLess : isGreater { memcpy(to, from, slot.byteCount) }
    }

    private func less(
        _ type: DataType, _ a: UnsafeMutableRawPointer, _ b: UnsafeMutableRawPointer, _ arena: RowArena
    ) -> Bool {
        func test<Rule: ExtremeRule>(_: Rule.Type) -> Bool {
            Rule.less(a.loadUnaligned(as: Rule.Element.self), b.loadUnaligned(as: Rule.Element.self))
        }
        switch type.physical {
        case .bit: return test(IntegerOrder<UInt8>.self)
        case .int32: return test(IntegerOrder<Int32>.self)
        case .int64: return test(IntegerOrder<Int64>.self)
        case .int128: return test(IntegerOrder<Int128>.self)
        case .float32: return test(FloatOrder.self)
        case .float64: return test(DoubleOrder.self)
        case .view: return compareBytes(arenaBytes(a, arena), arenaBytes(b, arena)) < 0
        }
    }
}

extension WideSums {
    /// Adds one exact sum to another, exactly.
    mutating func merge(_ source: ExactSum, into target: UnsafeMutablePointer<ExactSum>) {
        if let index = source.spillIndex {
            let sum = copy(index)
            if let own = target.pointee.spillIndex {
                add(sum, to: own)
            } else {
                let inline = target.pointee
                target.pointee = ExactSum(spill: insert(sum))
                add(inline.hi, weight: 1, to: target)
                add(inline.lo, weight: 1, to: target)
            }
            return
        }
        for part in [source.hi, source.lo]
        where part != 0 && (target.pointee.spillIndex != nil || !target.pointee.add(part)) {
            add(part, weight: 1, to: target)
        }
    }
}
