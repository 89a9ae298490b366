import TideSimulation

/// A file that somebody put into an input directory, and its rows.
struct SimulatedInputFile {
    var relation: String
    var path: String
    var text = ""
    var rows: [ReferenceRelation.Row] = []
    var modifiedNanos: Int64

    /// What the ledger says when it was taken: the path, and of files that change also which version.
    var key: String { SimulatedInput.changing == relation ? "\(path)@\(modifiedNanos)" : path }
}

/// Makes input files. NULLs, keys that differ only behind their first twelve bytes, mtimes that are equal or old, late
/// events, changes out of order.
///
///     l (id INT, k STRING, g INT, v INT)          grows
///     r (k STRING, g INT, w BIGINT)               grows
///     s (k STRING, city STRING)                   never changes
///     m (id INT, k STRING, g INT, v INT)          files change and vanish
///     e (id INT, ts TIMESTAMP, k STRING, v INT)   events
///     h (id INT, ts TIMESTAMP, k STRING)          other events
///     c (k STRING, v INT, op STRING, n BIGINT)    changes of rows
struct SimulatedInput {
    private var files = 0
    private var rows = 0
    /// Where most events are, seconds since 1970.
    private var eventSeconds = 1_600_000_000

    static let relations = ["l", "r", "m", "e", "h", "c"]
    /// The relation whose files change.
    static let changing = "m"

    /// The relation that never changes.
    static let cities: [ReferenceRelation.Row] = (0...3).map { [.text(keyText($0)), .text("city \($0 % 2)")] }
    static let citiesText = (0...3).map { "\(keyText($0)),city \($0 % 2)\n" }.joined()

    static func keyText(_ number: Int) -> String {
        number % 2 == 0 ? "k\(number)" : "a key of many bytes \(number)"
    }

    /// A new file, or for the changing relation perhaps another version of one.
    mutating func next(
        _ relation: String, nowMicros: Int64, _ generator: inout SeededGenerator
    ) -> SimulatedInputFile {
        files += 1
        // Names do not follow the order of arrival.
        let name =
            relation == SimulatedInput.changing
            ? "\(Int.random(in: 0..<4, using: &generator)).csv"
            : "\(Int.random(in: 0..<100, using: &generator))-\(files).csv"
        let age: Int64 = [0, 1, 1_000_000, 1_000_000_000].randomElement(using: &generator)!
        var file = SimulatedInputFile(
            relation: relation, path: "/p/in/\(relation)/\(name)",
            modifiedNanos: (nowMicros / 1_000_000) * 1_000_000_000 - age * 1000)
        // Two versions of a file never look the same.
        if relation == SimulatedInput.changing { file.modifiedNanos += Int64(files) }
        eventSeconds += Int.random(in: 0..<15, using: &generator)
        for _ in 0..<Int.random(in: 0...6, using: &generator) { add(to: &file, &generator) }
        return file
    }

    /// A file without rows.
    mutating func empty(_ relation: String, nowMicros: Int64) -> SimulatedInputFile {
        files += 1
        return SimulatedInputFile(
            relation: relation, path: "/p/in/\(relation)/empty-\(files).csv",
            modifiedNanos: (nowMicros / 1_000_000) * 1_000_000_000 + Int64(files))
    }

    /// A file that takes away what can be taken: an event behind everything, or a deletion of every key.
    mutating func last(_ relation: String, nowMicros: Int64) -> SimulatedInputFile {
        var file = empty(relation, nowMicros: nowMicros)
        if relation == "c" {
            for key in 0...5 { addChange(to: &file, key: key, value: nil, isDeletion: true, number: 9_000_000_000) }
        } else {
            eventSeconds += 1_000_000
            // One without a key would not count for the watermark of a join by keys.
            addEvent(to: &file, seconds: eventSeconds, key: 0, value: nil)
        }
        return file
    }

    // MARK: Rows

    private func cell(_ number: Int?) -> String { number.map(String.init) ?? "" }
    private func value(_ number: Int?) -> Value { number.map { .number(Double($0)) } ?? .null }
    private func keyCell(_ key: Int?) -> String { key.map(SimulatedInput.keyText) ?? "" }
    private func keyValue(_ key: Int?) -> Value { key.map { .text(SimulatedInput.keyText($0)) } ?? .null }

    private mutating func add(to file: inout SimulatedInputFile, _ generator: inout SeededGenerator) {
        func some(_ range: ClosedRange<Int>) -> Int? {
            Int.random(in: 0..<7, using: &generator) == 0 ? nil : Int.random(in: range, using: &generator)
        }
        let key = some(0...5)
        let (g, v) = (some(0...3), some(-5...9))
        rows += 1
        switch file.relation {
        case "r":
            file.text += "\(keyCell(key)),\(cell(g)),\(cell(v))\n"
            file.rows.append([keyValue(key), value(g), value(v)])
        case "e", "h":
            let seconds = eventSeconds + Int.random(in: -45...15, using: &generator)
            addEvent(to: &file, seconds: seconds, key: key, value: v)
        case "c":
            // No two events have one number.
            let number = Int.random(in: 0..<1000, using: &generator) * 1_000_000 + rows
            addChange(
                to: &file, key: key ?? 0, value: v, isDeletion: Int.random(in: 0..<4, using: &generator) == 0,
                number: g == nil ? nil : number)
        default:
            file.text += "\(rows),\(keyCell(key)),\(cell(g)),\(cell(v))\n"
            file.rows.append([.number(Double(rows)), keyValue(key), value(g), value(v)])
        }
    }

    private mutating func addEvent(to file: inout SimulatedInputFile, seconds: Int, key: Int?, value v: Int?) {
        rows += 1
        let text = "\(rows),\(SimulatedInput.timestamp(seconds)),\(keyCell(key))"
        let values: ReferenceRelation.Row = [.number(Double(rows)), .number(Double(seconds)), keyValue(key)]
        file.text += file.relation == "e" ? "\(text),\(cell(v))\n" : "\(text)\n"
        file.rows.append(file.relation == "e" ? values + [value(v)] : values)
    }

    private func addChange(
        to file: inout SimulatedInputFile, key: Int, value v: Int?, isDeletion: Bool, number: Int?
    ) {
        file.text += "\(keyCell(key)),\(cell(v)),\(isDeletion ? "D" : "U"),\(cell(number))\n"
        file.rows.append([keyValue(key), value(v), .text(isDeletion ? "D" : "U"), value(number)])
    }

    /// As CSV has it, in UTC. Days to a date: the algorithm of Howard Hinnant's `civil_from_days`, for days after 1970.
    static func timestamp(_ seconds: Int) -> String {
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let (days, rest) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let shifted = days + 719_468
        let (era, dayOfEra) = shifted.quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return "\(year)-\(two(month))-\(two(day)) \(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60))"
    }
}
