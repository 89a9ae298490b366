import Glibc

/// Rows' sort keys as byte strings whose bytewise order is the wanted order, so that one memcmp compares any number of
/// columns of any type.
///
/// Per key: one byte for NULL (before or after values), then the value: integers big endian with the sign bit flipped;
/// doubles by the usual total-order trick with NaN largest and -0.0 as 0.0; strings with 0x00 as 0x00 0xFF and 0x00
/// 0x00 behind. A descending key has all its bytes inverted.
struct SortKeys {
    private var bytes: [UInt8] = []
    private var starts: [Int] = [0]

    init(_ columns: [Column], _ keys: [LogicalPlan.Sort.Key], count: Int) {
        bytes.reserveCapacity(count * columns.count * 10)
        starts.reserveCapacity(count + 1)
        for row in 0..<count {
            for (column, key) in zip(columns, keys) {
                let start = bytes.count
                let valid = column.isValid(row)
                // The null byte is not inverted with the value: NULLS FIRST and LAST are absolute.
                bytes.append(valid == key.nullsFirst ? 1 : 0)
                if valid { append(column, row) }
                if key.descending { for i in (start + 1)..<max(bytes.count, start + 1) { bytes[i] = ~bytes[i] } }
            }
            starts.append(bytes.count)
        }
    }

    private mutating func append(_ column: Column, _ row: Int) {
        switch column.type.physical {
        case .bit: bytes.append(column.bits[row] ? 1 : 0)
        case .int32: bigEndian(UInt32(bitPattern: column.pointer(Int32.self)[row]) ^ 1 << 31)
        case .int64: bigEndian(UInt64(bitPattern: column.pointer(Int64.self)[row]) ^ 1 << 63)
        case .int128: bigEndian(UInt128(bitPattern: column.pointer(Int128.self)[row]) ^ 1 << 127)
        case .float32: double(Double(column.pointer(Float.self)[row]))
        case .float64: double(column.pointer(Double.self)[row])
        case .view:
            for byte in column.bytes(row) {
                bytes.append(byte)
                if byte == 0 { bytes.append(0xFF) }
            }
            bytes.append(0)
            bytes.append(0)
        }
    }
    private mutating func double(_ value: Double) {
        let pattern = canonicalBits(value)
        bigEndian(pattern >> 63 == 1 ? ~pattern : pattern | 1 << 63)
    }
    private mutating func bigEndian<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// Row numbers in order; equal keys keep their order.
    func order() -> [UInt32] {
        var order = Array(UInt32(0)..<UInt32(starts.count - 1))
        bytes.withUnsafeBytes { all in
            starts.withUnsafeBufferPointer { starts in
                func less(_ a: UInt32, _ b: UInt32) -> Bool {
                    let x = UnsafeRawBufferPointer(rebasing: all[starts[Int(a)]..<starts[Int(a) + 1]])
                    let y = UnsafeRawBufferPointer(rebasing: all[starts[Int(b)]..<starts[Int(b) + 1]])
                    let result = compareBytes(x, y)
                    return result != 0 ? result < 0 : a < b
                }
                order.sort(by: less)
            }
        }
        return order
    }
}
