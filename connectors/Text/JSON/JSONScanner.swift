import CTideKernels

/// The kind of a JSON value, one bit each.
struct JSONKinds: OptionSet {
    let rawValue: UInt8
    init(rawValue: UInt8) { self.rawValue = rawValue }
    static let string = JSONKinds(rawValue: 1)
    /// A number without fraction and exponent.
    static let integer = JSONKinds(rawValue: 2)
    static let fraction = JSONKinds(rawValue: 4)
    /// NaN, Infinity, -INF and their kin, which Spark's reader takes too.
    static let special = JSONKinds(rawValue: 8)
    static let boolean = JSONKinds(rawValue: 16)
    static let null = JSONKinds(rawValue: 32)
    static let object = JSONKinds(rawValue: 64)
    static let array = JSONKinds(rawValue: 128)
    static let any = JSONKinds(rawValue: 255)
}

/// Walks JSON text that ends with a line end: every function stops there, so none needs to know where the text ends.
///
/// What counts as JSON is what Spark's reader takes by default: RFC 8259, strings and names also in single quotes, the
/// special numbers, at most 1000 levels. A line end ends the record wherever it stands. Positions are indices into `p`;
/// a negative result says that the text is malformed.
enum JSONScanner {
    static let depthMax = 1000

    @inline(__always) static func skippingBlanks(_ p: UnsafePointer<UInt8>, _ start: Int) -> Int {
        var i = start
        while p[i] == 0x20 || p[i] == 0x09 { i &+= 1 }
        return i
    }

    @inline(__always) static func isQuote(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'")
    }

    /// From the byte behind the opening `quote` to behind the closing one. `escaped`: whether there is a backslash.
    @inline(__always) static func string(
        _ p: UnsafePointer<UInt8>, _ start: Int, quote: UInt8, escaped: inout Bool
    ) -> Int {
        let end = start &+ tide_json_string_end(p + start)
        if p[end] == UInt8(ascii: "\"") && quote == UInt8(ascii: "\"") { return end &+ 1 }
        return slowString(p, quote == UInt8(ascii: "\"") ? end : start, quote: quote, escaped: &escaped)
    }

    @inline(never) private static func slowString(
        _ p: UnsafePointer<UInt8>, _ start: Int, quote: UInt8, escaped: inout Bool
    ) -> Int {
        var i = start
        while true {
            let byte = p[i]
            if byte == quote { return i &+ 1 }
            if byte < 0x20 { return -1 }
            guard byte == UInt8(ascii: "\\") else {
                i &+= 1
                continue
            }
            escaped = true
            switch p[i &+ 1] {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
                UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"), UInt8(ascii: "'"):
                i &+= 2
            case UInt8(ascii: "u"):
                for k in 2..<6 where hexDigit(p[i &+ k]) == nil { return -1 }
                i &+= 6
            default: return -1
            }
        }
    }

    static func hexDigit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 0x30...0x39: UInt32(byte) &- 0x30
        case 0x41...0x46: UInt32(byte) &- 0x37
        case 0x61...0x66: UInt32(byte) &- 0x57
        default: nil
        }
    }

    /// A value that begins at `start` and is no string. Returns the index behind it, and its kind.
    @inline(__always) static func scalarOrContainer(
        _ p: UnsafePointer<UInt8>, _ start: Int, kind: inout JSONKinds
    ) -> Int {
        let first = p[start]
        if first &- 0x30 <= 9 || first == UInt8(ascii: "-") { return number(p, start, kind: &kind) }
        return other(p, start, first, kind: &kind)
    }

    @inline(__always) private static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 <= 9 }

    @inline(__always) private static func number(
        _ p: UnsafePointer<UInt8>, _ start: Int, kind: inout JSONKinds
    ) -> Int {
        var i = start
        if p[i] == UInt8(ascii: "-") { i &+= 1 }
        if p[i] == UInt8(ascii: "0") {
            i &+= 1
        } else {
            guard isDigit(p[i]) else { return special(p, start, kind: &kind) }
            repeat { i &+= 1 } while isDigit(p[i])
        }
        kind = .integer
        if p[i] == UInt8(ascii: ".") {
            i &+= 1
            guard isDigit(p[i]) else { return -1 }
            repeat { i &+= 1 } while isDigit(p[i])
            kind = .fraction
        }
        if p[i] | 0x20 == UInt8(ascii: "e") {
            i &+= 1
            if p[i] == UInt8(ascii: "+") || p[i] == UInt8(ascii: "-") { i &+= 1 }
            guard isDigit(p[i]) else { return -1 }
            repeat { i &+= 1 } while isDigit(p[i])
            kind = .fraction
        }
        return i
    }

    /// Index behind `word` if it stands at `start`. Compares byte by byte, so nothing is read behind a line end.
    static func word(_ p: UnsafePointer<UInt8>, _ start: Int, _ word: StaticString) -> Int {
        let bytes = word.utf8Start
        for k in 0..<word.utf8CodeUnitCount where p[start &+ k] != bytes[k] { return -1 }
        return start &+ word.utf8CodeUnitCount
    }

    @inline(never) private static func special(
        _ p: UnsafePointer<UInt8>, _ start: Int, kind: inout JSONKinds
    ) -> Int {
        kind = .special
        var i = start
        let signed = p[i] == UInt8(ascii: "-") || p[i] == UInt8(ascii: "+")
        if signed { i &+= 1 }
        if p[i] == UInt8(ascii: "N") { return signed ? -1 : word(p, i, "NaN") }
        let long = word(p, i, "Infinity")
        return long >= 0 || !signed ? long : word(p, i, "INF")
    }

    @inline(never) private static func other(
        _ p: UnsafePointer<UInt8>, _ start: Int, _ first: UInt8, kind: inout JSONKinds
    ) -> Int {
        switch first {
        case UInt8(ascii: "t"):
            kind = .boolean
            return word(p, start, "true")
        case UInt8(ascii: "f"):
            kind = .boolean
            return word(p, start, "false")
        case UInt8(ascii: "n"):
            kind = .null
            return word(p, start, "null")
        case UInt8(ascii: "{"):
            kind = .object
            return container(p, start)
        case UInt8(ascii: "["):
            kind = .array
            return container(p, start)
        case UInt8(ascii: "N"), UInt8(ascii: "I"), UInt8(ascii: "+"): return special(p, start, kind: &kind)
        default: return -1
        }
    }

    /// Any value: the index behind it.
    static func value(_ p: UnsafePointer<UInt8>, _ start: Int, kind: inout JSONKinds, escaped: inout Bool) -> Int {
        if isQuote(p[start]) {
            kind = .string
            return string(p, start &+ 1, quote: p[start], escaped: &escaped)
        }
        return scalarOrContainer(p, start, kind: &kind)
    }

    /// An object or array, checked token by token without recursion.
    private static func container(_ p: UnsafePointer<UInt8>, _ start: Int) -> Int {
        // Whether each open level is an object, one bit per level.
        var levels = InlineArray<16, UInt64>(repeating: 0)
        var depth = 0
        var i = start
        var kind = JSONKinds.null
        var escaped = false
        func isObject(_ level: Int) -> Bool { levels[level >> 6] >> UInt64(level & 63) & 1 != 0 }
        while true {
            // A value begins at i.
            let byte = p[i]
            if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
                guard depth < depthMax else { return -1 }
                let object = byte == UInt8(ascii: "{")
                let bit = UInt64(1) << UInt64(depth & 63)
                if object { levels[depth >> 6] |= bit } else { levels[depth >> 6] &= ~bit }
                depth += 1
                i = skippingBlanks(p, i &+ 1)
                if p[i] != (object ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                    if object {
                        i = name(p, i)
                        if i < 0 { return -1 }
                    }
                    continue
                }
            } else {
                i = value(p, i, kind: &kind, escaped: &escaped)
                if i < 0 { return -1 }
                i = skippingBlanks(p, i)
            }
            // Behind a value, or at the end of an empty container.
            while true {
                let object = isObject(depth - 1)
                if p[i] == UInt8(ascii: ",") {
                    i = skippingBlanks(p, i &+ 1)
                    if object {
                        i = name(p, i)
                        if i < 0 { return -1 }
                    }
                    break
                }
                guard p[i] == (object ? UInt8(ascii: "}") : UInt8(ascii: "]")) else { return -1 }
                depth -= 1
                i &+= 1
                if depth == 0 { return i }
                i = skippingBlanks(p, i)
            }
        }
    }

    /// A name and its colon: the index of the value's first byte.
    private static func name(_ p: UnsafePointer<UInt8>, _ start: Int) -> Int {
        guard isQuote(p[start]) else { return -1 }
        var escaped = false
        var i = string(p, start &+ 1, quote: p[start], escaped: &escaped)
        if i < 0 { return -1 }
        i = skippingBlanks(p, i)
        guard p[i] == UInt8(ascii: ":") else { return -1 }
        return skippingBlanks(p, i &+ 1)
    }

    /// The text between the quotes without its escapes. The text was accepted by `string`.
    static func unescape(_ text: UnsafeRawBufferPointer, into out: inout [UInt8]) {
        out.removeAll(keepingCapacity: true)
        var i = 0
        func unit(_ at: Int) -> UInt32 {
            var value: UInt32 = 0
            for k in 0..<4 { value = value << 4 | (hexDigit(text[at + k]) ?? 0) }
            return value
        }
        while i < text.count {
            let byte = text[i]
            guard byte == UInt8(ascii: "\\") else {
                out.append(byte)
                i += 1
                continue
            }
            switch text[i + 1] {
            case UInt8(ascii: "b"): out.append(0x08)
            case UInt8(ascii: "f"): out.append(0x0C)
            case UInt8(ascii: "n"): out.append(0x0A)
            case UInt8(ascii: "r"): out.append(0x0D)
            case UInt8(ascii: "t"): out.append(0x09)
            case UInt8(ascii: "u"):
                var scalar = unit(i + 2)
                i += 4
                if scalar & 0xFC00 == 0xD800, i + 8 <= text.count, text[i + 2] == UInt8(ascii: "\\"),
                    text[i + 3] == UInt8(ascii: "u"), unit(i + 4) & 0xFC00 == 0xDC00
                {
                    scalar = 0x10000 + (scalar & 0x3FF) << 10 + (unit(i + 4) & 0x3FF)
                    i += 6
                }
                // Half of a surrogate pair: Java writes a question mark for it.
                out.append(contentsOf: Unicode.Scalar(scalar).map { Array(String($0).utf8) } ?? [UInt8(ascii: "?")])
            case let same: out.append(same)
            }
            i += 2
        }
    }
}
