/// Reads what `ByteWriter` wrote. Every read is bounds checked: bytes from a disk may be anything.
public struct ByteReader: Sendable {
    public let bytes: ArraySlice<UInt8>
    public private(set) var position: Int
    /// Name and base offset for errors.
    let file: String
    let base: Int64

    public init(_ bytes: ArraySlice<UInt8>, file: String, base: Int64 = 0) {
        self.bytes = bytes
        self.position = bytes.startIndex
        self.file = file
        self.base = base
    }
    public init(_ bytes: [UInt8], file: String, base: Int64 = 0) { self.init(bytes[...], file: file, base: base) }

    public var remaining: Int { bytes.endIndex - position }
    public var isAtEnd: Bool { position == bytes.endIndex }

    public func corruption(_ message: String) -> TidemillError {
        .corruption(
            "TIDEMILL_CORRUPT_RECORD", message, file: file, offset: base + Int64(position - bytes.startIndex))
    }

    public mutating func take(_ n: Int) throws(TidemillError) -> ArraySlice<UInt8> {
        guard n >= 0, n <= remaining else {
            throw corruption("record ends early, \(counted(n, "byte")) wanted, \(remaining) left")
        }
        defer { position += n }
        return bytes[position..<(position + n)]
    }
    public mutating func integer<T: FixedWidthInteger>(_ type: T.Type = T.self) throws(TidemillError) -> T {
        let slice = try take(MemoryLayout<T>.size)
        var value: T = 0
        withUnsafeMutableBytes(of: &value) { $0.copyBytes(from: slice) }
        return T(littleEndian: value)
    }
    public mutating func u8() throws(TidemillError) -> UInt8 { try integer() }
    public mutating func u32() throws(TidemillError) -> UInt32 { try integer() }
    public mutating func u64() throws(TidemillError) -> UInt64 { try integer() }
    public mutating func i64() throws(TidemillError) -> Int64 { try integer() }
    public mutating func double() throws(TidemillError) -> Double { Double(bitPattern: try integer()) }
    public mutating func bool() throws(TidemillError) -> Bool {
        switch try u8() {
        case 0: return false
        case 1: return true
        case let other: throw corruption("boolean byte is neither 0 nor 1: \(other)")
        }
    }
    public mutating func varint() throws(TidemillError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try u8()
            if shift == 63 && byte > 1 { throw corruption("varint longer than 64 bits") }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
    }
    public mutating func zigzag() throws(TidemillError) -> Int64 {
        let value = try varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }
    /// A count that a varint states, refused when the bytes left cannot hold that many elements.
    public mutating func count(elementBytesMin: Int = 1) throws(TidemillError) -> Int {
        let value = try varint()
        guard value <= UInt64(remaining / max(1, elementBytesMin)) else {
            throw corruption("count larger than the record: \(value)")
        }
        return Int(value)
    }
    public mutating func blob() throws(TidemillError) -> ArraySlice<UInt8> { try take(try count()) }
    public mutating func string() throws(TidemillError) -> String { String(decoding: try blob(), as: UTF8.self) }
    public func expectEnd() throws(TidemillError) {
        if !isAtEnd { throw corruption("\(counted(remaining, "byte")) left over after the record") }
    }
}
