import Foundation
import Testing
import TideEngineSimulation
import TideSimulation

@testable import Tidemill

/// Queries drawn from a grammar, over tables that grow, whose files change and vanish, and one that is updated and
/// deleted from (through AUTO CDC): after every epoch the view equals the query over all input as it is.
///
/// TIDE_ORACLE_CASES says how many cases (300), TIDE_ORACLE_FIRST the first seed, TIDE_ORACLE_SECONDS ends the run.
/// With TIDE_ORACLE_OUT=DIRECTORY every case is written there as JSON, for `Tests/Peers/oracle_duckdb.py`.
@Suite struct GrammarOracleTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let cases = environment["TIDE_ORACLE_CASES"].flatMap { Int($0) } ?? 300
    private static let firstSeed = environment["TIDE_ORACLE_FIRST"].flatMap { UInt64($0) } ?? 0
    private static let deadline = environment["TIDE_ORACLE_SECONDS"].flatMap { Double($0) }.map {
        Date(timeIntervalSinceNow: $0)
    }

    @Test(arguments: 0..<10) func viewsEqualTheirQueries(_ block: Int) throws {
        for number in 0..<Self.cases where number % 10 == block {
            if let deadline = Self.deadline, Date() > deadline { return }
            try check(Self.firstSeed + UInt64(number))
        }
    }

    private static let out = environment["TIDE_ORACLE_OUT"].map { URL(fileURLWithPath: $0) }

    /// One epoch of a case, as a second judge reads it. The kinds of the values are written as `DrawnQuery.Kind` says.
    private struct Case: Encodable {
        enum Cell: Encodable {
            case null
            case number(Double)
            case text(String)
            init(_ value: Value) {
                switch value {
                case .null: self = .null
                case .number(let v): self = .number(v)
                case .text(let v): self = .text(v)
                }
            }
            func encode(to encoder: any Encoder) throws {
                var container = encoder.singleValueContainer()
                switch self {
                case .null: try container.encodeNil()
                case .number(let v):
                    if let whole = Int(exactly: v) { try container.encode(whole) } else { try container.encode(v) }
                case .text(let v): try container.encode(v)
                }
            }
        }
        var seed: UInt64
        var epoch: Int
        var views: [[String]]
        var sql: String
        var l, r, c, x, found: [[Cell]]

        init(
            seed: UInt64, epoch: Int, views: [[String]], sql: String, _ tables: DrawnQuery.Tables,
            _ found: [[Value]]
        ) {
            self.seed = seed
            self.epoch = epoch
            self.views = views
            self.sql = sql
            l = tables.l.rows.map { $0.map { Cell($0) } }
            r = tables.r.rows.map { $0.map { Cell($0) } }
            c = tables.c.rows.map { $0.map { Cell($0) } }
            x = tables.x.rows.map { $0.map { Cell($0) } }
            self.found = found.map { $0.map { Cell($0) } }
        }
    }
    private func write(_ one: Case, to directory: URL) throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let encoder = JSONEncoder()
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        try encoder.encode(one).write(to: directory.appendingPathComponent("\(one.seed)-\(one.epoch).json"))
    }

    private struct Input {
        var tables = DrawnQuery.Tables()
        /// The newest event of each key.
        var newest: [Int: (n: Int, gone: Bool, row: [Value])] = [:]
        var nextID = 0
        /// Files of the tables that are read without STREAM, and their rows.
        var files: [(table: String, path: String, rows: [[Value]])] = []

        func rows(of table: String) -> ReferenceRelation {
            ReferenceRelation(files.filter { $0.table == table }.flatMap(\.rows))
        }
    }

    private func check(_ seed: UInt64) throws {
        var grammar = QueryGrammar(seed: seed &* 104_729 &+ 1)
        let query = grammar.query()
        var generator = grammar.generator
        let sql = grammar.statements + "CREATE MATERIALIZED VIEW t AS \(query.sql);"
        let disk = SimulatedFileSystem()
        for name in ["l", "r", "e", "x"] {
            try disk.createDirectories(SimulatedMachine.root.appending("in").appending(name))
        }
        var input = Input()
        for epoch in 0..<Int.random(in: 1...4, using: &generator) {
            let machine = SimulatedMachine(disk, seed: seed &+ UInt64(epoch), workers: [1, 2, 4][Int(seed % 3)])
            machine.settings = ["tidemill.batchRows": ["1", "3", "4096"].randomElement(using: &generator)!]
            for file in 0..<Int.random(in: 0...2, using: &generator) {
                let table = ["l", "r", "e", "x"].randomElement(using: &generator)!
                let path = "in/\(table)/\(epoch)-\(file).csv"
                let (text, rows) = draw(table, &input, &generator)
                try machine.write(path, text)
                if table != "e" { input.files.append((table, path, rows)) }
            }
            if Int.random(in: 0..<3, using: &generator) == 0 { try disturb(&input, disk, machine, &generator) }
            let place = "seed \(seed), epoch \(epoch): \(query.shape)"
            do throws(TidemillError) { try machine.run(sql) } catch {
                Issue.record("\(place)\n\(error.report())\n\(sql)")
                return
            }
            input.tables.l = input.rows(of: "l")
            input.tables.r = input.rows(of: "r")
            input.tables.x = input.rows(of: "x")
            input.tables.c = ReferenceRelation(input.newest.values.filter { !$0.gone }.map(\.row))
            let found = ReferenceRelation(try machine.rows(sql, "t").map { $0.map { value($0) } }).sorted
            let wanted = ReferenceRelation(query.rows(input.tables).rows).sorted
            if let out = Self.out {
                try write(
                    Case(
                        seed: seed, epoch: epoch, views: grammar.views.map { [$0.name, $0.sql] }, sql: query.sql,
                        input.tables, found), to: out)
            }
            if found != wanted {
                Issue.record(
                    """
                    \(place)
                    \(sql)
                    l: \(input.tables.l.rows)
                    r: \(input.tables.r.rows)
                    c: \(input.tables.c.rows)
                    x: \(input.tables.x.rows)
                    found:  \(found)
                    wanted: \(wanted)
                    """)
                return
            }
        }
    }

    /// What the engine stored, as the reference writes it.
    private func value(_ scalar: Scalar) -> Value {
        switch scalar.value {
        case .null: .null
        case .boolean(let v): .number(v ? 1 : 0)
        case .integer(let v): .number(Double(v))
        case .float(let v): .number(Double(v))
        case .double(let v): .number(v)
        case .decimal(let v): .number(Double(v))
        case .bytes: .text(scalar.string ?? "")
        }
    }

    /// Some file goes away, or gets other rows.
    private func disturb(
        _ input: inout Input, _ disk: SimulatedFileSystem, _ machine: SimulatedMachine,
        _ generator: inout SeededGenerator
    ) throws {
        guard let index = input.files.indices.randomElement(using: &generator) else { return }
        let file = input.files[index]
        try disk.remove(SimulatedMachine.root.pushing(FilePath(file.path)))
        if Bool.random(using: &generator) {
            input.files.remove(at: index)
            return
        }
        let (text, rows) = draw(file.table, &input, &generator)
        try machine.write(file.path, text)
        input.files[index].rows = rows
    }

    /// The text of a file of one of the tables, and its rows.
    private func draw(
        _ table: String, _ input: inout Input, _ generator: inout SeededGenerator
    ) -> (text: String, rows: [[Value]]) {
        func some(_ range: ClosedRange<Int>) -> Int? {
            Int.random(in: 0..<6, using: &generator) == 0 ? nil : Int.random(in: range, using: &generator)
        }
        func cell(_ number: Int?) -> String { number.map(String.init) ?? "" }
        func value(_ number: Int?) -> Value { number.map { .number(Double($0)) } ?? .null }
        func text(_ number: Int?) -> String { number.map { $0 == 3 ? "a key of many bytes" : "k\($0)" } ?? "" }
        func textValue(_ number: Int?) -> Value { number == nil ? .null : .text(text(number)) }
        var lines = ""
        var rows: [[Value]] = []
        for _ in 0..<Int.random(in: 0...6, using: &generator) {
            let (k, g, v) = (some(0...4), some(0...3), some(-4...7))
            switch table {
            case "l":
                input.nextID += 1
                lines += "\(input.nextID),\(text(k)),\(cell(g)),\(cell(v))\n"
                rows.append([.number(Double(input.nextID)), textValue(k), value(g), value(v)])
            case "r":
                lines += "\(text(k)),\(cell(g)),\(cell(v))\n"
                rows.append([textValue(k), value(g), value(v)])
            case "x":
                let row = TypedRow(key: k.map { text($0) }, &generator)
                lines += row.line
                rows.append(row.values)
            default:
                let id = Int.random(in: 0...5, using: &generator)
                let n = Int.random(in: 0...8, using: &generator)
                let gone = Int.random(in: 0..<4, using: &generator) == 0
                lines += "\(id),\(text(k)),\(cell(v)),\(n),\(gone)\n"
                if n >= input.newest[id]?.n ?? .min {
                    input.newest[id] = (n, gone, [.number(Double(id)), textValue(k), value(v)])
                }
            }
        }
        return (lines, rows)
    }
}
