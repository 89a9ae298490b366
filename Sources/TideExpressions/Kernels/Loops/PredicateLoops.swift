// Loops that give one bit per row, 64 rows to a word. The inner loop is branchless.

/// A condition on two values of one type. Total.
protocol PairPredicate {
    associatedtype Value: BitwiseCopyable
    func test(_ l: Value, _ r: Value) -> Bool
}

/// A condition on one value.
protocol ValuePredicate {
    associatedtype Value: BitwiseCopyable
    func test(_ x: Value) -> Bool
}

@inline(__always)
private func fillWords(_ out: UnsafeMutablePointer<UInt64>, _ count: Int, _ test: (Int) -> Bool) {
    var i = 0
    while i &+ 64 <= count {
        var word: UInt64 = 0
        for j in 0..<64 { word |= (test(i &+ j) ? 1 : 0) &<< UInt64(truncatingIfNeeded: j) }
        out[i &>> 6] = word
        i &+= 64
    }
    if i < count {
        var word: UInt64 = 0
        for j in 0..<(count &- i) { word |= (test(i &+ j) ? 1 : 0) &<< UInt64(truncatingIfNeeded: j) }
        out[i &>> 6] = word
    }
}

@inline(never)
func testLoop<P: PairPredicate>(
    _ rule: P, _ left: UnsafePointer<P.Value>, _ right: UnsafePointer<P.Value>, _ out: UnsafeMutablePointer<UInt64>,
    _ count: Int
) {
    fillWords(out, count) { rule.test(left[$0], right[$0]) }
}

@inline(never)
func testLoop<P: PairPredicate>(
    _ rule: P, _ left: UnsafePointer<P.Value>, constant right: P.Value, _ out: UnsafeMutablePointer<UInt64>,
    _ count: Int
) {
    fillWords(out, count) { rule.test(left[$0], right) }
}

@inline(never)
func testLoop<P: PairPredicate>(
    _ rule: P, constant left: P.Value, _ right: UnsafePointer<P.Value>, _ out: UnsafeMutablePointer<UInt64>,
    _ count: Int
) {
    fillWords(out, count) { rule.test(left, right[$0]) }
}

@inline(never)
func testLoop<P: ValuePredicate>(
    _ rule: P, _ input: UnsafePointer<P.Value>, _ out: UnsafeMutablePointer<UInt64>, _ count: Int
) {
    fillWords(out, count) { rule.test(input[$0]) }
}

func tested<P: PairPredicate>(_ rule: P, _ left: Datum, _ right: Datum, _ count: Int) -> Bitmap {
    let buffer = Buffer(byteCount: Bitmap.wordCount(count) * 8)
    let out = buffer.pointer(UInt64.self)
    let l = left.column.pointer(P.Value.self)
    let r = right.column.pointer(P.Value.self)
    if right.isConstant {
        testLoop(rule, l, constant: r[0], out, count)
    } else if left.isConstant {
        testLoop(rule, constant: l[0], r, out, count)
    } else {
        testLoop(rule, l, r, out, count)
    }
    return Bitmap(buffer: buffer, count: count)
}

func tested<P: ValuePredicate>(_ rule: P, _ operand: Datum, _ count: Int) -> Bitmap {
    let buffer = Buffer(byteCount: Bitmap.wordCount(count) * 8)
    testLoop(rule, operand.column.pointer(P.Value.self), buffer.pointer(UInt64.self), count)
    return Bitmap(buffer: buffer, count: count)
}

/// One bit per row from a closure that is inlined into the caller's loop: for string conditions, where the row's work
/// hides the loop's.
@inline(__always)
func testedRows(_ count: Int, _ test: (Int) -> Bool) -> Bitmap {
    let buffer = Buffer(byteCount: Bitmap.wordCount(count) * 8)
    fillWords(buffer.pointer(UInt64.self), count, test)
    return Bitmap(buffer: buffer, count: count)
}
