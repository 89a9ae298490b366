import Glibc

/// Rows of a table in the order that state blocks have: ascending by the key's 64-bit hash, as unsigned numbers.
enum StateOrder {
    struct Sorted {
        var rows: [UnsafeMutableRawPointer]
        var hashes: [UInt64]
    }

    /// The rows keep only 32 bits of their hash, so the rest is computed from the keys again.
    static func sorted(
        _ rows: [UnsafeMutableRawPointer], table: RowTable, keyTypes: [DataType], hashed: [Int]? = nil,
        heap: StringHeap
    ) -> Sorted {
        let n = rows.count
        let columns = rows.withUnsafeBufferPointer { buffer in
            (hashed ?? Array(keyTypes.indices)).map {
                table.keyColumn($0, of: buffer.baseAddress!, count: n, as: keyTypes[$0], heap: heap)
            }
        }
        let buffer = hashRows(columns, count: n)
        return sorted(rows, Array(UnsafeBufferPointer(start: buffer.pointer(UInt64.self), count: n)))
    }

    /// State blocks of rows that one table holds: | hash | live | keys | values |.
    /// - Parameter hashed: the keys that the hash is taken of; nil: all.
    static func batches(
        _ rows: [UnsafeMutableRawPointer], table: RowTable, keyTypes: [DataType], hashed: [Int]? = nil,
        _ values: ([UnsafeMutableRawPointer]) -> (live: Bitmap, values: [Column])
    ) -> [Batch] {
        if rows.isEmpty { return [] }
        let heap = table.arena.heap()
        let sorted = sorted(rows, table: table, keyTypes: keyTypes, hashed: hashed, heap: heap)
        var batches: [Batch] = []
        for start in stride(from: 0, to: rows.count, by: blockRows) {
            let end = min(start + blockRows, rows.count)
            let chunk = Array(sorted.rows[start..<end])
            let keys = chunk.withUnsafeBufferPointer { buffer in
                keyTypes.indices.compactMap { index in
                    buffer.baseAddress.map {
                        table.keyColumn(index, of: $0, count: chunk.count, as: keyTypes[index], heap: heap)
                    }
                }
            }
            let hashes = Column(bigints: sorted.hashes[start..<end].map { Int64(bitPattern: $0) })
            let (live, columns) = values(chunk)
            batches.append(
                Batch(columns: [hashes, Column(boolean: live)] + keys + columns, count: chunk.count))
        }
        return batches
    }
    private static let blockRows = 8192

    private static func sorted(_ rows: [UnsafeMutableRawPointer], _ hashes: [UInt64]) -> Sorted {
        var order = Array(UInt32(0)..<UInt32(rows.count))
        order.sort { hashes[Int($0)] < hashes[Int($1)] }
        return Sorted(rows: order.map { rows[Int($0)] }, hashes: order.map { hashes[Int($0)] })
    }
}

func equalBytes(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ count: Int) -> Bool { memcmp(a, b, count) == 0 }
