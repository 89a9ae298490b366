// Function calls: what may stand in and behind the parentheses, time functions, aggregates.

extension ExpressionBinder {
    func bindCall(_ call: FunctionCall, _ expression: Expression) throws(TidemillError) -> BoundExpression {
        let span = expression.span
        let name = call.name.last.name
        if name.lowercased() == "struct", !call.arguments.isEmpty, call.arguments.allSatisfy({ $0.name == nil }) {
            return try structure(call, span)
        }
        if let named = call.arguments.first(where: { $0.name != nil || $0.alias != nil }) {
            throw AnalysisError.unsupported("named arguments are not supported: \(name)", named.value.span)
        }
        if let window = try timeWindow(call, expression) { return window }
        if let over = call.over { return try bindWindow(call, over, expression) }
        if expression.aggregateCall != nil { return try bindAggregate(call, expression) }
        if registry.isWindow(name) {
            throw AnalysisError.user(
                "WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE", "the window function `\(name)` needs an OVER clause",
                hint: "write \(name)(…) OVER (ORDER BY …)", span)
        }
        if call.isDistinct {
            throw AnalysisError.user(
                "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX",
                "the function `\(name)` does not support DISTINCT", hint: "only aggregate functions do", span)
        }
        if call.filter != nil {
            throw AnalysisError.user(
                "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX",
                "the function `\(name)` does not support the FILTER clause", hint: "only aggregate functions do", span)
        }
        if registry.isGenerator(name) {
            throw AnalysisError.user(
                "UNSUPPORTED_GENERATOR.OUTSIDE_SELECT", "a generator outside the select list: \(expression.sql)",
                hint: "generators stand in the select list, in LATERAL VIEW and in FROM", span)
        }
        // Of an unknown function its name is the mistake, whatever stands in the parentheses.
        if !registry.isScalar(name) { _ = try registry.bind(name, arguments: [], span: span) }
        let function = call.arguments.count == 3 ? ExpressionBinder.unitFunction(name) ?? name : name
        let bound = try registry.bind(function, arguments: bindAll(call.arguments.map(\.value)), span: span)
        return try checked(bound, name, span)
    }

    /// What functions of two arguments are with a unit of time in front, which the parser makes a text.
    private static func unitFunction(_ name: String) -> String? {
        switch name.lowercased() {
        case "dateadd", "date_add": "timestampadd"
        case "datediff", "date_diff": "timestampdiff"
        default: nil
        }
    }

    /// Fields of `struct(…)` are named as the columns they come from.
    private func structure(_ call: FunctionCall, _ span: SourceSpan) throws(TidemillError) -> BoundExpression {
        var arguments: [BoundExpression] = []
        for (index, argument) in call.arguments.enumerated() {
            var name = argument.alias?.name ?? "col\(index + 1)"
            if argument.alias == nil, case .column(let column) = argument.value.kind { name = column.last.name }
            if argument.alias == nil, case .field(_, let field) = argument.value.kind { name = field.name }
            arguments += [.string(name), try bind(argument.value)]
        }
        return try registry.bind("named_struct", arguments: arguments, span: span)
    }

    /// Functions whose value depends on the moment or on chance, by what the consumer can keep.
    private func checked(
        _ bound: BoundExpression, _ name: String, _ span: SourceSpan
    ) throws(TidemillError) -> BoundExpression {
        if context.settings.fixedNow != nil, bound.dependsOnTime { return context.fixingTime(bound) }
        guard context.consumer.isView else { return bound }
        if bound.dependsOnTime {
            throw AnalysisError.unsupported(
                "\(name) in a materialized view needs refresh epochs, which do not exist yet",
                hint: "fix the clock with --set tidemill.now=2024-06-01T00:00:00Z, or compute it in a streaming table",
                span)
        }
        if case .call = bound, !bound.isDeterministic {
            throw AnalysisError.user(
                "TIDEMILL_NONDETERMINISTIC_VIEW",
                "a materialized view cannot use a non-deterministic function: \(name)",
                hint: "its rows could not be retracted; use it in a streaming table, whose rows are final", span)
        }
        return bound
    }

    private func bindAggregate(
        _ call: FunctionCall, _ expression: Expression
    ) throws(TidemillError) -> BoundExpression {
        let span = expression.span
        let name = call.name.last.name
        let collector: AggregateCollector
        switch aggregates {
        case .collected(let by): collector = by
        case .refused(let clause): throw ExpressionBinder.refusal(of: expression, in: clause)
        }
        if !call.withinGroup.isEmpty {
            throw AnalysisError.unsupported("WITHIN GROUP is not supported yet: \(name)", span)
        }
        var inner = ExpressionBinder(context, collector.input.scope, aggregates: .refused(in: .argument))
        inner.subqueries = collector.subqueries
        if ["grouping", "grouping_id"].contains(name.lowercased()) {
            return try collector.grouping(name, inner.bindAll(call.arguments.map(\.value)), span)
        }
        if name.lowercased() == "count", call.arguments.isEmpty {
            throw AnalysisError.user(
                "WRONG_NUM_ARGS.WITH_SUGGESTION", "the function `count` requires at least 1 argument but there is none",
                hint: "write count(*)", span)
        }
        var arguments: [BoundExpression] = []
        for argument in call.arguments {
            if case .star(let star) = argument.value.kind {
                // count(*) counts rows; count(DISTINCT *) and count(t.*) count columns.
                guard name.lowercased() == "count", call.arguments.count == 1, star.except.isEmpty else {
                    throw AnalysisError.user(
                        "INVALID_USAGE_OF_STAR_OR_REGEX", "* is not allowed in \(name)", hint: "name the columns",
                        argument.value.span)
                }
                if star.qualifier == nil, !call.isDistinct { continue }
                let columns = try context.columns(of: star, in: collector.input.scope, argument.value.span)
                arguments += columns.map(\.bound)
            } else {
                arguments.append(try inner.bind(argument.value))
            }
        }
        if let bad = arguments.first(where: { !$0.isDeterministic }) {
            throw AnalysisError.user(
                "AGGREGATE_FUNCTION_WITH_NONDETERMINISTIC_EXPRESSION",
                "non-deterministic expression in the arguments of an aggregate function: \(bad)",
                hint: "compute it in a subquery first", span)
        }
        let bound = try registry.bindAggregate(
            name, arguments: arguments, distinct: call.isDistinct, ignoreNulls: call.nullTreatment == .ignore,
            span: span
        ).located(at: span)
        let filter: BoundExpression? =
            if let condition = call.filter { try inner.predicate(condition, in: "FILTER (WHERE …)") } else { nil }
        return collector.add(NamedAggregate(expression.sql, bound, filter: filter), span)
    }

    static func refusal(of expression: Expression, in clause: Clause) -> TidemillError {
        let text = expression.sql
        let span = expression.span
        switch clause {
        case .filter:
            return AnalysisError.user(
                "INVALID_WHERE_CONDITION", "the WHERE condition contains an aggregate function: \(text)",
                hint: "conditions on aggregates go into HAVING", span)
        case .groupBy:
            return AnalysisError.user(
                "GROUP_BY_AGGREGATE", "aggregate functions are not allowed in GROUP BY: \(text)",
                hint: "group by plain columns or expressions", span)
        case .argument:
            return AnalysisError.user(
                "NESTED_AGGREGATE_FUNCTION",
                "an aggregate function cannot be used in the argument of another aggregate function: \(text)",
                hint: "use the inner one in a subquery", span)
        case .pipe:
            return AnalysisError.user(
                "PIPE_OPERATOR_CONTAINS_AGGREGATE_FUNCTION",
                "an aggregate function is not allowed in this pipe operator: \(text)", hint: "use |> AGGREGATE", span)
        case .join, .values, .limit, .property:
            return AnalysisError.user(
                "TIDEMILL_MISPLACED_AGGREGATE",
                "an aggregate function is not allowed in \(clause.rawValue): \(text)",
                hint: "compute it in a subquery", span)
        }
    }
}
