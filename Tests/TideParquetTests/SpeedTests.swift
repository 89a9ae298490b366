import Testing

@testable import TideParquet

/// Prints how long a typical micro-batch takes: 200 000 rows of two short strings, a date, two bigints, two doubles.
@Suite(.serialized) struct SpeedTests {
    private static func sales(_ count: Int) -> (Schema, Batch) {
        var random = TestRandom(state: 1)
        var product = StringColumnBuilder(type: .string)
        var category = StringColumnBuilder(type: .string)
        let day = Buffer(byteCount: count * 4)
        let wide = (0..<4).map { _ in Buffer(byteCount: count * 8) }
        for i in 0..<count {
            var name = "P\(10000 + random.next() % 1000 * 7)"
            name.withUTF8 { product.append(UnsafeRawBufferPointer($0)) }
            var group = "category\(random.next() % 12)"
            group.withUTF8 { category.append(UnsafeRawBufferPointer($0)) }
            day.pointer(Int32.self)[i] = Int32(19000 + random.next() % 365)
            wide[0].pointer(Int64.self)[i] = Int64(random.next() % 10000)
            wide[1].pointer(Int64.self)[i] = Int64(random.next() % 100)
            wide[2].pointer(Double.self)[i] = Double(random.next() % 10_000_000) / 100
            wide[3].pointer(Double.self)[i] = Double(random.next() >> 11) / 1e9
        }
        let fields: [(String, DataType)] = [
            ("product", .string), ("category", .string), ("day", .date), ("quantity", .bigint), ("orders", .bigint),
            ("revenue", .double), ("average", .double),
        ]
        var columns = [product.finish(), category.finish(), Column(type: .date, count: count, values: day)]
        for (i, buffer) in wide.enumerated() {
            columns.append(Column(type: fields[3 + i].1, count: count, values: buffer))
        }
        return (Schema(fields.map { Field($0.0, $0.1) }), Batch(columns: columns, count: count))
    }

    @Test func writeAndRead() throws {
        let (schema, batch) = Self.sales(200_000)
        let clock = ContinuousClock()
        var writing = Duration.seconds(99)
        var reading = Duration.seconds(99)
        var size: Int64 = 0
        for _ in 0..<5 {
            var file = MemoryFile()
            writing = min(writing, try clock.measure { (file, _) = try write(schema, [batch]) })
            size = try file.size()
            reading = min(
                reading,
                try clock.measure {
                    let reader = try ParquetReader(file: file)
                    for group in reader.rowGroups.indices {
                        _ = try reader.read(rowGroup: group, columns: Array(0..<schema.count))
                    }
                })
        }
        print("parquet, 200000 rows × 7 columns, zstd(1), \(size) bytes: write \(writing), read \(reading)")
        #expect(size > 0)
    }
}
