/// Gathers the aggregates of one SELECT while its expressions are bound, and turns those expressions into ones over the
/// aggregate's output.
///
/// Binding happens over the aggregate's input; each distinct aggregate call becomes a column of
/// `ColumnSpace.aggregates`.
/// `lower` then replaces group expressions and these columns by positions of the aggregate's output. What is left over
/// refers to columns that were neither grouped nor aggregated.
final class AggregateCollector {
    let input: AnalyzedRelation
    /// Subqueries inside groups and arguments: joined to the input.
    let subqueries = SubqueryCollector()
    private(set) var groups: [NamedExpression] = []
    private(set) var aggregates: [NamedAggregate] = []
    private(set) var spans: [SourceSpan] = []

    /// Rows that count for calls that are added now, beside the calls' own filters.
    var filter: BoundExpression?
    /// GROUPING SETS, ROLLUP, CUBE: of each set the positions of its groups.
    private(set) var sets: [[Int]]?
    /// What grouping(…) calls ask for: the position of a group, or nil for the whole grouping_id.
    private var groupingCalls: [Int?] = []

    init(_ input: AnalyzedRelation) { self.input = input }

    /// The column that stands for the call's result; equal calls share one.
    func add(_ call: NamedAggregate, _ span: SourceSpan) -> BoundExpression {
        var call = call
        if let filter { call.filter = call.filter.map { .and([filter, $0]) } ?? filter }
        var position = aggregates.firstIndex { $0.aggregate == call.aggregate && $0.filter == call.filter }
        if position == nil {
            aggregates.append(call)
            spans.append(span)
            position = aggregates.count - 1
        }
        let index = ColumnSpace.aggregates + (position ?? 0)
        return .column(index: index, type: call.aggregate.resultType, nullable: call.aggregate.nullable)
    }

    func addGroup(_ group: NamedExpression) { _ = position(of: group) }

    /// - Parameter lists: of each grouping set its groups.
    func addSets(_ lists: [[NamedExpression]]) { sets = lists.map { list in list.map(position) } }

    private func position(of group: NamedExpression) -> Int {
        if let known = groups.firstIndex(where: { $0.expression == group.expression }) { return known }
        groups.append(group)
        return groups.count - 1
    }

    /// Groups of the aggregate: beside those of the query the number of the grouping set.
    private var groupCount: Int { groups.count + (sets == nil ? 0 : 1) + (hasEqualSets ? 1 : 0) }
    /// Two equal sets give their rows twice, so their numbers alone do not tell them apart.
    private var hasEqualSets: Bool { sets.map { Set($0.map(groupingID)).count < $0.count } ?? false }

    /// A bit for each group, the first one highest: 1 where the group is not in the set.
    private func groupingID(_ set: [Int]) -> Int64 {
        groups.indices.reduce(0) { $0 << 1 | (set.contains($1) ? 0 : 1) }
    }

    /// `grouping(group)` or `grouping_id(…)`.
    func grouping(
        _ name: String, _ arguments: [BoundExpression], _ span: SourceSpan
    ) throws(TidemillError) -> BoundExpression {
        guard sets != nil else {
            throw AnalysisError.user(
                "UNSUPPORTED_GROUPING_EXPRESSION",
                "\(name)() can only be used with GROUPING SETS, ROLLUP or CUBE", hint: "GROUP BY ROLLUP (…)", span)
        }
        if name.lowercased() == "grouping_id" {
            guard arguments.isEmpty || arguments == groups.map(\.expression) else {
                throw AnalysisError.user(
                    "GROUPING_ID_COLUMN_MISMATCH", "the columns of grouping_id do not match the grouping columns",
                    hint: "leave them out", span)
            }
            groupingCalls.append(nil)
            return .column(index: ColumnSpace.groupings + groupingCalls.count - 1, type: .bigint, nullable: false)
        }
        guard arguments.count == 1, let position = groups.firstIndex(where: { $0.expression == arguments[0] }) else {
            throw AnalysisError.user(
                "GROUPING_COLUMN_MISMATCH", "the column of grouping is none of the grouping columns",
                hint: "columns: \(groups.map(\.name).joined(separator: ", "))", span)
        }
        groupingCalls.append(position)
        return .column(index: ColumnSpace.groupings + groupingCalls.count - 1, type: .tinyint, nullable: false)
    }

    private func lowered(grouping call: Int) throws(TidemillError) -> BoundExpression {
        let id = BoundExpression.column(index: groups.count, type: .bigint, nullable: false)
        guard let position = groupingCalls[call] else { return id }
        let registry = FunctionRegistry.builtin
        let shift = BoundExpression.literal(.int(Int32(groups.count - 1 - position)))
        let shifted = try registry.bind("shiftright", arguments: [id, shift])
        let bit = try registry.bind("&", arguments: [shifted, .literal(.bigint(1))])
        return try registry.explicitCast(bit, to: .tinyint)
    }

    /// - Parameter source: the expression as written, to find the place of a column that is not grouped.
    func lower(_ bound: BoundExpression, _ source: Expression?) throws(TidemillError) -> BoundExpression {
        if let position = groups.firstIndex(where: { $0.expression == bound }) {
            return .column(index: position, type: bound.type, nullable: bound.nullable || sets != nil)
        }
        if case .column(let index, let type, let nullable) = bound {
            if ColumnSpace.isAggregate(index) {
                return .column(
                    index: groupCount + index - ColumnSpace.aggregates, type: type, nullable: nullable)
            }
            if ColumnSpace.isGrouping(index) { return try lowered(grouping: index - ColumnSpace.groupings) }
            // Calls with OVER, subqueries and enclosing rows are dealt with when their own parts are lowered.
            if !ColumnSpace.isPlain(index) { return bound }
            let name = input.scope.columns.first { $0.index == index }?.name ?? "#\(index)"
            let place = source.map { offender(index, in: $0) ?? $0 }
            let text = place?.sql ?? name
            throw groups.isEmpty
                ? AnalysisError.missingGroupBy(text, place?.span) : AnalysisError.missingAggregation(text, place?.span)
        }
        return try bound.mapChildren { child throws(TidemillError) in try lower(child, source) }
    }

    /// The first mention of input column `index` outside aggregate calls.
    private func offender(_ index: Int, in expression: Expression) -> Expression? {
        if expression.aggregateCall != nil { return nil }
        if case .column(let name) = expression.kind {
            return input.scope.matches(name.names).contains { $0.index == index } ? expression : nil
        }
        for child in expression.children {
            if let found = offender(index, in: child) { return found }
        }
        return nil
    }

    /// The aggregate over the input.
    ///
    /// When every call is DISTINCT over the same arguments, duplicates are removed by an aggregate below. DISTINCT
    /// means nothing to min, max and their kin and is dropped there.
    func plan() throws(TidemillError) -> LogicalPlan {
        var resolver = SubqueryResolver(input.plan, subqueries)
        var groups = groups
        for index in groups.indices { groups[index].expression = try resolver.resolved(groups[index].expression) }
        var calls = aggregates
        for index in calls.indices {
            var arguments: [BoundExpression] = []
            for argument in calls[index].aggregate.arguments { arguments.append(try resolver.resolved(argument)) }
            calls[index].aggregate.arguments = arguments
            if let filter = calls[index].filter { calls[index].filter = try resolver.resolved(filter) }
            if calls[index].aggregate.kind.ignoresDuplicates { calls[index].aggregate.distinct = false }
        }
        if groups.isEmpty, calls.isEmpty {
            // One row even over no input, as HAVING without aggregates asks for.
            calls = [NamedAggregate("count(1)", try FunctionRegistry.builtin.bindAggregate("count", arguments: []))]
        }
        if session != nil, sets != nil {
            throw AnalysisError.unsupported("GROUPING SETS with session_window", spans.first)
        }
        let base = expanded(resolver.plan, &groups)
        // A session is known only when its rows are together, so nothing can be done below it.
        if session == nil, let first = calls.firstIndex(where: \.aggregate.distinct) {
            let arguments = calls[first].aggregate.arguments.map(AggregateCollector.withoutWidening)
            let isUniform = calls.allSatisfy { call in
                call.filter == nil && call.aggregate.arguments.map(AggregateCollector.withoutWidening) == arguments
                    && (call.aggregate.distinct || call.aggregate.kind.ignoresDuplicates)
            }
            if isUniform { return deduplicated(base, groups, calls, arguments) }
        }
        return .aggregate(
            LogicalPlan.Aggregate(input: base, groups: groups, aggregates: calls, session: session))
    }

    /// With grouping sets each row once for each set; `groups` become columns of it.
    private func expanded(_ plan: LogicalPlan, _ groups: inout [NamedExpression]) -> LogicalPlan {
        guard let sets else { return plan }
        let columns = plan.outputItems
        var names = columns.map(\.name) + groups.map(\.name) + ["__grouping_id"]
        if hasEqualSets { names.append("__grouping_position") }
        let projections = sets.enumerated().map { number, set in
            var row = columns.map(\.expression)
            for (index, group) in groups.enumerated() {
                row.append(set.contains(index) ? group.expression : .null(group.expression.type))
            }
            row.append(.literal(.bigint(groupingID(set))))
            if hasEqualSets { row.append(.literal(.bigint(Int64(number)))) }
            return row
        }
        let expand = LogicalPlan.expand(LogicalPlan.Expand(input: plan, names: names, projections: projections))
        groups = Array(expand.outputItems[columns.count...])
        return expand
    }

    /// The group that is the session of `session_window(…)`.
    private var session: Int? {
        guard let window = input.scope.timeWindow, window.isSession else { return nil }
        return groups.firstIndex { $0.expression == window.column.bound }
    }

    /// The argument before the cast that `sum` and `avg` put around it: values are told apart as they were written.
    private static func withoutWidening(_ argument: BoundExpression) -> BoundExpression {
        guard case .cast(let operand, let type, false, _) = argument else { return argument }
        switch (operand.type, type) {
        case (.tinyint, .bigint), (.smallint, .bigint), (.int, .bigint): return operand
        case (.tinyint, .double), (.smallint, .double), (.int, .double), (.bigint, .double), (.float, .double):
            return operand
        default: return argument
        }
    }

    private func deduplicated(
        _ base: LogicalPlan, _ groups: [NamedExpression], _ calls: [NamedAggregate], _ arguments: [BoundExpression]
    ) -> LogicalPlan {
        var inner = groups
        let schema = base.schema
        for argument in arguments where !inner.contains(where: { $0.expression == argument }) {
            inner.append(NamedExpression(argument.describe { schema[$0].name }, argument))
        }
        let below = LogicalPlan.aggregate(LogicalPlan.Aggregate(input: base, groups: inner, aggregates: []))
        func output(_ expression: BoundExpression) -> BoundExpression {
            let index = inner.firstIndex { $0.expression == expression } ?? 0
            return .column(index: index, type: expression.type, nullable: expression.nullable)
        }
        var outer = calls
        for index in outer.indices {
            outer[index].aggregate.distinct = false
            outer[index].aggregate.arguments = outer[index].aggregate.arguments.map { argument in
                let plain = AggregateCollector.withoutWidening(argument)
                if plain == argument { return output(argument) }
                return .cast(output(plain), to: argument.type, try: false)
            }
        }
        let outerGroups = groups.map { NamedExpression($0.name, output($0.expression)) }
        return .aggregate(LogicalPlan.Aggregate(input: below, groups: outerGroups, aggregates: outer))
    }
}

extension AggregateKind {
    /// Whether the result is the same over a set as over a bag.
    var ignoresDuplicates: Bool {
        switch self {
        case .min, .max, .boolAnd, .boolOr, .maxBy, .minBy, .bitAnd, .bitOr, .collectSet, .distinctEstimate: true
        default: false
        }
    }
}
