import Testing
import TideCheckpoints
import TideColumns
import TideSimulation

@Suite struct BlockCodecTests {
    static let types: [DataType] = [
        .null, .boolean, .tinyint, .smallint, .int, .bigint, .float, .double, .decimal(precision: 38, scale: 9),
        .string, .binary, .date, .timestamp, .timestampNTZ, .yearToMonth, .dayToSecond,
        .array(.string), .map(key: .string, value: .array(.int)),
        // A directory far longer than most.
        .structure((0..<40).map { Field("a field with a rather long name \($0)", .array(.bigint)) }),
    ]
    static let compressions: [BlockCompression] = [.none, .lz4, .zstd(level: 1), .zstd(level: 9)]

    static func scalar(_ type: DataType, _ i: Int, _ generator: inout SeededGenerator) -> Scalar {
        switch type.physical {
        case .bit: return type == .null ? .null(.null) : .boolean(generator.next() & 1 == 0)
        case .int32: return Scalar(type, .integer(Int64(Int8(truncatingIfNeeded: generator.next()))))
        case .int64: return Scalar(type, .integer(Int64(bitPattern: generator.next())))
        case .float32: return Scalar(type, .float(Float(i) / 3))
        case .float64: return Scalar(type, .double(i == 3 ? -0.0 : i == 5 ? .infinity : Double(i) / 7))
        case .int128: return Scalar(type, .decimal(Int128(Int64(bitPattern: generator.next())) * 12_345))
        case .view:
            let length = [0, 1, 11, 12, 13, 14, 100, 3000][Int(generator.next() % 8)]
            return Scalar(type, .bytes((0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ i) }))
        }
    }

    static func batch(rows: Int, nulls: Bool, weights: Bool, seed: UInt64) -> Batch {
        var generator = SeededGenerator(seed: seed)
        let columns = types.map { type in
            Column(
                type,
                (0..<rows).map { i in
                    let value = scalar(type, i, &generator)
                    return nulls && generator.next() % 3 == 0 ? .null(type) : value
                })
        }
        let weight = Column(.bigint, (0..<rows).map { .bigint($0 % 2 == 0 ? 1 : -3) })
        return Batch(columns: columns, count: rows, weights: weights ? weight : nil)
    }

    static func values(_ batch: Batch) -> [[Scalar]] {
        let columns = batch.columns + (batch.weights.map { [$0] } ?? [])
        return columns.map { column in (0..<batch.count).map { column.scalar($0) } }
    }

    @Test(arguments: compressions)
    func everyTypeComesBack(_ compression: BlockCompression) throws {
        for rows in [0, 1, 7, 8, 63, 64, 65, 300] {
            for (nulls, weights) in [(false, false), (true, false), (true, true)] {
                let batch = Self.batch(rows: rows, nulls: nulls, weights: weights, seed: UInt64(rows))
                let block = try BlockCodec.encode(batch, compression: compression)
                let back = try BlockCodec.decode(block)
                #expect(back.columns.map(\.type) == Self.types)
                #expect((back.weights == nil) == !weights)
                #expect(Self.values(back) == Self.values(batch))
                // What was read is written the same way: the heap is already compact.
                #expect(try BlockCodec.encode(back, compression: compression) == block)
            }
        }
    }

    @Test func sharedLongStringsStayShared() throws {
        let text = String(repeating: "x", count: 1000)
        let batch = Batch(columns: [Column(repeating: .string(text), count: 500)], count: 500)
        let block = try BlockCodec.encode(batch, compression: .none)
        #expect(block.count == 24 + 3 + 6 + 500 * 16 + 1000)
        #expect(try BlockCodec.decode(block).columns[0].scalar(499) == .string(text))
    }

    @Test func noColumns() throws {
        let back = try BlockCodec.decode(try BlockCodec.encode(Batch(columns: [], count: 9), compression: .lz4))
        #expect(back.count == 9 && back.columns.isEmpty)
    }

    /// Made by a Python script of a few lines from the layout in docs/FORMATS.md.
    @Test func bytesAreAsDocumented() throws {
        let batch = Batch(
            columns: [
                Column(.int, [.int(1), .null(.int), .int(-2)]),
                Column(.string, [.string("ab"), .string("thirteen byte"), .string("")]),
            ], count: 3)
        var block = try BlockCodec.encode(batch, compression: .none)
        #expect(block.map { String($0 / 16, radix: 16) + String($0 % 16, radix: 16) }.joined() == goldenBlock)
        block.append(0)
        #expect(throws: TidemillError.self) { try BlockCodec.decode(block) }
    }

    @Test func everyFlippedBitIsNoticed() throws {
        for compression in Self.compressions.prefix(3) {
            let block = try BlockCodec.encode(
                Self.batch(rows: 5, nulls: true, weights: true, seed: 1), compression: compression)
            for index in block.indices {
                var bad = block
                bad[index] ^= 1 << UInt8(index % 8)
                let error = #expect(throws: TidemillError.self) { try BlockCodec.decode(bad) }
                #expect(error?.kind == .corruption)
            }
            for count in 0..<block.count {
                #expect(throws: TidemillError.self) { try BlockCodec.decode(Array(block[..<count])) }
            }
        }
    }

    /// Bytes with a right checksum and wrong content: an answer or an error, never a crash.
    @Test func hostileBytesNeverCrash() throws {
        var generator = SeededGenerator(seed: 99)
        var decoded = 0
        for round in 0..<20_000 {
            let rows = Int(generator.next() % 20)
            var bad = try BlockCodec.encode(
                Self.batch(rows: rows, nulls: round % 2 == 0, weights: round % 3 == 0, seed: UInt64(round % 16)),
                compression: Self.compressions[round % 3])
            for _ in 0..<(1 + generator.next() % 4) {
                let index = 6 + Int(generator.next() % UInt64(min(bad.count - 6, round % 2 == 0 ? 80 : bad.count - 6)))
                bad[index] = generator.next() % 3 == 0 ? 0xFF : UInt8(truncatingIfNeeded: generator.next())
            }
            let crc = CRC32C.checksum(Array(bad[..<20]) + bad[24...])
            withUnsafeBytes(of: crc.littleEndian) { for i in 0..<4 { bad[20 + i] = $0[i] } }
            do throws(TidemillError) {
                decoded += Self.values(try BlockCodec.decode(bad)).count >= 0 ? 1 : 0
            } catch { #expect(error.kind == .corruption) }
        }
        #expect(decoded > 0)
    }

    @Test func aNewerFormatIsNamed() throws {
        var block = try BlockCodec.encode(Batch(columns: [], count: 1))
        block[4] = 9
        let crc = CRC32C.checksum(Array(block[..<20]) + block[24...])
        withUnsafeBytes(of: crc.littleEndian) { for i in 0..<4 { block[20 + i] = $0[i] } }
        let error = #expect(throws: TidemillError.self) { try BlockCodec.decode(block) }
        #expect(error?.code == "TIDEMILL_CHECKPOINT_NEWER_FORMAT")
    }
}
