/// Comparisons and the logical operators by name.
enum ComparisonFunctions {
    static let definitions: [ScalarDefinition] = {
        var list = DefinitionList(.operators)
        addComparison(&list, ["=", "=="], .equal, "Equal; NULL if an operand is.", "1 = 1", "true")
        addComparison(&list, ["<>", "!="], .notEqual, "Not equal.", "1 <> 1", "false")
        addComparison(&list, ["<"], .less, "Less.", "1 < 2", "true")
        addComparison(&list, ["<="], .lessOrEqual, "Less or equal.", "1 <= 2", "true")
        addComparison(&list, [">"], .greater, "Greater.", "1 > 2", "false")
        addComparison(&list, [">="], .greaterOrEqual, "Greater or equal.", "1 >= 2", "false")
        list.add(
            "<=>", "equal_null", usage: "a <=> b", summary: "Equal, where NULL equals NULL; never NULL.",
            example: "NULL <=> NULL", result: "true", nulls: .kernel,
            kernel: { (o, call) throws(TidemillError) in
                Column(boolean: Comparison.nullSafeEqual(o[0], o[1], call.rowCount))
            }
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...2)
            return request.total(try comparable(request), .boolean)
        }
        list.add(
            "between", usage: "x BETWEEN low AND high", summary: "Not below low and not above high.",
            example: "2 BETWEEN 1 AND 3", result: "true", kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(3...3)
            let low = try request.rebound(">=", [request.arguments[0], request.arguments[1]])
            let high = try request.rebound("<=", [request.arguments[0], request.arguments[2]])
            return .and([low, high])
        }
        list.add(
            "and", usage: "a AND b", summary: "True if all are; false if one is; else NULL.", example: "true AND NULL",
            result: "NULL", kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...Int.max)
            return .and(flattened(try booleans(request)) { if case .and(let inner) = $0 { inner } else { nil } })
        }
        list.add(
            "or", usage: "a OR b", summary: "True if one is; false if all are; else NULL.", example: "true OR NULL",
            result: "true", kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...Int.max)
            return .or(flattened(try booleans(request)) { if case .or(let inner) = $0 { inner } else { nil } })
        }
        list.add(
            "not", "!", usage: "NOT a", summary: "The opposite; NULL stays NULL.", example: "NOT true",
            result: "false", kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(1...1)
            return .not(try booleans(request)[0])
        }
        return list.definitions
    }()

    private static func addComparison(
        _ list: inout DefinitionList, _ names: [String], _ op: ComparisonOperator, _ summary: String,
        _ example: String, _ result: String
    ) {
        let kernel: ScalarDefinition.Kernel = { (o, call) throws(TidemillError) in
            Column(boolean: Comparison.compare(op, o[0], o[1], call.rowCount))
        }
        let bind: ScalarDefinition.Bind = { (request) throws(TidemillError) in
            try request.requireCount(2...2)
            return request.call(try comparable(request), .boolean)
        }
        let usage = "a \(names[0]) b"
        if names.count == 2 {
            list.add(
                names[0], names[1], usage: usage, summary: summary, example: example, result: result, kernel: kernel,
                bind: bind)
        } else {
            list.add(
                names[0], usage: usage, summary: summary, example: example, result: result, kernel: kernel, bind: bind)
        }
    }

    /// Both operands in one type.
    private static func comparable(_ request: BindRequest) throws(TidemillError) -> [BoundExpression] {
        let (left, right) = (request.arguments[0], request.arguments[1])
        guard let common = TypeCoercion.commonType(left.type, right.type) else { throw NumericBinding.differ(request) }
        guard common.isOrdered else {
            throw BindError.invalidArgument(
                "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE", "values of the type \(common.sql) cannot be compared",
                request.span)
        }
        return [TypeCoercion.cast(left, to: common), TypeCoercion.cast(right, to: common)]
    }

    private static func booleans(_ request: BindRequest) throws(TidemillError) -> [BoundExpression] {
        var operands: [BoundExpression] = []
        for (index, argument) in request.arguments.enumerated() {
            switch argument.type {
            case .boolean, .null, .string: operands.append(TypeCoercion.cast(argument, to: .boolean))
            default:
                if request.count == 2 { throw NumericBinding.differ(request) }
                throw request.unexpected(index, expected: "BOOLEAN")
            }
        }
        return operands
    }

    /// a AND (b AND c) is one conjunction.
    private static func flattened(
        _ operands: [BoundExpression], _ inner: (BoundExpression) -> [BoundExpression]?
    ) -> [BoundExpression] {
        operands.flatMap { inner($0) ?? [$0] }
    }
}
