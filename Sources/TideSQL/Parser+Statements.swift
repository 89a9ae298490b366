import TideCore

extension Parser {
    /// Statements with semicolons between them.
    mutating func script() throws(TidemillError) -> [Statement] {
        var statements: [Statement] = []
        while true {
            while accept(.semicolon) {}
            if atEnd { return statements }
            statements.append(try statement())
            guard atEnd || at(.semicolon) else {
                let error = unexpected(expected: "';' or end of input")
                let startsStatement: [Keyword?] = [.create, .select, .set, .use, .explain, .with]
                throw startsStatement.contains(keyword()) ? error.hinting("put ';' between statements") : error
            }
        }
    }

    private mutating func statement() throws(TidemillError) -> Statement {
        let start = position
        let kind = try statementKind()
        return Statement(kind, span: span(from: start))
    }

    private mutating func statementKind() throws(TidemillError) -> Statement.Kind {
        if at(.leftParenthesis) { return .query(try query()) }
        switch keyword() {
        case .select, .with, .from, .values, .table: return .query(try query())
        case .create: return try createStatement()
        case .set: return .set(setStatement())
        case .use: return .use(try useStatement())
        case .explain: return try explainStatement()
        case .insert:
            throw unsupported(
                "INSERT as a statement of its own",
                hint: "write CREATE FLOW name AS INSERT INTO table [BY NAME] query", span(of: position))
        case .merge:
            throw unsupported(
                "MERGE",
                hint: "write CREATE FLOW name AS AUTO CDC INTO table FROM STREAM(source) KEYS (…) SEQUENCE BY …",
                span(of: position))
        case .drop, .delete, .update, .truncate, .refresh, .describe, .cache, .alter:
            throw unsupported(
                "\(text(current).uppercased()) in a pipeline",
                hint: "a pipeline is declared by CREATE statements; remove or change them instead", span(of: position))
        default:
            throw unexpected(
                expected: "a statement (CREATE, SELECT, FROM, WITH, VALUES, SET, USE or EXPLAIN)",
                candidates: [.create, .select, .with, .values, .use, .explain, .table])
        }
    }

    /// `EXPLAIN [EXTENDED | FORMATTED | CODEGEN | COST] statement`
    private mutating func explainStatement() throws(TidemillError) -> Statement.Kind {
        advance()
        let isExtended = at(.extended)
        if [.extended, .formatted, .codegen, .cost].contains(keyword()) { advance() }
        if at(.explain) { throw unexpected(expected: "a statement") }
        return .explain(isExtended: isExtended, try statement())
    }

    /// `SET key = value`. Both are free text up to the semicolon; quotes are part of the value, as in Spark.
    private mutating func setStatement() -> SetStatement {
        let lower = current.range.upperBound
        advance()
        while !atEnd && !at(.semicolon) { advance() }
        let bytes = source.bytes[lower..<max(lower, current.range.lowerBound)]
        let parts = bytes.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
        func trimmed(_ part: ArraySlice<UInt8>) -> String {
            let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 >= 0x09 && $0 <= 0x0D }
            let end = part.lastIndex { !isBlank($0) }.map { $0 + 1 } ?? part.startIndex
            return String(decoding: part[..<end].drop(while: isBlank), as: UTF8.self)
        }
        var key = trimmed(parts[0])
        if key.utf8.count > 2, key.hasPrefix("`"), key.hasSuffix("`") { key = String(key.dropFirst().dropLast()) }
        return SetStatement(key: key.isEmpty ? nil : key, value: parts.count > 1 ? trimmed(parts[1]) : nil)
    }

    private mutating func useStatement() throws(TidemillError) -> UseStatement {
        advance()
        if at(.catalog), isName(1) {
            advance()
            return UseStatement(target: .catalog, name: try qualifiedName("a catalog"))
        }
        if at(.schema) || at(.database) || at(.namespace), isName(1) { advance() }
        return UseStatement(target: .schema, name: try qualifiedName("a schema"))
    }
}
