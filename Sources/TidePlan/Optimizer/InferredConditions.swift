/// What a condition says about a join key holds for the equal key of the other side, and a row without elements
/// generates nothing. Both are said below the watermark then, as Spark does, so that such rows do not move it; state
/// is the smaller for it.
///
/// Conditions reach the sides that the join gives none of the rows of unmatched: both of an inner or semi join, the
/// optional one of an outer or anti join.
enum InferredConditions {
    static func apply(_ plan: LogicalPlan) -> LogicalPlan {
        guard plan.hasWatermark else { return plan }
        return plan.transformed { node in
            switch node {
            case .join(let join): .join(inferred(join))
            case .generate(let generate): .generate(withElements(generate))
            default: node
            }
        }
    }

    // MARK: Joins

    private static func inferred(_ join: LogicalPlan.Join) -> LogicalPlan.Join {
        var join = join
        let leftCount = join.left.schema.count
        var toRight: [Int: Int] = [:]
        var toLeft: [Int: Int] = [:]
        for key in join.keys where !key.nullSafe {
            guard case .column(let left, let type, _) = key.left, case .column(let right, let other, _) = key.right,
                type == other
            else { continue }
            toRight[left] = right
            toLeft[right] = left
        }
        if toRight.isEmpty { return join }
        var left = Set(conditions(of: join.left))
        var right = Set(conditions(of: join.right))
        let leftHas = left
        let rightHas = right
        for condition in join.residual.map(Conjunction.split) ?? [] where !condition.columns.isEmpty {
            if condition.columns.allSatisfy({ $0 < leftCount }) { left.insert(condition) }
            if condition.columns.allSatisfy({ $0 >= leftCount }) {
                right.insert(condition.remapped { $0 - leftCount })
            }
        }
        if [.inner, .semi, .left, .anti].contains(join.kind) {
            join.right = filtered(join.right, moved(left, by: toRight, over: join.right.schema).subtracting(rightHas))
        }
        if [.inner, .semi, .right].contains(join.kind) {
            join.left = filtered(join.left, moved(right, by: toLeft, over: join.left.schema).subtracting(leftHas))
        }
        return join
    }

    /// Conditions that read key columns alone, about the other side's keys.
    private static func moved(
        _ conditions: Set<BoundExpression>, by keys: [Int: Int], over schema: Schema
    ) -> Set<BoundExpression> {
        let known = conditions.filter { condition in
            condition.isDeterministic && !condition.mayFail && condition.columns.allSatisfy { keys[$0] != nil }
        }
        return Set(
            known.map { condition in
                condition.mapColumns { column in
                    let index = keys[column] ?? column
                    return .column(index: index, type: schema[index].type, nullable: schema[index].nullable)
                }
            })
    }

    /// What holds for all rows of a plan, about its columns.
    private static func conditions(of plan: LogicalPlan) -> [BoundExpression] {
        switch plan {
        case .filter(let input, let predicate): return conditions(of: input) + Conjunction.split(predicate)
        case .watermark(let watermark): return conditions(of: watermark.input)
        case .timeWindows(let windows): return conditions(of: windows.input)
        case .generate(let generate): return conditions(of: generate.input)
        case .project(let input, let items):
            var names: [Int: Int] = [:]
            for (index, item) in items.enumerated() {
                if case .column(let below, _, _) = item.expression { names[below] = names[below] ?? index }
            }
            return conditions(of: input).compactMap { condition in
                condition.columns.allSatisfy { names[$0] != nil } ? condition.remapped { names[$0] ?? $0 } : nil
            }
        case .join(let join) where [.inner, .left, .semi, .anti].contains(join.kind):
            let left = conditions(of: join.left)
            if join.kind != .inner { return left }
            let leftCount = join.left.schema.count
            return left + conditions(of: join.right).map { $0.remapped { $0 + leftCount } }
        default: return []
        }
    }

    private static func filtered(_ plan: LogicalPlan, _ conditions: Set<BoundExpression>) -> LogicalPlan {
        let known = conditions.filter { !$0.columns.isEmpty }.sorted { "\($0)" < "\($1)" }
        return Conjunction.join(known).map { .filter(input: plan, predicate: $0) } ?? plan
    }

    // MARK: Generators

    /// Only of columns: an expression would be evaluated twice.
    private static func withElements(_ generate: LogicalPlan.Generate) -> LogicalPlan.Generate {
        var generate = generate
        let zero = BoundExpression.literal(Scalar(.int, .integer(0)))
        guard !generate.generator.isOuter, case .column = generate.generator.source,
            let size = try? FunctionRegistry.builtin.bind("size", arguments: [generate.generator.source]),
            let isFull = try? FunctionRegistry.builtin.bind(">", arguments: [size, zero])
        else { return generate }
        generate.input = .filter(input: generate.input, predicate: isFull)
        return generate
    }
}
