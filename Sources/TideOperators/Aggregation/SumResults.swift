/// Columns of sums and averages from 128-bit sums and counts, checked against their declared types.
enum SumResults {
    /// - Parameters:
    ///   - sums: 128-bit integers.
    ///   - counts: 64-bit; a sum of no value is NULL.
    static func sums(
        _ sums: Buffer, _ counts: Buffer, _ n: Int, as type: DataType
    ) throws(TidemillError) -> Column {
        let values = sums.pointer(Int128.self)
        let validity = present(counts, n)
        let bound: Int128
        switch type {
        case .decimal(let precision, _): bound = Int128.powerOfTen(precision) - 1
        default: bound = type.physical == .int32 ? Int128(Int32.max) : Int128(Int64.max)
        }
        for i in 0..<n where values[i] > bound || values[i] < -bound - (type.isDecimal ? 0 : 1) {
            throw TidemillError(
                .user, type.isInterval ? "INTERVAL_ARITHMETIC_OVERFLOW.WITH_SUGGESTION" : "ARITHMETIC_OVERFLOW",
                "sum does not fit \(type.sql): \(values[i])",
                hint: "cast the argument to a wider type, for example DECIMAL(38, 0)")
        }
        switch type.physical {
        case .int128: return Column(type: type, count: n, values: sums, validity: validity)
        case .int32:
            let narrow = Buffer(byteCount: n * 4)
            for i in 0..<n { narrow.pointer(Int32.self)[i] = Int32(truncatingIfNeeded: values[i]) }
            return Column(type: type, count: n, values: narrow, validity: validity)
        default:
            let narrow = Buffer(byteCount: n * 8)
            for i in 0..<n { narrow.pointer(Int64.self)[i] = Int64(truncatingIfNeeded: values[i]) }
            return Column(type: type, count: n, values: narrow, validity: validity)
        }
    }

    /// Spark's average of decimals: the sum brought to the result's scale, divided, half away from zero; of intervals
    /// the same without a scale.
    static func averages(
        _ sums: Buffer, of argument: DataType, _ counts: Buffer, _ n: Int, as type: DataType
    ) throws(TidemillError) -> Column {
        var factor: Int128 = 1
        var bound = Int128(Int64.max)
        if case .decimal(_, let from) = argument, case .decimal(let precision, let to) = type {
            factor = Int128.powerOfTen(max(0, to - from))
            bound = Int128.powerOfTen(precision) - 1
        }
        let values = sums.pointer(Int128.self)
        let counted = counts.pointer(Int64.self)
        let buffer = Buffer(byteCount: n * 16)
        let out = buffer.pointer(Int128.self)
        for i in 0..<n {
            let count = Int128(counted[i])
            if count <= 0 {
                out[i] = 0
                continue
            }
            let (scaled, overflow) = values[i].multipliedReportingOverflow(by: factor)
            let (quotient, rest) = scaled.quotientAndRemainder(dividingBy: count)
            let rounded = rest.magnitude * 2 >= count.magnitude ? quotient + (scaled < 0 ? -1 : 1) : quotient
            if overflow || rounded.magnitude > bound.magnitude {
                throw TidemillError(
                    .user, "NUMERIC_VALUE_OUT_OF_RANGE", "average does not fit \(type.sql)")
            }
            out[i] = rounded
        }
        return try self.sums(buffer, counts, n, as: type)
    }

    static func present(_ counts: Buffer, _ n: Int) -> Bitmap? {
        let values = counts.pointer(Int64.self)
        for i in 0..<n where values[i] <= 0 { return Bitmap(count: n) { values[$0] > 0 } }
        return nil
    }
}
