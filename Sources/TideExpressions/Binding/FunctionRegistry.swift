/// The functions and operators of the dialect, and Spark's ANSI rules for their types.
public struct FunctionRegistry: Sendable {
    public static let builtin = FunctionRegistry()

    private init() {}

    /// Settles overload, implicit casts, result type and nullability of a scalar call. Operators are functions named by
    /// their symbol: `+ - * / % div = == <=> <> != < <= > >= || & | ^ ~ and or not`, `unary -`, `unary +`, `like`
    /// (optional third argument: escape), `ilike`, `rlike`, `between` (x, low, high).
    public func bind(
        _ name: String, arguments: [BoundExpression], span: SourceSpan? = nil
    ) throws(TidemillError) -> BoundExpression {
        guard let function = FunctionTable.shared.byName[name.lowercased()] else {
            throw BindError.unresolvedRoutine(name, span)
        }
        return try function.definition.bind(
            BindRequest(function: function, name: name, arguments: arguments, span: span))
    }

    /// `count` without arguments is `count(*)`.
    public func bindAggregate(
        _ name: String, arguments: [BoundExpression], distinct: Bool = false, ignoreNulls: Bool = false,
        span: SourceSpan? = nil
    ) throws(TidemillError) -> BoundAggregate {
        try AggregateBinding.bind(
            name, arguments: arguments, distinct: distinct, ignoreNulls: ignoreNulls, span: span)
    }

    /// A function that exists only with OVER: row_number, lag, ….
    public func bindWindow(
        _ name: String, arguments: [BoundExpression], ignoresNulls: Bool = false, span: SourceSpan? = nil
    ) throws(TidemillError) -> WindowFunction {
        try WindowBinding.bind(name, arguments: arguments, ignoresNulls: ignoresNulls, span: span)
    }

    public func isWindow(_ name: String) -> Bool { WindowBinding.isWindow(name) }
    public func isScalar(_ name: String) -> Bool { FunctionTable.shared.byName[name.lowercased()] != nil }
    public func isAggregate(_ name: String) -> Bool { AggregateBinding.isAggregate(name) }

    /// The type that UNION, CASE, coalesce and IN give to operands of these types; nil if there is none.
    public func commonType(of types: [DataType]) -> DataType? { TypeCoercion.commonType(of: types) }

    /// All expressions cast to their common type.
    public func unified(
        _ expressions: [BoundExpression], in construct: String, span: SourceSpan? = nil
    ) throws(TidemillError) -> [BoundExpression] {
        try TypeCoercion.unified(expressions, in: construct, span: span)
    }

    /// The cast that Spark inserts by itself where an expression of type `type` is expected, as for function arguments.
    public func implicitCast(
        _ expression: BoundExpression, to type: DataType, span: SourceSpan? = nil
    ) throws(TidemillError) -> BoundExpression {
        try TypeCoercion.implicitCast(expression, to: type, span: span)
    }

    /// CAST and TRY_CAST by the ANSI matrix.
    public func explicitCast(
        _ expression: BoundExpression, to type: DataType, try isTry: Bool = false, span: SourceSpan? = nil
    ) throws(TidemillError) -> BoundExpression {
        try TypeCoercion.explicitCast(expression, to: type, try: isTry, span: span)
    }

    /// The cast that storing into a table column of this type inserts (ANSI store assignment).
    public func storeCast(
        _ expression: BoundExpression, to field: Field, span: SourceSpan? = nil
    ) throws(TidemillError) -> BoundExpression {
        try TypeCoercion.storeCast(expression, to: field, span: span)
    }

    /// WHERE, HAVING, ON, WHEN: the expression as boolean. Operands of AND, OR and NOT may be text, conditions not.
    public func bindPredicate(
        _ expression: BoundExpression, in construct: String, span: SourceSpan? = nil
    ) throws(TidemillError) -> BoundExpression {
        switch expression.type {
        case .boolean: return expression
        case .null where construct != "WHERE" && construct != "HAVING": return .null(.boolean)
        case .string where ["AND", "OR", "NOT"].contains(construct):
            return TypeCoercion.cast(expression, to: .boolean)
        default: throw BindError.notBoolean(expression, in: construct, span)
        }
    }

    /// Searched CASE; a missing ELSE is NULL. A simple CASE is bound by the caller as `operand = value`.
    public func bindCase(
        branches: [(when: BoundExpression, then: BoundExpression)], otherwise: BoundExpression?,
        span: SourceSpan? = nil
    ) throws(TidemillError) -> BoundExpression {
        let values = branches.map(\.then) + [otherwise ?? .null(.null)]
        let unified = try TypeCoercion.unified(values, in: "CASE", span: span)
        var bound: [BoundExpression.Conditional.Branch] = []
        for (index, branch) in branches.enumerated() {
            let when = try bindPredicate(branch.when, in: "CASE WHEN", span: span)
            bound.append(BoundExpression.Conditional.Branch(when: when, then: unified[index]))
        }
        return .conditional(BoundExpression.Conditional(branches: bound, otherwise: unified[branches.count]))
    }

    public func bindIn(
        _ operand: BoundExpression, _ members: [BoundExpression], negated: Bool = false, span: SourceSpan? = nil
    ) throws(TidemillError) -> BoundExpression {
        let unified = try TypeCoercion.unified([operand] + members, in: "IN", span: span)
        return .in(unified[0], Array(unified.dropFirst()), negated: negated)
    }

    /// Constant sub-expressions computed. One that raises an error stays as it is: no row may ever reach it.
    public func fold(_ expression: BoundExpression) -> BoundExpression { ConstantFolding.fold(expression) }

    /// For docs/functions.md and completion.
    public var documentation: [FunctionDocumentation] {
        // What only the analyzer calls has no example.
        FunctionTable.shared.definitions.filter { !$0.isInternal }.map(\.documentation).filter {
            !($0.example.isEmpty && $0.names[0].contains(" "))
        } + GeneratorBinding.documentation + AggregateBinding.documentation + WindowBinding.documentation
    }
    /// Every name that SQL text can call.
    public var names: [String] {
        FunctionTable.shared.byName.keys.filter { !$0.contains(" ") }.sorted() + AggregateBinding.names
            + WindowBinding.names + GeneratorBinding.names
    }
}
