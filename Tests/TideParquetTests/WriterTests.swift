import Testing

@testable import TideParquet

@Suite struct WriterTests {
    private func bounds(_ type: DataType, _ values: [Scalar]) throws -> ParquetColumnStatistics {
        let column = Column(type, values)
        let (file, summary) = try write(Schema([Field("c", type)]), [Batch(columns: [column], count: values.count)])
        let read = try ParquetReader(file: file).rowGroups[0].columns[0]
        #expect(read == summary.rowGroups[0].columns[0])
        return read
    }

    @Test func statistics() throws {
        let dates = try bounds(.date, [-5, 3, 3].map { Scalar(.date, .integer($0)) } + [.null(.date)])
        #expect(dates.min?.integer == -5 && dates.max?.integer == 3 && dates.nullCount == 1)
        // Bytes above 0x7F are greater than ASCII: unsigned order.
        let strings = try bounds(.string, ["é", "z", "Z", ""].map { .string($0) })
        #expect(strings.min == .string("") && strings.max == .string("é"))
        let wide = DataType.decimal(precision: 30, scale: 0)
        let decimals = try bounds(wide, [-1, 0, 1 << 90].map { Scalar(wide, .decimal($0)) })
        #expect(decimals.min?.value == .decimal(-1) && decimals.max?.value == .decimal(1 << 90))
        let flags = try bounds(.boolean, [.boolean(true), .boolean(true)])
        #expect(flags.min == .boolean(true) && flags.max == .boolean(true))
        let none = try bounds(.int, [.null(.int), .null(.int)])
        #expect(none.min == nil && none.max == nil && none.nullCount == 2)
    }

    @Test func floatStatistics() throws {
        #expect(try bounds(.double, [.double(1), .double(.nan)]).max == nil)
        let zeros = try bounds(.double, [.double(0.0)])
        guard case .double(let low) = zeros.min?.value, case .double(let high) = zeros.max?.value else {
            Issue.record("no bounds")
            return
        }
        #expect(low.sign == .minus && high.sign == .plus)
    }

    @Test func longStringsAreShortened() throws {
        let text = String(repeating: "a", count: 63) + "é" + "tail"
        let found = try bounds(.string, [.string(text)])
        #expect(found.min == .string(String(repeating: "a", count: 63)))
        #expect(found.max == .string(String(repeating: "a", count: 62) + "b"))
        let bytes = [UInt8](repeating: 0xFF, count: 70)
        let binary = try bounds(.binary, [Scalar(.binary, .bytes(bytes))])
        #expect(binary.min?.bytes == Array(bytes.prefix(64)) && binary.max == nil)
        #expect(successor(ofText: Array("a\u{D7FF}".utf8)) == Array("a\u{E000}".utf8))
        #expect(successor(ofText: Array("a\u{10FFFF}".utf8)) == Array("b".utf8))
        #expect(successor(of: [1, 0xFF]) == [2])
    }

    @Test func decimalWidthsFollowTheSpecification() {
        // parquet-format LogicalTypes.md: n bytes hold floor(log10(2^(8n-1) - 1)) digits.
        let bytes = [19: 9, 20: 9, 21: 9, 22: 10, 23: 10, 24: 11, 28: 12, 29: 13, 38: 16]
        for (precision, expected) in bytes { #expect(LeafType.decimalBytes(precision: precision) == expected) }
    }

    @Test func rowGroupsAreCopiedRaw() throws {
        let schema = Schema([Field("s", .string), Field("d", .double)])
        func batch(_ seed: UInt64) -> Batch {
            Batch(
                columns: schema.fields.enumerated().map {
                    drawColumn($1.type, count: 500, nulls: .some, distinct: $0 == 0 ? 20 : nil, seed: seed + UInt64($0))
                }, count: 500)
        }
        let old = batch(1)
        let new = batch(7)
        var options = ParquetWriterOptions()
        options.rowGroupRowsMax = 200
        let (file, before) = try write(schema, [old], options)
        let reader = try ParquetReader(file: file)
        let copy = MemoryFile("copy.parquet")
        let writer = try ParquetWriter(file: copy, schema: schema, options: options)
        try writer.append(new.rows(0, 30))
        try writer.copyRowGroup(2, from: reader)
        try writer.copyRowGroup(0, from: reader)
        try writer.append(new.rows(30, 10))
        let summary = try writer.finish()
        #expect(summary.rowGroups.map(\.rowCount) == [30, 100, 200, 10])
        #expect(summary.rowGroups[1] == before.rowGroups[2])
        let result = try ParquetReader(file: copy)
        #expect(result.rowGroups == summary.rowGroups)
        let parts = [new.rows(0, 30), old.rows(400, 100), old.rows(0, 200), new.rows(30, 10)]
        for (group, expected) in parts.enumerated() {
            let got = try result.read(rowGroup: group, columns: [0, 1])
            for i in 0..<2 { expectEqual(got.columns[i], expected.columns[i], "group \(group)") }
        }
        let other = try ParquetWriter(file: MemoryFile("other"), schema: Schema([Field("s", .string)]))
        #expect(!other.canCopyRowGroups(from: reader))
        #expect(throws: TidemillError.self) { try other.copyRowGroup(0, from: reader) }
    }

    @Test func batchesCutARowGroup() throws {
        let column = drawColumn(.boolean, count: 1000, nulls: .some, distinct: nil, seed: 3)
        let (file, _) = try write(Schema([Field("b", .boolean)]), [Batch(columns: [column], count: 1000)])
        let batches = try ParquetReader(file: file).batches(rowGroup: 0, columns: [0], rowsMax: 300)
        #expect(batches.map(\.count) == [300, 300, 300, 100])
        for (i, batch) in batches.enumerated() {
            expectEqual(batch.columns[0], column.copyingRows(i * 300, batch.count), "batch \(i)")
        }
    }

    @Test func manySmallBatchesAreJoined() throws {
        let schema = Schema(allTypes.enumerated().map { Field("c\($0)", $1) })
        var batches: [Batch] = []
        for i in 0..<20 {
            let columns = allTypes.enumerated().map {
                drawColumn(
                    $1, count: 37, nulls: i % 2 == 0 ? .none : .some, distinct: i % 3 == 0 ? 4 : nil,
                    seed: UInt64(i * 100 + $0))
            }
            batches.append(Batch(columns: columns, count: 37))
        }
        let (file, _) = try write(schema, batches)
        let reader = try ParquetReader(file: file)
        #expect(reader.rowGroups.count == 1)
        let got = try reader.batches(rowGroup: 0, columns: Array(0..<schema.count), rowsMax: 37)
        for (batch, expected) in zip(got, batches) {
            for i in 0..<schema.count { expectEqual(batch.columns[i], expected.columns[i], "\(allTypes[i])") }
        }
    }

    @Test func refusals() throws {
        let null = Batch(columns: [Column(.int, [.null(.int)])], count: 1)
        let error = #expect(throws: TidemillError.self) {
            try write(Schema([Field("id", .int, nullable: false)]), [null])
        }
        #expect(error?.kind == .data && error?.message.hasSuffix("id") == true)
        let void = #expect(throws: TidemillError.self) {
            try ParquetWriter(file: MemoryFile(), schema: Schema([Field("v", .null)]))
        }
        #expect(void?.kind == .unsupported)
    }

    @Test func columnsThatCannotBeReadAreNamed() throws {
        var elements = [SchemaElement(name: "root", childCount: 3)]
        elements.append(SchemaElement(name: "id", kind: .int64, repetition: .required))
        elements.append(SchemaElement(name: "address", repetition: .optional, childCount: 2))
        elements.append(SchemaElement(name: "street", kind: .byteArray, repetition: .optional))
        elements.append(SchemaElement(name: "opens", kind: .int32, repetition: .optional, logical: .time))
        elements.append(SchemaElement(name: "flag", kind: .boolean, repetition: .optional))
        let found = try FileColumns(elements, file: "f")
        #expect(found.columns.map(\.field.name) == ["id", "flag"])
        #expect(found.columns.map(\.firstLeaf) == [0, 3])
        #expect(found.unreadable == [UnreadableColumn(name: "address", reason: "type TIME")])
    }
}

extension Batch {
    func rows(_ start: Int, _ count: Int) -> Batch {
        Batch(columns: columns.map { $0.copyingRows(start, count) }, count: count)
    }
}
