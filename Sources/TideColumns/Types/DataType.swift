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
    case yearMonthInterval
    /// Microseconds.
    case dayTimeInterval
    /// STRUCT<start: TIMESTAMP, end: TIMESTAMP> as `window` and `session_window` make it; see `TimeWindow`.
    case timeWindow
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
    /// 16-byte string views over shared byte buffers.
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
        case .string, .binary: .view
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
        case .yearMonthInterval: "INTERVAL YEAR TO MONTH"
        case .dayTimeInterval: "INTERVAL DAY TO SECOND"
        case .timeWindow: "STRUCT<start: TIMESTAMP, end: TIMESTAMP>"
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
        case .yearMonthInterval: writer.u8(14)
        case .dayTimeInterval: writer.u8(15)
        case .timeWindow: writer.u8(24)
        }
    }

    public static func decode(from reader: inout ByteReader) throws(TidemillError) -> DataType {
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
        case 14: return .yearMonthInterval
        case 15: return .dayTimeInterval
        case 24: return .timeWindow
        case let other: throw reader.corruption("unknown type code \(other)")
        }
    }
}
