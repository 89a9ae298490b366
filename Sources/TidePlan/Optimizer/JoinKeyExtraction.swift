/// `WHERE a.x = b.y` over an inner join becomes a key of the join, other conditions on both sides its residual.
enum JoinKeyExtraction {
    static func apply(_ plan: LogicalPlan) -> LogicalPlan {
        plan.transformed { node in
            guard case .filter(let input, let predicate) = node, case .join(var join) = input, join.kind == .inner
            else { return node }
            let leftCount = join.left.schema.count
            let found = JoinKeys.extract(Conjunction.split(predicate), leftCount: leftCount)
            for key in found.keys where !join.keys.contains(key) { join.keys.append(key) }
            // What reads both sides is tested on candidate pairs; the rest stays above.
            var above: [BoundExpression] = []
            var residual = join.residual.map(Conjunction.split) ?? []
            for condition in found.rest {
                let columns = condition.columns
                let isBoth = columns.contains { $0 < leftCount } && columns.contains { $0 >= leftCount }
                if isBoth, condition.isDeterministic, above.isEmpty {
                    residual.append(condition)
                } else {
                    above.append(condition)
                }
            }
            join.residual = Conjunction.join(residual)
            return Conjunction.join(above).map { .filter(input: .join(join), predicate: $0) } ?? .join(join)
        }
    }
}
