/// IN and EXISTS over a relation that stands still go below the watermark of their stream, as other conditions do: rows
/// that they drop do not move it. A semi join that was written as one stays where it is. Both are Spark's rules.
enum SubqueryPushdown {
    static func apply(_ plan: LogicalPlan) -> LogicalPlan {
        guard plan.hasWatermark else { return plan }
        return plan.transformed { node in
            guard case .join(let join) = node, join.isCondition, [.semi, .anti].contains(join.kind),
                join.left.isStream, !join.right.isStream
            else { return node }
            return sunk(join)
        }
    }

    /// The join as far down its left side as what it reads there allows.
    private static func sunk(_ join: LogicalPlan.Join) -> LogicalPlan {
        var join = join
        switch join.left {
        case .filter(let input, let predicate):
            join.left = input
            return .filter(input: sunk(join), predicate: predicate)
        case .watermark(var watermark) where !leftColumns(of: join).contains(watermark.column):
            join.left = watermark.input
            watermark.input = sunk(join)
            return .watermark(watermark)
        case .project(let input, let items)
        where leftColumns(of: join).allSatisfy { items[$0].expression.isDeterministic }:
            let count = items.count
            let newCount = input.schema.count
            join.left = input
            join.keys = join.keys.map { key in
                var key = key
                key.left = key.left.mapColumns { items[$0].expression }
                return key
            }
            join.residual = join.residual.map { residual in
                let types = join.right.schema
                return residual.mapColumns { column in
                    if column < count { return items[column].expression }
                    let field = types[column - count]
                    return .column(index: column - count + newCount, type: field.type, nullable: field.nullable)
                }
            }
            return .project(input: sunk(join), items: items)
        default: return .join(join)
        }
    }

    private static func leftColumns(of join: LogicalPlan.Join) -> Set<Int> {
        let count = join.left.schema.count
        let compared = join.residual.map { $0.columns.filter { $0 < count } } ?? []
        return join.keys.reduce(into: Set(compared)) { $0.formUnion($1.left.columns) }
    }
}
