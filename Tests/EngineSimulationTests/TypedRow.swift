import TideEngineSimulation
import TideSimulation

/// A row of the table `x (k STRING, d DOUBLE, m DECIMAL(20,2), a DATE, z TIMESTAMP)`, with the odd values of each type.
struct TypedRow {
    /// As CSV, with its end of line.
    var line: String
    /// As `DrawnQuery.Kind` writes values.
    var values: [Value]

    init(key: String?, _ generator: inout SeededGenerator) {
        func some<T>(_ values: [T]) -> T? {
            Int.random(in: 0..<6, using: &generator) == 0 ? nil : values.randomElement(using: &generator)
        }
        let rare = Int.random(in: 0..<4, using: &generator) == 0 ? Double.infinity : 2
        let double = some([-0.0, 0.0, 0.5, -1.25, 3, Double.nan, 0.5, 3, rare])
        let hundredths = some([0, 25, -25, 75, 150, -1000, 12_345])
        let day = some([(1999, 12, 31), (2024, 1, 31), (2024, 2, 27), (2024, 2, 28), (2024, 2, 29), (2024, 3, 1)])
            .map { CalendarDay.day($0.0, $0.1, $0.2) }
        // Half a second before 1970, and within a few hours of one day.
        let morning = CalendarDay.day(2024, 2, 28) * 1440 + 10 * 60
        let micros = some([-500_000] + (0..<20).map { (morning + $0 * 10) * 60_000_000 })
        let cells: [String?] = [
            key, double.map(TypedRow.text), hundredths.map(TypedRow.decimal), day.map { CalendarDay($0).text },
            micros.map(TypedRow.instant),
        ]
        line = cells.map { $0 ?? "" }.joined(separator: ",") + "\n"
        let numbers: [Double?] = [double, hundredths.map(Double.init), day.map(Double.init), micros.map(Double.init)]
        values = [key.map { .text($0) } ?? .null] + numbers.map { number in number.map { .number($0) } ?? .null }
    }

    private static func text(_ double: Double) -> String {
        double.isNaN ? "NaN" : double.isInfinite ? "Infinity" : "\(double)"
    }
    private static func decimal(_ hundredths: Int) -> String {
        let (whole, rest) = abs(hundredths).quotientAndRemainder(dividingBy: 100)
        return "\(hundredths < 0 ? "-" : "")\(whole).\(rest < 10 ? "0" : "")\(rest)"
    }
    private static func instant(_ micros: Int) -> String {
        if micros < 0 { return "1969-12-31T23:59:59.500Z" }
        let (day, minutes) = (micros / 86_400_000_000, micros / 60_000_000 % 1440)
        let minute = minutes % 60 == 0 ? "00" : "\(minutes % 60)"
        return "\(CalendarDay(day).text)T\(minutes / 60):\(minute):00Z"
    }
}
