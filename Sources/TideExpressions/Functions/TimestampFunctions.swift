/// Functions of timestamps and intervals, and patterns.
enum TimestampFunctions {
    static let definitions: [ScalarDefinition] = {
        var list = DefinitionList(.datetime)
        addFields(&list)
        addArithmetic(&list)
        addEpochUnits(&list)
        addPatterns(&list)
        addClock(&list)
        return list.definitions
    }()

    private static func addFields(_ list: inout DefinitionList) {
        func add(_ name: String, _ rule: TimeFieldRule, _ summary: String, _ result: String) {
            list.addFixed(
                name, parameters: [.timestamp], returns: .int, usage: "\(name)(timestamp)", summary: summary,
                example: "\(name)(TIMESTAMP'2024-02-15 10:11:12')", result: result, weight: 3
            ) { (o, call) throws(TidemillError) in
                try TimeZoneRule.requireUTC(call.context)
                return mapped(rule, o[0], call)
            }
        }
        add("hour", .hour, "Hour, 0 to 23.", "10")
        add("minute", .minute, "Minute, 0 to 59.", "11")
        add("second", .second, "Second, 0 to 59.", "12")
        list.addFixed(
            "extract second", parameters: [.timestamp], returns: .decimal(precision: 8, scale: 6),
            usage: "extract(SECOND FROM timestamp)", summary: "Second with its fraction.",
            example: "extract(SECOND FROM TIMESTAMP'2024-02-15 10:11:12.5')", result: "12.500000", weight: 3
        ) { (o, call) throws(TidemillError) in
            try TimeZoneRule.requireUTC(call.context)
            return mapped(SecondFractionRule(), o[0], call)
        }
    }

    /// What `+`, `-`, `*` and `/` become for dates, timestamps and intervals.
    private static func addArithmetic(_ list: inout DefinitionList) {
        // These are reached through operators only: DateArithmetic builds the calls.
        let refuse: ScalarDefinition.Bind = { (request) throws(TidemillError) in
            throw BindError.unresolvedRoutine(request.name, request.span)
        }
        list.add(
            "+ months", usage: "x + INTERVAL … MONTH", summary: "The date or timestamp, months later.",
            example: "DATE'2024-01-31' + INTERVAL '1' MONTH", result: "2024-02-29", weight: 8,
            mayFail: ScalarDefinition.always,
            kernel: { (o, call) throws(TidemillError) in
                if call.resultType == .date {
                    return try zipped(AddMonthsRule(), o[0], o[1], call) { _ in EvaluationError.overflow() }
                }
                if call.resultType == .timestamp { try TimeZoneRule.requireUTC(call.context) }
                return try zipped(TimestampAddMonthsRule(), o[0], o[1], call) { _ in
                    EvaluationError.datetimeOverflow
                }
            }, bind: refuse)
        list.add(
            "+ interval", usage: "x + INTERVAL … DAY TO SECOND", summary: "The timestamp, that much later.",
            example: "TIMESTAMP'2024-01-31 10:00:00' + INTERVAL '1' HOUR", result: "2024-01-31 11:00:00",
            mayFail: ScalarDefinition.always,
            kernel: { (o, call) throws(TidemillError) in
                try zipped(AddRule<Int64>(), o[0], o[1], call) { _ in EvaluationError.datetimeOverflow }
            }, bind: refuse)
        list.add(
            "- timestamps", usage: "x - y", summary: "The interval between two dates or timestamps.",
            example: "DATE'2024-01-31' - DATE'2024-01-30'", result: "INTERVAL '1' DAY",
            mayFail: ScalarDefinition.always,
            kernel: { (o, call) throws(TidemillError) in
                try zipped(SubtractRule<Int64>(), o[0], o[1], call) { _ in EvaluationError.intervalOverflow }
            }, bind: refuse)
        list.add(
            "interval *", usage: "INTERVAL … * n", summary: "The interval n times.",
            example: "INTERVAL '1' DAY * 2", result: "INTERVAL '2 00:00:00' DAY TO SECOND",
            mayFail: ScalarDefinition.always,
            kernel: { (o, call) throws(TidemillError) in
                let fail = { (_: Int) in EvaluationError.intervalOverflow }
                switch (call.resultType, o[1].type) {
                case (.yearMonthInterval, .bigint):
                    return try zipped(IntervalTimesRule<Int32>(), o[0], o[1], call, fail: fail)
                case (_, .bigint): return try zipped(IntervalTimesRule<Int64>(), o[0], o[1], call, fail: fail)
                case (.yearMonthInterval, _):
                    return try zipped(IntervalScaleRule<Int32>(divides: false), o[0], o[1], call, fail: fail)
                default: return try zipped(IntervalScaleRule<Int64>(divides: false), o[0], o[1], call, fail: fail)
                }
            }, bind: refuse)
        list.add(
            "interval /", usage: "INTERVAL … / n", summary: "The n-th part of the interval.",
            example: "INTERVAL '1' DAY / 2", result: "INTERVAL '0 12:00:00' DAY TO SECOND",
            mayFail: ScalarDefinition.always,
            kernel: { (o, call) throws(TidemillError) in
                let fail = { (row: Int) in
                    let divisor = o[1].scalar(row).value
                    return divisor == .integer(0) || divisor == .double(0)
                        ? EvaluationError.intervalDividedByZero : EvaluationError.intervalOverflow
                }
                switch (call.resultType, o[1].type) {
                case (.yearMonthInterval, .bigint):
                    return try zipped(IntervalOverRule<Int32>(), o[0], o[1], call, fail: fail)
                case (_, .bigint): return try zipped(IntervalOverRule<Int64>(), o[0], o[1], call, fail: fail)
                case (.yearMonthInterval, _):
                    return try zipped(IntervalScaleRule<Int32>(divides: true), o[0], o[1], call, fail: fail)
                default: return try zipped(IntervalScaleRule<Int64>(divides: true), o[0], o[1], call, fail: fail)
                }
            }, bind: refuse)
    }

    private static func addEpochUnits(_ list: inout DefinitionList) {
        func toTimestamp(_ name: String, _ unit: Int64, _ summary: String, _ example: String, _ result: String) {
            list.addFixed(
                name, parameters: [.bigint], returns: .timestamp, usage: "\(name)(n)", summary: summary,
                example: example, result: result, mayFail: ScalarDefinition.always
            ) { (o, call) throws(TidemillError) in
                try mapped(UnitsToTimestampRule(unit: unit), o[0], call) { _ in EvaluationError.datetimeOverflow }
            }
        }
        toTimestamp(
            "timestamp_millis", 1000, "The timestamp n milliseconds after 1970.", "timestamp_millis(1500)",
            "1970-01-01 00:00:01.5")
        toTimestamp(
            "timestamp_micros", 1, "The timestamp n microseconds after 1970.", "timestamp_micros(1500000)",
            "1970-01-01 00:00:01.5")
        list.add(
            "timestamp_seconds", usage: "timestamp_seconds(n)", summary: "The timestamp n seconds after 1970.",
            example: "timestamp_seconds(1.5)", result: "1970-01-01 00:00:01.5", mayFail: ScalarDefinition.always,
            kernel: { (o, call) throws(TidemillError) in
                try mapped(UnitsToTimestampRule(unit: 1_000_000), o[0], call) { _ in EvaluationError.datetimeOverflow }
            }
        ) { (request) throws(TidemillError) in
            try request.requireCount(1...1)
            let operand = try NumericBinding.single(request)
            // A fraction goes the way of the cast, which takes seconds too.
            guard operand.type.isIntegral else { return TypeCoercion.cast(operand, to: .timestamp) }
            return request.call([TypeCoercion.cast(operand, to: .bigint)], .timestamp)
        }
        func fromTimestamp(_ name: String, _ unit: Int64, _ summary: String, _ result: String) {
            list.add(
                name, usage: "\(name)(timestamp)", summary: summary,
                example: "\(name)(TIMESTAMP'1970-01-01 00:00:01')", result: result,
                kernel: { (o, call) throws(TidemillError) in
                    mapped(FloorDivideRule<Int64>(unit: unit, low: .min, high: .max), o[0], call)
                }
            ) { (request) throws(TidemillError) in
                try request.requireCount(1...1)
                guard request.types[0] == .timestamp || request.types[0] == .null else {
                    throw request.unexpected(0, expected: "TIMESTAMP")
                }
                return request.call([TypeCoercion.cast(request.arguments[0], to: .timestamp)], .bigint)
            }
        }
        fromTimestamp("unix_micros", 1, "Microseconds since 1970.", "1000000")
        fromTimestamp("unix_millis", 1000, "Milliseconds since 1970, rounded down.", "1000")
        fromTimestamp("unix_seconds", 1_000_000, "Seconds since 1970, rounded down.", "1")
    }

    private static let defaultPattern = BoundExpression.string("yyyy-MM-dd HH:mm:ss")

    private static func addPatterns(_ list: inout DefinitionList) {
        func addParsing(_ name: String, _ type: DataType, isTry: Bool, _ summary: String) {
            list.add(
                name, usage: "\(name)(s[, pattern])", summary: summary, example: "\(name)('2024-02-15')",
                result: type == .date ? "2024-02-15" : "2024-02-15 00:00:00", weight: 40,
                mayFail: isTry ? ScalarDefinition.never : ScalarDefinition.always,
                kernel: { (o, call) throws(TidemillError) in
                    type == .date
                        ? try PatternText.dates(o, call, isTry: isTry)
                        : try PatternText.timestamps(o, call, isTry: isTry)
                }
            ) { (request) throws(TidemillError) in
                try request.requireCount(1...2)
                if request.count == 1 || request.types[0] != .string && request.types[0] != .null {
                    return try TypeCoercion.explicitCast(
                        request.arguments[0], to: type, try: isTry, span: request.span)
                }
                return request.call(
                    [try request.coerced(0, to: .string), try request.coerced(1, to: .string)], type, nullable: isTry)
            }
        }
        addParsing("to_date", .date, isTry: false, "The text as a date, by a pattern if one is given.")
        addParsing("to_timestamp", .timestamp, isTry: false, "The text as a timestamp, by a pattern if one is given.")
        addParsing("try_to_date", .date, isTry: true, "to_date, or NULL for other texts.")
        addParsing("try_to_timestamp", .timestamp, isTry: true, "to_timestamp, or NULL for other texts.")
        list.addFixed(
            "date_format", parameters: [.timestamp, .string], returns: .string, usage: "date_format(x, pattern)",
            summary: "The date or timestamp as text.", example: "date_format(DATE'2024-02-15', 'dd.MM.yyyy')",
            result: "15.02.2024", weight: 40, mayFail: ScalarDefinition.always
        ) { (o, call) throws(TidemillError) in try PatternText.formatted(o, call) }
        list.add(
            "from_unixtime", usage: "from_unixtime(seconds[, pattern])", summary: "Seconds since 1970 as text.",
            example: "from_unixtime(0)", result: "1970-01-01 00:00:00", kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(1...2)
            let seconds = TypeCoercion.cast(try request.coerced(0, to: .bigint), to: .timestamp)
            let pattern = request.count == 2 ? request.arguments[1] : defaultPattern
            return try request.rebound("date_format", [seconds, pattern])
        }
        list.add(
            "unix_timestamp", "to_unix_timestamp", usage: "unix_timestamp([x[, pattern]])",
            summary: "Seconds since 1970 of a text, date or timestamp; of the epoch's time without argument.",
            example: "unix_timestamp('1970-01-02', 'yyyy-MM-dd')", result: "86400", kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(0...2)
            // Unlike unix_seconds, Spark cuts fractions off towards 1970.
            func seconds(_ moment: BoundExpression) throws(TidemillError) -> BoundExpression {
                let micros = try request.rebound("unix_micros", [moment])
                return try request.rebound("div", [micros, .literal(.bigint(1_000_000))])
            }
            if request.count == 0 { return try seconds(.currentTimestamp) }
            if request.types[0] == .string {
                let pattern = request.count == 2 ? request.arguments[1] : defaultPattern
                return try seconds(try request.rebound("to_timestamp", [request.arguments[0], pattern]))
            }
            return try seconds(try request.coerced(0, to: .timestamp))
        }
    }

    private static func addClock(_ list: inout DefinitionList) {
        list.add(
            "current_timestamp", "now", usage: "current_timestamp()", summary: "The epoch's time.",
            example: "current_timestamp() IS NULL", result: "false", kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(0...0)
            return .currentTimestamp
        }
        list.addFixed(
            "make_timestamp", parameters: [.int, .int, .int, .int, .int, .decimal(precision: 16, scale: 6)],
            returns: .timestamp, usage: "make_timestamp(year, month, day, hour, minute, second)",
            summary: "The timestamp of these fields.", example: "make_timestamp(2024, 2, 15, 10, 11, 12.5)",
            result: "2024-02-15 10:11:12.5", weight: 12, mayFail: ScalarDefinition.always, kernel: makeTimestamp)
    }

    private static let makeTimestamp: ScalarDefinition.Kernel = { (o, call) throws(TidemillError) in
        try TimeZoneRule.requireUTC(call.context)
        let fields = o[0..<5].map { Ints($0) }
        let seconds = o[5].column.pointer(Int128.self)
        let step = o[5].step
        let buffer = Buffer.zeroed(byteCount: call.rowCount * 8)
        let out = buffer.pointer(Int64.self)
        for row in 0..<call.rowCount where call.validity?[row] ?? true {
            let date = CivilDate(year: fields[0][row], month: fields[1][row], day: fields[2][row])
            let (hour, minute) = (fields[3][row], fields[4][row])
            let second = seconds[row &* step]
            let isMinuteEnd = second == 60_000_000
            guard date.isValid, abs(date.year) < 290_000, (0..<24).contains(hour), (0..<60).contains(minute),
                second >= 0, second < 60_000_000 || isMinuteEnd
            else {
                throw EvaluationError.invalidInput(
                    "DATETIME_FIELD_OUT_OF_BOUNDS.WITHOUT_SUGGESTION",
                    "no such timestamp: \(date.year)-\(date.month)-\(date.day) \(hour):\(minute)")
            }
            let clock = Int64(hour) * 3_600_000_000 + Int64(minute) * 60_000_000 + Int64(second)
            out[row] = Int64(date.daysSinceEpoch) * 86_400_000_000 + clock
        }
        return Column(type: .timestamp, count: call.rowCount, values: buffer)
    }
}
