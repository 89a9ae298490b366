import Glibc

/// Rows of a table in the order that state blocks have: ascending by the key's 64-bit hash, as unsigned numbers.
enum StateOrder {
    struct Sorted {
        var rows: [UnsafeMutableRawPointer]
        var hashes: [UInt64]
    }

    /// The rows keep only 32 bits of their hash, so the rest is computed from the keys again.
    static func sorted(
        _ rows: [UnsafeMutableRawPointer], table: RowTable, keyTypes: [DataType], heap: StringHeap
    ) -> Sorted {
        let n = rows.count
        let columns = rows.withUnsafeBufferPointer { buffer in
            keyTypes.indices.map {
                table.keyColumn($0, of: buffer.baseAddress!, count: n, as: keyTypes[$0], heap: heap)
            }
        }
        let buffer = hashRows(columns, count: n)
        return sorted(rows, Array(UnsafeBufferPointer(start: buffer.pointer(UInt64.self), count: n)))
    }

    private static func sorted(_ rows: [UnsafeMutableRawPointer], _ hashes: [UInt64]) -> Sorted {
        var order = Array(UInt32(0)..<UInt32(rows.count))
        order.sort { hashes[Int($0)] < hashes[Int($1)] }
        return Sorted(rows: order.map { rows[Int($0)] }, hashes: order.map { hashes[Int($0)] })
    }
}
