extension AggregatePartition {
    /// How many distinct values the groups have. Group `g` has the entries `starts[g]..<starts[g + 1]`. If nothing is
    /// ever taken back, smaller ranks of a register go.
    func estimate(
        _ precision: Int, _ index: Int, _ starts: [Int], _ values: Column, _ entries: [UnsafeMutableRawPointer],
        _ areas: [UnsafeMutableRawPointer], forgets: Bool
    ) {
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
