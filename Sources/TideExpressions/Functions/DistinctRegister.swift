import Glibc

/// Where a value falls in HyperLogLog++: `register << 6 | rank` as INT. The register is the first bits of its hash, the
/// rank the position of the first 1 bit behind them.
enum DistinctRegister {
    /// Not callable by a name.
    static let name = "distinct register"
    static let precisions = 4...25

    static let definitions: [ScalarDefinition] = {
        var list = DefinitionList(.nested)
        list.add(name, usage: "", summary: "", example: "", result: "", weight: 10, kernel: run) {
            (request) throws(TidemillError) in
            try request.requireCount(2...2)
            return request.call(request.arguments, .int)
        }
        return list.definitions
    }()

    /// Bits for a relative standard deviation.
    static func precision(_ deviation: Double) -> Int? {
        guard deviation > 0, deviation < 1 else { return nil }
        let bits = Int((2 * log(1.106 / deviation) / log(2)).rounded(.up))
        return precisions.contains(bits) ? bits : nil
    }

    @inline(__always) private static func loop(
        _ call: KernelCall, _ precision: Int, _ hash: (Int) -> UInt64
    ) -> Column {
        let buffer = Buffer(byteCount: call.rowCount * 4)
        let out = buffer.pointer(Int32.self)
        for row in 0..<call.rowCount {
            let bits = hash(row)
            let rest = bits &<< UInt64(precision) | 1 << UInt64(precision - 1)
            out[row] =
                Int32(truncatingIfNeeded: bits >> UInt64(64 - precision)) << 6
                | Int32(rest.leadingZeroBitCount + 1)
        }
        return Column(type: .int, count: call.rowCount, values: buffer)
    }

    private static func run(_ o: [Datum], _ call: KernelCall) throws(TidemillError) -> Column {
        let bits = o[1].column.scalar(0).integer ?? 0
        if bits < 4 || bits > 25 { throw .internal("a sketch without precision") }
        return registers(of: o[0].column, o[0].step, call, Int(bits))
    }

    /// Apart from `run`: with both in one function the optimizer of Swift 6.3.1 crashes.
    @inline(never) private static func registers(
        of column: Column, _ step: Int, _ call: KernelCall, _ precision: Int
    ) -> Column {
        switch column.type.physical {
        case .bit:
            let values = column.bits.words
            return loop(call, precision) { row in
                let at = row &* step
                return SeededHash.hash((values[at >> 6] >> UInt64(at & 63)) & 1 != 0 ? 1 : 0 as Int32)
            }
        case .int32:
            let values = column.pointer(Int32.self)
            return loop(call, precision) { SeededHash.hash(values[$0 &* step]) }
        case .int64:
            let values = column.pointer(Int64.self)
            return loop(call, precision) { SeededHash.hash(values[$0 &* step]) }
        case .float32:
            let values = column.pointer(Float.self)
            return loop(call, precision) { SeededHash.hash(values[$0 &* step]) }
        case .float64:
            let values = column.pointer(Double.self)
            return loop(call, precision) { SeededHash.hash(values[$0 &* step]) }
        case .int128:
            let values = column.pointer(Int128.self)
            if case .decimal(let digits, _) = column.type, digits <= 18 {
                return loop(call, precision) { SeededHash.hash(Int64(truncatingIfNeeded: values[$0 &* step])) }
            }
            return loop(call, precision) { SeededHash.hash(wide: values[$0 &* step]) }
        case .view: return loop(call, precision) { SeededHash.hash(column.bytes($0 &* step)) }
        }
    }
}
