import TideCore

// Names, and the question every grammar without reserved words has to answer: is this word a name or does it go on
// with the statement? Spark's generated parser tries all readings; here a word that could begin a clause is a name only
// where the clause could not follow. Texts that only make sense with a clause's word as an alias without AS
// (`SELECT a FROM` meaning a column `a` called from) are refused, which catches more mistakes than it costs.

extension Parser {
    func isName(_ offset: Int = 0) -> Bool {
        switch peek(offset).kind {
        case .word, .quotedIdentifier: true
        default: false
        }
    }

    /// Any word or quoted name.
    mutating func identifier(_ what: String = "a name") throws(TidemillError) -> Identifier {
        let span = span(of: position)
        switch current.kind {
        case .word:
            let name = text(current)
            advance()
            return Identifier(name: name, span: span)
        case .quotedIdentifier:
            let inner = source.bytes[(current.range.lowerBound + 1)..<(current.range.upperBound - 1)]
            guard !inner.isEmpty else { throw syntaxError("empty name", span) }
            let name = decodeQuotedName(inner)
            advance()
            return Identifier(name: name, isQuoted: true, span: span)
        case .string, .rawString:
            throw unexpected(expected: what).hinting(
                "names are quoted with backquotes: `\(text(current).dropFirst().dropLast())`")
        default: throw unexpected(expected: what)
        }
    }

    private func decodeQuotedName(_ bytes: ArraySlice<UInt8>) -> String {
        guard bytes.contains(UInt8(ascii: "`")) else { return String(decoding: bytes, as: UTF8.self) }
        var out: [UInt8] = []
        var index = bytes.startIndex
        while index < bytes.endIndex {
            out.append(bytes[index])
            index += bytes[index] == UInt8(ascii: "`") ? 2 : 1
        }
        return String(decoding: out, as: UTF8.self)
    }

    mutating func qualifiedName(_ what: String = "a name") throws(TidemillError) -> QualifiedName {
        let start = position
        var parts = [try identifier(what)]
        while at(.dot), isName(1) {
            advance()
            parts.append(try identifier())
        }
        return QualifiedName(parts: parts, span: span(from: start))
    }

    /// The name of a table, view, flow or sink; `my-table` without backquotes gets a hint.
    mutating func tableName(_ what: String = "a table name") throws(TidemillError) -> QualifiedName {
        let start = position
        let name = try qualifiedName(what)
        if at(.minus), current.range.lowerBound == name.span.range.upperBound, isName(1) || peek().kind == .integer,
            peek().range.lowerBound == current.range.upperBound
        {
            advance()
            advance()
            let whole = span(from: start)
            throw syntaxError(
                "a name with other characters than letters, digits and _ needs backquotes: \(whole.text)",
                hint: "write `\(whole.text)`", code: "INVALID_IDENTIFIER", whole)
        }
        return name
    }

    mutating func parenthesizedNames() throws(TidemillError) -> [Identifier] {
        try parenthesizedList { parser throws(TidemillError) in try parser.identifier() }
    }

    // MARK: Name or clause

    /// Whether what follows a word shows that the word itself was an operand: `order, …`, `order)`, `order = 1`.
    func endsOperand(_ offset: Int) -> Bool {
        switch peek(offset).kind {
        case .symbol(.leftParenthesis), .symbol(.star), .symbol(.minus), .symbol(.plus), .symbol(.tilde),
            .symbol(.bang), .symbol(.leftBracket):
            false
        case .symbol: true
        case .end: true
        case .word(let keyword):
            switch keyword {
            case .as, .from, .and, .or, .is, .in, .like, .between, .asc, .desc, .then, .else, .end: true
            default: false
            }
        default: false
        }
    }

    /// Whether the word here begins a clause (rather than being a name). Asked where both could stand.
    func clauseStarts(at offset: Int = 0) -> Bool {
        guard let word = keyword(offset) else { return false }
        let next = keyword(offset + 1)
        switch word {
        case .from, .where, .having, .union, .except, .minus, .intersect, .limit, .select, .qualify:
            return
                !(symbol(offset + 1) == .comma || symbol(offset + 1) == .dot || next == .from && word != .select
                || symbol(offset + 1) == .rightParenthesis || symbol(offset + 1) == .equal)
        case .group, .order, .sort, .cluster, .distribute: return next == .by
        case .partitioned, .sequence: return next == .by
        case .window: return isName(offset + 1) && keyword(offset + 2) == .as
        case .offset:
            return peek(offset + 1).kind == .integer
        default: return false
        }
    }

    /// Whether the word here may be a table's alias without AS.
    var mayBeTableAlias: Bool { mayBeTableAlias(at: 0) }

    func mayBeTableAlias(at offset: Int) -> Bool {
        guard isName(offset), !clauseStarts(at: offset) else { return false }
        guard let word = keyword(offset) else { return true }
        let next = keyword(offset + 1)
        let isCall = symbol(offset + 1) == .leftParenthesis
        switch word {
        case .as, .on, .using, .set, .flow, .for: return false
        case _ where isJoinWord(word): return false
        case .lateral: return next != .view && endsOperand(offset + 1)
        case .watermark, .apply, .keys, .stored, .columns: return endsOperand(offset + 1)
        case .tablesample, .pivot, .with: return !isCall
        case .unpivot: return !isCall && next != .include && next != .exclude
        case .version, .timestamp: return !(next == .as && keyword(offset + 2) == .of)
        default: return true
        }
    }

    /// Words that Spark never takes for a table's alias, even behind AS.
    func isJoinWord(_ word: Keyword) -> Bool {
        switch word {
        case .join, .left, .right, .full, .inner, .cross, .natural, .semi, .anti: true
        default: false
        }
    }

    /// Whether the word here may name a select item without AS.
    var mayBeColumnAlias: Bool {
        guard isName(), !clauseStarts() else { return false }
        guard let word = keyword() else { return true }
        switch word {
        case .as, .then, .when, .else, .on, .using, .join, .and, .or, .not, .is, .in, .like, .between: return false
        case .for, .lateral: return endsOperand(1)
        // Behind `|> AGGREGATE` and in a FROM-first query.
        case .with: return symbol(1) != .leftParenthesis && !isName(1)
        default: return true
        }
    }
}
