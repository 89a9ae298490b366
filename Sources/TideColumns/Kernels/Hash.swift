// The 64-bit row hash, version 1. Key groups, state order and bloom filters are built on it, so it is part of the
// checkpoint format: a change is a new format version.
//
// Per column, left to right from `seed`: h = mix(h ^ x ^ K1, K2) where x is the value's bits. Source of the mix: the
// 64 × 64 → 128 bit multiply folded by xor, as in wyhash (Wang Yi, public domain).
//  * integers and decimals: sign extended; decimals mix both halves
//  * floats: as doubles, with -0.0 as 0.0 and every NaN as one NaN, because Spark groups them so
//  * strings: mix(low ^ K3, high ^ K4) of the view's words when inline; longer: 16 bytes at a time
//  * NULL: K0

@usableFromInline let hashSeed: UInt64 = 0x9E37_79B9_7F4A_7C15
private let k0: UInt64 = 0xA076_1D64_78BD_642F
private let k1: UInt64 = 0xE703_7ED1_A0B4_28DB
private let k2: UInt64 = 0x8EBC_6AF0_9C88_C6E3
private let k3: UInt64 = 0x5899_65CC_7537_4CC3
private let k4: UInt64 = 0x1D8E_4E27_C47D_124F

@inline(__always) private func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
}
@inline(__always) private func fold(_ h: UInt64, _ x: UInt64) -> UInt64 { mix(h ^ x ^ k1, k2) }

/// Hash of a byte string, equal to what a string column contributes for it.
@inline(__always) private func hashLong(_ p: UnsafeRawPointer, _ length: Int) -> UInt64 {
    var h = UInt64(length) ^ k3
    var i = 0
    while i + 16 <= length {
        h = mix(h ^ (p + i).loadUnaligned(as: UInt64.self) ^ k1, (p + i + 8).loadUnaligned(as: UInt64.self) ^ k4)
        i += 16
    }
    if i < length {
        // The last 16 bytes, overlapping what was read: length > 12 here, so read from the end or the start.
        if length >= 16 {
            let q = p + length - 16
            h = mix(h ^ q.loadUnaligned(as: UInt64.self) ^ k1, (q + 8).loadUnaligned(as: UInt64.self) ^ k4)
        } else {
            h = mix(h ^ p.loadUnaligned(as: UInt64.self) ^ k1, (p + length - 8).loadUnaligned(as: UInt64.self) ^ k4)
        }
    }
    return h
}

/// One rule per physical type: the bits that are folded in.
private protocol HashRule {
    associatedtype Element: BitwiseCopyable
    static func bits(_ value: Element) -> UInt64
}
private enum HashInt32: HashRule {
    @inline(__always) static func bits(_ v: Int32) -> UInt64 { UInt64(bitPattern: Int64(v)) }
}
private enum HashInt64: HashRule {
    @inline(__always) static func bits(_ v: Int64) -> UInt64 { UInt64(bitPattern: v) }
}
private enum HashFloat: HashRule {
    @inline(__always) static func bits(_ v: Float) -> UInt64 { canonicalBits(Double(v)) }
}
private enum HashDouble: HashRule {
    @inline(__always) static func bits(_ v: Double) -> UInt64 { canonicalBits(v) }
}
private enum HashInt128: HashRule {
    @inline(__always) static func bits(_ v: Int128) -> UInt64 {
        mix(UInt64(truncatingIfNeeded: v) ^ k3, UInt64(truncatingIfNeeded: v >> 64) ^ k4)
    }
}

/// -0.0 as 0.0 and one NaN, as Spark compares and groups doubles.
@inlinable public func canonicalBits(_ v: Double) -> UInt64 {
    v == 0 ? 0 : (v.isNaN ? 0x7FF8_0000_0000_0000 : v.bitPattern)
}

@inline(never)
private func hashLoop<Rule: HashRule>(
    _: Rule.Type, _ values: UnsafePointer<Rule.Element>, _ count: Int, _ h: UnsafeMutablePointer<UInt64>
) {
    for i in 0..<count { h[i] = fold(h[i], Rule.bits(values[i])) }
}
@inline(never)
private func hashLoopNullable<Rule: HashRule>(
    _: Rule.Type, _ values: UnsafePointer<Rule.Element>, _ valid: UnsafePointer<UInt64>, _ count: Int,
    _ h: UnsafeMutablePointer<UInt64>
) {
    for i in 0..<count {
        let isValid = (valid[i >> 6] >> UInt64(i & 63)) & 1 != 0
        h[i] = fold(h[i], isValid ? Rule.bits(values[i]) : k0)
    }
}
@inline(never)
private func hashViews(
    _ views: UnsafePointer<StringView>, _ bases: UnsafePointer<UnsafeRawPointer>, _ valid: UnsafePointer<UInt64>?,
    _ count: Int, _ h: UnsafeMutablePointer<UInt64>
) {
    for i in 0..<count {
        let view = views[i]
        if let valid, (valid[i >> 6] >> UInt64(i & 63)) & 1 == 0 {
            h[i] = fold(h[i], k0)
        } else if view.isInline {
            h[i] = fold(h[i], mix(view.low ^ k3, view.high ^ k4))
        } else {
            h[i] = fold(h[i], hashLong(bases[view.bufferIndex] + view.offset, view.length))
        }
    }
}

/// One 64-bit hash per row over the key columns, in their order. With no column every row has the same hash.
public func hashRows(_ columns: [Column], count: Int) -> Buffer {
    let buffer = Buffer(byteCount: count * 8)
    let h = buffer.pointer(UInt64.self)
    for i in 0..<count { h[i] = hashSeed }
    for column in columns {
        precondition(column.count == count)
        let valid = column.validity.map { UnsafePointer($0.words) }
        func run<Rule: HashRule>(_ rule: Rule.Type) {
            let values = column.pointer(Rule.Element.self)
            if let valid {
                hashLoopNullable(rule, values, valid, count, h)
            } else {
                hashLoop(rule, values, count, h)
            }
        }
        switch column.type.physical {
        case .bit:
            let bits = column.bits.words
            for i in 0..<count {
                let isValid = valid.map { ($0[i >> 6] >> UInt64(i & 63)) & 1 != 0 } ?? true
                h[i] = fold(h[i], isValid ? (bits[i >> 6] >> UInt64(i & 63)) & 1 : k0)
            }
        case .int32: run(HashInt32.self)
        case .int64: run(HashInt64.self)
        case .float32: run(HashFloat.self)
        case .float64: run(HashDouble.self)
        case .int128: run(HashInt128.self)
        case .view: hashViews(column.views, column.heap.bases, valid, count, h)
        }
    }
    return buffer
}

/// The hash of a packed row's keys, equal to what `hashRows` gives for the columns they came from.
/// - Parameter bases: of the heap that the row's long strings lie in.
@inline(never)
func hashPackedRow(
    _ row: UnsafeRawPointer, _ layout: RowLayout, _ bases: UnsafePointer<UnsafeRawPointer>
) -> UInt64 {
    var h = hashSeed
    for index in layout.keyTypes.indices {
        let isNull = row.load(fromByteOffset: layout.nullByte(index), as: UInt8.self) & (1 << UInt8(index & 7)) != 0
        let field = row + layout.keyOffsets[index]
        let bits: UInt64
        switch layout.keyTypes[index].physical {
        case _ where isNull: bits = k0
        case .bit: bits = UInt64(field.load(as: UInt8.self))
        case .int32: bits = HashInt32.bits(field.load(as: Int32.self))
        case .int64: bits = HashInt64.bits(field.load(as: Int64.self))
        case .float32: bits = HashFloat.bits(field.load(as: Float.self))
        case .float64: bits = HashDouble.bits(field.load(as: Double.self))
        case .int128: bits = HashInt128.bits(field.loadUnaligned(as: Int128.self))
        case .view:
            let view = field.loadUnaligned(as: StringView.self)
            bits =
                view.isInline
                ? mix(view.low ^ k3, view.high ^ k4) : hashLong(bases[view.bufferIndex] + view.offset, view.length)
        }
        h = fold(h, bits)
    }
    return h
}
