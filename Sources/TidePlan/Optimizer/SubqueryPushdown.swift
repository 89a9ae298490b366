/// IN and EXISTS over a relation that stands still go below the watermark of their stream, as other conditions do: rows
/// that they drop do not move it. A semi join that was written as one stays where it is. Both are Spark's rules.
///
/// Such a condition is a semi or anti join; `NOT IN` where NULLs can occur is an anti join and, above it, a filter over
/// a join with the counts of the subquery's rows.
enum SubqueryPushdown {
    static func apply(_ plan: LogicalPlan) -> LogicalPlan {
        guard plan.hasWatermark else { return plan }
        return plan.transformed { node in
            guard let condition = Condition(node), condition.join.left.isStream, !condition.join.right.isStream
            else { return node }
            return condition.sunk() ?? node
        }
    }

    /// Whether the items are the left columns as they are.
    private static func keeps(_ items: [NamedExpression], _ join: LogicalPlan.Join) -> Bool {
        let isPlain = items.enumerated().allSatisfy { index, item in
            if case .column(index, _, _) = item.expression { true } else { false }
        }
        return isPlain && items.count == join.left.schema.count && [.inner, .left].contains(join.kind)
    }

    /// A condition on the rows of `join.left`: its output has the same columns.
    private struct Condition {
        var join: LogicalPlan.Join
        /// Over the left columns followed by the right ones: what the join leaves to be asked.
        var predicate: BoundExpression?

        init?(_ node: LogicalPlan) {
            switch node {
            case .join(let join) where join.isCondition && [.semi, .anti].contains(join.kind): self.join = join
            case .project(.join(let join), let items) where join.isCondition && keeps(items, join): self.join = join
            case .project(.filter(.join(let join), let predicate), let items)
            where join.isCondition && keeps(items, join):
                self.join = join
                self.predicate = predicate
            default: return nil
            }
        }

        var plan: LogicalPlan {
            var plan = predicate.map { .filter(input: .join(join), predicate: $0) } ?? LogicalPlan.join(join)
            if join.kind == .inner || join.kind == .left {
                plan = .project(input: plan, items: join.left.outputItems)
            }
            return plan
        }

        /// The plan with the condition below the watermarks of the left side; nil if it reaches none.
        func sunk() -> LogicalPlan? {
            switch join.left {
            case .filter(let input, let predicate):
                return over(input).sunk().map { .filter(input: $0, predicate: predicate) }
            case .watermark(var watermark) where !columns.contains(watermark.column):
                let below = over(watermark.input)
                watermark.input = below.sunk() ?? below.plan
                return .watermark(watermark)
            case .project(let input, let items)
            where columns.allSatisfy { items[$0].expression.isDeterministic }:
                return reading(input) { items[$0].expression }.sunk().map { .project(input: $0, items: items) }
            case .timeWindows(var windows) where columns.allSatisfy { $0 < windows.input.schema.count }:
                return over(windows.input).sunk().map {
                    windows.input = $0
                    return .timeWindows(windows)
                }
            case .generate(var generate) where columns.allSatisfy { $0 < generate.input.schema.count }:
                return over(generate.input).sunk().map {
                    generate.input = $0
                    return .generate(generate)
                }
            case .aggregate(var aggregate):
                let groups = aggregate.groups
                guard !columns.isEmpty, columns.allSatisfy({ $0 < groups.count && $0 != aggregate.session })
                else { return nil }
                return reading(aggregate.input) { groups[$0].expression }.sunk().map {
                    aggregate.input = $0
                    return .aggregate(aggregate)
                }
            default: return nil
            }
        }

        /// The left columns that the condition reads.
        private var columns: Set<Int> {
            let count = join.left.schema.count
            let compared = [join.residual, predicate].reduce(into: Set<Int>()) { columns, expression in
                columns.formUnion(expression?.columns.filter { $0 < count } ?? [])
            }
            return join.keys.reduce(into: compared) { $0.formUnion($1.left.columns) }
        }

        /// The same condition on rows whose first columns are those of the left side.
        private func over(_ input: LogicalPlan) -> Condition {
            let schema = input.schema
            return reading(input) { column in
                .column(index: column, type: schema[column].type, nullable: schema[column].nullable)
            }
        }

        /// The same condition on other rows, of which the left side's columns are computed.
        private func reading(_ input: LogicalPlan, _ value: (Int) -> BoundExpression) -> Condition {
            let (count, newCount) = (join.left.schema.count, input.schema.count)
            let right = join.right.schema
            func moved(_ expression: BoundExpression) -> BoundExpression {
                expression.mapColumns { column in
                    if column < count { return value(column) }
                    let field = right[column - count]
                    let nullable = field.nullable || join.kind == .left
                    return .column(index: column - count + newCount, type: field.type, nullable: nullable)
                }
            }
            var condition = self
            condition.join.left = input
            condition.join.keys = join.keys.map { key in
                var key = key
                key.left = key.left.mapColumns(value)
                return key
            }
            condition.join.residual = join.residual.map(moved)
            condition.predicate = predicate.map(moved)
            return condition
        }
    }
}
