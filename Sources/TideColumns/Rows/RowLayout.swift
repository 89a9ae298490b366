/// How a packed row lies in memory: what a group, a join entry or a distinct key is stored as.
///
///     | hash prefix u32 | mark u32 | 16-byte keys | 8-byte keys | 4-byte keys | 1-byte keys | null bits | pad to 8 |
///     | value area: `valueBytes`, 8-byte aligned |
///
/// One row is one or two cache lines, so touching a group costs one or two misses however many columns it has; the
/// same rows as separate columns cost one miss per column (a key lookup plus four accumulators: five). Keys stand in
/// order of falling width, so nothing is lost to alignment. The area from `keyOffset` to `keyEnd` is the *key image*:
/// two keys without long strings are equal exactly when their images are equal bytes (NULL fields are zero and -0.0 and
/// NaN are canonical). Long strings are compared through their views.
public struct RowLayout: Sendable {
    public let keyTypes: [DataType]
    /// Offset in the row of each key field, in the order of `keyTypes`.
    public let keyOffsets: [Int]
    public let nullOffset: Int
    public let valueOffset: Int
    public let valueBytes: Int
    /// Bytes of one row.
    public let stride: Int

    public static let hashOffset = 0
    /// A word the owner of the table uses as it likes; zero in a new row.
    public static let markOffset = 4
    public static let keyOffset = 8

    /// Bytes of the key image, a multiple of 8.
    public var imageBytes: Int { valueOffset - RowLayout.keyOffset }
    public let stringKeys: [Int]

    public init(keys: [DataType], valueBytes: Int) {
        precondition(valueBytes % 8 == 0)
        keyTypes = keys
        var offsets = Array(repeating: 0, count: keys.count)
        var at = RowLayout.keyOffset
        func width(_ type: DataType) -> Int { max(1, type.physical.width) }
        for size in [16, 8, 4, 1] {
            for (index, type) in keys.enumerated() where width(type) == size {
                offsets[index] = at
                at += size
            }
        }
        nullOffset = at
        at += (keys.count + 7) / 8
        at = (at + 7) & ~7
        keyOffsets = offsets
        valueOffset = at
        self.valueBytes = valueBytes
        stride = at + valueBytes
        stringKeys = keys.indices.filter { keys[$0].physical == .view }
    }
}
