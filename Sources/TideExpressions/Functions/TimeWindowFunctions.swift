import TideSQL

/// Windows of time as values: making them, their fields, the time they stand for.
///
/// `window(…)` and `session_window(…)` themselves are clauses of the analyzer, since they drop rows and may make
/// several out of one; what they compute per row is here, under names that SQL cannot call.
enum TimeWindowFunctions {
    static let definitions: [ScalarDefinition] = {
        var list = DefinitionList(.datetime)
        addMakers(&list)
        addFields(&list)
        return list.definitions
    }()

    private static func addMakers(_ list: inout DefinitionList) {
        list.add(
            "tumbling window", usage: "window(timestamp, size)", summary: "The window that contains the timestamp.",
            example: "", result: "", weight: 8,
            kernel: { (o, call) throws(TidemillError) in
                let (size, offset) = (constant(o[1]), constant(o[2]))
                // Neighbours mostly share their window, and looking costs less than dividing.
                var latest = TimeWindow(start: 0, end: 0)
                return windows(o[0], call) { time, _ in
                    if time < latest.start || time >= latest.end {
                        let start = TimeWindow.lastStart(atOrBefore: time, slide: size, offset: offset)
                        latest = TimeWindow(start: start, end: start &+ size)
                    }
                    return latest
                }
            },
            bind: { (request) throws(TidemillError) in request.call(request.arguments, .timeWindow) })
        list.add(
            "session start window", usage: "session_window(timestamp, gap)",
            summary: "The session that one row alone would make.",
            example: "", result: "",
            kernel: { (o, call) throws(TidemillError) in
                let gaps = o[1].column.pointer(Int64.self)
                let isConstant = o[1].isConstant
                return windows(o[0], call) { time, row in
                    TimeWindow(start: time, end: time &+ gaps[isConstant ? 0 : row])
                }
            },
            bind: { (request) throws(TidemillError) in request.call(request.arguments, .timeWindow) })
        list.add(
            "session start window of text", usage: "session_window(timestamp, text)",
            summary: "The same with a gap as text; it ends where it starts if the text is no interval.",
            example: "", result: "", mayFail: ScalarDefinition.always, kernel: gapOfText,
            bind: { (request) throws(TidemillError) in request.call(request.arguments, .timeWindow) })
    }

    private static let gapOfText: ScalarDefinition.Kernel = { (o, call) throws(TidemillError) in
        let times = o[0].column.pointer(Int64.self)
        let texts = Strings(o[1])
        // Gaps are few as a rule.
        var known: [String: IntervalLiteral] = [:]
        let buffer = Buffer.zeroed(byteCount: call.rowCount * 16)
        let out = buffer.pointer(Int128.self)
        for row in 0..<call.rowCount where call.validity?[row] ?? true {
            let start = times[row &* o[0].step]
            let text = UTF8Text.text(texts.bytes(row))
            var end = start
            if let gap = known[text] ?? parseIntervalString(text) {
                if known.count < 1024 { known[text] = gap }
                end = try adding(gap, to: start, call)
            }
            out[row] = TimeWindow(start: start, end: end).packed
        }
        return Column(type: .timeWindow, count: call.rowCount, values: buffer)
    }

    /// Months and days go by the calendar.
    private static func adding(
        _ gap: IntervalLiteral, to time: Int64, _ call: KernelCall
    ) throws(TidemillError) -> Int64 {
        if gap.months != 0 || gap.days != 0 { try TimeZoneRule.requireUTC(call.context) }
        var fault: Int64 = 0
        let later = gap.months == 0 ? time : TimestampAddMonthsRule().apply(time, gap.months, &fault)
        guard fault == 0, let micros = gap.totalMicroseconds else { throw EvaluationError.datetimeOverflow }
        let (end, overflow) = later.addingReportingOverflow(micros)
        if overflow { throw EvaluationError.datetimeOverflow }
        return end
    }

    private static func addFields(_ list: inout DefinitionList) {
        func add(
            _ name: String, _ summary: String, _ result: String, _ field: @escaping @Sendable (TimeWindow) -> Int64
        ) {
            list.add(
                name, usage: name == "window_time" ? "window_time(window)" : "window.\(name.split(separator: " ")[1])",
                summary: summary, example: result.isEmpty ? "" : "\(name)(NULL)", result: result,
                kernel: { (o, call) throws(TidemillError) in
                    let buffer = Buffer(byteCount: call.rowCount * 8)
                    let out = buffer.pointer(Int64.self)
                    let values = o[0].column.pointer(Int128.self)
                    for row in 0..<call.rowCount { out[row] = field(TimeWindow(packed: values[row])) }
                    return Column(type: .timestamp, count: call.rowCount, values: buffer)
                }
            ) { (request) throws(TidemillError) in
                try request.requireCount(1...1)
                guard [.timeWindow, .null].contains(request.types[0]) else {
                    throw request.unexpected(0, expected: DataType.timeWindow.sql)
                }
                return request.call(
                    [TypeCoercion.cast(request.arguments[0], to: .timeWindow)], .timestamp)
            }
        }
        add("window start", "Where the window begins.", "") { $0.start }
        add("window end", "Where the window ends; it belongs to the next one.", "") { $0.end }
        add("window_time", "The event time of a window's rows: one microsecond before its end.", "NULL") { $0.end &- 1 }
    }

    private static func constant(_ operand: Datum) -> Int64 { operand.column.pointer(Int64.self)[0] }

    @inline(__always) private static func windows(
        _ time: Datum, _ call: KernelCall, _ rule: (Int64, Int) -> TimeWindow
    ) -> Column {
        let buffer = Buffer(byteCount: call.rowCount * 16)
        let out = buffer.pointer(Int128.self)
        let times = time.column.pointer(Int64.self)
        let isConstant = time.isConstant
        for row in 0..<call.rowCount { out[row] = rule(times[isConstant ? 0 : row], row).packed }
        return Column(type: .timeWindow, count: call.rowCount, values: buffer)
    }
}

extension BoundExpression {
    /// The functions of `TimeWindowFunctions` that this expression calls, by name.
    /// Whether it is a call of the function with this canonical name.
    public func isCall(_ name: String) -> Bool {
        if case .call(let function, _, _, _, _) = self { function.name == name } else { false }
    }
    /// The timestamp of which this is the tumbling window; nil if it is something else.
    public var tumblingWindowTime: BoundExpression? {
        guard isCall("tumbling window"), let time = children.first else { return nil }
        return time
    }
    /// The timestamp at which this window of `session_window` starts.
    public var sessionWindowTime: BoundExpression? {
        guard isCall("session start window") || isCall("session start window of text"), let time = children.first
        else { return nil }
        return time
    }
    /// The window of which this is the start or the end.
    public var windowOfField: BoundExpression? { isCall("window start") || isCall("window end") ? children.first : nil }
    /// The window of which this is the time.
    public var windowOfTime: BoundExpression? { isCall("window_time") ? children.first : nil }
}
