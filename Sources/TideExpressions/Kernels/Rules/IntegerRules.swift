// Arithmetic on integers. Narrow types live in Int32 and check their own range.

protocol PhysicalInteger: FixedWidthInteger & SignedInteger & BitwiseCopyable {}
extension Int32: PhysicalInteger {}
extension Int64: PhysicalInteger {}

/// The sign bit is set where the operands have one sign and the result the other (Hacker's Delight 2-13).
struct AddRule<T: PhysicalInteger>: BinaryRule {
    func apply(_ l: T, _ r: T, _ fault: inout T) -> T {
        let sum = l &+ r
        fault |= (l ^ sum) & (r ^ sum)
        return sum
    }
}

struct SubtractRule<T: PhysicalInteger>: BinaryRule {
    func apply(_ l: T, _ r: T, _ fault: inout T) -> T {
        let difference = l &- r
        fault |= (l ^ r) & (l ^ difference)
        return difference
    }
}

/// Multiplied in 64 bits: the product fits if narrowing loses nothing.
struct MultiplyIntRule: BinaryRule {
    func apply(_ l: Int32, _ r: Int32, _ fault: inout Int64) -> Int32 {
        let product = Int64(l) &* Int64(r)
        let narrow = Int32(truncatingIfNeeded: product)
        fault |= Int64(narrow) == product ? 0 : -1
        return narrow
    }
}

struct MultiplyBigintRule: BinaryRule {
    func apply(_ l: Int64, _ r: Int64, _ fault: inout Int64) -> Int64 {
        let (product, overflow) = l.multipliedReportingOverflow(by: r)
        fault |= overflow ? -1 : 0
        return product
    }
}

/// tinyint and smallint: computed in 32 bits, where nothing overflows, then checked against the type's range.
struct NarrowRule: BinaryRule {
    enum Operation { case add, subtract, multiply }
    let operation: Operation
    let low: Int32
    let high: Int32
    @inline(__always) func apply(_ l: Int32, _ r: Int32, _ fault: inout Int32) -> Int32 {
        let value =
            switch operation {
            case .add: l &+ r
            case .subtract: l &- r
            case .multiply: l &* r
            }
        // Negative exactly if the value is outside.
        fault |= (value &- low) | (high &- value)
        return value
    }
}

/// Remainder with the dividend's sign. A zero divisor is a fault; -1 is replaced, because min % -1 traps.
struct RemainderRule<T: PhysicalInteger>: BinaryRule {
    func apply(_ l: T, _ r: T, _ fault: inout T) -> T {
        fault |= r == 0 ? -1 : 0
        let divisor: T = r == 0 || r == -1 ? 1 : r
        return l % divisor
    }
}

/// The remainder made non-negative by the divisor, as Spark's pmod: its sign follows a negative divisor's remainder.
struct PositiveModRule<T: PhysicalInteger>: BinaryRule {
    func apply(_ l: T, _ r: T, _ fault: inout T) -> T {
        fault |= r == 0 ? -1 : 0
        let divisor: T = r == 0 || r == -1 ? 1 : r
        let remainder = l % divisor
        return remainder < 0 ? (remainder &+ r) % divisor : remainder
    }
}

/// `div` on bigint. The faults are a zero divisor and min / -1.
struct IntegralDivideRule: BinaryRule {
    func apply(_ l: Int64, _ r: Int64, _ fault: inout Int64) -> Int64 {
        let overflows = r == -1 && l == .min
        fault |= r == 0 || overflows ? -1 : 0
        return l / (r == 0 || overflows ? 1 : r)
    }
}

struct NegateRule<T: PhysicalInteger>: UnaryRule {
    let lowest: T
    func apply(_ x: T, _ fault: inout T) -> T {
        fault |= x == lowest ? -1 : 0
        return 0 &- x
    }
}

struct AbsoluteRule<T: PhysicalInteger>: UnaryRule {
    let lowest: T
    func apply(_ x: T, _ fault: inout T) -> T {
        fault |= x == lowest ? -1 : 0
        return x < 0 ? 0 &- x : x
    }
}

struct BitwiseRule<T: PhysicalInteger>: BinaryRule {
    enum Operation { case and, or, xor }
    let operation: Operation
    @inline(__always) func apply(_ l: T, _ r: T, _ fault: inout T) -> T {
        switch operation {
        case .and: l & r
        case .or: l | r
        case .xor: l ^ r
        }
    }
}

enum ShiftDirection: Sendable { case left, right, rightUnsigned }

/// The count is taken modulo the width, as in Java.
struct ShiftRule<T: PhysicalInteger, U: FixedWidthInteger & UnsignedInteger>: BinaryRule {
    let direction: ShiftDirection
    @inline(__always) func apply(_ l: T, _ r: Int32, _ fault: inout Int64) -> T {
        switch direction {
        case .left: l &<< T(truncatingIfNeeded: r)
        case .right: l &>> T(truncatingIfNeeded: r)
        case .rightUnsigned: T(truncatingIfNeeded: U(truncatingIfNeeded: l) &>> U(truncatingIfNeeded: r))
        }
    }
}

struct ComplementRule<T: PhysicalInteger>: UnaryRule {
    func apply(_ x: T, _ fault: inout T) -> T { ~x }
}

/// Rounds to a multiple of `unit` (a power of ten): half away from zero, or half to the even multiple.
struct RoundIntegerRule<T: PhysicalInteger>: UnaryRule {
    let unit: Int64
    let halfEven: Bool
    let low: Int64
    let high: Int64
    func apply(_ narrow: T, _ fault: inout Int64) -> T {
        let x = Int64(narrow)
        let quotient = x / unit
        let remainder = (x % unit).magnitude
        let half = unit.magnitude / 2
        let up = remainder > half || remainder == half && (!halfEven || quotient & 1 != 0)
        let (value, overflow) = (quotient &+ (up ? (x < 0 ? -1 : 1) : 0)).multipliedReportingOverflow(by: unit)
        fault |= overflow || value < low || value > high ? -1 : 0
        return T(truncatingIfNeeded: value)
    }
}
