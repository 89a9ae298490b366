/// Fields of intervals, and intervals out of numbers.
enum IntervalFunctions {
    static let definitions: [ScalarDefinition] = {
        var list = DefinitionList(.datetime)
        addField(&list, .year, .int, "INTERVAL '3-2' YEAR TO MONTH", "3")
        addField(&list, .month, .tinyint, "INTERVAL '3-2' YEAR TO MONTH", "2")
        addField(&list, .day, .int, "INTERVAL '3 02:01:00.5' DAY TO SECOND", "3")
        addField(&list, .hour, .tinyint, "INTERVAL '3 02:01:00.5' DAY TO SECOND", "2")
        addField(&list, .minute, .tinyint, "INTERVAL '3 02:01:00.5' DAY TO SECOND", "1")
        addField(&list, .second, secondType, "INTERVAL '3 02:01:00.5' DAY TO SECOND", "0.500000")
        addConstruction(&list)
        return list.definitions
    }()

    private static let secondType = DataType.decimal(precision: 8, scale: 6)

    // MARK: Fields

    private static func name(of unit: IntervalRange.Unit) -> String { "extract interval \(unit.sql.lowercased())" }

    /// What the coarser field of the family holds of `unit`: values of it are taken modulo this. nil: there is none.
    private static func carry(_ unit: IntervalRange.Unit) -> Int64? {
        switch unit {
        case .year, .day: nil
        case .month: 12
        case .hour: 24
        case .minute, .second: 60
        }
    }

    /// `extract(field FROM interval)`; the type must have the field.
    static func extract(
        _ unit: IntervalRange.Unit?, _ field: String, _ request: BindRequest
    ) throws(TidemillError) -> BoundExpression {
        let interval = request.arguments[1]
        guard let unit, let range = interval.type.intervalRange, range.contains(unit) else {
            throw BindError.invalidArgument(
                "INVALID_EXTRACT_FIELD", "cannot extract '\(field)' from \(interval.type.sql)",
                hint: "the type must have the field", request.span)
        }
        let type: DataType = unit == .second ? secondType : carry(unit) == nil ? .int : .tinyint
        return .call(FunctionTable.named(name(of: unit)), [interval], type: type, nullable: interval.nullable)
    }

    private static func addField(
        _ list: inout DefinitionList, _ unit: IntervalRange.Unit, _ type: DataType, _ example: String, _ result: String
    ) {
        list.add(
            name(of: unit), usage: "extract(\(unit.sql) FROM interval)",
            summary: "The \(unit.sql.lowercased())s that no coarser field holds, with the interval's sign.",
            example: "extract(\(unit.sql) FROM \(example))", result: result,
            kernel: { (o, call) throws(TidemillError) in
                if unit == .second { return mapped(IntervalSecondRule(), o[0], call) }
                return unit.isMonths
                    ? mapped(IntervalFieldRule<Int32>(unit: unit.size, carry: carry(unit)), o[0], call)
                    : mapped(IntervalFieldRule<Int64>(unit: unit.size, carry: carry(unit)), o[0], call)
            }
        ) { (request) throws(TidemillError) in throw BindError.unresolvedRoutine(request.name, request.span) }
    }

    // MARK: Construction

    private static func addConstruction(_ list: inout DefinitionList) {
        list.add(
            "make_ym_interval", usage: "make_ym_interval([years[, months]])",
            summary: "The interval of years and months.",
            example: "make_ym_interval(1, 14)", result: "INTERVAL '2-2' YEAR TO MONTH", kernel: nil
        ) { (request) throws(TidemillError) in try total(of: [.year, .month], .yearToMonth, request) }
        list.add(
            "make_dt_interval", usage: "make_dt_interval([days[, hours[, minutes[, seconds]]]])",
            summary: "The interval of days, hours, minutes, and seconds with a fraction.",
            example: "make_dt_interval(1, 2, 3, 4.5)", result: "INTERVAL '1 02:03:04.5' DAY TO SECOND", kernel: nil
        ) { (request) throws(TidemillError) in try total(of: [.day, .hour, .minute, .second], .dayToSecond, request) }
    }

    /// A sum of products: `years * INTERVAL '1' YEAR + months * INTERVAL '1' MONTH`. Missing arguments are zero.
    private static func total(
        of units: [IntervalRange.Unit], _ type: DataType, _ request: BindRequest
    ) throws(TidemillError) -> BoundExpression {
        try request.requireCount(0...units.count)
        var sum = BoundExpression.literal(Scalar(type, .integer(0)))
        for (index, unit) in units.enumerated() where index < request.count {
            let part: BoundExpression
            if unit == .second {
                let exact = try request.coerced(index, to: .decimal(precision: 18, scale: 6))
                part = TypeCoercion.cast(exact, to: type)
            } else {
                let one = BoundExpression.literal(Scalar(.interval(IntervalRange(unit, unit)), .integer(unit.size)))
                part = try request.rebound("*", [one, try request.coerced(index, to: .int)])
            }
            sum = try request.rebound("+", [sum, part])
        }
        return sum
    }
}
