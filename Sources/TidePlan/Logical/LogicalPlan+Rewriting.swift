// Rewriting a plan's expressions and operators.

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
        case .values, .union, .latest, .recursive, .working, .watermark, .deduplicate, .keyed: return self
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
            sort.keys = sort.keys.map { $0.rewritten(rewrite) }
            return .sort(sort)
        case .window(var window):
            window.partitionBy = window.partitionBy.map(rewrite)
            window.orderBy = window.orderBy.map { $0.rewritten(rewrite) }
            window.functions = window.functions.map {
                NamedWindowFunction(
                    $0.name, $0.function.mapExpressions(rewrite), frame: $0.frame.mapExpressions(rewrite))
            }
            return .window(window)
        case .topN(var topN):
            topN.partitionBy = topN.partitionBy.map(rewrite)
            topN.orderBy = topN.orderBy.map { $0.rewritten(rewrite) }
            return .topN(topN)
        case .expand(var expand):
            expand.projections = expand.projections.map { $0.map(rewrite) }
            return .expand(expand)
        case .generate(var generate):
            generate.generator.source = rewrite(generate.generator.source)
            return .generate(generate)
        case .replicate(var replicate):
            replicate.count = rewrite(replicate.count)
            return .replicate(replicate)
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

extension LogicalPlan.Sort.Key {
    func rewritten(_ rewrite: (BoundExpression) -> BoundExpression) -> LogicalPlan.Sort.Key {
        LogicalPlan.Sort.Key(expression: rewrite(expression), descending: descending, nullsFirst: nullsFirst)
    }
}
