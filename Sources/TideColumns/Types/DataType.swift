/// The logical types of Spark SQL that Tidemill stores in columns.
public enum DataType: Hashable, Sendable {
    /// The type of a bare NULL.
    case null
    case boolean
    case tinyint, smallint, int, bigint
    case float, double
    /// 1 ≤ precision ≤ 38, 0 ≤ scale ≤ precision.
    case decimal(precision: Int, scale: Int)
    case string, binary
    /// Days since 1970-01-01, proleptic Gregorian.
    case date
    /// Microseconds since 1970-01-01T00:00:00Z.
    case timestamp
    /// Microseconds since 1970-01-01T00:00:00 on no particular clock.
    case timestampNTZ
    /// Months.
    case yearMonthInterval(IntervalRange)
    /// Microseconds.
    case dayTimeInterval(IntervalRange)
    /// STRUCT<start: TIMESTAMP, end: TIMESTAMP> as `window` and `session_window` make it; see `TimeWindow`.
    case timeWindow
    /// Values of one type, in order. Nested values lie in columns as their images: see `NestedImage`.
    indirect case array(DataType)
    /// Values by key, in the order they were put in. Keys are never NULL.
    indirect case map(key: DataType, value: DataType)
    case structure([Field])
}

/// How values lie in memory. Every kernel switches on this and never on `DataType`, so a new logical type that reuses a
/// physical one costs no kernel.
public enum PhysicalType: UInt8, Hashable, Sendable {
    /// One bit per value.
    case bit
    /// tinyint, smallint, int, date, year-month interval.
    case int32
    /// bigint, timestamps, day-time interval.
    case int64
    case float32, float64
    /// Decimals: the unscaled value. Time windows: `TimeWindow.packed`.
    case int128
    /// 16-byte string views over shared byte buffers: text, bytes, images of nested values.
    case view

    /// Bytes per value; 0 for `bit`.
    public var width: Int {
        switch self {
        case .bit: 0
        case .int32, .float32: 4
        case .int64, .float64: 8
        case .int128, .view: 16
        }
    }
}

extension DataType {
    public var physical: PhysicalType {
        switch self {
        case .null, .boolean: .bit
        case .tinyint, .smallint, .int, .date, .yearMonthInterval: .int32
        case .bigint, .timestamp, .timestampNTZ, .dayTimeInterval: .int64
        case .float: .float32
        case .double: .float64
        case .decimal, .timeWindow: .int128
        case .string, .binary, .array, .map, .structure: .view
        }
    }

    public var isIntegral: Bool {
        switch self {
        case .tinyint, .smallint, .int, .bigint: true
        default: false
        }
    }
    public var isFractional: Bool { self == .float || self == .double }
    public var isDecimal: Bool { if case .decimal = self { true } else { false } }
    public var isNumeric: Bool { isIntegral || isFractional || isDecimal }
    public var isNested: Bool {
        switch self {
        case .array, .map, .structure: true
        default: false
        }
    }
    /// Whether values have an order, and may be grouped and joined by: all but maps, and what holds maps.
    public var isOrdered: Bool {
        switch self {
        case .map: false
        case .array(let element): element.isOrdered
        case .structure(let fields): fields.allSatisfy(\.type.isOrdered)
        default: true
        }
    }
    public var isTimestamp: Bool { self == .timestamp || self == .timestampNTZ }

    /// Spark's name in DDL and messages, upper case.
    public var sql: String {
        switch self {
        case .null: "VOID"
        case .boolean: "BOOLEAN"
        case .tinyint: "TINYINT"
        case .smallint: "SMALLINT"
        case .int: "INT"
        case .bigint: "BIGINT"
        case .float: "FLOAT"
        case .double: "DOUBLE"
        case .decimal(let precision, let scale): "DECIMAL(\(precision),\(scale))"
        case .string: "STRING"
        case .binary: "BINARY"
        case .date: "DATE"
        case .timestamp: "TIMESTAMP"
        case .timestampNTZ: "TIMESTAMP_NTZ"
        case .yearMonthInterval(let range), .dayTimeInterval(let range): "INTERVAL \(range.sql)"
        case .timeWindow: "STRUCT<start: TIMESTAMP, end: TIMESTAMP>"
        case .array(let element): "ARRAY<\(element.sql)>"
        case .map(let key, let value): "MAP<\(key.sql), \(value.sql)>"
        case .structure(let fields):
            "STRUCT<\(fields.map(DataType.text).joined(separator: ", "))>"
        }
    }

    private static func text(_ field: Field) -> String {
        "\(field.name): \(field.type.sql)\(field.nullable ? "" : " NOT NULL")"
    }

    /// Spark's short name: lower case, without blanks and NOT NULL.
    public var simpleName: String {
        switch self {
        case .array(let element): "array<\(element.simpleName)>"
        case .map(let key, let value): "map<\(key.simpleName),\(value.simpleName)>"
        case .structure(let fields):
            "struct<\(fields.map { "\($0.name):\($0.type.simpleName)" }.joined(separator: ","))>"
        default: sql.lowercased()
        }
    }

    /// Inclusive bounds of an integral type.
    public var integerRange: ClosedRange<Int64>? {
        switch self {
        case .tinyint: -128...127
        case .smallint: -32768...32767
        case .int: Int64(Int32.min)...Int64(Int32.max)
        case .bigint: Int64.min...Int64.max
        default: nil
        }
    }
}

extension DataType {
    /// Stable bytes for checkpoints and manifests.
    public func encode(into writer: inout ByteWriter) {
        switch self {
        case .null: writer.u8(0)
        case .boolean: writer.u8(1)
        case .tinyint: writer.u8(2)
        case .smallint: writer.u8(3)
        case .int: writer.u8(4)
        case .bigint: writer.u8(5)
        case .float: writer.u8(6)
        case .double: writer.u8(7)
        case .decimal(let precision, let scale):
            writer.u8(8)
            writer.u8(UInt8(precision))
            writer.u8(UInt8(scale))
        case .string: writer.u8(9)
        case .binary: writer.u8(10)
        case .date: writer.u8(11)
        case .timestamp: writer.u8(12)
        case .timestampNTZ: writer.u8(13)
        case .yearMonthInterval(.yearToMonth): writer.u8(14)
        case .dayTimeInterval(.dayToSecond): writer.u8(15)
        case .yearMonthInterval(let range), .dayTimeInterval(let range):
            writer.u8(25)
            writer.u8(range.first.rawValue)
            writer.u8(range.last.rawValue)
        case .timeWindow: writer.u8(24)
        case .array(let element):
            writer.u8(16)
            element.encode(into: &writer)
        case .map(let key, let value):
            writer.u8(17)
            key.encode(into: &writer)
            value.encode(into: &writer)
        case .structure(let fields):
            writer.u8(18)
            Schema(fields).encode(into: &writer)
        }
    }

    /// Types within types; deeper ones are no types anybody wrote.
    private static let depthMax = 64

    public static func decode(from reader: inout ByteReader) throws(TidemillError) -> DataType {
        try decode(from: &reader, depth: 0)
    }

    static func decode(from reader: inout ByteReader, depth: Int) throws(TidemillError) -> DataType {
        guard depth <= depthMax else { throw reader.corruption("type nested more than \(depthMax) times") }
        switch try reader.u8() {
        case 0: return .null
        case 1: return .boolean
        case 2: return .tinyint
        case 3: return .smallint
        case 4: return .int
        case 5: return .bigint
        case 6: return .float
        case 7: return .double
        case 8:
            let precision = Int(try reader.u8())
            let scale = Int(try reader.u8())
            guard (1...38).contains(precision), (0...precision).contains(scale) else {
                throw reader.corruption("impossible decimal(\(precision),\(scale))")
            }
            return .decimal(precision: precision, scale: scale)
        case 9: return .string
        case 10: return .binary
        case 11: return .date
        case 12: return .timestamp
        case 13: return .timestampNTZ
        case 14: return .yearToMonth
        case 15: return .dayToSecond
        case 24: return .timeWindow
        case 25:
            let (first, last) = (try reader.u8(), try reader.u8())
            guard let first = IntervalRange.Unit(rawValue: first), let last = IntervalRange.Unit(rawValue: last),
                first <= last, first.isMonths == last.isMonths
            else { throw reader.corruption("impossible interval from field \(first) to \(last)") }
            return .interval(IntervalRange(first, last))
        case 16: return .array(try decode(from: &reader, depth: depth + 1))
        case 17:
            let key = try decode(from: &reader, depth: depth + 1)
            return .map(key: key, value: try decode(from: &reader, depth: depth + 1))
        case 18: return .structure(try Schema.decode(from: &reader, depth: depth + 1).fields)
        case let other: throw reader.corruption("unknown type code \(other)")
        }
    }
}
