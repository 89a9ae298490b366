import Testing

@testable import TideParquet

/// Files of other writers; the expected values are what those writers were given.
@Suite struct FixtureTests {
    private func check(_ file: MemoryFile, _ expected: [(String, DataType, [Scalar.Value])]) throws {
        let reader = try ParquetReader(file: file)
        #expect(reader.schema.fields.map(\.name) == expected.map(\.0))
        #expect(reader.schema.types == expected.map(\.1))
        let batch = try reader.read(rowGroup: 0, columns: Array(0..<reader.schema.count))
        for (column, (name, _, values)) in zip(batch.columns, expected) {
            #expect((0..<column.count).map { column.scalar($0).value } == values, "\(name)")
        }
    }
    private func text(_ value: String) -> Scalar.Value { .bytes(Array(value.utf8)) }

    @Test func pyarrow() throws {
        try check(
            Fixture.pyarrow,
            [
                ("i8", .tinyint, [.integer(1), .null, .integer(-128)]),
                ("u32", .bigint, [.integer(0), .integer(4_294_967_295), .integer(7)]),
                ("s", .string, [text("short"), .null, text("a string longer than twelve bytes")]),
                (
                    "dec", .decimal(precision: 19, scale: 2),
                    [.decimal(150), .decimal(-9_999_999_999_999_999_999), .null]
                ),
                ("ts", .timestamp, [.integer(0), .integer(-1000), .integer(1_700_000_000_123_000)]),
                ("ns", .timestampNTZ, [.integer(-1), .integer(1), .null]),
                ("b", .boolean, [.boolean(true), .null, .boolean(false)]),
                ("f", .float, [.float(1.5), .null, .float(-0.25)]),
            ])
    }

    @Test func duckdb() throws {
        try check(
            Fixture.duckdb,
            [
                ("a", .int, [.integer(1), .integer(2), .null]),
                ("b", .string, [text("eins"), text("zwei"), text("eins")]),
                ("c", .date, [.integer(19782), .null, .integer(-1)]),
                ("d", .decimal(precision: 4, scale: 2), [.decimal(1234), .decimal(-1), .null]),
                ("e", .boolean, [.boolean(true), .boolean(false), .null]),
            ])
        let columns = try ParquetReader(file: Fixture.duckdb).rowGroups[0].columns
        #expect(columns[0].min == .int(1) && columns[0].max == .int(2) && columns[0].nullCount == 1)
        #expect(columns[1].min == .string("eins") && columns[1].max == .string("zwei"))
        #expect(columns[3].min?.value == .decimal(-1) && columns[3].max?.value == .decimal(1234))
    }

    @Test func polars() throws {
        let reader = try ParquetReader(file: Fixture.polars)
        #expect(reader.schema.types == [.bigint, .string, .double])
        let batch = try reader.read(rowGroup: 0, columns: [2, 0])
        #expect((0..<4).map { batch.columns[1].scalar($0) } == (1...4).map { .bigint($0) })
        #expect(batch.columns[0].scalar(0) == .double(0.5))
        #expect(batch.columns[0].scalar(1).isNaN)
        #expect(batch.columns[0].scalar(2).isNull)
        #expect(batch.columns[0].scalar(3) == .double(-1))
        let names = try reader.read(rowGroup: 0, columns: try reader.columns(named: ["V"])).columns[0]
        #expect((0..<4).map { names.scalar($0).string } == ["x", "y", nil, "x"])
    }

    @Test func spark() throws {
        let noon: Int64 = 1_704_112_496_123_456
        try check(
            Fixture.spark,
            [
                ("t", .tinyint, [.integer(0), .integer(1), .integer(2)]),
                ("sm", .smallint, [.integer(0), .integer(100), .integer(200)]),
                (
                    "ts", .timestamp,
                    [.integer(noon), .integer(noon + 3_600_000_000), .integer(noon + 7_200_000_000)]
                ),
                ("n", .timestampNTZ, Array(repeating: .integer(-315_619_199_999_999), count: 3)),
                ("d", .decimal(precision: 5, scale: 2), [.decimal(-100), .decimal(0), .decimal(100)]),
                ("s", .string, [text("row 0"), .null, text("row 2")]),
                ("w", .decimal(precision: 25, scale: 3), [.decimal(0), .decimal(-1000), .decimal(-2000)]),
            ])
    }
}
