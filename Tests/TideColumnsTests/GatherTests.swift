import Testing
import TideColumns
import TideSimulation

/// Gather, filter, concat and bitmaps against loops over scalars, for every length around the word borders.
@Suite struct GatherTests {
    private func expectSame(_ column: Column, _ wanted: [Scalar], _ place: String) {
        #expect(column.count == wanted.count, "\(place)")
        guard column.count == wanted.count else { return }
        let differing = wanted.indices.filter { !isSame(column.scalar($0), wanted[$0]) }
        #expect(differing.isEmpty, "\(place): rows \(differing.prefix(3))")
        #expect(column.nullCount == wanted.count { $0.isNull }, "\(place)")
    }

    @Test(arguments: everyType) func gatherFilterConcat(_ type: DataType) {
        var generator = SeededGenerator(seed: 5)
        for count in 0...130 {
            let column = randomColumn(type, count, &generator, nullShare: count % 3 == 0 ? 0 : 0.3)
            let values = scalars(column)
            let place = "\(type), \(count) rows"
            let wanted = count == 0 ? 0 : Int.random(in: 0...150, using: &generator)
            let indices = (0..<wanted).map { _ in UInt32.random(in: 0..<UInt32(count), using: &generator) }
            expectSame(column.gather(indices), indices.map { values[Int($0)] }, place)

            let kept = (0..<count).map { _ in Bool.random(using: &generator) }
            let batch = Batch(
                columns: [column], count: count, weights: Column(.bigint, (0..<count).map { .bigint(Int64($0) - 50) }))
            let filtered = batch.filter(Bitmap(count: count) { kept[$0] })
            let rows = (0..<count).filter { kept[$0] }
            expectSame(filtered.columns[0], rows.map { values[$0] }, place)
            #expect(filtered.weights.map { scalars($0) } == rows.map { .bigint(Int64($0) - 50) }, "\(place)")

            // Parts from different heaps, from the same heap, and empty ones.
            let other = randomColumn(type, Int.random(in: 0...70, using: &generator), &generator)
            let parts = [column, other, .empty(type), column.gather(indices), other]
            expectSame(.concat(type, parts), parts.flatMap { scalars($0) }, "\(place), concat")
            expectSame(column.compacted(), values, "\(place), compacted")
        }
    }

    @Test func concatWithAndWithoutWeights() {
        let ints = Column(.int, [.int(1), .int(2)])
        let weighted = Batch(columns: [ints], count: 2, weights: Column(.bigint, [.bigint(-1), .bigint(3)]))
        let all = Batch.concat([Batch(columns: [ints], count: 2), weighted], types: [.int])
        #expect(all.weights.map { scalars($0) } == [.bigint(1), .bigint(1), .bigint(-1), .bigint(3)])
        #expect(Batch.concat([Batch(columns: [ints], count: 2)], types: [.int]).weights == nil)
        #expect(Batch.concat([], types: [.int, .string]).columns.map(\.type) == [.int, .string])
    }

    @Test func bitmaps() {
        var generator = SeededGenerator(seed: 6)
        for count in 0...130 {
            let a = (0..<count).map { _ in Bool.random(using: &generator) }
            let b = (0..<count).map { _ in Bool.random(using: &generator) }
            let x = Bitmap(count: count) { a[$0] }
            let y = Bitmap(count: count) { b[$0] }
            func bools(_ map: Bitmap) -> [Bool] { (0..<map.count).map { map[$0] } }
            #expect(bools(x) == a)
            #expect(bools(x.and(y)) == zip(a, b).map { $0 && $1 })
            #expect(bools(x.or(y)) == zip(a, b).map { $0 || $1 })
            #expect(bools(x.andNot(y)) == zip(a, b).map { $0 && !$1 })
            #expect(bools(x.inverted()) == a.map { !$0 })
            #expect(x.inverted().onesCount == a.count { !$0 })
            #expect(Bitmap(repeating: true, count: count).onesCount == count)
            var indices = [UInt32](repeating: 0, count: count + 1)
            let n = indices.withUnsafeMutableBufferPointer { x.indices(into: $0.baseAddress!) }
            #expect(indices.prefix(n).map { Int($0) } == (0..<count).filter { a[$0] })
        }
    }
}
