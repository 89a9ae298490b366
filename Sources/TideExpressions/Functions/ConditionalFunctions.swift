/// Functions that choose among their arguments. Most are rewritten to CASE and coalesce, which evaluate lazily.
enum ConditionalFunctions {
    /// `value` of a scalar subquery that has `count` rows.
    static let scalarSubquery = "scalar subquery"

    static let definitions: [ScalarDefinition] = {
        var list = DefinitionList(.conditional)
        list.add(
            "coalesce", usage: "coalesce(x, …)", summary: "The first argument that is not NULL.",
            example: "coalesce(NULL, 1)", result: "1", kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(1...Int.max)
            return coalesced(try TypeCoercion.unified(request.arguments, in: "coalesce", span: request.span))
        }
        list.add(
            "nvl", "ifnull", usage: "nvl(x, y)", summary: "x, or y where x is NULL.", example: "nvl(NULL, 2)",
            result: "2", kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...2)
            return coalesced(try TypeCoercion.unified(request.arguments, in: request.name, span: request.span))
        }
        list.add(
            "nvl2", usage: "nvl2(x, y, z)", summary: "y where x is not NULL, else z.", example: "nvl2(NULL, 1, 2)",
            result: "2", kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(3...3)
            return try FunctionRegistry.builtin.bindCase(
                branches: [(.isNull(request.arguments[0], negated: true), request.arguments[1])],
                otherwise: request.arguments[2], span: request.span)
        }
        list.add(
            "nullif", usage: "nullif(x, y)", summary: "NULL where x = y, else x.", example: "nullif(1, 1)",
            result: "NULL", kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...2)
            let equal = try request.rebound("=", request.arguments)
            return try FunctionRegistry.builtin.bindCase(
                branches: [(equal, .null(request.types[0]))], otherwise: request.arguments[0], span: request.span)
        }
        list.add(
            "if", usage: "if(condition, x, y)", summary: "x where the condition is true, else y.",
            example: "if(1 < 2, 'a', 'b')", result: "a", kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(3...3)
            guard request.types[0] == .boolean || request.types[0] == .null else {
                throw request.unexpected(0, expected: "BOOLEAN")
            }
            return try FunctionRegistry.builtin.bindCase(
                branches: [(request.arguments[0], request.arguments[1])], otherwise: request.arguments[2],
                span: request.span)
        }
        list.add(
            "isnull", usage: "isnull(x)", summary: "Whether x is NULL.", example: "isnull(1)", result: "false",
            kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(1...1)
            return .isNull(request.arguments[0], negated: false)
        }
        list.add(
            "isnotnull", usage: "isnotnull(x)", summary: "Whether x is not NULL.", example: "isnotnull(1)",
            result: "true", kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(1...1)
            return .isNull(request.arguments[0], negated: true)
        }
        list.add(
            "greatest", usage: "greatest(x, y, …)", summary: "The largest argument; NULLs are skipped.",
            example: "greatest(1, 3, 2)", result: "3", nulls: .kernel, weight: 4,
            kernel: { (o, call) throws(TidemillError) in extreme(.greater, o, call) }, bind: bindExtreme)
        list.add(
            "least", usage: "least(x, y, …)", summary: "The smallest argument; NULLs are skipped.",
            example: "least(1, 3, 2)", result: "1", nulls: .kernel, weight: 4,
            kernel: { (o, call) throws(TidemillError) in extreme(.less, o, call) }, bind: bindExtreme)
        list.add(
            "isnan", usage: "isnan(x)", summary: "Whether x is NaN; false for NULL.", example: "isnan(1.0)",
            result: "false", nulls: .kernel,
            kernel: { (o, call) throws(TidemillError) in
                let found =
                    o[0].type == .float
                    ? tested(IsNaNRule<Float>(), o[0], call.rowCount) : tested(IsNaNRule<Double>(), o[0], call.rowCount)
                return Column(boolean: o[0].column.validity.map { found.and($0) } ?? found)
            }
        ) { (request) throws(TidemillError) in
            try request.requireCount(1...1)
            let operand = request.types[0] == .float ? request.arguments[0] : try request.coerced(0, to: .double)
            return request.total([operand], .boolean)
        }
        list.add(
            "nanvl", usage: "nanvl(x, y)", summary: "x, or y where x is NaN.", example: "nanvl(double('NaN'), 1.0)",
            result: "1.0", kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...2)
            let x = try request.coerced(0, to: .double)
            let y = try request.coerced(1, to: .double)
            let isNaN = try request.rebound("isnan", [x])
            return try request.rebound("if", [isNaN, y, x])
        }
        list.add(
            scalarSubquery, usage: "(SELECT …)", summary: "The value of a subquery of at most one row.",
            example: "(SELECT 1)", result: "1", nulls: .kernel, mayFail: ScalarDefinition.always,
            kernel: { (o, call) throws(TidemillError) in
                let counts = o[1].expanded(count: call.rowCount)
                let values = counts.pointer(Int64.self)
                for row in 0..<call.rowCount where counts.isValid(row) && values[row] > 1 {
                    throw EvaluationError.tooManyRows
                }
                return o[0].expanded(count: call.rowCount)
            }
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...2)
            return request.call(request.arguments, request.types[0], nullable: true)
        }
        return list.definitions
    }()

    private static func coalesced(_ operands: [BoundExpression]) -> BoundExpression {
        // Nothing after an operand that is never NULL is reached.
        var kept: [BoundExpression] = []
        for operand in operands {
            kept.append(operand)
            if !operand.nullable { break }
        }
        return kept.count == 1 ? kept[0] : .coalesce(kept)
    }

    private static let bindExtreme: ScalarDefinition.Bind = { (request) throws(TidemillError) in
        try request.requireCount(2...Int.max)
        let types = request.types
        guard !types.contains(.string) || types.allSatisfy({ $0 == .string || $0 == .null }),
            let common = TypeCoercion.commonType(of: types)
        else { throw BindError.dataDifferentTypes(request.arguments, in: request.name, request.span) }
        guard common.isOrdered else {
            throw BindError.invalidArgument(
                "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE", "values of the type \(common.sql) cannot be compared",
                request.span)
        }
        let operands = request.arguments.map { TypeCoercion.cast($0, to: common) }
        return .call(request.function, operands, type: common, nullable: operands.allSatisfy(\.nullable))
    }

    private static func extreme(_ op: ComparisonOperator, _ o: [Datum], _ call: KernelCall) -> Column {
        let count = call.rowCount
        var best = o[0].expanded(count: count)
        for next in o.dropFirst() {
            var replace = Comparison.compare(op, next, Datum(best), count)
            if let validity = best.validity { replace = replace.or(validity.inverted()) }
            if let validity = next.validity(count: count) { replace = replace.and(validity) }
            var assembly = ColumnAssembly(call.resultType, count: count)
            assembly.place(Datum(best), aligned: replace.inverted())
            assembly.place(next, aligned: replace)
            best = assembly.finish()
        }
        return best
    }
}
