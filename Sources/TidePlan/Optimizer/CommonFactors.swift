/// Conditions that every branch of an OR demands stand before it: `(a = b AND x) OR (a = b AND y)` becomes
/// `a = b AND (x OR y)`, so that `a = b` can become a join key or go to a scan. Distribution holds with NULLs too.
///
/// What can fail stays in its branch, where conditions before it may guard it.
enum CommonFactors {
    static func apply(_ plan: LogicalPlan) -> LogicalPlan {
        plan.transformed { node in
            switch node {
            case .filter(let input, let predicate): return .filter(input: input, predicate: factored(predicate))
            case .join(var join):
                join.residual = join.residual.map(factored)
                return .join(join)
            default: return node
            }
        }
    }

    static func factored(_ predicate: BoundExpression) -> BoundExpression {
        let conditions = Conjunction.split(predicate).flatMap { condition in
            if case .or(let branches) = condition { factors(of: branches) } else { [condition] }
        }
        return Conjunction.join(conditions) ?? .true
    }

    private static func factors(of branches: [BoundExpression]) -> [BoundExpression] {
        let lists = branches.map(Conjunction.split)
        let common = lists[0].filter { condition in
            condition.isDeterministic && !condition.mayFail && lists.allSatisfy { $0.contains(condition) }
        }
        if common.isEmpty { return [.or(branches)] }
        let rests = lists.map { list in list.filter { !common.contains($0) } }
        // A branch that demands nothing more lets everything through.
        if rests.contains(where: \.isEmpty) { return common }
        return common + [.or(rests.map { Conjunction.join($0) ?? .true })]
    }
}
