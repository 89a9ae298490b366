/// The value of a string literal's inner text: Spark's escapes (`\n`, `\t`, `\\`, `\'`, `\0`, octal `\101`, `\uXXXX`,
/// `\UXXXXXXXX`; `\%` and `\_` stay as they are for LIKE) and doubled quotes.
func decodeString(_ bytes: ArraySlice<UInt8>, quote: UInt8) -> String {
    guard bytes.contains(UInt8(ascii: "\\")) || bytes.contains(quote) else {
        return String(decoding: bytes, as: UTF8.self)
    }
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count)
    var index = bytes.startIndex
    while index < bytes.endIndex {
        let byte = bytes[index]
        index += 1
        if byte == quote {
            out.append(byte)
            // The second of a doubled quote.
            index += 1
            continue
        }
        guard byte == UInt8(ascii: "\\"), index < bytes.endIndex else {
            out.append(byte)
            continue
        }
        let escaped = bytes[index]
        if escaped == UInt8(ascii: "u"), let scalar = unicodeEscape(bytes, at: &index) {
            out.append(contentsOf: String(Character(scalar)).utf8)
            continue
        }
        if escaped == UInt8(ascii: "U"), let value = hexadecimal(bytes[(index + 1)...].prefix(8), digits: 8) {
            out.append(contentsOf: String(Character(Unicode.Scalar(value) ?? "\u{FFFD}")).utf8)
            index += 9
            continue
        }
        if let value = octal(bytes[index...].prefix(3)) {
            out.append(contentsOf: String(Character(Unicode.Scalar(value))).utf8)
            index += 3
            continue
        }
        index += 1
        switch escaped {
        case UInt8(ascii: "0"): out.append(0)
        case UInt8(ascii: "b"): out.append(8)
        case UInt8(ascii: "n"): out.append(10)
        case UInt8(ascii: "r"): out.append(13)
        case UInt8(ascii: "t"): out.append(9)
        case UInt8(ascii: "Z"): out.append(26)
        case UInt8(ascii: "%"), UInt8(ascii: "_"):
            out.append(UInt8(ascii: "\\"))
            out.append(escaped)
        default: out.append(escaped)
        }
    }
    return String(decoding: out, as: UTF8.self)
}

/// `uXXXX` at `index`, or a surrogate pair of two; a lone surrogate is U+FFFD. Moves behind what it took.
private func unicodeEscape(_ bytes: ArraySlice<UInt8>, at index: inout Int) -> Unicode.Scalar? {
    guard let unit = hexadecimal(bytes[(index + 1)...].prefix(4), digits: 4) else { return nil }
    index += 5
    guard (0xD800...0xDFFF).contains(unit) else { return Unicode.Scalar(unit) }
    let rest = bytes[index...]
    if unit < 0xDC00, rest.count >= 6, rest.starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]),
        let low = hexadecimal(rest.dropFirst(2).prefix(4), digits: 4), (0xDC00...0xDFFF).contains(low)
    {
        index += 6
        return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
    }
    return "\u{FFFD}"
}

private func hexadecimal(_ bytes: ArraySlice<UInt8>, digits: Int) -> UInt32? {
    guard bytes.count == digits else { return nil }
    var value: UInt32 = 0
    for byte in bytes {
        guard let digit = hexadecimalDigit(byte) else { return nil }
        value = value << 4 | UInt32(digit)
    }
    return value
}

func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}

/// Three digits, the first at most 1 (Spark takes \000 to \177).
private func octal(_ bytes: ArraySlice<UInt8>) -> UInt8? {
    guard bytes.count == 3, let first = bytes.first, first == UInt8(ascii: "0") || first == UInt8(ascii: "1") else {
        return nil
    }
    var value: UInt8 = 0
    for byte in bytes {
        guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "7") else { return nil }
        value = value << 3 | (byte - UInt8(ascii: "0"))
    }
    return value
}
