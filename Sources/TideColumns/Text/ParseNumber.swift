import Glibc

/// Text to values. Every function takes the bytes of one value, never reads outside them, and returns nil where the
/// text
/// is no such value. Nothing here trims: casts call `trimmingWhitespace` first, formats decide themselves.
public enum ParseText {
    /// An optional sign and digits, within the 64-bit range.
    public static func int64(_ text: UnsafeRawBufferPointer) -> Int64? {
        var i = 0
        let n = text.count
        guard n > 0 else { return nil }
        let negative = text[0] == UInt8(ascii: "-")
        if negative || text[0] == UInt8(ascii: "+") { i = 1 }
        guard i < n else { return nil }
        // Counted downward, because the smallest value has no positive twin.
        var value: Int64 = 0
        while i < n {
            let digit = text[i] &- 0x30
            guard digit <= 9 else { return nil }
            let (scaled, overflowA) = value.multipliedReportingOverflow(by: 10)
            let (next, overflowB) = scaled.subtractingReportingOverflow(Int64(digit))
            if overflowA || overflowB { return nil }
            value = next
            i += 1
        }
        if negative { return value }
        return value == .min ? nil : -value
    }

    /// The same, within the range of an integral type.
    public static func integer(_ text: UnsafeRawBufferPointer, _ range: ClosedRange<Int64>) -> Int64? {
        guard let value = int64(text), range.contains(value) else { return nil }
        return value
    }

    /// Spark's cast: t true y yes 1, f false n no 0, in any case.
    public static func boolean(_ text: UnsafeRawBufferPointer) -> Bool? {
        switch text.count {
        case 1:
            switch text[0] | 0x20 {
            case UInt8(ascii: "t"), UInt8(ascii: "y"): return true
            case UInt8(ascii: "f"), UInt8(ascii: "n"): return false
            default: return text[0] == UInt8(ascii: "1") ? true : text[0] == UInt8(ascii: "0") ? false : nil
            }
        case 2: return equalsIgnoringCase(text, "no") ? false : nil
        case 3: return equalsIgnoringCase(text, "yes") ? true : nil
        case 4: return equalsIgnoringCase(text, "true") ? true : nil
        case 5: return equalsIgnoringCase(text, "false") ? false : nil
        default: return nil
        }
    }

    /// `true` or `false` in any case: what Spark's CSV and JSON readers take.
    public static func booleanWord(_ text: UnsafeRawBufferPointer) -> Bool? {
        if equalsIgnoringCase(text, "true") { return true }
        return equalsIgnoringCase(text, "false") ? false : nil
    }

    /// Java's `Double.parseDouble` without trimming: decimal or hexadecimal forms, an optional d or f behind them, NaN
    /// and Infinity with these capitals. Correctly rounded.
    public static func double(_ text: UnsafeRawBufferPointer) -> Double? {
        guard let shape = FloatShape(text) else { return nil }
        switch shape.form {
        case .nan: return .nan
        case .infinity: return shape.negative ? -.infinity : .infinity
        case .hexadecimal: break
        case .decimal:
            // Both factors are exact, so one rounding remains (Clinger 1990).
            if shape.isExact, shape.mantissa <= 1 << 53, abs(shape.exponent) <= 22 {
                let m = Double(shape.mantissa)
                let scaled = shape.exponent < 0 ? m / exactPowers[-shape.exponent] : m * exactPowers[shape.exponent]
                return shape.negative ? -scaled : scaled
            }
        }
        return withCString(text, count: shape.numberBytes) { strtod($0, nil) }
    }

    /// Java's `Float.parseFloat`: one rounding, not a double rounded again.
    public static func float(_ text: UnsafeRawBufferPointer) -> Float? {
        guard let shape = FloatShape(text) else { return nil }
        switch shape.form {
        case .nan: return .nan
        case .infinity: return shape.negative ? -.infinity : .infinity
        case .hexadecimal: break
        case .decimal:
            if shape.isExact, shape.mantissa <= 1 << 24, abs(shape.exponent) <= 10 {
                let power = Float(exactPowers[abs(shape.exponent)])
                let m = Float(shape.mantissa)
                let scaled = shape.exponent < 0 ? m / power : m * power
                return shape.negative ? -scaled : scaled
            }
        }
        return withCString(text, count: shape.numberBytes) { strtof($0, nil) }
    }

    /// Spark's cast also takes the special values in any case, and Inf: nan, [+-]inf, [+-]infinity.
    public static func specialDouble(_ text: UnsafeRawBufferPointer) -> Double? {
        if equalsIgnoringCase(text, "nan") { return .nan }
        guard let first = text.first else { return nil }
        let signed = first == UInt8(ascii: "-") || first == UInt8(ascii: "+")
        let rest = UnsafeRawBufferPointer(rebasing: text[(signed ? 1 : 0)...])
        guard equalsIgnoringCase(rest, "inf") || equalsIgnoringCase(rest, "infinity") else { return nil }
        return first == UInt8(ascii: "-") ? -.infinity : .infinity
    }

    /// The unscaled value of a decimal(precision, scale), rounded half away from zero; nil if it does not fit.
    public static func decimal(_ text: UnsafeRawBufferPointer, precision: Int, scale: Int) -> Int128? {
        let n = text.count
        var i = 0
        guard n > 0 else { return nil }
        let negative = text[0] == UInt8(ascii: "-")
        if negative || text[0] == UInt8(ascii: "+") { i = 1 }
        // The first 39 significant digits as `mantissa`, and the rank of the next one for rounding: the value is
        // mantissa.next… × 10^exponent.
        var mantissa: Int128 = 0
        var significant = 0
        var dropped = 0
        var next: UInt8?
        var fraction = 0
        var sawPoint = false
        var digits = 0
        while i < n {
            let byte = text[i]
            if byte == UInt8(ascii: ".") {
                if sawPoint { return nil }
                sawPoint = true
            } else {
                let digit = byte &- 0x30
                guard digit <= 9 else { break }
                digits += 1
                if sawPoint { fraction += 1 }
                if significant > 0 || digit != 0 {
                    if significant < 38 {
                        mantissa = mantissa * 10 + Int128(digit)
                        significant += 1
                    } else {
                        if next == nil { next = digit }
                        dropped += 1
                    }
                }
            }
            i += 1
        }
        guard digits > 0 else { return nil }
        var exponent = 0
        if i < n {
            guard text[i] | 0x20 == UInt8(ascii: "e"), let e = exponentValue(text, from: i + 1) else { return nil }
            exponent = e
        }
        if mantissa == 0 { return 0 }
        // Shift from 10^-(fraction - dropped) to 10^-scale.
        let shift = exponent - fraction + dropped + scale
        if shift > 0 && dropped > 0 { return nil }
        let limit = decimalPower(precision)
        var unscaled: Int128
        if shift >= 0 {
            guard significant + shift <= precision else { return nil }
            unscaled = mantissa * decimalPower(shift)
        } else {
            let drop = -shift
            if drop > significant { return 0 }
            if drop > 38 { return 0 }
            let power = decimalPower(drop)
            unscaled = mantissa / power
            if mantissa % power >= power / 2 { unscaled += 1 }
        }
        if shift == 0, let next, next >= 5 { unscaled += 1 }
        guard unscaled < limit else { return nil }
        return negative ? -unscaled : unscaled
    }

    /// Sign and digits up to the end of the text; clamped to ±100 000.
    @usableFromInline static func exponentValue(_ text: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var i = start
        let n = text.count
        guard i < n else { return nil }
        let negative = text[i] == UInt8(ascii: "-")
        if negative || text[i] == UInt8(ascii: "+") { i += 1 }
        guard i < n else { return nil }
        var value = 0
        while i < n {
            let digit = text[i] &- 0x30
            guard digit <= 9 else { return nil }
            value = min(value * 10 + Int(digit), 100_000)
            i += 1
        }
        return negative ? -value : value
    }

    static func withCString<R>(
        _ text: UnsafeRawBufferPointer, count: Int, _ body: (UnsafePointer<CChar>) -> R
    ) -> R {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: count + 1) { copy in
            // count ≤ text.count: FloatShape measured it.
            if count > 0 { memcpy(copy.baseAddress!, text.baseAddress!, count) }
            copy[count] = 0
            return body(UnsafePointer(copy.baseAddress!))
        }
    }
}

/// Whether the text is `word` (lower case ASCII letters) in any case.
public func equalsIgnoringCase(_ text: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
    guard text.count == word.utf8CodeUnitCount else { return false }
    for i in 0..<text.count where text[i] | 0x20 != word.utf8Start[i] { return false }
    return true
}

/// What kind of floating-point text this is, and its digits where they fit a word.
struct FloatShape {
    enum Form { case decimal, hexadecimal, nan, infinity }
    var form = Form.decimal
    var negative = false
    /// The number is mantissa × 10^exponent, if `isExact`.
    var mantissa: UInt64 = 0
    var exponent = 0
    /// No digit was left out of `mantissa`.
    var isExact = true
    /// Bytes of the number, without a d or f behind it.
    var numberBytes = 0

    init?(_ text: UnsafeRawBufferPointer) {
        let n = text.count
        var i = 0
        guard n > 0 else { return nil }
        negative = text[0] == UInt8(ascii: "-")
        if negative || text[0] == UInt8(ascii: "+") { i = 1 }
        guard i < n else { return nil }
        if text[i] == UInt8(ascii: "N") || text[i] == UInt8(ascii: "I") {
            let rest = UnsafeRawBufferPointer(rebasing: text[i...])
            if rest.elementsEqual("NaN".utf8) {
                form = .nan
            } else if rest.elementsEqual("Infinity".utf8) {
                form = .infinity
            } else {
                return nil
            }
            return
        }
        if n - i > 2, text[i] == 0x30, text[i + 1] | 0x20 == UInt8(ascii: "x") {
            guard let end = FloatShape.hexadecimalEnd(text, from: i + 2) else { return nil }
            form = .hexadecimal
            numberBytes = end
            return
        }
        var digits = 0
        var significant = 0
        var sawPoint = false
        while i < n {
            let byte = text[i]
            let digit = byte &- 0x30
            if digit <= 9 {
                digits += 1
                if sawPoint { exponent -= 1 }
                if significant > 0 || digit != 0 {
                    significant += 1
                    if significant <= 19 { mantissa = mantissa &* 10 &+ UInt64(digit) } else { isExact = false }
                }
            } else if byte == UInt8(ascii: "."), !sawPoint {
                sawPoint = true
            } else {
                break
            }
            i += 1
        }
        guard digits > 0 else { return nil }
        numberBytes = n
        if i < n {
            var end = n
            // A type letter stands behind everything else.
            switch text[n - 1] | 0x20 {
            case UInt8(ascii: "d"), UInt8(ascii: "f"): end = n - 1
            default: break
            }
            numberBytes = end
            if i < end {
                let number = UnsafeRawBufferPointer(rebasing: text[..<end])
                guard text[i] | 0x20 == UInt8(ascii: "e"), let e = ParseText.exponentValue(number, from: i + 1) else {
                    return nil
                }
                exponent += e
            }
        }
    }

    /// End of `hex digits [. hex digits] p [sign] digits [d|f]`, without the letter.
    static func hexadecimalEnd(_ text: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var i = start
        var digits = 0
        var sawPoint = false
        while i < text.count {
            let byte = text[i]
            let letter = byte | 0x20
            if byte &- 0x30 <= 9 || (letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "f")) {
                digits += 1
            } else if byte == UInt8(ascii: "."), !sawPoint {
                sawPoint = true
            } else {
                break
            }
            i += 1
        }
        guard digits > 0, i < text.count, text[i] | 0x20 == UInt8(ascii: "p") else { return nil }
        var end = text.count
        switch text[end - 1] | 0x20 {
        case UInt8(ascii: "d"), UInt8(ascii: "f"): end -= 1
        default: break
        }
        let number = UnsafeRawBufferPointer(rebasing: text[..<end])
        return ParseText.exponentValue(number, from: i + 1) == nil ? nil : end
    }
}
