/// How a packed row lies in memory: what a group, a join entry or a distinct key is stored as.
///
///     | mark u32 | null bits of keys 0..<32, u32 | 16-byte keys | 8-byte keys | 4-byte keys | 1-byte keys |
///     | null bits of keys 32... | pad to 8 | value area: `valueBytes`, 8-byte aligned |
///
/// One row is one or two cache lines, so touching a group costs one or two misses however many columns it has; the
/// same rows as separate columns cost one miss per column (a key lookup plus four accumulators: five). Keys stand in
/// order of falling width, so nothing is lost to alignment. The hash is not kept: a removal computes it again, which
/// leaves its four bytes to the null bits and saved 8 of 56 bytes per row of GROUP BY bigint.
///
/// The area up to `valueOffset` is the *key image*, with a mark of zero: two keys without long strings are equal
/// exactly when their images are equal bytes (NULL fields are zero and -0.0 and NaN are canonical). Long strings are
/// compared through their views.
public struct RowLayout: Sendable {
    public let keyTypes: [DataType]
    /// Offset in the row of each key field, in the order of `keyTypes`.
    public let keyOffsets: [Int]
    public let valueOffset: Int
    public let valueBytes: Int
    /// Bytes of one row.
    public let stride: Int
    public let stringKeys: [Int]
    /// Where the key fields end and the null bits of keys from 32 on begin.
    let fieldsEnd: Int

    /// A word the owner of the table uses as it likes; zero in a new row.
    public static let markOffset = 0
    static let nullOffset = 4
    static let keyOffset = 8
    static let headerNullBits = 32

    /// Bytes of the key image, a multiple of 8.
    public var imageBytes: Int { valueOffset }

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
        fieldsEnd = at
        at += (max(0, keys.count - RowLayout.headerNullBits) + 7) / 8
        at = (at + 7) & ~7
        keyOffsets = offsets
        valueOffset = at
        self.valueBytes = valueBytes
        stride = at + valueBytes
        stringKeys = keys.indices.filter { keys[$0].physical == .view }
    }

    /// Whether a row's key `index` is NULL.
    public func isNull(_ row: UnsafeRawPointer, key index: Int) -> Bool {
        row.load(fromByteOffset: nullByte(index), as: UInt8.self) & UInt8(1 << (index & 7)) != 0
    }

    /// Offset of the byte with the null bit of key `index`, which is bit `index & 7` of it.
    func nullByte(_ index: Int) -> Int {
        index < RowLayout.headerNullBits
            ? RowLayout.nullOffset + index / 8 : fieldsEnd + (index - RowLayout.headerNullBits) / 8
    }
    /// Bytes of null bits behind the fields.
    var wideNullBytes: Int { (max(0, keyTypes.count - RowLayout.headerNullBits) + 7) / 8 }
}
