import TideColumns

/// Dense stored values, before conversion: at a fixed stride, or as views with the bases their long ones point into.
enum StoredValues {
    case fixed(UnsafeRawPointer, width: Int)
    case views(UnsafePointer<StringView>, bases: UnsafePointer<UnsafeRawPointer>)
}

/// What a value loop found that it could not represent.
enum ConversionFailure: String {
    case timestampOverflow = "timestamp out of range for microseconds"
    case decimalTooWide = "decimal does not fit 128 bits"
    case length = "value has another length than its type"
}

@inline(__always)
private func convert<S: BitwiseCopyable, T: BitwiseCopyable>(
    _ source: UnsafeRawPointer, _ out: UnsafeMutableRawPointer, _ count: Int, _ rule: (S) -> T
) {
    let target = out.assumingMemoryBound(to: T.self)
    for i in 0..<count {
        target[i] = rule((source + i &* MemoryLayout<S>.size).loadUnaligned(as: S.self))
    }
}

/// Converts `count` stored values into the in-memory type at `out` (aligned for it). Not for `.boolean` and not for
/// views that stay views.
@inline(never)
func convertValues(
    _ conversion: ValueConversion, _ values: StoredValues, into out: UnsafeMutableRawPointer, count: Int
) -> ConversionFailure? {
    switch values {
    case .fixed(let source, let width):
        return convertFixed(conversion, source, width: width, into: out, count: count)
    case .views(let views, let bases):
        return convertViews(conversion, views, bases, into: out, count: count)
    }
}

private func convertFixed(
    _ conversion: ValueConversion, _ source: UnsafeRawPointer, width: Int, into out: UnsafeMutableRawPointer, count: Int
) -> ConversionFailure? {
    switch conversion {
    case .same: out.copyMemory(from: source, byteCount: count * width)
    case .signed8: convert(source, out, count) { (v: Int32) in Int32(Int8(truncatingIfNeeded: v)) }
    case .signed16: convert(source, out, count) { (v: Int32) in Int32(Int16(truncatingIfNeeded: v)) }
    case .unsigned8: convert(source, out, count) { (v: Int32) in v & 0xFF }
    case .unsigned16: convert(source, out, count) { (v: Int32) in v & 0xFFFF }
    case .unsigned32ToInt64: convert(source, out, count) { (v: UInt32) in Int64(v) }
    case .int32ToDecimal: convert(source, out, count) { (v: Int32) in Int128(v) }
    case .int64ToDecimal: convert(source, out, count) { (v: Int64) in Int128(v) }
    case .uint64ToDecimal: convert(source, out, count) { (v: UInt64) in Int128(v) }
    case .millisToMicros:
        var overflow = false
        convert(source, out, count) { (v: Int64) -> Int64 in
            let (micros, tooFar) = v.multipliedReportingOverflow(by: 1000)
            overflow = overflow || tooFar
            return micros
        }
        return overflow ? .timestampOverflow : nil
    case .nanosToMicros: convert(source, out, count) { (v: Int64) in floorDivide(v, 1000) }
    case .int96ToMicros:
        // Nanoseconds of the day, then the Julian day (2440588 is 1970-01-01). Wraps around, as Spark does on both
        // ways: its far future timestamps come back right only so.
        let target = out.assumingMemoryBound(to: Int64.self)
        for i in 0..<count {
            let nanos = Int64(littleEndian: (source + i &* 12).loadUnaligned(as: Int64.self))
            let julianDay = Int32(littleEndian: (source + (i &* 12 &+ 8)).loadUnaligned(as: Int32.self))
            target[i] = (Int64(julianDay) &- 2_440_588) &* 86_400_000_000 &+ floorDivide(nanos, 1000)
        }
    case .halfToFloat: convert(source, out, count) { (v: UInt16) in floatOfHalf(v) }
    case .bytesToDecimal:
        let target = out.assumingMemoryBound(to: Int128.self)
        for i in 0..<count {
            guard let value = decimal(bigEndian: source + i * width, width) else { return .decimalTooWide }
            target[i] = value
        }
    case .boolean, .bytesToView: preconditionFailure("not a conversion of fixed values")
    }
    return nil
}

private func convertViews(
    _ conversion: ValueConversion, _ views: UnsafePointer<StringView>, _ bases: UnsafePointer<UnsafeRawPointer>,
    into out: UnsafeMutableRawPointer, count: Int
) -> ConversionFailure? {
    if conversion == .halfToFloat {
        let target = out.assumingMemoryBound(to: Float.self)
        for i in 0..<count {
            let bytes = stringBytes(views, i, bases)
            guard bytes.count == 2 else { return .length }
            target[i] = floatOfHalf(bytes.loadUnaligned(as: UInt16.self))
        }
        return nil
    }
    precondition(conversion == .bytesToDecimal)
    let target = out.assumingMemoryBound(to: Int128.self)
    for i in 0..<count {
        let bytes = stringBytes(views, i, bases)
        guard let base = bytes.baseAddress, let value = decimal(bigEndian: base, bytes.count) else {
            return .decimalTooWide
        }
        target[i] = value
    }
    return nil
}

@inline(__always)
func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    let quotient = value / divisor
    return value % divisor < 0 ? quotient - 1 : quotient
}

/// Big-endian two's complement of any length, if it fits 128 bits. No bytes are no number.
func decimal(bigEndian bytes: UnsafeRawPointer, _ count: Int) -> Int128? {
    guard count > 0 else { return nil }
    let sign: UInt8 = bytes.load(as: UInt8.self) >> 7 == 1 ? 0xFF : 0
    var value: Int128 = sign == 0 ? 0 : -1
    let extra = max(0, count - 16)
    for i in 0..<extra where bytes.load(fromByteOffset: i, as: UInt8.self) != sign { return nil }
    if extra > 0, bytes.load(fromByteOffset: extra, as: UInt8.self) >> 7 != sign >> 7 { return nil }
    for i in extra..<count { value = (value << 8) | Int128(bytes.load(fromByteOffset: i, as: UInt8.self)) }
    return value
}

/// IEEE 754 binary16 to binary32, exact.
func floatOfHalf(_ half: UInt16) -> Float {
    let sign = UInt32(half >> 15) << 31
    let exponent = UInt32(half >> 10) & 0x1F
    let fraction = UInt32(half) & 0x3FF
    switch exponent {
    case 0:
        // Zero or subnormal: fraction × 2^-24.
        let magnitude = Float(fraction) * Float(sign: .plus, exponent: -24, significand: 1)
        return Float(bitPattern: magnitude.bitPattern | sign)
    case 31: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
}
