/// Intervals as Spark's cast to STRING prints them, with all fields of their family.
enum IntervalText {
    /// nil for other types.
    static func formatted(_ column: Column) -> Column? {
        guard column.type == .yearMonthInterval || column.type == .dayTimeInterval else { return nil }
        let isMonths = column.type == .yearMonthInterval
        var builder = StringColumnBuilder(type: .string, capacity: column.count)
        for row in 0..<column.count {
            if !column.isValid(row) {
                builder.appendEmpty()
                continue
            }
            var text =
                isMonths
                ? yearMonth(Int64(column.pointer(Int32.self)[row])) : dayTime(column.pointer(Int64.self)[row])
            text.withUTF8 { builder.append(UnsafeRawBufferPointer($0)) }
        }
        return builder.finish(validity: column.validity)
    }

    static func yearMonth(_ months: Int64) -> String {
        let magnitude = months.magnitude
        return "INTERVAL '\(months < 0 ? "-" : "")\(magnitude / 12)-\(magnitude % 12)' YEAR TO MONTH"
    }

    static func dayTime(_ micros: Int64) -> String {
        let magnitude = micros.magnitude
        let day: UInt64 = 86_400_000_000
        let rest = magnitude % day
        func two(_ value: UInt64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let clock = "\(two(rest / 3_600_000_000)):\(two(rest / 60_000_000 % 60)):\(two(rest / 1_000_000 % 60))"
        var fraction = String(rest % 1_000_000)
        fraction = String(repeating: "0", count: 6 - fraction.utf8.count) + fraction
        while fraction.last == "0" { fraction.removeLast() }
        let tail = fraction.isEmpty ? "" : ".\(fraction)"
        return "INTERVAL '\(micros < 0 ? "-" : "")\(magnitude / day) \(clock)\(tail)' DAY TO SECOND"
    }
}
