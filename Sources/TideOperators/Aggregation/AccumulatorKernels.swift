import Glibc

// Update loops: one accumulator slot over many rows. `rows[i]` is the value area of the group of batch row
// `selection[i]`. Each loop is instantiated in this module; what to run is decided once per batch and slot.

typealias ValueAreas = UnsafePointer<UnsafeMutableRawPointer>
typealias Selection = UnsafePointer<UInt32>

/// Which rows count: validity of the argument and the filter, and the weights.
struct RowMask {
    /// nil: all rows.
    let valid: UnsafePointer<UInt64>?
    /// nil: every row has weight 1.
    let weights: UnsafePointer<Int64>?

    @inline(__always) func weight(_ row: Int) -> Int64 {
        if let valid, (valid[row >> 6] >> UInt64(row & 63)) & 1 == 0 { return 0 }
        return weights.map { $0[row] } ?? 1
    }
    var isTrivial: Bool { valid == nil && weights == nil }
}

@inline(never)
func addWeights(_ areas: ValueAreas, _ selection: Selection, _ count: Int, offset: Int, _ mask: RowMask) {
    if mask.isTrivial {
        for i in 0..<count {
            let target = (areas[i] + offset).assumingMemoryBound(to: Int64.self)
            target.pointee &+= 1
        }
        return
    }
    for i in 0..<count {
        let target = (areas[i] + offset).assumingMemoryBound(to: Int64.self)
        target.pointee &+= mask.weight(Int(selection[i]))
    }
}

/// Adds integers of any stored width to sums of 8 bytes; what does not fit goes to `spilled`.
@inline(never)
func addIntegers<T: FixedWidthInteger & BitwiseCopyable>(
    _: T.Type, _ areas: ValueAreas, _ selection: Selection, _ count: Int, offset: Int, values: UnsafePointer<T>,
    _ mask: RowMask, _ spilled: inout SpilledSums
) {
    if mask.isTrivial {
        for i in 0..<count {
            let target = (areas[i] + offset).assumingMemoryBound(to: CompactSum.self)
            let value = values[Int(selection[i])]
            let narrow = Int64(truncatingIfNeeded: value)
            if narrow != value || !target.pointee.add(narrow) { spilled.add(Int128(value), to: target) }
        }
        return
    }
    for i in 0..<count {
        let row = Int(selection[i])
        let weight = mask.weight(row)
        if weight == 0 { continue }
        let target = (areas[i] + offset).assumingMemoryBound(to: CompactSum.self)
        let value = values[row]
        let (product, overflow) = Int64(truncatingIfNeeded: value).multipliedReportingOverflow(by: weight)
        if Int64(truncatingIfNeeded: value) != value || overflow || !target.pointee.add(product) {
            spilled.add(Int128(value) &* Int128(weight), to: target)
        }
    }
}

/// Adds decimals below 10^38 to sums of 16 bytes. These wrap only beyond 1.7e38, which the output check reports as
/// overflow for every declared result type.
@inline(never)
func addDecimals(
    _ areas: ValueAreas, _ selection: Selection, _ count: Int, offset: Int, values: UnsafePointer<Int128>,
    _ mask: RowMask
) {
    for i in 0..<count {
        let row = Int(selection[i])
        let weight = mask.isTrivial ? 1 : mask.weight(row)
        if weight == 0 { continue }
        let target = areas[i] + offset
        let sum = target.loadUnaligned(as: Int128.self) &+ values[row] &* Int128(weight)
        target.storeBytes(of: sum, as: Int128.self)
    }
}

@inline(never)
func addDoubles(
    _ areas: ValueAreas, _ selection: Selection, _ count: Int, offset: Int, values: UnsafePointer<Double>,
    _ mask: RowMask, _ wide: inout WideSums
) {
    for i in 0..<count {
        let row = Int(selection[i])
        let target = (areas[i] + offset).assumingMemoryBound(to: ExactSum.self)
        if mask.isTrivial {
            if !target.pointee.add(values[row]) { wide.add(values[row], weight: 1, to: target) }
            continue
        }
        let weight = mask.weight(row)
        if weight == 0 { continue }
        addWeighted(values[row], weight, target, &wide)
    }
}

/// A term of a sum made of one or two doubles, itself as two doubles.
protocol PowerRule { static func term(_ x: Double, _ y: Double) -> (Double, Double) }
enum SquareRule: PowerRule {
    @inline(__always) static func term(_ x: Double, _ y: Double) -> (Double, Double) { Moments.square(x) }
}
enum CubeRule: PowerRule {
    @inline(__always) static func term(_ x: Double, _ y: Double) -> (Double, Double) { Moments.cube(x) }
}
enum FourthRule: PowerRule {
    @inline(__always) static func term(_ x: Double, _ y: Double) -> (Double, Double) { Moments.fourth(x) }
}
enum ProductRule: PowerRule {
    @inline(__always) static func term(_ x: Double, _ y: Double) -> (Double, Double) { Moments.product(x, y) }
}

/// Adds terms, both parts of each.
@inline(never)
func addPowers<Rule: PowerRule>(
    _: Rule.Type, _ areas: ValueAreas, _ selection: Selection, _ count: Int, offset: Int,
    _ x: UnsafePointer<Double>, _ y: UnsafePointer<Double>, _ mask: RowMask, _ wide: inout WideSums
) {
    for i in 0..<count {
        let row = Int(selection[i])
        let weight = mask.weight(row)
        if weight == 0 { continue }
        let target = (areas[i] + offset).assumingMemoryBound(to: ExactSum.self)
        let (term, rest) = Rule.term(x[row], y[row])
        addWeighted(term, weight, target, &wide)
        if rest != 0 { addWeighted(rest, weight, target, &wide) }
    }
}

/// x · weight as a sum of x · 2^k, each of which is exact; what does not fit inline goes to the wide sum at once.
private func addWeighted(
    _ x: Double, _ weight: Int64, _ target: UnsafeMutablePointer<ExactSum>, _ wide: inout WideSums
) {
    let before = target.pointee
    var magnitude = weight.magnitude
    var power = weight < 0 ? -x : x
    while magnitude != 0 {
        if magnitude & 1 == 1 && !target.pointee.add(power) {
            target.pointee = before
            wide.add(x, weight: weight, to: target)
            return
        }
        magnitude >>= 1
        power += power
    }
}

@inline(never)
func addTrue(
    _ areas: ValueAreas, _ selection: Selection, _ count: Int, offset: Int, bits: UnsafePointer<UInt64>,
    _ mask: RowMask
) {
    for i in 0..<count {
        let row = Int(selection[i])
        if (bits[row >> 6] >> UInt64(row & 63)) & 1 == 0 { continue }
        let target = (areas[i] + offset).assumingMemoryBound(to: Int64.self)
        target.pointee &+= mask.weight(row)
    }
}

/// One total order per physical type, for MIN and MAX.
protocol ExtremeRule {
    associatedtype Element: BitwiseCopyable
    static func less(_ a: Element, _ b: Element) -> Bool
}
enum IntegerOrder<T: FixedWidthInteger & BitwiseCopyable>: ExtremeRule {
    @inline(__always) static func less(_ a: T, _ b: T) -> Bool { a < b }
}
/// Spark's order: NaN is larger than everything, -0.0 equals 0.0.
enum DoubleOrder: ExtremeRule {
    @inline(__always) static func less(_ a: Double, _ b: Double) -> Bool { a < b || (b.isNaN && !a.isNaN) }
}
enum FloatOrder: ExtremeRule {
    @inline(__always) static func less(_ a: Float, _ b: Float) -> Bool { a < b || (b.isNaN && !a.isNaN) }
}

@inline(never)
func takeExtremes<Rule: ExtremeRule>(
    _: Rule.Type, largest: Bool, _ areas: ValueAreas, _ selection: Selection, _ count: Int, offset: Int,
    values: UnsafePointer<Rule.Element>, _ mask: RowMask
) {
    for i in 0..<count {
        let row = Int(selection[i])
        if mask.weight(row) <= 0 { continue }
        let target = areas[i] + offset
        let value = values[row]
        if target.load(as: UInt64.self) != 0 {
            let current = target.loadUnaligned(fromByteOffset: 8, as: Rule.Element.self)
            if largest ? !Rule.less(current, value) : !Rule.less(value, current) { continue }
        }
        target.storeBytes(of: 1, as: UInt64.self)
        target.storeBytes(of: value, toByteOffset: 8, as: Rule.Element.self)
    }
}

/// Strings are copied into the partition's arena when they become the extreme.
@inline(never)
func takeExtremeStrings(
    largest: Bool, _ areas: ValueAreas, _ selection: Selection, _ count: Int, offset: Int, column: Column,
    _ mask: RowMask, _ arena: RowArena
) {
    let views = column.views
    let bases = column.heap.bases
    for i in 0..<count {
        let row = Int(selection[i])
        if mask.weight(row) <= 0 { continue }
        let target = areas[i] + offset
        let bytes = stringBytes(views, row, bases)
        if target.load(as: UInt64.self) != 0 {
            let order = compareBytes(bytes, arenaBytes(target + 8, arena))
            if largest ? order <= 0 : order >= 0 { continue }
        }
        let view = views[row]
        target.storeBytes(of: 1, as: UInt64.self)
        target.storeBytes(
            of: view.isInline ? view : arena.append(bytes.baseAddress!, bytes.count), toByteOffset: 8,
            as: StringView.self)
    }
}

func arenaBytes(_ field: UnsafeMutableRawPointer, _ arena: RowArena) -> UnsafeRawBufferPointer {
    let view = field.loadUnaligned(as: StringView.self)
    if view.isInline { return UnsafeRawBufferPointer(start: field + 4, count: view.length) }
    return UnsafeRawBufferPointer(start: arena.bases[view.bufferIndex] + view.offset, count: view.length)
}

/// Unsigned bytewise order, as Spark orders strings.
func compareBytes(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
    let n = min(a.count, b.count)
    let order = n == 0 ? 0 : Int(memcmp(a.baseAddress!, b.baseAddress!, n))
    return order != 0 ? order : a.count - b.count
}
