/// Joins the subqueries of a clause to the plan that the clause reads, and replaces their columns by the results.
///
/// The plan only grows on the right: its columns keep their positions.
struct SubqueryResolver {
    var plan: LogicalPlan
    private let collector: SubqueryCollector
    private let lower: (BoundExpression, Expression?) throws(TidemillError) -> BoundExpression
    /// What stands for columns that were computed already: subqueries, calls with OVER.
    private var results: [Int: BoundExpression] = [:]

    /// - Parameter lower: brings an expression of the enclosing query to one over `plan`.
    init(
        _ plan: LogicalPlan, _ collector: SubqueryCollector,
        lower: @escaping (BoundExpression, Expression?) throws(TidemillError) -> BoundExpression = {
            (expression, _) throws(TidemillError) in expression
        }
    ) {
        self.plan = plan
        self.collector = collector
        self.lower = lower
    }

    mutating func define(_ column: Int, as result: BoundExpression) { results[column] = result }

    /// A lowered expression with every subquery in it joined.
    mutating func resolved(_ expression: BoundExpression) throws(TidemillError) -> BoundExpression {
        if case .column(let index, _, _) = expression {
            if let known = results[index] { return known }
            guard ColumnSpace.isSubquery(index), let call = collector.calls[index] else { return expression }
            let result = try value(of: try lowered(call))
            results[index] = result
            return result
        }
        var children: [BoundExpression] = []
        for child in expression.children { children.append(try resolved(child)) }
        var next = 0
        return expression.mapChildren { _ in
            next += 1
            return children[next - 1]
        }
    }

    /// Keeps the rows for which the lowered condition holds. A subquery that is a condition of its own becomes a semi
    /// or anti join.
    mutating func filter(_ predicate: BoundExpression) throws(TidemillError) {
        var plain: [BoundExpression] = []
        for condition in Conjunction.split(predicate) {
            if !condition.hasSubqueries {
                plain.append(try resolved(condition))
                continue
            }
            // A condition may guard those behind it.
            keep(&plain)
            let isNegated = if case .not = condition { true } else { false }
            let operand = if case .not(let inner) = condition { inner } else { condition }
            if case .column(let index, _, _) = operand, let call = collector.calls[index], results[index] == nil,
                try join(lowered(call), isNegated: isNegated)
            {
                continue
            }
            plain.append(try resolved(condition))
            keep(&plain)
        }
        keep(&plain)
    }

    private mutating func keep(_ conditions: inout [BoundExpression]) {
        if let predicate = Conjunction.join(conditions) { plan = .filter(input: plan, predicate: predicate) }
        conditions = []
    }

    /// The call with everything that it takes from the enclosing row over `plan`.
    private mutating func lowered(_ call: SubqueryCall) throws(TidemillError) -> SubqueryCall {
        var call = call
        for (id, value) in call.parameters { call.parameters[id] = try resolved(lower(value, nil)) }
        if case .contains(let operands) = call.form {
            var moved: [BoundExpression] = []
            for operand in operands { moved.append(try resolved(lower(operand, nil))) }
            call.form = .contains(moved)
        }
        return call
    }

    // MARK: Shapes

    private func unnested(_ call: SubqueryCall, needsEqualities: Bool = true) throws(TidemillError) -> Unnested {
        let simple = try ConditionPullUp.unnest(call.plan)
        if let simple, !needsEqualities || simple.equalities != nil { return simple }
        return try domain(call)
    }

    private func domain(_ call: SubqueryCall) throws(TidemillError) -> Unnested {
        let used = call.plan.parameters.filter { call.parameters[$0] != nil }
        return try DependentDomain(of: plan, call.parameters, parameters: used).unnest(call.plan)
    }

    /// An expression over the subquery's plan and parameters as one over the enclosing plan followed by that plan.
    private func attached(_ expression: BoundExpression, _ call: SubqueryCall, isOptional: Bool) -> BoundExpression {
        let count = plan.schema.count
        return expression.replacingColumns { index, type, nullable in
            if let value = call.parameters[index] { return value }
            if index >= SubqueryResolver.enclosing {
                return .column(index: index - SubqueryResolver.enclosing, type: type, nullable: nullable)
            }
            // A parameter of a query further out stays.
            if ColumnSpace.isParameter(index) { return .column(index: index, type: type, nullable: nullable) }
            return .column(index: index + count, type: type, nullable: nullable || isOptional)
        }
    }

    private mutating func join(
        _ kind: LogicalPlan.Join.Kind, _ right: LogicalPlan, on conditions: [BoundExpression], _ call: SubqueryCall
    ) {
        let moved = conditions.map { attached($0, call, isOptional: false) }
        let (keys, rest) = JoinKeys.extract(moved, leftCount: plan.schema.count)
        plan = .join(
            LogicalPlan.Join(kind: kind, left: plan, right: right, keys: keys, residual: Conjunction.join(rest)))
    }

    // MARK: Conditions of their own

    /// - Returns: false if the subquery has to be computed as a value.
    private mutating func join(_ call: SubqueryCall, isNegated: Bool) throws(TidemillError) -> Bool {
        switch call.form {
        case .scalar: return false
        case .exists:
            let inner = try unnested(call, needsEqualities: false)
            guard !inner.isOneRow, !inner.conditions.isEmpty else { return false }
            join(isNegated ? .anti : .semi, inner.plan, on: inner.conditions, call)
        case .contains(let operands):
            var inner = try unnested(call, needsEqualities: false)
            guard !inner.isOneRow else { return false }
            let isSure = !operands.contains(where: \.nullable) && !inner.outputs.contains(where: \.nullable)
            if !isNegated || isSure {
                let matches = try equalities(operands, inner.outputs, call)
                join(isNegated ? .anti : .semi, inner.plan, on: inner.conditions + matches, call)
                return true
            }
            if operands.count == 1 {
                if inner.equalities == nil || inner.outputs[0].hasParameters { inner = try domain(call) }
                try joinNotIn(operands[0], inner, call)
            } else {
                // A row goes as soon as one of the others equals it or might do.
                let matches = try equalities(operands, inner.outputs, call)
                let together = Conjunction.join(matches) ?? .true
                let possible = BoundExpression.not(
                    try FunctionRegistry.builtin.bind("<=>", arguments: [together, .false]))
                join(.anti, inner.plan, on: inner.conditions + [possible], call)
            }
        }
        return true
    }

    /// Operands over the enclosing plan are written as parameters, so that `attached` leaves them alone.
    private func equalities(
        _ operands: [BoundExpression], _ outputs: [BoundExpression], _ call: SubqueryCall
    ) throws(TidemillError) -> [BoundExpression] {
        var conditions: [BoundExpression] = []
        for (operand, output) in zip(operands, outputs) {
            let fixed = operand.remapped { $0 + SubqueryResolver.enclosing }
            conditions.append(try FunctionRegistry.builtin.bind("=", arguments: [fixed, output]))
        }
        return conditions
    }

    /// Columns of the enclosing plan inside a condition that is not attached yet: above all parameters.
    private static let enclosing = 1 << 40

    /// `x NOT IN (…)` where NULLs can occur: true over no row at all; otherwise x must not be NULL, no value may be, and
    /// none may be equal.
    private mutating func joinNotIn(
        _ operand: BoundExpression, _ inner: Unnested, _ call: SubqueryCall
    ) throws(TidemillError) {
        let count = plan.schema.count
        join(.anti, inner.plan, on: inner.conditions + (try equalities([operand], inner.outputs, call)), call)
        let (all, present) = try joinCounts(inner, call)
        plan = .filter(
            input: plan,
            predicate: .or([
                try isZero(all),
                .and([
                    .isNull(operand, negated: true), try FunctionRegistry.builtin.bind("=", arguments: [all, present]),
                ]),
            ]))
        // The counts were needed here only.
        plan = .project(input: plan, items: Array(plan.outputItems.prefix(count)))
    }

    private func isZero(_ count: BoundExpression) throws(TidemillError) -> BoundExpression {
        try FunctionRegistry.builtin.bind(
            "=", arguments: [.coalesce([count, .literal(.bigint(0))]), .literal(.bigint(0))])
    }

    /// How many rows the subquery has for each row of the plan, and how many of them have a value; NULL for none.
    private mutating func joinCounts(
        _ inner: Unnested, _ call: SubqueryCall
    ) throws(TidemillError) -> (all: BoundExpression, present: BoundExpression) {
        let registry = FunctionRegistry.builtin
        let calls = [
            NamedAggregate("__rows", try registry.bindAggregate("count", arguments: [])),
            NamedAggregate("__values", try registry.bindAggregate("count", arguments: [inner.outputs[0]])),
        ]
        let columns = try joinGroups(inner, calls, call)
        return (columns[0], columns[1])
    }

    /// Aggregates over the subquery's rows of each plan row, as columns of the plan.
    private mutating func joinGroups(
        _ inner: Unnested, _ calls: [NamedAggregate], marker: Bool = false, _ call: SubqueryCall
    ) throws(TidemillError) -> [BoundExpression] {
        let equalities = inner.equalities ?? []
        let groups = equalities.enumerated().map { NamedExpression("__outer\($0)", $1.inner) }
        var right = LogicalPlan.aggregate(
            LogicalPlan.Aggregate(input: inner.plan, groups: groups, aggregates: calls))
        if marker { right = marked(right) }
        var conditions: [BoundExpression] = []
        for (item, var equality) in zip(right.outputItems, equalities) {
            equality.inner = item.expression
            conditions.append(try equality.condition)
        }
        let start = plan.schema.count + groups.count
        // Without groups there is exactly one row.
        join(groups.isEmpty ? .inner : .left, right, on: conditions, call)
        return plan.outputItems[start...].map(\.expression)
    }

    /// The plan with a column that is NULL only where a left join found nothing.
    private func marked(_ plan: LogicalPlan) -> LogicalPlan {
        .project(input: plan, items: plan.outputItems + [NamedExpression("__found", .true)])
    }

    // MARK: Values

    private mutating func value(of call: SubqueryCall) throws(TidemillError) -> BoundExpression {
        switch call.form {
        case .scalar: return try scalar(call)
        case .exists:
            let inner = try unnested(call)
            if inner.isOneRow { return .true }
            if inner.conditions.isEmpty {
                let count = NamedAggregate("__rows", try FunctionRegistry.builtin.bindAggregate("count", arguments: []))
                return .not(try isZero(try joinGroups(inner, [count], call)[0]))
            }
            return .isNull(try joinGroups(inner, [], marker: true, call)[0], negated: true)
        case .contains(let operands): return try contains(operands, call)
        }
    }

    private mutating func scalar(_ call: SubqueryCall) throws(TidemillError) -> BoundExpression {
        var inner = try unnested(call, needsEqualities: false)
        if !inner.isOneRow, !isUnique(inner) || inner.equalities == nil {
            if inner.equalities == nil || inner.outputs[0].hasParameters { inner = try domain(call) }
            if !isUnique(inner) { return try onlyValue(inner, call) }
        }
        settle(&inner)
        let isAlways = inner.isOneRow && inner.conditions.isEmpty
        let result = attached(inner.outputs[0], call, isOptional: !isAlways)
        join(isAlways ? .inner : .left, inner.plan, on: inner.conditions, call)
        return result
    }

    /// Makes the outputs NULL where a left join finds nothing, whatever their expressions make of NULLs.
    private func settle(_ inner: inout Unnested) {
        guard !inner.isOneRow else { return }
        var items = inner.plan.outputItems
        let width = items.count
        let needsMarker = inner.outputs.contains(where: \.hasParameters)
        if needsMarker { items.append(NamedExpression("__found", .true)) }
        let found = BoundExpression.isNull(.column(index: width, type: .boolean, nullable: true), negated: true)
        for index in inner.outputs.indices where !inner.outputs[index].isColumn {
            let output = inner.outputs[index]
            if output.hasParameters {
                inner.outputs[index] = .conditional(
                    .init(branches: [.init(when: found, then: output)], otherwise: .null(output.type)))
            } else {
                inner.outputs[index] = .column(index: items.count, type: output.type, nullable: output.nullable)
                items.append(NamedExpression("__value\(index)", output))
            }
        }
        if items.count > width { inner.plan = .project(input: inner.plan, items: items) }
    }

    /// LATERAL: the subquery's columns for each of its rows, or with `isOuter` a row of NULLs where it has none.
    mutating func lateral(_ call: SubqueryCall, isOuter: Bool) throws(TidemillError) -> [BoundExpression] {
        var inner = try unnested(call, needsEqualities: false)
        let isAlways = inner.isOneRow && inner.conditions.isEmpty
        let isLeft = !isAlways && (isOuter || inner.isOneRow)
        if isLeft { settle(&inner) }
        let columns = inner.outputs.map { attached($0, call, isOptional: isLeft) }
        join(isLeft ? .left : .inner, inner.plan, on: inner.conditions, call)
        return columns
    }

    /// Whether no plan row meets more than one row of the subquery.
    private func isUnique(_ inner: Unnested) -> Bool {
        guard let key = KeyDerivation(tableKey: { _ in nil }).key(of: inner.plan), let equalities = inner.equalities
        else { return false }
        return key.allSatisfy { column in
            equalities.contains { if case .column(column, _, _) = $0.inner { true } else { false } }
        }
    }

    /// Of several rows no one could be chosen: the value together with its count, which is checked where it is used.
    private mutating func onlyValue(_ inner: Unnested, _ call: SubqueryCall) throws(TidemillError) -> BoundExpression {
        let registry = FunctionRegistry.builtin
        let calls = [
            NamedAggregate("__value", try registry.bindAggregate("max", arguments: [inner.outputs[0]])),
            NamedAggregate("__rows", try registry.bindAggregate("count", arguments: [])),
        ]
        let columns = try joinGroups(inner, calls, call)
        return try registry.bind("scalar subquery", arguments: columns, span: call.span)
    }

    private mutating func contains(
        _ operands: [BoundExpression], _ call: SubqueryCall
    ) throws(TidemillError) -> BoundExpression {
        var inner = try unnested(call)
        let registry = FunctionRegistry.builtin
        if inner.isOneRow {
            var tests: [BoundExpression] = []
            let isAlways = inner.conditions.isEmpty
            for (operand, output) in zip(operands, inner.outputs) {
                let value = attached(output, call, isOptional: !isAlways)
                tests.append(try registry.bind("=", arguments: [operand, value]))
            }
            join(isAlways ? .inner : .left, inner.plan, on: inner.conditions, call)
            return Conjunction.join(tests) ?? .true
        }
        if inner.outputs.contains(where: \.hasParameters) { inner = try domain(call) }
        let isSure = !operands.contains(where: \.nullable) && !inner.outputs.contains(where: \.nullable)
        guard isSure || operands.count == 1 else {
            throw AnalysisError.unsupported(
                "IN with several columns that can be NULL is supported only as a condition of its own",
                hint: "write it as EXISTS with conditions", call.span)
        }
        let found = try joinMatch(operands, inner, call)
        if isSure { return found }
        let (all, present) = try joinCounts(inner, call)
        let unknown = BoundExpression.or([
            .isNull(operands[0], negated: false), try registry.bind("<", arguments: [present, all]),
        ])
        return .conditional(
            .init(
                branches: [
                    .init(when: found, then: .true), .init(when: try isZero(all), then: .false),
                    .init(when: unknown, then: .null(.boolean)),
                ], otherwise: .false))
    }

    /// Whether some row of the subquery equals the operands.
    private mutating func joinMatch(
        _ operands: [BoundExpression], _ inner: Unnested, _ call: SubqueryCall
    ) throws(TidemillError) -> BoundExpression {
        let equalities = inner.equalities ?? []
        var groups = equalities.enumerated().map { NamedExpression("__outer\($0)", $1.inner) }
        groups += inner.outputs.enumerated().map { NamedExpression("__member\($0)", $1) }
        let right = marked(.aggregate(LogicalPlan.Aggregate(input: inner.plan, groups: groups, aggregates: [])))
        let columns = right.outputItems.map(\.expression)
        var conditions: [BoundExpression] = []
        for (index, var equality) in equalities.enumerated() {
            equality.inner = columns[index]
            conditions.append(try equality.condition)
        }
        let members = Array(columns[equalities.count..<groups.count])
        conditions += try self.equalities(operands, members, call)
        join(.left, right, on: conditions, call)
        guard let marker = plan.outputItems.last?.expression else { throw .internal("no marker") }
        return .isNull(marker, negated: true)
    }
}

extension BoundExpression {
    fileprivate func replacingColumns(_ replacement: (Int, DataType, Bool) -> BoundExpression) -> BoundExpression {
        if case .column(let index, let type, let nullable) = self { return replacement(index, type, nullable) }
        return mapChildren { $0.replacingColumns(replacement) }
    }
}
