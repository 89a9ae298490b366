/// Builds a column of values that are taken out of images.
public struct NestedColumnBuilder {
    public let type: DataType
    public private(set) var count = 0
    private var fixed = GrowableBuffer()
    private var bits: [Bool] = []
    private var strings: StringColumnBuilder
    private var valid: [Bool] = []
    private var hasNull = false
    private var scratch: [UInt8] = []

    public init(_ type: DataType) {
        self.type = type
        strings = StringColumnBuilder(type: type)
    }

    public mutating func appendNull() {
        hasNull = true
        valid.append(false)
        count += 1
        switch type.physical {
        case .bit: bits.append(false)
        case .int32, .float32: fixed.append(Int32(0))
        case .int64, .float64: fixed.append(Int64(0))
        case .int128: fixed.append(Int128(0))
        case .view: strings.appendEmpty()
        }
    }

    /// The value at the cursor, which stands behind its marker.
    public mutating func append(_ cursor: inout NestedCursor) {
        valid.append(true)
        count += 1
        switch type.physical {
        case .bit: bits.append(cursor.bool())
        case .int32: fixed.append(cursor.integer(Int32.self))
        case .int64: fixed.append(cursor.integer(Int64.self))
        case .float32: fixed.append(cursor.float())
        case .float64: fixed.append(cursor.double())
        case .int128: fixed.append(cursor.integer(Int128.self))
        case .view:
            if type.isNested {
                let start = cursor.at
                cursor.skip(type)
                strings.append(cursor.image(from: start))
            } else {
                cursor.text(into: &scratch)
                scratch.withUnsafeBytes { strings.append($0) }
            }
        }
    }

    public consuming func finish() -> Column {
        let count = count
        let validity = hasNull || type == .null ? Bitmap(count: count) { [valid] in valid[$0] } : nil
        switch type.physical {
        case .bit:
            let map = Bitmap(count: count) { [bits] in bits[$0] }
            return Column(type: type, count: count, values: map.buffer, validity: validity)
        case .view: return strings.finish(validity: validity)
        default: return Column(type: type, count: count, values: fixed.seal(), validity: validity)
        }
    }
}
