// Subqueries as values and as relations: left joins with what is known of their rows.

extension SubqueryResolver {
    mutating func value(of call: SubqueryCall) throws(TidemillError) -> BoundExpression {
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

    mutating func scalar(_ call: SubqueryCall) throws(TidemillError) -> BoundExpression {
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
    func settle(_ inner: inout Unnested) {
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
    func isUnique(_ inner: Unnested) -> Bool {
        guard let key = KeyDerivation(tableKey: { _ in nil }).key(of: inner.plan), let equalities = inner.equalities
        else { return false }
        return key.allSatisfy { column in
            equalities.contains { if case .column(column, _, _) = $0.inner { true } else { false } }
        }
    }

    /// Of several rows no one could be chosen: the value together with its count, which is checked where it is used.
    mutating func onlyValue(_ inner: Unnested, _ call: SubqueryCall) throws(TidemillError) -> BoundExpression {
        let registry = FunctionRegistry.builtin
        let calls = [
            NamedAggregate("__value", try registry.bindAggregate("max", arguments: [inner.outputs[0]])),
            NamedAggregate("__rows", try registry.bindAggregate("count", arguments: [])),
        ]
        let columns = try joinGroups(inner, calls, call)
        return try registry.bind("scalar subquery", arguments: columns, span: call.span).located(at: call.span)
    }

    mutating func contains(
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
    mutating func joinMatch(
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
