/// One call to be bound: what the definition's `bind` gets to work with.
struct BindRequest {
    let function: ScalarFunction
    /// As written.
    let name: String
    let arguments: [BoundExpression]
    let span: SourceSpan?

    var types: [DataType] { arguments.map(\.type) }
    var count: Int { arguments.count }

    func requireCount(_ range: ClosedRange<Int>) throws(TidemillError) {
        if range.contains(count) { return }
        let expected: String =
            if range.upperBound == .max {
                "> \(range.lowerBound - 1)"
            } else if range.count == 1 {
                "\(range.lowerBound)"
            } else {
                "[\(range.lowerBound), \(range.upperBound)]"
            }
        throw BindError.wrongArgumentCount(
            name, expected: expected, actual: count, usage: function.definition.documentation.usage, span)
    }

    /// Argument `index` as a function parameter of type `type`.
    func coerced(_ index: Int, to type: DataType) throws(TidemillError) -> BoundExpression {
        guard TypeCoercion.implicitType(arguments[index].type, to: type) != nil else {
            throw unexpected(index, expected: type.sql)
        }
        return TypeCoercion.cast(arguments[index], to: type)
    }

    func unexpected(_ index: Int, expected: String) -> TidemillError {
        BindError.unexpectedType(arguments[index], expected: expected, position: index, function: name, span)
    }

    /// The call itself; nullable if an operand is.
    func call(_ operands: [BoundExpression], _ type: DataType, nullable: Bool = false) -> BoundExpression {
        .call(function, operands, type: type, nullable: nullable || operands.contains(where: \.nullable))
    }

    /// A call that is never NULL.
    func total(_ operands: [BoundExpression], _ type: DataType) -> BoundExpression {
        .call(function, operands, type: type, nullable: false)
    }

    /// The value of an argument that must be a constant.
    func constant(_ index: Int, _ type: DataType) throws(TidemillError) -> Scalar {
        let argument = try coerced(index, to: type)
        guard let value = ConstantFolding.fold(argument).literalValue else {
            throw BindError.invalidArgument(
                "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
                "the \(BindError.ordinal(index)) parameter of \(name) must be a constant, not \(argument)", span)
        }
        return value
    }

    func rebound(_ name: String, _ arguments: [BoundExpression]) throws(TidemillError) -> BoundExpression {
        try FunctionRegistry.builtin.bind(name, arguments: arguments, span: span)
    }
}
