/// One typed value: a literal, a bound, a statistic. Never used per row of a data path.
public struct Scalar: Hashable, Sendable {
    public enum Value: Hashable, Sendable {
        case null
        case boolean(Bool)
        /// All integral types, date, timestamps, intervals.
        case integer(Int64)
        case float(Float)
        case double(Double)
        /// Unscaled.
        case decimal(Int128)
        /// Text as UTF-8, bytes, or the image of a nested value.
        case bytes([UInt8])
    }
    public let type: DataType
    public let value: Value

    public init(_ type: DataType, _ value: Value) {
        self.type = type
        self.value = value
    }
    public static func null(_ type: DataType) -> Scalar { Scalar(type, .null) }
    public static func boolean(_ value: Bool) -> Scalar { Scalar(.boolean, .boolean(value)) }
    public static func int(_ value: Int32) -> Scalar { Scalar(.int, .integer(Int64(value))) }
    public static func bigint(_ value: Int64) -> Scalar { Scalar(.bigint, .integer(value)) }
    public static func double(_ value: Double) -> Scalar { Scalar(.double, .double(value)) }
    public static func string(_ value: String) -> Scalar { Scalar(.string, .bytes(Array(value.utf8))) }

    public var isNull: Bool { value == .null }
    public var integer: Int64? { if case .integer(let v) = value { v } else { nil } }
    public var boolean: Bool? { if case .boolean(let v) = value { v } else { nil } }
    public var bytes: [UInt8]? { if case .bytes(let v) = value { v } else { nil } }
    public var string: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
}
