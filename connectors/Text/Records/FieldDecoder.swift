import TideColumns

/// The fields of one column of a slice, and what their decoding found out.
///
/// Each physical type has one loop. Its fast rule takes the usual forms of at most 8 or 16 bytes with a few word loads
/// and says nil for everything else: NULL, missing, unusual or wrong text, which the slow rule sorts out.
struct FieldDecoder {
    let starts: UnsafePointer<UInt32>
    let words: UnsafePointer<UInt32>
    let count: Int
    let chunk: UnsafePointer<UInt8>
    let side: UnsafePointer<UInt8>
    /// A field without text is NULL; false once NULLs were marked.
    let emptyIsNull: Bool

    private let valid: Bitmap
    private(set) var nullCount = 0
    /// Rows whose text is no value of the type.
    private(set) var failures: [UInt32] = []

    init(_ runs: FieldRuns, column: Int, chunk: UnsafePointer<UInt8>, emptyIsNull: Bool) {
        starts = UnsafePointer(runs.starts(column))
        words = UnsafePointer(runs.words(column))
        count = runs.count
        self.chunk = chunk
        side = runs.sideText.bytes
        self.emptyIsNull = emptyIsNull
        valid = Bitmap(repeating: true, count: runs.count)
    }

    var validity: Bitmap? { nullCount == 0 ? nil : valid }

    @inline(__always) func text(_ row: Int) -> (UnsafePointer<UInt8>, Int) {
        let word = words[row]
        let base = word & FieldRuns.side == 0 ? chunk : side
        return (base + Int(starts[row]), Int(word & FieldRuns.lengthMask))
    }

    @inline(never) mutating func setNull(_ row: Int) {
        valid.words[row >> 6] &= ~(1 << UInt64(row & 63))
        nullCount += 1
    }

    /// The row's text is no value of the type.
    @inline(never) mutating func fail(_ row: Int) {
        blame(row)
        setNull(row)
    }

    /// A part of the row's value is wrong; the rest is kept.
    mutating func blame(_ row: Int) { failures.append(UInt32(truncatingIfNeeded: row)) }

    /// NULL or missing; otherwise the field's bytes.
    @inline(never) mutating func bytesOrNull(_ row: Int) -> UnsafeRawBufferPointer? {
        let (p, length) = text(row)
        let word = words[row]
        if (word & FieldRuns.side == 0 && length >= Int(FieldRuns.missing)) || (length == 0 && emptyIsNull) {
            setNull(row)
            return nil
        }
        return UnsafeRawBufferPointer(start: p, count: length)
    }

    @inline(__always) mutating func values<T: BitwiseCopyable>(
        _ zero: T, fast: (UnsafePointer<UInt8>, Int) -> T?, slow: (UnsafeRawBufferPointer) -> T?
    ) -> Buffer {
        let buffer = Buffer(byteCount: count * MemoryLayout<T>.stride)
        let out = buffer.pointer(T.self)
        for row in 0..<count {
            let (p, length) = text(row)
            if let value = fast(p, length) {
                out[row] = value
                continue
            }
            out[row] = zero
            guard let bytes = bytesOrNull(row) else { continue }
            if let value = slow(bytes) {
                out[row] = value
            } else {
                fail(row)
            }
        }
        return buffer
    }

    /// 1 to 8 digits, or a minus and 1 to 7; nil for anything else. Both buffers have eight
    /// readable bytes before their first text.
    @inline(__always) private static func shortInteger(_ p: UnsafePointer<UInt8>, _ length: Int) -> Int64? {
        guard length >= 1 && length <= 8 else { return nil }
        let negative = p[0] == UInt8(ascii: "-")
        let digits = negative ? length &- 1 : length
        let word = DigitRun.rightAligned(endingAt: p + length, length: digits)
        guard digits > 0, DigitRun.allDigits(word) else { return nil }
        let value = Int64(bitPattern: DigitRun.value(word))
        return negative ? 0 &- value : value
    }

    @inline(never) mutating func int32s(_ range: ClosedRange<Int64>) -> Buffer {
        let low = range.lowerBound
        let high = range.upperBound
        return values(
            Int32(0),
            fast: { (p, length) -> Int32? in
                guard let v = FieldDecoder.shortInteger(p, length), v >= low, v <= high else { return nil }
                return Int32(truncatingIfNeeded: v)
            },
            slow: { ParseText.integer($0, range).map { Int32(truncatingIfNeeded: $0) } })
    }

    @inline(never) mutating func int64s() -> Buffer {
        values(
            Int64(0),
            fast: { (p, length) -> Int64? in
                if length <= 8 { return FieldDecoder.shortInteger(p, length) }
                guard length <= 16 else { return nil }
                let low = DigitRun.rightAligned(endingAt: p + length, length: 8)
                let high = DigitRun.rightAligned(endingAt: p + (length &- 8), length: length &- 8)
                guard DigitRun.allDigits(low), DigitRun.allDigits(high) else { return nil }
                return Int64(bitPattern: DigitRun.value(high) &* 100_000_000 &+ DigitRun.value(low))
            },
            slow: { ParseText.int64($0) })
    }

    /// `special`: the reader's own words for NaN and the infinities.
    @inline(never) mutating func doubles(_ special: (UnsafeRawBufferPointer) -> Double?) -> Buffer {
        exactPowersOfTen.withUnsafeBufferPointer { powers in
            values(
                0.0, fast: { FieldDecoder.shortDouble($0, $1, powers) },
                slow: { special($0) ?? ParseText.double(trimmingBlanks($0)) })
        }
    }

    /// Up to 8 characters, digits with at most one point: the digits are summed as one integer, the point becomes a
    /// division by a power of ten, which is exact in both operands and so correctly rounded.
    @inline(__always) private static func shortDouble(
        _ p: UnsafePointer<UInt8>, _ length: Int, _ powers: UnsafeBufferPointer<Double>
    ) -> Double? {
        guard length >= 1 else { return nil }
        if length > 8 { return longDouble(p, length, powers) }
        var word = DigitRun.rightAligned(endingAt: p + length, length: length)
        let points = word ^ 0x2E2E_2E2E_2E2E_2E2E
        let zeroBytes = (points &- 0x0101_0101_0101_0101) & ~points & 0x8080_8080_8080_8080
        var scale = 0
        if zeroBytes != 0 {
            // Close the gap of the first point: what stands before it moves up by one byte.
            let at = UInt64(truncatingIfNeeded: zeroBytes.trailingZeroBitCount >> 3)
            let below = (UInt64(1) &<< (at &* 8)) &- 1
            word = ((word & below) << 8) | (word & ~((below << 8) | 0xFF)) | 0x30
            scale = Int(7 &- at)
            if length == 1 { return nil }
        }
        guard DigitRun.allDigits(word) else { return nil }
        return Double(Int64(bitPattern: DigitRun.value(word))) / powers[scale]
    }

    /// 9 to 16 characters, optionally with a sign: at most 15 digits fit a double exactly.
    @inline(__always) private static func longDouble(
        _ p: UnsafePointer<UInt8>, _ length: Int, _ powers: UnsafeBufferPointer<Double>
    ) -> Double? {
        guard length <= 16 else { return nil }
        var mantissa: UInt64 = 0
        var digits = 0
        var point = -1
        let negative = p[0] == UInt8(ascii: "-")
        var i = negative ? 1 : 0
        while i < length {
            let digit = p[i] &- 0x30
            if digit <= 9 {
                mantissa = mantissa &* 10 &+ UInt64(digit)
                digits &+= 1
            } else if p[i] == UInt8(ascii: "."), point < 0 {
                point = digits
            } else {
                return nil
            }
            i &+= 1
        }
        guard digits <= 15 else { return nil }
        let value = Double(mantissa) / powers[point < 0 ? 0 : digits &- point]
        return negative ? -value : value
    }

    @inline(never) mutating func floats(_ special: (UnsafeRawBufferPointer) -> Double?) -> Buffer {
        values(
            Float(0), fast: { _, _ in nil },
            slow: { special($0).map { Float($0) } ?? ParseText.float(trimmingBlanks($0)) })
    }

    @inline(never) mutating func decimals(precision: Int, scale: Int) -> Buffer {
        values(
            Int128(0), fast: { _, _ in nil },
            slow: { (text) -> Int128? in
                // Spark's CSV reader takes thousands separators.
                if !text.contains(UInt8(ascii: ",")) {
                    return ParseText.decimal(text, precision: precision, scale: scale)
                }
                let digits = text.filter { $0 != UInt8(ascii: ",") }
                return digits.withUnsafeBytes { ParseText.decimal($0, precision: precision, scale: scale) }
            })
    }

    @inline(never) mutating func dates(_ pattern: DateTimePattern?) -> Buffer {
        guard let pattern else {
            return values(
                Int32(0), fast: { p, length in length == 10 ? FieldDecoder.isoDate(p) : nil },
                slow: { ParseText.date(trimmingWhitespace($0)) })
        }
        return values(Int32(0), fast: { _, _ in nil }, slow: { pattern.parseDate($0) })
    }

    /// yyyy-MM-dd
    @inline(__always) static func isoDate(_ p: UnsafePointer<UInt8>) -> Int32? {
        let head = UInt64(littleEndian: UnsafeRawPointer(p).loadUnaligned(as: UInt64.self))
        let tail = UInt64(UInt16(littleEndian: UnsafeRawPointer(p + 8).loadUnaligned(as: UInt16.self)))
        guard head & 0xFF00_00FF_0000_0000 == 0x2D00_002D_0000_0000 else { return nil }
        // yyyyMMdd in one word.
        let word = (head & 0xFFFF_FFFF) | ((head >> 8) & 0x0000_FFFF_0000_0000) | (tail << 48)
        guard DigitRun.allDigits(word) else { return nil }
        // Four-digit years need no eras and no signs, so this is half the work of CivilDate.
        let number = UInt32(truncatingIfNeeded: DigitRun.value(word))
        let year = number / 10_000
        let monthDay = number &- year &* 10_000
        let month = monthDay / 100
        let day = monthDay &- month &* 100
        let isLeap = year & 3 == 0 && (year % 25 != 0 || year & 15 == 0)
        guard month &- 1 < 12, day &- 1 < monthDays(month, isLeap), year > 0 else { return nil }
        let before = year &- 1
        let centuries = before / 100
        let yearDays = before &* 365 &+ (before >> 2) &- centuries &+ (centuries >> 2)
        // The months before March have no pattern; from March on they repeat 31 30 31 30 31 (153 days in five months).
        let monthStart =
            month <= 2 ? (month &- 1) &* 31 : (153 &* (month &- 3) &+ 2) / 5 &+ (isLeap ? 60 : 59)
        return Int32(bitPattern: yearDays &+ monthStart &+ day) &- 719_163
    }

    @inline(__always) private static func monthDays(_ month: UInt32, _ isLeap: Bool) -> UInt32 {
        if month == 2 { return isLeap ? 29 : 28 }
        return 30 &+ ((month ^ (month >> 3)) & 1)
    }

    @inline(never) mutating func timestamps(zoned: Bool, _ pattern: DateTimePattern?) -> Buffer {
        guard let pattern else {
            return values(
                Int64(0), fast: { FieldDecoder.isoTimestamp($0, $1, zoned: zoned) },
                slow: { (text) -> Int64? in
                    let text = trimmingWhitespace(text)
                    return zoned ? ParseText.timestamp(text) : ParseText.timestampNTZ(text, ignoringZone: false)
                })
        }
        return values(Int64(0), fast: { _, _ in nil }, slow: { pattern.parseTimestamp($0) })
    }

    /// yyyy-MM-dd HH:mm:ss, or with a T, with at most six digits of a fraction, and with a Z if it may have a zone.
    @inline(__always) static func isoTimestamp(_ p: UnsafePointer<UInt8>, _ length: Int, zoned: Bool) -> Int64? {
        guard length >= 19, length <= 27, let seconds = isoSeconds(p) else { return nil }
        let isUTC = p[length &- 1] == UInt8(ascii: "Z")
        if isUTC && !zoned { return nil }
        let end = length &- (isUTC ? 1 : 0)
        if end == 19 { return seconds }
        let digits = end &- 20
        guard p[19] == UInt8(ascii: "."), digits >= 1, digits <= 6 else { return nil }
        let word = DigitRun.rightAligned(endingAt: p + end, length: digits)
        guard DigitRun.allDigits(word) else { return nil }
        return seconds &+ Int64(bitPattern: DigitRun.value(word) &* microsPerUnit(digits))
    }

    /// 10^(6 - digits)
    @inline(__always) private static func microsPerUnit(_ digits: Int) -> UInt64 {
        switch digits {
        case 3: 1000
        case 6: 1
        case 1: 100_000
        case 2: 10_000
        case 4: 100
        default: 10
        }
    }

    /// yyyy-MM-dd HH:mm:ss as microseconds.
    @inline(__always) private static func isoSeconds(_ p: UnsafePointer<UInt8>) -> Int64? {
        guard p[10] == 0x20 || p[10] == UInt8(ascii: "T"), let day = isoDate(p) else { return nil }
        let clock = UInt64(littleEndian: UnsafeRawPointer(p + 11).loadUnaligned(as: UInt64.self))
        guard clock & 0x0000_FF00_00FF_0000 == 0x0000_3A00_003A_0000 else { return nil }
        // 00HHmmss in one word.
        let word =
            0x3030 | ((clock & 0xFFFF) << 16) | ((clock << 8) & 0x0000_FFFF_0000_0000)
            | (clock & 0xFFFF_0000_0000_0000)
        guard DigitRun.allDigits(word) else { return nil }
        let number = Int64(DigitRun.value(word))
        let hour = number / 10_000
        let minute = number / 100 % 100
        let second = number % 100
        guard hour < 24, minute < 60, second < 60 else { return nil }
        return (Int64(day) &* 86_400 &+ hour &* 3600 &+ minute &* 60 &+ second) &* 1_000_000
    }

    @inline(never) mutating func booleans() -> Buffer {
        let bits = Bitmap(repeating: false, count: count)
        let out = bits.words
        for row in 0..<count {
            guard let bytes = bytesOrNull(row) else { continue }
            if let value = ParseText.booleanWord(bytes) {
                if value { out[row >> 6] |= 1 << UInt64(row & 63) }
            } else {
                fail(row)
            }
        }
        return bits.buffer
    }

    /// Views; long values point into heap buffer 0 (the chunk) or 1 (the side text). `long`: whether there is one.
    @inline(never) mutating func views() -> (buffer: Buffer, long: Bool) {
        let buffer = Buffer(byteCount: count * 16)
        let out = buffer.pointer(StringView.self)
        var longest = 0
        for row in 0..<count {
            let word = words[row]
            let inSide = word & FieldRuns.side != 0
            let p = UnsafeRawPointer((inSide ? side : chunk) + Int(starts[row]))
            let length = Int(word & FieldRuns.lengthMask)
            if length <= 12 && length > 0 {
                // Both buffers have 64 readable bytes behind their end.
                out[row] = StringView(inlineLoading: p, length: length)
                continue
            }
            guard bytesOrNull(row) != nil else {
                out[row] = .empty
                continue
            }
            if length == 0 {
                out[row] = .empty
                continue
            }
            longest = length
            out[row] = StringView(bytes: p, length: length, bufferIndex: inSide ? 1 : 0, offset: Int(starts[row]))
        }
        return (buffer, longest > 0)
    }
}

/// 10^0 ... 10^22, all exact.
let exactPowersOfTen: [Double] = (0...22).map { DigitRun.power($0) }

/// What Java's parseDouble trims: characters up to the space.
func trimmingBlanks(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    var low = 0
    var high = text.count
    while low < high, text[low] <= 0x20 { low += 1 }
    while high > low, text[high - 1] <= 0x20 { high -= 1 }
    return UnsafeRawBufferPointer(rebasing: text[low..<high])
}
