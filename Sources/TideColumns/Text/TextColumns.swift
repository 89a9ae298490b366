/// Whole columns from and to text: the kernels under `CAST`.
extension Column {
    /// Parses a string column as Spark's cast does: surrounding whitespace is ignored, text that is no such value gives
    /// NULL and a one in `failures` (nil: none; ANSI mode raises an error for the first, `try_cast` drops them).
    /// `target` must be a type that `isTextTarget` names.
    public func parsed(as target: DataType) -> (column: Column, failures: Bitmap?) {
        precondition(type.physical == .view && Column.isTextTarget(target))
        switch target {
        case .boolean:
            let bits = Bitmap(repeating: false, count: count)
            let words = bits.words
            return parse(target, bits.buffer) { text, row in
                guard let value = ParseText.boolean(text) else { return false }
                if value { words[row >> 6] |= 1 << UInt64(row & 63) }
                return true
            }
        case .tinyint, .smallint, .int:
            let range = target.integerRange!
            return parseValues(target) { (text) -> Int32? in
                ParseText.integer(text, range).map { Int32(truncatingIfNeeded: $0) }
            }
        case .bigint: return parseValues(target) { ParseText.int64($0) }
        case .float:
            return parseValues(target) { (text) -> Float? in
                ParseText.float(text) ?? ParseText.specialDouble(text).map { Float($0) }
            }
        case .double: return parseValues(target) { ParseText.double($0) ?? ParseText.specialDouble($0) }
        case .decimal(let precision, let scale):
            return parseValues(target) { ParseText.decimal($0, precision: precision, scale: scale) }
        case .date: return parseValues(target) { ParseText.date($0) }
        case .timestamp: return parseValues(target) { ParseText.timestamp($0) }
        case .timestampNTZ: return parseValues(target) { ParseText.timestampNTZ($0, ignoringZone: true) }
        case .yearMonthInterval(let range):
            return parseValues(target) { (text) -> Int32? in
                ParseText.interval(text, range).map { Int32(truncatingIfNeeded: $0) }
            }
        case .dayTimeInterval(let range): return parseValues(target) { ParseText.interval($0, range) }
        default: return (retyped(target), nil)
        }
    }

    /// The types text can be parsed as.
    public static func isTextTarget(_ type: DataType) -> Bool {
        switch type {
        case .null, .array, .map, .structure, .timeWindow: false
        default: true
        }
    }

    @inline(__always) private func parseValues<T: BitwiseCopyable>(
        _ target: DataType, _ rule: (UnsafeRawBufferPointer) -> T?
    ) -> (Column, Bitmap?) {
        let buffer = Buffer.zeroed(byteCount: count * MemoryLayout<T>.stride)
        let out = buffer.pointer(T.self)
        return parse(target, buffer) { text, row in
            guard let value = rule(text) else { return false }
            out[row] = value
            return true
        }
    }

    @inline(__always) private func parse(
        _ target: DataType, _ values: Buffer, _ store: (UnsafeRawBufferPointer, Int) -> Bool
    ) -> (Column, Bitmap?) {
        let views = self.views
        let bases = heap.bases
        var failures: Bitmap?
        for row in 0..<count where isValid(row) {
            if !store(trimmingWhitespace(stringBytes(views, row, bases)), row) {
                if failures == nil { failures = Bitmap(repeating: false, count: count) }
                failures!.words[row >> 6] |= 1 << UInt64(row & 63)
            }
        }
        var valid = validity
        if let failures { valid = valid.map { $0.andNot(failures) } ?? failures.inverted() }
        // Failed rows became NULL, rows that were NULL before did not fail.
        return (Column(type: target, count: count, values: values, validity: valid), failures)
    }

    /// The column as text, as Spark's cast to STRING prints it. Types: all but VOID.
    public func formatted() -> Column {
        if type.isNested { return nestedText() }
        precondition(type != .null)
        if type.physical == .view { return retyped(.string) }
        var builder = StringColumnBuilder(type: .string, capacity: count)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: FormatText.bytesMax) { scratch in
            let out = scratch.baseAddress!
            @inline(__always) func each(_ write: (Int) -> Int) {
                for row in 0..<count {
                    if isValid(row) { builder.append(UnsafeRawPointer(out), write(row)) } else { builder.appendEmpty() }
                }
            }
            switch type {
            case .boolean:
                let bits = self.bits
                each { FormatText.boolean(bits[$0], out) }
            case .tinyint, .smallint, .int:
                let values: UnsafePointer<Int32> = pointer()
                each { FormatText.int64(Int64(values[$0]), out) }
            case .bigint:
                let values: UnsafePointer<Int64> = pointer()
                each { FormatText.int64(values[$0], out) }
            case .float:
                let values: UnsafePointer<Float> = pointer()
                each { FormatText.float(values[$0], out) }
            case .double:
                let values: UnsafePointer<Double> = pointer()
                each { FormatText.double(values[$0], out) }
            case .decimal(_, let scale):
                let values: UnsafePointer<Int128> = pointer()
                each { FormatText.decimal(values[$0], scale: scale, out) }
            case .date:
                let values: UnsafePointer<Int32> = pointer()
                each { FormatText.date(values[$0], out) }
            case .yearMonthInterval(let range):
                let values: UnsafePointer<Int32> = pointer()
                each { FormatText.interval(Int64(values[$0]), range, out) }
            case .dayTimeInterval(let range):
                let values: UnsafePointer<Int64> = pointer()
                each { FormatText.interval(values[$0], range, out) }
            case .timeWindow:
                let values: UnsafePointer<Int128> = pointer()
                each { FormatText.timeWindow(TimeWindow(packed: values[$0]), out) }
            default:
                let values: UnsafePointer<Int64> = pointer()
                each { FormatText.timestamp(values[$0], out) }
            }
        }
        return builder.finish(validity: validity)
    }
}
