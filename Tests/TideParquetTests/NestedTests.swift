import Testing

@testable import TideParquet

/// Arrays, maps and structs: files of pyarrow, our own, and the schemas of old writers.
@Suite struct NestedTests {
    private func texts(_ batch: Batch) -> [[String?]] {
        let columns = batch.columns.map { $0.formatted() }
        return (0..<batch.count).map { row in columns.map { $0.scalar(row).string } }
    }

    @Test func readsFilesOfPyarrow() throws {
        for file in [Fixture.nestedV1, Fixture.nestedV2] {
            let reader = try ParquetReader(file: file)
            #expect(
                reader.schema.types.map(\.simpleName) == [
                    "array<int>", "map<string,double>", "struct<x:tinyint,l:array<struct<k:string,d:date>>>",
                ])
            #expect(texts(try reader.read(rowGroup: 0, columns: [0, 1, 2])) == Fixture.nestedRows)
        }
    }

    @Test func readsAsAnotherType() throws {
        let reader = try ParquetReader(file: Fixture.nestedV1)
        let wide = DataType.structure([
            Field("L", .array(.structure([Field("gone", .int), Field("K", .binary)]))), Field("x", .bigint),
            Field("new", .array(.string)),
        ])
        let none = DataType.structure([Field("nothing", .string)])
        #expect(reader.schema[2].type.isReadable(as: wide) && reader.schema[2].type.isReadable(as: none))
        #expect(!reader.schema[2].type.isReadable(as: .structure([Field("x", .string)])))
        let batch = try reader.read(rowGroup: 0, columns: [0, 2, 2], types: [.array(.bigint), wide, none])
        let expected: [[String?]] = [
            ["[1, null, -3]", "{[{null, a key longer than twelve}, null, {null, null}], 7, null}", "{null}"],
            ["[]", "{[], null, null}", "{null}"], [nil, nil, nil], ["[5]", "{null, -1, null}", "{null}"],
        ]
        #expect(texts(batch) == expected)
    }

    /// Values drawn by type; every NULL, empty list and level of nesting occurs.
    private func draw(_ type: DataType, _ random: inout TestRandom, into image: inout [UInt8]) {
        switch type {
        case .array(let element):
            for _ in 0..<(random.next() % 4) { drawMarked(element, &random, into: &image) }
            NestedImage.appendEnd(into: &image)
        case .map(let key, let value):
            for _ in 0..<(random.next() % 3) {
                NestedImage.appendMarker(into: &image)
                draw(key, &random, into: &image)
                drawMarked(value, &random, into: &image)
            }
            NestedImage.appendEnd(into: &image)
        case .structure(let fields): for field in fields { drawMarked(field.type, &random, into: &image) }
        default:
            let column = drawColumn(type, count: 1, nulls: .none, distinct: nil, seed: random.next())
            NestedImage.appendValue(column, 0, into: &image)
        }
    }

    private func drawMarked(_ type: DataType, _ random: inout TestRandom, into image: inout [UInt8]) {
        if random.next() % 5 == 0 { return NestedImage.appendNull(into: &image) }
        NestedImage.appendMarker(into: &image)
        draw(type, &random, into: &image)
    }

    private func drawNested(_ type: DataType, count: Int, seed: UInt64) -> Column {
        var random = TestRandom(state: seed)
        var builder = ColumnBuilder(type)
        for _ in 0..<count {
            if random.next() % 7 == 0 {
                builder.appendNull()
            } else {
                var image: [UInt8] = []
                draw(type, &random, into: &image)
                builder.append(Scalar(type, .bytes(image)))
            }
        }
        return builder.finish()
    }

    private static let types: [DataType] = [
        .array(.string), .array(.array(.int)), .map(key: .string, value: .array(.double)),
        .structure([Field("a", .boolean), Field("b", .decimal(precision: 30, scale: 2)), Field("c", .date)]),
        .array(.structure([Field("x", .array(.structure([Field("y", .timestamp)]))), Field("z", .smallint)])),
        .map(key: .int, value: .map(key: .bigint, value: .binary)),
        .structure([Field("s", .structure([Field("t", .structure([Field("u", .decimal(precision: 7, scale: 1))]))]))]),
    ]

    @Test(arguments: [true, false]) func writesAndReads(dictionary: Bool) throws {
        let schema = Schema(NestedTests.types.enumerated().map { Field("c\($0)", $1) })
        var options = ParquetWriterOptions()
        options.dictionary = dictionary
        options.pageBytesTarget = 200
        options.rowGroupRowsMax = 300
        let columns = NestedTests.types.enumerated().map { drawNested($1, count: 700, seed: UInt64($0) + 11) }
        let (file, summary) = try write(schema, [Batch(columns: columns, count: 700)], options)
        #expect(summary.rowGroups.map(\.rowCount) == [300, 300, 100])
        let copied = MemoryFile("copy.parquet")
        let writer = try ParquetWriter(file: copied, schema: schema)
        let source = try ParquetReader(file: file)
        for group in source.rowGroups.indices { try writer.copyRowGroup(group, from: source) }
        _ = try writer.finish()
        for reader in [source, try ParquetReader(file: copied)] {
            #expect(reader.schema == schema)
            var start = 0
            for group in reader.rowGroups.indices {
                let batch = try reader.read(rowGroup: group, columns: Array(schema.fields.indices))
                for (column, written) in zip(batch.columns, columns) {
                    for row in 0..<batch.count where column.scalar(row) != written.scalar(start + row) {
                        Issue.record("\(column.type.sql), row \(start + row)")
                    }
                }
                start += batch.count
            }
            #expect(start == 700)
        }
    }

    @Test func missingValuesAreRefused() throws {
        let field = Field("a", .array(.int), nullable: false)
        let null = Column(field.type, [.null(field.type)])
        let error = #expect(throws: TidemillError.self) {
            try write(Schema([field]), [Batch(columns: [null], count: 1)])
        }
        #expect(error?.code == "NOT_NULL_ASSERT_VIOLATION")
    }

    @Test func depthIsLimited() throws {
        func nested(_ depth: Int) -> DataType { (0..<depth).reduce(.int) { type, _ in .array(type) } }
        let deepest = Schema([Field("a", nested(ColumnShape.depthMax))])
        let file = try write(deepest, []).0
        #expect(try ParquetReader(file: file).schema == deepest)
        let error = #expect(throws: TidemillError.self) {
            try write(Schema([Field("a", nested(ColumnShape.depthMax + 1))]), [])
        }
        #expect(error?.kind == .unsupported)
        // A schema of a file that nests 10 000 groups is refused without recursion.
        var elements = [SchemaElement(name: "root", childCount: 1)]
        for _ in 0..<10_000 { elements.append(SchemaElement(name: "g", repetition: .optional, childCount: 1)) }
        elements.append(SchemaElement(name: "x", kind: .int32, repetition: .optional))
        #expect(try FileColumns(elements, file: "f").unreadable.map(\.name) == ["g"])
    }

    // MARK: Schemas of old writers (LogicalTypes.md, "Backward-compatibility rules", with the types stated there)

    private func type(_ elements: [SchemaElement]) throws -> DataType? {
        let root = [SchemaElement(name: "root", childCount: 1)]
        return try FileColumns(root + elements, file: "f").columns.first?.field.type
    }
    private func group(
        _ name: String, _ repetition: Repetition, _ children: Int32, _ converted: Int32? = nil
    ) -> SchemaElement {
        var element = SchemaElement(name: name, repetition: repetition, childCount: children)
        element.converted = converted
        return element
    }
    private func leaf(_ name: String, _ repetition: Repetition) -> SchemaElement {
        SchemaElement(name: name, kind: .int32, repetition: repetition)
    }

    @Test func oldListsAndMaps() throws {
        let list = ConvertedType.list
        let one = DataType.structure([Field("x", .int)])
        #expect(try type([leaf("a", .repeated)]) == .array(.int))
        #expect(try type([group("a", .repeated, 1), leaf("x", .optional)]) == .array(one))
        #expect(try type([group("a", .optional, 1, list), leaf("element", .repeated)]) == .array(.int))
        #expect(
            try type([group("a", .optional, 1, list), group("list", .repeated, 1), leaf("element", .optional)])
                == .array(.int))
        #expect(
            try type([group("a", .optional, 1, list), group("array", .repeated, 1), leaf("x", .required)])
                == .array(one))
        #expect(
            try type([group("a", .optional, 1, list), group("a_tuple", .repeated, 1), leaf("x", .required)])
                == .array(one))
        #expect(
            try type(
                [group("a", .optional, 1, list), group("pair", .repeated, 2), leaf("x", .required)]
                    + [leaf("y", .optional)]) == .array(.structure([Field("x", .int), Field("y", .int)])))
        #expect(
            try type([group("a", .optional, 1, list), group("element", .repeated, 1), leaf("x", .repeated)])
                == .array(.structure([Field("x", .array(.int))])))
        for annotation in [ConvertedType.map, ConvertedType.mapKeyValue] {
            #expect(
                try type(
                    [group("m", .optional, 1, annotation), group("map", .repeated, 2), leaf("key", .required)]
                        + [leaf("value", .optional)]) == .map(key: .int, value: .int))
        }
    }
}
