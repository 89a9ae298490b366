import Glibc

// Arithmetic on float and double. Only division by zero fails; everything else follows IEEE 754.

protocol PhysicalFloat: BinaryFloatingPoint & BitwiseCopyable {}
extension Float: PhysicalFloat {}
extension Double: PhysicalFloat {}

struct FloatAddRule<T: PhysicalFloat>: BinaryRule {
    func apply(_ l: T, _ r: T, _ fault: inout Int64) -> T { l + r }
}
struct FloatSubtractRule<T: PhysicalFloat>: BinaryRule {
    func apply(_ l: T, _ r: T, _ fault: inout Int64) -> T { l - r }
}
struct FloatMultiplyRule<T: PhysicalFloat>: BinaryRule {
    func apply(_ l: T, _ r: T, _ fault: inout Int64) -> T { l * r }
}
/// Spark refuses a zero divisor even for doubles.
struct FloatDivideRule<T: PhysicalFloat>: BinaryRule {
    func apply(_ l: T, _ r: T, _ fault: inout Int64) -> T {
        fault |= r == 0 ? -1 : 0
        return l / r
    }
}
struct FloatRemainderRule<T: PhysicalFloat>: BinaryRule {
    func apply(_ l: T, _ r: T, _ fault: inout Int64) -> T {
        fault |= r == 0 ? -1 : 0
        return l.truncatingRemainder(dividingBy: r)
    }
}
struct FloatPositiveModRule<T: PhysicalFloat>: BinaryRule {
    func apply(_ l: T, _ r: T, _ fault: inout Int64) -> T {
        fault |= r == 0 ? -1 : 0
        let remainder = l.truncatingRemainder(dividingBy: r)
        return remainder < 0 ? (remainder + r).truncatingRemainder(dividingBy: r) : remainder
    }
}
struct FloatNegateRule<T: PhysicalFloat>: UnaryRule {
    func apply(_ x: T, _ fault: inout Int64) -> T { -x }
}
struct FloatAbsoluteRule<T: PhysicalFloat>: UnaryRule {
    func apply(_ x: T, _ fault: inout Int64) -> T { x.magnitude }
}

/// A function of the C library on one double. Faults never.
enum MathFunction: Sendable {
    case sqrt, exp, cbrt, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, degrees, radians, signum, rint, expm1,
        log1p
}

struct MathRule: UnaryRule {
    let function: MathFunction
    @inline(__always) func apply(_ x: Double, _ fault: inout Int64) -> Double {
        switch function {
        case .sqrt: x.squareRoot()
        case .exp: Glibc.exp(x)
        case .cbrt: cubeRoot(x)
        case .sin: Glibc.sin(x)
        case .cos: Glibc.cos(x)
        case .tan: Glibc.tan(x)
        case .asin: Glibc.asin(x)
        case .acos: Glibc.acos(x)
        case .atan: Glibc.atan(x)
        case .sinh: Glibc.sinh(x)
        case .cosh: Glibc.cosh(x)
        case .tanh: Glibc.tanh(x)
        case .degrees: x * (180 / Double.pi)
        case .radians: x * (Double.pi / 180)
        case .signum: x > 0 ? 1 : x < 0 ? -1 : x
        case .rint: x.rounded(.toNearestOrEven)
        case .expm1: Glibc.expm1(x)
        case .log1p: Glibc.log1p(x)
        }
    }
}

/// The C library's root may be one unit off in the last place; a step of Newton's method puts that right.
private func cubeRoot(_ x: Double) -> Double {
    let root = Glibc.cbrt(x)
    if !root.isNormal { return root }
    return root - (root * root * root - x) / (3 * root * root)
}

/// Logarithms; the caller makes non-positive arguments NULL.
struct LogarithmRule: UnaryRule {
    enum Base: Sendable { case e, two, ten }
    let base: Base
    @inline(__always) func apply(_ x: Double, _ fault: inout Int64) -> Double {
        switch base {
        case .e: Glibc.log(x)
        // As Java computes it, so that results agree.
        case .two: Glibc.log(x) / Glibc.log(2)
        case .ten: Glibc.log10(x)
        }
    }
}

/// Java's Math.pow differs from C in two cases: 1^NaN and (±1)^±∞ are NaN.
struct PowerRule: BinaryRule {
    func apply(_ l: Double, _ r: Double, _ fault: inout Int64) -> Double {
        if r == 0 { return 1 }
        if r.isNaN || (l.magnitude == 1 && r.isInfinite) { return .nan }
        return Glibc.pow(l, r)
    }
}

struct Atan2Rule: BinaryRule {
    func apply(_ l: Double, _ r: Double, _ fault: inout Int64) -> Double { Glibc.atan2(l, r) }
}

/// ceil and floor to bigint; what does not fit is a fault, NaN gives 0 as Java's conversion does.
struct RoundToBigintRule: UnaryRule {
    let up: Bool
    func apply(_ x: Double, _ fault: inout Int64) -> Int64 {
        let whole = up ? x.rounded(.up) : x.rounded(.down)
        if whole.isNaN { return 0 }
        // 2^63 is exact in double.
        if whole >= -9_223_372_036_854_775_808 && whole < 9_223_372_036_854_775_808 { return Int64(whole) }
        fault = -1
        return 0
    }
}
