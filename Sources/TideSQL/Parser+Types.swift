import TideCore

extension Parser {
    /// `name`, `name(1, 2)`, `ARRAY<t>`, `MAP<k, v>`, `STRUCT<a: t, …>`, intervals.
    mutating func typeName() throws(TidemillError) -> TypeName {
        try nested { parser throws(TidemillError) in try parser.typeNameBody() }
    }

    private mutating func typeNameBody() throws(TidemillError) -> TypeName {
        let start = position
        let name = try identifier("a data type")
        switch name.name.lowercased() {
        case "array" where at(.less):
            advance()
            let element = try typeName()
            try expect(.greater)
            return TypeName(.array(element), span: span(from: start))
        case "map" where at(.less):
            advance()
            let key = try typeName()
            try expect(.comma)
            let value = try typeName()
            try expect(.greater)
            return TypeName(.map(key: key, value: value), span: span(from: start))
        case "struct" where at(.less) || at(.lessGreater):
            if accept(.lessGreater) { return TypeName(.structure([]), span: span(from: start)) }
            advance()
            var fields: [StructField] = []
            if !at(.greater) { fields = try list { p throws(TidemillError) in try p.structField() } }
            try expect(.greater)
            return TypeName(.structure(fields), span: span(from: start))
        case "array", "map", "struct":
            throw syntaxError(
                "the type \(name.name.uppercased()) needs its element types", hint: "write \(name.name)<…>",
                code: "INCOMPLETE_TYPE_DEFINITION", name.span)
        case "interval": return try intervalType(from: start)
        case "timestamp" where at(.without, .time, .zone):
            advance()
            advance()
            advance()
            let whole = span(from: start)
            let ntz = Identifier(name: "timestamp_ntz", span: whole)
            return TypeName(.named(ntz, parameters: []), span: whole)
        default: break
        }
        var parameters: [Int] = []
        if at(.leftParenthesis) {
            parameters = try parenthesizedList { p throws(TidemillError) in try p.typeParameter() }
        }
        if at(.collate) {
            throw unsupported(
                "a collation of a column", hint: "compare lower(…) or upper(…) instead", span(of: position))
        }
        return TypeName(.named(name, parameters: parameters), span: span(from: start))
    }

    private mutating func typeParameter() throws(TidemillError) -> Int {
        let isNegative = accept(.minus)
        guard current.kind == .integer, let value = Int(text(current)) else { throw unexpected(expected: "a number") }
        advance()
        return isNegative ? -value : value
    }

    private mutating func structField() throws(TidemillError) -> StructField {
        let start = position
        let name = try identifier("a field name")
        _ = accept(.colon)
        let type = try typeName()
        let isNotNull = accept(.not, .null)
        let comment = try optionalComment()
        return StructField(name: name, type: type, isNotNull: isNotNull, comment: comment, span: span(from: start))
    }

    private mutating func intervalType(from start: Int) throws(TidemillError) -> TypeName {
        guard let from = intervalTypeField() else {
            return TypeName(.interval(from: nil, to: nil), span: span(from: start))
        }
        var to = from
        if accept(.to) {
            guard let field = intervalTypeField(), field > from, field.isYearMonth == from.isYearMonth else {
                throw unexpected(expected: "a finer interval field")
            }
            to = field
        }
        return TypeName(.interval(from: from, to: to), span: span(from: start))
    }

    private mutating func intervalTypeField() -> IntervalField? {
        guard isName() else { return nil }
        let field: IntervalField
        switch text(current).lowercased() {
        case "year": field = .year
        case "month": field = .month
        case "day": field = .day
        case "hour": field = .hour
        case "minute": field = .minute
        case "second": field = .second
        default: return nil
        }
        advance()
        return field
    }

    /// `[COMMENT 'text']`
    mutating func optionalComment() throws(TidemillError) -> String? {
        guard at(.comment), isString(1) else { return nil }
        advance()
        return try string()
    }
}
