/// Operands of numeric operators brought to the types that the kernels take.
enum NumericBinding {
    /// Two operands of one non-decimal numeric type, or two decimals of any shapes.
    static func operands(
        _ request: BindRequest, expected: String = "NUMERIC or INTERVAL"
    ) throws(TidemillError) -> (BoundExpression, BoundExpression) {
        try operands(request.arguments[0], request.arguments[1], request, expected)
    }

    private static func operands(
        _ left: BoundExpression, _ right: BoundExpression, _ request: BindRequest, _ expected: String
    ) throws(TidemillError) -> (BoundExpression, BoundExpression) {
        let (l, r) = (left.type, right.type)
        if l == .string || r == .string {
            let other = l == .string ? r : l
            if other == .null {
                return (TypeCoercion.cast(left, to: .double), TypeCoercion.cast(right, to: .double))
            }
            guard let promoted = TypeCoercion.promotedString(l, r), promoted.isNumeric else {
                if l == r { throw wrongType(request, l, expected) }
                throw differ(request)
            }
            let pair = (TypeCoercion.cast(left, to: promoted), TypeCoercion.cast(right, to: promoted))
            return pair
        }
        if l == .null && r == .null {
            return (.null(.double), .null(.double))
        }
        if l == .null { return (.null(r), try numeric(right, request, expected)) }
        if r == .null { return (try numeric(left, request, expected), .null(l)) }
        guard l.isNumeric, r.isNumeric else {
            if l == r { throw wrongType(request, l, expected) }
            throw differ(request)
        }
        if l.isDecimal || r.isDecimal {
            if l.isFractional || r.isFractional {
                return (TypeCoercion.cast(left, to: .double), TypeCoercion.cast(right, to: .double))
            }
            return (decimal(left), decimal(right))
        }
        guard let common = TypeCoercion.tightest(l, r) else { throw differ(request) }
        return (TypeCoercion.cast(left, to: common), TypeCoercion.cast(right, to: common))
    }

    private static func numeric(
        _ expression: BoundExpression, _ request: BindRequest, _ expected: String
    ) throws(TidemillError) -> BoundExpression {
        guard expression.type.isNumeric else { throw wrongType(request, expression.type, expected) }
        return expression
    }

    /// An integer as a decimal: literals take only the digits they have.
    static func decimal(_ expression: BoundExpression) -> BoundExpression {
        let type = expression.type
        if type.isDecimal { return expression }
        var shape = DecimalTypes.holding(type) ?? (38, 18)
        if let value = literalInteger(expression), type != .tinyint { shape = DecimalTypes.holding(literal: value) }
        return TypeCoercion.cast(expression, to: .decimal(precision: shape.precision, scale: shape.scale))
    }

    private static func literalInteger(_ expression: BoundExpression) -> Int64? {
        expression.literalValue?.integer
    }

    static func wrongType(_ request: BindRequest, _ type: DataType, _ expected: String) -> TidemillError {
        BindError.binaryWrongType(request.name, expected: expected, actual: type, request.span)
    }
    static func differ(_ request: BindRequest) -> TidemillError {
        BindError.binaryDifferentTypes(request.name, request.arguments[0], request.arguments[1], request.span)
    }

    /// One number; text becomes double.
    static func single(_ request: BindRequest, _ index: Int = 0) throws(TidemillError) -> BoundExpression {
        let argument = request.arguments[index]
        switch argument.type {
        case .string, .null: return TypeCoercion.cast(argument, to: .double)
        case let type where type.isNumeric: return argument
        default: throw request.unexpected(index, expected: "NUMERIC")
        }
    }
}
