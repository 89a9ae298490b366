// The loops over fixed-width values. Rules are small structs, so every loop is instantiated per rule in this module and
// the rule is inlined into it. Faults are folded into one accumulator; its sign bit says that some row failed.

/// The meaning of one row with one operand. Total: defined for every input, including garbage under NULL.
protocol UnaryRule {
    associatedtype Input: BitwiseCopyable
    associatedtype Output: BitwiseCopyable
    associatedtype Fault: FixedWidthInteger & SignedInteger
    func apply(_ x: Input, _ fault: inout Fault) -> Output
}

/// The meaning of one row with two operands.
protocol BinaryRule {
    associatedtype Left: BitwiseCopyable
    associatedtype Right: BitwiseCopyable
    associatedtype Output: BitwiseCopyable
    associatedtype Fault: FixedWidthInteger & SignedInteger
    func apply(_ l: Left, _ r: Right, _ fault: inout Fault) -> Output
}

@inline(never)
func mapLoop<R: UnaryRule>(
    _ rule: R, _ input: UnsafePointer<R.Input>, _ out: UnsafeMutablePointer<R.Output>, _ count: Int
) -> Bool {
    var fault: R.Fault = 0
    for i in 0..<count { out[i] = rule.apply(input[i], &fault) }
    return fault < 0
}

@inline(never)
func zipLoop<R: BinaryRule>(
    _ rule: R, _ left: UnsafePointer<R.Left>, _ right: UnsafePointer<R.Right>,
    _ out: UnsafeMutablePointer<R.Output>, _ count: Int
) -> Bool {
    var fault: R.Fault = 0
    for i in 0..<count { out[i] = rule.apply(left[i], right[i], &fault) }
    return fault < 0
}

@inline(never)
func zipLoop<R: BinaryRule>(
    _ rule: R, _ left: UnsafePointer<R.Left>, constant right: R.Right,
    _ out: UnsafeMutablePointer<R.Output>, _ count: Int
) -> Bool {
    var fault: R.Fault = 0
    for i in 0..<count { out[i] = rule.apply(left[i], right, &fault) }
    return fault < 0
}

@inline(never)
func zipLoop<R: BinaryRule>(
    _ rule: R, constant left: R.Left, _ right: UnsafePointer<R.Right>,
    _ out: UnsafeMutablePointer<R.Output>, _ count: Int
) -> Bool {
    var fault: R.Fault = 0
    for i in 0..<count { out[i] = rule.apply(left, right[i], &fault) }
    return fault < 0
}

/// The first valid row at which the rule fails: the cold path after a loop that reported a fault. Nil if only garbage
/// under NULL failed.
@inline(never)
func firstFault<R: UnaryRule>(_ rule: R, _ input: UnsafePointer<R.Input>, _ validity: Bitmap?, _ count: Int) -> Int? {
    for i in 0..<count where validity?[i] ?? true {
        var fault: R.Fault = 0
        _ = rule.apply(input[i], &fault)
        if fault < 0 { return i }
    }
    return nil
}

@inline(never)
func firstFault<R: BinaryRule>(
    _ rule: R, _ left: UnsafePointer<R.Left>, _ leftStep: Int, _ right: UnsafePointer<R.Right>, _ rightStep: Int,
    _ validity: Bitmap?, _ count: Int
) -> Int? {
    for i in 0..<count where validity?[i] ?? true {
        var fault: R.Fault = 0
        _ = rule.apply(left[i * leftStep], right[i * rightStep], &fault)
        if fault < 0 { return i }
    }
    return nil
}

extension Datum {
    /// 1 for a column, 0 for a constant: the distance between the values of neighbouring rows.
    var step: Int { isConstant ? 0 : 1 }
}

/// Runs a rule over a batch. `fail` makes the error for the first offending row.
func mapped<R: UnaryRule>(
    _ rule: R, _ operand: Datum, _ call: KernelCall, fail: (Int) -> TidemillError
) throws(TidemillError) -> Column {
    let buffer = Buffer(byteCount: call.rowCount * MemoryLayout<R.Output>.stride)
    let input = operand.column.pointer(R.Input.self)
    if mapLoop(rule, input, buffer.pointer(), call.rowCount) {
        if let row = firstFault(rule, input, call.validity, call.rowCount) { throw fail(row) }
    }
    return Column(type: call.resultType, count: call.rowCount, values: buffer)
}

/// The same for a rule that never fails.
func mapped<R: UnaryRule>(_ rule: R, _ operand: Datum, _ call: KernelCall) -> Column {
    let buffer = Buffer(byteCount: call.rowCount * MemoryLayout<R.Output>.stride)
    _ = mapLoop(rule, operand.column.pointer(R.Input.self), buffer.pointer(), call.rowCount)
    return Column(type: call.resultType, count: call.rowCount, values: buffer)
}

func zipped<R: BinaryRule>(
    _ rule: R, _ left: Datum, _ right: Datum, _ call: KernelCall, fail: (Int) -> TidemillError
) throws(TidemillError) -> Column {
    let buffer = Buffer(byteCount: call.rowCount * MemoryLayout<R.Output>.stride)
    let out = buffer.pointer(R.Output.self)
    let l = left.column.pointer(R.Left.self)
    let r = right.column.pointer(R.Right.self)
    let fault =
        if right.isConstant {
            zipLoop(rule, l, constant: r[0], out, call.rowCount)
        } else if left.isConstant {
            zipLoop(rule, constant: l[0], r, out, call.rowCount)
        } else {
            zipLoop(rule, l, r, out, call.rowCount)
        }
    if fault, let row = firstFault(rule, l, left.step, r, right.step, call.validity, call.rowCount) {
        throw fail(row)
    }
    return Column(type: call.resultType, count: call.rowCount, values: buffer)
}

func zipped<R: BinaryRule>(_ rule: R, _ left: Datum, _ right: Datum, _ call: KernelCall) -> Column {
    let buffer = Buffer(byteCount: call.rowCount * MemoryLayout<R.Output>.stride)
    let out = buffer.pointer(R.Output.self)
    let l = left.column.pointer(R.Left.self)
    let r = right.column.pointer(R.Right.self)
    if right.isConstant {
        _ = zipLoop(rule, l, constant: r[0], out, call.rowCount)
    } else if left.isConstant {
        _ = zipLoop(rule, constant: l[0], r, out, call.rowCount)
    } else {
        _ = zipLoop(rule, l, r, out, call.rowCount)
    }
    return Column(type: call.resultType, count: call.rowCount, values: buffer)
}
