import TideCore

extension Parser {
    /// Whether INTERVAL here begins a literal: a value follows (`interval - 1` is a column minus one).
    var atIntervalLiteral: Bool {
        guard at(.interval) else { return false }
        if isString(1) || isNumber(1) { return true }
        guard symbol(1) == .minus || symbol(1) == .plus, isString(2) || isNumber(2), isName(3) else { return false }
        return IntervalField(unit: text(peek(3)).lowercased()) != nil
    }

    /// `INTERVAL …`. The string form (`INTERVAL '1 day'`) is an expression only, not a watermark's delay; months and
    /// days together are for delays only.
    mutating func intervalLiteral(forDelay: Bool = false) throws(TidemillError) -> IntervalLiteral {
        let start = position
        try expect(.interval)
        if isString(), unit(stringsHere()) == nil {
            let value = try string()
            guard !forDelay else {
                throw syntaxError(
                    "a delay is written as numbers and units, found '\(value)'",
                    hint: "write INTERVAL \(value.uppercased())", span(from: start))
            }
            guard let literal = parseIntervalString(value) else {
                throw syntaxError(
                    "not an interval: '\(value)'", hint: "write for example INTERVAL '1 day 2 hours'",
                    code: "INVALID_TYPED_LITERAL", span(from: start))
            }
            return try refuseMixture(literal, from: start)
        }
        var sum = IntervalSum()
        repeat {
            let valueStart = position
            let isNegative = at(.minus)
            if isNegative || at(.plus) { advance() }
            let isText = isString()
            guard isText || isNumber() else { throw unexpected(expected: "a number") }
            let value: String
            if isText {
                value = try string()
            } else {
                value = text(current)
                advance()
            }
            guard let field = unit(0) else { throw unexpected(expected: "an interval unit") }
            advance()
            if valueStart == start + 1, at(.to), let last = unit(1) {
                advance()
                advance()
                guard isText, let literal = parseUnitRange(value, isNegative: isNegative, from: field, to: last) else {
                    throw syntaxError(
                        "not an interval \(field.text) TO \(last.text): \(value)",
                        code: "INVALID_INTERVAL_FORMAT", span(from: start))
                }
                return literal
            }
            // INTERVAL -'-1' DAY is one day.
            let signed = !isNegative ? value : value.hasPrefix("-") ? String(value.dropFirst()) : "-" + value
            guard let amount = IntervalAmount(signed.split(separator: " ").joined()), sum.add(amount, field) else {
                throw syntaxError(
                    "not a number of \(field.text.lowercased())s: \(value)",
                    hint: field != .second && value.contains(".") ? "only seconds may have a fraction" : nil,
                    code: "INVALID_INTERVAL_FORMAT", span(from: valueStart))
            }
        } while startsIntervalValue
        guard let literal = sum.literal else {
            throw syntaxError("interval out of range", code: "INTERVAL_ARITHMETIC_OVERFLOW", span(from: start))
        }
        return forDelay ? literal : try refuseMixture(literal, from: start)
    }

    /// Another `value unit` pair; `INTERVAL 1 DAY - 2` is a subtraction.
    private var startsIntervalValue: Bool {
        if isString() || isNumber() { return unit(1) != nil }
        return (at(.minus) || at(.plus)) && (isString(1) || isNumber(1)) && unit(2) != nil
    }

    private func stringsHere() -> Int {
        var count = 0
        while isString(count) { count += 1 }
        return count
    }

    private func unit(_ offset: Int) -> IntervalField? {
        isName(offset) ? IntervalField(unit: text(peek(offset)).lowercased()) : nil
    }

    private func refuseMixture(_ literal: IntervalLiteral, from start: Int) throws(TidemillError) -> IntervalLiteral {
        guard literal.family == .calendar else { return literal }
        throw syntaxError(
            "an interval cannot mix years or months with days or times",
            hint: "add two intervals one after the other", code: "INVALID_INTERVAL_FORMAT", span(from: start))
    }
}
