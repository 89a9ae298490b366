import Foundation
import Testing

@testable import TideParquet

/// Values drawn from a fixed seed.
struct TestRandom: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

enum NullPattern: CaseIterable { case none, all, some, rare }

let allTypes: [DataType] = [
    .boolean, .tinyint, .smallint, .int, .bigint, .float, .double, .decimal(precision: 9, scale: 2),
    .decimal(precision: 18, scale: 0), .decimal(precision: 20, scale: 3), .decimal(precision: 38, scale: 10), .string,
    .binary, .date, .timestamp, .timestampNTZ,
]

func drawScalar(_ type: DataType, _ random: inout TestRandom, distinct: UInt64?) -> Scalar {
    var bits = random.next()
    if let distinct { bits = (bits % distinct) &* 0x9E37_79B9_7F4A_7C15 }
    let integer = Int64(bitPattern: bits)
    switch type {
    case .boolean: return .boolean(bits >> 40 & 1 == 1)
    case .tinyint: return Scalar(type, .integer(Int64(Int8(truncatingIfNeeded: bits >> 7))))
    case .smallint: return Scalar(type, .integer(Int64(Int16(truncatingIfNeeded: bits >> 7))))
    case .int, .date: return Scalar(type, .integer(Int64(Int32(truncatingIfNeeded: bits >> 7))))
    case .float: return Scalar(type, .float(Float(integer) / 1e15))
    case .double: return Scalar(type, .double(Double(integer) / 1e15))
    case .decimal(let precision, _):
        var limit: Int128 = 1
        for _ in 0..<precision { limit *= 10 }
        return Scalar(type, .decimal((Int128(integer) * Int128(UInt32(truncatingIfNeeded: bits >> 9)) * 4099) % limit))
    case .string, .binary:
        let bound: UInt64 = (bits >> 20) & 7 == 0 ? 40 : 13
        let length = Int((bits >> 30) % bound)
        var bytes: [UInt8] = []
        for i in 0..<length {
            let letter = (bits >> UInt64(i % 50)) % 26
            bytes.append(97 + UInt8(letter))
        }
        return Scalar(type, .bytes(bytes))
    default: return Scalar(type, .integer(integer))
    }
}

func drawColumn(_ type: DataType, count: Int, nulls: NullPattern, distinct: UInt64?, seed: UInt64) -> Column {
    var random = TestRandom(state: seed)
    var builder = ColumnBuilder(type)
    for _ in 0..<count {
        let isNull =
            switch nulls {
            case .none: false
            case .all: true
            case .some: random.next() % 3 == 0
            case .rare: random.next() % 200 == 0
            }
        if isNull { builder.appendNull() } else { builder.append(drawScalar(type, &random, distinct: distinct)) }
    }
    return builder.finish()
}

func expectEqual(_ a: Column, _ b: Column, _ label: String) {
    #expect(a.count == b.count && a.type == b.type, "\(label)")
    for row in 0..<min(a.count, b.count) where a.scalar(row) != b.scalar(row) {
        Issue.record("\(label): row \(row) is \(a.scalar(row)), expected \(b.scalar(row))")
        return
    }
}

func write(
    _ schema: Schema, _ batches: [Batch], _ options: ParquetWriterOptions = ParquetWriterOptions()
) throws -> (MemoryFile, ParquetSummary) {
    let file = MemoryFile("test.parquet")
    let writer = try ParquetWriter(file: file, schema: schema, options: options)
    for batch in batches { try writer.append(batch) }
    return (file, try writer.finish())
}

@Suite struct RoundTripTests {
    @Test(arguments: [0, 1, 7, 64, 1000])
    func allTypesAllNulls(count: Int) throws {
        for nulls in NullPattern.allCases {
            for distinct in [nil, 5, 300] as [UInt64?] {
                for compression in [ParquetCompression.uncompressed, .snappy, .zstd(level: 1)] {
                    let columns = allTypes.enumerated().map {
                        drawColumn($1, count: count, nulls: nulls, distinct: distinct, seed: UInt64($0 * 31 + count))
                    }
                    let schema = Schema(
                        allTypes.enumerated().map { Field("c\($0)", $1, nullable: nulls != .none || $0 % 2 == 0) })
                    var options = ParquetWriterOptions()
                    options.compression = compression
                    options.rowGroupRowsMax = 300
                    options.pageBytesTarget = 512
                    let batch = Batch(columns: columns, count: count)
                    let (file, summary) = try write(schema, [batch], options)
                    let reader = try ParquetReader(file: file)
                    #expect(reader.schema == schema)
                    #expect(reader.rowCount == count && summary.rowCount == count)
                    #expect(reader.rowGroups == summary.rowGroups)
                    #expect(summary.byteCount == (try file.size()))
                    var row = 0
                    for group in reader.rowGroups.indices {
                        let order = Array((0..<schema.count).reversed())
                        let got = try reader.read(rowGroup: group, columns: order)
                        for (place, column) in order.enumerated() {
                            expectEqual(
                                got.columns[place], columns[column].copyingRows(row, got.count),
                                "\(allTypes[column]) \(nulls) \(String(describing: distinct)) \(compression)")
                        }
                        row += got.count
                    }
                    #expect(row == count)
                }
            }
        }
    }
}
