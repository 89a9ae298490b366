import Testing
import TideColumns
import TideSimulation

/// The time index against a sorted array.
@Suite struct TimeIndexTests {
    private func insert(_ entries: [TimeIndex.Entry], into index: inout TimeIndex) {
        index.insert(times: entries.map(\.time), keys: entries.map(\.key), count: entries.count)
    }

    /// Random batches and takings, with times that come in order, nearly in order, in none, and many that are equal.
    @Test(arguments: 0..<12) func againstSortedArray(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var index = TimeIndex()
        var model: [TimeIndex.Entry] = []
        let spread = [1, 50, 3_000, 1_000_000][Int(seed % 4)]
        var now: Int64 = -500
        for round in 0..<120 {
            let n = [0, 1, 7, 900, 5000][Int.random(in: 0..<5, using: &generator)]
            let entries = (0..<n).map { at in
                TimeIndex.Entry(
                    time: now + (seed % 3 == 0 ? Int64(at) : Int64.random(in: 0..<Int64(spread), using: &generator)),
                    key: UInt64.random(in: 0..<(seed % 2 == 0 ? 5 : .max), using: &generator))
            }
            insert(entries, into: &index)
            model += entries
            now += Int64.random(in: 0...Int64(spread) / 8, using: &generator)
            if round % 3 == 1 {
                let bound = round == 118 ? Int64.max : now
                var due = [TimeIndex.Entry(time: 7, key: 7)]
                index.pop(through: bound, into: &due)
                #expect(due.first == TimeIndex.Entry(time: 7, key: 7))
                #expect(Array(due.dropFirst()) == model.filter { $0.time <= bound }.sorted())
                model.removeAll { $0.time <= bound }
            }
            #expect(index.count == model.count)
            #expect(index.earliest == model.map(\.time).min())
        }
    }

    @Test func extremes() {
        var index = TimeIndex()
        var due: [TimeIndex.Entry] = []
        index.pop(through: .max, into: &due)
        #expect(due.isEmpty && index.earliest == nil)
        let entries = [TimeIndex.Entry(time: .max, key: .max), .init(time: .min, key: 0), .init(time: .max, key: 0)]
        insert(entries, into: &index)
        index.pop(through: .min, into: &due)
        #expect(due == [entries[1]])
        index.pop(through: .max - 1, into: &due)
        #expect(due == [entries[1]])
        index.pop(through: .max, into: &due)
        #expect(due == [entries[1], entries[2], entries[0]])
        #expect(index.count == 0 && index.earliest == nil)
    }

    /// Memory follows the entries: 16 bytes each and at most twice that, and it is given back.
    @Test func memory() {
        var index = TimeIndex()
        let rows = 300_000
        var generator = SeededGenerator(seed: 3)
        insert(
            (0..<rows).map { TimeIndex.Entry(time: Int64.random(in: 0..<1000, using: &generator), key: UInt64($0)) },
            into: &index)
        #expect(index.byteCount >= rows * 16 && index.byteCount <= rows * 18)
        var due: [TimeIndex.Entry] = []
        index.pop(through: 899, into: &due)
        #expect(index.count == rows - due.count)
        #expect(index.byteCount <= 2 * 16 * index.count + 1 << 17)
        index.pop(through: 1000, into: &due)
        #expect(due.count == rows && index.byteCount <= 1 << 17)
    }
}
