import Testing
import TideColumns
import TideSimulation

/// Key groups, batch removal, compaction and reuse of memory, against a dictionary by key.
@Suite struct RowTableReuseTests {
    private static let keySets: [[DataType]] = [
        [.bigint], [.string, .int], [.decimal(precision: 30, scale: 2), .string, .double, .boolean, .float],
        Array(repeating: .int, count: 33) + [.string],
    ]

    /// A table whose rows carry the number under which the model knows them.
    private struct Subject {
        let types: [DataType]
        let layout: RowLayout
        let table: RowTable
        /// Number and key group by key text.
        var model: [String: (number: Int64, group: Int)] = [:]
        var next: Int64 = 1

        init(_ types: [DataType], leadBits: Int) {
            self.types = types
            layout = RowLayout(keys: types, valueBytes: 8)
            table = RowTable(layout: layout, leadBits: leadBits)
        }

        func number(_ row: UnsafeMutableRawPointer) -> Int64 {
            row.load(fromByteOffset: layout.valueOffset, as: Int64.self)
        }
        func columns(_ rows: [UnsafeMutableRawPointer]) -> [Column] {
            let heap = table.arena.heap()
            return types.indices.map { index in
                rows.isEmpty
                    ? .empty(types[index])
                    : rows.withUnsafeBufferPointer {
                        table.keyColumn(index, of: $0.baseAddress!, count: rows.count, as: types[index], heap: heap)
                    }
            }
        }
        func texts(_ columns: [Column], _ count: Int) -> [String] {
            (0..<count).map { row in columns.map { keyText($0.scalar(row)) }.joined(separator: "\u{1}") }
        }
        /// Keys of a batch that belong to the partition `lead` (of `leadBits` bits).
        mutating func insert(_ columns: [Column], _ count: Int, lead: Int, leadBits: Int) {
            let keys = KeyImages(columns, count: count, layout: layout)
            let hashes = keys.hashes.pointer(UInt64.self)
            let names = texts(columns, count)
            let mine = (0..<UInt32(count)).filter { leadBits == 0 || hashes[Int($0)] >> UInt64(64 - leadBits) == lead }
            var rows = [UnsafeMutableRawPointer](repeating: UnsafeMutableRawPointer(bitPattern: 8)!, count: count + 1)
            table.findOrInsert(keys, selection: mine, count: mine.count, into: &rows)
            for (at, row) in mine.enumerated() {
                let known = model[names[Int(row)]]
                #expect(number(rows[at]) == known?.number ?? 0)
                if known == nil {
                    model[names[Int(row)]] = (next, Int(hashes[Int(row)] >> 56))
                    rows[at].storeBytes(of: next, toByteOffset: layout.valueOffset, as: Int64.self)
                    next += 1
                }
            }
            withExtendedLifetime(keys) {}
        }
        func allRows() -> [UnsafeMutableRawPointer] {
            var rows: [UnsafeMutableRawPointer] = []
            table.forEachRow { rows.append($0) }
            return rows
        }
        func expectModel(sourceLocation: SourceLocation = #_sourceLocation) {
            let rows = allRows()
            let names = texts(columns(rows), rows.count)
            let found = Dictionary(zip(names, rows.map(number)), uniquingKeysWith: { a, _ in a })
            #expect(rows.count == model.count && table.count == model.count, sourceLocation: sourceLocation)
            #expect(found == model.mapValues(\.number), sourceLocation: sourceLocation)
        }
    }

    private func batch(_ types: [DataType], _ n: Int, _ generator: inout SeededGenerator) -> [Column] {
        var columns = types.map { randomColumn($0, n, &generator) }
        if let first = types.firstIndex(where: { $0 == .bigint }) {
            columns[first] = Column(
                .bigint, (0..<n).map { _ in .bigint(Int64.random(in: 0..<9000, using: &generator)) })
        }
        if let first = types.firstIndex(of: .string) {
            // Some inline, some long, some that share their first bytes.
            columns[first] = Column(
                .string,
                (0..<n).map { _ in
                    let x = Int.random(in: 0..<6000, using: &generator)
                    return x % 7 == 0 ? .null(.string) : .string(x % 3 == 0 ? "k\(x)" : "a long string key \(x)")
                })
        }
        return columns
    }

    @Test(arguments: keySets.indices, [0, 2, 8]) func randomOperations(_ set: Int, leadBits: Int) {
        let types = Self.keySets[set]
        var generator = SeededGenerator(seed: UInt64(set * 31 + leadBits))
        var subject = Subject(types, leadBits: leadBits)
        let lead = leadBits == 0 ? 0 : 1
        let groups = (lead << (8 - leadBits))..<((lead + 1) << (8 - leadBits))
        for round in 0..<40 {
            let n = Int.random(in: 0...1500, using: &generator)
            let columns = batch(types, n, &generator)
            subject.insert(columns, n, lead: lead, leadBits: leadBits)
            let group = groups.randomElement(using: &generator)!
            switch round % 4 {
            case 0:
                // Many at once.
                let rows = subject.allRows().shuffled(using: &generator).dropLast(subject.table.count / 3)
                let gone = Set(rows.map(subject.number))
                subject.table.remove(Array(rows), count: rows.count)
                subject.model = subject.model.filter { !gone.contains($0.value.number) }
            case 1:
                // Some of one key group, by a rule.
                var seen: [Int64] = []
                let before = subject.model.filter { $0.value.group == group }
                let removed = subject.table.removeRows(ofKeyGroup: group) { row in
                    seen.append(subject.number(row))
                    return subject.number(row) % 3 != 0
                }
                #expect(seen.sorted() == before.map(\.value.number).sorted())
                #expect(removed == before.filter { $0.value.number % 3 != 0 }.count)
                subject.model = subject.model.filter { $0.value.group != group || $0.value.number % 3 == 0 }
            case 2:
                var seen: [Int64] = []
                subject.table.forEachRow(ofKeyGroup: group) { seen.append(subject.number($0)) }
                #expect(seen.sorted() == subject.model.filter { $0.value.group == group }.map(\.value.number).sorted())
            default:
                let rows = subject.allRows()
                var places = Dictionary(uniqueKeysWithValues: rows.map { ($0, subject.number($0)) })
                subject.table.compact { old, new in places[new] = places.removeValue(forKey: old) }
                let after = subject.allRows()
                #expect(Set(after) == Set(places.keys))
                #expect(after.allSatisfy { places[$0] == subject.number($0) })
            }
            subject.expectModel()
        }
        // All groups together are all rows.
        var total = 0
        for group in groups { total += subject.table.removeRows(ofKeyGroup: group) { _ in true } }
        #expect(total == subject.model.count && subject.table.count == 0)
    }

    /// Keys of one hash prefix: probing wraps around the end of the table and every removal closes a gap.
    @Test func collidingHashes() {
        var subject = Subject([.bigint], leadBits: 8)
        var picked: [Int64] = []
        var candidate: Int64 = 0
        // The last slots' keys: hashes whose bits behind the lead are nearly all ones.
        while picked.count < 120 {
            let values = (candidate..<candidate + 4096).map { Scalar.bigint($0) }
            let hashes = hashRows([Column(.bigint, values)], count: 4096)
            let h = hashes.pointer(UInt64.self)
            for i in 0..<4096 where h[i] >> 56 == 1 && (h[i] << 8) >> 56 >= 0xFC { picked.append(candidate + Int64(i)) }
            candidate += 4096
            withExtendedLifetime(hashes) {}
        }
        var generator = SeededGenerator(seed: 5)
        for round in 0..<200 {
            let some = picked.shuffled(using: &generator).prefix(40)
            subject.insert([Column(.bigint, some.map { .bigint($0) })], some.count, lead: 1, leadBits: 8)
            let gone = subject.allRows().shuffled(using: &generator).prefix(25 + round % 10)
            let numbers = Set(gone.map(subject.number))
            for row in gone { subject.table.remove(row) }
            subject.model = subject.model.filter { !numbers.contains($0.value.number) }
            subject.expectModel()
        }
    }

    /// Memory of removed rows and of their strings comes back.
    @Test func memoryComesBack() {
        var subject = Subject([.bigint, .string], leadBits: 0)
        let rows = 200_000
        for start in stride(from: 0, to: rows, by: 10_000) {
            let numbers = (start..<start + 10_000).map { Int64($0) }
            let keys = [
                Column(.bigint, numbers.map { .bigint($0) }),
                Column(.string, numbers.map { .string("string number \($0) of the table") }),
            ]
            subject.insert(keys, 10_000, lead: 0, leadBits: 0)
        }
        let table = subject.table
        let full = table.byteCount
        // 40 bytes of row, 10.7 to 16 of slots, 35 of string, and the last chunks.
        #expect(full >= rows * 85 && full <= rows * 97)
        for group in 0..<RowTable.keyGroups {
            table.removeRows(ofKeyGroup: group) { subject.number($0) % 20 != 0 }
        }
        subject.model = subject.model.filter { $0.value.number % 20 == 0 }
        #expect(table.isSparse && table.byteCount == full)
        table.compact()
        #expect(!table.isSparse)
        #expect(table.byteCount <= rows / 20 * 110)
        subject.expectModel()
        table.remove(subject.allRows(), count: table.count)
        table.compact()
        subject.model = [:]
        #expect(table.byteCount < 1 << 16)
        subject.expectModel()
    }

    /// Small tables are small: there may be 256 partitions of each operator.
    @Test func emptyTableIsSmall() {
        #expect(RowTable(layout: RowLayout(keys: [.bigint], valueBytes: 24)).byteCount < 1024)
    }
}
