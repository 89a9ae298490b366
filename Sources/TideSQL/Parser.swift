public import TideCore

/// All statements of a script; empty statements are skipped.
public func parseScript(_ source: SourceText) throws(TidemillError) -> [Statement] {
    var parser = try Parser(source)
    return try parser.script()
}

/// One query, perhaps with a semicolon behind it.
public func parseQuery(_ source: SourceText) throws(TidemillError) -> Query {
    var parser = try Parser(source)
    let query = try parser.query()
    _ = parser.accept(.semicolon)
    try parser.expectEnd()
    return query
}

/// One expression and nothing else.
public func parseExpression(_ source: SourceText) throws(TidemillError) -> Expression {
    var parser = try Parser(source)
    let expression = try parser.expression()
    try parser.expectEnd()
    return expression
}

/// One data type and nothing else.
public func parseTypeName(_ source: SourceText) throws(TidemillError) -> TypeName {
    var parser = try Parser(source)
    let type = try parser.typeName()
    try parser.expectEnd()
    return type
}

/// Recursive descent over the tokens, without backtracking: every choice is made by looking ahead. What a function
/// called `x` parses starts at the current token and ends before the current token when it returns.
///
/// Depth: every recursion passes through `nested`, every node's height is checked when it is made, so neither the
/// parser nor anything that walks its trees can overflow the stack.
struct Parser {
    /// Levels of recursion; one takes up to 6 KiB of stack in a release build (measured), of the 8 MiB a thread has.
    static let nestingMax = 250
    /// Levels of a tree; more than the above because chains (`1 + 1 + …`) grow a tree without recursion.
    static let heightMax = 500
    static let bytesMax = 16 << 20

    let source: SourceText
    let tokens: [Token]
    let lexicalErrors: [TidemillError]
    var position = 0
    private var depth = 0

    init(_ source: SourceText) throws(TidemillError) {
        self.source = source
        guard source.bytes.count <= Parser.bytesMax else {
            throw TidemillError(
                .limit, "TIDEMILL_SQL_TOO_LONG",
                "SQL text of more than \(Parser.bytesMax) bytes: \(source.bytes.count)")
        }
        (tokens, lexicalErrors) = Lexer.tokens(of: source)
    }

    // MARK: Looking

    var current: Token { tokens[position] }

    /// The token `offset` places ahead; `.end` behind the last one.
    func peek(_ offset: Int = 1) -> Token { tokens[min(position + offset, tokens.count - 1)] }

    func keyword(_ offset: Int = 0) -> Keyword? {
        if case .word(let keyword) = peek(offset).kind { keyword } else { nil }
    }

    func symbol(_ offset: Int = 0) -> Symbol? {
        if case .symbol(let symbol) = peek(offset).kind { symbol } else { nil }
    }

    func at(_ symbol: Symbol) -> Bool { current.kind == .symbol(symbol) }

    /// Whether these keywords stand here, one behind the other.
    func at(_ keywords: Keyword...) -> Bool {
        for (offset, expected) in keywords.enumerated() where keyword(offset) != expected { return false }
        return true
    }

    var atEnd: Bool { current.kind == .end }

    // MARK: Taking

    mutating func advance() { if position < tokens.count - 1 { position += 1 } }

    mutating func accept(_ symbol: Symbol) -> Bool {
        guard at(symbol) else { return false }
        advance()
        return true
    }

    mutating func accept(_ keywords: Keyword...) -> Bool {
        for (offset, expected) in keywords.enumerated() where keyword(offset) != expected { return false }
        for _ in keywords { advance() }
        return true
    }

    mutating func expect(_ symbol: Symbol) throws(TidemillError) {
        guard accept(symbol) else { throw unexpected(expected: "'\(symbol.rawValue)'") }
    }

    mutating func expect(_ keywords: Keyword...) throws(TidemillError) {
        for keyword in keywords {
            guard accept(keyword) else { throw unexpected(expected: keyword.text, candidates: [keyword]) }
        }
    }

    mutating func expectEnd() throws(TidemillError) {
        guard atEnd else { throw unexpected(expected: "end of input") }
    }

    /// The closing parenthesis of the one at token `opening`; the error says where that was.
    mutating func close(_ opening: Int) throws(TidemillError) {
        if accept(.rightParenthesis) { return }
        let error = unexpected(expected: "')'")
        guard atEnd || at(.semicolon) || clauseStarts() else { throw error }
        throw error.hinting("the parenthesis opened at \(place(opening)) is not closed")
    }

    /// One or more of what `element` parses, with commas between them. A comma behind the last is an error of its own.
    mutating func list<T>(
        _ element: (inout Parser) throws(TidemillError) -> T
    ) throws(TidemillError) -> [T] {
        try list(after: try element(&self), element)
    }

    /// The same with the first element already parsed.
    mutating func list<T>(
        after first: T, _ element: (inout Parser) throws(TidemillError) -> T
    ) throws(TidemillError) -> [T] {
        var list = [first]
        while at(.comma) {
            try refuseTrailingComma()
            advance()
            list.append(try element(&self))
        }
        return list
    }

    /// `(element, …)`
    mutating func parenthesizedList<T>(
        _ element: (inout Parser) throws(TidemillError) -> T
    ) throws(TidemillError) -> [T] {
        let opening = position
        try expect(.leftParenthesis)
        let elements = try list(element)
        try close(opening)
        return elements
    }

    /// At a comma: an error if nothing that could be an element follows it.
    private func refuseTrailingComma() throws(TidemillError) {
        let next = peek()
        var isTrailing = next.kind == .symbol(.rightParenthesis) || next.kind == .symbol(.semicolon)
        isTrailing = isTrailing || next.kind == .end || clauseStarts(at: 1)
        guard isTrailing else { return }
        throw TidemillError(
            .user, "PARSE_SYNTAX_ERROR", "expected another element behind ',', found \(describe(next))",
            hint: "remove the trailing comma", place: .sql(SourceSpan(source: source, range: current.range)))
    }

    // MARK: Depth

    /// Runs `body` one level deeper.
    mutating func nested<T>(_ body: (inout Parser) throws(TidemillError) -> T) throws(TidemillError) -> T {
        guard depth < Parser.nestingMax else { throw tooDeep(Parser.nestingMax, span(of: position)) }
        depth += 1
        defer { depth -= 1 }
        return try body(&self)
    }

    func checked(height: Int, _ span: SourceSpan) throws(TidemillError) {
        guard height <= Parser.heightMax else { throw tooDeep(Parser.heightMax, span) }
    }

    private func tooDeep(_ levels: Int, _ span: SourceSpan) -> TidemillError {
        TidemillError(
            .limit, "TIDEMILL_SQL_TOO_DEEP", "nested deeper than \(levels) levels",
            hint: "split it with common table expressions or views",
            place: .sql(SourceSpan(source: source, range: span.range.lowerBound..<span.range.lowerBound + 1)))
    }

    // MARK: Spans

    func span(of token: Int) -> SourceSpan { SourceSpan(source: source, range: tokens[token].range) }

    /// From token `start` to the last token taken.
    func span(from start: Int) -> SourceSpan {
        let lower = tokens[start].range.lowerBound
        let upper = position > start ? tokens[position - 1].range.upperBound : tokens[start].range.upperBound
        return SourceSpan(source: source, range: lower..<max(lower, upper))
    }

    func text(_ token: Token) -> String { String(decoding: source.bytes[token.range], as: UTF8.self) }
}
