/// Two projections in a row become one, and a projection that changes nothing goes away.
///
/// An expression below is put in where it is used, unless it is costly and used more than once, or not deterministic.
enum ProjectMerge {
    static func apply(_ plan: LogicalPlan) -> LogicalPlan {
        plan.transformed { node in
            guard case .project(let input, let items) = node else { return node }
            if case .project(let below, let inner) = input, isMergeable(items, inner) {
                let merged = items.map { NamedExpression($0.name, $0.expression.mapColumns { inner[$0].expression }) }
                return withoutIdentity(below, merged)
            }
            return withoutIdentity(input, items)
        }
    }

    private static func withoutIdentity(_ input: LogicalPlan, _ items: [NamedExpression]) -> LogicalPlan {
        let isIdentity = input.outputItems == items
        return isIdentity ? input : .project(input: input, items: items)
    }

    private static func isMergeable(_ items: [NamedExpression], _ inner: [NamedExpression]) -> Bool {
        var uses = inner.map { _ in 0 }
        func count(_ expression: BoundExpression) {
            if case .column(let index, _, _) = expression { uses[index] += 1 }
            expression.children.forEach(count)
        }
        items.forEach { count($0.expression) }
        return inner.indices.allSatisfy { index in
            let expression = inner[index].expression
            return expression.isDeterministic && (uses[index] <= 1 || expression.isCheap)
        }
    }
}

extension BoundExpression {
    /// Cheaper to evaluate again than to keep.
    var isCheap: Bool {
        switch self {
        case .column, .literal, .currentTimestamp, .currentDate: true
        default: false
        }
    }
}
