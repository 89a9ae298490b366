/// Precision and scale of decimal results (Spark's DecimalPrecision with `allowPrecisionLoss`, the default).
enum DecimalTypes {
    static let precisionMax = 38
    /// The scale that a division keeps even if integral digits are lost.
    static let adjustedScaleMin = 6

    /// The decimal that holds every value of an integral type; nil for other types.
    static func holding(_ type: DataType) -> (precision: Int, scale: Int)? {
        switch type {
        case .tinyint: (3, 0)
        case .smallint: (5, 0)
        case .int: (10, 0)
        case .bigint: (20, 0)
        case .decimal(let precision, let scale): (precision, scale)
        default: nil
        }
    }

    /// The smallest decimal for an integer literal.
    static func holding(literal value: Int64) -> (precision: Int, scale: Int) {
        (String(value.magnitude).utf8.count, 0)
    }

    static func bounded(_ precision: Int, _ scale: Int) -> DataType {
        .decimal(precision: min(precision, precisionMax), scale: min(scale, precisionMax))
    }

    /// Over 38 digits the fraction is cut, but not below six digits.
    static func adjusted(_ precision: Int, _ scale: Int) -> DataType {
        if precision <= precisionMax { return .decimal(precision: precision, scale: scale) }
        let integral = precision - scale
        let kept = max(precisionMax - integral, min(scale, adjustedScaleMin))
        return .decimal(precision: precisionMax, scale: kept)
    }

    /// The common type of two decimals; over 38 digits the fraction gives way.
    static func wider(_ a: (precision: Int, scale: Int), _ b: (precision: Int, scale: Int)) -> DataType {
        let scale = max(a.scale, b.scale)
        let precision = max(a.precision - a.scale, b.precision - b.scale) + scale
        if precision <= precisionMax { return .decimal(precision: precision, scale: scale) }
        return .decimal(precision: precisionMax, scale: max(0, scale - (precision - precisionMax)))
    }

    static func sum(_ a: (precision: Int, scale: Int), _ b: (precision: Int, scale: Int)) -> DataType {
        let scale = max(a.scale, b.scale)
        return adjusted(max(a.precision - a.scale, b.precision - b.scale) + scale + 1, scale)
    }
    static func product(_ a: (precision: Int, scale: Int), _ b: (precision: Int, scale: Int)) -> DataType {
        adjusted(a.precision + b.precision + 1, a.scale + b.scale)
    }
    static func quotient(_ a: (precision: Int, scale: Int), _ b: (precision: Int, scale: Int)) -> DataType {
        let integral = a.precision - a.scale + b.scale
        let scale = max(adjustedScaleMin, a.scale + b.precision + 1)
        return adjusted(integral + scale, scale)
    }
    static func remainder(_ a: (precision: Int, scale: Int), _ b: (precision: Int, scale: Int)) -> DataType {
        let scale = max(a.scale, b.scale)
        return adjusted(min(a.precision - a.scale, b.precision - b.scale) + scale, scale)
    }
}
