import Testing
import TideSimulation

@testable import TideOperators

/// Rows in order of their hashes, whatever the hashes are like.
@Suite struct StateOrderTests {
    @Test(arguments: [0, 1, 2, 31, 1000, 70_000], ["spread", "one partition", "few", "equal", "clustered"])
    func anyHashes(_ count: Int, _ kind: String) {
        var generator = SeededGenerator(seed: UInt64(count))
        let hashes = (0..<count).map { _ -> UInt64 in
            let any = UInt64.random(in: 0...UInt64.max, using: &generator)
            return switch kind {
            case "one partition": 0xAB << 56 | any >> 8
            case "few": any & 7
            case "equal": 42
            case "clustered": (any & 1) << 63 | any >> 40
            default: any
            }
        }
        // A row's address stands for its position.
        let rows = (0..<count).map { UnsafeMutableRawPointer(bitPattern: 8 + $0 * 8)! }
        let sorted = hashes.withUnsafeBufferPointer { StateOrder.sorted(rows, $0) }
        #expect(sorted.hashes == hashes.sorted())
        let positions = sorted.rows.map { (Int(bitPattern: $0) - 8) / 8 }
        #expect(positions.map { hashes[$0] } == sorted.hashes)
        #expect(Set(positions).count == count)
    }
}
