import Testing

@testable import TideParquet

/// Damaged files must give errors, or values, and never crash.
@Suite struct HostileFileTests {
    private func files() throws -> [[UInt8]] {
        var result = [
            Fixture.pyarrow, Fixture.duckdb, Fixture.polars, Fixture.spark, Fixture.nestedV1, Fixture.nestedV2,
        ].map(\.bytes)
        let schema = Schema([
            Field("s", .string), Field("i", .int), Field("b", .boolean), Field("x", .decimal(precision: 30, scale: 2)),
        ])
        for dictionary in [true, false] {
            var options = ParquetWriterOptions()
            options.compression = .uncompressed
            // Without checksums, so that damage reaches the decoders.
            options.pageChecksums = false
            options.dictionary = dictionary
            options.pageBytesTarget = 256
            let columns = schema.types.map { drawColumn($0, count: 100, nulls: .some, distinct: 9, seed: 5) }
            result.append(try write(schema, [Batch(columns: columns, count: 100)], options).0.bytes)
        }
        return result
    }

    /// Reads everything; true if there was an error.
    private func fails(_ bytes: [UInt8]) -> Bool {
        do throws(TidemillError) {
            let reader = try ParquetReader(file: MemoryFile("damaged.parquet", bytes: bytes))
            var failed = false
            for group in reader.rowGroups.indices {
                // Column by column, so that damage in one does not hide the others.
                for column in 0..<reader.schema.count {
                    do throws(TidemillError) {
                        let values = try reader.read(rowGroup: group, columns: [column]).columns[0]
                        for row in 0..<min(values.count, 100) { _ = values.scalar(row) }
                    } catch {
                        #expect([.corruption, .unsupported, .limit].contains(error.kind), "\(error)")
                        failed = true
                    }
                }
            }
            return failed
        } catch {
            #expect([.corruption, .unsupported, .limit].contains(error.kind), "\(error)")
            return true
        }
    }

    @Test func truncations() throws {
        for bytes in try files() {
            #expect(!fails(bytes))
            for length in stride(from: 0, to: bytes.count, by: 3) {
                #expect(fails(Array(bytes.prefix(length))))
            }
        }
    }

    @Test func mutations() throws {
        var random = TestRandom(state: 42)
        var failures = 0
        for bytes in try files() {
            for _ in 0..<1000 {
                var damaged = bytes
                for _ in 0..<Int(1 + random.next() % 3) {
                    let place = Int(random.next() % UInt64(bytes.count))
                    switch random.next() % 3 {
                    case 0: damaged[place] ^= 1 << UInt8(random.next() % 8)
                    case 1: damaged[place] = UInt8(truncatingIfNeeded: random.next())
                    default: damaged[place] = random.next() % 2 == 0 ? 0xFF : 0
                    }
                }
                if fails(damaged) { failures += 1 }
            }
        }
        // Checksums or structure notice many of them; values alone cannot.
        #expect(failures > 1000)
    }

    @Test func lyingLengthsAreRefused() throws {
        // A delta page that claims 2^40 values, and one whose block is larger than its bytes.
        var claim: [UInt8] = [0x80, 0x01, 4] + [0x80, 0x80, 0x80, 0x80, 0x80, 0x20] + [0]
        claim += [UInt8](repeating: 0, count: 16)
        let buffer = claim.withUnsafeBytes { Buffer(copying: $0) }
        let out = Buffer(byteCount: 800)
        #expect(decodeDelta(buffer.base, claim.count, into: out.pointer(Int64.self), count: 100) == nil)
        // A bit-packed run of 2^31 groups of which no bytes are there.
        let run: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F]
        let packed = run.withUnsafeBytes { Buffer(copying: $0) }
        #expect(!decodeHybrid(packed.base, run.count, bitWidth: 7, into: out.pointer(UInt32.self), count: 100))
        #expect(decodeHybridBits(packed.base, run.count, into: out.pointer(UInt64.self), at: 0, count: 100) == nil)
    }
}
