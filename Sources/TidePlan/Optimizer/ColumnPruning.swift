/// Columns nobody reads are not made: not decoded by scans, not carried through joins, not aggregated.
///
/// The root keeps its output. Below it each operator is asked for some of its columns and says where they went.
enum ColumnPruning {
    static func apply(_ plan: LogicalPlan) -> LogicalPlan {
        let all = Set(plan.schema.fields.indices)
        let (pruned, positions) = prune(plan, keeping: all)
        let isInPlace = pruned.schema.count == all.count && all.allSatisfy { positions[$0] == $0 }
        return isInPlace ? pruned : restored(plan.schema, pruned, positions)
    }

    /// The old columns in their order.
    private static func restored(_ schema: Schema, _ plan: LogicalPlan, _ positions: [Int: Int]) -> LogicalPlan {
        let items = schema.fields.enumerated().map { index, field in
            NamedExpression(
                field.name, .column(index: positions[index] ?? index, type: field.type, nullable: field.nullable))
        }
        return .project(input: plan, items: items)
    }

    /// - Returns: a plan with at least the wanted columns, and for each wanted one its new position.
    static func prune(
        _ plan: LogicalPlan, keeping wanted: Set<Int>
    ) -> (plan: LogicalPlan, positions: [Int: Int]) {
        switch plan {
        case .scan(var scan):
            var needed = wanted
            for hint in scan.hints { needed.formUnion(hint.columns) }
            let order = needed.sorted()
            let positions = numbered(order)
            scan.columns = order.map { scan.columns[$0] }
            scan.hints = scan.hints.map { $0.remapped { positions[$0] ?? $0 } }
            return (.scan(scan), positions)
        case .values(let values):
            let order = wanted.sorted()
            let pruned = LogicalPlan.Values(
                schema: Schema(order.map { values.schema[$0] }), rows: values.rows.map { row in order.map { row[$0] } })
            return (.values(pruned), numbered(order))
        case .filter(let input, let predicate):
            let (below, positions) = prune(input, keeping: wanted.union(predicate.columns))
            return (.filter(input: below, predicate: predicate.remapped { positions[$0] ?? $0 }), positions)
        case .project(let input, let items):
            let order = wanted.sorted()
            let kept = order.map { items[$0] }
            let (below, positions) = prune(input, keeping: Set(kept.flatMap { $0.expression.columns }))
            let moved = kept.map { NamedExpression($0.name, $0.expression.remapped { positions[$0] ?? $0 }) }
            return (.project(input: below, items: moved), numbered(order))
        case .join(let join): return prune(join, keeping: wanted)
        case .aggregate(let aggregate): return prune(aggregate, keeping: wanted)
        case .union(let inputs):
            let order = wanted.sorted()
            let pruned = inputs.map { exactly(order, of: $0) }
            return (.union(pruned), numbered(order))
        case .sort(var sort):
            let read = sort.keys.reduce(into: wanted) { $0.formUnion($1.expression.columns) }
            let (below, positions) = prune(sort.input, keeping: read)
            sort.input = below
            sort.keys = sort.keys.map { key in key.rewritten { $0.remapped { positions[$0] ?? $0 } } }
            return (.sort(sort), positions)
        case .watermark(var watermark):
            let (below, positions) = prune(watermark.input, keeping: wanted.union([watermark.column]))
            watermark.input = below
            watermark.column = positions[watermark.column] ?? watermark.column
            return (.watermark(watermark), positions)
        case .timeWindows(var windows):
            let width = windows.input.schema.count
            let read = wanted.filter { $0 < width }.union(windows.time.columns)
            var (below, positions) = prune(windows.input, keeping: read)
            windows.input = below
            windows.time = windows.time.remapped { positions[$0] ?? $0 }
            positions[width] = below.schema.count
            return (.timeWindows(windows), positions)
        case .deduplicate(var deduplicate):
            let read = wanted.union(deduplicate.keys).union(deduplicate.eventTimeColumns)
            let (below, positions) = withTimes(readBy: read, of: deduplicate.input)
            deduplicate.input = below
            deduplicate.keys = deduplicate.keys.map { positions[$0] ?? $0 }
            return (.deduplicate(deduplicate), positions)
        case .keyed(var keyed):
            let width = keyed.input.schema.count
            var read = wanted.filter { $0 < width }.union(keyed.keys).union(EventTime(of: keyed.input).columns)
            if case .newValues(let column, _) = keyed.rule { read.insert(column) }
            var (below, positions) = prune(keyed.input, keeping: read)
            keyed.input = below
            keyed.keys = keyed.keys.map { positions[$0] ?? $0 }
            if case .newValues(let column, let micros) = keyed.rule {
                keyed.rule = .newValues(column: positions[column] ?? column, micros: micros)
            }
            if keyed.field != nil { positions[width] = below.schema.count }
            return (.keyed(keyed), positions)
        case .window(let window): return prune(window, keeping: wanted)
        case .topN(let topN): return prune(topN, keeping: wanted)
        case .expand(var expand):
            let order = wanted.sorted()
            let kept = expand.projections.map { projection in order.map { projection[$0] } }
            let read = Set(kept.flatMap { $0.flatMap(\.columns) })
            let (below, positions) = prune(expand.input, keeping: read)
            expand.input = below
            expand.names = order.map { expand.names[$0] }
            expand.projections = kept.map { row in row.map { $0.remapped { positions[$0] ?? $0 } } }
            return (.expand(expand), numbered(order))
        case .generate(var generate):
            let width = generate.input.schema.count
            let read = wanted.filter { $0 < width }.union(generate.generator.source.columns)
            var (below, positions) = prune(generate.input, keeping: read)
            generate.input = below
            generate.generator.source = generate.generator.source.remapped { positions[$0] ?? $0 }
            for index in generate.fields.indices { positions[width + index] = below.schema.count + index }
            return (.generate(generate), positions)
        case .recursive(var recursive):
            // Each step reads what the one before it gave, whole.
            let all = Array(recursive.schema.fields.indices)
            recursive.base = exactly(all, of: recursive.base)
            recursive.step = exactly(all, of: recursive.step)
            return (.recursive(recursive), numbered(all))
        case .working: return (plan, numbered(Array(plan.schema.fields.indices)))
        case .replicate(let replicate):
            let (below, positions) = prune(replicate.input, keeping: wanted.union(replicate.count.columns))
            let count = replicate.count.remapped { positions[$0] ?? $0 }
            return (.replicate(LogicalPlan.Replicate(input: below, count: count)), positions)
        case .latest(var latest):
            latest.input = apply(latest.input)
            return (.latest(latest), numbered(Array(0..<latest.columnCount)))
        }
    }

    private static func numbered(_ order: [Int]) -> [Int: Int] {
        Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
    }

    /// The columns read, and no other event time: as in Spark, rows are late by an event time that somebody reads
    /// above.
    private static func withTimes(
        readBy read: Set<Int>, of plan: LogicalPlan
    ) -> (plan: LogicalPlan, positions: [Int: Int]) {
        let pruned = prune(plan, keeping: read)
        let isUnread = EventTime(of: pruned.plan).columns.contains { time in
            !read.contains { pruned.positions[$0] == time }
        }
        let order = read.sorted()
        return isUnread ? (exactly(order, of: plan), numbered(order)) : pruned
    }

    /// The plan with these columns and no others, in this order.
    private static func exactly(_ order: [Int], of plan: LogicalPlan) -> LogicalPlan {
        let (pruned, positions) = prune(plan, keeping: Set(order))
        let isExact =
            pruned.schema.count == order.count
            && order.enumerated().allSatisfy { positions[$1] == $0 }
        if isExact { return pruned }
        let fields = plan.schema.fields
        return .project(
            input: pruned,
            items: order.map {
                NamedExpression(
                    fields[$0].name,
                    .column(index: positions[$0] ?? $0, type: fields[$0].type, nullable: fields[$0].nullable))
            })
    }

    private static func prune(
        _ join: LogicalPlan.Join, keeping wanted: Set<Int>
    ) -> (plan: LogicalPlan, positions: [Int: Int]) {
        var join = join
        let leftCount = join.left.schema.count
        let read = wanted.union(join.residual?.columns ?? [])
        let leftRead = join.keys.reduce(into: read.filter { $0 < leftCount }) { $0.formUnion($1.left.columns) }
        let rightRead = join.keys.reduce(into: Set(read.filter { $0 >= leftCount }.map { $0 - leftCount })) {
            $0.formUnion($1.right.columns)
        }
        let left = withTimes(readBy: leftRead, of: join.left)
        let right = withTimes(readBy: rightRead, of: join.right)
        let newLeftCount = left.plan.schema.count
        var positions = left.positions
        for (old, new) in right.positions { positions[old + leftCount] = new + newLeftCount }
        join.left = left.plan
        join.right = right.plan
        join.keys = join.keys.map { key in
            LogicalPlan.Join.KeyPair(
                left: key.left.remapped { left.positions[$0] ?? $0 },
                right: key.right.remapped { right.positions[$0] ?? $0 }, nullSafe: key.nullSafe)
        }
        join.residual = join.residual.map { $0.remapped { positions[$0] ?? $0 } }
        return (.join(join), positions)
    }

    /// Groups stay, since they make the rows; aggregates go, but a global aggregate keeps one for its row.
    private static func prune(
        _ aggregate: LogicalPlan.Aggregate, keeping wanted: Set<Int>
    ) -> (plan: LogicalPlan, positions: [Int: Int]) {
        var aggregate = aggregate
        let groupCount = aggregate.groups.count
        var kept = aggregate.aggregates.indices.filter { wanted.contains(groupCount + $0) }
        if groupCount == 0, kept.isEmpty, !aggregate.aggregates.isEmpty { kept = [0] }
        var read = Set(aggregate.groups.flatMap { $0.expression.columns })
        for index in kept {
            let call = aggregate.aggregates[index]
            call.aggregate.arguments.forEach { read.formUnion($0.columns) }
            if let filter = call.filter { read.formUnion(filter.columns) }
            // The whole input row decides which one is the first.
            if call.aggregate.kind.picksRow { read.formUnion(aggregate.input.schema.fields.indices) }
        }
        let (below, moved) = prune(aggregate.input, keeping: read)
        var positions: [Int: Int] = [:]
        for index in 0..<groupCount { positions[index] = index }
        for (new, old) in kept.enumerated() { positions[groupCount + old] = groupCount + new }
        aggregate.aggregates = kept.map { aggregate.aggregates[$0] }
        let result = LogicalPlan.aggregate(aggregate).mapExpressions { $0.remapped { moved[$0] ?? $0 } }
        return (result.withInputs([below]), positions)
    }
}
