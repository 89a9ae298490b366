/// Variances from exact sums of values and of their squares.
///
/// A square is added as two doubles, product and rounding error, so the sums are exact and neither order nor retraction
/// can change a bit; the one subtraction at the end is done in double-double arithmetic (Dekker 1971), whose relative
/// error of 2^-104 leaves more than nine digits of a variance that is down to 10^-20 of the mean's square. What is left
/// of equal values is the rounding of that subtraction and counts as zero: a column of thirds has no deviation.
enum Moments {
    /// A difference of two sums that is no more than this part of them is rounding: quotient, product and the sums
    /// themselves are each off by a few 2^-104.
    static let rounding = 0x1p-100

    /// The sum of squared deviations, Σx² - (Σx)²/n, not negative.
    @inline(__always) static func deviation(_ squares: DoubleDouble, _ mean: DoubleDouble, _ sum: DoubleDouble)
        -> Double
    {
        let difference = (squares - mean * sum).high
        return difference > squares.high * rounding ? difference : 0
    }

    /// x² as a sum of two doubles. Where the square overflows, infinity alone.
    @inline(__always) static func square(_ x: Double) -> (Double, Double) {
        let product = x * x
        return (product, product.isFinite ? (-product).addingProduct(x, x) : 0)
    }

    /// x · y as a sum of two doubles.
    @inline(__always) static func product(_ x: Double, _ y: Double) -> (Double, Double) {
        let product = x * y
        return (product, product.isFinite ? (-product).addingProduct(x, y) : 0)
    }
    /// x³ and x⁴ as sums of two doubles; what these lack is below 2^-100 of the value and depends on x alone.
    @inline(__always) static func cube(_ x: Double) -> (Double, Double) {
        let cube = DoubleDouble(square(x)) * DoubleDouble((x, 0))
        return cube.high.isFinite ? (cube.high, cube.low) : (x * x * x, 0)
    }
    @inline(__always) static func fourth(_ x: Double) -> (Double, Double) {
        let fourth = DoubleDouble(square(x)) * DoubleDouble(square(x))
        return fourth.high.isFinite ? (fourth.high, fourth.low) : (x * x * x * x, 0)
    }

    /// Values that a result needs at least; below, it is NULL.
    static func leastCount(_ kind: AggregateKind) -> Int64 {
        switch kind {
        case .varSamp, .stddevSamp, .covarSamp: 2
        default: 1
        }
    }

    /// Skewness and excess kurtosis from the sums of the first four powers; NULL where all values are equal.
    static func shape(_ kind: AggregateKind, count: Int64, _ sums: [(Double, Double)]) -> Double? {
        if count < 1 { return nil }
        if sums.contains(where: { !$0.0.isFinite }) { return .nan }
        let n = Double(count)
        let (s1, s2, s3) = (DoubleDouble(sums[0]), DoubleDouble(sums[1]), DoubleDouble(sums[2]))
        let mean = s1 / n
        let m2 = s2 - mean * s1
        if deviation(s2, mean, s1) == 0 { return nil }
        func times(_ x: DoubleDouble, _ factor: Double) -> DoubleDouble { x * DoubleDouble((factor, 0)) }
        // Σ(x - m)³ = S3 - 3 m S2 + 2 m² S1
        if kind == .skewness {
            let m3 = (s3 - times(mean * s2, 3)) - times(mean * mean * s1, -2)
            return n.squareRoot() * m3.high / (m2.high * m2.high * m2.high).squareRoot()
        }
        // Σ(x - m)⁴ = S4 - 4 m S3 + 6 m² S2 - 3 m³ S1
        let s4 = DoubleDouble(sums[3])
        let m4 = ((s4 - times(mean * s3, 4)) - times(mean * mean * s2, -6)) - times(mean * mean * mean * s1, 3)
        return n * m4.high / (m2.high * m2.high) - 3
    }

    /// Covariances and correlation from Σx, Σy, Σxy, and for the correlation Σx², Σy².
    static func pair(_ kind: AggregateKind, count: Int64, _ sums: [(Double, Double)]) -> Double? {
        if count < leastCount(kind) { return nil }
        if sums.contains(where: { !$0.0.isFinite }) { return .nan }
        let n = Double(count)
        let (x, y) = (DoubleDouble(sums[0]), DoubleDouble(sums[1]))
        let (both, expected) = (DoubleDouble(sums[2]), (x / n) * y)
        let difference = (both - expected).high
        let joint = abs(difference) > max(abs(both.high), abs(expected.high)) * rounding ? difference : 0
        switch kind {
        case .covarPop: return joint / n
        case .covarSamp: return joint / (n - 1)
        default:
            let (a, b) = (deviation(DoubleDouble(sums[3]), x / n, x), deviation(DoubleDouble(sums[4]), y / n, y))
            return a > 0 && b > 0 ? joint / (a.squareRoot() * b.squareRoot()) : nil
        }
    }

    /// nil: NULL.
    static func result(
        _ kind: AggregateKind, count: Int64, sum: (Double, Double), squares: (Double, Double)
    ) -> Double? {
        if count < leastCount(kind) { return nil }
        let n = Double(count)
        guard sum.0.isFinite, squares.0.isFinite else { return .nan }
        let deviation = deviation(DoubleDouble(squares), DoubleDouble(sum) / n, DoubleDouble(sum))
        switch kind {
        case .varPop: return deviation / n
        case .varSamp: return deviation / (n - 1)
        case .stddevPop: return (deviation / n).squareRoot()
        default: return (deviation / (n - 1)).squareRoot()
        }
    }
}

/// Spark's exact percentile.
enum Percentile {
    /// - Parameter values: ascending, each with how often it occurs; not empty.
    static func interpolated(_ values: [(value: Double, weight: Int64)], _ fraction: Double) -> Double {
        let count = values.reduce(0) { $0 + $1.weight }
        let position = Double(count - 1) * fraction
        let (lower, upper) = (Int64(position.rounded(.down)), Int64(position.rounded(.up)))
        func at(_ index: Int64) -> Double {
            var seen: Int64 = 0
            for (value, weight) in values {
                seen += weight
                if index < seen { return value }
            }
            return values[values.count - 1].value
        }
        let (a, b) = (at(lower), at(upper))
        if lower == upper || a == b { return a }
        return (Double(upper) - position) * a + (position - Double(lower)) * b
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
