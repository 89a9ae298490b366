import Testing
import TideEngineSimulation
import TideSimulation

@testable import Tidemill

/// After every epoch each stored table equals its query over all input so far, computed by loops over rows.
@Suite struct OracleTests {
    /// How the key column is written and read.
    private enum KeyType: String, CaseIterable {
        case string = "STRING"
        case int = "INT"
        case double = "DOUBLE"
        case date = "DATE"

        func text(_ number: Int) -> String {
            switch self {
            // Some longer than a string view holds inline, alike at the beginning.
            case .string: number % 2 == 0 ? "k\(number)" : "a key of many bytes \(number)"
            case .int: "\(number - 2)"
            case .double: "\(number).5"
            case .date: "2024-02-\(10 + number)"
            }
        }
    }

    private struct Case {
        var template: QueryTemplate
        var key: KeyType
        var valueType: String
        var number: Int
        var sql: String

        init(_ seed: UInt64, _ generator: inout SeededGenerator) {
            template = QueryTemplate.all[Int(seed) % QueryTemplate.all.count]
            key = KeyType.allCases.randomElement(using: &generator)!
            valueType = ["DOUBLE", "INT", "BIGINT", "DECIMAL(12,2)"].randomElement(using: &generator)!
            number = Int.random(in: 0...5, using: &generator)
            sql = """
                CREATE TABLE l (id INT, k \(key.rawValue), g INT, v \(valueType)) USING csv OPTIONS (path 'in/l');
                CREATE TABLE r (k \(key.rawValue), g INT, w BIGINT) USING csv OPTIONS (path 'in/r');

                """ + template.sql.replacing("?", with: "\(number)")
        }
    }

    /// The key as the engine reads it back.
    private static func keyValue(_ type: KeyType, _ number: Int?) -> Value {
        guard let number else { return .null }
        switch type {
        case .string: return .text(type.text(number))
        case .int: return .number(Double(number - 2))
        case .double: return .number(Double(number) + 0.5)
        case .date: return .text("date \(19_763 + number)")
        }
    }

    @Test(arguments: 0..<10) func tablesEqualTheirQueries(_ block: UInt64) throws {
        for seed in (block * 30)..<(block * 30 + 30) { try check(seed) }
    }

    private func check(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed &* 7919)
        let one = Case(seed, &generator)
        var disk = SimulatedFileSystem()
        try disk.createDirectories("/p/in/l")
        try disk.createDirectories("/p/in/r")
        var l = ReferenceRelation([])
        var r = ReferenceRelation([])
        var id = 0
        let keys = Int.random(in: 1...6, using: &generator)
        let epochs = Int.random(in: 1...5, using: &generator)
        for epoch in 0..<epochs {
            let machine = SimulatedMachine(disk, seed: seed &+ UInt64(epoch), workers: [1, 2, 4][Int(seed % 3)])
            machine.settings = [
                "tidemill.batchRows": ["1", "3", "4096"].randomElement(using: &generator)!,
                "tidemill.flushBytes": ["0", "2k", "100000"].randomElement(using: &generator)!,
                "tidemill.memory.limit": ["1", "8k", "1g"].randomElement(using: &generator)!,
            ]
            for file in 0..<Int.random(in: 0...2, using: &generator) {
                var text = ""
                let isLeft = Bool.random(using: &generator)
                for _ in 0..<Int.random(in: 0...7, using: &generator) {
                    func some(_ range: ClosedRange<Int>) -> Int? {
                        Int.random(in: 0..<6, using: &generator) == 0 ? nil : Int.random(in: range, using: &generator)
                    }
                    func cell(_ number: Int?) -> String { number.map(String.init) ?? "" }
                    func value(_ number: Int?) -> Value { number.map { .number(Double($0)) } ?? .null }
                    let key = some(0...keys)
                    let (g, v) = (some(0...3), some(-5...9))
                    let keyText = key.map { one.key.text($0) } ?? ""
                    if isLeft {
                        id += 1
                        text += "\(id),\(keyText),\(cell(g)),\(cell(v))\n"
                        l.rows.append([.number(Double(id)), Self.keyValue(one.key, key), value(g), value(v)])
                    } else {
                        text += "\(keyText),\(cell(g)),\(cell(v))\n"
                        // A line of nothing but separators is still a row.
                        r.rows.append([Self.keyValue(one.key, key), value(g), value(v)])
                    }
                }
                try machine.write("in/\(isLeft ? "l" : "r")/\(epoch)-\(file).csv", text)
            }
            if Int.random(in: 0..<3, using: &generator) == 0 {
                // A life that ends in the middle.
                disk.cutPower(afterCalls: Int.random(in: 0..<80, using: &generator))
                try? machine.run(one.sql)
                let after = SimulatedMachine(disk.crashed(seed: seed), seed: seed, workers: 2)
                disk = after.disk
                try run(after, one, seed)
                try compare(after, one, l, r, "seed \(seed), epoch \(epoch) after a power cut")
            } else {
                try run(machine, one, seed)
                try compare(machine, one, l, r, "seed \(seed), epoch \(epoch)")
            }
        }
    }

    private func run(_ machine: SimulatedMachine, _ one: Case, _ seed: UInt64) throws {
        do throws(TidemillError) { try machine.run(one.sql) } catch {
            Issue.record("seed \(seed): \(error.report())\n\(one.sql)")
            throw error
        }
    }

    private func compare(
        _ machine: SimulatedMachine, _ one: Case, _ l: ReferenceRelation, _ r: ReferenceRelation, _ place: String
    ) throws {
        for (table, wanted) in one.template.tables(l, r, Double(one.number)) {
            let found = ReferenceRelation(try machine.rows(one.sql, table).map { $0.map { Value($0) } })
            #expect(found.sorted == wanted.sorted, "\(place), \(one.template.name), table \(table)\n\(one.sql)")
        }
    }
}
