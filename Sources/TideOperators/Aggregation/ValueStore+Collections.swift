// Aggregates that are made of all values of a group: arrays, and estimates of how many there are.

extension AggregatePartition {
    /// Arrays of the groups' values. Group `g` has the entries `starts[g]..<starts[g + 1]`.
    func collect(
        _ pick: ValueStore.Pick, _ index: Int, _ starts: [Int], _ values: Column, _ order: SortKeys,
        _ entries: [UnsafeMutableRawPointer], _ areas: [UnsafeMutableRawPointer]
    ) throws(TidemillError) {
        var builder = StringColumnBuilder(type: .binary, capacity: areas.count)
        var image: [UInt8] = []
        for group in areas.indices {
            image.removeAll(keepingCapacity: true)
            let range = starts[group]..<starts[group + 1]
            for row in range.sorted(by: { order.compare(UInt32($0), UInt32($1)) < 0 }) {
                let copies = pick == .set ? 1 : self.values[index].weight(of: entries[row])
                for _ in 0..<copies { NestedImage.append(values, row, into: &image) }
            }
            NestedImage.appendEnd(into: &image)
            image.withUnsafeBytes { builder.append($0) }
        }
        let images = Batch(columns: [builder.finish()], count: areas.count)
        for (group, area) in areas.enumerated() {
            for slot in accumulators.slots where slot.store == index {
                clear(slot, area)
                if starts[group] < starts[group + 1] { try accumulators.store(slot, images, 0, group, area, self) }
            }
        }
    }

    /// How many distinct values the groups have. If nothing is ever taken back, smaller ranks of a register go.
    func estimate(
        _ precision: Int, _ index: Int, _ starts: [Int], _ values: Column, _ entries: [UnsafeMutableRawPointer],
        _ areas: [UnsafeMutableRawPointer], forgets: Bool
    ) throws(TidemillError) {
        let pairs = values.pointer(Int32.self)
        var registers = [UInt8](repeating: 0, count: 1 << precision)
        for (group, area) in areas.enumerated() {
            let range = starts[group]..<starts[group + 1]
            for row in range {
                let register = Int(pairs[row] >> 6)
                registers[register] = max(registers[register], UInt8(truncatingIfNeeded: pairs[row] & 63))
            }
            let count = range.isEmpty ? 0 : DistinctEstimate.count(registers, precision: precision)
            for slot in accumulators.slots where slot.store == index {
                clear(slot, area)
                if range.isEmpty { continue }
                (area + slot.offset).storeBytes(of: 1, as: UInt64.self)
                (area + slot.offset).storeBytes(of: count, toByteOffset: 8, as: Int64.self)
            }
            for row in range
            where forgets && UInt8(truncatingIfNeeded: pairs[row] & 63) < registers[Int(pairs[row] >> 6)] {
                self.values[index].setWeight(0, of: entries[row])
            }
            for row in range { registers[Int(pairs[row] >> 6)] = 0 }
        }
    }
}
