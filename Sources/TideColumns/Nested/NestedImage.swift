/// The image of an array, map or struct: bytes whose order (as unsigned bytes) is the order of the values, so that
/// grouping, joining, sorting and state treat nested values as they treat binary ones.
///
///     array    per element: marker, value if there is one;         then 0
///     map      per entry:   2, key, marker, value if there is one; then 0
///     struct   per field:   marker, value if there is one
///     marker   1: NULL    2: a value follows
///
///     integers, dates, times    big endian, sign bit flipped
///     float, double             big endian; positive: sign bit flipped, negative: all bits; -0 as 0; one NaN, the
///                               largest
///     decimal                   16 bytes as an integer
///     boolean                   0 or 1
///     text, bytes               0 as 0 255; then 0 0
///     nested                    its image
///
/// An array that is the beginning of another is smaller, and NULL is the smallest value: Spark's order. Maps have
/// none; their images only tell whether two maps were built alike.
///
/// The other way is Arrow's layout of offsets and child columns. It is faster to take apart, but every kernel, state
/// table and file of the checkpoint would need a second form.
public enum NestedImage {
    static let end: UInt8 = 0
    static let null: UInt8 = 1
    static let value: UInt8 = 2

    /// The image of an array without elements.
    public static let emptyArray: [UInt8] = [end]

    /// Appends marker and value of a row.
    public static func append(_ column: Column, _ row: Int, into out: inout [UInt8]) {
        guard column.isValid(row), column.type != .null else {
            out.append(null)
            return
        }
        out.append(value)
        appendValue(column, row, into: &out)
    }

    /// Appends the value of a row that is not NULL.
    public static func appendValue(_ column: Column, _ row: Int, into out: inout [UInt8]) {
        switch column.type.physical {
        case .bit: append(column.bits[row], into: &out)
        case .int32: append(column.pointer(Int32.self)[row], into: &out)
        case .int64: append(column.pointer(Int64.self)[row], into: &out)
        case .float32: append(column.pointer(Float.self)[row], into: &out)
        case .float64: append(column.pointer(Double.self)[row], into: &out)
        case .int128: append(column.pointer(Int128.self)[row], into: &out)
        case .view:
            if column.type.isNested {
                out.append(contentsOf: column.bytes(row))
            } else {
                append(text: column.bytes(row), into: &out)
            }
        }
    }

    public static func appendNull(into out: inout [UInt8]) { out.append(null) }
    public static func appendMarker(into out: inout [UInt8]) { out.append(value) }
    public static func appendEnd(into out: inout [UInt8]) { out.append(end) }

    public static func append(_ flag: Bool, into out: inout [UInt8]) { out.append(flag ? 1 : 0) }
    @inlinable public static func append<T: FixedWidthInteger & SignedInteger>(_ number: T, into out: inout [UInt8]) {
        let flipped = number ^ T.min
        withUnsafeBytes(of: flipped.bigEndian) { out.append(contentsOf: $0) }
    }
    public static func append(_ number: Float, into out: inout [UInt8]) {
        let bits = number.isNaN ? Float.nan.bitPattern : (number == 0 ? 0 : number.bitPattern)
        let ordered = bits >> 31 == 0 ? bits ^ 0x8000_0000 : ~bits
        withUnsafeBytes(of: ordered.bigEndian) { out.append(contentsOf: $0) }
    }
    public static func append(_ number: Double, into out: inout [UInt8]) {
        let bits = number.isNaN ? Double.nan.bitPattern : (number == 0 ? 0 : number.bitPattern)
        let ordered = bits >> 63 == 0 ? bits ^ (1 << 63) : ~bits
        withUnsafeBytes(of: ordered.bigEndian) { out.append(contentsOf: $0) }
    }
    public static func append(text: UnsafeRawBufferPointer, into out: inout [UInt8]) {
        for byte in text {
            out.append(byte)
            if byte == 0 { out.append(0xFF) }
        }
        out.append(0)
        out.append(0)
    }
}

/// Walks an image. The caller knows the type; the image was made by `NestedImage` for that type.
///
/// Images come from this program alone, in memory or in checksummed blocks, so reading past the end would be a defect
/// here: it is a precondition.
public struct NestedCursor {
    private let bytes: UnsafeRawBufferPointer
    public private(set) var at = 0

    public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    public enum Next { case null, value, end }

    /// The next marker of an array, or of a map's keys; not for fields of structs, which have no end.
    public mutating func next() -> Next {
        let marker = byte()
        return marker == NestedImage.value ? .value : (marker == NestedImage.null ? .null : .end)
    }

    private mutating func byte() -> UInt8 {
        precondition(at < bytes.count)
        defer { at += 1 }
        return bytes[at]
    }

    public mutating func bool() -> Bool { byte() != 0 }
    public mutating func integer<T: FixedWidthInteger & SignedInteger & BitwiseCopyable>(_: T.Type) -> T {
        let size = MemoryLayout<T>.size
        precondition(at + size <= bytes.count)
        let raw = bytes.loadUnaligned(fromByteOffset: at, as: T.self)
        at += size
        return T(bigEndian: raw) ^ T.min
    }
    public mutating func float() -> Float {
        let bits = UInt32(bitPattern: integer(Int32.self) ^ Int32.min)
        return Float(bitPattern: bits >> 31 == 1 ? bits ^ 0x8000_0000 : ~bits)
    }
    public mutating func double() -> Double {
        let bits = UInt64(bitPattern: integer(Int64.self) ^ Int64.min)
        return Double(bitPattern: bits >> 63 == 1 ? bits ^ (1 << 63) : ~bits)
    }
    /// Replaces `out` by the text.
    public mutating func text(into out: inout [UInt8]) {
        out.removeAll(keepingCapacity: true)
        while true {
            let next = byte()
            if next == 0, byte() == 0 { return }
            out.append(next)
        }
    }

    /// Passes over a value.
    public mutating func skip(_ type: DataType) {
        switch type {
        case .array(let element):
            while true {
                switch next() {
                case .end: return
                case .null: continue
                case .value: skip(element)
                }
            }
        case .map(let key, let value):
            while next() == .value {
                skip(key)
                if next() == .value { skip(value) }
            }
        case .structure(let fields):
            for field in fields where next() == .value { skip(field.type) }
        default:
            switch type.physical {
            case .bit: at += 1
            case .int32, .float32: at += 4
            case .int64, .float64: at += 8
            case .int128: at += 16
            case .view: while byte() != 0 || byte() != 0 {}
            }
        }
    }

    /// The bytes from `start` to here.
    public func image(from start: Int) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[start..<at]) }
}
