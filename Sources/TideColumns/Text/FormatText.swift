import Glibc

/// Values to text, as Spark's casts print them. Every function writes at `out`, which must have room for `bytesMax`
/// bytes, and returns how many it wrote.
public enum FormatText {
    /// More than any of these functions writes.
    public static let bytesMax = 64

    @inline(__always) static func put(_ text: StaticString, _ out: UnsafeMutablePointer<UInt8>) -> Int {
        memcpy(out, text.utf8Start, text.utf8CodeUnitCount)
        return text.utf8CodeUnitCount
    }

    public static func boolean(_ value: Bool, _ out: UnsafeMutablePointer<UInt8>) -> Int {
        value ? put("true", out) : put("false", out)
    }

    public static func int64(_ value: Int64, _ out: UnsafeMutablePointer<UInt8>) -> Int {
        var n = 0
        if value < 0 {
            out[0] = UInt8(ascii: "-")
            n = 1
        }
        return n + unsigned(value.magnitude, out + n)
    }

    static func unsigned(_ value: UInt64, _ out: UnsafeMutablePointer<UInt8>) -> Int {
        var digits = 1
        var bound: UInt64 = 10
        while value >= bound {
            digits += 1
            let (next, overflow) = bound.multipliedReportingOverflow(by: 10)
            if overflow { break }
            bound = next
        }
        var rest = value
        var i = digits
        while i > 0 {
            i -= 1
            let quotient = rest / 10
            out[i] = 0x30 &+ UInt8(truncatingIfNeeded: rest &- quotient &* 10)
            rest = quotient
        }
        return digits
    }

    /// `value` in exactly `width` digits.
    @usableFromInline static func padded(_ value: Int, width: Int, _ out: UnsafeMutablePointer<UInt8>) {
        var rest = value
        var i = width
        while i > 0 {
            i -= 1
            out[i] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }

    /// Java's `Double.toString` as specified since JDK 19: the shortest digits that read back as the same value, plain
    /// in 10^-3 ..< 10^7, else with an exponent, always with a digit behind the point. Older JDKs print a digit too
    /// many
    /// for some values.
    public static func double(_ value: Double, _ out: UnsafeMutablePointer<UInt8>) -> Int {
        if value.isNaN { return put("NaN", out) }
        if value.isInfinite { return value < 0 ? put("-Infinity", out) : put("Infinity", out) }
        if value == 0 { return value.sign == .minus ? put("-0.0", out) : put("0.0", out) }
        var digits = ShortestDigits(value.magnitude.description)
        // One digit is padded to two, and then the two closest to the value are wanted: 4.9E-324, not 5.0E-324.
        if digits.count == 1 { digits.refine(value.magnitude) { Double($0) == value.magnitude } }
        return digits.write(negative: value < 0, out)
    }

    public static func float(_ value: Float, _ out: UnsafeMutablePointer<UInt8>) -> Int {
        if value.isNaN { return put("NaN", out) }
        if value.isInfinite { return value < 0 ? put("-Infinity", out) : put("Infinity", out) }
        if value == 0 { return value.sign == .minus ? put("-0.0", out) : put("0.0", out) }
        var digits = ShortestDigits(value.magnitude.description)
        if digits.count == 1 { digits.refine(Double(value.magnitude)) { Float($0) == value.magnitude } }
        return digits.write(negative: value < 0, out)
    }

    /// All digits of the scale, never an exponent.
    public static func decimal(_ unscaled: Int128, scale: Int, _ out: UnsafeMutablePointer<UInt8>) -> Int {
        var n = 0
        if unscaled < 0 {
            out[0] = UInt8(ascii: "-")
            n = 1
        }
        var rest = unscaled.magnitude
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 48) { digits in
            var count = 0
            while rest > UInt128(UInt64.max) {
                let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 10)
                digits[count] = 0x30 + UInt8(truncatingIfNeeded: remainder)
                count += 1
                rest = quotient
            }
            var low = UInt64(rest)
            while low > 0 || count <= scale {
                digits[count] = 0x30 + UInt8(truncatingIfNeeded: low % 10)
                count += 1
                low /= 10
            }
            for i in stride(from: count - 1, through: 0, by: -1) {
                out[n] = digits[i]
                n += 1
                if i == scale && scale > 0 {
                    out[n] = UInt8(ascii: ".")
                    n += 1
                }
            }
            return n
        }
    }

    /// `yyyy-MM-dd`; years past 9999 have a plus sign, as in ISO 8601.
    public static func date(_ days: Int32, _ out: UnsafeMutablePointer<UInt8>) -> Int {
        day(CivilDate(daysSinceEpoch: Int(days)), out)
    }

    @usableFromInline static func day(_ date: CivilDate, _ out: UnsafeMutablePointer<UInt8>) -> Int {
        var n = 0
        let magnitude = abs(date.year)
        if date.year < 0 || date.year > 9999 {
            out[0] = UInt8(ascii: date.year < 0 ? "-" : "+")
            n = 1
        }
        if magnitude <= 9999 {
            padded(magnitude, width: 4, out + n)
            n += 4
        } else {
            n += unsigned(UInt64(magnitude), out + n)
        }
        out[n] = UInt8(ascii: "-")
        padded(date.month, width: 2, out + n + 1)
        out[n + 3] = UInt8(ascii: "-")
        padded(date.day, width: 2, out + n + 4)
        return n + 6
    }

    /// `yyyy-MM-dd HH:mm:ss[.ffffff]` in UTC, the fraction without trailing zeros. Serves timestamps with and without
    /// time zone.
    public static func timestamp(_ micros: Int64, _ out: UnsafeMutablePointer<UInt8>) -> Int {
        let (days, rest) = splitMicros(micros)
        var n = day(CivilDate(daysSinceEpoch: days), out)
        out[n] = UInt8(ascii: " ")
        n += 1 + clock(rest, out + n + 1)
        var fraction = Int(rest % 1_000_000)
        if fraction == 0 { return n }
        var width = 6
        while fraction % 10 == 0 {
            fraction /= 10
            width -= 1
        }
        out[n] = UInt8(ascii: ".")
        padded(fraction, width: width, out + n + 1)
        return n + 1 + width
    }

    /// `{start, end}`, as Spark prints the struct.
    public static func timeWindow(_ window: TimeWindow, _ out: UnsafeMutablePointer<UInt8>) -> Int {
        out[0] = UInt8(ascii: "{")
        var n = 1 + timestamp(window.start, out + 1)
        out[n] = UInt8(ascii: ",")
        out[n + 1] = UInt8(ascii: " ")
        n += 2
        n += timestamp(window.end, out + n)
        out[n] = UInt8(ascii: "}")
        return n + 1
    }

    /// `yyyy-MM-ddTHH:mm:ss.SSS`, and Z behind it if `zone`: what Spark writes into CSV and JSON files. Microseconds
    /// are cut, as there.
    public static func timestampISO(_ micros: Int64, zone: Bool, _ out: UnsafeMutablePointer<UInt8>) -> Int {
        let (days, rest) = splitMicros(micros)
        var n = day(CivilDate(daysSinceEpoch: days), out)
        out[n] = UInt8(ascii: "T")
        n += 1 + clock(rest, out + n + 1)
        out[n] = UInt8(ascii: ".")
        padded(Int(rest % 1_000_000) / 1000, width: 3, out + n + 1)
        n += 4
        if zone {
            out[n] = UInt8(ascii: "Z")
            n += 1
        }
        return n
    }

    /// `HH:mm:ss`
    private static func clock(_ microsOfDay: Int64, _ out: UnsafeMutablePointer<UInt8>) -> Int {
        let seconds = Int(microsOfDay / 1_000_000)
        padded(seconds / 3600, width: 2, out)
        out[2] = UInt8(ascii: ":")
        padded(seconds / 60 % 60, width: 2, out + 3)
        out[5] = UInt8(ascii: ":")
        padded(seconds % 60, width: 2, out + 6)
        return 8
    }
}

/// Digits and decimal exponent of a positive floating-point value.
struct ShortestDigits {
    /// ASCII digits, no zero at either end.
    private var digits: [UInt8] = []
    /// The value is 0.d1d2d3… × 10^point.
    private var point = 0
    var count: Int { digits.count }

    /// From Swift's description, which has the shortest digits in one of several notations.
    init(_ description: String) {
        var exponent = 0
        var sawPoint = false
        var bytes = description.utf8.makeIterator()
        while let byte = bytes.next() {
            if byte == UInt8(ascii: ".") {
                sawPoint = true
            } else if byte == UInt8(ascii: "e") {
                var negative = false
                while let next = bytes.next() {
                    if next == UInt8(ascii: "-") { negative = true }
                    if next &- 0x30 <= 9 { exponent = exponent * 10 + Int(next &- 0x30) }
                }
                if negative { exponent = -exponent }
            } else {
                if !digits.isEmpty || byte != 0x30 { digits.append(byte) } else if sawPoint { point -= 1 }
                if !sawPoint && !digits.isEmpty { point += 1 }
            }
        }
        point += exponent
        while digits.count > 1, digits.last == 0x30 { digits.removeLast() }
    }

    /// The two-digit decimal closest to `value`, if it reads back as `value` too.
    mutating func refine(_ value: Double, _ readsBack: (String) -> Bool) {
        var text = [CChar](repeating: 0, count: 32)
        let length = withVaList([value]) { vsnprintf(&text, text.count, "%.1e", $0) }
        let string = String(decoding: text[..<Int(length)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if readsBack(string) { self = ShortestDigits(string) }
    }

    func write(negative: Bool, _ out: UnsafeMutablePointer<UInt8>) -> Int {
        var n = 0
        func put(_ byte: UInt8) {
            out[n] = byte
            n += 1
        }
        if negative { put(UInt8(ascii: "-")) }
        if point > -3 && point <= 7 {
            if point <= 0 {
                put(0x30)
                put(UInt8(ascii: "."))
                for _ in 0..<(-point) { put(0x30) }
                for digit in digits { put(digit) }
            } else {
                for i in 0..<max(digits.count, point) {
                    if i == point { put(UInt8(ascii: ".")) }
                    put(i < digits.count ? digits[i] : 0x30)
                }
                if digits.count <= point {
                    put(UInt8(ascii: "."))
                    put(0x30)
                }
            }
            return n
        }
        put(digits[0])
        put(UInt8(ascii: "."))
        if digits.count == 1 { put(0x30) }
        for digit in digits.dropFirst() { put(digit) }
        put(UInt8(ascii: "E"))
        return n + FormatText.int64(Int64(point - 1), out + n)
    }
}
