/// Builds a column of a type known at run time, value by value. For literals, statistics, tests and other small
/// columns; formats and kernels fill buffers themselves.
public struct ColumnBuilder {
    public let type: DataType
    public private(set) var count = 0
    private var fixed: [UInt8] = []
    private var bits: [Bool] = []
    private var strings: StringColumnBuilder
    private var valid: [Bool] = []
    private var hasNull = false

    public init(_ type: DataType) {
        self.type = type
        strings = StringColumnBuilder(type: type)
    }

    public mutating func appendNull() { append(.null(type)) }

    public mutating func append(_ scalar: Scalar) {
        valid.append(!scalar.isNull)
        if scalar.isNull { hasNull = true }
        count += 1
        switch type.physical {
        case .bit: bits.append(scalar.boolean ?? false)
        case .int32: raw(Int32(truncatingIfNeeded: scalar.integer ?? 0))
        case .int64: raw(scalar.integer ?? 0)
        case .float32: if case .float(let v) = scalar.value { raw(v) } else { raw(Float(0)) }
        case .float64: if case .double(let v) = scalar.value { raw(v) } else { raw(Double(0)) }
        case .int128: if case .decimal(let v) = scalar.value { raw(v) } else { raw(Int128(0)) }
        case .view: (scalar.bytes ?? []).withUnsafeBytes { strings.append($0) }
        }
    }
    private mutating func raw<T: BitwiseCopyable>(_ value: T) {
        withUnsafeBytes(of: value) { fixed.append(contentsOf: $0) }
    }

    public consuming func finish() -> Column {
        let validity = hasNull || type == .null ? Bitmap(count: count) { [valid] in valid[$0] } : nil
        switch type.physical {
        case .bit:
            let map = Bitmap(count: count) { [bits] in bits[$0] }
            return Column(type: type, count: count, values: map.buffer, validity: validity)
        case .view:
            return strings.finish().with(validity: validity)
        default:
            let buffer = fixed.withUnsafeBytes { Buffer(copying: $0) }
            return Column(type: type, count: count, values: buffer, validity: validity)
        }
    }
}

extension Column {
    /// A column from scalars, for tests and literals.
    public init(_ type: DataType, _ scalars: [Scalar]) {
        var builder = ColumnBuilder(type)
        for scalar in scalars { builder.append(scalar) }
        self = builder.finish()
    }

    /// `count` copies of one value.
    public init(repeating scalar: Scalar, count: Int) {
        let type = scalar.type
        let validity = scalar.isNull ? Bitmap(repeating: false, count: count) : nil
        func fill<T: BitwiseCopyable>(_ value: T) -> Buffer {
            let buffer = Buffer(byteCount: count * MemoryLayout<T>.stride)
            let pointer = buffer.pointer(T.self)
            for i in 0..<count { pointer[i] = value }
            return buffer
        }
        switch type.physical {
        case .bit:
            let bits = Bitmap(repeating: scalar.boolean ?? false, count: count)
            self.init(type: type, count: count, values: bits.buffer, validity: validity)
        case .int32:
            self.init(
                type: type, count: count, values: fill(Int32(truncatingIfNeeded: scalar.integer ?? 0)),
                validity: validity)
        case .int64:
            self.init(type: type, count: count, values: fill(scalar.integer ?? 0), validity: validity)
        case .float32:
            var value: Float = 0
            if case .float(let v) = scalar.value { value = v }
            self.init(type: type, count: count, values: fill(value), validity: validity)
        case .float64:
            var value = 0.0
            if case .double(let v) = scalar.value { value = v }
            self.init(type: type, count: count, values: fill(value), validity: validity)
        case .int128:
            var value: Int128 = 0
            if case .decimal(let v) = scalar.value { value = v }
            self.init(type: type, count: count, values: fill(value), validity: validity)
        case .view:
            var one = StringColumnBuilder(type: type)
            (scalar.bytes ?? []).withUnsafeBytes { one.append($0) }
            let column = one.finish()
            self.init(
                type: type, count: count, values: fill(column.views[0]), validity: validity, heap: column.heap)
        }
    }
}
