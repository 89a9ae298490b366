import Testing
import TideColumns
import TideSimulation

/// The row table against a dictionary of key texts.
@Suite struct RowTableTests {
    private static let keySets: [[DataType]] = [
        [.bigint], [.string], [.double], [.float, .boolean], [.int, .string, .date],
        [.string, .string], [.decimal(precision: 30, scale: 2), .double, .string, .int],
        Array(repeating: .boolean, count: 9), [],
    ]

    private func texts(_ columns: [Column], _ count: Int) -> [String] {
        (0..<count).map { row in columns.map { keyText($0.scalar(row)) }.joined(separator: "\u{1}") }
    }

    /// Finds, inserts and removes at random, in tables of any partition.
    @Test(arguments: keySets.indices, [0, 3, 8]) func againstDictionary(_ set: Int, leadBits: Int) {
        let types = Self.keySets[set]
        var generator = SeededGenerator(seed: UInt64(set * 10 + leadBits))
        let layout = RowLayout(keys: types, valueBytes: 8)
        let table = RowTable(layout: layout, leadBits: leadBits)
        var model: [String: Int64] = [:]
        var next: Int64 = 1
        for round in 0..<60 {
            let all = Int.random(in: 0...700, using: &generator)
            var columns = types.map { randomColumn($0, all, &generator) }
            // A key that spreads, so that the table grows.
            if let wide = types.firstIndex(of: .bigint) {
                columns[wide] = Column(
                    .bigint, (0..<all).map { _ in .bigint(Int64.random(in: 0..<5000, using: &generator)) })
            }
            // A partition's keys share their leading hash bits.
            let hashes = hashRows(columns, count: all)
            let wanted = types.isEmpty && all > 0 ? hashes.pointer(UInt64.self)[0] >> (64 - 8) : UInt64(set) & 0xFF
            let rows = (0..<all).filter { row in
                leadBits == 0
                    || hashes.pointer(UInt64.self)[row] >> UInt64(64 - leadBits) == wanted >> UInt64(8 - leadBits)
            }
            let keys = KeyImages(columns, count: all, layout: layout)
            let names = texts(columns, all)
            let selection = rows.map { UInt32($0) }
            let n = selection.count
            if round % 3 == 2 {
                var found = [UnsafeMutableRawPointer?](repeating: nil, count: n + 1)
                selection.withUnsafeBufferPointer { picked in
                    found.withUnsafeMutableBufferPointer {
                        table.find(keys, selection: picked.baseAddress, count: n, into: $0.baseAddress!)
                    }
                }
                for (index, row) in rows.enumerated() {
                    let value = found[index]?.load(fromByteOffset: layout.valueOffset, as: Int64.self)
                    #expect(value == model[names[row]])
                }
                // Some of them go; a key may stand in the selection several times.
                for (index, row) in rows.enumerated() where row % 2 == 0 {
                    if let address = found[index], model.removeValue(forKey: names[row]) != nil {
                        table.remove(address)
                    }
                }
            } else {
                var addresses = [UnsafeMutableRawPointer](
                    repeating: UnsafeMutableRawPointer(bitPattern: 8)!, count: n + 1)
                selection.withUnsafeBufferPointer { picked in
                    addresses.withUnsafeMutableBufferPointer {
                        table.findOrInsert(keys, selection: picked.baseAddress, count: n, into: $0.baseAddress!)
                    }
                }
                for (index, row) in rows.enumerated() {
                    let at = addresses[index]
                    let value = at.load(fromByteOffset: layout.valueOffset, as: Int64.self)
                    #expect(value == model[names[row]] ?? 0)
                    if value == 0 {
                        at.storeBytes(of: next, toByteOffset: layout.valueOffset, as: Int64.self)
                        model[names[row]] = next
                        next += 1
                    }
                }
            }
            #expect(table.count == model.count)
        }
        expectRows(table, types, layout, model)
    }

    /// Every row comes out once, with its key, in ascending order of its slot's hash.
    private func expectRows(_ table: RowTable, _ types: [DataType], _ layout: RowLayout, _ model: [String: Int64]) {
        var rows: [UnsafeMutableRawPointer] = []
        table.forEachRow { rows.append($0) }
        let heap = table.arena.heap()
        let columns = rows.withUnsafeBufferPointer { buffer in
            types.indices.map { index in
                buffer.baseAddress.map {
                    table.keyColumn(index, of: $0, count: buffer.count, as: types[index], heap: heap)
                } ?? .empty(types[index])
            }
        }
        var found: [String: Int64] = [:]
        for (name, row) in zip(texts(columns, rows.count), rows) {
            found[name] = row.load(fromByteOffset: layout.valueOffset, as: Int64.self)
        }
        #expect(rows.count == model.count)
        #expect(found == model)
    }

    /// Growth past one chunk of rows, and reuse of removed ones.
    @Test func manyRows() {
        let layout = RowLayout(keys: [.bigint], valueBytes: 8)
        let table = RowTable(layout: layout)
        let count = 50_000
        func addresses(_ range: Range<Int>) -> [UnsafeMutableRawPointer] {
            let keys = KeyImages(
                [Column(.bigint, range.map { .bigint(Int64($0)) })], count: range.count, layout: layout)
            return [UnsafeMutableRawPointer](unsafeUninitializedCapacity: range.count) { buffer, n in
                table.findOrInsert(keys, selection: nil, count: range.count, into: buffer.baseAddress!)
                n = range.count
            }
        }
        let first = addresses(0..<count)
        #expect(Set(first).count == count)
        #expect(addresses(0..<count) == first)
        for row in stride(from: 0, to: count, by: 2) { table.remove(first[row]) }
        #expect(table.count == count / 2)
        let bytes = table.byteCount
        let again = addresses(count..<(count + count / 2))
        #expect(table.count == count)
        #expect(Set(again) == Set(stride(from: 0, to: count, by: 2).map { first[$0] }))
        #expect(table.byteCount == bytes)
        let odd = addresses(0..<count)
        for row in stride(from: 1, to: count, by: 2) { #expect(odd[row] == first[row]) }
    }

    /// Equal values hash alike wherever their bytes lie, and the images of a batch do not depend on the heap.
    @Test(arguments: everyType) func hashesFollowEquality(_ type: DataType) {
        var generator = SeededGenerator(seed: 8)
        let column = randomColumn(type, 400, &generator)
        let shuffled = Array(0..<400).shuffled(using: &generator)
        let filler = randomColumn(type, 33, &generator)
        let other = Column.concat(type, [filler, Column(type, shuffled.map { column.scalar($0) })])
        let a = hashRows([column], count: 400)
        let b = hashRows([other], count: 433)
        var hashes: [String: UInt64] = [:]
        for (position, row) in shuffled.enumerated() {
            let hash = a.pointer(UInt64.self)[row]
            #expect(b.pointer(UInt64.self)[position + 33] == hash)
            let key = keyText(column.scalar(row))
            #expect(hashes[key, default: hash] == hash)
            hashes[key] = hash
        }
        #expect(Set(hashes.values).count == hashes.count)
        withExtendedLifetime((a, b)) {}
    }

    /// The order of columns counts, and NULL is no value.
    @Test func hashesTellColumnsApart() {
        let one = Column(.string, [.string("a"), .string("b"), .null(.string), .string("")])
        let two = Column(.string, [.string("b"), .string("a"), .string(""), .null(.string)])
        let hashes = hashRows([one, two], count: 4)
        #expect(Set((0..<4).map { hashes.pointer(UInt64.self)[$0] }).count == 4)
        withExtendedLifetime(hashes) {}
    }
}
