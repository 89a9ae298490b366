import Testing
import TideSimulation

@testable import TideOperators

/// Sums of 8 bytes against sums of 128 bits.
@Suite struct CompactSumTests {
    private static let edges: [Int64] = [
        .min, .min + 1, CompactSum.least - 1, CompactSum.least, CompactSum.least + 1, -1, 0, 1, .max - 1, .max,
        1 << 62, -(1 << 62), 1 << 32,
    ]

    /// Any order of additions and retractions gives the plain sum, and the form depends on the value alone.
    @Test(arguments: 0..<20) func anyOrder(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let groups = 5
        let memory = UnsafeMutablePointer<CompactSum>.allocate(capacity: groups)
        memory.initialize(repeating: CompactSum(), count: groups)
        defer { memory.deallocate() }
        var spilled = SpilledSums()
        var model = [Int128](repeating: 0, count: groups)
        var added: [(group: Int, value: Int64, weight: Int64)] = []
        func add(_ group: Int, _ value: Int64, _ weight: Int64) {
            let areas: [UnsafeMutableRawPointer] = [UnsafeMutableRawPointer(memory + group)]
            [weight].withUnsafeBufferPointer { weights in
                let mask = RowMask(valid: nil, weights: weight == 1 ? nil : weights.baseAddress)
                addIntegers(Int64.self, areas, [0], 1, offset: 0, values: [value], mask, &spilled)
            }
            model[group] += Int128(value) * Int128(weight)
        }
        for step in 0..<2000 {
            let group = Int.random(in: 0..<groups, using: &generator)
            if step % 3 == 2, !added.isEmpty {
                let taken = added.remove(at: Int.random(in: 0..<added.count, using: &generator))
                add(taken.group, taken.value, -taken.weight)
            } else {
                let value =
                    Bool.random(using: &generator)
                    ? Self.edges.randomElement(using: &generator)! : Int64.random(in: -1000...1000, using: &generator)
                let weight: Int64 = [1, 1, 2, -1, 3, 1 << 40].randomElement(using: &generator)!
                add(group, value, weight)
                added.append((group, value, weight))
            }
            for g in 0..<groups {
                #expect(spilled.value(of: memory[g]) == model[g])
                #expect(memory[g].isInline == (model[g] >= Int128(CompactSum.least) && model[g] <= Int128(Int64.max)))
            }
        }
        for taken in added { add(taken.group, taken.value, -taken.weight) }
        #expect(model.allSatisfy { $0 == 0 })
        for g in 0..<groups { #expect(memory[g].isInline && memory[g].word == 0) }
    }

    /// Narrow and wide stored integers.
    @Test func widths() {
        let memory = UnsafeMutablePointer<CompactSum>.allocate(capacity: 1)
        memory.initialize(to: CompactSum())
        defer { memory.deallocate() }
        var spilled = SpilledSums()
        let areas: [UnsafeMutableRawPointer] = [UnsafeMutableRawPointer(memory)]
        let mask = RowMask(valid: nil, weights: nil)
        addIntegers(Int32.self, areas, [0], 1, offset: 0, values: [Int32.min], mask, &spilled)
        #expect(spilled.value(of: memory[0]) == Int128(Int32.min))
        let large = Int128(Int64.max) * 1_000_000
        addIntegers(Int128.self, areas, [0], 1, offset: 0, values: [large], mask, &spilled)
        #expect(spilled.value(of: memory[0]) == large + Int128(Int32.min))
        addIntegers(Int128.self, areas, [0], 1, offset: 0, values: [-large], mask, &spilled)
        #expect(memory[0].isInline && memory[0].word == Int64(Int32.min))
    }

    /// A copy keeps its value when the original goes on, and memory of what was given back is used again.
    @Test func copies() {
        let memory = UnsafeMutablePointer<CompactSum>.allocate(capacity: 1)
        memory.initialize(to: CompactSum())
        defer { memory.deallocate() }
        var spilled = SpilledSums()
        let large = Int128(1) << 100
        spilled.set(large, in: memory)
        let copy = spilled.copy(memory[0])
        spilled.add(5, to: memory)
        #expect(spilled.value(of: copy) == large && spilled.value(of: memory[0]) == large + 5)
        spilled.remove(copy)
        let bytes = spilled.byteCount
        for _ in 0..<1000 { spilled.remove(spilled.copy(memory[0])) }
        #expect(spilled.byteCount <= bytes + 64)
    }
}
