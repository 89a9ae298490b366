import Testing

@testable import TideOperators

/// Against a plain list that is searched as a whole.
@Suite struct EvictionIndexTests {
    @Test func takesWhatIsDue() {
        var generator = SystemRandomNumberGenerator()
        for round in 0..<50 {
            var index = EvictionIndex()
            var list: [(time: Int64, row: UnsafeMutableRawPointer)] = []
            let spread: Int64 = [10, 3_000_000, 5_000_000_000][round % 3]
            for step in 0..<200 {
                for _ in 0..<Int.random(in: 0..<8, using: &generator) {
                    let time = Int64.random(in: -spread...spread, using: &generator)
                    guard let row = UnsafeMutableRawPointer(bitPattern: 16 * (list.count + 1 + step * 10_000)) else {
                        continue
                    }
                    index.add(row, at: time)
                    list.append((time, row))
                }
                let limit = Int64.random(in: -spread...spread, using: &generator)
                let due = Set(list.filter { $0.time <= limit }.map(\.row))
                #expect(Set(index.take(through: limit)) == due)
                list.removeAll { $0.time <= limit }
                #expect(index.count == list.count)
            }
        }
    }

    @Test func edges() {
        var index = EvictionIndex()
        #expect(index.take(through: .max).isEmpty)
        guard let row = UnsafeMutableRawPointer(bitPattern: 64) else { return }
        for time in [Int64.min, -1_000_001, -1_000_000, -1, 0, 999_999, 1_000_000, .max] { index.add(row, at: time) }
        #expect(index.take(through: -1_000_000).count == 3)
        #expect(index.take(through: -1).count == 1)
        #expect(index.take(through: 999_999).count == 2)
        #expect(index.take(through: .max).count == 2)
    }
}
