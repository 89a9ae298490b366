/// Inner joins in another order where the written one has a join without keys that the conditions allow to avoid:
/// `FROM part, supplier, partsupp WHERE …` joins part with partsupp, and that with supplier.
///
/// The first relation stays first; then always comes the first one, as written, that an equality ties to those before
/// it. Nothing depends on sizes, so a plan never changes with the data.
enum JoinOrder {
    static func apply(_ plan: LogicalPlan) -> LogicalPlan {
        guard case .join(let join) = plan, join.kind == .inner else {
            return plan.withInputs(plan.inputs.map(apply))
        }
        var chain = Chain()
        chain.add(plan)
        if chain.hasKeylessJoin, let ordered = chain.reordered() { return ordered }
        return plan.withInputs([apply(join.left), apply(join.right)])
    }

    /// Inner joins as one list of relations and one of conditions over all their columns.
    private struct Chain {
        var relations: [LogicalPlan] = []
        /// Where each relation's columns start.
        var starts: [Int] = []
        var conditions: [BoundExpression] = []
        var hasKeylessJoin = false
        private var width = 0

        mutating func add(_ plan: LogicalPlan) {
            guard case .join(let join) = plan, join.kind == .inner else {
                relations.append(plan)
                starts.append(width)
                width += plan.schema.count
                return
            }
            let start = width
            if join.keys.isEmpty { hasKeylessJoin = true }
            add(join.left)
            let middle = width
            add(join.right)
            for key in join.keys {
                let left = key.left.remapped { $0 + start }
                let right = key.right.remapped { $0 + middle }
                conditions.append(equality(left, right, isNullSafe: key.nullSafe))
            }
            if let residual = join.residual {
                conditions += Conjunction.split(residual.remapped { $0 + start })
            }
        }

        /// Keys have one type on both sides, so this binds as it is.
        private func equality(
            _ left: BoundExpression, _ right: BoundExpression, isNullSafe: Bool
        ) -> BoundExpression {
            let name = isNullSafe ? "<=>" : "="
            return (try? FunctionRegistry.builtin.bind(name, arguments: [left, right])) ?? .true
        }

        private func columns(of relation: Int) -> Range<Int> {
            starts[relation]..<(starts[relation] + relations[relation].schema.count)
        }

        /// The joins in the new order under a projection that restores the columns; nil if the order stays.
        func reordered() -> LogicalPlan? {
            let order = order()
            guard order != Array(relations.indices) else { return nil }
            var position = [Int](repeating: -1, count: width)
            var plan = JoinOrder.apply(relations[order[0]])
            for (offset, column) in columns(of: order[0]).enumerated() { position[column] = offset }
            var waiting = conditions
            for (step, relation) in order.enumerated().dropFirst() {
                let leftCount = plan.schema.count
                for (offset, column) in columns(of: relation).enumerated() { position[column] = leftCount + offset }
                let isLast = step == order.count - 1
                // What can fail must not meet more pairs than it did.
                let ready = waiting.filter { condition in
                    isLast || !condition.mayFail && condition.columns.allSatisfy { position[$0] >= 0 }
                }
                waiting.removeAll { ready.contains($0) }
                let moved = ready.map { $0.remapped { position[$0] } }
                let (keys, rest) = JoinKeys.extract(moved, leftCount: leftCount)
                plan = .join(
                    LogicalPlan.Join(
                        kind: .inner, left: plan, right: JoinOrder.apply(relations[relation]), keys: keys,
                        residual: Conjunction.join(rest)))
            }
            let items = plan.outputItems
            return .project(input: plan, items: position.map { items[$0] })
        }

        private func order() -> [Int] {
            var order = [0]
            var rest = Array(relations.indices.dropFirst())
            var known = Set(columns(of: 0))
            while !rest.isEmpty {
                let next = rest.firstIndex { isTied(columns(of: $0), to: known) } ?? 0
                known.formUnion(columns(of: rest[next]))
                order.append(rest.remove(at: next))
            }
            return order
        }

        private func isTied(_ columns: Range<Int>, to known: Set<Int>) -> Bool {
            conditions.contains { condition in
                guard case .call(let function, let operands, _, _, _) = condition, operands.count == 2,
                    function.name == "=" || function.name == "<=>"
                else { return false }
                let first = operands[0].columns
                let second = operands[1].columns
                if first.isEmpty || second.isEmpty { return false }
                return first.isSubset(of: known) && second.allSatisfy(columns.contains)
                    || second.isSubset(of: known) && first.allSatisfy(columns.contains)
            }
        }
    }
}
