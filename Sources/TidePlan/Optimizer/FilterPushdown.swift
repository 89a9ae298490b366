/// Moves conditions towards the scans.
///
/// A condition passes a projection (its expressions put in), a union (into every input), an aggregate (if it reads
/// group columns only), a sort without limit, and a join into the side it reads: both sides of an inner join, the
/// preserved side of an outer one. Conditions that are not deterministic stay where they are.
///
/// A condition that can fail on some row (a cast, a division) must not meet rows it was never meant for: it does not
/// pass a join, where the rows below are more than those above, and stays behind the conditions before it.
enum FilterPushdown {
    static func apply(_ plan: LogicalPlan) -> LogicalPlan { push([], into: plan) }

    /// `plan` with the conditions applied, as far down as they go.
    private static func push(_ conditions: [BoundExpression], into plan: LogicalPlan) -> LogicalPlan {
        switch plan {
        case .filter(let input, let predicate):
            // The inner condition comes first: it may guard the outer one.
            return push(Conjunction.split(predicate) + conditions, into: input)
        case .project(let input, let items): return through(conditions, input, items)
        case .union(let inputs): return .union(inputs.map { push(conditions, into: $0) })
        case .aggregate(let aggregate): return through(conditions, aggregate)
        case .join(let join): return through(conditions, join)
        case .sort(var sort):
            guard sort.limit == nil, sort.offset == 0 else { return over(conditions, descend(plan)) }
            sort.input = push(conditions, into: sort.input)
            return .sort(sort)
        case .window(let window): return through(conditions, window)
        case .topN, .expand, .latest, .recursive: return over(conditions, descend(plan))
        case .replicate(var replicate):
            replicate.input = push(conditions, into: replicate.input)
            return .replicate(replicate)
        case .scan, .values, .working: return over(conditions, plan)
        case .watermark(var watermark):
            // As in Spark: what is said about other columns may keep rows from moving the watermark.
            var (below, above): ([BoundExpression], [BoundExpression]) = ([], [])
            for condition in conditions {
                let passes = condition.isDeterministic && !condition.columns.contains(watermark.column)
                if passes { below.append(condition) } else { above.append(condition) }
            }
            watermark.input = push(below, into: watermark.input)
            return over(above, .watermark(watermark))
        case .timeWindows(var windows):
            let width = windows.input.schema.count
            let (below, above) = split(conditions) { $0.columns.allSatisfy { $0 < width } }
            windows.input = push(below, into: windows.input)
            return over(above, .timeWindows(windows))
        case .generate(var generate):
            // A row without elements is never seen above.
            let width = generate.input.schema.count
            let (below, above) = split(conditions) { !$0.mayFail && $0.columns.allSatisfy { $0 < width } }
            generate.input = push(below, into: generate.input)
            return over(above, .generate(generate))
        // Which row of a key comes first depends on the rows before it.
        case .deduplicate, .keyed: return over(conditions, descend(plan))
        }
    }

    /// Those that pass, and those that do not. One that can fail does not overtake another.
    private static func split(
        _ conditions: [BoundExpression], _ passes: (BoundExpression) -> Bool
    ) -> (below: [BoundExpression], above: [BoundExpression]) {
        var (below, above): ([BoundExpression], [BoundExpression]) = ([], [])
        for condition in conditions {
            if condition.isDeterministic, passes(condition), above.isEmpty || !condition.mayFail {
                below.append(condition)
            } else {
                above.append(condition)
            }
        }
        return (below, above)
    }

    private static func descend(_ plan: LogicalPlan) -> LogicalPlan {
        plan.withInputs(plan.inputs.map { push([], into: $0) })
    }

    private static func over(_ conditions: [BoundExpression], _ plan: LogicalPlan) -> LogicalPlan {
        Conjunction.join(conditions).map { .filter(input: plan, predicate: $0) } ?? plan
    }

    private static func through(
        _ conditions: [BoundExpression], _ input: LogicalPlan, _ items: [NamedExpression]
    ) -> LogicalPlan {
        var below: [BoundExpression] = []
        var above: [BoundExpression] = []
        for condition in conditions {
            // A value that is made anew for each evaluation must be made once.
            let isPlain =
                condition.isDeterministic
                && condition.columns.allSatisfy { items[$0].expression.isDeterministic }
            if isPlain, above.isEmpty {
                below.append(condition.mapColumns { items[$0].expression })
            } else {
                above.append(condition)
            }
        }
        return over(above, .project(input: push(below, into: input), items: items))
    }

    private static func through(_ conditions: [BoundExpression], _ aggregate: LogicalPlan.Aggregate) -> LogicalPlan {
        var aggregate = aggregate
        let groupCount = aggregate.groups.count
        var below: [BoundExpression] = []
        var above: [BoundExpression] = []
        for condition in conditions {
            let columns = condition.columns
            // Without columns it would turn the one row of a global aggregate into none only if it stays above.
            // A session is known only when its rows are together.
            let readsGroups = !columns.isEmpty && columns.allSatisfy { $0 < groupCount && $0 != aggregate.session }
            // Each group has a row, so nothing fails below that does not fail above.
            if readsGroups, condition.isDeterministic, above.isEmpty || !condition.mayFail {
                below.append(condition.mapColumns { aggregate.groups[$0].expression })
            } else {
                above.append(condition)
            }
        }
        aggregate.input = push(below, into: aggregate.input)
        return over(above, .aggregate(aggregate))
    }

    /// What reads partition columns only keeps or drops whole partitions.
    private static func through(_ conditions: [BoundExpression], _ window: LogicalPlan.Window) -> LogicalPlan {
        var window = window
        let partition = window.partitionBy.reduce(into: Set<Int>()) { columns, expression in
            if case .column(let index, _, _) = expression { columns.insert(index) }
        }
        var below: [BoundExpression] = []
        var above: [BoundExpression] = []
        for condition in conditions {
            let columns = condition.columns
            let isWhole = !columns.isEmpty && columns.isSubset(of: partition)
            if isWhole, condition.isDeterministic, !condition.mayFail {
                below.append(condition)
            } else {
                above.append(condition)
            }
        }
        window.input = push(below, into: window.input)
        return over(above, .window(window))
    }

    private static func through(_ conditions: [BoundExpression], _ join: LogicalPlan.Join) -> LogicalPlan {
        var join = join
        let leftCount = join.left.schema.count
        let isLeftKept = [.inner, .left, .semi, .anti].contains(join.kind)
        let isRightKept = [.inner, .right].contains(join.kind)
        var left: [BoundExpression] = []
        var right: [BoundExpression] = []
        var above: [BoundExpression] = []
        for condition in conditions {
            let columns = condition.columns
            let isSafe = condition.isDeterministic && !condition.mayFail && !columns.isEmpty
            if isSafe, isLeftKept, columns.allSatisfy({ $0 < leftCount }) {
                left.append(condition)
            } else if isSafe, isRightKept, columns.allSatisfy({ $0 >= leftCount }) {
                right.append(condition.remapped { $0 - leftCount })
            } else {
                above.append(condition)
            }
        }
        // What the join itself demands of one side: of either in an inner join, of the optional side in an outer one.
        var residual: [BoundExpression] = []
        for condition in join.residual.map(Conjunction.split) ?? [] {
            let columns = condition.columns
            let isSafe = condition.isDeterministic && !condition.mayFail && !columns.isEmpty
            if isSafe, [.inner, .right, .semi].contains(join.kind), columns.allSatisfy({ $0 < leftCount }) {
                left.append(condition)
            } else if isSafe, [.inner, .left, .semi, .anti].contains(join.kind),
                columns.allSatisfy({ $0 >= leftCount })
            {
                right.append(condition.remapped { $0 - leftCount })
            } else {
                residual.append(condition)
            }
        }
        join.residual = Conjunction.join(residual)
        join.left = push(left, into: join.left)
        join.right = push(right, into: join.right)
        return over(above, .join(join))
    }
}

extension BoundExpression {
    /// Whether some row could make it raise an error. Comparisons and null tests of plain values cannot; anything that
    /// computes might.
    var mayFail: Bool {
        switch self {
        case .column, .literal, .currentTimestamp, .currentDate: false
        case .and, .or, .not, .isNull, .in, .coalesce, .conditional: children.contains(where: \.mayFail)
        case .cast(let operand, let type, let isTry, _):
            operand.mayFail || !(isTry || BoundExpression.isSafeCast(operand.type, type))
        case .call(let function, let operands, _, _, _) where function.name == "%" && operands.count == 2:
            operands[0].mayFail || !operands[1].isNonZeroLiteral
        case .call(let function, let operands, _, _, _):
            !BoundExpression.totalFunctions.contains(function.name) || operands.contains(where: \.mayFail)
        }
    }

    private var isNonZeroLiteral: Bool {
        if case .literal(let value) = self { value.isNull || (value.integer ?? 0) != 0 } else { false }
    }

    private static let totalFunctions: Set<String> = [
        "=", "<=>", "!=", "<>", "<", "<=", ">", ">=", "like", "ilike", "upper", "lower", "trim", "ltrim", "rtrim",
        "btrim", "length", "concat", "||", "year", "month", "day", "startswith", "endswith", "contains",
        "size",
    ]

    private static func isSafeCast(_ from: DataType, _ to: DataType) -> Bool {
        if to == .string || from == to { return true }
        switch (from, to) {
        case (.tinyint, .smallint), (.tinyint, .int), (.smallint, .int), (.tinyint, .bigint), (.smallint, .bigint),
            (.int, .bigint), (.tinyint, .float), (.smallint, .float),
            (.int, .float), (.bigint, .float), (.timestamp, .date), (.timestampNTZ, .date):
            return true
        default: return to == .double && from.isNumeric
        }
    }
}
