import Testing
import TideColumns
import TideSimulation

/// Rows of a batch put together by key, against a dictionary of key texts.
@Suite struct ReducedRowsTests {
    private static let keySets: [[DataType]] = [
        [.bigint], [.string], [.double], [.float, .boolean], [.int, .string, .date],
        [.decimal(precision: 30, scale: 2), .double, .string, .int], Array(repeating: .boolean, count: 9), [],
    ]

    @Test(arguments: keySets.indices, [false, true]) func againstDictionary(_ set: Int, isWeighted: Bool) {
        let types = Self.keySets[set]
        var generator = SeededGenerator(seed: UInt64(set))
        for count in [0, 1, 2, 700, 20_000] {
            let columns = types.map { randomColumn($0, count, &generator) }
            let weight = (0..<count).map { _ in Int64.random(in: -2...3, using: &generator) }
            let keys = KeyImages(columns, count: count, layout: RowLayout(keys: types, valueBytes: 8))
            let reduced = keys.reduced(weights: isWeighted ? Column(.bigint, weight.map { .bigint($0) }) : nil)
            func key(_ row: Int) -> String { columns.map { keyText($0.scalar(row)) }.joined(separator: "\u{1}") }

            var expected: [String: Int64] = [:]
            for row in 0..<count { expected[key(row), default: 0] += isWeighted ? weight[row] : 1 }
            var sums: [String: Int64] = [:]
            let weights = reduced.weights.pointer(Int64.self)
            for row in reduced.rows { sums[key(Int(row)), default: 0] += weights[Int(row)] }
            #expect(sums == expected)
            #expect(reduced.rows == reduced.rows.sorted())
            #expect(Set(reduced.rows).count == reduced.rows.count)
        }
    }

    /// Few keys find their places, so each stays one row.
    @Test func fewKeysMeet() {
        let count = 50_000
        let numbers = Column(.bigint, (0..<count).map { .bigint(Int64($0 % 10)) })
        let keys = KeyImages([numbers], count: count, layout: RowLayout(keys: [.bigint], valueBytes: 8))
        let reduced = keys.reduced(weights: nil)
        #expect(reduced.rows == Array(0..<10))
        let weights = reduced.weights.pointer(Int64.self)
        for row in 0..<10 { #expect(weights[row] == 5_000) }
    }
}
