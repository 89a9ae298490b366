/// Functions of dates.
enum DateFunctions {
    static let definitions: [ScalarDefinition] = {
        var list = DefinitionList(.datetime)
        addFields(&list)
        addArithmetic(&list)
        addSteps(&list)
        addConstruction(&list)
        return list.definitions
    }()

    private static func addFields(_ list: inout DefinitionList) {
        func kernel(_ field: DateFieldRule.Field) -> ScalarDefinition.Kernel {
            { (o, call) throws(TidemillError) in mapped(DateFieldRule(field: field), o[0], call) }
        }
        func add(_ name: String, _ field: DateFieldRule.Field, _ summary: String, _ result: String) {
            list.addFixed(
                name, parameters: [.date], returns: .int, usage: "\(name)(date)", summary: summary,
                example: "\(name)(DATE'2024-02-15')", result: result, weight: 3, kernel: kernel(field))
        }
        add("year", .year, "Year.", "2024")
        add("quarter", .quarter, "Quarter, 1 to 4.", "1")
        add("month", .month, "Month, 1 to 12.", "2")
        list.addFixed(
            "day", "dayofmonth", parameters: [.date], returns: .int, usage: "day(date)", summary: "Day of the month.",
            example: "day(DATE'2024-02-15')", result: "15", weight: 3, kernel: kernel(.day))
        add("dayofweek", .dayOfWeek, "Day of the week, 1 is Sunday.", "5")
        add("weekday", .weekday, "Day of the week, 0 is Monday.", "3")
        add("dayofyear", .dayOfYear, "Day of the year.", "46")
        add("weekofyear", .week, "ISO week.", "7")
        addHidden(&list, "isodow", .isoWeekday)
        addHidden(&list, "yearofweek", .yearOfWeek)
        list.add(
            "extract", "date_part", "datepart", usage: "extract(FIELD FROM x), date_part('field', x)",
            summary: "A field of a date, timestamp or interval.", example: "extract(YEAR FROM DATE'2024-02-15')",
            result: "2024",
            kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...2)
            let field = try request.constant(0, .string).string ?? ""
            let name = fieldFunction(field)
            if request.types[1].isInterval {
                return try IntervalFunctions.extract(name.flatMap { intervalUnits[$0] }, field, request)
            }
            guard let name else {
                throw BindError.invalidArgument(
                    "INVALID_EXTRACT_FIELD", "cannot extract '\(field)' from \(request.arguments[1])",
                    hint: "fields: year, quarter, month, week, day, dayofweek, doy, hour, minute, second", request.span)
            }
            return try request.rebound(name, [request.arguments[1]])
        }
    }

    /// Fields that only `extract` reaches.
    private static func addHidden(_ list: inout DefinitionList, _ field: String, _ rule: DateFieldRule.Field) {
        list.addFixed(
            "extract \(field)", parameters: [.date], returns: .int, usage: "extract(\(field) FROM date)",
            summary: "ISO \(field == "isodow" ? "day of the week, 1 is Monday" : "week's year").",
            example: "extract(\(field) FROM DATE'2024-02-15')", result: field == "isodow" ? "4" : "2024", weight: 3
        ) { (o, call) throws(TidemillError) in mapped(DateFieldRule(field: rule), o[0], call) }
    }

    private static let intervalUnits: [String: IntervalRange.Unit] = [
        "year": .year, "month": .month, "day": .day, "hour": .hour, "minute": .minute, "extract second": .second,
    ]

    private static func fieldFunction(_ field: String) -> String? {
        switch field.lowercased() {
        case "year", "y", "years", "yr", "yrs": "year"
        case "yearofweek": "extract yearofweek"
        case "quarter", "qtr": "quarter"
        case "month", "mon", "mons", "months": "month"
        case "week", "w", "weeks": "weekofyear"
        case "day", "d", "days": "day"
        case "dayofweek", "dow": "dayofweek"
        case "dayofweek_iso", "dow_iso", "isodow": "extract isodow"
        case "doy": "dayofyear"
        case "hour", "h", "hours", "hr", "hrs": "hour"
        case "minute", "m", "min", "mins", "minutes": "minute"
        case "second", "s", "sec", "seconds", "secs": "extract second"
        default: nil
        }
    }

    private static func addArithmetic(_ list: inout DefinitionList) {
        func addDays(_ names: [String], _ sign: Int32, _ summary: String, _ result: String) {
            let kernel: ScalarDefinition.Kernel = { (o, call) throws(TidemillError) in
                zipped(AddDaysRule(sign: sign), o[0], o[1], call)
            }
            let bind: ScalarDefinition.Bind = { (request) throws(TidemillError) in
                try request.requireCount(2...2)
                switch request.types[1] {
                case .int, .smallint, .tinyint, .null, .string: break
                default: throw request.unexpected(1, expected: "INT or SMALLINT or TINYINT")
                }
                return .call(
                    FunctionTable.named(names[0]),
                    [try request.coerced(0, to: .date), TypeCoercion.cast(request.arguments[1], to: .int)], type: .date,
                    nullable: request.arguments.contains(where: \.nullable))
            }
            let example = "\(names[0])(DATE'2024-02-15', 1)"
            if names.count == 1 {
                list.add(
                    names[0], usage: "\(names[0])(date, days)", summary: summary, example: example, result: result,
                    kernel: kernel, bind: bind)
            } else {
                list.add(
                    names[0], names[1], usage: "\(names[0])(date, days)", summary: summary, example: example,
                    result: result, kernel: kernel, bind: bind)
            }
        }
        addDays(["date_add", "dateadd"], 1, "The date, days later.", "2024-02-16")
        addDays(["date_sub"], -1, "The date, days earlier.", "2024-02-14")
        list.addFixed(
            "datediff", "date_diff", parameters: [.date, .date], returns: .int, usage: "datediff(end, start)",
            summary: "Days from start to end.", example: "datediff(DATE'2024-03-01', DATE'2024-02-28')", result: "2"
        ) { (o, call) throws(TidemillError) in zipped(DayDifferenceRule(), o[0], o[1], call) }
        list.addFixed(
            "add_months", parameters: [.date, .int], returns: .date, usage: "add_months(date, months)",
            summary: "The date, months later; at most the month's last day.",
            example: "add_months(DATE'2024-01-31', 1)", result: "2024-02-29", weight: 8,
            mayFail: ScalarDefinition.always
        ) { (o, call) throws(TidemillError) in
            try zipped(AddMonthsRule(), o[0], o[1], call) { _ in EvaluationError.overflow() }
        }
        list.addFixed(
            "months_between", parameters: [.timestamp, .timestamp, .boolean], optional: 1, returns: .double,
            usage: "months_between(end, start[, round])", summary: "Months from start to end, with a fraction.",
            example: "months_between(DATE'2024-03-31', DATE'2024-02-29')", result: "1.0", weight: 16
        ) { (o, call) throws(TidemillError) in
            try TimeZoneRule.requireUTC(call.context)
            let exact = zipped(MonthsBetweenRule(rounds: false), o[0], o[1], call)
            guard o.count == 3 else { return zipped(MonthsBetweenRule(rounds: true), o[0], o[1], call) }
            let rounded = zipped(MonthsBetweenRule(rounds: true), o[0], o[1], call)
            let wanted = o[2].expanded(count: call.rowCount).bits
            var assembly = ColumnAssembly(.double, count: call.rowCount)
            assembly.place(Datum(rounded), aligned: wanted)
            assembly.place(Datum(exact), aligned: wanted.inverted())
            return assembly.finish()
        }
    }

    private static func addSteps(_ list: inout DefinitionList) {
        list.addFixed(
            "last_day", parameters: [.date], returns: .date, usage: "last_day(date)",
            summary: "The last day of the date's month.", example: "last_day(DATE'2024-02-15')", result: "2024-02-29",
            weight: 4
        ) { (o, call) throws(TidemillError) in mapped(LastDayRule(), o[0], call) }
        list.addFixed(
            "next_day", parameters: [.date, .string], returns: .date, usage: "next_day(date, weekday)",
            summary: "The first such weekday behind the date.", example: "next_day(DATE'2024-02-15', 'MON')",
            result: "2024-02-19", weight: 8, mayFail: ScalarDefinition.always, kernel: nextDay)
        list.addFixed(
            "trunc", parameters: [.date, .string], returns: .date, usage: "trunc(date, unit)",
            summary: "First day of the year, quarter, month or week; NULL for other units.",
            example: "trunc(DATE'2024-02-15', 'MM')", result: "2024-02-01", nullable: true, weight: 6
        ) { (o, call) throws(TidemillError) in
            try truncated(o[0], units: o[1], timeUnits: false, call) { (unit, operand, inner) in
                mapped(TruncateDateRule(unit: unit), operand, inner)
            }
        }
        list.addFixed(
            "date_trunc", parameters: [.string, .timestamp], returns: .timestamp, usage: "date_trunc(unit, timestamp)",
            summary: "Start of the year, …, microsecond that holds the timestamp; NULL for other units.",
            example: "date_trunc('HOUR', TIMESTAMP'2024-02-15 10:11:12')", result: "2024-02-15 10:00:00",
            nullable: true, weight: 6
        ) { (o, call) throws(TidemillError) in
            try TimeZoneRule.requireUTC(call.context)
            return try truncated(o[1], units: o[0], timeUnits: true, call) { (unit, operand, inner) in
                mapped(TruncateTimestampRule(unit: unit), operand, inner)
            }
        }
    }

    /// One loop per unit that occurs; units are nearly always constant.
    private static func truncated(
        _ operand: Datum, units: Datum, timeUnits: Bool, _ call: KernelCall,
        _ loop: (TruncationUnit, Datum, KernelCall) -> Column
    ) throws(TidemillError) -> Column {
        let texts = Strings(units)
        if units.isConstant {
            guard let unit = TruncationUnit(texts.bytes(0), timeUnits: timeUnits) else {
                return Column(repeating: .null(call.resultType), count: call.rowCount)
            }
            return loop(unit, operand, call)
        }
        var rows: [String: [UInt32]] = [:]
        for row in 0..<call.rowCount {
            rows[UTF8Text.text(texts.bytes(row)).uppercased(), default: []].append(UInt32(row))
        }
        var assembly = ColumnAssembly(call.resultType, count: call.rowCount)
        for (name, members) in rows.sorted(by: { $0.key < $1.key }) {
            var name = name
            let unit = name.withUTF8 { TruncationUnit(UnsafeRawBufferPointer($0), timeUnits: timeUnits) }
            guard let unit else {
                assembly.place(Datum(.null(call.resultType)), at: members)
                continue
            }
            let part = Datum(operand.expanded(count: call.rowCount).gather(members))
            let inner = KernelCall(
                resultType: call.resultType, rowCount: members.count, validity: nil, context: call.context)
            assembly.place(Datum(loop(unit, part, inner)), at: members)
        }
        return assembly.finish()
    }

    private static let nextDay: ScalarDefinition.Kernel = { (o, call) throws(TidemillError) in
        let days = o[0].column.pointer(Int32.self)
        let names = Strings(o[1])
        let buffer = Buffer(byteCount: call.rowCount * 4)
        let out = buffer.pointer(Int32.self)
        var constant: Int?
        for row in 0..<call.rowCount {
            out[row] = 0
            guard call.validity?[row] ?? true else { continue }
            let wanted: Int
            if let constant {
                wanted = constant
            } else {
                let name = UTF8Text.text(names.bytes(row))
                guard let found = isoWeekday(named: name) else {
                    throw EvaluationError.invalidInput(
                        "ILLEGAL_DAY_OF_WEEK", "illegal input for day of week: \(name)",
                        hint: "write SUNDAY, SUN or SU, and so on")
                }
                wanted = found
                if o[1].isConstant { constant = found }
            }
            let day = Int(days[row &* o[0].step])
            let ahead = (wanted - CivilDate.isoWeekday(daysSinceEpoch: day) + 6) % 7 + 1
            out[row] = Int32(truncatingIfNeeded: day + ahead)
        }
        return Column(type: .date, count: call.rowCount, values: buffer)
    }

    /// 1 = Monday.
    private static func isoWeekday(named name: String) -> Int? {
        switch name.uppercased() {
        case "MO", "MON", "MONDAY": 1
        case "TU", "TUE", "TUESDAY": 2
        case "WE", "WED", "WEDNESDAY": 3
        case "TH", "THU", "THURSDAY": 4
        case "FR", "FRI", "FRIDAY": 5
        case "SA", "SAT", "SATURDAY": 6
        case "SU", "SUN", "SUNDAY": 7
        default: nil
        }
    }

    private static func addConstruction(_ list: inout DefinitionList) {
        list.addFixed(
            "make_date", parameters: [.int, .int, .int], returns: .date, usage: "make_date(year, month, day)",
            summary: "The date of these fields; an error if there is none.", example: "make_date(2024, 2, 29)",
            result: "2024-02-29", weight: 6, mayFail: ScalarDefinition.always
        ) { (o, call) throws(TidemillError) in
            let (years, months, days) = (Ints(o[0]), Ints(o[1]), Ints(o[2]))
            let buffer = Buffer.zeroed(byteCount: call.rowCount * 4)
            let out = buffer.pointer(Int32.self)
            for row in 0..<call.rowCount {
                let date = CivilDate(year: years[row], month: months[row], day: days[row])
                if date.isValid, let value = Int32(exactly: date.daysSinceEpoch) {
                    out[row] = value
                } else if call.validity?[row] ?? true {
                    throw EvaluationError.invalidInput(
                        "DATETIME_FIELD_OUT_OF_BOUNDS.WITHOUT_SUGGESTION",
                        "no such date: year \(date.year), month \(date.month), day \(date.day)")
                }
            }
            return Column(type: .date, count: call.rowCount, values: buffer)
        }
        list.addFixed(
            "unix_date", parameters: [.date], returns: .int, usage: "unix_date(date)",
            summary: "Days since 1970-01-01.", example: "unix_date(DATE'1970-01-02')", result: "1"
        ) { (o, _) throws(TidemillError) in o[0].column.retyped(.int) }
        list.addFixed(
            "date_from_unix_date", parameters: [.int], returns: .date, usage: "date_from_unix_date(days)",
            summary: "The date that many days after 1970-01-01.", example: "date_from_unix_date(1)",
            result: "1970-01-02"
        ) { (o, _) throws(TidemillError) in o[0].column.retyped(.date) }
        list.add(
            "current_date", "curdate", usage: "current_date()", summary: "The day of the epoch's time.",
            example: "current_date() IS NULL", result: "false", kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(0...0)
            return .currentDate
        }
    }
}
