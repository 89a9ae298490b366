/// Gathers the aggregates of one SELECT while its expressions are bound, and turns those expressions into ones over the
/// aggregate's output.
///
/// Binding happens over the aggregate's input; each distinct aggregate call becomes a column behind the input's last.
/// `lower` then replaces group expressions and these columns by positions of the aggregate's output. What is left over
/// refers to columns that were neither grouped nor aggregated.
final class AggregateCollector {
    let input: AnalyzedRelation
    private let inputCount: Int
    private(set) var groups: [NamedExpression] = []
    private(set) var aggregates: [NamedAggregate] = []
    private(set) var spans: [SourceSpan] = []

    init(_ input: AnalyzedRelation) {
        self.input = input
        inputCount = input.plan.schema.count
    }

    /// The column that stands for the call's result; equal calls share one.
    func add(_ call: NamedAggregate, _ span: SourceSpan) -> BoundExpression {
        var position = aggregates.firstIndex { $0.aggregate == call.aggregate && $0.filter == call.filter }
        if position == nil {
            aggregates.append(call)
            spans.append(span)
            position = aggregates.count - 1
        }
        let index = inputCount + (position ?? 0)
        return .column(index: index, type: call.aggregate.resultType, nullable: call.aggregate.nullable)
    }

    func addGroup(_ group: NamedExpression) {
        if !groups.contains(where: { $0.expression == group.expression }) { groups.append(group) }
    }

    /// - Parameter source: the expression as written, to find the place of a column that is not grouped.
    func lower(_ bound: BoundExpression, _ source: Expression?) throws(TidemillError) -> BoundExpression {
        if let position = groups.firstIndex(where: { $0.expression == bound }) {
            return .column(index: position, type: bound.type, nullable: bound.nullable)
        }
        if case .column(let index, let type, let nullable) = bound {
            if index >= inputCount {
                return .column(index: groups.count + index - inputCount, type: type, nullable: nullable)
            }
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

    /// The aggregate over `plan` (the input, perhaps filtered).
    ///
    /// When every call is DISTINCT over the same arguments, duplicates are removed by an aggregate below. DISTINCT
    /// means nothing to min, max and their kin and is dropped there.
    func plan(consumer: Consumer) throws(TidemillError) -> LogicalPlan {
        var calls = aggregates
        for index in calls.indices where calls[index].aggregate.kind.ignoresDuplicates {
            calls[index].aggregate.distinct = false
        }
        if groups.isEmpty, calls.isEmpty {
            // One row even over no input, as HAVING without aggregates asks for.
            calls = [NamedAggregate("count(1)", try FunctionRegistry.builtin.bindAggregate("count", arguments: []))]
        }
        guard let first = calls.firstIndex(where: \.aggregate.distinct) else {
            return .aggregate(
                LogicalPlan.Aggregate(input: input.plan, groups: groups, aggregates: calls, session: session))
        }
        if session != nil {
            throw AnalysisError.unsupported(
                "DISTINCT aggregates by session: \(calls[first].name)",
                hint: "collect the sessions' rows in one table and count in a view over it", spans[first])
        }
        let arguments = calls[first].aggregate.arguments.map(AggregateCollector.withoutWidening)
        let isUniform = calls.allSatisfy { call in
            call.filter == nil && call.aggregate.arguments.map(AggregateCollector.withoutWidening) == arguments
                && (call.aggregate.distinct || call.aggregate.kind.ignoresDuplicates)
        }
        guard isUniform else {
            throw AnalysisError.unsupported(
                "DISTINCT aggregates beside others are not supported yet: \(calls[first].name)",
                hint: "compute them in a query of their own over the same arguments, and join the results",
                spans[first])
        }
        return deduplicated(calls, arguments)
    }

    /// The group that is the session of `session_window(…)`.
    private var session: Int? {
        guard let window = input.scope.timeWindow, window.isSession else { return nil }
        return groups.firstIndex { $0.expression == window.column.bound }
    }

    /// The argument before the cast that `sum` and `avg` put around it: values are told apart as they were written.
    private static func withoutWidening(_ argument: BoundExpression) -> BoundExpression {
        guard case .cast(let operand, let type, false) = argument else { return argument }
        switch (operand.type, type) {
        case (.tinyint, .bigint), (.smallint, .bigint), (.int, .bigint): return operand
        case (.tinyint, .double), (.smallint, .double), (.int, .double), (.bigint, .double), (.float, .double):
            return operand
        default: return argument
        }
    }

    private func deduplicated(_ calls: [NamedAggregate], _ arguments: [BoundExpression]) -> LogicalPlan {
        var inner = groups
        let schema = input.plan.schema
        for argument in arguments where !inner.contains(where: { $0.expression == argument }) {
            inner.append(NamedExpression(argument.describe { schema[$0].name }, argument))
        }
        let below = LogicalPlan.aggregate(LogicalPlan.Aggregate(input: input.plan, groups: inner, aggregates: []))
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
        case .min, .max, .boolAnd, .boolOr: true
        default: false
        }
    }
}
