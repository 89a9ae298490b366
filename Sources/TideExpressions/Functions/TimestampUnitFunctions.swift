// timestampadd and timestampdiff: whole units of calendar and clock, in UTC.

/// What a moment is moved by, and the distance of two moments counted in.
enum TimestampUnit: Sendable {
    case months(Int64)
    case micros(Int64)

    /// Spark's names; nil for others.
    init?(_ name: String) {
        switch name.lowercased() {
        case "year": self = .months(12)
        case "quarter": self = .months(3)
        case "month": self = .months(1)
        case "week": self = .micros(7 * 86_400_000_000)
        case "day", "dayofyear": self = .micros(86_400_000_000)
        case "hour": self = .micros(3_600_000_000)
        case "minute": self = .micros(60_000_000)
        case "second": self = .micros(1_000_000)
        case "millisecond": self = .micros(1000)
        case "microsecond": self = .micros(1)
        default: return nil
        }
    }

    private static let dayMicros: Int64 = 86_400_000_000
    private static func split(_ micros: Int64) -> (day: Int64, rest: Int64) {
        let rest = ((micros % dayMicros) &+ dayMicros) % dayMicros
        return ((micros &- rest) / dayMicros, rest)
    }

    /// The moment `count` units later, microseconds; months end with their last day. nil if it is out of range.
    func adding(_ count: Int64, to micros: Int64) -> Int64? {
        switch self {
        case .micros(let unit):
            let (distance, tooFar) = count.multipliedReportingOverflow(by: unit)
            let (sum, overflow) = micros.addingReportingOverflow(distance)
            return tooFar || overflow ? nil : sum
        case .months(let unit):
            let (months, tooMany) = count.multipliedReportingOverflow(by: unit)
            // More than there are in the range of timestamps.
            if tooMany || months.magnitude > 12 * 600_000 { return nil }
            let (day, rest) = TimestampUnit.split(micros)
            var date = CivilDate(daysSinceEpoch: Int(day))
            let index = date.year * 12 + (date.month - 1) + Int(months)
            date.month = ((index % 12) + 12) % 12 + 1
            date.year = (index - (date.month - 1)) / 12
            date.day = min(date.day, CivilDate.daysInMonth(date.month, year: date.year))
            let (start, overflow) = Int64(date.daysSinceEpoch).multipliedReportingOverflow(by: TimestampUnit.dayMicros)
            let (sum, tooFar) = start.addingReportingOverflow(rest)
            return overflow || tooFar ? nil : sum
        }
    }

    /// Whole units from one moment to another, towards zero. nil if a bigint does not hold their distance.
    func whole(from start: Int64, to end: Int64) -> Int64? {
        switch self {
        case .micros(let unit):
            let (distance, overflow) = end.subtractingReportingOverflow(start)
            return overflow ? nil : distance / unit
        case .months(let unit):
            func position(_ micros: Int64) -> (month: Int64, inMonth: Int64) {
                let (day, rest) = TimestampUnit.split(micros)
                let date = CivilDate(daysSinceEpoch: Int(day))
                return (Int64(date.year * 12 + date.month), Int64(date.day) * TimestampUnit.dayMicros + rest)
            }
            let (from, to) = (position(start), position(end))
            var months = to.month - from.month
            if months > 0 && to.inMonth < from.inMonth { months -= 1 }
            if months < 0 && to.inMonth > from.inMonth { months += 1 }
            return months / unit
        }
    }
}

enum TimestampUnitFunctions {
    static let definitions: [ScalarDefinition] = {
        var list = DefinitionList(.datetime)
        list.add(
            "timestampadd", usage: "timestampadd(unit, n, x)",
            summary: "The date or timestamp n units (YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, …) later, as a timestamp.",
            example: "timestampadd(MONTH, 1, TIMESTAMP'2024-01-31 10:00:00')", result: "2024-02-29 10:00:00",
            weight: 8, mayFail: ScalarDefinition.always,
            kernel: { (o, call) throws(TidemillError) in
                try computed(o, call) { unit, row in
                    unit.adding(
                        o[1].column.pointer(Int64.self)[row * o[1].step],
                        to: o[2].column.pointer(Int64.self)[row * o[2].step])
                }
            }
        ) { (request) throws(TidemillError) in
            try request.requireCount(3...3)
            let type: DataType = request.types[2] == .timestampNTZ ? .timestampNTZ : .timestamp
            return request.call(
                [try unit(request), try request.coerced(1, to: .bigint), try request.coerced(2, to: type)], type)
        }
        list.add(
            "timestampdiff", usage: "timestampdiff(unit, start, end)",
            summary: "Whole units (YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, …) from start to end.",
            example: "timestampdiff(HOUR, TIMESTAMP'2024-01-01 23:00:00', TIMESTAMP'2024-01-02 22:30:00')",
            result: "23", weight: 8, mayFail: ScalarDefinition.always,
            kernel: { (o, call) throws(TidemillError) in
                try computed(o, call) { unit, row in
                    unit.whole(
                        from: o[1].column.pointer(Int64.self)[row * o[1].step],
                        to: o[2].column.pointer(Int64.self)[row * o[2].step])
                }
            }
        ) { (request) throws(TidemillError) in
            try request.requireCount(3...3)
            return request.call(
                [
                    try unit(request), try request.coerced(1, to: .timestamp),
                    try request.coerced(2, to: .timestamp),
                ], .bigint)
        }
        return list.definitions
    }()

    /// The unit, which the analyzer hands over as a text.
    private static func unit(_ request: BindRequest) throws(TidemillError) -> BoundExpression {
        if let text = request.arguments[0].literalValue?.string, TimestampUnit(text) != nil {
            return request.arguments[0]
        }
        throw BindError.invalidArgument(
            "INVALID_PARAMETER_VALUE.DATETIME_UNIT", "\(request.name) needs a unit of time as its first argument",
            hint: "YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE, SECOND, MILLISECOND or MICROSECOND", request.span)
    }

    private static func computed(
        _ o: [Datum], _ call: KernelCall, _ compute: (TimestampUnit, _ row: Int) -> Int64?
    ) throws(TidemillError) -> Column {
        try TimeZoneRule.requireUTC(call.context)
        guard let unit = o[0].column.scalar(0).string.flatMap({ TimestampUnit($0) }) else {
            throw .internal("a unit of time that nobody knows")
        }
        let buffer = Buffer(byteCount: call.rowCount * 8)
        let out = buffer.pointer(Int64.self)
        for row in 0..<call.rowCount {
            out[row] = 0
            guard call.validity?[row] ?? true else { continue }
            guard let value = compute(unit, row) else { throw EvaluationError.datetimeOverflow }
            out[row] = value
        }
        return Column(type: call.resultType, count: call.rowCount, values: buffer)
    }
}
