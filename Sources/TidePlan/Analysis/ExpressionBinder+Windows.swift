// Calls with OVER: the window, the function, its frame.

extension ExpressionBinder {
    func bindWindow(
        _ call: FunctionCall, _ over: WindowReference, _ expression: Expression
    ) throws(TidemillError) -> BoundExpression {
        let span = expression.span
        let name = call.name.last.name
        guard let windows else {
            throw AnalysisError.user(
                "WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE", "a window function is not allowed here: \(expression.sql)",
                hint: "conditions on it go into QUALIFY; elsewhere compute it in a subquery", span)
        }
        let specification = try specification(over, windows, span)
        var inner = self
        inner.windows = nil
        let partition = try inner.bindAll(specification.partitionBy)
        var keys: [LogicalPlan.Sort.Key] = []
        for item in specification.orderBy {
            keys.append(
                LogicalPlan.Sort.Key(
                    expression: try inner.bind(item.expression), descending: item.isDescending,
                    nullsFirst: item.putsNullsFirst))
        }
        let function = try function(call, inner, span)
        if case .aggregate = function {
        } else if keys.isEmpty, function.needsOrder {
            throw AnalysisError.user(
                "WINDOW_FUNCTION_FRAME_NOT_ORDERED", "the window function \(name) requires its window to be ordered",
                hint: "add ORDER BY to OVER", span)
        }
        let frame = try frame(specification, &keys, inner)
        return windows.add(
            WindowCollector.Call(
                function: function, frame: frame, partitionBy: partition, orderBy: keys, source: expression))
    }

    private func specification(
        _ over: WindowReference, _ windows: WindowCollector, _ span: SourceSpan
    ) throws(TidemillError) -> WindowSpecification {
        switch over {
        case .specification(let specification): return specification
        case .named(let name):
            guard let found = windows.named[name.name.lowercased()] else {
                throw AnalysisError.user(
                    "MISSING_WINDOW_SPECIFICATION", "the window `\(name.name)` is not defined",
                    hint: "add WINDOW \(name.name) AS (PARTITION BY … ORDER BY …)", name.span)
            }
            return found
        }
    }

    private func function(
        _ call: FunctionCall, _ inner: ExpressionBinder, _ span: SourceSpan
    ) throws(TidemillError) -> WindowFunction {
        let name = call.name.last.name
        if call.isDistinct {
            throw AnalysisError.user(
                "DISTINCT_WINDOW_FUNCTION_UNSUPPORTED",
                "DISTINCT is not supported in a window function: \(name)",
                hint: "remove duplicates in a subquery first", span)
        }
        var arguments: [BoundExpression] = []
        for argument in call.arguments {
            if case .star = argument.value.kind, name.lowercased() == "count" { continue }
            arguments.append(try inner.bind(argument.value))
        }
        let ignoresNulls = call.nullTreatment == .ignore
        if registry.isWindow(name) {
            guard call.filter == nil else {
                throw AnalysisError.user(
                    "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX",
                    "the function `\(name)` does not support the FILTER clause", hint: "only aggregate functions do",
                    span)
            }
            return try registry.bindWindow(name, arguments: arguments, ignoresNulls: ignoresNulls, span: span)
        }
        guard registry.isAggregate(name) else {
            if !registry.isScalar(name) { _ = try registry.bind(name, arguments: [], span: span) }
            throw AnalysisError.user(
                "UNSUPPORTED_EXPR_FOR_WINDOW", "the function \(name) is not supported as a window function",
                hint: "leave OVER out", span)
        }
        let aggregate = try registry.bindAggregate(
            name, arguments: arguments, ignoreNulls: ignoresNulls, span: span
        ).located(at: span)
        let filter: BoundExpression? =
            if let condition = call.filter { try inner.predicate(condition, in: "FILTER (WHERE …)") } else { nil }
        return .aggregate(aggregate, filter: filter)
    }

    // MARK: Frames

    private func frame(
        _ specification: WindowSpecification, _ keys: inout [LogicalPlan.Sort.Key], _ inner: ExpressionBinder
    ) throws(TidemillError) -> WindowFunction.Frame {
        guard let written = specification.frame else { return keys.isEmpty ? .wholePartition : .upToPeers }
        if written.unit == .range, written.hasOffset {
            guard keys.count == 1 else {
                throw AnalysisError.user(
                    "DATATYPE_MISMATCH.RANGE_FRAME_MULTI_ORDER",
                    "a RANGE frame with a value needs exactly one ORDER BY expression, not \(keys.count)",
                    hint: "order by one expression, or use ROWS", written.span)
            }
            // Boundary values can lie outside a narrow type.
            if keys[0].expression.type.isIntegral { keys[0].expression = keys[0].expression.casted(to: .bigint) }
        }
        let start = try bound(written.start, written, &keys, inner)
        let end = try bound(written.end, written, &keys, inner)
        if case .unboundedFollowing = start { throw wrongBounds(written) }
        if case .unboundedPreceding = end { throw wrongBounds(written) }
        if case .rows(let first) = start, case .rows(let last) = end, first > last { throw wrongBounds(written) }
        // A value of a wider type than the key widened the key; the other bound is made for it.
        return try WindowFunction.Frame(unit: written.unit == .rows ? .rows : .range, start: start, end: end)
            .mapExpressions { (expression) throws(TidemillError) in expression.casted(to: keys[0].expression.type) }
    }

    private func wrongBounds(_ frame: WindowFrame) -> TidemillError {
        AnalysisError.user(
            "DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_WRONG_COMPARISON",
            "the lower bound of a window frame must not lie behind its upper bound: \(frame.span.text)",
            hint: "swap the bounds", frame.span)
    }

    private func bound(
        _ bound: WindowFrame.Bound, _ frame: WindowFrame, _ keys: inout [LogicalPlan.Sort.Key],
        _ inner: ExpressionBinder
    ) throws(TidemillError) -> WindowFunction.Frame.Bound {
        switch bound {
        case .unboundedPreceding: return .unboundedPreceding
        case .unboundedFollowing: return .unboundedFollowing
        case .currentRow: return .currentRow
        case .preceding(let offset): return try self.offset(offset, isBefore: true, frame, &keys, inner)
        case .following(let offset): return try self.offset(offset, isBefore: false, frame, &keys, inner)
        }
    }

    private func offset(
        _ offset: Expression, isBefore: Bool, _ frame: WindowFrame, _ keys: inout [LogicalPlan.Sort.Key],
        _ inner: ExpressionBinder
    ) throws(TidemillError) -> WindowFunction.Frame.Bound {
        let bound = try inner.bind(offset)
        guard let value = context.settings.evaluate(bound), !value.isNull else {
            throw AnalysisError.user(
                "DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_WITHOUT_FOLDABLE",
                "the bound of a window frame must be a constant: \(offset.sql)", hint: "write a number", offset.span)
        }
        if frame.unit == .rows {
            guard bound.type.isIntegral, let rows = value.integer else {
                throw AnalysisError.user(
                    "DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_UNACCEPTED_TYPE",
                    "the bound of a ROWS frame must be an integer, not \(bound.type.sql)",
                    hint: "use RANGE for values of the ORDER BY expression", offset.span)
            }
            return .rows(isBefore ? -Int(rows) : Int(rows))
        }
        let key = keys[0]
        switch key.expression.type {
        case .string, .binary, .boolean, .array, .map, .structure:
            throw AnalysisError.user(
                "DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_UNACCEPTED_TYPE",
                "a RANGE frame with a value needs numbers or times in ORDER BY, not \(key.expression.type.sql)",
                hint: "use ROWS", offset.span)
        default: break
        }
        let operation = isBefore != key.descending ? "-" : "+"
        let limit = try registry.bind(operation, arguments: [key.expression, .literal(value)], span: offset.span)
        if limit.type != key.expression.type { keys[0].expression = key.expression.casted(to: limit.type) }
        return .value(limit)
    }
}

extension WindowFrame {
    var hasOffset: Bool {
        [start, end].contains { bound in
            switch bound {
            case .preceding, .following: true
            default: false
            }
        }
    }
}

extension WindowFunction {
    /// Without an order the result would mean nothing.
    var needsOrder: Bool {
        switch self {
        case .aggregate: false
        default: true
        }
    }
}

extension QueryAnalyzer {
    /// `WINDOW name AS (…)`, where a name may stand for another.
    func namedWindows(_ windows: [NamedWindow]) throws(TidemillError) -> [String: WindowSpecification] {
        var known: [String: WindowSpecification] = [:]
        for window in windows {
            switch window.definition {
            case .specification(let specification): known[window.name.name.lowercased()] = specification
            case .named(let other):
                guard let found = known[other.name.lowercased()] else {
                    throw AnalysisError.user(
                        "MISSING_WINDOW_SPECIFICATION", "the window `\(other.name)` is not defined",
                        hint: "define it before `\(window.name.name)`", other.span)
                }
                known[window.name.name.lowercased()] = found
            }
        }
        return known
    }
}
