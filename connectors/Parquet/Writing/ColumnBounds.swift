import Glibc
import TideColumns

/// Least and greatest of dense values, as statistics write them: PLAIN bytes and scalar. nil where there is no bound.
struct ColumnBounds {
    struct Bound {
        let scalar: Scalar
        let bytes: [UInt8]
        let isExact: Bool
    }
    private(set) var min: Bound?
    private(set) var max: Bound?

    /// Longer strings are shortened to a prefix (and its successor for the maximum).
    static let stringBytesMax = 64

    /// Bounds of `count` values, which may be the entries of a dictionary instead of the values themselves.
    init(_ leaf: LeafType, _ values: UnsafeRawPointer, _ bases: UnsafePointer<UnsafeRawPointer>, count: Int) {
        if count == 0 { return }
        switch leaf.kind {
        case .boolean:
            let words = values.assumingMemoryBound(to: UInt64.self)
            var ones = 0
            for i in 0..<((count + 63) / 64) { ones += words[i].nonzeroBitCount }
            set(leaf, ones == count, ones > 0) { ([$0 ? 1 : 0], .boolean($0)) }
        case .int32:
            let (low, high) = range(values.assumingMemoryBound(to: Int32.self), count)
            let isDecimal = leaf.type.isDecimal
            set(leaf, low, high) { (littleEndian($0), isDecimal ? .decimal(Int128($0)) : .integer(Int64($0))) }
        case .int64:
            let (low, high) = range(values.assumingMemoryBound(to: Int64.self), count)
            let isDecimal = leaf.type.isDecimal
            set(leaf, low, high) { (littleEndian($0), isDecimal ? .decimal(Int128($0)) : .integer($0)) }
        case .float:
            guard let (low, high) = floatRange(values.assumingMemoryBound(to: Float.self), count) else { return }
            set(leaf, low, high) { (littleEndian($0.bitPattern), .float($0)) }
        case .double:
            guard let (low, high) = floatRange(values.assumingMemoryBound(to: Double.self), count) else { return }
            set(leaf, low, high) { (littleEndian($0.bitPattern), .double($0)) }
        case .fixedLengthByteArray:
            let (low, high) = range(values.assumingMemoryBound(to: Int128.self), count)
            set(leaf, low, high) { value in
                let bytes = withUnsafeBytes(of: value.bigEndian) { Array($0.suffix(leaf.typeLength)) }
                return (bytes, .decimal(value))
            }
        case .byteArray:
            let (low, high) = extremeViews(values.assumingMemoryBound(to: StringView.self), bases, count)
            setStrings(leaf, Array(low), Array(high))
        case .int96: return
        }
    }

    private mutating func set<T>(_ leaf: LeafType, _ low: T, _ high: T, _ form: (T) -> ([UInt8], Scalar.Value)) {
        let (lowBytes, lowValue) = form(low)
        let (highBytes, highValue) = form(high)
        min = Bound(scalar: Scalar(leaf.type, lowValue), bytes: lowBytes, isExact: true)
        max = Bound(scalar: Scalar(leaf.type, highValue), bytes: highBytes, isExact: true)
    }

    private mutating func setStrings(_ leaf: LeafType, _ low: [UInt8], _ high: [UInt8]) {
        let limit = ColumnBounds.stringBytesMax
        let isText = leaf.type == .string
        if low.count <= limit {
            min = Bound(scalar: Scalar(leaf.type, .bytes(low)), bytes: low, isExact: true)
        } else if let prefix = shortened(low, limit, isText: isText) {
            min = Bound(scalar: Scalar(leaf.type, .bytes(prefix)), bytes: prefix, isExact: false)
        }
        if high.count <= limit {
            max = Bound(scalar: Scalar(leaf.type, .bytes(high)), bytes: high, isExact: true)
        } else if let prefix = shortened(high, limit, isText: isText),
            let bound = isText ? successor(ofText: prefix) : successor(of: prefix)
        {
            max = Bound(scalar: Scalar(leaf.type, .bytes(bound)), bytes: bound, isExact: false)
        }
    }
}

@inline(__always)
private func range<T: FixedWidthInteger & BitwiseCopyable>(_ values: UnsafePointer<T>, _ count: Int) -> (T, T) {
    var low = values[0]
    var high = values[0]
    for i in 1..<max(1, count) {
        let value = values[i]
        low = value < low ? value : low
        high = value > high ? value : high
    }
    return (low, high)
}

/// nil if a NaN occurs: bounds would hide it from readers that order NaN above all numbers, as Spark does.
@inline(__always)
private func floatRange<T: BinaryFloatingPoint & BitwiseCopyable>(
    _ values: UnsafePointer<T>, _ count: Int
) -> (T, T)? {
    var low = values[0]
    var high = values[0]
    var hasNaN = false
    for i in 0..<count {
        let value = values[i]
        low = value < low ? value : low
        high = value > high ? value : high
        hasNaN = hasNaN || value != value
    }
    if hasNaN { return nil }
    // A zero stands for both zeros.
    return (low == 0 ? -0.0 : low, high == 0 ? 0.0 : high)
}

private func extremeViews(
    _ views: UnsafePointer<StringView>, _ bases: UnsafePointer<UnsafeRawPointer>, _ count: Int
) -> (UnsafeRawBufferPointer, UnsafeRawBufferPointer) {
    var low = 0
    var high = 0
    for i in 1..<max(1, count) {
        // The first four bytes, as a big-endian number, decide most comparisons.
        let prefix = prefixOf(views[i])
        let lowPrefix = prefixOf(views[low])
        if prefix < lowPrefix || (prefix == lowPrefix && isLess(views, bases, i, low)) { low = i }
        let highPrefix = prefixOf(views[high])
        if prefix > highPrefix || (prefix == highPrefix && isLess(views, bases, high, i)) { high = i }
    }
    return (stringBytes(views, low, bases), stringBytes(views, high, bases))
}

@inline(__always)
private func prefixOf(_ view: StringView) -> UInt32 { UInt32(truncatingIfNeeded: view.low >> 32).byteSwapped }

/// Unsigned bytewise order; a prefix is less than what it begins.
private func isLess(
    _ views: UnsafePointer<StringView>, _ bases: UnsafePointer<UnsafeRawPointer>, _ a: Int, _ b: Int
) -> Bool {
    let x = stringBytes(views, a, bases)
    let y = stringBytes(views, b, bases)
    guard let p = x.baseAddress, let q = y.baseAddress else { return x.count < y.count }
    let order = memcmp(p, q, min(x.count, y.count))
    return order != 0 ? order < 0 : x.count < y.count
}

private func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

/// The longest prefix of at most `limit` bytes; of text, whole characters only (nil if it is not UTF-8).
func shortened(_ bytes: [UInt8], _ limit: Int, isText: Bool) -> [UInt8]? {
    if !isText { return Array(bytes.prefix(limit)) }
    var end = limit
    while end > 0 && bytes[end] & 0xC0 == 0x80 { end -= 1 }
    let prefix = Array(bytes.prefix(end))
    return end > 0 && String(validating: prefix, as: UTF8.self) != nil ? prefix : nil
}

/// The least byte string of at most this length above everything that begins with `bytes`.
func successor(of bytes: [UInt8]) -> [UInt8]? {
    var result = bytes
    while let last = result.popLast() {
        if last < 0xFF { return result + [last + 1] }
    }
    return nil
}

/// The same for text: the last character that has a successor is replaced by it.
func successor(ofText bytes: [UInt8]) -> [UInt8]? {
    var scalars = Array(String(decoding: bytes, as: UTF8.self).unicodeScalars)
    while let last = scalars.popLast() {
        // U+D800 to U+DFFF are no characters.
        let next = last.value == 0xD7FF ? 0xE000 : last.value + 1
        if let scalar = Unicode.Scalar(next) {
            scalars.append(scalar)
            var text = String.UnicodeScalarView()
            text.append(contentsOf: scalars)
            return Array(String(text).utf8)
        }
    }
    return nil
}
