// Ranges of key values per file: the first thing a changed key is compared with.

/// Bounds of the values of one key column in one file. A superset is always right: removing rows keeps a range valid.
/// nil bounds mean unknown. NULLs are outside the bounds and told by `hasNull`; floating columns have no bounds, since
/// NaN and -0.0 make their order a question.
struct KeyRange: Hashable, Sendable {
    var min: Scalar?
    var max: Scalar?
    var hasNull: Bool

    /// Nothing is known, everything may be there.
    static let unknown = KeyRange(min: nil, max: nil, hasNull: true)

    /// Longer strings are cut for the lower bound and give up the upper one.
    static let bytesMax = 64

    init(min: Scalar?, max: Scalar?, hasNull: Bool) {
        self.min = min
        self.max = max
        self.hasNull = hasNull
    }

    /// The range of `column`; empty input gives unknown bounds.
    init(of column: Column) {
        let valid = column.validity.map { UnsafePointer($0.words) }
        hasNull = column.nullCount > 0
        min = nil
        max = nil
        switch column.type.physical {
        case .int32:
            guard let (low, high) = extremes(column.pointer(Int32.self), valid, column.count) else { return }
            min = Scalar(column.type, .integer(Int64(low)))
            max = Scalar(column.type, .integer(Int64(high)))
        case .int64:
            guard let (low, high) = extremes(column.pointer(Int64.self), valid, column.count) else { return }
            min = Scalar(column.type, .integer(low))
            max = Scalar(column.type, .integer(high))
        case .int128:
            guard let (low, high) = extremes(column.pointer(Int128.self), valid, column.count) else { return }
            min = Scalar(column.type, .decimal(low))
            max = Scalar(column.type, .decimal(high))
        case .view:
            guard let (low, high) = extremeViews(column, valid) else { return }
            min = Scalar(column.type, .bytes(Array(column.bytes(low).prefix(KeyRange.bytesMax))))
            let top = column.bytes(high)
            if top.count <= KeyRange.bytesMax { max = Scalar(column.type, .bytes(Array(top))) }
        case .bit, .float32, .float64: break
        }
    }

    func union(_ other: KeyRange) -> KeyRange {
        var low = min
        if let a = min, let b = other.min { if KeyRange.precedes(b, a) { low = b } } else { low = nil }
        var high = max
        if let a = max, let b = other.max { if KeyRange.precedes(a, b) { high = b } } else { high = nil }
        return KeyRange(min: low, max: high, hasNull: hasNull || other.hasNull)
    }

    /// Whether a value can be in both.
    func overlaps(_ other: KeyRange) -> Bool {
        if hasNull && other.hasNull { return true }
        if let a = min, let b = other.max, KeyRange.precedes(b, a) { return false }
        if let a = max, let b = other.min, KeyRange.precedes(a, b) { return false }
        return true
    }

    static func precedes(_ a: Scalar, _ b: Scalar) -> Bool {
        switch (a.value, b.value) {
        case (.integer(let x), .integer(let y)): x < y
        case (.decimal(let x), .decimal(let y)): x < y
        case (.bytes(let x), .bytes(let y)): x.lexicographicallyPrecedes(y)
        default: false
        }
    }

    func encode(into writer: inout ByteWriter) {
        writer.bool(hasNull)
        for bound in [min, max] {
            switch bound?.value {
            case .integer(let v):
                writer.u8(1)
                writer.zigzag(v)
            case .decimal(let v):
                writer.u8(2)
                writer.integer(v)
            case .bytes(let v):
                writer.u8(3)
                writer.blob(v)
            default: writer.u8(0)
            }
        }
    }
    static func decode(_ type: DataType, from reader: inout ByteReader) throws(TidemillError) -> KeyRange {
        let hasNull = try reader.bool()
        var bounds: [Scalar?] = []
        for _ in 0..<2 {
            switch try reader.u8() {
            case 0: bounds.append(nil)
            case 1: bounds.append(Scalar(type, .integer(try reader.zigzag())))
            case 2: bounds.append(Scalar(type, .decimal(try reader.integer())))
            case 3: bounds.append(Scalar(type, .bytes(Array(try reader.blob()))))
            case let other: throw reader.corruption("unknown bound code \(other)")
            }
        }
        return KeyRange(min: bounds[0], max: bounds[1], hasNull: hasNull)
    }
}

@inline(never)
private func extremes<T: FixedWidthInteger & BitwiseCopyable>(
    _ values: UnsafePointer<T>, _ valid: UnsafePointer<UInt64>?, _ count: Int
) -> (T, T)? {
    var low = T.max
    var high = T.min
    if let valid {
        var any = false
        for i in 0..<count where (valid[i >> 6] >> UInt64(i & 63)) & 1 != 0 {
            any = true
            if values[i] < low { low = values[i] }
            if values[i] > high { high = values[i] }
        }
        return any ? (low, high) : nil
    }
    for i in 0..<count {
        if values[i] < low { low = values[i] }
        if values[i] > high { high = values[i] }
    }
    return count > 0 ? (low, high) : nil
}

/// The first twelve bytes of a string as numbers that compare as the bytes do; short strings are padded with zeros.
@inline(__always)
private func leadingBytes(_ view: StringView, _ bases: UnsafePointer<UnsafeRawPointer>) -> (UInt32, UInt64) {
    let first = UInt32(truncatingIfNeeded: view.low >> 32).byteSwapped
    if view.isInline { return (first, view.high.byteSwapped) }
    // A long view has at least 13 bytes.
    let rest = (bases[view.bufferIndex] + view.offset + 4).loadUnaligned(as: UInt64.self)
    return (first, rest.byteSwapped)
}

/// Rows of the smallest and the largest string.
@inline(never)
private func extremeViews(_ column: Column, _ valid: UnsafePointer<UInt64>?) -> (Int, Int)? {
    let views = column.views
    let bases = column.heap.bases
    var low = -1
    var high = -1
    var lowest: (UInt32, UInt64) = (0, 0)
    var highest: (UInt32, UInt64) = (0, 0)
    for i in 0..<column.count {
        if let valid, (valid[i >> 6] >> UInt64(i & 63)) & 1 == 0 { continue }
        let lead = leadingBytes(views[i], bases)
        if low < 0 {
            low = i
            high = i
            lowest = lead
            highest = lead
            continue
        }
        if lead < lowest || (lead == lowest && restPrecedes(column, i, low)) {
            low = i
            lowest = lead
        } else if lead > highest || (lead == highest && restPrecedes(column, high, i)) {
            high = i
            highest = lead
        }
    }
    return low < 0 ? nil : (low, high)
}

/// The order of two strings with the same leading bytes.
@inline(__always)
private func restPrecedes(_ column: Column, _ a: Int, _ b: Int) -> Bool {
    let x = column.views[a]
    let y = column.views[b]
    // With equal padded bytes the shorter one comes first.
    if x.isInline && y.isInline { return x.length < y.length }
    return column.bytes(a).lexicographicallyPrecedes(column.bytes(b))
}
