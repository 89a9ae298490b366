/// What a streaming table's query may do in its output mode: Spark's rules (UnsupportedOperationChecker), over the
/// analyzed plan. Each refusal says why, and what to write instead.
struct StreamingLegality {
    let mode: OutputMode
    /// The table's name, for hints.
    let target: String
    /// Where operators stand in the SQL.
    let places: [LogicalPlan: SourceSpan]
    let span: SourceSpan

    func check(_ plan: LogicalPlan) throws(TidemillError) {
        let aggregations = plan.count { if case .aggregate = $0 { $0.isStream } else { false } }
        if mode == .complete, aggregations == 0 {
            throw refused(
                "queries without an aggregation", plan,
                hint: "complete output is the whole result of an aggregation; leave tidemill.outputMode out")
        }
        try checkNode(plan, above: [])
    }

    /// - Parameter above: stateful operators between the node and the result, outermost first.
    private func checkNode(_ plan: LogicalPlan, above: [LogicalPlan]) throws(TidemillError) {
        guard plan.isStream else { return }
        var stateful = above
        switch plan {
        case .watermark(let watermark):
            if watermark.input.hasWatermark, EventTime(of: watermark.input).columns.isEmpty == false {
                throw AnalysisError.user(
                    "TIDEMILL_WATERMARK_TWICE", "a stream has one watermark: it cannot be defined again",
                    hint: "keep the inner WATERMARK; event time goes through window, window_time and plain columns",
                    place(plan))
            }
        case .aggregate(let aggregate):
            try check(aggregate, plan, above)
            stateful.append(plan)
        case .deduplicate(let deduplicate):
            if deduplicate.isWithinWatermark, deduplicate.eventTimeColumns.isEmpty {
                throw AnalysisError.user(
                    "UNSUPPORTED_STREAMING_OPERATOR_WITHOUT_WATERMARK",
                    "drop_duplicates_within_watermark needs a watermark on its input",
                    hint: "write WATERMARK column DELAY OF INTERVAL … behind the stream, or use drop_duplicates",
                    place(plan))
            }
            let schema = deduplicate.input.schema
            let times = EventTime(of: deduplicate.input).columns.filter { schema[$0].type == .timestamp }
            try checkOneEventTime(times.map { schema[$0].name }, "drop_duplicates", plan)
            stateful.append(plan)
        case .keyed(let keyed):
            if keyed.rule == .inOrder, keyed.timeColumn == nil {
                throw AnalysisError.user(
                    "UNSUPPORTED_STREAMING_OPERATOR_WITHOUT_WATERMARK",
                    "tidemill_in_order needs a watermark on its input",
                    hint: "write WATERMARK column DELAY OF INTERVAL … behind the stream", place(plan))
            }
            let schema = keyed.input.schema
            let times = EventTime(of: keyed.input).columns.filter { schema[$0].type == .timestamp }
            try checkOneEventTime(times.map { schema[$0].name }, "an operator with state per key", plan)
            stateful.append(plan)
        case .join(let join):
            if join.left.isStream, join.right.isStream {
                try check(join, plan)
                stateful.append(plan)
            }
        case .sort(let sort):
            if !sort.keys.isEmpty, mode != .complete {
                throw refused("sorting", plan)
            }
            if sort.limit != nil || sort.offset > 0 {
                if mode == .update { throw refused("limits", plan, hint: "use append or complete output, or a view") }
                if sort.offset > 0 { throw refused("OFFSET", plan) }
            }
        case .window:
            throw refused("window functions that are not over time", plan)
        case .topN(let topN):
            let isOfAggregation = topN.input.count { if case .aggregate = $0 { $0.isStream } else { false } } > 0
            guard mode == .complete, isOfAggregation, above.isEmpty, topN.offset == 0 else {
                throw refused("the first rows of an order", plan)
            }
        case .expand where mode == .append: throw refused("grouping sets and UNPIVOT", plan)
        case .replicate: throw refused("INTERSECT and EXCEPT", plan)
        default: break
        }
        for input in plan.inputs { try checkNode(input, above: stateful) }
    }

    // MARK: Aggregations

    private func check(
        _ aggregate: LogicalPlan.Aggregate, _ plan: LogicalPlan, _ above: [LogicalPlan]
    ) throws(TidemillError) {
        if mode != .append, let other = above.first {
            throw refused("an operator with state over an aggregation", other)
        }
        if mode == .update, aggregate.session != nil {
            throw refused(
                "session_window", plan,
                hint: "sessions merge, so a row written for one could not be taken back; use append or complete output")
        }
        let isDistinct = aggregate.aggregates.isEmpty && !aggregate.groups.isEmpty
        if mode == .append, EventTime.group(of: aggregate) == nil {
            throw refused(isDistinct ? "DISTINCT without watermark" : "streaming aggregations without watermark", plan)
        }
        let times = EventTime(of: aggregate.input)
        let groups = aggregate.groups.filter {
            $0.expression.type == .timestamp && times.delay(of: $0.expression) != nil
        }
        try checkOneEventTime(groups.map(\.name), isDistinct ? "DISTINCT" : "an aggregation", plan)
    }

    /// More than one event time reaching a stateful operator: which one would its rows be late by?
    private func checkOneEventTime(
        _ names: [String], _ what: String, _ plan: LogicalPlan
    ) throws(TidemillError) {
        guard names.count > 1 else { return }
        throw AnalysisError.user(
            "TIDEMILL_TWO_EVENT_TIMES",
            "more than one event time column reaches \(what): \(names.joined(separator: ", "))",
            hint: "select only one of them in a subquery below, or cast the others: CAST(ts AS TIMESTAMP_NTZ)",
            place(plan))
    }

    // MARK: Joins

    private func check(_ join: LogicalPlan.Join, _ plan: LogicalPlan) throws(TidemillError) {
        let name = join.kind.rawValue.uppercased()
        // What these give is never taken back, so update output is the same as append.
        guard mode == .append || mode == .update && [.inner, .semi].contains(join.kind) else {
            throw refused("\(name) joins of two streams", plan)
        }
        if join.kind == .anti {
            throw refused("LEFT ANTI joins of two streams", plan)
        }
        if join.keys.isEmpty {
            throw AnalysisError.user(
                "TIDEMILL_STREAMING_JOIN", "a stream-stream join without equality predicate is not supported",
                hint: "add an equality to ON; or CREATE MATERIALIZED VIEW \(target) without STREAM maintains any join",
                place(plan))
        }
        if join.kind != .inner, !StreamJoinBounds(join).isBounded(join.kind) {
            throw AnalysisError.user(
                "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION",
                "a \(name) join of two streams needs a watermark in its keys, or a watermark on the side that may be "
                    + "missing and a range of time between the two",
                hint: "without them nobody knows when a row will find no partner any more: write WATERMARK behind both "
                    + "streams and l.ts BETWEEN r.ts - INTERVAL … AND r.ts + INTERVAL … into ON",
                place(plan))
        }
    }

    // MARK: Errors

    private func place(_ plan: LogicalPlan) -> SourceSpan { places[plan] ?? span }

    private func refused(_ operation: String, _ plan: LogicalPlan, hint: String? = nil) -> TidemillError {
        AnalysisError.user(
            "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION",
            "output mode \(mode.rawValue) is not supported for \(operation) on streaming tables",
            hint: hint ?? "CREATE MATERIALIZED VIEW \(target) AS the same query without STREAM keeps it up to date",
            place(plan))
    }
}

extension LogicalPlan {
    func count(_ isCounted: (LogicalPlan) -> Bool) -> Int {
        inputs.reduce(isCounted(self) ? 1 : 0) { $0 + $1.count(isCounted) }
    }
}
