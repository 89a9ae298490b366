/// The operators of numbers, dates and intervals.
enum ArithmeticFunctions {
    static let definitions: [ScalarDefinition] = {
        var list = DefinitionList(.operators)
        list.add(
            "+", usage: "a + b", summary: "Sum; a day or an interval added to a date or timestamp.",
            example: "1 + 2", result: "3", mayFail: ScalarDefinition.unlessFloating, kernel: Arithmetic.add
        ) { (request) throws(TidemillError) in
            try request.requireCount(1...2)
            if request.count == 1 { return try NumericBinding.single(request) }
            if let bound = try DateArithmetic.plus(request) { return bound }
            let (l, r) = try NumericBinding.operands(request)
            return request.call([l, r], decimalResult(l, r, DecimalTypes.sum))
        }
        list.add(
            "-", usage: "a - b", summary: "Difference; of dates and timestamps an interval.", example: "1 - 2",
            result: "-1", mayFail: ScalarDefinition.unlessFloating, kernel: Arithmetic.subtract
        ) { (request) throws(TidemillError) in
            try request.requireCount(1...2)
            if request.count == 1 { return try request.rebound("unary -", request.arguments) }
            if let bound = try DateArithmetic.minus(request) { return bound }
            let (l, r) = try NumericBinding.operands(request)
            return request.call([l, r], decimalResult(l, r, DecimalTypes.sum))
        }
        list.add(
            "*", usage: "a * b", summary: "Product.", example: "2 * 3", result: "6",
            mayFail: ScalarDefinition.unlessFloating, kernel: Arithmetic.multiply
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...2)
            if let bound = try DateArithmetic.times(request) { return bound }
            let (l, r) = try NumericBinding.operands(request)
            return request.call([l, r], decimalResult(l, r, DecimalTypes.product))
        }
        list.add(
            "/", usage: "a / b", summary: "Quotient as double or decimal; dividing by zero is an error.",
            example: "3 / 2", result: "1.5", mayFail: ScalarDefinition.division, kernel: Arithmetic.divide
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...2)
            if let bound = try DateArithmetic.dividedBy(request) { return bound }
            let (l, r) = try NumericBinding.operands(request, expected: "DOUBLE or DECIMAL")
            if l.type.isDecimal { return request.call([l, r], decimalResult(l, r, DecimalTypes.quotient)) }
            return request.call([TypeCoercion.cast(l, to: .double), TypeCoercion.cast(r, to: .double)], .double)
        }
        list.add(
            "div", usage: "a div b", summary: "Integral part of the quotient, as bigint; also of intervals.",
            example: "7 div 2",
            result: "3", mayFail: ScalarDefinition.division, kernel: Arithmetic.integralDivide
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...2)
            if let (l, r) = DateArithmetic.sameFamily(request.arguments[0], request.arguments[1]) {
                // Months as numbers; microseconds lie in 64 bits already.
                guard l.type.isYearMonthInterval else { return request.call([l, r], .bigint) }
                let months = [l, r].map { TypeCoercion.cast(TypeCoercion.cast($0, to: .yearToMonth), to: .bigint) }
                return request.call(months, .bigint)
            }
            let (l, r) = try NumericBinding.operands(request, expected: "BIGINT or DECIMAL")
            if l.type.isDecimal { return request.call([l, r], .bigint) }
            guard l.type.isIntegral || l.literalValue?.isNull == true && !l.type.isFractional else {
                if request.types[0] != request.types[1] { throw NumericBinding.differ(request) }
                throw NumericBinding.wrongType(request, l.type, "BIGINT or DECIMAL")
            }
            return request.call([TypeCoercion.cast(l, to: .bigint), TypeCoercion.cast(r, to: .bigint)], .bigint)
        }
        list.add(
            "%", "mod", usage: "a % b, mod(a, b)", summary: "Remainder with the sign of a.", example: "-7 % 3",
            result: "-1", mayFail: ScalarDefinition.division, kernel: Arithmetic.remainder
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...2)
            let (l, r) = try NumericBinding.operands(request, expected: "NUMERIC")
            return request.call([l, r], decimalResult(l, r, DecimalTypes.remainder))
        }
        list.add(
            "pmod", usage: "pmod(a, b)", summary: "Remainder made positive.", example: "pmod(-7, 3)", result: "2",
            mayFail: ScalarDefinition.division, kernel: Arithmetic.positiveMod
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...2)
            let (l, r) = try NumericBinding.operands(request, expected: "NUMERIC")
            return request.call([l, r], decimalResult(l, r, DecimalTypes.remainder))
        }
        list.add(
            "unary -", "negative", usage: "-a", summary: "The negated value.", example: "negative(1)", result: "-1",
            mayFail: ScalarDefinition.unlessFloating, kernel: Arithmetic.negate
        ) { (request) throws(TidemillError) in
            try request.requireCount(1...1)
            let type = request.types[0]
            if type.isInterval {
                return request.call(request.arguments, type)
            }
            let operand = try NumericBinding.single(request)
            return request.call([operand], operand.type)
        }
        list.add(
            "unary +", "positive", usage: "+a", summary: "The value itself.", example: "positive(1)", result: "1",
            kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(1...1)
            let type = request.types[0]
            if type.isInterval { return request.arguments[0] }
            return try NumericBinding.single(request)
        }
        list.add(
            "abs", usage: "abs(x)", summary: "Absolute value.", example: "abs(-1)", result: "1",
            mayFail: ScalarDefinition.unlessFloating, kernel: Arithmetic.absolute
        ) { (request) throws(TidemillError) in
            try request.requireCount(1...1)
            let type = request.types[0]
            if type.isInterval {
                return request.call(request.arguments, type)
            }
            let operand = try NumericBinding.single(request)
            return request.call([operand], operand.type)
        }
        addBitwise(&list)
        return list.definitions
    }()

    private static func decimalResult(
        _ l: BoundExpression, _ r: BoundExpression,
        _ rule: (DecimalShape, DecimalShape) -> DataType
    ) -> DataType {
        guard let left = l.type.decimalShape, let right = r.type.decimalShape else { return l.type }
        return rule(left, right)
    }

    private static let bindBitwise: ScalarDefinition.Bind = { (request) throws(TidemillError) in
        try request.requireCount(2...2)
        let (l, r) = try NumericBinding.operands(request, expected: "INTEGRAL")
        guard l.type.isIntegral, r.type.isIntegral else {
            if l.type == r.type { throw NumericBinding.wrongType(request, l.type, "INTEGRAL") }
            throw NumericBinding.differ(request)
        }
        return request.call([l, r], l.type)
    }

    private static func addBitwise(_ list: inout DefinitionList) {
        list.add(
            "&", usage: "a & b", summary: "Bitwise and.", example: "5 & 3", result: "1",
            kernel: Arithmetic.bitwise(.and, .and), bind: bindBitwise)
        list.add(
            "|", usage: "a | b", summary: "Bitwise or.", example: "5 | 3", result: "7",
            kernel: Arithmetic.bitwise(.or, .or), bind: bindBitwise)
        list.add(
            "^", usage: "a ^ b", summary: "Bitwise exclusive or.", example: "5 ^ 3", result: "6",
            kernel: Arithmetic.bitwise(.xor, .xor), bind: bindBitwise)
        list.add(
            "~", usage: "~a", summary: "Bitwise complement.", example: "~5", result: "-6",
            kernel: Arithmetic.complement
        ) { (request) throws(TidemillError) in
            try request.requireCount(1...1)
            if request.types[0] == .null { return .null(.int) }
            guard request.types[0].isIntegral else { throw request.unexpected(0, expected: "INTEGRAL") }
            return request.call(request.arguments, request.types[0])
        }
        func addShift(
            _ name: String, _ symbol: String, _ direction: ShiftDirection, _ example: String, _ result: String
        ) {
            list.add(
                name, usage: "a \(symbol) n, \(name)(a, n)", summary: "a shifted by n bits.", example: example,
                result: result,
                kernel: { (o, call) throws(TidemillError) in
                    call.resultType == .bigint
                        ? zipped(ShiftRule<Int64, UInt64>(direction: direction), o[0], o[1], call)
                        : zipped(ShiftRule<Int32, UInt32>(direction: direction), o[0], o[1], call)
                }
            ) { (request) throws(TidemillError) in
                try request.requireCount(2...2)
                let type: DataType = request.types[0] == .bigint ? .bigint : .int
                return request.call(
                    [try request.coerced(0, to: type), try request.coerced(1, to: .int)], type)
            }
        }
        addShift("shiftleft", "<<", .left, "shiftleft(5, 2)", "20")
        addShift("shiftright", ">>", .right, "shiftright(-8, 1)", "-4")
        addShift("shiftrightunsigned", ">>>", .rightUnsigned, "shiftrightunsigned(8, 1)", "4")
    }
}
