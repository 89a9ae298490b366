import TideColumns

/// How a stored value becomes a value in memory. Applied to dictionaries and dense value runs, before NULLs are spread.
enum ValueConversion: Hashable, Sendable {
    case boolean
    /// The same 4 or 8 bytes.
    case same
    /// INT32 that holds a narrower integer: the low bits count.
    case signed8, signed16, unsigned8, unsigned16
    case unsigned32ToInt64
    case int32ToDecimal, int64ToDecimal, uint64ToDecimal
    case millisToMicros, nanosToMicros, int96ToMicros
    /// Big-endian two's complement, in BYTE_ARRAY or FIXED_LEN_BYTE_ARRAY.
    case bytesToDecimal
    case bytesToView
    case halfToFloat
}

/// A leaf of the file's schema as Tidemill reads it.
struct LeafType: Hashable, Sendable {
    let kind: PhysicalKind
    /// Bytes of a FIXED_LEN_BYTE_ARRAY, else 0.
    let typeLength: Int
    let type: DataType
    let conversion: ValueConversion

    /// Bytes per stored value; nil for BOOLEAN and BYTE_ARRAY.
    var storedWidth: Int? { kind == .fixedLengthByteArray ? typeLength : kind.width }
}

extension LeafType {
    /// What a writer stores for `type`, as Spark 4 does; nil: not storable.
    static func forWriting(_ type: DataType) -> LeafType? {
        func leaf(_ kind: PhysicalKind, _ conversion: ValueConversion, length: Int = 0) -> LeafType {
            LeafType(kind: kind, typeLength: length, type: type, conversion: conversion)
        }
        switch type {
        case .null, .array, .map, .structure, .timeWindow: return nil
        case .boolean: return leaf(.boolean, .boolean)
        case .tinyint: return leaf(.int32, .signed8)
        case .smallint: return leaf(.int32, .signed16)
        case .int, .date, .yearMonthInterval: return leaf(.int32, .same)
        case .bigint, .timestamp, .timestampNTZ, .dayTimeInterval: return leaf(.int64, .same)
        case .float: return leaf(.float, .same)
        case .double: return leaf(.double, .same)
        case .string, .binary: return leaf(.byteArray, .bytesToView)
        case .decimal(let precision, _):
            if precision <= 9 { return leaf(.int32, .int32ToDecimal) }
            if precision <= 18 { return leaf(.int64, .int64ToDecimal) }
            return leaf(
                .fixedLengthByteArray, .bytesToDecimal, length: decimalBytes(precision: precision))
        }
    }

    /// The fewest bytes whose two's complement holds every unscaled value of `precision` digits.
    static func decimalBytes(precision: Int) -> Int {
        var largest: Int128 = 1
        for _ in 0..<precision { largest *= 10 }
        return (128 - (largest - 1).leadingZeroBitCount) / 8 + 1
    }

    func element(_ field: Field) -> SchemaElement {
        var element = SchemaElement(name: field.name, kind: kind)
        element.typeLength = Int32(typeLength)
        element.repetition = field.nullable ? .optional : .required
        switch field.type {
        case .tinyint:
            element.converted = ConvertedType.int8
            element.logical = .integer(bits: 8, signed: true)
        case .smallint:
            element.converted = ConvertedType.int16
            element.logical = .integer(bits: 16, signed: true)
        case .date:
            element.converted = ConvertedType.date
            element.logical = .date
        case .string:
            element.converted = ConvertedType.utf8
            element.logical = .string
        case .decimal(let precision, let scale):
            element.converted = ConvertedType.decimal
            element.precision = Int32(precision)
            element.scale = Int32(scale)
            element.logical = .decimal(precision: precision, scale: scale)
        case .timestamp:
            element.converted = ConvertedType.timestampMicros
            element.logical = .timestamp(utc: true, unit: .micros)
        case .timestampNTZ:
            // No converted type says "not adjusted to UTC".
            element.logical = .timestamp(utc: false, unit: .micros)
        case .null, .boolean, .int, .bigint, .float, .double, .binary, .yearMonthInterval, .dayTimeInterval, .array,
            .map, .structure, .timeWindow:
            break
        }
        return element
    }
}

/// Either how a leaf is read, or why it is not.
enum LeafMapping {
    case readable(LeafType)
    case unreadable(String)

    init(_ element: SchemaElement) {
        guard let kind = element.kind else {
            self = .unreadable("nested type")
            return
        }
        self = LeafMapping.map(element, kind)
    }

    /// The annotation, from the logical type or else the converted type it replaced.
    private static func annotation(_ element: SchemaElement) -> LogicalType? {
        if let logical = element.logical { return logical }
        switch element.converted {
        case nil: return nil
        case ConvertedType.utf8: return .string
        case ConvertedType.enumeration: return .enumeration
        case ConvertedType.decimal:
            return .decimal(precision: Int(element.precision), scale: Int(element.scale))
        case ConvertedType.date: return .date
        case ConvertedType.timeMillis, ConvertedType.timeMicros: return .time
        case ConvertedType.timestampMillis: return .timestamp(utc: true, unit: .millis)
        case ConvertedType.timestampMicros: return .timestamp(utc: true, unit: .micros)
        case ConvertedType.uint8: return .integer(bits: 8, signed: false)
        case ConvertedType.uint16: return .integer(bits: 16, signed: false)
        case ConvertedType.uint32: return .integer(bits: 32, signed: false)
        case ConvertedType.uint64: return .integer(bits: 64, signed: false)
        case ConvertedType.int8: return .integer(bits: 8, signed: true)
        case ConvertedType.int16: return .integer(bits: 16, signed: true)
        case ConvertedType.int32: return .integer(bits: 32, signed: true)
        case ConvertedType.int64: return .integer(bits: 64, signed: true)
        case ConvertedType.json: return .json
        case ConvertedType.bson: return .bson
        case ConvertedType.interval: return .interval
        default: return .other
        }
    }

    private static func map(_ element: SchemaElement, _ kind: PhysicalKind) -> LeafMapping {
        let annotation = annotation(element)
        func readable(_ type: DataType, _ conversion: ValueConversion) -> LeafMapping {
            let length = kind == .fixedLengthByteArray ? Int(element.typeLength) : 0
            return .readable(LeafType(kind: kind, typeLength: length, type: type, conversion: conversion))
        }
        if annotation == .time { return .unreadable("type TIME") }
        if annotation == .interval { return .unreadable("type INTERVAL") }
        if case .decimal(let precision, let scale) = annotation {
            guard (1...38).contains(precision), (0...precision).contains(scale) else {
                return .unreadable("type DECIMAL(\(precision),\(scale))")
            }
            let type = DataType.decimal(precision: precision, scale: scale)
            switch kind {
            case .int32: return readable(type, .int32ToDecimal)
            case .int64: return readable(type, .int64ToDecimal)
            case .byteArray: return readable(type, .bytesToDecimal)
            case .fixedLengthByteArray where element.typeLength > 0: return readable(type, .bytesToDecimal)
            default: return .unreadable("a decimal stored as \(kind)")
            }
        }
        switch kind {
        case .boolean: return readable(.boolean, .boolean)
        case .float: return readable(.float, .same)
        case .double: return readable(.double, .same)
        case .int96: return readable(.timestamp, .int96ToMicros)
        case .int32:
            switch annotation {
            case .date: return readable(.date, .same)
            case .integer(8, true): return readable(.tinyint, .signed8)
            case .integer(16, true): return readable(.smallint, .signed16)
            case .integer(8, false): return readable(.smallint, .unsigned8)
            case .integer(16, false): return readable(.int, .unsigned16)
            case .integer(32, false): return readable(.bigint, .unsigned32ToInt64)
            default: return readable(.int, .same)
            }
        case .int64:
            switch annotation {
            case .integer(64, false): return readable(.decimal(precision: 20, scale: 0), .uint64ToDecimal)
            case .timestamp(let utc, let unit):
                let type: DataType = utc ? .timestamp : .timestampNTZ
                switch unit {
                case .millis: return readable(type, .millisToMicros)
                case .micros: return readable(type, .same)
                case .nanos: return readable(type, .nanosToMicros)
                }
            default: return readable(.bigint, .same)
            }
        case .byteArray:
            switch annotation {
            case .string, .enumeration, .json: return readable(.string, .bytesToView)
            default: return readable(.binary, .bytesToView)
            }
        case .fixedLengthByteArray:
            guard element.typeLength > 0 else { return .unreadable("fixed-length values of no bytes") }
            if annotation == .float16 && element.typeLength == 2 { return readable(.float, .halfToFloat) }
            return readable(.binary, .bytesToView)
        }
    }
}
