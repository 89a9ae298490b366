/// Dates and timestamps from and to text by a pattern: `to_timestamp(s, fmt)`, `date_format`.
enum PatternText {
    /// The compiled pattern for a row; compiled again only when the text changes.
    private struct PatternCache {
        let texts: Strings
        let isConstant: Bool
        let forParsing: Bool
        var known: DateTimePattern?

        init(_ datum: Datum, forParsing: Bool) {
            texts = Strings(datum)
            isConstant = datum.isConstant
            self.forParsing = forParsing
        }

        mutating func pattern(_ row: Int) throws(TidemillError) -> DateTimePattern {
            if isConstant, let known { return known }
            let text = UTF8Text.text(texts.bytes(row))
            if let known, known.pattern == text { return known }
            let compiled = try DateTimePattern(text)
            if forParsing { try compiled.requireParsable() }
            known = compiled
            return compiled
        }
    }

    private static func unparsable(_ text: UnsafeRawBufferPointer, _ function: String) -> TidemillError {
        EvaluationError.invalidInput(
            "CANNOT_PARSE_TIMESTAMP", "the text '\(UTF8Text.text(text))' could not be parsed",
            hint: "use \(function) to tolerate invalid input and get NULL instead")
    }

    /// Operands: text, pattern. `isTry` gives NULL for what does not parse.
    static func timestamps(_ o: [Datum], _ call: KernelCall, isTry: Bool) throws(TidemillError) -> Column {
        try TimeZoneRule.requireUTC(call.context)
        let texts = Strings(o[0])
        var patterns = PatternCache(o[1], forParsing: true)
        let buffer = Buffer.zeroed(byteCount: call.rowCount * 8)
        let out = buffer.pointer(Int64.self)
        let valid = Bitmap(repeating: true, count: call.rowCount)
        var failed = false
        for row in 0..<call.rowCount where call.validity?[row] ?? true {
            let text = texts.bytes(row)
            if let micros = try patterns.pattern(row).parseTimestamp(text) {
                out[row] = micros
            } else if isTry {
                failed = true
                valid.words[row >> 6] &= ~(1 << UInt64(row & 63))
            } else {
                throw unparsable(text, "try_to_timestamp")
            }
        }
        return Column(type: .timestamp, count: call.rowCount, values: buffer, validity: failed ? valid : nil)
    }

    static func dates(_ o: [Datum], _ call: KernelCall, isTry: Bool) throws(TidemillError) -> Column {
        let texts = Strings(o[0])
        var patterns = PatternCache(o[1], forParsing: true)
        let buffer = Buffer.zeroed(byteCount: call.rowCount * 4)
        let out = buffer.pointer(Int32.self)
        let valid = Bitmap(repeating: true, count: call.rowCount)
        var failed = false
        for row in 0..<call.rowCount where call.validity?[row] ?? true {
            let text = texts.bytes(row)
            if let days = try patterns.pattern(row).parseDate(text) {
                out[row] = days
            } else if isTry {
                failed = true
                valid.words[row >> 6] &= ~(1 << UInt64(row & 63))
            } else {
                throw unparsable(text, "try_to_date")
            }
        }
        return Column(type: .date, count: call.rowCount, values: buffer, validity: failed ? valid : nil)
    }

    /// Operands: timestamp, pattern.
    static func formatted(_ o: [Datum], _ call: KernelCall) throws(TidemillError) -> Column {
        try TimeZoneRule.requireUTC(call.context)
        let values = o[0].column.pointer(Int64.self)
        let step = o[0].step
        var patterns = PatternCache(o[1], forParsing: false)
        var builder = StringColumnBuilder(type: .string, capacity: call.rowCount)
        var scratch: [UInt8] = []
        // Neighbours often have one text: the times of a day, where the pattern has no more than the day.
        var same: Range<Int64> = 0..<0
        for row in 0..<call.rowCount {
            guard call.validity?[row] ?? true else {
                builder.appendEmpty()
                continue
            }
            let micros = values[row &* step]
            if !same.contains(micros) {
                let pattern = try patterns.pattern(row)
                scratch.removeAll(keepingCapacity: true)
                pattern.format(micros: micros, into: &scratch)
                if o[1].isConstant { same = pattern.sameText(as: micros) }
            }
            scratch.withUnsafeBytes { builder.append($0) }
        }
        return builder.finish()
    }
}
