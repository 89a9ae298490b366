import TideColumns

/// Where Spark's JSON reader has rules of its own.
extension FieldDecoder {
    /// Java's byte: what fits eight bits, as -128...127. Spark reads 200 as -56.
    @inline(never) mutating func javaBytes() -> Buffer {
        values(
            Int32(0), fast: { _, _ in nil },
            slow: { ParseText.integer($0, -128...255).map { Int32(Int8(truncatingIfNeeded: $0)) } })
    }

    /// NaN, Infinity and INF without quotes; everything else is a JSON number.
    static func jsonSpecial(_ text: UnsafeRawBufferPointer) -> Double? {
        guard let last = text.last, last >= UInt8(ascii: "A") else { return nil }
        if last == UInt8(ascii: "N") { return .nan }
        return text[0] == UInt8(ascii: "-") ? -.infinity : .infinity
    }

    /// A date as `CAST` reads it; otherwise a number of days, as Spark 1.5 wrote dates.
    @inline(never) mutating func jsonDates() -> Buffer {
        values(
            Int32(0), fast: { p, length in length == 10 ? FieldDecoder.isoDate(p) : nil },
            slow: { (text) -> Int32? in
                ParseText.date(trimmingWhitespace(text))
                    ?? ParseText.integer(text, DataType.int.integerRange!).map { Int32(truncatingIfNeeded: $0) }
            })
    }

    /// Text as `CAST` or the pattern reads it; a number is seconds since 1970.
    @inline(never) mutating func jsonTimestamps(_ pattern: DateTimePattern?) -> Buffer {
        let buffer = Buffer(byteCount: count * 8)
        let out = buffer.pointer(Int64.self)
        for row in 0..<count {
            let (p, length) = text(row)
            let isText = words[row] & FieldRuns.quoted != 0
            if isText, pattern == nil, let value = FieldDecoder.isoTimestamp(p, length, zoned: true) {
                out[row] = value
                continue
            }
            out[row] = 0
            guard let bytes = bytesOrNull(row) else { continue }
            let value: Int64?
            if isText {
                value = pattern.map { $0.parseTimestamp(bytes) } ?? ParseText.timestamp(trimmingWhitespace(bytes))
            } else {
                value = ParseText.int64(bytes).flatMap {
                    let (micros, overflow) = $0.multipliedReportingOverflow(by: 1_000_000)
                    return overflow ? nil : micros
                }
            }
            if let value { out[row] = value } else { fail(row) }
        }
        return buffer
    }

    /// Base64 with padding.
    @inline(never) mutating func binaries() -> Column {
        var builder = StringColumnBuilder(type: .binary, capacity: count)
        var bytes: [UInt8] = []
        for row in 0..<count {
            guard let text = bytesOrNull(row) else {
                builder.appendEmpty()
                continue
            }
            if FieldDecoder.base64(text, into: &bytes) {
                bytes.withUnsafeBytes { builder.append($0) }
            } else {
                fail(row)
                builder.appendEmpty()
            }
        }
        return builder.finish(validity: validity)
    }

    static func base64(_ text: UnsafeRawBufferPointer, into out: inout [UInt8]) -> Bool {
        out.removeAll(keepingCapacity: true)
        var word: UInt32 = 0
        var digits = 0
        var padding = 0
        for byte in text {
            let value: UInt32
            switch byte {
            case 0x41...0x5A: value = UInt32(byte) - 0x41
            case 0x61...0x7A: value = UInt32(byte) - 0x61 + 26
            case 0x30...0x39: value = UInt32(byte) - 0x30 + 52
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            case UInt8(ascii: "="):
                padding += 1
                value = 0
            case 0...0x20: continue
            default: return false
            }
            if padding > 0 && byte != UInt8(ascii: "=") { return false }
            word = word << 6 | value
            digits += 1
            if digits == 4 {
                guard padding <= 2 else { return false }
                out.append(UInt8(truncatingIfNeeded: word >> 16))
                if padding < 2 { out.append(UInt8(truncatingIfNeeded: word >> 8)) }
                if padding < 1 { out.append(UInt8(truncatingIfNeeded: word)) }
                word = 0
                digits = 0
            }
        }
        return digits == 0
    }
}
