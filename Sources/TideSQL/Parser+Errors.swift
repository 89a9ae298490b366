import TideCore

extension Parser {
    /// The current token as messages show it.
    func describe(_ token: Token) -> String { token.kind == .end ? "end of input" : "'\(text(token))'" }

    /// "expected …, found …" at the current token; a lexical error there goes first. The hint comes from a word, here
    /// or just before, that looks like a keyword misspelled (`SELECT a FORM t` fails behind FORM).
    func unexpected(expected: String, candidates: [Keyword] = []) -> TidemillError {
        if case .invalid(let index) = current.kind { return lexicalErrors[index] }
        var hint = misspelled(position, candidates: candidates)
        var marked = current.range
        if hint == nil, position > 0, let earlier = misspelled(position - 1, candidates: candidates) {
            hint = earlier
            marked = tokens[position - 1].range
        }
        return TidemillError(
            .user, "PARSE_SYNTAX_ERROR", "expected \(expected), found \(describe(current))", hint: hint,
            place: .sql(SourceSpan(source: source, range: marked)))
    }

    /// Where a token stands, for hints.
    func place(_ token: Int) -> String {
        let (line, column) = span(of: token).start
        return "line \(line), column \(column)"
    }

    /// A syntax error at a span.
    func syntaxError(
        _ message: String, hint: String? = nil, code: String = "PARSE_SYNTAX_ERROR", _ span: SourceSpan
    ) -> TidemillError {
        TidemillError(.user, code, message, hint: hint, place: .sql(span))
    }

    /// Legal elsewhere, not run here.
    func unsupported(_ message: String, hint: String?, _ span: SourceSpan) -> TidemillError {
        TidemillError.unsupported("not supported: \(message)", hint: hint, place: .sql(span))
    }

    private func misspelled(_ token: Int, candidates: [Keyword]) -> String? {
        guard case .word(nil) = tokens[token].kind else { return nil }
        let word = text(tokens[token])
        let clauses: [Keyword] = [
            .select, .from, .where, .group, .having, .order, .limit, .offset, .union, .except, .intersect, .join,
            .left, .right, .inner, .cross, .lateral, .watermark, .create, .table, .streaming, .materialized, .view,
            .temporary, .using, .options, .partitioned, .comment, .tblproperties, .values, .between, .interval,
            .case, .cast, .distinct, .qualify, .window, .stream, .insert, .sequence, .columns, .aggregate, .extend,
            .explain,
        ]
        let names = (candidates + clauses).map(\.text)
        guard word.utf8.count >= 3, let name = closestName(to: word, among: names) else { return nil }
        // Close in the sense of a slip of the finger: the first letter is right and the length nearly so.
        guard name.lowercased().utf8.first == word.lowercased().utf8.first,
            abs(name.utf8.count - word.utf8.count) <= 1, name.utf8.count >= 4
        else { return nil }
        return "did you mean \(name)?"
    }
}
