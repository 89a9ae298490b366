import TideColumns

/// The levels of one leaf of a nested column, one byte each, filled page by page.
///
/// Unsafe: raw loops; `count` never passes `capacity`, which the pages' headers claimed and the caller has limited.
struct LeafLevels {
    let definitionMax: Int
    let repetitionMax: Int
    let capacity: Int
    let definitions: Buffer
    let repetitions: Buffer
    private(set) var count = 0

    init(_ leaf: ColumnShape.Leaf, capacity: Int) {
        definitionMax = leaf.definition
        repetitionMax = leaf.repetition
        self.capacity = capacity
        definitions = Buffer(byteCount: capacity)
        repetitions = Buffer(byteCount: capacity)
    }

    /// The levels of one page, each in its encoding; no bytes are looked at where a level can only be 0.
    /// - Returns: how many of the page's values are there; nil if the bytes do not hold `count` levels.
    mutating func append(
        repetition: (base: UnsafeRawPointer, byteCount: Int), definition: (base: UnsafeRawPointer, byteCount: Int),
        isLegacy: (repetition: Bool, definition: Bool) = (false, false), count: Int
    ) -> Int? {
        precondition(count <= capacity - self.count)
        let scratch = Buffer(byteCount: count * 4)
        let levels = scratch.pointer(UInt32.self)
        guard
            decode(repetition, repetitionMax, isLegacy.repetition, levels, into: repetitions, count) != nil,
            let present = decode(definition, definitionMax, isLegacy.definition, levels, into: definitions, count)
        else { return nil }
        self.count += count
        return present
    }

    /// Returns how many are the greatest level.
    private func decode(
        _ source: (base: UnsafeRawPointer, byteCount: Int), _ max: Int, _ isLegacy: Bool,
        _ levels: UnsafeMutablePointer<UInt32>, into out: Buffer, _ count: Int
    ) -> Int? {
        let target = out.pointer(UInt8.self) + self.count
        if max == 0 {
            target.update(repeating: 0, count: count)
            return count
        }
        let bitWidth = LeafLevels.bitWidth(max)
        if isLegacy {
            guard unpackLegacy(source.base, source.byteCount, bitWidth: bitWidth, into: levels, count: count) else {
                return nil
            }
        } else {
            guard decodeHybrid(source.base, source.byteCount, bitWidth: bitWidth, into: levels, count: count) else {
                return nil
            }
        }
        var largest: UInt32 = 0
        var full = 0
        for i in 0..<count {
            let level = levels[i]
            largest = level > largest ? level : largest
            full &+= level == UInt32(truncatingIfNeeded: max) ? 1 : 0
            target[i] = UInt8(truncatingIfNeeded: level)
        }
        return largest <= UInt32(max) ? full : nil
    }

    static func bitWidth(_ max: Int) -> Int { Int.bitWidth - max.leadingZeroBitCount }

    /// Bytes of `count` levels in the deprecated encoding BIT_PACKED.
    static func legacyBytes(_ max: Int, count: Int) -> Int { (count * bitWidth(max) + 7) / 8 }
}

/// The deprecated BIT_PACKED levels: most significant bit first, no header.
private func unpackLegacy(
    _ base: UnsafeRawPointer, _ byteCount: Int, bitWidth: Int, into out: UnsafeMutablePointer<UInt32>, count: Int
) -> Bool {
    guard (count * bitWidth + 7) / 8 <= byteCount else { return false }
    var bit = 0
    for i in 0..<count {
        var level: UInt32 = 0
        for _ in 0..<bitWidth {
            let byte = base.load(fromByteOffset: bit >> 3, as: UInt8.self)
            level = level << 1 | UInt32(byte >> UInt8(7 - (bit & 7)) & 1)
            bit += 1
        }
        out[i] = level
    }
    return true
}
