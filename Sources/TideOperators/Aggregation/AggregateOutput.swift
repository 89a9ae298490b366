// From accumulators to result columns.

/// A heap per partition for strings that are extremes.
struct AccumulatorHeap {
    let strings: StringHeap
    let sums: AccumulatorSums
}

extension AccumulatorLayout {
    /// The result column of output `index` over the given value areas.
    func result(
        _ index: Int, _ areas: ValueAreas, _ n: Int, _ heap: AccumulatorHeap
    ) throws(TidemillError) -> Column {
        do throws(TidemillError) { return try column(outputs[index], areas, n, heap) } catch {
            throw error.at(outputs[index].aggregate.origin)
        }
    }

    private func column(
        _ output: Output, _ areas: ValueAreas, _ n: Int, _ heap: AccumulatorHeap
    ) throws(TidemillError) -> Column {
        let aggregate = output.aggregate
        let main = slots[output.main]
        let counts = slots[output.count].offset
        let hasValue = presence(counts, areas, n)
        switch aggregate.kind {
        case .countStar, .count, .countIf:
            return Column(type: .bigint, count: n, values: collect(Int64.self, main.offset, areas, n))
        case .boolAnd, .boolOr:
            let all = aggregate.kind == .boolAnd
            let bits = Bitmap(count: n) { row in
                let trues = areas[row].load(fromByteOffset: main.offset, as: Int64.self)
                return all ? trues == areas[row].load(fromByteOffset: counts, as: Int64.self) : trues > 0
            }
            return Column(boolean: bits, validity: hasValue)
        case .sum:
            return main.kind == .sumDouble
                ? doubles(main.offset, areas, n, heap, dividedBy: nil, validity: hasValue)
                : try integerSum(aggregate, main, areas, n, heap, validity: hasValue)
        case .avg:
            if main.kind == .sumDouble {
                return doubles(main.offset, areas, n, heap, dividedBy: counts, validity: hasValue)
            }
            return try exactAverage(aggregate, main, counts, areas, n, heap, validity: hasValue)
        case .min, .max, .first, .last, .anyValue, .percentile, .mode, .maxBy, .minBy, .bitAnd, .bitOr, .bitXor,
            .listAgg:
            return extreme(main, aggregate.resultType, areas, n, heap)
        case .distinctEstimate:
            let buffer = Buffer(byteCount: n * 8)
            for i in 0..<n {
                let isThere = areas[i].load(fromByteOffset: main.offset, as: UInt64.self) != 0
                let count = areas[i].load(fromByteOffset: main.offset + 8, as: Int64.self)
                buffer.pointer(Int64.self)[i] = isThere ? count : 0
            }
            return Column(type: .bigint, count: n, values: buffer)
        case .collectList, .collectSet:
            return ValueStore.Pick.emptyForNone(extreme(main, aggregate.resultType, areas, n, heap))
        case .stddevPop, .stddevSamp, .varPop, .varSamp:
            return moments(output, areas, n, heap) { count, sums in
                Moments.result(aggregate.kind, count: count, sum: sums[0], squares: sums[1])
            }
        case .skewness, .kurtosis:
            return moments(output, areas, n, heap) { Moments.shape(aggregate.kind, count: $0, $1) }
        case .covarPop, .covarSamp, .corr:
            return moments(output, areas, n, heap) { Moments.pair(aggregate.kind, count: $0, $1) }
        }
    }

    /// A double from a count and exact sums, each as two doubles; nil: NULL.
    private func moments(
        _ output: Output, _ areas: ValueAreas, _ n: Int, _ heap: AccumulatorHeap,
        _ result: (Int64, [(Double, Double)]) -> Double?
    ) -> Column {
        let counts = slots[output.count].offset
        let offsets = ([output.main] + output.more).map { slots[$0].offset }
        let buffer = Buffer(byteCount: n * 8)
        let out = buffer.pointer(Double.self)
        let validity = Bitmap(repeating: true, count: n)
        for i in 0..<n {
            let count = areas[i].load(fromByteOffset: counts, as: Int64.self)
            let sums = offsets.map {
                heap.sums.doubles.parts(of: areas[i].loadUnaligned(fromByteOffset: $0, as: ExactSum.self))
            }
            let value = result(count, sums)
            out[i] = value ?? 0
            if value == nil { validity.words[i >> 6] &= ~(1 << UInt64(i & 63)) }
        }
        return Column(type: .double, count: n, values: buffer, validity: validity)
    }

    /// Where the count of values is positive; nil if everywhere.
    private func presence(_ offset: Int, _ areas: ValueAreas, _ n: Int) -> Bitmap? {
        var all = true
        for i in 0..<n where areas[i].load(fromByteOffset: offset, as: Int64.self) <= 0 { all = false }
        if all { return nil }
        return Bitmap(count: n) { areas[$0].load(fromByteOffset: offset, as: Int64.self) > 0 }
    }

    private func doubles(
        _ offset: Int, _ areas: ValueAreas, _ n: Int, _ heap: AccumulatorHeap, dividedBy counts: Int?,
        validity: Bitmap?
    ) -> Column {
        let buffer = Buffer(byteCount: n * 8)
        let out = buffer.pointer(Double.self)
        for i in 0..<n {
            let sum = heap.sums.doubles.value(of: areas[i].loadUnaligned(fromByteOffset: offset, as: ExactSum.self))
            if let counts {
                out[i] = sum / Double(areas[i].load(fromByteOffset: counts, as: Int64.self))
            } else {
                out[i] = sum
            }
        }
        return Column(type: .double, count: n, values: buffer, validity: validity)
    }

    private func integerSum(
        _ aggregate: BoundAggregate, _ slot: Slot, _ areas: ValueAreas, _ n: Int, _ heap: AccumulatorHeap,
        validity: Bitmap?
    ) throws(TidemillError) -> Column {
        let type = aggregate.resultType
        if type.physical == .int64, let inline = inlineSums(slot, areas, n) {
            return Column(type: type, count: n, values: inline, validity: validity)
        }
        let sums = wideSums(slot, areas, n, heap)
        let values = sums.pointer(Int128.self)
        let bound: Int128
        switch type {
        case .decimal(let precision, _): bound = Int128.powerOfTen(precision) - 1
        default: bound = type.physical == .int32 ? Int128(Int32.max) : Int128(Int64.max)
        }
        for i in 0..<n where values[i] > bound || values[i] < -bound - (type.isDecimal ? 0 : 1) {
            throw TidemillError(
                .user, type.isInterval ? "INTERVAL_ARITHMETIC_OVERFLOW.WITH_SUGGESTION" : "ARITHMETIC_OVERFLOW",
                "sum does not fit \(type.sql): \(values[i])",
                hint: "cast the argument to a wider type, for example DECIMAL(38, 0)")
        }
        if type.physical == .int128 { return Column(type: type, count: n, values: sums, validity: validity) }
        let narrow = Buffer(byteCount: n * 8)
        let out = narrow.pointer(Int64.self)
        for i in 0..<n { out[i] = Int64(truncatingIfNeeded: values[i]) }
        if type.physical == .int32 {
            for i in 0..<n { narrow.pointer(Int32.self)[i] = Int32(truncatingIfNeeded: values[i]) }
        }
        return Column(type: type, count: n, values: narrow, validity: validity)
    }

    /// Spark's average of decimals: the sum brought to the result's scale, divided, half away from zero; of intervals
    /// the same without a scale.
    private func exactAverage(
        _ aggregate: BoundAggregate, _ slot: Slot, _ counts: Int, _ areas: ValueAreas, _ n: Int,
        _ heap: AccumulatorHeap, validity: Bitmap?
    ) throws(TidemillError) -> Column {
        let type = aggregate.resultType
        var factor: Int128 = 1
        var bound = UInt128.max
        if case .decimal(_, let from) = slot.type, case .decimal(let precision, let to) = type {
            factor = Int128.powerOfTen(max(0, to - from))
            bound = Int128.powerOfTen(precision).magnitude
        }
        let buffer = Buffer(byteCount: n * 16)
        let out = buffer.pointer(Int128.self)
        let sums = wideSums(slot, areas, n, heap)
        for i in 0..<n {
            let count = Int128(areas[i].load(fromByteOffset: counts, as: Int64.self))
            if count <= 0 {
                out[i] = 0
                continue
            }
            let sum = sums.pointer(Int128.self)[i]
            let (scaled, overflow) = sum.multipliedReportingOverflow(by: factor)
            let (quotient, rest) = scaled.quotientAndRemainder(dividingBy: count)
            let rounded = rest.magnitude * 2 >= count.magnitude ? quotient + (scaled < 0 ? -1 : 1) : quotient
            if overflow || rounded.magnitude >= bound {
                throw TidemillError(
                    .user, "NUMERIC_VALUE_OUT_OF_RANGE", "average does not fit \(type.sql)")
            }
            out[i] = rounded
        }
        // The average of intervals lies between them, so it fits.
        if type.physical == .int32 {
            return narrowed(buffer, to: type, n, validity: validity) { Int32(truncatingIfNeeded: $0) }
        }
        if type.physical == .int64 {
            return narrowed(buffer, to: type, n, validity: validity) { Int64(truncatingIfNeeded: $0) }
        }
        return Column(type: aggregate.resultType, count: n, values: buffer, validity: validity)
    }

    private func narrowed<T: BitwiseCopyable>(
        _ wide: Buffer, to type: DataType, _ n: Int, validity: Bitmap?, _ cut: (Int128) -> T
    ) -> Column {
        let buffer = Buffer(byteCount: n * MemoryLayout<T>.stride)
        let (values, out) = (wide.pointer(Int128.self), buffer.pointer(T.self))
        for i in 0..<n { out[i] = cut(values[i]) }
        return Column(type: type, count: n, values: buffer, validity: validity)
    }

    func extreme(_ slot: Slot, _ type: DataType, _ areas: ValueAreas, _ n: Int, _ heap: AccumulatorHeap) -> Column {
        let validity = presence(slot.offset, areas, n)
        let at = slot.offset + 8
        func typed<T: BitwiseCopyable>(_: T.Type, _ strings: StringHeap = .empty) -> Column {
            Column(type: type, count: n, values: collect(T.self, at, areas, n), validity: validity, heap: strings)
        }
        switch type.physical {
        case .bit:
            let bits = Bitmap(count: n) { areas[$0].load(fromByteOffset: at, as: UInt8.self) != 0 }
            return Column(type: type, count: n, values: bits.buffer, validity: validity)
        case .int32, .float32: return typed(UInt32.self)
        case .int64, .float64: return typed(UInt64.self)
        case .int128: return typed(Int128.self)
        case .view: return typed(StringView.self, heap.strings)
        }
    }

    /// The sums as 64-bit integers; nil if one of them has another form.
    private func inlineSums(_ slot: Slot, _ areas: ValueAreas, _ n: Int) -> Buffer? {
        guard slot.kind == .sumInteger else { return nil }
        let words = collect(Int64.self, slot.offset, areas, n)
        let values = words.pointer(Int64.self)
        var least = Int64.max
        for i in 0..<n { least = min(least, values[i]) }
        return least >= CompactSum.least ? words : nil
    }

    /// The sums as 128-bit integers, whatever they are kept in.
    func wideSums(_ slot: Slot, _ areas: ValueAreas, _ n: Int, _ heap: AccumulatorHeap) -> Buffer {
        if slot.kind == .sumDecimal { return collect(Int128.self, slot.offset, areas, n) }
        let buffer = Buffer(byteCount: n * 16)
        let out = buffer.pointer(Int128.self)
        for i in 0..<n {
            let sum = areas[i].load(fromByteOffset: slot.offset, as: CompactSum.self)
            out[i] = heap.sums.integers.value(of: sum)
        }
        return buffer
    }

    func collect<T: BitwiseCopyable>(_: T.Type, _ offset: Int, _ areas: ValueAreas, _ n: Int) -> Buffer {
        let buffer = Buffer(byteCount: n * MemoryLayout<T>.stride)
        let out = buffer.pointer(T.self)
        for i in 0..<n { out[i] = areas[i].loadUnaligned(fromByteOffset: offset, as: T.self) }
        return buffer
    }
}

extension Int128 {
    /// 10^exponent for 0...38.
    static func powerOfTen(_ exponent: Int) -> Int128 {
        var value: Int128 = 1
        for _ in 0..<exponent { value *= 10 }
        return value
    }
}
