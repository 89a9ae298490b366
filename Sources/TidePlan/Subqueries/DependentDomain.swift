/// Unnests any subquery (Neumann and Kemper, "Unnesting arbitrary queries", BTW 2015): the distinct values that the
/// enclosing rows give the parameters, the domain, are joined to the subquery's leaves and travel as columns through
/// its operators: as groups through aggregates, as partitions through windows.
///
/// Costs the enclosing plan a second time, so `ConditionPullUp` is tried first.
struct DependentDomain {
    /// Distinct rows of parameter values.
    let plan: LogicalPlan
    /// Parameters in the order of the domain's columns.
    let parameters: [Int]

    init(of outer: LogicalPlan, _ values: [Int: BoundExpression], parameters: [Int]) {
        self.parameters = parameters
        let groups = parameters.enumerated().map { index, id in
            NamedExpression("__outer\(index)", values[id] ?? .null(.null))
        }
        plan = .aggregate(LogicalPlan.Aggregate(input: outer, groups: groups, aggregates: []))
    }

    func unnest(_ subquery: LogicalPlan) throws(TidemillError) -> Unnested {
        let joined = try push(subquery)
        let columns = joined.outputItems.map(\.expression)
        let count = subquery.schema.count
        var conditions: [BoundExpression] = []
        for (index, id) in parameters.enumerated() {
            let column = columns[count + index]
            let outer = BoundExpression.column(index: id, type: column.type, nullable: column.nullable)
            conditions.append(try FunctionRegistry.builtin.bind("<=>", arguments: [column, outer]))
        }
        return Unnested(plan: joined, outputs: Array(columns.prefix(count)), conditions: conditions)
    }

    private var width: Int { parameters.count }

    /// The operator's columns, then the domain's.
    private func push(_ node: LogicalPlan) throws(TidemillError) -> LogicalPlan {
        guard node.hasParameters else {
            return .join(LogicalPlan.Join(kind: .inner, left: node, right: plan, keys: [], residual: nil))
        }
        switch node {
        case .scan, .values, .working, .latest: throw .internal("a leaf with parameters")
        case .recursive(let recursive):
            throw AnalysisError.unsupported(
                "a recursive query that reads columns of an enclosing query: \(recursive.name)",
                hint: "define it in WITH RECURSIVE of the outermost query", nil)
        case .filter(let input, let predicate):
            return .filter(input: try push(input), predicate: bound(predicate, input.schema.count))
        case .project(let input, let items):
            let below = try push(input)
            let moved = items.map { NamedExpression($0.name, bound($0.expression, input.schema.count)) }
            return .project(input: below, items: moved + below.outputItems.suffix(width))
        case .union(let inputs):
            var pushed: [LogicalPlan] = []
            for input in inputs { pushed.append(try push(input)) }
            return .union(pushed)
        case .sort(let sort):
            if sort.limit == nil && sort.offset == 0 { return try push(sort.input) }
            return try push(
                .topN(LogicalPlan.TopN(input: sort.input, orderBy: sort.keys, limit: sort.limit, offset: sort.offset)))
        case .topN, .window, .replicate, .expand: return try partitioned(node)
        case .aggregate(let aggregate): return try grouped(aggregate)
        case .join(let join): return try self.joined(join)
        case .timeWindows(let windows):
            let count = windows.input.schema.count
            var moved = windows
            moved.input = try push(windows.input)
            moved.time = bound(windows.time, count)
            return domainLast(.timeWindows(moved), at: count, new: 1)
        case .generate(var generate):
            let count = generate.input.schema.count
            let new = generate.fields.count
            generate.generator.source = bound(generate.generator.source, count)
            generate.input = try push(generate.input)
            return domainLast(.generate(generate), at: count, new: new)
        case .watermark, .deduplicate, .keyed: throw .internal("a stream with parameters")
        }
    }

    /// Parameters as the domain's columns, which stand behind `count` others.
    private func bound(_ expression: BoundExpression, _ count: Int) -> BoundExpression {
        expression.remapped { index in
            guard ColumnSpace.isParameter(index), let position = parameters.firstIndex(of: index) else { return index }
            return count + position
        }
    }

    private func partitioned(_ node: LogicalPlan) throws(TidemillError) -> LogicalPlan {
        let input = node.inputs[0]
        let count = input.schema.count
        let below = try push(input)
        let domain = below.outputItems.suffix(width)
        let moved = node.mapExpressions { bound($0, count) }
        switch moved {
        case .replicate(var replicate):
            replicate.input = below
            return .replicate(replicate)
        case .expand(var expand):
            expand.input = below
            expand.names += domain.map(\.name)
            expand.projections = expand.projections.map { $0 + domain.map(\.expression) }
            return .expand(expand)
        case .topN(var topN):
            topN.input = below
            topN.partitionBy += domain.map(\.expression)
            return domainLast(.topN(topN), at: count, new: topN.rank == nil ? 0 : 1)
        case .window(var window):
            window.input = below
            window.partitionBy += domain.map(\.expression)
            return domainLast(.window(window), at: count, new: window.functions.count)
        default: throw .internal("no partitioned operator")
        }
    }

    /// Moves the domain's columns behind the `new` ones that follow them.
    private func domainLast(_ node: LogicalPlan, at count: Int, new: Int) -> LogicalPlan {
        if new == 0 { return node }
        let items = node.outputItems
        return .project(
            input: node,
            items: Array(items[..<count] + items[(count + width)...] + items[count..<(count + width)]))
    }

    private func grouped(_ aggregate: LogicalPlan.Aggregate) throws(TidemillError) -> LogicalPlan {
        let count = aggregate.input.schema.count
        let below = try push(aggregate.input)
        guard case .aggregate(var result) = LogicalPlan.aggregate(aggregate).mapExpressions({ bound($0, count) }) else {
            throw .internal("no aggregate")
        }
        result.input = below
        let groupCount = result.groups.count
        result.groups += below.outputItems.suffix(width)
        let grouped = LogicalPlan.aggregate(result)
        if groupCount > 0 { return domainLast(grouped, at: groupCount, new: result.aggregates.count) }
        // Without groups there is one row for every row of the domain.
        let columns = grouped.outputItems
        let joined = try matched(.left, plan, grouped, left: plan.outputItems, right: Array(columns.prefix(width)))
        let found = joined.outputItems
        var items: [NamedExpression] = []
        for (call, item) in zip(result.aggregates, found.dropFirst(2 * width)) {
            items.append(NamedExpression(call.name, call.aggregate.overNoRow(item.expression)))
        }
        return .project(input: joined, items: items + found.prefix(width))
    }

    private func joined(_ join: LogicalPlan.Join) throws(TidemillError) -> LogicalPlan {
        let leftCount = join.left.schema.count
        let rightCount = join.right.schema.count
        let isRightDependent = join.right.hasParameters || join.kind == .right || join.kind == .full
        let left = try push(join.left)
        let right = isRightDependent ? try push(join.right) : join.right
        var result = join
        result.left = left
        result.right = right
        result.keys = join.keys.map {
            LogicalPlan.Join.KeyPair(
                left: bound($0.left, leftCount), right: bound($0.right, rightCount), nullSafe: $0.nullSafe)
        }
        // The left domain's columns stand between the left and the right ones now.
        result.residual = join.residual.map { residual in
            residual.remapped { index in
                if let position = parameters.firstIndex(of: index) { return leftCount + position }
                return ColumnSpace.isPlain(index) && index >= leftCount ? index + width : index
            }
        }
        // A key side that read a parameter only must not lose its own columns: with both sides pushed each has them.
        if !isRightDependent, result.keys.contains(where: { $0.right.hasParameters }) {
            throw .internal("a join key with parameters over a side without")
        }
        if isRightDependent {
            for (a, b) in zip(left.outputItems.suffix(width), right.outputItems.suffix(width)) {
                result.keys.append(LogicalPlan.Join.KeyPair(left: a.expression, right: b.expression, nullSafe: true))
            }
        }
        let node = LogicalPlan.join(result)
        if join.kind == .semi || join.kind == .anti { return node }
        let items = node.outputItems
        var domain = Array(items[leftCount..<(leftCount + width)])
        let rights = items[(leftCount + width)..<(leftCount + width + rightCount)]
        if join.kind == .right || join.kind == .full {
            for (index, other) in items.suffix(width).enumerated() {
                domain[index].expression = .coalesce([domain[index].expression, other.expression])
            }
        }
        return .project(input: node, items: Array(items[..<leftCount]) + rights + domain)
    }

    private func matched(
        _ kind: LogicalPlan.Join.Kind, _ left: LogicalPlan, _ right: LogicalPlan, left a: [NamedExpression],
        right b: [NamedExpression]
    ) throws(TidemillError) -> LogicalPlan {
        let keys = zip(a, b).map {
            LogicalPlan.Join.KeyPair(left: $0.expression, right: $1.expression, nullSafe: true)
        }
        return .join(LogicalPlan.Join(kind: kind, left: left, right: right, keys: keys, residual: nil))
    }
}
