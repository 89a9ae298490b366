import Tidemill

/// The sequence of the state benchmark, the same in benchmarks/peers/state_rocksdb.cpp: per operation a key uniform
/// over `keys` and a value of 20 bits with sign, from one splitmix64 stream (Steele, Lea, Flood: Fast splittable
/// pseudorandom number generators, 2014) that starts at 42.
struct StateWorkload {
    let keys: UInt64
    private var state: UInt64 = 42

    init(keys: Int) { self.keys = UInt64(keys) }

    static func scramble(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return StateWorkload.scramble(state)
    }

    /// The next operations as a batch of two BIGINT columns.
    mutating func batch(_ count: Int) -> Batch {
        let keyBuffer = Buffer(byteCount: count * 8)
        let valueBuffer = Buffer(byteCount: count * 8)
        let keyValues = keyBuffer.pointer(UInt64.self)
        let values = valueBuffer.pointer(Int64.self)
        for i in 0..<count {
            keyValues[i] = next() % keys
            values[i] = Int64(next() >> 44) - (1 << 19)
        }
        return Batch(
            columns: [
                Column(type: .bigint, count: count, values: keyBuffer),
                Column(type: .bigint, count: count, values: valueBuffer),
            ], count: count)
    }

    /// A row with value 0 for each of the keys.
    static func zeros(keys: Range<Int>) -> Batch {
        let keyBuffer = Buffer(byteCount: keys.count * 8)
        for (i, key) in keys.enumerated() { keyBuffer.pointer(Int64.self)[i] = Int64(key) }
        return Batch(
            columns: [
                Column(type: .bigint, count: keys.count, values: keyBuffer),
                Column(type: .bigint, count: keys.count, values: Buffer.zeroed(byteCount: keys.count * 8)),
            ], count: keys.count)
    }

    /// A number that depends on every row of the final state and not on their order.
    struct Checksum: Equatable {
        private(set) var rows = 0
        private(set) var value: UInt64 = 0

        mutating func add(key: Int64, count: Int64, sum: Int64) {
            rows += 1
            let inner = UInt64(bitPattern: count) &+ scramble(UInt64(bitPattern: sum))
            value &+= scramble(UInt64(bitPattern: key) &+ scramble(inner))
        }
        var text: String {
            let digits = String(value, radix: 16)
            return "\(rows) rows, checksum " + String(repeating: "0", count: 16 - digits.count) + digits
        }
    }
}
