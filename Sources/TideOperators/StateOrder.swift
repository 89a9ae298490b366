/// Rows of a table in the order that state blocks have: ascending by the key's 64-bit hash, as unsigned numbers.
enum StateOrder {
    struct Sorted {
        var rows: [UnsafeMutableRawPointer]
        var hashes: [UInt64]
    }

    /// The rows do not keep their hash, so it is computed from the keys again.
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
        defer { withExtendedLifetime(buffer) {} }
        return sorted(rows, UnsafeBufferPointer(start: buffer.pointer(UInt64.self), count: n))
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

    /// Hashes are spread, so one pass that deals them out by their leading bits leaves about one to a place. Of 12,500
    /// rows it takes 16 ns each; sorting row numbers by comparison took 53.
    static func sorted(_ rows: [UnsafeMutableRawPointer], _ hashes: UnsafeBufferPointer<UInt64>) -> Sorted {
        let n = rows.count
        var different: UInt64 = 0
        for hash in hashes { different |= hash ^ hashes[0] }
        // Bits that all share say nothing: those of the partition.
        let shared = UInt64(different.leadingZeroBitCount)
        let bits = UInt64(min(16, max(1, Int.bitWidth - n.leadingZeroBitCount)))
        func place(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: (hash << shared) >> (64 - bits)) }

        var ends = [Int](repeating: 0, count: (1 << Int(bits)) + 1)
        for hash in hashes { ends[place(hash) + 1] += 1 }
        for i in 1..<ends.count { ends[i] += ends[i - 1] }
        // Both are written at every position of 0..<n, each once.
        var result = Sorted(rows: rows, hashes: Array(hashes))
        for i in 0..<n {
            let p = place(hashes[i])
            result.rows[ends[p]] = rows[i]
            result.hashes[ends[p]] = hashes[i]
            ends[p] += 1
        }
        // ends[p] is now where place p ends.
        var start = 0
        for end in ends.dropLast() {
            if end - start > 1 { sort(&result, start..<end) }
            start = end
        }
        return result
    }

    private static func sort(_ sorted: inout Sorted, _ range: Range<Int>) {
        let insertionMax = 32
        if range.count > insertionMax {
            let pairs = range.map { (hash: sorted.hashes[$0], row: sorted.rows[$0]) }.sorted { $0.hash < $1.hash }
            for (i, pair) in zip(range, pairs) {
                sorted.hashes[i] = pair.hash
                sorted.rows[i] = pair.row
            }
            return
        }
        for i in range.dropFirst() {
            let (hash, row) = (sorted.hashes[i], sorted.rows[i])
            var at = i
            while at > range.lowerBound && sorted.hashes[at - 1] > hash {
                sorted.hashes[at] = sorted.hashes[at - 1]
                sorted.rows[at] = sorted.rows[at - 1]
                at -= 1
            }
            sorted.hashes[at] = hash
            sorted.rows[at] = row
        }
    }
}
