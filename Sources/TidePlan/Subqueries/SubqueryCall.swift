/// A subquery inside an expression, analyzed and not yet joined.
struct SubqueryCall {
    enum Form {
        /// Its one value; NULL over no row.
        case scalar
        case exists
        /// `(operands) IN (…)`: over the enclosing query's columns, as many as the plan has, of equal types.
        case contains([BoundExpression])
    }
    /// The column that stands for the result.
    let id: Int
    var form: Form
    /// Output: the subquery's columns. Free in `parameters`.
    var plan: LogicalPlan
    /// What the parameters mean, over the enclosing query's columns.
    var parameters: [Int: BoundExpression]
    let isStreaming: Bool
    let span: SourceSpan

    var type: DataType {
        if case .scalar = form { plan.schema[0].type } else { .boolean }
    }
    var nullable: Bool {
        switch form {
        case .scalar: true
        case .exists: false
        case .contains(let operands):
            operands.contains(where: \.nullable) || plan.schema.fields.contains(where: \.nullable)
        }
    }
    /// The result as a column.
    var placeholder: BoundExpression { .column(index: id, type: type, nullable: nullable) }
}

/// The subqueries of one clause.
final class SubqueryCollector {
    private(set) var calls: [Int: SubqueryCall] = [:]
    /// Of the clauses below: GROUP BY's subqueries may be repeated in the select list.
    private let below: SubqueryCollector?

    init(below: SubqueryCollector? = nil) { self.below = below }

    var isEmpty: Bool { calls.isEmpty }

    func add(_ call: SubqueryCall) -> BoundExpression {
        calls[call.id] = call
        return call.placeholder
    }

    /// The same subquery, if a clause below has it already.
    func known(_ text: String) -> BoundExpression? {
        below?.calls.values.filter { $0.span.text == text }.min { $0.id < $1.id }?.placeholder
    }
}

/// The row of an enclosing query, while a subquery is being analyzed.
final class OuterRow {
    let scope: Scope
    private(set) var parameters: [Int: BoundExpression] = [:]
    init(_ scope: Scope) { self.scope = scope }

    /// The parameter that has this value; `next` numbers a new one.
    func parameter(_ value: BoundExpression, next: () -> Int) -> BoundExpression {
        let id = parameters.first { $0.value == value }?.key ?? next()
        parameters[id] = value
        return .column(index: id, type: value.type, nullable: value.nullable)
    }
}
