import TideColumns
import TideSimulation

/// Types with every physical form.
let everyType: [DataType] = [
    .boolean, .int, .date, .bigint, .timestamp, .float, .double, .decimal(precision: 20, scale: 3), .string,
]

/// Few different values, among them those that are hard to tell apart.
func randomScalar(_ type: DataType, _ generator: inout SeededGenerator, nullShare: Double = 0.2) -> Scalar {
    if Double.random(in: 0..<1, using: &generator) < nullShare { return .null(type) }
    let small = Int64.random(in: -4...4, using: &generator)
    switch type.physical {
    case .bit: return .boolean(small > 0)
    case .int32:
        return Scalar(type, .integer([small, Int64(Int32.max), Int64(Int32.min)].randomElement(using: &generator)!))
    case .int64: return Scalar(type, .integer([small, .max, .min, 1 << 40].randomElement(using: &generator)!))
    case .float32:
        return Scalar(
            type,
            .float([Float(small), -0.0, 0, .nan, -.nan, .infinity, -.infinity, 0.1].randomElement(using: &generator)!))
    case .float64:
        let nan = Double(bitPattern: 0xFFF8_0000_0000_1234)
        return .double(
            [Double(small), -0.0, 0, .nan, nan, .infinity, -.infinity, 0x1p-1074].randomElement(using: &generator)!)
    case .int128:
        return Scalar(type, .decimal([Int128(small), .max, .min, 1 << 64, -1 << 64].randomElement(using: &generator)!))
    case .view:
        let lengths = [0, 1, 3, 4, 5, 11, 12, 13, 16, 17, 40, 300]
        let length = lengths.randomElement(using: &generator)!
        var bytes = [UInt8](repeating: 97, count: length)
        if length > 0 && small > 0 { bytes[length - 1] = 98 }
        if length > 4 && small == 0 { bytes[4] = 0 }
        return Scalar(type, .bytes(bytes))
    }
}

func randomColumn(
    _ type: DataType, _ count: Int, _ generator: inout SeededGenerator, nullShare: Double = 0.2
) -> Column {
    Column(type, (0..<count).map { _ in randomScalar(type, &generator, nullShare: nullShare) })
}

/// What makes two values one key: NULL equals NULL, -0.0 equals 0.0, every NaN equals every NaN.
func keyText(_ scalar: Scalar) -> String {
    switch scalar.value {
    case .double(let v): return v.isNaN ? "nan" : "d\(v == 0 ? 0 : v)"
    case .float(let v): return v.isNaN ? "nan" : "f\(v == 0 ? 0 : v)"
    default: return "\(scalar.value)"
    }
}

/// Equal bit for bit.
func isSame(_ a: Scalar, _ b: Scalar) -> Bool {
    switch (a.value, b.value) {
    case (.double(let x), .double(let y)): x.bitPattern == y.bitPattern
    case (.float(let x), .float(let y)): x.bitPattern == y.bitPattern
    default: a == b
    }
}

func scalars(_ column: Column) -> [Scalar] { (0..<column.count).map { column.scalar($0) } }
