/// A condition as a list of conditions that must all hold.
enum Conjunction {
    static func split(_ predicate: BoundExpression) -> [BoundExpression] {
        if case .and(let operands) = predicate { return operands.flatMap(split) }
        return [predicate]
    }

    static func join(_ conjuncts: [BoundExpression]) -> BoundExpression? {
        conjuncts.count > 1 ? .and(conjuncts) : conjuncts.first
    }
}

/// Equalities between the two sides of a join.
enum JoinKeys {
    /// Conjuncts of the form `left = right` or `left <=> right`, each side over its own columns, and the others.
    static func extract(
        _ conjuncts: [BoundExpression], leftCount: Int
    ) -> (keys: [LogicalPlan.Join.KeyPair], rest: [BoundExpression]) {
        var keys: [LogicalPlan.Join.KeyPair] = []
        var rest: [BoundExpression] = []
        for conjunct in conjuncts {
            guard let pair = pair(conjunct, leftCount: leftCount) else {
                rest.append(conjunct)
                continue
            }
            if !keys.contains(pair) { keys.append(pair) }
        }
        return (keys, rest)
    }

    private static func pair(_ conjunct: BoundExpression, leftCount: Int) -> LogicalPlan.Join.KeyPair? {
        guard case .call(let function, let operands, _, _, _) = conjunct, operands.count == 2,
            function.name == "=" || function.name == "<=>", conjunct.isDeterministic,
            operands[0].type == operands[1].type
        else { return nil }
        let first = operands[0].columns
        let second = operands[1].columns
        guard !first.isEmpty, !second.isEmpty, first.union(second).allSatisfy(ColumnSpace.isPlain) else { return nil }
        let isLeft: (Int) -> Bool = { $0 < leftCount }
        let isRight: (Int) -> Bool = { $0 >= leftCount }
        let sides: (left: BoundExpression, right: BoundExpression)
        if first.allSatisfy(isLeft), second.allSatisfy(isRight) {
            sides = (operands[0], operands[1])
        } else if first.allSatisfy(isRight), second.allSatisfy(isLeft) {
            sides = (operands[1], operands[0])
        } else {
            return nil
        }
        return LogicalPlan.Join.KeyPair(
            left: sides.left, right: sides.right.remapped { $0 - leftCount }, nullSafe: function.name == "<=>")
    }

    /// A right join as a left join of the swapped sides, with the columns back in their order.
    static func swapped(_ plan: LogicalPlan) -> LogicalPlan {
        guard case .join(let join) = plan, join.kind == .right else { return plan }
        let leftCount = join.left.schema.count
        let rightCount = join.right.schema.count
        let keys = join.keys.map { LogicalPlan.Join.KeyPair(left: $0.right, right: $0.left, nullSafe: $0.nullSafe) }
        let residual = join.residual?.remapped { index in
            if !ColumnSpace.isPlain(index) { return index }
            return index < leftCount ? index + rightCount : index - leftCount
        }
        var left = LogicalPlan.Join(
            kind: .left, left: join.right, right: join.left, keys: keys, residual: residual)
        left.isSwapped = true
        let swapped = LogicalPlan.join(left)
        let fields = swapped.schema.fields
        let order = Array(rightCount..<rightCount + leftCount) + Array(0..<rightCount)
        return .project(
            input: swapped,
            items: order.map {
                NamedExpression(
                    fields[$0].name, .column(index: $0, type: fields[$0].type, nullable: fields[$0].nullable))
            })
    }
}
