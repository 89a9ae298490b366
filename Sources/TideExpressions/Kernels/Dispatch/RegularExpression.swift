import _StringProcessing

/// RLIKE, by the standard library's regular expressions: correct for the syntax that Java and Swift share, and slow.
enum RegularExpression {
    static func compile(_ pattern: String) throws(TidemillError) -> Regex<AnyRegexOutput> {
        do {
            // Java matches code points, not grapheme clusters.
            return try Regex(pattern).matchingSemantics(.unicodeScalar)
        } catch {
            throw EvaluationError.invalidInput(
                "INVALID_PARAMETER_VALUE.PATTERN",
                "the value of the parameter regexp in rlike is invalid: '\(pattern)'",
                hint: "write a regular expression; a backslash in an SQL literal is doubled")
        }
    }

    static func matches(_ o: [Datum], _ call: KernelCall) throws(TidemillError) -> Column {
        let source = Strings(o[0])
        let patterns = Strings(o[1])
        var regex: Regex<AnyRegexOutput>?
        var known: String?
        var found: [Bool] = []
        found.reserveCapacity(call.rowCount)
        for row in 0..<call.rowCount {
            guard call.validity?[row] ?? true else {
                found.append(false)
                continue
            }
            if regex == nil || !o[1].isConstant {
                let pattern = String(decoding: patterns.bytes(row), as: UTF8.self)
                if pattern != known {
                    regex = try compile(pattern)
                    known = pattern
                }
            }
            let text = String(decoding: source.bytes(row), as: UTF8.self)
            found.append(regex.map { text.firstMatch(of: $0) != nil } ?? false)
        }
        return Column(boolean: testedRows(call.rowCount) { found[$0] })
    }
}
