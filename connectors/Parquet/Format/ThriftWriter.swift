import TideColumns

/// Writes Thrift's compact protocol. Structures nest: `begin` … `end`; fields must come in ascending id order.
struct ThriftWriter {
    private var out = ByteWriter()
    private var lastIDs: [Int] = [0]

    var bytes: [UInt8] { out.bytes }

    private mutating func header(_ id: Int, _ type: UInt8) {
        let last = lastIDs[lastIDs.count - 1]
        let delta = id - last
        precondition(delta > 0, "fields are written in ascending order")
        if delta <= 15 {
            out.u8(UInt8(delta) << 4 | type)
        } else {
            out.u8(type)
            out.zigzag(Int64(id))
        }
        lastIDs[lastIDs.count - 1] = id
    }

    mutating func bool(_ id: Int, _ value: Bool) {
        header(id, value ? ThriftType.boolTrue : ThriftType.boolFalse)
    }
    mutating func i8(_ id: Int, _ value: Int8) {
        header(id, ThriftType.i8)
        out.u8(UInt8(bitPattern: value))
    }
    mutating func i16(_ id: Int, _ value: Int16) {
        header(id, ThriftType.i16)
        out.zigzag(Int64(value))
    }
    mutating func i32(_ id: Int, _ value: Int32) {
        header(id, ThriftType.i32)
        out.zigzag(Int64(value))
    }
    mutating func i64(_ id: Int, _ value: Int64) {
        header(id, ThriftType.i64)
        out.zigzag(value)
    }
    mutating func binary(_ id: Int, _ value: [UInt8]) {
        header(id, ThriftType.binary)
        out.blob(value)
    }
    mutating func string(_ id: Int, _ value: String) { binary(id, Array(value.utf8)) }

    /// The header of a field that is a structure; its fields follow, then `end`.
    mutating func begin(_ id: Int) {
        header(id, ThriftType.structure)
        lastIDs.append(0)
    }
    /// A structure that is a list element.
    mutating func beginElement() { lastIDs.append(0) }
    mutating func end() {
        out.u8(0)
        lastIDs.removeLast()
    }
    mutating func emptyStructure(_ id: Int) {
        begin(id)
        end()
    }
    /// Ends the outermost structure.
    mutating func finish() { out.u8(0) }

    mutating func list(_ id: Int, of type: UInt8, count: Int) {
        header(id, ThriftType.list)
        if count < 15 {
            out.u8(UInt8(count) << 4 | type)
        } else {
            out.u8(0xF0 | type)
            out.varint(UInt64(count))
        }
    }
    mutating func i32Element(_ value: Int32) { out.zigzag(Int64(value)) }
    mutating func stringElement(_ value: String) { out.string(value) }
}
