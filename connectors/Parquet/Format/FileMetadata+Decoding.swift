import TideColumns

extension FileMetadata {
    static func decode(_ reader: inout ThriftReader) throws(TidemillError) -> FileMetadata {
        var result = FileMetadata()
        var last = 0
        while let field = try reader.next(&last) {
            switch field.id {
            case 1: result.version = try reader.i32(field)
            case 2:
                for _ in 0..<(try reader.list(field, of: ThriftType.structure)) {
                    result.schema.append(try SchemaElement.decode(&reader))
                }
            case 3: result.rowCount = try reader.i64(field)
            case 4:
                for _ in 0..<(try reader.list(field, of: ThriftType.structure)) {
                    result.rowGroups.append(try RowGroupMetadata.decode(&reader))
                }
            case 5:
                for _ in 0..<(try reader.list(field, of: ThriftType.structure)) {
                    result.keyValues.append(try decodeKeyValue(&reader))
                }
            case 6: result.createdBy = try reader.string(field)
            case 7:
                for _ in 0..<(try reader.list(field, of: ThriftType.structure)) {
                    result.hasTypeOrder.append(try decodeColumnOrder(&reader))
                }
            default: try reader.skip(field)
            }
        }
        guard result.rowCount >= 0, !result.schema.isEmpty else {
            throw reader.corruption("footer without schema or row count")
        }
        return result
    }

    private static func decodeKeyValue(
        _ reader: inout ThriftReader
    ) throws(TidemillError) -> (String, String?) {
        var key = ""
        var value: String?
        var last = 0
        while let field = try reader.next(&last) {
            switch field.id {
            case 1: key = try reader.string(field)
            case 2: value = try reader.string(field)
            default: try reader.skip(field)
            }
        }
        return (key, value)
    }

    /// A union; member 1 is TYPE_ORDER.
    private static func decodeColumnOrder(_ reader: inout ThriftReader) throws(TidemillError) -> Bool {
        var isTypeOrder = false
        var last = 0
        while let field = try reader.next(&last) {
            if field.id == 1 { isTypeOrder = true }
            try reader.skip(field)
        }
        return isTypeOrder
    }
}

extension SchemaElement {
    static func decode(_ reader: inout ThriftReader) throws(TidemillError) -> SchemaElement {
        var result = SchemaElement()
        var hasName = false
        var last = 0
        while let field = try reader.next(&last) {
            switch field.id {
            case 1:
                let code = try reader.i32(field)
                guard let kind = PhysicalKind(rawValue: code) else {
                    throw reader.corruption("unknown physical type \(code)")
                }
                result.kind = kind
            case 2: result.typeLength = try reader.i32(field)
            case 3:
                let code = try reader.i32(field)
                guard let repetition = Repetition(rawValue: code) else {
                    throw reader.corruption("unknown repetition \(code)")
                }
                result.repetition = repetition
            case 4:
                result.name = try reader.string(field)
                hasName = true
            case 5: result.childCount = try reader.i32(field)
            case 6: result.converted = try reader.i32(field)
            case 7: result.scale = try reader.i32(field)
            case 8: result.precision = try reader.i32(field)
            case 10:
                try reader.structure(field)
                result.logical = try LogicalType.decode(&reader)
            default: try reader.skip(field)
            }
        }
        guard hasName else { throw reader.corruption("schema element without a name") }
        guard result.childCount >= 0, result.typeLength >= 0 else {
            throw reader.corruption("negative length in schema element \(result.name)")
        }
        return result
    }
}

extension LogicalType {
    static func decode(_ reader: inout ThriftReader) throws(TidemillError) -> LogicalType {
        var result = LogicalType.other
        var last = 0
        while let field = try reader.next(&last) {
            try reader.structure(field)
            switch field.id {
            case 1: result = .string
            case 2: result = .map
            case 3: result = .list
            case 4: result = .enumeration
            case 5:
                result = try decodeDecimal(&reader)
                continue
            case 6: result = .date
            case 7: result = .time
            case 8:
                result = try decodeTimestamp(&reader)
                continue
            case 10:
                result = try decodeInteger(&reader)
                continue
            case 11: result = .null
            case 12: result = .json
            case 13: result = .bson
            case 14: result = .uuid
            case 15: result = .float16
            default: result = .other
            }
            try reader.skip(field)
        }
        return result
    }

    private static func decodeDecimal(_ reader: inout ThriftReader) throws(TidemillError) -> LogicalType {
        var precision: Int32 = 0
        var scale: Int32 = 0
        var last = 0
        while let field = try reader.next(&last) {
            switch field.id {
            case 1: scale = try reader.i32(field)
            case 2: precision = try reader.i32(field)
            default: try reader.skip(field)
            }
        }
        return .decimal(precision: Int(precision), scale: Int(scale))
    }

    private static func decodeTimestamp(_ reader: inout ThriftReader) throws(TidemillError) -> LogicalType {
        var utc = true
        var unit: TimeUnit?
        var last = 0
        while let field = try reader.next(&last) {
            switch field.id {
            case 1: utc = try reader.bool(field)
            case 2:
                try reader.structure(field)
                var lastUnit = 0
                while let member = try reader.next(&lastUnit) {
                    switch member.id {
                    case 1: unit = .millis
                    case 2: unit = .micros
                    case 3: unit = .nanos
                    default: break
                    }
                    try reader.skip(member)
                }
            default: try reader.skip(field)
            }
        }
        guard let unit else { throw reader.corruption("timestamp without a known unit") }
        return .timestamp(utc: utc, unit: unit)
    }

    private static func decodeInteger(_ reader: inout ThriftReader) throws(TidemillError) -> LogicalType {
        var bits = 0
        var signed = true
        var last = 0
        while let field = try reader.next(&last) {
            switch field.id {
            case 1: bits = Int(try reader.i8(field))
            case 2: signed = try reader.bool(field)
            default: try reader.skip(field)
            }
        }
        guard [8, 16, 32, 64].contains(bits) else { throw reader.corruption("integer of \(bits) bits") }
        return .integer(bits: bits, signed: signed)
    }
}

extension RowGroupMetadata {
    static func decode(_ reader: inout ThriftReader) throws(TidemillError) -> RowGroupMetadata {
        var result = RowGroupMetadata()
        var last = 0
        while let field = try reader.next(&last) {
            switch field.id {
            case 1:
                for _ in 0..<(try reader.list(field, of: ThriftType.structure)) {
                    result.columns.append(try ColumnChunk.decode(&reader))
                }
            case 2: result.totalBytes = try reader.i64(field)
            case 3: result.rowCount = try reader.i64(field)
            default: try reader.skip(field)
            }
        }
        guard result.rowCount >= 0 else { throw reader.corruption("row group without a row count") }
        return result
    }
}

extension ColumnChunk {
    static func decode(_ reader: inout ThriftReader) throws(TidemillError) -> ColumnChunk {
        var result = ColumnChunk()
        var last = 0
        while let field = try reader.next(&last) {
            switch field.id {
            case 1: result.filePath = try reader.string(field)
            case 3:
                try reader.structure(field)
                result.metadata = try ColumnMetadata.decode(&reader)
            case 8, 9:
                result.isEncrypted = true
                try reader.skip(field)
            default: try reader.skip(field)
            }
        }
        return result
    }
}

extension ColumnMetadata {
    static func decode(_ reader: inout ThriftReader) throws(TidemillError) -> ColumnMetadata {
        var result = ColumnMetadata()
        var last = 0
        while let field = try reader.next(&last) {
            switch field.id {
            case 1: result.kind = try reader.i32(field)
            case 2:
                for _ in 0..<(try reader.list(field, of: ThriftType.i32)) {
                    result.encodings.append(try reader.i32Element())
                }
            case 3:
                for _ in 0..<(try reader.list(field, of: ThriftType.binary)) {
                    result.path.append(String(decoding: try reader.binaryElement(), as: UTF8.self))
                }
            case 4: result.codec = try reader.i32(field)
            case 5: result.valueCount = try reader.i64(field)
            case 6: result.uncompressedBytes = try reader.i64(field)
            case 7: result.compressedBytes = try reader.i64(field)
            case 9: result.dataPageOffset = try reader.i64(field)
            case 11: result.dictionaryPageOffset = try reader.i64(field)
            case 12:
                try reader.structure(field)
                result.statistics = try Statistics.decode(&reader)
            case 13:
                for _ in 0..<(try reader.list(field, of: ThriftType.structure)) {
                    result.encodingStats.append(try EncodingStats.decode(&reader))
                }
            // Before they were standard, some writers used these ids for something else.
            case 14 where field.type == ThriftType.i64: result.bloomFilterOffset = try reader.i64(field)
            case 15 where field.type == ThriftType.i32: result.bloomFilterLength = try reader.i32(field)
            default: try reader.skip(field)
            }
        }
        return result
    }
}

extension EncodingStats {
    static func decode(_ reader: inout ThriftReader) throws(TidemillError) -> EncodingStats {
        var result = EncodingStats()
        var last = 0
        while let field = try reader.next(&last) {
            switch field.id {
            case 1: result.page = try reader.i32(field)
            case 2: result.encoding = try reader.i32(field)
            case 3: result.count = try reader.i32(field)
            default: try reader.skip(field)
            }
        }
        return result
    }
}

extension Statistics {
    static func decode(_ reader: inout ThriftReader) throws(TidemillError) -> Statistics {
        var result = Statistics()
        var last = 0
        while let field = try reader.next(&last) {
            switch field.id {
            case 1: result.legacyMax = try reader.binary(field)
            case 2: result.legacyMin = try reader.binary(field)
            case 3: result.nullCount = try reader.i64(field)
            case 5: result.max = try reader.binary(field)
            case 6: result.min = try reader.binary(field)
            case 7: result.isMaxExact = try reader.bool(field)
            case 8: result.isMinExact = try reader.bool(field)
            default: try reader.skip(field)
            }
        }
        return result
    }
}

extension PageHeader {
    static func decode(_ reader: inout ThriftReader) throws(TidemillError) -> PageHeader {
        var result = PageHeader()
        var details: Int?
        var last = 0
        while let field = try reader.next(&last) {
            switch field.id {
            case 1:
                let code = try reader.i32(field)
                guard let kind = PageKind(rawValue: code) else { throw reader.corruption("unknown page type \(code)") }
                result.kind = kind
            case 2: result.uncompressedBytes = try reader.i32(field)
            case 3: result.compressedBytes = try reader.i32(field)
            case 4: result.crc = try reader.i32(field)
            case 5, 7, 8:
                try reader.structure(field)
                details = field.id
                try result.decodeDetails(&reader, structure: field.id)
            default: try reader.skip(field)
            }
        }
        let wanted: Int? =
            switch result.kind {
            case .data: 5
            case .dictionary: 7
            case .dataV2: 8
            case .index: details
            }
        guard details == wanted else { throw reader.corruption("page header does not match its page type") }
        guard result.compressedBytes >= 0, result.uncompressedBytes >= 0 else {
            throw reader.corruption("negative page size")
        }
        guard result.kind == .index || result.valueCount >= 0 else {
            throw reader.corruption("page without a value count")
        }
        return result
    }

    private mutating func decodeDetails(
        _ reader: inout ThriftReader, structure: Int
    ) throws(TidemillError) {
        var last = 0
        while let field = try reader.next(&last) {
            switch (structure, field.id) {
            case (_, 1): valueCount = try reader.i32(field)
            case (5, 2), (7, 2), (8, 4): encoding = try reader.i32(field)
            case (5, 3): levelEncoding = try reader.i32(field)
            case (5, 4): repetitionEncoding = try reader.i32(field)
            case (8, 5): definitionBytes = try reader.i32(field)
            case (8, 6): repetitionBytes = try reader.i32(field)
            case (8, 7): isCompressed = try reader.bool(field)
            default: try reader.skip(field)
            }
        }
    }
}
