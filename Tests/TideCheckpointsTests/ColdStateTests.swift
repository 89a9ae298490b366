import Testing
@testable import TideCheckpoints
import TideColumns
import TideSimulation

/// Look-ups in runs, against a dictionary of everything that was written.
@Suite struct ColdStateTests {
    struct Key: Hashable, Comparable {
        var hash: UInt64
        var name: String?
        static func < (a: Key, b: Key) -> Bool { (a.hash, a.name ?? "") < (b.hash, b.name ?? "") }
    }
    struct Row: Hashable {
        var key: Key
        var live: Bool
        var flag: Bool?
        var count: Int32
        var sum: Int128
        var note: String
    }
    static let types: [DataType] = [
        .bigint, .boolean, .string, .boolean, .int, .decimal(precision: 38, scale: 0), .binary,
    ]

    static func batch(_ rows: [Row]) -> Batch {
        Batch(
            columns: [
                Column(.bigint, rows.map { .bigint(Int64(bitPattern: $0.key.hash)) }),
                Column(.boolean, rows.map { .boolean($0.live) }),
                Column(.string, rows.map { $0.key.name.map { .string($0) } ?? .null(.string) }),
                Column(.boolean, rows.map { $0.flag.map { .boolean($0) } ?? .null(.boolean) }),
                Column(.int, rows.map { Scalar(.int, .integer(Int64($0.count))) }),
                Column(types[5], rows.map { Scalar(types[5], .decimal($0.sum)) }),
                Column(.binary, rows.map { Scalar(.binary, .bytes(Array($0.note.utf8))) }),
            ], count: rows.count)
    }
    static func rows(_ batch: Batch) -> [Row] {
        (0..<batch.count).map { row in
            let c = batch.columns
            return Row(
                key: Key(hash: UInt64(bitPattern: c[0].scalar(row).integer ?? 0), name: c[2].scalar(row).string),
                live: c[1].scalar(row).boolean ?? false, flag: c[3].scalar(row).boolean,
                count: Int32(c[4].scalar(row).integer ?? 0), sum: c[5].pointer(Int128.self)[row],
                note: c[6].scalar(row).string ?? "")
        }
    }

    /// Some runs over one set of keys, newest first, and the newest row of every key.
    static func state(seed: UInt64, keys: Int, hashes: UInt64) throws -> (ColdState, [Key: Row]) {
        var generator = SeededGenerator(seed: seed)
        let files = SimulatedFileSystem()
        var newest: [Key: Row] = [:]
        var runs: [RunReader] = []
        for age in 0..<Int.random(in: 0...5, using: &generator) {
            var own: [Key: Row] = [:]
            for _ in 0..<Int.random(in: 1...keys, using: &generator) {
                let number = UInt64.random(in: 0..<UInt64(keys), using: &generator)
                // Hashes collide if there are fewer of them than keys.
                let hash = (number % hashes) &* 0x9E37_79B9_7F4A_7C15
                let name = number % 11 == 7 ? nil : number % 3 == 0 ? "k\(number)" : "a key of many bytes \(number)"
                let key = Key(hash: hash, name: name)
                own[key] = Row(
                    key: key, live: Int.random(in: 0..<4, using: &generator) > 0, flag: [true, false, nil][age % 3],
                    count: Int32(age), sum: Int128(number) << 70 - Int128(age),
                    note: String(repeating: "n", count: Int(number % 40)))
            }
            newest.merge(own) { $1 }
            let path = FilePath("/\(age)")
            let compression: BlockCompression = age % 2 == 0 ? .lz4 : .zstd(level: 1)
            let writer = try RunWriter(file: try files.open(path, .createNew), types: types, compression: compression)
            try writer.append(batch(own.values.sorted { $0.key < $1.key }))
            _ = try writer.finish()
            runs.insert(try RunReader.open(path, files: files), at: 0)
        }
        return (ColdState(runs, rule: MergeRule(keyColumns: [2], liveColumn: 1)), newest)
    }

    @Test(arguments: [(keys: 3, hashes: 2 as UInt64), (300, 300), (2000, 500), (900, 3)])
    func fetchGivesTheNewestRows(_ shape: (keys: Int, hashes: UInt64)) throws {
        var fetched = 0
        for seed in 0..<UInt64(30) {
            let (cold, newest) = try Self.state(seed: seed, keys: shape.keys, hashes: shape.hashes)
            var generator = SeededGenerator(seed: seed &+ 1000)
            var wanted = Set<UInt64>()
            for number in 0..<shape.hashes where Int.random(in: 0..<3, using: &generator) == 0 {
                wanted.insert(number &* 0x9E37_79B9_7F4A_7C15)
            }
            // Some that are nowhere.
            for _ in 0..<20 { wanted.insert(generator.next()) }
            let found = try cold.fetch(wanted.sorted()).map(Self.rows) ?? []
            #expect(found.map(\.key.hash) == found.map(\.key.hash).sorted())
            #expect(Set(found).count == found.count)
            let expected = newest.values.filter { $0.live && wanted.contains($0.key.hash) }
            #expect(Set(found) == Set(expected))
            fetched += found.count
        }
        #expect(fetched > 0)
    }

    @Test func rangesGiveTheNewestRows() throws {
        for seed in 0..<UInt64(30) {
            let (cold, newest) = try Self.state(seed: seed, keys: 2500, hashes: 1200)
            var generator = SeededGenerator(seed: seed)
            let low = generator.next()
            let range = low...(low | generator.next())
            var found: [Row] = []
            try cold.forEachRow(in: range) { found += Self.rows($0) }
            #expect(found.map(\.key.hash) == found.map(\.key.hash).sorted())
            #expect(found.count == Set(found).count)
            #expect(Set(found) == Set(newest.values.filter { $0.live && range.contains($0.key.hash) }))
            if !found.isEmpty { #expect(cold.mayHoldRows(range)) }
        }
    }

    /// Every flipped bit of a run is an error of a look-up that reads it, or changes nothing.
    @Test func damageIsFound() throws {
        let files = SimulatedFileSystem()
        let rows = (0..<400).map { number in
            Row(
                key: Key(hash: UInt64(number) << 50, name: "a key of many bytes \(number)"), live: true, flag: nil,
                count: 1, sum: 1, note: "note")
        }
        let writer = try RunWriter(file: try files.open("/r", .createNew), types: Self.types, compression: .lz4)
        try writer.append(Self.batch(rows))
        _ = try writer.finish()
        let bytes = try files.contents(of: "/r")
        let hashes = rows.map(\.key.hash)
        var errors = 0
        for position in stride(from: 0, to: bytes.count, by: 7) {
            var flipped = bytes
            flipped[position] ^= 1 << UInt8(position % 8)
            let path = FilePath("/\(position)")
            try files.createDurably(path, flipped)
            do throws(TidemillError) {
                let cold = ColdState(
                    [try RunReader.open(path, files: files)], rule: MergeRule(keyColumns: [2], liveColumn: 1))
                let found = try cold.fetch(hashes).map(Self.rows) ?? []
                #expect(found == rows, "byte \(position)")
            } catch {
                errors += 1
                #expect(error.kind == .corruption || error.kind == .unsupported, "\(error)")
            }
        }
        #expect(errors > 100)
    }
}
