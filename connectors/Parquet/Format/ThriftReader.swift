import TideColumns

/// Type codes of Thrift's compact protocol.
enum ThriftType {
    static let boolTrue: UInt8 = 1
    static let boolFalse: UInt8 = 2
    static let i8: UInt8 = 3
    static let i16: UInt8 = 4
    static let i32: UInt8 = 5
    static let i64: UInt8 = 6
    static let double: UInt8 = 7
    static let binary: UInt8 = 8
    static let list: UInt8 = 9
    static let set: UInt8 = 10
    static let map: UInt8 = 11
    static let structure: UInt8 = 12
    static let uuid: UInt8 = 13
}

struct ThriftField {
    let id: Int
    let type: UInt8
}

/// Reads Thrift's compact protocol (thrift-compact-protocol.md of Apache Thrift) from untrusted bytes. Every read is
/// bounds checked, a list never claims more elements than bytes are left, and skipping recurses at most 32 deep.
///
/// Unsafe: holds a raw pointer; the owner of the bytes must outlive the reader.
struct ThriftReader {
    private let base: UnsafeRawPointer
    let count: Int
    private(set) var position: Int
    private let file: String
    /// Offset of `base` in the file.
    private let fileOffset: Int64

    init(_ base: UnsafeRawPointer, count: Int, position: Int = 0, file: String, fileOffset: Int64) {
        precondition(position >= 0 && position <= count)
        self.base = base
        self.count = count
        self.position = position
        self.file = file
        self.fileOffset = fileOffset
    }

    var remaining: Int { count - position }

    func corruption(_ message: String) -> TidemillError {
        .corruptParquet(message, file: file, offset: fileOffset + Int64(position))
    }

    private mutating func u8() throws(TidemillError) -> UInt8 {
        guard position < count else { throw corruption("metadata ends early") }
        defer { position += 1 }
        return base.load(fromByteOffset: position, as: UInt8.self)
    }
    private mutating func varint() throws(TidemillError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try u8()
            if shift > 63 || (shift == 63 && byte > 1) { throw corruption("varint longer than 64 bits") }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
    }
    private mutating func zigzag() throws(TidemillError) -> Int64 {
        let value = try varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// The next field of a structure, or nil at its end. `last` starts at 0.
    mutating func next(_ last: inout Int) throws(TidemillError) -> ThriftField? {
        let header = try u8()
        if header == 0 { return nil }
        let delta = Int(header >> 4)
        if delta == 0 {
            let id = try zigzag()
            guard id >= -32768 && id <= 32767 else { throw corruption("impossible field id \(id)") }
            last = Int(id)
        } else {
            last += delta
        }
        return ThriftField(id: last, type: header & 0x0F)
    }

    private func expect(_ field: ThriftField, _ type: UInt8) throws(TidemillError) {
        guard field.type == type else {
            throw corruption("field \(field.id) has type \(field.type) where \(type) belongs")
        }
    }

    mutating func i64(_ field: ThriftField) throws(TidemillError) -> Int64 {
        guard field.type == ThriftType.i64 || field.type == ThriftType.i32 || field.type == ThriftType.i16 else {
            throw corruption("field \(field.id) has type \(field.type) where an integer belongs")
        }
        return try zigzag()
    }
    mutating func i32(_ field: ThriftField) throws(TidemillError) -> Int32 {
        let value = try i64(field)
        guard let small = Int32(exactly: value) else { throw corruption("32-bit integer out of range: \(value)") }
        return small
    }
    mutating func i8(_ field: ThriftField) throws(TidemillError) -> Int8 {
        try expect(field, ThriftType.i8)
        return Int8(bitPattern: try u8())
    }
    func bool(_ field: ThriftField) throws(TidemillError) -> Bool {
        guard field.type == ThriftType.boolTrue || field.type == ThriftType.boolFalse else {
            throw corruption("field \(field.id) has type \(field.type) where a boolean belongs")
        }
        return field.type == ThriftType.boolTrue
    }
    func structure(_ field: ThriftField) throws(TidemillError) { try expect(field, ThriftType.structure) }

    mutating func binary(_ field: ThriftField) throws(TidemillError) -> [UInt8] {
        try expect(field, ThriftType.binary)
        return try binaryElement()
    }
    mutating func string(_ field: ThriftField) throws(TidemillError) -> String {
        String(decoding: try binary(field), as: UTF8.self)
    }
    /// An element of a list of binaries.
    mutating func binaryElement() throws(TidemillError) -> [UInt8] {
        let length = try varint()
        guard length <= UInt64(remaining) else { throw corruption("\(length) bytes claimed, \(remaining) left") }
        defer { position += Int(length) }
        return Array(UnsafeRawBufferPointer(start: base + position, count: Int(length)))
    }
    /// An element of a list of integers.
    mutating func i32Element() throws(TidemillError) -> Int32 {
        let value = try zigzag()
        guard let small = Int32(exactly: value) else { throw corruption("32-bit integer out of range: \(value)") }
        return small
    }

    /// How many elements of `type` follow.
    mutating func list(_ field: ThriftField, of type: UInt8) throws(TidemillError) -> Int {
        try expect(field, ThriftType.list)
        let (count, found) = try listHeader()
        guard found == type || count == 0 else { throw corruption("list of type \(found) where \(type) belongs") }
        return count
    }
    private mutating func listHeader() throws(TidemillError) -> (Int, UInt8) {
        let header = try u8()
        var count = UInt64(header >> 4)
        if count == 15 { count = try varint() }
        guard count <= UInt64(remaining) else { throw corruption("list of \(count) elements in \(remaining) bytes") }
        return (Int(count), header & 0x0F)
    }

    mutating func skip(_ field: ThriftField) throws(TidemillError) {
        if field.type == ThriftType.boolTrue || field.type == ThriftType.boolFalse { return }
        try skip(type: field.type, depth: 0)
    }
    private mutating func skip(type: UInt8, depth: Int) throws(TidemillError) {
        guard depth < 32 else { throw corruption("metadata nested too deeply") }
        switch type {
        case ThriftType.boolTrue, ThriftType.boolFalse, ThriftType.i8: _ = try u8()
        case ThriftType.i16, ThriftType.i32, ThriftType.i64: _ = try varint()
        case ThriftType.double: try advance(8)
        case ThriftType.uuid: try advance(16)
        case ThriftType.binary:
            let length = try varint()
            guard length <= UInt64(remaining) else { throw corruption("\(length) bytes claimed, \(remaining) left") }
            position += Int(length)
        case ThriftType.list, ThriftType.set:
            let (count, element) = try listHeader()
            for _ in 0..<count { try skip(type: element, depth: depth + 1) }
        case ThriftType.map:
            let count = try varint()
            if count == 0 { return }
            guard count <= UInt64(remaining) else { throw corruption("map of \(count) entries in \(remaining) bytes") }
            let types = try u8()
            for _ in 0..<count {
                try skip(type: types >> 4, depth: depth + 1)
                try skip(type: types & 0x0F, depth: depth + 1)
            }
        case ThriftType.structure:
            var last = 0
            while let field = try next(&last) {
                if field.type == ThriftType.boolTrue || field.type == ThriftType.boolFalse { continue }
                try skip(type: field.type, depth: depth + 1)
            }
        default: throw corruption("unknown type code \(type)")
        }
    }
    private mutating func advance(_ n: Int) throws(TidemillError) {
        guard n <= remaining else { throw corruption("metadata ends early") }
        position += n
    }
}

extension TidemillError {
    static func corruptParquet(_ message: String, file: String, offset: Int64? = nil) -> TidemillError {
        TidemillError(
            .corruption, "TIDEMILL_PARQUET_CORRUPT", message,
            hint:
                "repair the file or move it away; write files under a hidden name and rename them when they are whole",
            place: .file(file, offset: offset))
    }
}
