// window(…) and session_window(…): a column of the relation below the select list.
//
// As in Spark, the call is taken out of the SELECT: the relation gets the window as one more column, which the call
// then means wherever it stands, and which `window` or `session_window` names. Rows without a time fall into no
// window.

/// The window column that a SELECT's call stands for.
struct TimeWindowColumn {
    /// The call's text, lower case: equal calls are one.
    var call: String
    var column: Scope.Column
    var isSession: Bool
}

extension QueryAnalyzer {
    private static let windowFunctions: Set<String> = ["window", "session_window"]

    /// The relation with the window that the expressions call.
    func windowed(
        _ relation: AnalyzedRelation, _ expressions: [Expression]
    ) throws(TidemillError) -> AnalyzedRelation {
        var calls: [(call: FunctionCall, expression: Expression)] = []
        expressions.forEach { QueryAnalyzer.collectWindows($0, into: &calls) }
        guard let first = calls.first else { return relation }
        let text = first.expression.sql.lowercased()
        if let other = calls.first(where: { $0.expression.sql.lowercased() != text }) {
            throw AnalysisError.user(
                "MULTI_TIME_WINDOW_EXPRESSIONS_NOT_SUPPORTED",
                "a SELECT can use one window: \(first.expression.sql) and \(other.expression.sql)",
                hint: "compute one of them in a subquery below", other.expression.span)
        }
        let binder = ExpressionBinder(self, relation.scope, aggregates: .refused(in: .groupBy))
        let isSession = first.call.name.last.name.lowercased() == "session_window"
        return try isSession
            ? sessions(relation, first.call, first.expression, binder, text)
            : windows(relation, first.call, first.expression, binder, text)
    }

    /// Every expression of a SELECT that may call a window.
    static func windowExpressions(_ select: Select) -> [Expression] {
        var all = select.items.map(\.expression)
        if let groupBy = select.groupBy { all += expressions(of: groupBy) }
        if let having = select.having { all.append(having) }
        return all
    }

    static func expressions(of groupBy: GroupBy) -> [Expression] {
        groupBy.elements.compactMap { if case .expression(let expression) = $0.kind { expression } else { nil } }
    }

    private static func collectWindows(
        _ expression: Expression, into calls: inout [(call: FunctionCall, expression: Expression)]
    ) {
        if case .function(let call) = expression.kind, call.over == nil, call.name.parts.count == 1,
            windowFunctions.contains(call.name.last.name.lowercased())
        {
            calls.append((call, expression))
            return
        }
        for child in expression.children { collectWindows(child, into: &calls) }
    }

    // MARK: window

    private func windows(
        _ relation: AnalyzedRelation, _ call: FunctionCall, _ expression: Expression, _ binder: ExpressionBinder,
        _ text: String
    ) throws(TidemillError) -> AnalyzedRelation {
        guard (2...4).contains(call.arguments.count) else {
            throw argumentError("window(time, size [, slide [, start]])", expression)
        }
        let time = try windowTime(call.arguments[0].value, binder, "window")
        let size = try duration(call.arguments[1].value, binder, "size")
        let slide = call.arguments.count > 2 ? try duration(call.arguments[2].value, binder, "slide") : size
        let offset = call.arguments.count > 3 ? try duration(call.arguments[3].value, binder, "start") : 0
        func refused(_ what: String) -> TidemillError {
            AnalysisError.user(
                "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION", "\(what) in \(expression.sql)",
                hint: "for example window(ts, '10 minutes', '5 minutes')", expression.span)
        }
        if size <= 0 { throw refused("the size of a window must be greater than 0") }
        if slide <= 0 { throw refused("the slide of a window must be greater than 0") }
        if slide > size { throw refused("the slide of a window must not be greater than its size") }
        if offset.magnitude >= slide.magnitude { throw refused("the start of a window must be less than its slide") }
        guard size / slide <= 100_000 else {
            throw TidemillError(
                .limit, "TIDEMILL_WINDOWS_PER_ROW", "a row would fall into \(size / slide) windows: \(expression.sql)",
                hint: "use a larger slide", place: .sql(expression.span))
        }
        let plan: LogicalPlan
        if size == slide {
            let window = try FunctionRegistry.builtin.bind(
                "tumbling window",
                arguments: [time, .literal(.bigint(size)), .literal(.bigint(offset))], span: expression.span)
            plan = QueryAnalyzer.adding(window, "window", to: relation.plan, where: time)
        } else {
            plan = .timeWindows(
                LogicalPlan.TimeWindows(input: relation.plan, time: time, size: size, slide: slide, offset: offset))
        }
        return with(relation, plan, "window", text, isSession: false)
    }

    // MARK: session_window

    private func sessions(
        _ relation: AnalyzedRelation, _ call: FunctionCall, _ expression: Expression, _ binder: ExpressionBinder,
        _ text: String
    ) throws(TidemillError) -> AnalyzedRelation {
        guard call.arguments.count == 2 else { throw argumentError("session_window(time, gap)", expression) }
        let time = try windowTime(call.arguments[0].value, binder, "session_window")
        let place = call.arguments[1].value
        let written = try binder.bind(place)
        let registry = FunctionRegistry.builtin
        let gap = QueryAnalyzer.asInterval(registry.fold(written)) ?? written
        let isText = gap.type == .string && gap.literalValue.map { parseIntervalString($0.string ?? "") } != .some(nil)
        guard gap.type.isDayTimeInterval || isText else {
            throw AnalysisError.user(
                "CANNOT_PARSE_INTERVAL", "the gap of a session is no interval: \(place.sql)",
                hint: "for example '5 minutes', or CASE WHEN … THEN INTERVAL 5 MINUTES ELSE INTERVAL 10 MINUTES END",
                place.span)
        }
        let window = try registry.bind(
            isText ? "session start window of text" : "session start window", arguments: [time, gap],
            span: expression.span)
        var condition = BoundExpression.isNull(time, negated: true)
        if gap.literalValue?.integer ?? 0 <= 0 {
            // A row whose gap is not positive opens no session. Its time counts for the watermark all the same: one
            // condition that reads the time stays above it.
            let end = try registry.bind("window end", arguments: [window], span: place.span)
            let opens = try registry.bind(">", arguments: [end, time], span: place.span)
            condition = .conditional(
                .init(branches: [.init(when: condition, then: opens)], otherwise: .null(.boolean)))
        }
        let plan = QueryAnalyzer.adding(window, "session_window", to: relation.plan, filter: condition)
        return with(relation, plan, "session_window", text, isSession: true)
    }

    /// A gap written as text is an interval: also inside CASE, if() and coalesce.
    private static func asInterval(_ gap: BoundExpression) -> BoundExpression? {
        switch gap {
        case _ where gap.type.isDayTimeInterval: return gap
        case .literal(let scalar):
            guard let text = scalar.string, let micros = QueryAnalyzer.micros(parseIntervalString(text)) else {
                return nil
            }
            return .literal(Scalar(.dayToSecond, .integer(micros)))
        case .conditional(var conditional):
            guard let otherwise = asInterval(conditional.otherwise) else { return nil }
            conditional.otherwise = otherwise
            for index in conditional.branches.indices {
                guard let then = asInterval(conditional.branches[index].then) else { return nil }
                conditional.branches[index].then = then
            }
            return .conditional(conditional)
        case .coalesce(let operands):
            let intervals = operands.compactMap(asInterval)
            return intervals.count == operands.count ? .coalesce(intervals) : nil
        default: return nil
        }
    }

    // MARK: Parts

    private static func adding(
        _ window: BoundExpression, _ name: String, to plan: LogicalPlan, where time: BoundExpression
    ) -> LogicalPlan {
        adding(window, name, to: plan, filter: time.nullable ? .isNull(time, negated: true) : nil)
    }

    private static func adding(
        _ window: BoundExpression, _ name: String, to plan: LogicalPlan, filter condition: BoundExpression?
    ) -> LogicalPlan {
        let input = condition.map { LogicalPlan.filter(input: plan, predicate: $0) } ?? plan
        return .project(input: input, items: plan.outputItems + [NamedExpression(name, window)])
    }

    private func with(
        _ relation: AnalyzedRelation, _ plan: LogicalPlan, _ name: String, _ text: String, isSession: Bool
    ) -> AnalyzedRelation {
        let column = Scope.Column(
            name: name, qualifier: [], index: relation.plan.schema.count, type: .timeWindow, nullable: false,
            isGenerated: true)
        var result = relation
        result.plan = plan
        result.scope.columns.append(column)
        result.scope.timeWindow = TimeWindowColumn(call: text, column: column, isSession: isSession)
        return result
    }

    /// The time of a row: a timestamp, or the time of a window that is windowed again.
    private func windowTime(
        _ expression: Expression, _ binder: ExpressionBinder, _ function: String
    ) throws(TidemillError) -> BoundExpression {
        let bound = try binder.bind(expression)
        let registry = FunctionRegistry.builtin
        switch bound.type {
        case .timestamp: return bound
        case .timeWindow where function == "window":
            return try registry.bind("window_time", arguments: [bound], span: expression.span)
        case .timestampNTZ, .date, .string: return .cast(bound, to: .timestamp, try: false)
        default:
            throw AnalysisError.user(
                "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                "the first parameter of \(function) must be a TIMESTAMP, not \(bound.type.sql): \(expression.sql)",
                hint: "convert it with CAST(… AS TIMESTAMP)", expression.span)
        }
    }

    /// A constant interval without months, in microseconds: `'10 minutes'` or INTERVAL 10 MINUTES.
    private func duration(
        _ expression: Expression, _ binder: ExpressionBinder, _ what: String
    ) throws(TidemillError) -> Int64 {
        let bound = FunctionRegistry.builtin.fold(try binder.bind(expression))
        if let value = bound.literalValue {
            if value.type.isDayTimeInterval, let micros = value.integer { return micros }
            if let text = value.string, let micros = QueryAnalyzer.micros(parseIntervalString(text)) { return micros }
        }
        throw AnalysisError.user(
            "CANNOT_PARSE_INTERVAL",
            "the \(what) of a window must be a constant interval of weeks to microseconds: \(expression.sql)",
            hint: "for example '10 minutes'; months have no fixed length", expression.span)
    }

    private static func micros(_ interval: IntervalLiteral?) -> Int64? {
        guard let interval, interval.months == 0 else { return nil }
        let (sum, overflow) = (Int64(interval.days) * 86_400_000_000).addingReportingOverflow(interval.microseconds)
        return overflow ? nil : sum
    }

    private func argumentError(_ usage: String, _ expression: Expression) -> TidemillError {
        AnalysisError.user(
            "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "wrong number of arguments: \(expression.sql)", hint: "write \(usage)",
            expression.span)
    }
}

extension ExpressionBinder {
    /// `window(…)` or `session_window(…)` as the column it was given; nil if the call is no such one.
    func timeWindow(_ call: FunctionCall, _ expression: Expression) throws(TidemillError) -> BoundExpression? {
        let name = call.name.last.name.lowercased()
        guard name == "window" || name == "session_window" else { return nil }
        if let window = scope.timeWindow, window.call == expression.sql.lowercased() { return window.column.bound }
        throw AnalysisError.user(
            "TIDEMILL_MISPLACED_WINDOW", "\(name)(…) is not possible here: \(expression.sql)",
            hint: "it stands in the select list and in GROUP BY; compute it in a subquery and use its column",
            expression.span)
    }

    /// `w.start`, `t.w.end`: a field of a column that is a window.
    func windowField(_ name: QualifiedName) throws(TidemillError) -> BoundExpression? {
        guard name.parts.count > 1 else { return nil }
        let found = scope.matches(Array(name.names.dropLast())).filter { $0.type == .timeWindow }
        guard let column = found.first else { return nil }
        guard found.count == 1 else { throw AnalysisError.ambiguous(name, found) }
        return try windowField(column.bound, name.last, name.span)
    }

    func windowField(
        _ window: BoundExpression, _ field: Identifier, _ span: SourceSpan
    ) throws(TidemillError) -> BoundExpression {
        guard ["start", "end"].contains(field.name.lowercased()) else {
            throw AnalysisError.user(
                "FIELD_NOT_FOUND", "no such struct field `\(field.name)` in `start`, `end`",
                hint: "a window has start and end", span)
        }
        return try registry.bind("window \(field.name.lowercased())", arguments: [window], span: span)
    }
}
