/// Intervals as Spark's cast to STRING prints them: `INTERVAL '1-2' YEAR TO MONTH`, `INTERVAL '26:00' HOUR TO MINUTE`.
extension FormatText {
    /// - Parameter value: months, or microseconds.
    /// - Returns: the length; at most 54 bytes are written.
    public static func interval(
        _ value: Int64, _ range: IntervalRange, _ out: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var length = put("INTERVAL '", out)
        if value < 0 {
            out[length] = UInt8(ascii: "-")
            length += 1
        }
        length += fields(value.magnitude, range, out + length)
        length += put("' ", out + length)
        length += put(range.first, out + length)
        if range.first != range.last {
            length += put(" TO ", out + length)
            length += put(range.last, out + length)
        }
        return length
    }

    /// The fields alone, of a value without its sign: `1 02:03:04.5`.
    private static func fields(
        _ magnitude: UInt64, _ range: IntervalRange, _ out: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var rest = magnitude
        var length = 0
        for unit in IntervalRange.Unit.allCases where range.contains(unit) {
            let (value, below) = rest.quotientAndRemainder(dividingBy: UInt64(unit.size))
            rest = below
            if unit != range.first {
                out[length] = separator(before: unit)
                length += 1
            }
            // A time of day has two digits; years, months, days have as many as they need.
            if unit >= .hour, value < 10 {
                out[length] = UInt8(ascii: "0")
                length += 1
            }
            length += unsigned(value, out + length)
        }
        guard range.last == .second, rest > 0 else { return length }
        out[length] = UInt8(ascii: ".")
        padded(Int(rest), width: 6, out + length + 1)
        length += 7
        while out[length - 1] == UInt8(ascii: "0") { length -= 1 }
        return length
    }

    private static func separator(before unit: IntervalRange.Unit) -> UInt8 {
        switch unit {
        case .month: UInt8(ascii: "-")
        case .hour: UInt8(ascii: " ")
        default: UInt8(ascii: ":")
        }
    }

    private static func put(_ unit: IntervalRange.Unit, _ out: UnsafeMutablePointer<UInt8>) -> Int {
        switch unit {
        case .year: put("YEAR", out)
        case .month: put("MONTH", out)
        case .day: put("DAY", out)
        case .hour: put("HOUR", out)
        case .minute: put("MINUTE", out)
        case .second: put("SECOND", out)
        }
    }
}
