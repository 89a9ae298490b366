import Glibc

/// Functions that look into texts: positions, prefixes, patterns.
enum StringSearchFunctions {
    static let definitions: [ScalarDefinition] = {
        var list = DefinitionList(.string)
        addPositions(&list)
        addAffixes(&list)
        addPatterns(&list)
        return list.definitions
    }()

    private static func addPositions(_ list: inout DefinitionList) {
        list.addFixed(
            "instr", parameters: [.string, .string], returns: .int, usage: "instr(s, part)",
            summary: "Position of the first occurrence, from 1; 0 if there is none.", example: "instr('tide', 'd')",
            result: "3", weight: 6
        ) { (o, call) throws(TidemillError) in positions(o[1], in: o[0], from: nil, call) }
        list.add(
            "locate", "position", usage: "locate(part, s[, start])",
            summary: "Position of the first occurrence at or behind start.", example: "locate('i', 'tidemill', 4)",
            result: "6", weight: 6,
            kernel: { (o, call) throws(TidemillError) in
                positions(o[0], in: o[1], from: o.count == 3 ? Ints(o[2]) : nil, call)
            }
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...3)
            var arguments = [try request.coerced(0, to: .string), try request.coerced(1, to: .string)]
            // Nothing is found behind an unknown start.
            if request.count == 3 {
                arguments.append(.coalesce([try request.coerced(2, to: .int), .literal(.int(0))]))
            }
            return request.call(arguments, .int)
        }
    }

    private static func positions(
        _ needle: Datum, in text: Datum, from starts: Ints?, _ call: KernelCall
    ) -> Column {
        let (wanted, source) = (Strings(needle), Strings(text))
        let buffer = Buffer(byteCount: call.rowCount * 4)
        let out = buffer.pointer(Int32.self)
        for row in 0..<call.rowCount {
            let bytes = source.bytes(row)
            let start = starts.map { $0[row] } ?? 1
            var position = 0
            if start >= 1 && wanted.bytes(row).count == 0 {
                // Spark finds the empty text at the first character, wherever the search starts.
                position = 1
            } else if start >= 1 {
                let from = start == 1 ? 0 : UTF8Text.slice(bytes, from: 0, to: start - 1).count
                let isInside = start == 1 || UTF8Text.characterCount(bytes) >= start - 1
                if isInside, let found = UTF8Text.find(wanted.bytes(row), in: bytes, from: from) {
                    position = UTF8Text.characterCount(UnsafeRawBufferPointer(rebasing: bytes[..<found])) + 1
                }
            }
            out[row] = Int32(truncatingIfNeeded: position)
        }
        return Column(type: .int, count: call.rowCount, values: buffer)
    }

    private static func addAffixes(_ list: inout DefinitionList) {
        func add(
            _ name: String, _ summary: String, _ example: String,
            _ test: @escaping @Sendable (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
        ) {
            list.add(
                name, usage: "\(name)(s, part)", summary: summary, example: example, result: "true", weight: 5,
                kernel: { (o, call) throws(TidemillError) in
                    let (text, part) = (Strings(o[0]), Strings(o[1]))
                    return Column(boolean: testedRows(call.rowCount) { test(text.bytes($0), part.bytes($0)) })
                }
            ) { (request) throws(TidemillError) in
                try request.requireCount(2...2)
                if request.types.allSatisfy({ $0 == .binary }) { return request.call(request.arguments, .boolean) }
                return request.call(
                    [try request.coerced(0, to: .string), try request.coerced(1, to: .string)], .boolean)
            }
        }
        add("startswith", "Whether s starts with part.", "startswith('tide', 'ti')") { text, part in
            text.count >= part.count && equal(text, 0, part)
        }
        add("endswith", "Whether s ends with part.", "endswith('tide', 'de')") { text, part in
            text.count >= part.count && equal(text, text.count - part.count, part)
        }
        add("contains", "Whether part occurs in s.", "contains('tide', 'id')") { text, part in
            UTF8Text.find(part, in: text) != nil
        }
    }

    @inline(__always)
    private static func equal(_ text: UnsafeRawBufferPointer, _ start: Int, _ part: UnsafeRawBufferPointer) -> Bool {
        part.count == 0 || memcmp(text.baseAddress! + start, part.baseAddress!, part.count) == 0
    }

    // MARK: Patterns

    private static func addPatterns(_ list: inout DefinitionList) {
        list.add(
            "like", usage: "s LIKE pattern [ESCAPE c]", summary: "Matches with % for any text and _ for one character.",
            example: "'tidemill' LIKE 'tide%'", result: "true", weight: 10, mayFail: patternMayFail, kernel: like,
            bind: bindLike)
        list.add(
            "ilike", usage: "s ILIKE pattern [ESCAPE c]", summary: "LIKE without regard to case.",
            example: "'Tidemill' ILIKE 'tide%'", result: "true", weight: 10, kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...3)
            var arguments = request.arguments
            arguments[0] = try request.rebound("lower", [arguments[0]])
            arguments[1] = try request.rebound("lower", [arguments[1]])
            return try request.rebound("like", arguments)
        }
        list.add(
            "rlike", "regexp", "regexp_like", usage: "s RLIKE pattern",
            summary: "Whether the regular expression matches somewhere.",
            example: "'tidemill' RLIKE '^t.*l$'", result: "true", weight: 200,
            mayFail: ScalarDefinition.always, kernel: RegularExpression.matches
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...2)
            return request.call([try request.coerced(0, to: .string), try request.coerced(1, to: .string)], .boolean)
        }
    }

    /// A constant pattern that compiles cannot fail.
    private static let patternMayFail: ScalarDefinition.Failure = { operands in
        guard let bytes = operands[1].literalValue?.bytes, let escape = operands[2].literalValue?.bytes?.first else {
            return true
        }
        return bytes.withUnsafeBytes { (try? LikePattern($0, escape: escape)) == nil }
    }

    private static let bindLike: ScalarDefinition.Bind = { (request) throws(TidemillError) in
        try request.requireCount(2...3)
        var escape = Scalar.string("\\")
        if request.count == 3 {
            escape = try request.constant(2, .string)
            guard escape.bytes?.count == 1 else {
                throw BindError.invalidArgument(
                    "INVALID_ESCAPE_CHAR", "the escape of LIKE must be one ASCII character, not \(escape.sqlText)",
                    request.span)
            }
        }
        return request.call(
            [try request.coerced(0, to: .string), try request.coerced(1, to: .string), .literal(escape)], .boolean)
    }

    private static let like: ScalarDefinition.Kernel = { (o, call) throws(TidemillError) in
        let source = Strings(o[0])
        let patterns = Strings(o[1])
        let escape = o[2].column.bytes(0).first ?? UInt8(ascii: "\\")
        if o[1].isConstant {
            let pattern = try LikePattern(patterns.bytes(0), escape: escape)
            return Column(boolean: testedRows(call.rowCount) { pattern.matches(source.bytes($0)) })
        }
        var bits: [Bool] = []
        bits.reserveCapacity(call.rowCount)
        for row in 0..<call.rowCount {
            guard call.validity?[row] ?? true else {
                bits.append(false)
                continue
            }
            let pattern = try LikePattern(patterns.bytes(row), escape: escape)
            bits.append(pattern.matches(source.bytes(row)))
        }
        return Column(boolean: testedRows(call.rowCount) { bits[$0] })
    }
}
