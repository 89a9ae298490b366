/// Variances from exact sums of values and of their squares.
///
/// A square is added as two doubles, product and rounding error, so the sums are exact and neither order nor retraction
/// can change a bit; the one subtraction at the end is done in double-double arithmetic (Dekker 1971), whose relative
/// error of 2^-104 leaves more than nine digits of a variance that is down to 10^-20 of the mean's square.
enum Moments {
    /// x² as a sum of two doubles. Where the square overflows, infinity alone.
    @inline(__always) static func square(_ x: Double) -> (Double, Double) {
        let product = x * x
        return (product, product.isFinite ? (-product).addingProduct(x, x) : 0)
    }

    /// Values that a result needs at least; below, it is NULL.
    static func leastCount(_ kind: AggregateKind) -> Int64 {
        switch kind {
        case .varSamp, .stddevSamp: 2
        default: 1
        }
    }

    /// nil: NULL.
    static func result(
        _ kind: AggregateKind, count: Int64, sum: (Double, Double), squares: (Double, Double)
    ) -> Double? {
        if count < leastCount(kind) { return nil }
        let n = Double(count)
        guard sum.0.isFinite, squares.0.isFinite else { return .nan }
        let mean = DoubleDouble(sum) / n
        let deviation = max((DoubleDouble(squares) - mean * DoubleDouble(sum)).high, 0)
        switch kind {
        case .varPop: return deviation / n
        case .varSamp: return deviation / (n - 1)
        case .stddevPop: return (deviation / n).squareRoot()
        default: return (deviation / (n - 1)).squareRoot()
        }
    }
}

/// A number as an unevaluated sum of two doubles.
struct DoubleDouble {
    var high: Double
    var low: Double

    init(_ parts: (Double, Double)) { (high, low) = ExactSum.twoSum(parts.0, parts.1) }

    static func - (a: DoubleDouble, b: DoubleDouble) -> DoubleDouble {
        let (sum, error) = ExactSum.twoSum(a.high, -b.high)
        return DoubleDouble((sum, error + (a.low - b.low)))
    }
    static func * (a: DoubleDouble, b: DoubleDouble) -> DoubleDouble {
        let product = a.high * b.high
        let error = (-product).addingProduct(a.high, b.high)
        return DoubleDouble((product, error + (a.high * b.low + a.low * b.high)))
    }
    static func / (a: DoubleDouble, b: Double) -> DoubleDouble {
        let quotient = a.high / b
        let rest = a.high.addingProduct(-quotient, b) + a.low
        return DoubleDouble((quotient, rest / b))
    }
}
