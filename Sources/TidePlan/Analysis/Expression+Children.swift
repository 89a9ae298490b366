extension Expression {
    /// Direct sub-expressions, without those inside subqueries and named windows.
    var children: [Expression] {
        switch kind {
        case .literal, .column, .star, .exists, .scalarSubquery: []
        case .unary(_, let e), .not(let e), .isNull(let e, _), .isBoolean(let e, _, _), .cast(let e, _, _),
            .field(let e, _), .extract(_, let e), .lambda(_, let e), .inSubquery(let e, _, _):
            [e]
        case .binary(_, let a, let b), .comparison(_, let a, let b), .isDistinctFrom(let a, let b, _),
            .element(let a, let b):
            [a, b]
        case .and(let list), .or(let list), .row(let list): list
        case .between(let e, let low, let high, _): [e, low, high]
        case .inList(let e, let list, _): [e] + list
        case .like(let like): [like.value] + like.patterns
        case .caseWhen(let operand, let branches, let otherwise):
            (operand.map { [$0] } ?? []) + branches.flatMap { [$0.condition, $0.result] }
                + (otherwise.map { [$0] } ?? [])
        case .function(let call):
            call.arguments.map(\.value) + (call.filter.map { [$0] } ?? []) + (call.over?.expressions ?? [])
        case .trim(_, let characters, let source): (characters.map { [$0] } ?? []) + [source]
        }
    }

    /// The aggregate call that this is, if it is one.
    var aggregateCall: FunctionCall? {
        guard case .function(let call) = kind, call.over == nil else { return nil }
        let registry = FunctionRegistry.builtin
        let name = call.name.last.name
        return registry.isAggregate(name) && !registry.isScalar(name) ? call : nil
    }

    var containsAggregate: Bool { aggregateCall != nil || children.contains(where: \.containsAggregate) }
}

extension WindowReference {
    fileprivate var expressions: [Expression] {
        switch self {
        case .named: []
        case .specification(let window): window.partitionBy + window.orderBy.map(\.expression)
        }
    }
}
