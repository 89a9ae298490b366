import Glibc

/// Rows' sort keys as byte strings whose bytewise order is the wanted order, so that one memcmp compares any number of
/// columns of any type.
///
/// Per key: one byte for NULL (before or after values), then the value: integers big endian with the sign bit flipped;
/// doubles by the usual total-order trick with NaN largest and -0.0 as 0.0; strings with 0x00 as 0x00 0xFF and 0x00
/// 0x00 behind. A descending key has all its bytes inverted.
///
/// Unsafe memory: `starts` has `count + 1` ascending offsets into `bytes`, so a row number below `count` names a piece.
struct SortKeys {
    let count: Int
    private let bytes: Buffer
    private let starts: Buffer

    init(_ columns: [Column], _ keys: [LogicalPlan.Sort.Key], count: Int) {
        self.init(columns, keys.map { ($0.descending, $0.nullsFirst) }, count: count)
    }
    /// All columns ascending, NULLs first: what breaks ties.
    init(ascending columns: [Column], count: Int) {
        self.init(columns, columns.map { _ in (false, true) }, count: count)
    }

    private init(_ columns: [Column], _ keys: [(descending: Bool, nullsFirst: Bool)], count: Int) {
        self.count = count
        var writer = SortKeyWriter(byteCapacity: count * columns.count * 10)
        starts = Buffer(byteCount: (count + 1) * 8)
        let ends = starts.pointer(Int.self)
        ends[0] = 0
        for row in 0..<count {
            for (column, key) in zip(columns, keys) {
                let start = writer.byteCount
                let valid = column.isValid(row)
                // The null byte is not inverted with the value: NULLS FIRST and LAST are absolute.
                writer.append(valid == key.nullsFirst ? 1 : 0)
                if valid {
                    writer.append(column, row)
                    if key.descending { writer.invert(from: start + 1) }
                }
            }
            ends[row + 1] = writer.byteCount
        }
        bytes = writer.finish()
    }

    @inline(__always) private func key(_ row: UInt32) -> UnsafeRawBufferPointer {
        let ends = starts.pointer(Int.self) + Int(row)
        return UnsafeRawBufferPointer(start: bytes.base + ends[0], count: ends[1] - ends[0])
    }

    /// Negative, zero or positive, as row `a` stands before, with or behind row `b`.
    @inline(__always) func compare(_ a: UInt32, _ b: UInt32) -> Int { compareBytes(key(a), key(b)) }
    /// The same for a row of this and one of other keys of the same columns.
    @inline(__always) func compare(_ a: UInt32, to other: SortKeys, _ b: UInt32) -> Int {
        compareBytes(key(a), other.key(b))
    }

    /// Row numbers in order; equal keys keep their order.
    func order() -> [UInt32] {
        var order = Array(UInt32(0)..<UInt32(count))
        order.sort { a, b in
            let result = compare(a, b)
            return result != 0 ? result < 0 : a < b
        }
        return order
    }

    /// A number per row that is ascending in the order, equal for equal keys.
    func ranks() -> [Int32] {
        var ranks = [Int32](repeating: 0, count: count)
        var rank: Int32 = 0
        let order = order()
        for (position, row) in order.enumerated() {
            if position > 0 && compare(order[position - 1], row) != 0 { rank += 1 }
            ranks[Int(row)] = rank
        }
        return ranks
    }
}

private struct SortKeyWriter {
    private var buffer: GrowableBuffer

    init(byteCapacity: Int) { buffer = GrowableBuffer(byteCapacity: byteCapacity) }

    var byteCount: Int { buffer.byteCount }
    mutating func append(_ byte: UInt8) { buffer.append(byte) }
    func invert(from start: Int) {
        let bytes = buffer.base.assumingMemoryBound(to: UInt8.self)
        for i in start..<max(start, buffer.byteCount) { bytes[i] = ~bytes[i] }
    }
    consuming func finish() -> Buffer { buffer.seal() }

    mutating func append(_ column: Column, _ row: Int) {
        switch column.type.physical {
        case .bit: append(column.bits[row] ? 1 : 0)
        case .int32: bigEndian(UInt32(bitPattern: column.pointer(Int32.self)[row]) ^ 1 << 31)
        case .int64: bigEndian(UInt64(bitPattern: column.pointer(Int64.self)[row]) ^ 1 << 63)
        case .int128: bigEndian(UInt128(bitPattern: column.pointer(Int128.self)[row]) ^ 1 << 127)
        case .float32: double(Double(column.pointer(Float.self)[row]))
        case .float64: double(column.pointer(Double.self)[row])
        case .view:
            for byte in column.bytes(row) {
                append(byte)
                if byte == 0 { append(0xFF) }
            }
            append(0)
            append(0)
        }
    }
    private mutating func double(_ value: Double) {
        let pattern = canonicalBits(value)
        bigEndian(pattern >> 63 == 1 ? ~pattern : pattern | 1 << 63)
    }
    private mutating func bigEndian<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
        buffer.append(value.bigEndian)
    }
}
