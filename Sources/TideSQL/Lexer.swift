import TideCore

/// Splits UTF-8 text into tokens, as Spark's lexer does:
/// - a name is letters, digits and `_`; it may start with a digit if it does not read as a number (`1a`, `2024_sales`);
/// - `--` comments run to the end of the line, `/* */` comments nest, `/*+` opens a hint;
/// - 'text' and "text" are both strings.
/// It never fails: what is no token becomes `.invalid`.
struct Lexer {
    private let source: SourceText
    private let bytes: [UInt8]
    private var position = 0
    private var isInHint = false
    private var tokens: [Token] = []
    private(set) var errors: [TidemillError] = []

    private init(_ source: SourceText) {
        self.source = source
        self.bytes = source.bytes
    }

    /// All tokens, the last one `.end`, and the errors `.invalid` tokens point at.
    static func tokens(of source: SourceText) -> (tokens: [Token], errors: [TidemillError]) {
        var lexer = Lexer(source)
        while lexer.next() {}
        return (lexer.tokens, lexer.errors)
    }

    private func byte(_ offset: Int = 0) -> UInt8 {
        position + offset < bytes.count ? bytes[position + offset] : 0
    }

    private mutating func emit(_ kind: Token.Kind, from start: Int) {
        tokens.append(Token(kind: kind, range: start..<position))
    }

    /// An invalid token from `start` to here; the error points at `marked`.
    private mutating func fail(
        _ code: String, _ message: String, hint: String?, from start: Int, marking marked: Range<Int>? = nil
    ) {
        let span = SourceSpan(source: source, range: marked ?? start..<position)
        errors.append(TidemillError(.user, code, message, hint: hint, place: .sql(span)))
        emit(.invalid(errors.count - 1), from: start)
    }

    /// Takes one token; false after `.end`.
    private mutating func next() -> Bool {
        guard skipBlanksAndComments() else { return true }
        let start = position
        guard start < bytes.count else {
            emit(.end, from: start)
            return false
        }
        let first = bytes[start]
        switch first {
        case UInt8(ascii: "'"), UInt8(ascii: "\""):
            quotedText(first, isRaw: false, from: start)
        case UInt8(ascii: "r") where isQuote(byte(1)), UInt8(ascii: "R") where isQuote(byte(1)):
            position += 1
            quotedText(byte(), isRaw: true, from: start)
        case UInt8(ascii: "`"):
            quotedIdentifier(from: start)
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            numberOrWord(from: start)
        case UInt8(ascii: ".") where isDigit(byte(1)) && !endsOperand(tokens.last):
            numberOrWord(from: start)
        case UInt8(ascii: "/") where byte(1) == UInt8(ascii: "*"):
            position += 3
            isInHint = true
            emit(.hintStart, from: start)
        case UInt8(ascii: "*") where isInHint && byte(1) == UInt8(ascii: "/"):
            position += 2
            isInHint = false
            emit(.hintEnd, from: start)
        case 0x80...:
            return foreignName(from: start)
        case _ where isWord(first):
            while isWord(byte()) { position += 1 }
            if byte() >= 0x80, !atNoBreakSpace { return foreignName(from: start) }
            emit(.word(Keyword(word: bytes[start..<position])), from: start)
        default:
            symbol(from: start)
        }
        return true
    }

    /// Skips blanks and comments; false if a comment is not closed (it has become a token).
    private mutating func skipBlanksAndComments() -> Bool {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D, 0x0C, 0x0B: position += 1
            // A no-break space and a byte order mark come from copied text.
            case 0xC2 where byte(1) == 0xA0: position += 2
            case 0xEF where byte(1) == 0xBB && byte(2) == 0xBF: position += 3
            case UInt8(ascii: "-") where byte(1) == UInt8(ascii: "-"):
                while position < bytes.count, bytes[position] != 0x0A {
                    // A backslash carries the comment over the end of the line.
                    position += bytes[position] == UInt8(ascii: "\\") && byte(1) == 0x0A ? 2 : 1
                }
            case UInt8(ascii: "/") where byte(1) == UInt8(ascii: "*") && byte(2) != UInt8(ascii: "+"):
                guard skipComment() else { return false }
            default: return true
            }
        }
        return true
    }

    private mutating func skipComment() -> Bool {
        let start = position
        var depth = 0
        while position < bytes.count {
            if byte() == UInt8(ascii: "/"), byte(1) == UInt8(ascii: "*") {
                depth += 1
                position += 2
            } else if byte() == UInt8(ascii: "*"), byte(1) == UInt8(ascii: "/") {
                depth -= 1
                position += 2
                if depth == 0 { return true }
            } else {
                position += 1
            }
        }
        fail(
            "UNCLOSED_BRACKETED_COMMENT", "unclosed comment", hint: "append */ at the end of the comment", from: start,
            marking: start..<start + 2)
        return false
    }

    private mutating func quotedText(_ quote: UInt8, isRaw: Bool, from start: Int) {
        let opening = position..<position + 1
        position += 1
        while position < bytes.count {
            let current = bytes[position]
            if current == UInt8(ascii: "\\"), !isRaw {
                position += 2
            } else if current == quote {
                if !isRaw, byte(1) == quote {
                    position += 2
                } else {
                    position += 1
                    return emit(isRaw ? .rawString : .string, from: start)
                }
            } else {
                position += 1
            }
        }
        position = bytes.count
        let character = quote == UInt8(ascii: "'") ? "'" : "\""
        fail(
            "PARSE_SYNTAX_ERROR", "unclosed string", hint: "close it with \(character)", from: start, marking: opening)
    }

    private mutating func quotedIdentifier(from start: Int) {
        position += 1
        while position < bytes.count {
            if bytes[position] == UInt8(ascii: "`") {
                if byte(1) != UInt8(ascii: "`") {
                    position += 1
                    return emit(.quotedIdentifier, from: start)
                }
                position += 1
            }
            position += 1
        }
        fail(
            "PARSE_SYNTAX_ERROR", "unclosed quoted name", hint: "close it with `", from: start,
            marking: start..<start + 1)
    }

    /// `digits[.digits][e[±]digits][suffix]` unless a name character follows: then the digits begin a name.
    private mutating func numberOrWord(from start: Int) {
        while isDigit(byte()) { position += 1 }
        var isInteger = true
        // `1.a` is a field of 1; `1.` is a number.
        if byte() == UInt8(ascii: "."), isDigit(byte(1)) || !(isWord(byte(1)) || byte(1) == UInt8(ascii: "`")) {
            isInteger = false
            position += 1
            while isDigit(byte()) { position += 1 }
        }
        let mantissa = position
        if byte() | 0x20 == UInt8(ascii: "e") {
            let sign = byte(1) == UInt8(ascii: "+") || byte(1) == UInt8(ascii: "-") ? 1 : 0
            if isDigit(byte(1 + sign)) {
                position += 1 + sign
                while isDigit(byte()) { position += 1 }
                isInteger = false
            }
        }
        switch byte() | 0x20 {
        case UInt8(ascii: "b") where byte(1) | 0x20 == UInt8(ascii: "d") && !isWord(byte(2)):
            position += 2
            return emit(.number, from: start)
        case UInt8(ascii: "d") where !isWord(byte(1)), UInt8(ascii: "f") where !isWord(byte(1)):
            position += 1
            return emit(.number, from: start)
        case let suffix where isInteger && "lsy".utf8.contains(suffix) && !isWord(byte(1)):
            position += 1
            return emit(.number, from: start)
        default: break
        }
        guard isWord(byte()) else { return emit(isInteger ? .integer : .number, from: start) }
        if bytes[start..<mantissa].contains(UInt8(ascii: ".")) {
            while isWord(byte()) { position += 1 }
            return fail("PARSE_SYNTAX_ERROR", "malformed number '\(text(from: start))'", hint: nil, from: start)
        }
        // The exponent's sign is no part of a name: `1e-5x` is `1e`, `-`, `5x`.
        position = mantissa
        while isWord(byte()) { position += 1 }
        emit(.word(nil), from: start)
    }

    private mutating func symbol(from start: Int) {
        for (spelling, symbol) in Symbol.byLength where matches(spelling) {
            position += spelling.count
            return emit(.symbol(symbol), from: start)
        }
        position += 1
        fail(
            "PARSE_SYNTAX_ERROR", "unexpected character '\(text(from: start))'",
            hint: bytes[start] == UInt8(ascii: "#") ? "comments start with --" : nil, from: start)
    }

    private var atNoBreakSpace: Bool { byte() == 0xC2 && byte(1) == 0xA0 }

    /// A name with letters beyond ASCII, from `start` on; always an error, with the hint it needs.
    private mutating func foreignName(from start: Int) -> Bool {
        while byte() >= 0x80 && !atNoBreakSpace || isWord(byte()) { position += 1 }
        let name = text(from: start)
        if let first = name.first, "\u{2018}\u{2019}\u{201C}\u{201D}\u{00B4}".contains(first) {
            fail("PARSE_SYNTAX_ERROR", "a typographic quote: \(first)", hint: "write ' around strings", from: start)
        } else {
            fail(
                "INVALID_IDENTIFIER",
                "a name with other characters than letters, digits and _ needs backquotes: \(name)",
                hint: "write `\(name)`", from: start)
        }
        return true
    }

    private func matches(_ spelling: [UInt8]) -> Bool {
        guard position + spelling.count <= bytes.count else { return false }
        for index in spelling.indices where bytes[position + index] != spelling[index] { return false }
        return true
    }

    private func text(from start: Int) -> String { String(decoding: bytes[start..<position], as: UTF8.self) }

    private func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
    private func isQuote(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") }
    private func isWord(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte == UInt8(ascii: "_") || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
    }

    /// After these a `.` is a dot of a name, never the start of a number.
    private func endsOperand(_ token: Token?) -> Bool {
        guard let token, token.range.upperBound == position else { return false }
        switch token.kind {
        case .word, .quotedIdentifier, .symbol(.rightBracket), .symbol(.rightParenthesis): return true
        default: return false
        }
    }
}
