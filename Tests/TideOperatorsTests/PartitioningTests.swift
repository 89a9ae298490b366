import Testing
import TideSimulation

@testable import TideOperators

@Suite struct PartitioningTests {
    @Test func everyRowGoesToThePartitionOfItsTopBits() {
        var generator = SeededGenerator(seed: 4)
        for bits in 0...8 {
            for count in [0, 1, 2, 63, 64, 65, 1000] {
                let hashes = (0..<count).map { _ in generator.next() >> (bits == 3 ? 62 : 0) }
                let selection = hashes.withUnsafeBufferPointer { buffer in
                    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 1) { none in
                        PartitionedSelection(
                            hashes: buffer.baseAddress ?? UnsafePointer(none.baseAddress!), count: count,
                            partitionBits: bits)
                    }
                }
                for partition in 0..<(1 << bits) {
                    let wanted = hashes.indices.filter {
                        bits == 0 || hashes[$0] >> UInt64(64 - bits) == UInt64(partition)
                    }
                    #expect(selection.rows(of: partition).map { Int($0) } == wanted)
                }
            }
        }
    }

    @Test func severalPartitionsPerWorker() {
        #expect(partitionBits(workers: 1) == 0)
        for workers in 2...300 {
            let count = 1 << partitionBits(workers: workers)
            #expect(count <= 256)
            #expect(count >= min(256, workers * 4))
        }
    }
}
