import Glibc

/// The comparisons of SQL on columns of one type.
enum ComparisonOperator: Sendable {
    case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
}

enum Comparison {
    /// One bit per row; garbage where an operand is NULL.
    static func compare(_ op: ComparisonOperator, _ left: Datum, _ right: Datum, _ count: Int) -> Bitmap {
        switch op {
        case .equal: equal(left, right, count)
        case .notEqual: equal(left, right, count).inverted()
        case .less: less(left, right, count)
        case .lessOrEqual: lessOrEqual(left, right, count)
        case .greater: less(right, left, count)
        case .greaterOrEqual: lessOrEqual(right, left, count)
        }
    }

    private static func equal(_ l: Datum, _ r: Datum, _ count: Int) -> Bitmap {
        switch l.type.physical {
        case .bit: return bits(l, r, count) { ~($0 ^ $1) }
        case .int32: return tested(EqualRule<Int32>(), l, r, count)
        case .int64: return tested(EqualRule<Int64>(), l, r, count)
        case .float32: return tested(FloatEqualRule<Float>(), l, r, count)
        case .float64: return tested(FloatEqualRule<Double>(), l, r, count)
        case .int128: return tested(EqualRule<Int128>(), l, r, count)
        case .view:
            let (x, y) = (Strings(l), Strings(r))
            return testedRows(count) { i in
                stringEqual(x.views[i &* x.step], x.bases, y.views[i &* y.step], y.bases)
            }
        }
    }

    private static func less(_ l: Datum, _ r: Datum, _ count: Int) -> Bitmap {
        switch l.type.physical {
        case .bit: return bits(l, r, count) { ~$0 & $1 }
        case .int32: return tested(LessRule<Int32>(), l, r, count)
        case .int64: return tested(LessRule<Int64>(), l, r, count)
        case .float32: return tested(FloatLessRule<Float>(), l, r, count)
        case .float64: return tested(FloatLessRule<Double>(), l, r, count)
        case .int128: return tested(LessRule<Int128>(), l, r, count)
        case .view:
            let (x, y) = (Strings(l), Strings(r))
            return testedRows(count) { i in x.order(i, y, i) < 0 }
        }
    }

    private static func lessOrEqual(_ l: Datum, _ r: Datum, _ count: Int) -> Bitmap {
        switch l.type.physical {
        case .bit: return bits(l, r, count) { ~$0 | $1 }
        case .int32: return tested(LessOrEqualRule<Int32>(), l, r, count)
        case .int64: return tested(LessOrEqualRule<Int64>(), l, r, count)
        case .float32: return tested(FloatLessOrEqualRule<Float>(), l, r, count)
        case .float64: return tested(FloatLessOrEqualRule<Double>(), l, r, count)
        case .int128: return tested(LessOrEqualRule<Int128>(), l, r, count)
        case .view:
            let (x, y) = (Strings(l), Strings(r))
            return testedRows(count) { i in x.order(i, y, i) <= 0 }
        }
    }

    private static func bits(_ l: Datum, _ r: Datum, _ count: Int, _ combine: (UInt64, UInt64) -> UInt64) -> Bitmap {
        .combining(l.expanded(count: count).bits, r.expanded(count: count).bits, combine)
    }

    /// `<=>`: NULL equals NULL. Never NULL itself.
    static func nullSafeEqual(_ left: Datum, _ right: Datum, _ count: Int) -> Bitmap {
        let equal = equal(left, right, count)
        let leftValid = left.validity(count: count)
        let rightValid = right.validity(count: count)
        if leftValid == nil && rightValid == nil { return equal }
        let x = leftValid ?? Bitmap(repeating: true, count: count)
        let y = rightValid ?? Bitmap(repeating: true, count: count)
        let bothNull = Bitmap.combining(x, y) { ~$0 & ~$1 }
        return equal.and(x).and(y).or(bothNull)
    }
}

/// The values of a string operand; a constant has step 0.
struct Strings {
    let views: UnsafePointer<StringView>
    let bases: UnsafePointer<UnsafeRawPointer>
    let step: Int

    init(_ datum: Datum) {
        views = datum.column.views
        bases = datum.column.heap.bases
        step = datum.step
    }

    @inline(__always) func bytes(_ row: Int) -> UnsafeRawBufferPointer { stringBytes(views, row &* step, bases) }

    /// Negative, zero or positive as unsigned bytes compare. Most pairs differ in the first four.
    @inline(__always) func order(_ row: Int, _ other: Strings, _ otherRow: Int) -> Int {
        let a = views[row &* step]
        let b = other.views[otherRow &* other.step]
        // Short values are zero padded, so a differing prefix orders them as their bytes do.
        let x = UInt32(truncatingIfNeeded: a.low >> 32).byteSwapped
        let y = UInt32(truncatingIfNeeded: b.low >> 32).byteSwapped
        if x != y { return x < y ? -1 : 1 }
        return Strings.compare(bytes(row), other.bytes(otherRow))
    }

    @inline(never) static func compare(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
        let shared = min(a.count, b.count)
        if shared > 0 {
            // Both are at least `shared` long.
            let order = memcmp(a.baseAddress!, b.baseAddress!, shared)
            if order != 0 { return Int(order) }
        }
        return a.count - b.count
    }
}
