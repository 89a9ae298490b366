import TideCore

extension Parser {
    func isString(_ offset: Int = 0) -> Bool {
        let kind = peek(offset).kind
        return kind == .string || kind == .rawString
    }

    func isNumber(_ offset: Int = 0) -> Bool {
        let kind = peek(offset).kind
        return kind == .integer || kind == .number
    }

    /// A string literal; adjacent ones are one.
    mutating func string(_ what: String = "a string") throws(TidemillError) -> String {
        guard isString() else { throw unexpected(expected: what) }
        var value = ""
        while isString() {
            let raw = current.kind == .rawString
            let inner = source.bytes[
                (current.range.lowerBound + (raw ? 2 : 1))..<(current.range.upperBound - 1)]
            value +=
                raw
                ? String(decoding: inner, as: UTF8.self)
                : decodeString(inner, quote: source.bytes[current.range.lowerBound])
            advance()
        }
        return value
    }

    /// The number here. The sign belongs to the constant: −128Y fits a byte, 128Y does not.
    mutating func numericLiteral(isNegative: Bool, from start: Int) throws(TidemillError) -> Literal {
        let digits = text(current)
        let isInteger = current.kind == .integer
        advance()
        let span = span(from: start)
        let sign = isNegative ? "-" : ""
        if isInteger {
            if let value = Int64(sign + digits) {
                return Int32(exactly: value).map { .integer($0) } ?? .long(value)
            }
            return .decimal(try decimal(isNegative: isNegative, digits, span))
        }
        let body = String(digits.dropLast())
        switch digits.utf8.last.map({ $0 | 0x20 }) {
        case UInt8(ascii: "l"): return .long(try integer(sign + body, "BIGINT", span))
        case UInt8(ascii: "s"): return .short(try integer(sign + body, "SMALLINT", span))
        case UInt8(ascii: "y"): return .byte(try integer(sign + body, "TINYINT", span))
        case UInt8(ascii: "f"):
            guard let value = Float(sign + body), value.isFinite else { throw outOfRange(sign + body, "FLOAT", span) }
            return .float(value)
        case UInt8(ascii: "d"):
            if digits.utf8.dropLast().last.map({ $0 | 0x20 }) == UInt8(ascii: "b") {
                return .decimal(try decimal(isNegative: isNegative, String(body.dropLast()), span))
            }
            return .double(try double(sign + body, span))
        default:
            if digits.utf8.contains(where: { $0 | 0x20 == UInt8(ascii: "e") }) {
                return .double(try double(sign + digits, span))
            }
            return .decimal(try decimal(isNegative: isNegative, digits, span))
        }
    }

    private func integer<T: FixedWidthInteger>(
        _ text: String, _ type: String, _ span: SourceSpan
    ) throws(TidemillError) -> T {
        guard let value = T(text) else { throw outOfRange(text, type, span) }
        return value
    }

    private func double(_ text: String, _ span: SourceSpan) throws(TidemillError) -> Double {
        guard let value = Double(text), value.isFinite else { throw outOfRange(text, "DOUBLE", span) }
        return value
    }

    private func outOfRange(_ text: String, _ type: String, _ span: SourceSpan) -> TidemillError {
        syntaxError(
            "number out of the range of \(type): \(text)", code: "INVALID_NUMERIC_LITERAL_RANGE", span)
    }

    /// `digits[.digits][e[±]digits]` as an exact decimal of at most 38 digits.
    private func decimal(
        isNegative: Bool, _ text: String, _ span: SourceSpan
    ) throws(TidemillError) -> DecimalLiteral {
        var digits: [UInt8] = []
        var scale = 0
        var seenPoint = false
        var exponent = 0
        let bytes = Array(text.utf8)
        for (index, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: ".") {
                seenPoint = true
            } else if byte | 0x20 == UInt8(ascii: "e") {
                var rest = bytes[(index + 1)...]
                if rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
                exponent = Int(String(decoding: rest, as: UTF8.self)) ?? 1_000
                break
            } else {
                if !(digits.isEmpty && byte == UInt8(ascii: "0")) { digits.append(byte) }
                if seenPoint { scale += 1 }
            }
        }
        guard abs(exponent) <= 76, scale <= 76 else { throw tooPrecise(text, span) }
        scale -= exponent
        if scale < 0 {
            if !digits.isEmpty { digits += Array(repeating: UInt8(ascii: "0"), count: -scale) }
            scale = 0
        }
        guard max(digits.count, scale) <= 38 else { throw tooPrecise(text, span) }
        return DecimalLiteral(
            isNegative: isNegative && !digits.isEmpty,
            digits: digits.isEmpty ? "0" : String(decoding: digits, as: UTF8.self), scale: scale)
    }

    private func tooPrecise(_ text: String, _ span: SourceSpan) -> TidemillError {
        syntaxError(
            "decimal with more than 38 digits: \(text)", hint: "write an exponent (1e0) for a DOUBLE",
            code: "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION", span)
    }

    /// `DATE '…'` and its kin: a word with a string directly behind it.
    mutating func typedLiteral() throws(TidemillError) -> Literal {
        let start = position
        let name = text(current)
        advance()
        let value = try string()
        switch name.lowercased() {
        case "date": return .date(value)
        case "timestamp": return .timestamp(value)
        case "timestamp_ltz": return .timestampLTZ(value)
        case "timestamp_ntz": return .timestampNTZ(value)
        case "time": return .time(value)
        case "x":
            guard let bytes = hexadecimalBytes(value) else {
                throw syntaxError(
                    "not hexadecimal digits: '\(value)'", code: "INVALID_TYPED_LITERAL", span(from: start))
            }
            return .binary(bytes)
        default:
            throw syntaxError(
                "a literal of the unknown type \(name)", hint: "names are quoted with backquotes, not with ' or \"",
                code: "UNSUPPORTED_TYPED_LITERAL", span(from: start))
        }
    }

    /// Pairs of digits; an odd count has a 0 in front.
    private func hexadecimalBytes(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var half: UInt8? = text.utf8.count % 2 == 1 ? 0 : nil
        for character in text.utf8 {
            guard let digit = hexadecimalDigit(character) else { return nil }
            if let high = half {
                bytes.append(high << 4 | digit)
                half = nil
            } else {
                half = digit
            }
        }
        return bytes
    }
}
