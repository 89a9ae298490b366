/// A file name pattern as Hadoop and Spark read them: `*` and `?` within one name, `[abc]`, `[a-z]`, `[^a]`, `{a,b}`
/// (also nested), and a backslash before a character that stands for itself. Works on bytes of UTF-8; `?` and classes
/// take one character, however many bytes it has.
public struct GlobPattern: Sendable, Hashable {
    indirect enum Token: Sendable, Hashable {
        case literal([UInt8])
        case anyRun
        case anyOne
        case set(ranges: [ClosedRange<UInt32>], negated: Bool)
    }
    public let text: String
    /// One token list per way through the braces.
    private let alternatives: [[Token]]

    /// Whether `text` has any character with a meaning in patterns.
    public static func isPattern(_ text: String) -> Bool {
        text.utf8.contains { $0 == 0x2A || $0 == 0x3F || $0 == 0x5B || $0 == 0x7B || $0 == 0x5C }
    }

    public init(_ text: String) throws(TidemillError) {
        self.text = text
        var alternatives: [[Token]] = []
        for expanded in try GlobPattern.expandBraces(Array(text.utf8), pattern: text) {
            alternatives.append(try GlobPattern.tokens(expanded, pattern: text))
        }
        self.alternatives = alternatives
    }

    public func matches(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        return alternatives.contains { GlobPattern.match($0[...], bytes[...]) }
    }

    private static func malformed(_ reason: String, _ pattern: String) -> TidemillError {
        TidemillError(
            .user, "TIDEMILL_BAD_GLOB", "\(reason) in file pattern: \(pattern)",
            hint: "a backslash before a character makes it stand for itself")
    }

    // MARK: Parsing

    /// The first brace group replaced by each of its branches, until none is left. Bounded, because groups multiply.
    static func expandBraces(_ text: [UInt8], pattern: String) throws(TidemillError) -> [[UInt8]] {
        var open: Int?
        var depth = 0
        var cuts: [Int] = []
        var at = 0
        while at < text.count {
            switch text[at] {
            case UInt8(ascii: "\\"): at += 1
            case UInt8(ascii: "{"):
                if open == nil { open = at }
                depth += 1
            case UInt8(ascii: ",") where depth == 1: cuts.append(at)
            case UInt8(ascii: "}") where depth > 0:
                depth -= 1
                guard depth == 0, let start = open else { break }
                var expanded: [[UInt8]] = []
                var from = start + 1
                for cut in cuts + [at] {
                    let branch = Array(text[..<start]) + text[from..<cut] + text[(at + 1)...]
                    expanded += try expandBraces(branch, pattern: pattern)
                    guard expanded.count <= 1024 else { throw malformed("more than 1024 alternatives", pattern) }
                    from = cut + 1
                }
                return expanded
            default: break
            }
            at += 1
        }
        if depth > 0 { throw malformed("unclosed brace", pattern) }
        return [text]
    }

    private static func tokens(_ text: [UInt8], pattern: String) throws(TidemillError) -> [Token] {
        var tokens: [Token] = []
        var literal: [UInt8] = []
        func flushed() -> [Token] { literal.isEmpty ? [] : [.literal(literal)] }
        var at = 0
        while at < text.count {
            switch text[at] {
            case UInt8(ascii: "*"):
                tokens += flushed()
                literal = []
                if tokens.last != .anyRun { tokens.append(.anyRun) }
            case UInt8(ascii: "?"):
                tokens += flushed()
                literal = []
                tokens.append(.anyOne)
            case UInt8(ascii: "["):
                tokens += flushed()
                literal = []
                tokens.append(try set(text, &at, pattern: pattern))
            case UInt8(ascii: "\\"):
                guard at + 1 < text.count else { throw malformed("lone backslash at the end", pattern) }
                at += 1
                literal.append(text[at])
            case let byte: literal.append(byte)
            }
            at += 1
        }
        return tokens + flushed()
    }

    /// Parses from "[" at `at`; leaves `at` on the "]".
    private static func set(_ text: [UInt8], _ at: inout Int, pattern: String) throws(TidemillError) -> Token {
        var end = at + 1
        if end < text.count, text[end] == UInt8(ascii: "^") || text[end] == UInt8(ascii: "!") { end += 1 }
        let first = end
        while end < text.count, text[end] != UInt8(ascii: "]") || end == first { end += 1 }
        guard end < text.count else { throw malformed("unclosed bracket", pattern) }
        let body = Array(String(decoding: text[first..<end], as: UTF8.self).unicodeScalars)
        var ranges: [ClosedRange<UInt32>] = []
        var i = 0
        while i < body.count {
            if i + 2 < body.count, body[i + 1] == "-" {
                guard body[i].value <= body[i + 2].value else { throw malformed("reversed range", pattern) }
                ranges.append(body[i].value...body[i + 2].value)
                i += 3
            } else {
                ranges.append(body[i].value...body[i].value)
                i += 1
            }
        }
        let negated = first == at + 2
        at = end
        return .set(ranges: ranges, negated: negated)
    }

    // MARK: Matching

    /// The usual two-pointer walk: on a mismatch the last `*` takes one more byte, so the time is bounded by the
    /// product of the lengths.
    private static func match(_ tokens: ArraySlice<Token>, _ name: ArraySlice<UInt8>) -> Bool {
        var token = tokens.startIndex
        var at = name.startIndex
        var star: (token: Int, at: Int)?
        while true {
            if token < tokens.endIndex, tokens[token] == .anyRun {
                star = (token, at)
                token += 1
                continue
            }
            if token == tokens.endIndex && at == name.endIndex { return true }
            if token < tokens.endIndex, let next = step(tokens[token], name, at) {
                token += 1
                at = next
                continue
            }
            guard let last = star, last.at < name.endIndex else { return false }
            star = (last.token, last.at + 1)
            token = last.token + 1
            at = last.at + 1
        }
    }

    /// Where matching goes on after `token` took from `at`, or nil.
    private static func step(_ token: Token, _ name: ArraySlice<UInt8>, _ at: Int) -> Int? {
        switch token {
        case .literal(let bytes): name[at...].starts(with: bytes) ? at + bytes.count : nil
        case .anyRun: at
        case .anyOne: character(name, at).map { at + $0.length }
        case .set(let ranges, let negated):
            character(name, at).flatMap { found in
                ranges.contains { $0.contains(found.value) } != negated ? at + found.length : nil
            }
        }
    }

    private static func character(_ name: ArraySlice<UInt8>, _ at: Int) -> (value: UInt32, length: Int)? {
        guard at < name.endIndex else { return nil }
        let lead = name[at]
        let length = lead < 0xC0 ? 1 : (lead < 0xE0 ? 2 : (lead < 0xF0 ? 3 : 4))
        guard at + length <= name.endIndex else { return (UInt32(lead), 1) }
        let scalar = String(decoding: name[at..<(at + length)], as: UTF8.self).unicodeScalars.first
        return (scalar?.value ?? UInt32(lead), length)
    }
}
