/// What a generator makes of a row: one row for each element of an array, or entry of a map.
public struct BoundGenerator: Hashable, Sendable {
    /// An array or a map.
    public var source: BoundExpression
    /// A column `pos`, from 0, comes first.
    public var hasPosition: Bool
    /// The elements are structs, whose fields become the columns; those of a NULL struct are NULL.
    public var unpacks: Bool
    /// A row without elements, or with NULL for them, gives one row of NULLs.
    public var isOuter: Bool

    /// What an element gives, in order, under Spark's names.
    public var elementFields: [Field] {
        switch source.type {
        case .array(.structure(let members)) where unpacks: members.map { Field($0.name, $0.type, nullable: true) }
        case .array(let element): [Field("col", element, nullable: true)]
        case .map(let key, let value): [Field("key", key, nullable: isOuter), Field("value", value, nullable: true)]
        default: []
        }
    }

    /// The columns made: the position, then those of the element.
    public var fields: [Field] {
        (hasPosition ? [Field("pos", .int, nullable: isOuter)] : []) + elementFields
    }
}

/// Generators: functions that make several rows of one. They stand in the select list, in LATERAL VIEW and in FROM.
enum GeneratorBinding {
    private struct Entry {
        let name: String
        let usage: String
        let summary: String
        let example: String
        let result: String
    }

    private static let entries: [Entry] = [
        Entry(
            name: "explode", usage: "explode(a)",
            summary: "A row for each element of an array (column col) or entry of a map (columns key, value).",
            example: "SELECT max(col) FROM explode(array(1, 2))", result: "2"),
        Entry(
            name: "explode_outer", usage: "explode_outer(a)",
            summary: "explode, with a row of NULLs where there is no element.",
            example: "SELECT count(*) FROM explode_outer(array())", result: "1"),
        Entry(
            name: "posexplode", usage: "posexplode(a)",
            summary: "explode with the element's position, from 0, in a first column pos.",
            example: "SELECT max(pos) FROM posexplode(array('x', 'y'))", result: "1"),
        Entry(
            name: "posexplode_outer", usage: "posexplode_outer(a)",
            summary: "posexplode, with a row of NULLs where there is no element.",
            example: "SELECT max(pos) FROM posexplode_outer(array())", result: "NULL"),
        Entry(
            name: "inline", usage: "inline(a)", summary: "A row for each struct of an array, its fields as columns.",
            example: "SELECT max(col2) FROM inline(array(struct(1, 'a'), struct(2, 'b')))", result: "b"),
        Entry(
            name: "inline_outer", usage: "inline_outer(a)",
            summary: "inline, with a row of NULLs where there is no struct.",
            example: "SELECT max(col1) FROM inline_outer(array(struct(1, 'a')))", result: "1"),
        Entry(
            name: "stack", usage: "stack(n, x, …)",
            summary: "The values as n rows of columns col0, col1, …; n is a constant.",
            example: "SELECT max(col1) FROM stack(2, 1, 'a', 2, 'b')", result: "b"),
    ]

    static var names: [String] { entries.map(\.name) }
    static func isGenerator(_ name: String) -> Bool { entries.contains { $0.name == name.lowercased() } }

    static var documentation: [FunctionDocumentation] {
        entries.map {
            FunctionDocumentation(
                group: .generator, names: [$0.name], usage: $0.usage, summary: $0.summary, example: $0.example,
                result: $0.result)
        }
    }

    static func bind(
        _ name: String, arguments: [BoundExpression], isOuter: Bool, span: SourceSpan?
    ) throws(TidemillError) -> BoundGenerator {
        let lower = name.lowercased()
        guard let entry = entries.first(where: { $0.name == lower }) else {
            throw BindError.unresolvedRoutine(name, span)
        }
        if lower == "stack" { return try stack(arguments, isOuter: isOuter, span) }
        guard arguments.count == 1 else {
            throw BindError.wrongArgumentCount(name, expected: "1", actual: arguments.count, usage: entry.usage, span)
        }
        let generator = BoundGenerator(
            source: arguments[0], hasPosition: lower.hasPrefix("pos"), unpacks: lower.hasPrefix("inline"),
            isOuter: isOuter || lower.hasSuffix("_outer"))
        switch arguments[0].type {
        case .array(.structure): return generator
        case .array, .map: if !generator.unpacks { return generator }
        default: break
        }
        throw BindError.unexpectedType(
            arguments[0], expected: generator.unpacks ? "ARRAY<STRUCT>" : "ARRAY or MAP", position: 0, function: lower,
            span)
    }

    /// An array of structs, filled up with NULLs.
    private static func stack(
        _ arguments: [BoundExpression], isOuter: Bool, _ span: SourceSpan?
    ) throws(TidemillError) -> BoundGenerator {
        guard arguments.count > 1 else {
            throw BindError.wrongArgumentCount(
                "stack", expected: "> 1", actual: arguments.count, usage: "stack(n, x, …)", span)
        }
        guard arguments[0].type == .int, let count = ConstantFolding.fold(arguments[0]).literalValue?.integer else {
            throw BindError.unexpectedType(
                arguments[0], expected: "INT constant", position: 0, function: "stack", span)
        }
        let values = Array(arguments.dropFirst())
        guard count > 0, count <= Int64(Int32.max) else {
            throw BindError.invalidArgument(
                "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", "the number of rows of stack is at least 1, not \(count)",
                span)
        }
        // Rows beyond the values would be NULLs only; a bound keeps the plan small.
        guard count <= 65_536 else {
            throw BindError.unsupported("stack of more than 65536 rows: \(count)", span)
        }
        let width = (values.count + Int(count) - 1) / Int(count)
        var types = [DataType](repeating: .null, count: width)
        for (index, value) in values.enumerated() where value.type != .null {
            let column = index % width
            guard types[column] == .null || types[column] == value.type else {
                throw BindError.invalidArgument(
                    "DATATYPE_MISMATCH.STACK_COLUMN_DIFF_TYPES",
                    "column \(column) of stack has values of the types \(types[column].sql) and \(value.type.sql)",
                    hint: "cast them to one type", span)
            }
            types[column] = value.type
        }
        var rows: [BoundExpression] = []
        for row in 0..<Int(count) {
            var fields: [BoundExpression] = []
            for column in 0..<width {
                let index = row * width + column
                let isGiven = index < values.count && values[index].type != .null
                fields += [.string("col\(column)"), isGiven ? values[index] : .null(types[column])]
            }
            rows.append(try FunctionRegistry.builtin.bind("named_struct", arguments: fields, span: span))
        }
        // Fields of one name may differ in whether they can be NULL.
        let type = DataType.structure(types.enumerated().map { Field("col\($0)", $1, nullable: true) })
        let source = try FunctionRegistry.builtin.bind("array", arguments: rows, span: span)
        guard case .call(let function, let operands, _, _, _) = source else { throw .internal("array is no call") }
        return BoundGenerator(
            source: .call(function, operands, type: .array(type), nullable: false), hasPosition: false, unpacks: true,
            isOuter: isOuter)
    }
}

extension FunctionRegistry {
    /// A function that makes rows. With `isOuter` as its `_outer` form.
    public func bindGenerator(
        _ name: String, arguments: [BoundExpression], isOuter: Bool = false, span: SourceSpan? = nil
    ) throws(TidemillError) -> BoundGenerator {
        try GeneratorBinding.bind(name, arguments: arguments, isOuter: isOuter, span: span)
    }

    public func isGenerator(_ name: String) -> Bool { GeneratorBinding.isGenerator(name) }
}
