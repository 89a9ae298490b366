/// Functions that exist only with OVER: names, arguments, types. Aggregates with OVER are bound as aggregates.
enum WindowBinding {
    private struct Entry {
        let name: String
        let usage: String
        let summary: String
        let example: String
        let result: String
        let arity: ClosedRange<Int>
    }

    private static let entries: [Entry] = [
        Entry(
            name: "row_number", usage: "row_number() OVER (…)", summary: "1, 2, 3, … in the order of the partition.",
            example: "SELECT max(n) FROM (SELECT row_number() OVER (ORDER BY x) AS n FROM VALUES (5), (5) AS t(x))",
            result: "2", arity: 0...0),
        Entry(
            name: "rank", usage: "rank() OVER (…)", summary: "1 + the number of rows before the row and its peers.",
            example: "SELECT max(n) FROM (SELECT rank() OVER (ORDER BY x) AS n FROM VALUES (5), (5), (6) AS t(x))",
            result: "3", arity: 0...0),
        Entry(
            name: "dense_rank", usage: "dense_rank() OVER (…)",
            summary: "1 + the number of different values before the row.",
            example:
                "SELECT max(n) FROM (SELECT dense_rank() OVER (ORDER BY x) AS n FROM VALUES (5), (5), (6) AS t(x))",
            result: "2", arity: 0...0),
        Entry(
            name: "percent_rank", usage: "percent_rank() OVER (…)",
            summary: "(rank - 1) / (rows of the partition - 1).",
            example: "SELECT max(n) FROM (SELECT percent_rank() OVER (ORDER BY x) AS n FROM VALUES (5), (6) AS t(x))",
            result: "1.0", arity: 0...0),
        Entry(
            name: "cume_dist", usage: "cume_dist() OVER (…)",
            summary: "Rows up to the row and its peers / rows of the partition.",
            example: "SELECT min(n) FROM (SELECT cume_dist() OVER (ORDER BY x) AS n FROM VALUES (5), (6) AS t(x))",
            result: "0.5", arity: 0...0),
        Entry(
            name: "ntile", usage: "ntile(n) OVER (…)", summary: "Number of the row's part, of n parts of equal size.",
            example: "SELECT max(n) FROM (SELECT ntile(2) OVER (ORDER BY x) AS n FROM VALUES (5), (6), (7) AS t(x))",
            result: "2", arity: 0...1),
        Entry(
            name: "lag", usage: "lag(x[, offset[, default]]) OVER (…)",
            summary: "x of the row that stands offset rows before, by default 1.",
            example: "SELECT max(n) FROM (SELECT lag(x) OVER (ORDER BY x) AS n FROM VALUES (5), (6) AS t(x))",
            result: "5", arity: 1...3),
        Entry(
            name: "lead", usage: "lead(x[, offset[, default]]) OVER (…)",
            summary: "x of the row that stands offset rows behind, by default 1.",
            example: "SELECT max(n) FROM (SELECT lead(x) OVER (ORDER BY x) AS n FROM VALUES (5), (6) AS t(x))",
            result: "6", arity: 1...3),
        Entry(
            name: "nth_value", usage: "nth_value(x, n) OVER (…)", summary: "x of the n-th row of the frame.",
            example: "SELECT max(n) FROM (SELECT nth_value(x, 2) OVER (ORDER BY x) AS n FROM VALUES (5), (6) AS t(x))",
            result: "6", arity: 2...2),
    ]

    static let names = entries.map(\.name)

    static var documentation: [FunctionDocumentation] {
        entries.map {
            FunctionDocumentation(
                group: .window, names: [$0.name], usage: $0.usage, summary: $0.summary, example: $0.example,
                result: $0.result)
        }
    }

    static func isWindow(_ name: String) -> Bool { names.contains(name.lowercased()) }

    static func bind(
        _ name: String, arguments: [BoundExpression], ignoresNulls: Bool, span: SourceSpan?
    ) throws(TidemillError) -> WindowFunction {
        guard let entry = entries.first(where: { $0.name == name.lowercased() }) else {
            throw BindError.unresolvedRoutine(name, span)
        }
        guard entry.arity.contains(arguments.count) else {
            let expected =
                entry.arity.count == 1
                ? "\(entry.arity.lowerBound)" : "[\(entry.arity.lowerBound), \(entry.arity.upperBound)]"
            throw BindError.wrongArgumentCount(
                name, expected: expected, actual: arguments.count, usage: entry.usage, span)
        }
        func number(_ index: Int, orElse value: Int) throws(TidemillError) -> Int {
            guard arguments.count > index else { return value }
            guard let found = FunctionRegistry.builtin.fold(arguments[index]).literalValue?.integer else {
                throw BindError.invalidArgument(
                    "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
                    "the \(BindError.ordinal(index)) parameter of \(entry.name) must be a constant integer", span)
            }
            return Int(found)
        }
        func positive(_ index: Int, orElse value: Int) throws(TidemillError) -> Int {
            let found = try number(index, orElse: value)
            guard found > 0 else {
                throw BindError.invalidArgument(
                    "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
                    "the \(BindError.ordinal(index)) parameter of \(entry.name) must be greater than 0: \(found)", span)
            }
            return found
        }
        switch entry.name {
        case "row_number": return .rowNumber
        case "rank": return .rank
        case "dense_rank": return .denseRank
        case "percent_rank": return .percentRank
        case "cume_dist": return .cumeDist
        case "ntile": return .ntile(buckets: try positive(0, orElse: 1))
        case "nth_value": return .nth(arguments[0], n: try positive(1, orElse: 1), ignoresNulls: ignoresNulls)
        default:
            let distance = try number(1, orElse: 1)
            let type = arguments[0].type
            let otherwise =
                arguments.count > 2
                ? try TypeCoercion.implicitCast(arguments[2], to: type, span: span) : BoundExpression.null(type)
            return .shifted(
                arguments[0], by: entry.name == "lag" ? -distance : distance, otherwise: otherwise,
                ignoresNulls: ignoresNulls)
        }
    }
}
