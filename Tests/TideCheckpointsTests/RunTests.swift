import Testing
@testable import TideCheckpoints
import TideColumns
import TideSimulation

@Suite struct RunTests {
    static let types: [DataType] = [.bigint, .string, .double, .boolean]

    struct Row: Hashable {
        var hash: UInt64
        var key: String
        var value: Double?
        var live = true
    }

    static func batch(_ rows: ArraySlice<Row>) -> Batch {
        Batch(
            columns: [
                Column(.bigint, rows.map { .bigint(Int64(bitPattern: $0.hash)) }),
                Column(.string, rows.map { .string($0.key) }),
                Column(.double, rows.map { $0.value.map(Scalar.double) ?? .null(.double) }),
                Column(.boolean, rows.map { .boolean($0.live) }),
            ], count: rows.count)
    }
    static func rows(_ batch: Batch) -> [Row] {
        (0..<batch.count).map { row in
            var value: Double?
            if case .double(let v) = batch.columns[2].scalar(row).value { value = v }
            return Row(
                hash: UInt64(bitPattern: batch.columns[0].scalar(row).integer ?? 0),
                key: batch.columns[1].scalar(row).string ?? "", value: value,
                live: batch.columns[3].scalar(row).boolean ?? false)
        }
    }

    static func sortedRows(_ count: Int, seed: UInt64) -> [Row] {
        var generator = SeededGenerator(seed: seed)
        var rows: [Row] = []
        for i in 0..<count {
            let key = String(repeating: "k", count: Int(generator.next() % 30)) + String(i)
            rows.append(Row(hash: generator.next(), key: key, value: i % 4 == 0 ? nil : Double(i) / 4))
        }
        return rows.sorted { $0.hash < $1.hash }
    }

    static func write(
        _ rows: [Row], to files: SimulatedFileSystem, _ name: String, batchRows: Int = 1000,
        compression: BlockCompression = .lz4
    ) throws(TidemillError) -> RunReader {
        let path = FilePath("/").appending(name)
        let writer = try RunWriter(
            file: try files.open(path, .createNew), types: types, compression: compression, expectedRows: rows.count)
        for start in stride(from: 0, to: rows.count, by: batchRows) {
            try writer.append(batch(rows[start..<min(start + batchRows, rows.count)]))
        }
        let summary = try writer.finish()
        let reader = try RunReader.open(path, files: files)
        #expect(reader.rows == summary.rows && reader.footerCRC == summary.footerCRC && reader.bytes == summary.bytes)
        return reader
    }

    static func all(_ run: RunReader) throws(TidemillError) -> [Row] {
        var found: [Row] = []
        try run.forEachBlock { found += rows($0) }
        return found
    }

    @Test func rowsComeBackHoweverTheyWereCut() throws {
        let files = SimulatedFileSystem()
        let rows = Self.sortedRows(5000, seed: 1)
        for (index, batchRows) in [1, 7, 333, 5000].enumerated() {
            let run = try Self.write(
                rows, to: files, "r\(index)", batchRows: batchRows,
                compression: index % 2 == 0 ? .lz4 : .zstd(level: 1))
            #expect(try Self.all(run) == rows)
            #expect(run.hashRange == rows[0].hash...rows[4999].hash)
            #expect(run.blocks.count > 3)
            for block in run.blocks.dropLast() {
                let bytes = try BlockCodec.encode(try run.batch(block), compression: .none).count
                #expect((2 << 10)...(8 << 10) ~= bytes)
            }
        }
    }

    @Test func anEmptyRunIsARun() throws {
        let run = try Self.write([], to: SimulatedFileSystem(), "empty")
        #expect(run.hashRange == nil && run.blocks.isEmpty)
        #expect(try !run.mayContain(0))
    }

    @Test func hashRangesFindTheirBlocks() throws {
        let rows = Self.sortedRows(3000, seed: 2)
        let run = try Self.write(rows, to: SimulatedFileSystem(), "r")
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<200 {
            let a = generator.next()
            let range = a...(a | generator.next())
            var found: [Row] = []
            for block in run.blocks(range) { found += Self.rows(try run.batch(block)) }
            #expect(found.filter { range.contains($0.hash) } == rows.filter { range.contains($0.hash) })
            let wanted = run.blocks.filter { $0.lastHash >= range.lowerBound && $0.firstHash <= range.upperBound }
            #expect(Array(run.blocks(range)) == wanted)
        }
    }

    @Test func theBloomFilterNeverForgetsAndSeldomErrs() throws {
        let rows = Self.sortedRows(20_000, seed: 4)
        let run = try Self.write(rows, to: SimulatedFileSystem(), "r")
        for row in rows { #expect(try run.mayContain(row.hash)) }
        var generator = SeededGenerator(seed: 5)
        var passed = 0
        let filter = try run.bloomFilter()
        for _ in 0..<20_000 where filter.mayContain(generator.next()) { passed += 1 }
        // 10 bits and 8 probes in blocks of 256 bits: 1.3 % expected.
        #expect(passed < 500)
        #expect(filter.bytes.count * 8 <= 20_000 * 10 + 16 * 256)
    }

    /// A filter made for too many hashes and halved is the one made for the right number.
    @Test func aBloomFilterShrinks() {
        var generator = SeededGenerator(seed: 8)
        let hashes = (0..<1000).map { _ in generator.next() }
        var large = BloomFilter(expecting: 8000)
        for hash in hashes { large.insert(hash) }
        large.shrink(to: 1000)
        // 8000 hashes need 313 blocks of 256 bits, made 320; 1000 need 40.
        #expect(large.words.count == 40 * 8)
        var small = BloomFilter(expecting: 1000)
        for hash in hashes { small.insert(hash) }
        #expect(large.words == small.words)
        for hash in hashes { #expect(large.mayContain(hash)) }
    }

    @Test func unorderedRowsAndOtherTypesAreRefused() throws {
        let files = SimulatedFileSystem()
        let file = try files.open("/r", .createNew)
        let writer = try RunWriter(file: file, types: Self.types, compression: .lz4)
        // As unsigned numbers: 1 < 2^63, so a negative hash comes after a positive one.
        try writer.append(Self.batch([Row(hash: 1, key: "", value: 0), Row(hash: 1 << 63, key: "", value: 0)]))
        #expect(throws: TidemillError.self) { try writer.append(Self.batch([Row(hash: 5, key: "", value: 0)])) }
        #expect(throws: TidemillError.self) { try writer.append(Batch(columns: [], count: 1)) }
        #expect(throws: TidemillError.self) { try RunWriter(file: file, types: [.string], compression: .lz4) }
    }

    /// Against a dictionary that keeps the newest row per key.
    @Test(arguments: [false, true])
    func mergingKeepsTheNewestRowPerKey(_ bottom: Bool) throws {
        for seed in 0..<UInt64(20) {
            var generator = SeededGenerator(seed: seed)
            let files = SimulatedFileSystem()
            var newest: [String: Row] = [:]
            var runs: [RunReader] = []
            for age in 0..<4 {
                var rows: [String: Row] = [:]
                for _ in 0..<(generator.next() % 400) {
                    let number = generator.next() % 300
                    let key = "a key that may be long \(number)"
                    // Only 40 hashes for 300 keys: nearly every one is shared.
                    rows[key] = Row(
                        hash: (number % 40) << 58 | number % 40, key: key, value: Double(age),
                        live: generator.next() % 4 != 0)
                }
                newest.merge(rows) { _, new in new }
                let sorted = rows.values.sorted { ($0.hash, $0.key) < ($1.hash, $1.key) }
                runs.insert(try Self.write(sorted, to: files, "age\(age)"), at: 0)
            }
            let writer = try RunWriter(
                file: try files.open("/out", .createNew), types: Self.types, compression: .zstd(level: 1))
            try mergeRuns(
                runs, rule: MergeRule(keyColumns: [1], liveColumn: 3, dropTombstones: bottom), into: writer)
            _ = try writer.finish()
            let merged = try Self.all(try RunReader.open("/out", files: files))
            #expect(Set(merged) == Set(newest.values.filter { $0.live || !bottom }))
            #expect(merged.count == Set(merged).count)
            #expect(merged.map(\.hash) == merged.map(\.hash).sorted())
        }
    }
}
