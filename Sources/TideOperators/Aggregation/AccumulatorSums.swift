import Glibc

/// Sums of one partition that outgrew their place in the row. A row's slot then holds an index, so a copy of a row's
/// value area needs copies of these, and a row that goes gives them back.
struct AccumulatorSums {
    var integers = SpilledSums()
    var doubles = WideSums()

    private let integerOffsets: [Int]
    private let doubleOffsets: [Int]
    private let valueBytes: Int

    init(_ layout: AccumulatorLayout) {
        integerOffsets = layout.slots.filter { $0.kind == .sumInteger }.map(\.offset)
        doubleOffsets = layout.slots.filter { $0.stateTypes.count == 3 }.map(\.offset)
        valueBytes = layout.valueBytes
    }

    /// No row is left that refers to one.
    mutating func removeAll() {
        integers = SpilledSums()
        doubles = WideSums()
    }

    /// Makes a bytewise copy of a value area independent of the original.
    /// - Returns: whether it holds indices now, so that `release` is due.
    mutating func detach(_ area: UnsafeMutableRawPointer) -> Bool {
        var holds = false
        for offset in integerOffsets {
            let sum = (area + offset).assumingMemoryBound(to: CompactSum.self)
            if sum.pointee.isInline { continue }
            sum.pointee = integers.copy(sum.pointee)
            holds = true
        }
        for offset in doubleOffsets {
            let sum = (area + offset).assumingMemoryBound(to: ExactSum.self)
            guard let index = sum.pointee.spillIndex else { continue }
            sum.pointee = ExactSum(spill: doubles.insert(doubles.copy(index)))
            holds = true
        }
        return holds
    }

    /// Whether a value area names sums outside it.
    func holdsIndices(_ area: UnsafeRawPointer) -> Bool {
        integerOffsets.contains { !area.load(fromByteOffset: $0, as: CompactSum.self).isInline }
            || doubleOffsets.contains { area.load(fromByteOffset: $0, as: ExactSum.self).spillIndex != nil }
    }

    /// Gives back what a value area names. Its sums must not be used afterwards.
    mutating func release(_ area: UnsafeMutableRawPointer) {
        for offset in integerOffsets { integers.remove(area.load(fromByteOffset: offset, as: CompactSum.self)) }
        for offset in doubleOffsets {
            if let index = area.load(fromByteOffset: offset, as: ExactSum.self).spillIndex { doubles.remove(index) }
        }
    }

    /// Whether two value areas stand for the same accumulators.
    func areEqual(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer) -> Bool {
        if memcmp(a, b, valueBytes) == 0 { return true }
        if integerOffsets.isEmpty && doubleOffsets.isEmpty { return false }
        return areEqualThroughIndices(a, b)
    }

    private func areEqualThroughIndices(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer) -> Bool {
        // Bytes between the sums first: counts differ more often than spilled sums.
        var at = 0
        let sums = (integerOffsets.map { ($0, 8) } + doubleOffsets.map { ($0, 16) }).sorted { $0.0 < $1.0 }
        for (offset, size) in sums + [(valueBytes, 0)] {
            if memcmp(a + at, b + at, offset - at) != 0 { return false }
            at = offset + size
        }
        for offset in integerOffsets {
            let (x, y) = (
                a.load(fromByteOffset: offset, as: CompactSum.self), b.load(fromByteOffset: offset, as: CompactSum.self)
            )
            if integers.value(of: x) != integers.value(of: y) { return false }
        }
        for offset in doubleOffsets {
            let (x, y) = (
                a.load(fromByteOffset: offset, as: ExactSum.self), b.load(fromByteOffset: offset, as: ExactSum.self)
            )
            switch (x.spillIndex, y.spillIndex) {
            case (nil, nil): if memcmp(a + offset, b + offset, 16) != 0 { return false }
            case (let p?, let q?): if doubles.copy(p) != doubles.copy(q) { return false }
            default: return false
            }
        }
        return true
    }

    var byteCount: Int { integers.byteCount + doubles.byteCount }
}
