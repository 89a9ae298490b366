/// Takes the conditions with parameters out of a subquery, from where they stand to its top: the cheap way to unnest
/// one, since the enclosing query's plan is not repeated.
///
/// A condition passes projections and joins. It passes an aggregate, a window or a top-N if it is an equality: its
/// inner side becomes a group, or part of the partition. What cannot pass makes the whole attempt fail.
enum ConditionPullUp {
    static func unnest(_ plan: LogicalPlan) throws(TidemillError) -> Unnested? {
        if !plan.hasParameters { return Unnested(plan) }
        switch plan {
        case .filter(let input, let predicate): return try filter(input, predicate)
        case .project(let input, let items):
            guard var below = try unnest(input) else { return nil }
            below.outputs = items.map { below.moved($0.expression) }
            return below
        case .join(let join): return try self.join(join)
        case .aggregate(let aggregate): return try self.aggregate(aggregate)
        case .sort(let sort):
            if sort.limit == nil && sort.offset == 0 { return try unnest(sort.input) }
            return try topN(
                LogicalPlan.TopN(input: sort.input, orderBy: sort.keys, limit: sort.limit, offset: sort.offset))
        case .topN(let topN): return try self.topN(topN)
        case .window(let window): return try self.window(window)
        case .scan, .values, .union, .expand, .generate, .replicate, .latest, .recursive, .working, .watermark,
            .timeWindows,
            .deduplicate, .keyed:
            return nil
        }
    }

    private static func filter(
        _ input: LogicalPlan, _ predicate: BoundExpression
    ) throws(TidemillError) -> Unnested? {
        // HAVING without GROUP BY can take the one row away.
        guard var below = try unnest(input), !below.isOneRow || below.conditions.isEmpty else { return nil }
        below.isOneRow = false
        var plain: [BoundExpression] = []
        for condition in Conjunction.split(below.moved(predicate)) {
            if condition.hasParameters { below.conditions.append(condition) } else { plain.append(condition) }
        }
        if let rest = Conjunction.join(plain) { below.plan = .filter(input: below.plan, predicate: rest) }
        return below
    }

    private static func join(_ join: LogicalPlan.Join) throws(TidemillError) -> Unnested? {
        guard join.kind != .full, join.kind != .right else { return nil }
        guard let left = try unnest(join.left), let right = try unnest(join.right), left.isPlain, right.isPlain
        else { return nil }
        let isInner = join.kind == .inner
        // Only the kept side of an outer join lets its conditions out.
        guard isInner || right.conditions.isEmpty && !right.outputs.contains(where: \.hasParameters) else { return nil }
        let leftCount = join.left.schema.count
        let newLeftCount = left.plan.schema.count
        func shifted(_ expression: BoundExpression) -> BoundExpression {
            expression.remapped { ColumnSpace.isPlain($0) ? $0 + newLeftCount : $0 }
        }
        let rightOutputs = right.outputs.map(shifted)
        var conditions: [BoundExpression] = []
        for key in join.keys {
            let operands = [left.moved(key.left), shifted(right.moved(key.right))]
            conditions.append(
                try FunctionRegistry.builtin.bind(key.nullSafe ? "<=>" : "=", arguments: operands))
        }
        if let residual = join.residual {
            let moved = residual.replacing { index in
                guard ColumnSpace.isPlain(index) else { return nil }
                return index < leftCount ? left.outputs[index] : rightOutputs[index - leftCount]
            }
            conditions += Conjunction.split(moved)
        }
        let outer = conditions.filter(\.hasParameters)
        guard isInner || outer.isEmpty else { return nil }
        let (keys, rest) = JoinKeys.extract(conditions.filter { !$0.hasParameters }, leftCount: newLeftCount)
        var plan = join
        plan.left = left.plan
        plan.right = right.plan
        plan.keys = keys
        plan.residual = Conjunction.join(rest)
        let joined = LogicalPlan.join(plan)
        var outputs = left.outputs
        switch join.kind {
        case .semi, .anti: break
        case .left: outputs += joined.outputItems.dropFirst(newLeftCount).map(\.expression)
        case .inner, .right, .full: outputs += rightOutputs
        }
        return Unnested(
            plan: joined, outputs: outputs, conditions: left.conditions + right.conditions.map(shifted) + outer)
    }

    private static func aggregate(_ aggregate: LogicalPlan.Aggregate) throws(TidemillError) -> Unnested? {
        guard let below = try unnest(aggregate.input), below.isPlain, let equalities = below.equalities else {
            return nil
        }
        let moved = LogicalPlan.aggregate(aggregate).mapExpressions(below.moved)
        guard case .aggregate(var result) = moved else { return nil }
        var isFree = true
        _ = moved.mapExpressions { expression in
            if expression.hasParameters { isFree = false }
            return expression
        }
        guard isFree else { return nil }
        let groupCount = result.groups.count
        result.input = below.plan
        for (index, equality) in equalities.enumerated() {
            result.groups.append(NamedExpression("__outer\(index)", equality.inner))
        }
        let plan = LogicalPlan.aggregate(result)
        let columns = plan.outputItems.map(\.expression)
        var conditions: [BoundExpression] = []
        for (index, var equality) in equalities.enumerated() {
            equality.inner = columns[groupCount + index]
            conditions.append(try equality.condition)
        }
        let isOneRow = groupCount == 0
        var outputs = Array(columns.prefix(groupCount))
        for (call, column) in zip(result.aggregates, columns.dropFirst(groupCount + equalities.count)) {
            outputs.append(isOneRow ? call.aggregate.overNoRow(column) : column)
        }
        return Unnested(plan: plan, outputs: outputs, conditions: conditions, isOneRow: isOneRow)
    }

    private static func topN(_ topN: LogicalPlan.TopN) throws(TidemillError) -> Unnested? {
        guard let below = try unnest(topN.input), below.isPlain, let equalities = below.equalities else { return nil }
        let moved = LogicalPlan.topN(topN).mapExpressions(below.moved)
        guard case .topN(var result) = moved,
            !(topN.partitionBy + topN.orderBy.map(\.expression)).contains(where: {
                below.moved($0).hasParameters
            })
        else { return nil }
        result.input = below.plan
        result.partitionBy += equalities.map(\.inner)
        let plan = LogicalPlan.topN(result)
        let rank = topN.rank == nil ? [] : plan.outputItems.suffix(1).map(\.expression)
        return Unnested(plan: plan, outputs: below.outputs + rank, conditions: below.conditions)
    }

    private static func window(_ window: LogicalPlan.Window) throws(TidemillError) -> Unnested? {
        guard let below = try unnest(window.input), below.isPlain, let equalities = below.equalities else {
            return nil
        }
        var isFree = true
        let moved = LogicalPlan.window(window).mapExpressions { expression in
            let result = below.moved(expression)
            if result.hasParameters { isFree = false }
            return result
        }
        guard isFree, case .window(var result) = moved else { return nil }
        result.input = below.plan
        result.partitionBy += equalities.map(\.inner)
        let plan = LogicalPlan.window(result)
        let functions = plan.outputItems.suffix(window.functions.count).map(\.expression)
        return Unnested(plan: plan, outputs: below.outputs + functions, conditions: below.conditions)
    }
}

extension BoundAggregate {
    /// The aggregate's result in `column`, or what it is over no row where the column is NULL for want of one.
    func overNoRow(_ column: BoundExpression) -> BoundExpression {
        switch kind {
        case .countStar, .count, .countIf, .distinctEstimate:
            .coalesce([column.asNullable, .literal(.bigint(0))])
        case .collectList, .collectSet:
            .coalesce([column.asNullable, .literal(Scalar(resultType, .bytes(NestedImage.emptyArray)))])
        default: column.asNullable
        }
    }
}

extension BoundExpression {
    /// A column as the optional side of an outer join gives it.
    var asNullable: BoundExpression {
        if case .column(let index, let type, _) = self {
            .column(index: index, type: type, nullable: true)
        } else {
            self
        }
    }
}
