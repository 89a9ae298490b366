/// Rewrites that give the same result sooner. Each rule is a file; this is their order.
///
/// Filters go down first, because a condition may become a join key or a scan hint; columns are pruned last, when it is
/// known what is read. Every rule keeps the output schema.
public enum Optimizer {
    public static func optimize(_ plan: LogicalPlan) -> LogicalPlan {
        var plan = ConstantFolding.apply(plan)
        plan = FilterPushdown.apply(plan)
        plan = JoinKeyExtraction.apply(plan)
        // Sides that got conditions as keys may have new places for what is left.
        plan = FilterPushdown.apply(plan)
        plan = ProjectMerge.apply(plan)
        plan = ColumnPruning.apply(plan)
        plan = ProjectMerge.apply(plan)
        return ScanHints.apply(plan)
    }
}

extension LogicalPlan {
    /// The plan with every expression of every operator rewritten; types must stay.
    func mapExpressions(_ rewrite: (BoundExpression) -> BoundExpression) -> LogicalPlan {
        func named(_ item: NamedExpression) -> NamedExpression {
            NamedExpression(item.name, rewrite(item.expression))
        }
        switch self {
        case .scan(var scan):
            scan.hints = scan.hints.map(rewrite)
            return .scan(scan)
        case .values, .union, .watermark, .deduplicate: return self
        case .timeWindows(var windows):
            windows.time = rewrite(windows.time)
            return .timeWindows(windows)
        case .filter(let input, let predicate): return .filter(input: input, predicate: rewrite(predicate))
        case .project(let input, let items): return .project(input: input, items: items.map(named))
        case .join(var join):
            join.keys = join.keys.map {
                Join.KeyPair(left: rewrite($0.left), right: rewrite($0.right), nullSafe: $0.nullSafe)
            }
            join.residual = join.residual.map(rewrite)
            return .join(join)
        case .aggregate(var aggregate):
            aggregate.groups = aggregate.groups.map(named)
            aggregate.aggregates = aggregate.aggregates.map { call in
                var call = call
                call.aggregate.arguments = call.aggregate.arguments.map(rewrite)
                call.filter = call.filter.map(rewrite)
                return call
            }
            return .aggregate(aggregate)
        case .sort(var sort):
            sort.keys = sort.keys.map {
                Sort.Key(expression: rewrite($0.expression), descending: $0.descending, nullsFirst: $0.nullsFirst)
            }
            return .sort(sort)
        }
    }

    /// Rewrites bottom-up.
    func transformed(_ rule: (LogicalPlan) -> LogicalPlan) -> LogicalPlan {
        rule(withInputs(inputs.map { $0.transformed(rule) }))
    }

    /// A reference to each output column, under its name.
    var outputItems: [NamedExpression] {
        schema.fields.enumerated().map { index, field in
            NamedExpression(field.name, .column(index: index, type: field.type, nullable: field.nullable))
        }
    }
}
