import Glibc

/// Rounding, powers, logarithms, trigonometry.
enum MathFunctions {
    static let definitions: [ScalarDefinition] = {
        var list = DefinitionList(.math)
        addRounding(&list)
        addDouble(&list)
        addPowers(&list)
        addTolerant(&list)
        return list.definitions
    }()

    // MARK: Rounding

    private static func addRounding(_ list: inout DefinitionList) {
        list.add(
            "round", usage: "round(x[, d])", summary: "Rounded to d digits after the point, half away from zero.",
            example: "round(2.345, 2)", result: "2.35", weight: 3, mayFail: ScalarDefinition.unlessFloating,
            kernel: { (o, call) throws(TidemillError) in try round(o, call, halfEven: false) }, bind: bindRound)
        list.add(
            "bround", usage: "bround(x[, d])", summary: "Rounded to d digits, half to the even digit.",
            example: "bround(2.5, 0)", result: "2", weight: 3, mayFail: ScalarDefinition.unlessFloating,
            kernel: { (o, call) throws(TidemillError) in try round(o, call, halfEven: true) }, bind: bindRound)
        list.add(
            "ceil", "ceiling", usage: "ceil(x[, d])", summary: "Smallest integer, or number of d digits, not below x.",
            example: "ceil(2.1)", result: "3", mayFail: ScalarDefinition.always,
            kernel: { (o, call) throws(TidemillError) in try roundTowards(o, call, up: true) },
            bind: { (request) throws(TidemillError) in try bindTowards(request) })
        list.add(
            "floor", usage: "floor(x[, d])", summary: "Largest integer, or number of d digits, not above x.",
            example: "floor(2.9)", result: "2", mayFail: ScalarDefinition.always,
            kernel: { (o, call) throws(TidemillError) in try roundTowards(o, call, up: false) },
            bind: { (request) throws(TidemillError) in try bindTowards(request) })
    }

    /// Shape of a decimal rounded to `digits`.
    private static func roundedShape(_ shape: DecimalShape, _ digits: Int) -> DataType {
        let integral = shape.precision - shape.scale + 1
        if digits < 0 { return .decimal(precision: min(max(integral, -digits + 1), 38), scale: 0) }
        let scale = min(shape.scale, digits)
        return DecimalTypes.bounded(integral + scale, scale)
    }

    private static let bindRound: ScalarDefinition.Bind = { (request) throws(TidemillError) in
        try request.requireCount(1...2)
        let operand = try NumericBinding.single(request)
        var digits = 0
        if request.count == 2 {
            guard let value = try request.constant(1, .int).integer else { return .null(operand.type) }
            digits = Int(value)
        }
        let second = BoundExpression.literal(.int(Int32(truncatingIfNeeded: digits)))
        if let shape = operand.type.decimalShape {
            return request.call([operand, second], roundedShape(shape, digits))
        }
        guard operand.type.isIntegral else { return request.call([operand, second], operand.type) }
        if digits >= 0 { return operand }
        if digits >= -18 { return request.call([operand, second], operand.type) }
        // Beyond the 64-bit powers of ten: as a decimal.
        let wide = request.call(
            [TypeCoercion.cast(operand, to: .decimal(precision: 20, scale: 0)), second],
            roundedShape((20, 0), digits))
        return TypeCoercion.cast(wide, to: operand.type)
    }

    private static func round(
        _ o: [Datum], _ call: KernelCall, halfEven: Bool
    ) throws(TidemillError) -> Column {
        let digits = Int(o[1].value(0, as: Int32.self))
        let overflow = { (_: Int) in EvaluationError.overflow() }
        switch call.resultType {
        case .double: return mapped(RoundDoubleRule(digits: digits, halfEven: halfEven), o[0], call)
        case .float:
            let wide = mapped(FloatShortestRule(), o[0], call.returning(.double))
            let rounded = mapped(
                RoundDoubleRule(digits: digits, halfEven: halfEven), Datum(wide), call.returning(.double))
            return mapped(FloatWidthRule<Double, Float>(), Datum(rounded), call)
        case .decimal:
            guard let from = o[0].type.decimalShape, let to = call.resultType.decimalShape else {
                throw .internal("decimal operand")
            }
            let rule = RescaleRule(
                from: from, to: to, digits: min(digits, from.scale), rounding: halfEven ? .halfEven : .halfUp)
            return try mapped(rule, o[0], call) { _ in EvaluationError.decimalResultOutOfRange(call.resultType) }
        default:
            let range = call.resultType.integerRange ?? Int64.min...Int64.max
            let unit = Int64(decimalPower(-digits))
            if call.resultType == .bigint {
                let rule = RoundIntegerRule<Int64>(
                    unit: unit, halfEven: halfEven, low: range.lowerBound, high: range.upperBound)
                return try mapped(rule, o[0], call, fail: overflow)
            }
            let rule = RoundIntegerRule<Int32>(
                unit: unit, halfEven: halfEven, low: range.lowerBound, high: range.upperBound)
            return try mapped(rule, o[0], call, fail: overflow)
        }
    }

    private static func bindTowards(_ request: BindRequest) throws(TidemillError) -> BoundExpression {
        try request.requireCount(1...2)
        var operand = try NumericBinding.single(request)
        if request.count == 2 {
            guard let digits = try request.constant(1, .int).integer else { return .null(operand.type) }
            // The decimal that holds the type, not the one that holds a literal.
            switch operand.type {
            case _ where request.types[0] == .null: operand = .null(.decimal(precision: 38, scale: 18))
            case .tinyint: operand = TypeCoercion.cast(operand, to: .decimal(precision: 3, scale: 0))
            case .smallint: operand = TypeCoercion.cast(operand, to: .decimal(precision: 5, scale: 0))
            case .int: operand = TypeCoercion.cast(operand, to: .decimal(precision: 10, scale: 0))
            case .bigint: operand = TypeCoercion.cast(operand, to: .decimal(precision: 20, scale: 0))
            case .float: operand = TypeCoercion.cast(operand, to: .decimal(precision: 14, scale: 7))
            case .double: operand = TypeCoercion.cast(operand, to: .decimal(precision: 30, scale: 15))
            default: break
            }
            let shape = operand.type.decimalShape ?? (38, 18)
            return request.call(
                [operand, .literal(.int(Int32(truncatingIfNeeded: digits)))], roundedShape(shape, Int(digits)))
        }
        if let shape = operand.type.decimalShape {
            let type = DecimalTypes.bounded(shape.precision - shape.scale + 1, 0)
            return request.call([operand, .literal(.int(0))], type)
        }
        if operand.type.isIntegral { return TypeCoercion.cast(operand, to: .bigint) }
        return request.call([TypeCoercion.cast(operand, to: .double)], .bigint)
    }

    private static func roundTowards(_ o: [Datum], _ call: KernelCall, up: Bool) throws(TidemillError) -> Column {
        guard let from = o[0].type.decimalShape, let to = call.resultType.decimalShape else {
            return try mapped(RoundToBigintRule(up: up), o[0], call) { _ in EvaluationError.overflow() }
        }
        let digits = min(Int(o[1].value(0, as: Int32.self)), from.scale)
        let rule = RescaleRule(from: from, to: to, digits: digits, rounding: up ? .up : .down)
        return try mapped(rule, o[0], call) { _ in EvaluationError.decimalResultOutOfRange(call.resultType) }
    }

    // MARK: Functions of one double

    private static func addDouble(_ list: inout DefinitionList) {
        func add(_ name: String, _ function: MathFunction, _ summary: String, _ example: String, _ result: String) {
            list.addFixed(
                name, parameters: [.double], returns: .double, usage: "\(name)(x)", summary: summary,
                example: example, result: result, weight: 6
            ) { (o, call) throws(TidemillError) in mapped(MathRule(function: function), o[0], call) }
        }
        list.add(
            "sign", "signum", usage: "sign(x)", summary: "-1.0, 0.0 or 1.0 by the sign.", example: "sign(-2)",
            result: "-1.0",
            kernel: { (o, call) throws(TidemillError) in
                switch o[0].type {
                case .yearMonthInterval: return mapped(IntervalSignRule<Int32>(), o[0], call)
                case .dayTimeInterval: return mapped(IntervalSignRule<Int64>(), o[0], call)
                default: return mapped(MathRule(function: .signum), o[0], call)
                }
            }
        ) { (request) throws(TidemillError) in
            try request.requireCount(1...1)
            if request.types[0].isInterval { return request.call(request.arguments, .double) }
            return request.call([try request.coerced(0, to: .double)], .double)
        }
        add("sqrt", .sqrt, "Square root; NaN below zero.", "sqrt(9)", "3.0")
        add("cbrt", .cbrt, "Cube root.", "cbrt(27)", "3.0")
        add("exp", .exp, "e to the power of x.", "exp(0)", "1.0")
        add("expm1", .expm1, "exp(x) - 1, exact near zero.", "expm1(0)", "0.0")
        add("rint", .rint, "Nearest integer as double, half to even.", "rint(2.5)", "2.0")
        add("sin", .sin, "Sine of an angle in radians.", "sin(0)", "0.0")
        add("cos", .cos, "Cosine of an angle in radians.", "cos(0)", "1.0")
        add("tan", .tan, "Tangent of an angle in radians.", "tan(0)", "0.0")
        add("asin", .asin, "Inverse sine.", "asin(0)", "0.0")
        add("acos", .acos, "Inverse cosine.", "acos(1)", "0.0")
        add("atan", .atan, "Inverse tangent.", "atan(0)", "0.0")
        add("sinh", .sinh, "Hyperbolic sine.", "sinh(0)", "0.0")
        add("cosh", .cosh, "Hyperbolic cosine.", "cosh(0)", "1.0")
        add("tanh", .tanh, "Hyperbolic tangent.", "tanh(0)", "0.0")
        add("degrees", .degrees, "Radians to degrees.", "degrees(0)", "0.0")
        add("radians", .radians, "Degrees to radians.", "radians(0)", "0.0")
        addLogarithm(&list, ["ln"], .e, "Natural logarithm; NULL for x <= 0.", "ln(1)", "0.0")
        addLogarithm(&list, ["log10"], .ten, "Decimal logarithm; NULL for x <= 0.", "log10(100)", "2.0")
        addLogarithm(&list, ["log2"], .two, "Binary logarithm; NULL for x <= 0.", "log2(8)", "3.0")
        list.addFixed(
            "log1p", parameters: [.double], returns: .double, usage: "log1p(x)",
            summary: "ln(1 + x), exact near zero; NULL for x <= -1.", example: "log1p(0)", result: "0.0",
            nullable: true, weight: 6
        ) { (o, call) throws(TidemillError) in
            let valid = testedRows(call.rowCount) { !(o[0].column.pointer(Double.self)[$0] <= -1) }
            return mapped(MathRule(function: .log1p), o[0], call).with(validity: valid)
        }
        list.add(
            "log", usage: "log([base, ]x)", summary: "Logarithm; NULL where base or x is not positive.",
            example: "log(2, 8)", result: "3.0", weight: 12,
            kernel: { (o, call) throws(TidemillError) in
                let x = logarithm(o[0], .e, call)
                let y = logarithm(o[1], .e, call)
                let base = Datum(x)
                let quotient = zipped(LogQuotientRule(), Datum(y), base, call)
                return quotient.with(validity: Bitmap.and(x.validity, y.validity))
            }
        ) { (request) throws(TidemillError) in
            try request.requireCount(1...2)
            if request.count == 1 { return try request.rebound("ln", request.arguments) }
            return request.call(
                [try request.coerced(0, to: .double), try request.coerced(1, to: .double)], .double, nullable: true)
        }
    }

    private static func addLogarithm(
        _ list: inout DefinitionList, _ names: [String], _ base: LogarithmRule.Base, _ summary: String,
        _ example: String, _ result: String
    ) {
        list.addFixed(
            names[0], parameters: [.double], returns: .double, usage: "\(names[0])(x)", summary: summary,
            example: example, result: result, nullable: true, weight: 6
        ) { (o, call) throws(TidemillError) in logarithm(o[0], base, call) }
    }

    /// NULL where the argument is not positive (NaN stays NaN).
    private static func logarithm(_ x: Datum, _ base: LogarithmRule.Base, _ call: KernelCall) -> Column {
        let operand = Datum(x.expanded(count: call.rowCount))
        let positive = tested(NotPositiveRule(), operand, call.rowCount).inverted()
        let result = mapped(LogarithmRule(base: base), operand, call)
        return positive.onesCount == call.rowCount ? result : result.with(validity: positive)
    }

    private static func addPowers(_ list: inout DefinitionList) {
        list.addFixed(
            "pow", "power", parameters: [.double, .double], returns: .double, usage: "pow(x, y)",
            summary: "x to the power of y.", example: "pow(2, 3)", result: "8.0", weight: 10
        ) { (o, call) throws(TidemillError) in zipped(PowerRule(), o[0], o[1], call) }
        list.addFixed(
            "atan2", parameters: [.double, .double], returns: .double, usage: "atan2(y, x)",
            summary: "Angle of the point (x, y).", example: "atan2(0, 1)", result: "0.0", weight: 10
        ) { (o, call) throws(TidemillError) in zipped(Atan2Rule(), o[0], o[1], call) }
        list.add(
            "pi", usage: "pi()", summary: "The number pi.", example: "pi()", result: "3.141592653589793", kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(0...0)
            return .literal(.double(Double.pi))
        }
        list.add(
            "e", usage: "e()", summary: "Euler's number.", example: "e()", result: "2.718281828459045", kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(0...0)
            return .literal(.double(M_E))
        }
    }

    // MARK: try_ arithmetic

    /// NULL instead of an error: computed where nothing overflows, then tried into the operator's type.
    private static func addTolerant(_ list: inout DefinitionList) {
        func add(_ name: String, _ symbol: String, _ summary: String, _ example: String) {
            list.add(
                name, usage: "\(name)(a, b)", summary: summary, example: example, result: "NULL", kernel: nil
            ) { (request) throws(TidemillError) in
                try request.requireCount(2...2)
                let plain = try request.rebound(symbol, request.arguments)
                guard plain.type.isIntegral, case .call(let function, let operands, _, _, _) = plain else {
                    return plain
                }
                let wide = DataType.decimal(precision: 19, scale: 0)
                let computed = BoundExpression.call(
                    function, operands.map { TypeCoercion.cast($0, to: wide) },
                    type: .decimal(precision: 38, scale: 0), nullable: plain.nullable)
                return .cast(computed, to: plain.type, try: true)
            }
        }
        add("try_add", "+", "a + b, or NULL on overflow.", "try_add(2147483647, 1)")
        add("try_subtract", "-", "a - b, or NULL on overflow.", "try_subtract(-2147483648, 1)")
        add("try_multiply", "*", "a * b, or NULL on overflow.", "try_multiply(2147483647, 2)")
        list.add(
            "try_divide", usage: "try_divide(a, b)", summary: "a / b, or NULL where b is zero.",
            example: "try_divide(1, 0)", result: "NULL", kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...2)
            return try guarded("/", request)
        }
        list.add(
            "try_mod", usage: "try_mod(a, b)", summary: "a % b, or NULL where b is zero.", example: "try_mod(1, 0)",
            result: "NULL", kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...2)
            return try guarded("%", request)
        }
    }

    /// The operator with its divisor made NULL where it is zero.
    private static func guarded(_ symbol: String, _ request: BindRequest) throws(TidemillError) -> BoundExpression {
        let plain = try request.rebound(symbol, request.arguments)
        guard case .call(let function, let operands, let type, _, _) = plain, operands.count == 2 else { return plain }
        let divisor = operands[1]
        let zero = try request.rebound("=", [divisor, .literal(.int(0))])
        let safe = BoundExpression.conditional(
            BoundExpression.Conditional(
                branches: [BoundExpression.Conditional.Branch(when: zero, then: .null(divisor.type))],
                otherwise: divisor))
        return .call(function, [operands[0], safe], type: type, nullable: true)
    }
}

struct NotPositiveRule: ValuePredicate {
    func test(_ x: Double) -> Bool { x <= 0 }
}

struct LogQuotientRule: BinaryRule {
    func apply(_ l: Double, _ r: Double, _ fault: inout Int64) -> Double { l / r }
}

/// A float as the double with the same shortest digits: 0.1F becomes 0.1.
struct FloatShortestRule: UnaryRule {
    func apply(_ x: Float, _ fault: inout Int64) -> Double {
        x.isFinite ? Double(x.description) ?? Double(x) : Double(x)
    }
}
