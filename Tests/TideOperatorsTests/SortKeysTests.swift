import Testing
import TideSimulation

@testable import TideOperators

/// Byte-string sort keys against a comparator written from Spark's order: NULLs where asked, NaN largest, -0.0 as 0.0,
/// strings by bytes.
@Suite struct SortKeysTests {
    private func compare(_ a: Scalar, _ b: Scalar) -> Int {
        func order<T: Comparable>(_ x: T, _ y: T) -> Int { x < y ? -1 : x > y ? 1 : 0 }
        func floating(_ x: Double, _ y: Double) -> Int {
            if x.isNaN || y.isNaN { return order(x.isNaN ? 1 : 0, y.isNaN ? 1 : 0) }
            return order(x, y)
        }
        switch (a.value, b.value) {
        case (.boolean(let x), .boolean(let y)): return order(x ? 1 : 0, y ? 1 : 0)
        case (.integer(let x), .integer(let y)): return order(x, y)
        case (.decimal(let x), .decimal(let y)): return order(x, y)
        case (.double(let x), .double(let y)): return floating(x, y)
        case (.float(let x), .float(let y)): return floating(Double(x), Double(y))
        case (.bytes(let x), .bytes(let y)):
            return x.lexicographicallyPrecedes(y) ? -1 : y.lexicographicallyPrecedes(x) ? 1 : 0
        default: return 0
        }
    }

    private func value(_ type: DataType, _ generator: inout SeededGenerator) -> Scalar {
        if Int.random(in: 0..<6, using: &generator) == 0 { return .null(type) }
        switch type.physical {
        case .bit: return .boolean(.random(using: &generator))
        case .int32: return .int([.min, -1, 0, 1, .max].randomElement(using: &generator)!)
        case .int64: return .bigint([.min, -1, 0, 1, 1 << 40, .max].randomElement(using: &generator)!)
        case .int128: return Scalar(type, .decimal([.min, -1, 0, 1, 1 << 70, .max].randomElement(using: &generator)!))
        case .float32:
            return Scalar(
                type, .float([-.infinity, -1, -0.0, 0, 0x1p-149, 1, .infinity, .nan].randomElement(using: &generator)!))
        case .float64:
            return .double(
                [-.infinity, -1, -0x1p-1074, -0.0, 0, 0x1p-1074, 1, .infinity, .nan, -.nan].randomElement(
                    using: &generator)!)
        case .view:
            return Scalar(
                type,
                .bytes(
                    [
                        [], [0], [0, 0], [0, 255], [97], [97, 0], [97, 98], [255],
                        [97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109],
                    ].randomElement(using: &generator)!))
        }
    }

    @Test func agreesWithAComparator() {
        var generator = SeededGenerator(seed: 21)
        let types: [DataType] = [
            .boolean, .int, .bigint, .float, .double, .decimal(precision: 38, scale: 0), .string, .date,
        ]
        for _ in 0..<300 {
            let chosen = (0..<Int.random(in: 1...3, using: &generator)).map { _ in
                types.randomElement(using: &generator)!
            }
            let count = Int.random(in: 0...40, using: &generator)
            let rows = (0..<count).map { _ in chosen.map { value($0, &generator) } }
            let keys = chosen.enumerated().map { index, type in
                LogicalPlan.Sort.Key(
                    expression: .column(index: index, type: type, nullable: true),
                    descending: .random(using: &generator),
                    nullsFirst: .random(using: &generator))
            }
            let columns = chosen.indices.map { index in Column(chosen[index], rows.map { $0[index] }) }
            let order = SortKeys(columns, keys, count: count).order()
            let wanted = (0..<count).sorted { a, b in
                for (index, key) in keys.enumerated() {
                    let (x, y) = (rows[a][index], rows[b][index])
                    if x.isNull != y.isNull { return x.isNull == key.nullsFirst }
                    let result = x.isNull ? 0 : compare(x, y)
                    if result != 0 { return (result < 0) != key.descending }
                }
                return a < b
            }
            #expect(order.map { Int($0) } == wanted, "\(chosen), \(keys)")
        }
    }
}
