import TideColumns

extension FileMetadata {
    /// The footer's Thrift bytes, without length and magic.
    func encode() -> [UInt8] {
        var writer = ThriftWriter()
        writer.i32(1, version)
        writer.list(2, of: ThriftType.structure, count: schema.count)
        for element in schema { element.encode(into: &writer) }
        writer.i64(3, rowCount)
        writer.list(4, of: ThriftType.structure, count: rowGroups.count)
        for (ordinal, group) in rowGroups.enumerated() { group.encode(into: &writer, ordinal: ordinal) }
        if !keyValues.isEmpty {
            writer.list(5, of: ThriftType.structure, count: keyValues.count)
            for (key, value) in keyValues {
                writer.beginElement()
                writer.string(1, key)
                if let value { writer.string(2, value) }
                writer.end()
            }
        }
        if let createdBy { writer.string(6, createdBy) }
        writer.list(7, of: ThriftType.structure, count: hasTypeOrder.count)
        for _ in hasTypeOrder {
            writer.beginElement()
            writer.emptyStructure(1)
            writer.end()
        }
        writer.finish()
        return writer.bytes
    }
}

extension SchemaElement {
    func encode(into writer: inout ThriftWriter) {
        writer.beginElement()
        if let kind { writer.i32(1, kind.rawValue) }
        if kind == .fixedLengthByteArray { writer.i32(2, typeLength) }
        if let repetition { writer.i32(3, repetition.rawValue) }
        writer.string(4, name)
        if kind == nil { writer.i32(5, childCount) }
        if let converted { writer.i32(6, converted) }
        if converted == ConvertedType.decimal {
            writer.i32(7, scale)
            writer.i32(8, precision)
        }
        if let logical {
            writer.begin(10)
            logical.encode(into: &writer)
            writer.end()
        }
        writer.end()
    }
}

extension LogicalType {
    /// The member of the union. Only the types that Tidemill writes.
    func encode(into writer: inout ThriftWriter) {
        switch self {
        case .string: writer.emptyStructure(1)
        case .map: writer.emptyStructure(2)
        case .list: writer.emptyStructure(3)
        case .date: writer.emptyStructure(6)
        case .decimal(let precision, let scale):
            writer.begin(5)
            writer.i32(1, Int32(scale))
            writer.i32(2, Int32(precision))
            writer.end()
        case .timestamp(let utc, let unit):
            writer.begin(8)
            writer.bool(1, utc)
            writer.begin(2)
            switch unit {
            case .millis: writer.emptyStructure(1)
            case .micros: writer.emptyStructure(2)
            case .nanos: writer.emptyStructure(3)
            }
            writer.end()
            writer.end()
        case .integer(let bits, let signed):
            writer.begin(10)
            writer.i8(1, Int8(bits))
            writer.bool(2, signed)
            writer.end()
        case .enumeration, .json, .bson, .uuid, .float16, .null, .interval, .time, .other:
            preconditionFailure("logical type is never written")
        }
    }
}

extension RowGroupMetadata {
    func encode(into writer: inout ThriftWriter, ordinal: Int) {
        let compressed = columns.reduce(Int64(0)) { $0 + ($1.metadata?.compressedBytes ?? 0) }
        writer.beginElement()
        writer.list(1, of: ThriftType.structure, count: columns.count)
        for chunk in columns {
            writer.beginElement()
            // file_offset is deprecated; 0 says that the metadata stands in the footer only.
            writer.i64(2, 0)
            if let metadata = chunk.metadata {
                writer.begin(3)
                metadata.encode(into: &writer)
                writer.end()
            }
            writer.end()
        }
        writer.i64(2, totalBytes)
        writer.i64(3, rowCount)
        if let start = columns.first?.metadata?.startOffset { writer.i64(5, start) }
        writer.i64(6, compressed)
        if let small = Int16(exactly: ordinal) { writer.i16(7, small) }
        writer.end()
    }
}

extension ColumnMetadata {
    func encode(into writer: inout ThriftWriter) {
        writer.i32(1, kind)
        writer.list(2, of: ThriftType.i32, count: encodings.count)
        for encoding in encodings { writer.i32Element(encoding) }
        writer.list(3, of: ThriftType.binary, count: path.count)
        for name in path { writer.stringElement(name) }
        writer.i32(4, codec)
        writer.i64(5, valueCount)
        writer.i64(6, uncompressedBytes)
        writer.i64(7, compressedBytes)
        writer.i64(9, dataPageOffset)
        if let dictionaryPageOffset { writer.i64(11, dictionaryPageOffset) }
        if let statistics {
            writer.begin(12)
            statistics.encode(into: &writer)
            writer.end()
        }
        if !encodingStats.isEmpty {
            writer.list(13, of: ThriftType.structure, count: encodingStats.count)
            for stats in encodingStats {
                writer.beginElement()
                writer.i32(1, stats.page)
                writer.i32(2, stats.encoding)
                writer.i32(3, stats.count)
                writer.end()
            }
        }
        if let bloomFilterOffset { writer.i64(14, bloomFilterOffset) }
        if let bloomFilterLength { writer.i32(15, bloomFilterLength) }
    }
}

extension Statistics {
    func encode(into writer: inout ThriftWriter) {
        if let nullCount { writer.i64(3, nullCount) }
        if let max { writer.binary(5, max) }
        if let min { writer.binary(6, min) }
        if let isMaxExact { writer.bool(7, isMaxExact) }
        if let isMinExact { writer.bool(8, isMinExact) }
    }
}

extension PageHeader {
    /// A data page of version 1 or a dictionary page.
    func encode() -> [UInt8] {
        var writer = ThriftWriter()
        writer.i32(1, kind.rawValue)
        writer.i32(2, uncompressedBytes)
        writer.i32(3, compressedBytes)
        if let crc { writer.i32(4, crc) }
        writer.begin(kind == .dictionary ? 7 : 5)
        writer.i32(1, valueCount)
        writer.i32(2, encoding)
        if kind == .data {
            writer.i32(3, levelEncoding)
            writer.i32(4, levelEncoding)
        }
        writer.end()
        writer.finish()
        return writer.bytes
    }
}
