import TideSimulation

/// A file that somebody put into an input directory, and its rows.
struct SimulatedInputFile {
    var relation: String
    var path: String
    var text: String
    var rows: [ReferenceRelation.Row]
    var modifiedNanos: Int64
}

/// Makes input files. NULLs, keys that differ only behind their first twelve bytes, mtimes that are equal or old.
struct SimulatedInput {
    private var files = 0
    private var rows = 0

    /// The relation that never changes.
    static let cities: [ReferenceRelation.Row] = (0...3).map { [.text(keyText($0)), .text("city \($0 % 2)")] }
    static let citiesText = (0...3).map { "\(keyText($0)),city \($0 % 2)\n" }.joined()

    static func keyText(_ number: Int) -> String {
        number % 2 == 0 ? "k\(number)" : "a key of many bytes \(number)"
    }

    mutating func next(nowMicros: Int64, _ generator: inout SeededGenerator) -> SimulatedInputFile {
        let relation = Int.random(in: 0..<3, using: &generator) == 0 ? "r" : "l"
        files += 1
        // Names do not follow the order of arrival.
        let name = "\(Int.random(in: 0..<100, using: &generator))-\(files).csv"
        let age: Int64 = [0, 1, 1_000_000, 1_000_000_000].randomElement(using: &generator)!
        var file = SimulatedInputFile(
            relation: relation, path: "/p/in/\(relation)/\(name)", text: "", rows: [],
            modifiedNanos: (nowMicros / 1_000_000) * 1_000_000_000 - age * 1000)
        for _ in 0..<Int.random(in: 0...6, using: &generator) { add(to: &file, &generator) }
        return file
    }

    private mutating func add(to file: inout SimulatedInputFile, _ generator: inout SeededGenerator) {
        func some(_ range: ClosedRange<Int>) -> Int? {
            Int.random(in: 0..<7, using: &generator) == 0 ? nil : Int.random(in: range, using: &generator)
        }
        func cell(_ number: Int?) -> String { number.map(String.init) ?? "" }
        func value(_ number: Int?) -> Value { number.map { .number(Double($0)) } ?? .null }
        let key = some(0...5)
        let keyText = key.map(SimulatedInput.keyText) ?? ""
        let keyValue: Value = key == nil ? .null : .text(keyText)
        let (g, v) = (some(0...3), some(-5...9))
        if file.relation == "l" {
            rows += 1
            file.text += "\(rows),\(keyText),\(cell(g)),\(cell(v))\n"
            file.rows.append([.number(Double(rows)), keyValue, value(g), value(v)])
        } else {
            file.text += "\(keyText),\(cell(g)),\(cell(v))\n"
            file.rows.append([keyValue, value(g), value(v)])
        }
    }
}
