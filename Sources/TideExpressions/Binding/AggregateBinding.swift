/// Aggregate functions: names, argument types, result types.
enum AggregateBinding {
    private struct Entry {
        let names: [String]
        let usage: String
        let summary: String
        let example: String
        let result: String
    }

    private static let entries: [Entry] = [
        Entry(
            names: ["count"], usage: "count(*), count(x[, …])", summary: "Rows; rows in which no argument is NULL.",
            example: "SELECT count(x) FROM VALUES (1), (NULL) AS t(x)", result: "1"),
        Entry(
            names: ["count_if"], usage: "count_if(condition)", summary: "Rows for which the condition is true.",
            example: "SELECT count_if(x > 1) FROM VALUES (1), (2) AS t(x)", result: "1"),
        Entry(
            names: ["sum"], usage: "sum(x)", summary: "Sum of the values that are not NULL; NULL if there is none.",
            example: "SELECT sum(x) FROM VALUES (1), (2) AS t(x)", result: "3"),
        Entry(
            names: ["avg", "mean"], usage: "avg(x)", summary: "Mean of the values that are not NULL.",
            example: "SELECT avg(x) FROM VALUES (1), (2) AS t(x)", result: "1.5"),
        Entry(
            names: ["min"], usage: "min(x)", summary: "Smallest value.",
            example: "SELECT min(x) FROM VALUES (1), (2) AS t(x)", result: "1"),
        Entry(
            names: ["max"], usage: "max(x)", summary: "Largest value.",
            example: "SELECT max(x) FROM VALUES (1), (2) AS t(x)", result: "2"),
        Entry(
            names: ["first", "first_value"], usage: "first(x[, ignoreNulls])", summary: "Value of the first row.",
            example: "SELECT first(x) FROM VALUES (1), (2) AS t(x)", result: "1"),
        Entry(
            names: ["last", "last_value"], usage: "last(x[, ignoreNulls])", summary: "Value of the last row.",
            example: "SELECT last(x) FROM VALUES (1), (2) AS t(x)", result: "2"),
        Entry(
            names: ["any_value"], usage: "any_value(x[, ignoreNulls])", summary: "Value of some row.",
            example: "SELECT any_value(x) FROM VALUES (1) AS t(x)", result: "1"),
        Entry(
            names: ["bool_and", "every"], usage: "bool_and(x)", summary: "True if no value is false.",
            example: "SELECT bool_and(x) FROM VALUES (true), (false) AS t(x)", result: "false"),
        Entry(
            names: ["bool_or", "some", "any"], usage: "bool_or(x)", summary: "True if some value is true.",
            example: "SELECT bool_or(x) FROM VALUES (true), (false) AS t(x)", result: "true"),
        Entry(
            names: ["stddev_pop"], usage: "stddev_pop(x)", summary: "Standard deviation of the population.",
            example: "SELECT stddev_pop(x) FROM VALUES (1), (3) AS t(x)", result: "1.0"),
        Entry(
            names: ["stddev_samp", "stddev", "std"], usage: "stddev_samp(x)",
            summary: "Standard deviation of the sample.",
            example: "SELECT stddev_samp(x) FROM VALUES (1), (2), (3) AS t(x)", result: "1.0"),
        Entry(
            names: ["var_pop"], usage: "var_pop(x)", summary: "Variance of the population.",
            example: "SELECT var_pop(x) FROM VALUES (1), (3) AS t(x)", result: "1.0"),
        Entry(
            names: ["var_samp", "variance"], usage: "var_samp(x)", summary: "Variance of the sample.",
            example: "SELECT var_samp(x) FROM VALUES (1), (2), (3) AS t(x)", result: "1.0"),
        Entry(
            names: ["covar_pop"], usage: "covar_pop(x, y)", summary: "Covariance of the population.",
            example: "SELECT covar_pop(x, y) FROM VALUES (1, 1), (3, 3) AS t(x, y)", result: "1.0"),
        Entry(
            names: ["covar_samp"], usage: "covar_samp(x, y)", summary: "Covariance of the sample.",
            example: "SELECT covar_samp(x, y) FROM VALUES (1, 1), (2, 2), (3, 3) AS t(x, y)", result: "1.0"),
        Entry(
            names: ["corr"], usage: "corr(x, y)", summary: "Pearson's correlation.",
            example: "SELECT corr(x, y) FROM VALUES (1, 1), (3, 3) AS t(x, y)", result: "1.0"),
        Entry(
            names: ["skewness"], usage: "skewness(x)", summary: "Skewness of the population.",
            example: "SELECT skewness(x) FROM VALUES (1), (2), (3) AS t(x)", result: "0.0"),
        Entry(
            names: ["kurtosis"], usage: "kurtosis(x)", summary: "Excess kurtosis of the population.",
            example: "SELECT kurtosis(x) FROM VALUES (1), (2), (3) AS t(x)", result: "-1.5"),
        Entry(
            names: ["percentile"], usage: "percentile(x, fraction)",
            summary: "The value below which the fraction (a constant from 0 to 1) lies, interpolated.",
            example: "SELECT percentile(x, 0.25) FROM VALUES (0), (10) AS t(x)", result: "2.5"),
        Entry(
            names: ["median"], usage: "median(x)", summary: "The middle value, interpolated.",
            example: "SELECT median(x) FROM VALUES (0), (10) AS t(x)", result: "5.0"),
        Entry(
            names: ["mode"], usage: "mode(x)",
            summary: "The most frequent value that is not NULL; of equally frequent ones the smallest.",
            example: "SELECT mode(x) FROM VALUES (0), (10), (10) AS t(x)", result: "10"),
        Entry(
            names: ["max_by"], usage: "max_by(x, y)", summary: "x in the row with the largest y.",
            example: "SELECT max_by(x, y) FROM VALUES ('a', 10), ('b', 50) AS t(x, y)", result: "b"),
        Entry(
            names: ["min_by"], usage: "min_by(x, y)", summary: "x in the row with the smallest y.",
            example: "SELECT min_by(x, y) FROM VALUES ('a', 10), ('b', 50) AS t(x, y)", result: "a"),
        Entry(
            names: ["bit_and"], usage: "bit_and(x)", summary: "Bits that all integers have.",
            example: "SELECT bit_and(x) FROM VALUES (3), (5) AS t(x)", result: "1"),
        Entry(
            names: ["bit_or"], usage: "bit_or(x)", summary: "Bits that some integer has.",
            example: "SELECT bit_or(x) FROM VALUES (3), (5) AS t(x)", result: "7"),
        Entry(
            names: ["bit_xor"], usage: "bit_xor(x)", summary: "Bits that an odd number of integers has.",
            example: "SELECT bit_xor(x) FROM VALUES (3), (5) AS t(x)", result: "6"),
        Entry(
            names: ["collect_list", "array_agg"], usage: "collect_list(x)",
            summary: "An array of the values that are not NULL, in source order (in views: of whole rows).",
            example: "SELECT collect_list(x) FROM VALUES (2), (1), (2) AS t(x)", result: "[1, 2, 2]"),
        Entry(
            names: ["collect_set"], usage: "collect_set(x)",
            summary: "An array of the different values that are not NULL, ascending.",
            example: "SELECT collect_set(x) FROM VALUES (2), (1), (2) AS t(x)", result: "[1, 2]"),
        Entry(
            names: ["listagg", "string_agg"], usage: "listagg(x[, delimiter])",
            summary: "The texts that are not NULL, joined in source order (in views: of whole rows).",
            example: "SELECT listagg(x, '+') FROM VALUES ('b'), ('a') AS t(x)", result: "a+b"),
        Entry(
            names: ["approx_count_distinct"], usage: "approx_count_distinct(x[, relativeSD])",
            summary: "How many different values there are, roughly, by HyperLogLog++; within 5 % as a rule.",
            example: "SELECT approx_count_distinct(x) FROM VALUES (2), (1), (2) AS t(x)", result: "2"),
    ]

    /// Spark's aggregates that are known by name only, for a better error than "unresolved".
    private static let unsupportedNames: Set<String> = [
        "percentile_approx", "approx_percentile", "regr_slope", "regr_intercept", "grouping",
        "grouping_id", "histogram_numeric",
    ]

    private static let canonical: [String: Int] = {
        var map: [String: Int] = [:]
        for (index, entry) in entries.enumerated() { for name in entry.names { map[name] = index } }
        return map
    }()

    static var names: [String] { canonical.keys.sorted() }

    static func isAggregate(_ name: String) -> Bool {
        let lower = name.lowercased()
        return canonical[lower] != nil || unsupportedNames.contains(lower)
    }

    static var documentation: [FunctionDocumentation] {
        entries.map {
            FunctionDocumentation(
                group: .aggregate, names: $0.names, usage: $0.usage, summary: $0.summary, example: $0.example,
                result: $0.result)
        }
    }

    static func bind(
        _ name: String, arguments: [BoundExpression], distinct: Bool, ignoreNulls: Bool, span: SourceSpan?
    ) throws(TidemillError) -> BoundAggregate {
        let lower = name.lowercased()
        guard let index = canonical[lower] else {
            if unsupportedNames.contains(lower) {
                throw BindError.unsupported("the aggregate function \(lower) is not supported yet", span)
            }
            throw BindError.unresolvedRoutine(name, span)
        }
        let entry = entries[index]
        func arity(_ range: ClosedRange<Int>) throws(TidemillError) {
            if range.contains(arguments.count) { return }
            let expected = range.count == 1 ? "\(range.lowerBound)" : "[\(range.lowerBound), \(range.upperBound)]"
            throw BindError.wrongArgumentCount(
                name, expected: expected, actual: arguments.count, usage: entry.usage, span)
        }
        func plain(_ kind: AggregateKind, _ argument: BoundExpression, _ type: DataType) -> BoundAggregate {
            BoundAggregate(kind: kind, arguments: [argument], distinct: distinct, resultType: type, nullable: true)
        }
        func unexpected(_ expected: String) -> TidemillError {
            BindError.unexpectedType(arguments[0], expected: expected, position: 0, function: lower, span)
        }

        switch entry.names[0] {
        case "count":
            if arguments.isEmpty {
                return BoundAggregate(
                    kind: .countStar, arguments: [], distinct: false, resultType: .bigint, nullable: false)
            }
            return BoundAggregate(
                kind: .count, arguments: arguments, distinct: distinct, resultType: .bigint, nullable: false)
        case "count_if":
            try arity(1...1)
            guard let condition = boolean(arguments[0]) else { throw unexpected("BOOLEAN") }
            return BoundAggregate(
                kind: .countIf, arguments: [condition], distinct: distinct, resultType: .bigint, nullable: false)
        case "sum":
            try arity(1...1)
            guard let (argument, type) = sumType(arguments[0]) else { throw unexpected("NUMERIC or ANSI INTERVAL") }
            return plain(.sum, argument, type)
        case "avg":
            try arity(1...1)
            guard let (argument, type) = averageType(arguments[0]) else {
                throw unexpected("NUMERIC or ANSI INTERVAL")
            }
            return plain(.avg, argument, type)
        case "min", "max":
            try arity(1...1)
            guard arguments[0].type.isOrdered else { throw unexpected("a type with an order") }
            return plain(entry.names[0] == "min" ? .min : .max, arguments[0], arguments[0].type)
        case "first", "last", "any_value":
            try arity(1...2)
            let flagged = try ignoreNullsFlag(arguments, lower, span)
            let ignores = ignoreNulls || flagged
            let kind: AggregateKind =
                switch entry.names[0] {
                case "first": .first(ignoreNulls: ignores)
                case "last": .last(ignoreNulls: ignores)
                default: .anyValue(ignoreNulls: ignores)
                }
            return plain(kind, arguments[0], arguments[0].type)
        case "bool_and", "bool_or":
            try arity(1...1)
            guard let argument = boolean(arguments[0]) else { throw unexpected("BOOLEAN") }
            return plain(entry.names[0] == "bool_and" ? .boolAnd : .boolOr, argument, .boolean)
        case "covar_pop", "covar_samp", "corr":
            try arity(2...2)
            var kind = AggregateKind.corr
            if entry.names[0] != "corr" { kind = entry.names[0] == "covar_pop" ? .covarPop : .covarSamp }
            var doubles: [BoundExpression] = []
            for argument in arguments {
                guard argument.type.isNumeric || argument.type == .string || argument.type == .null else {
                    throw unexpected("DOUBLE")
                }
                doubles.append(TypeCoercion.cast(argument, to: .double))
            }
            return BoundAggregate(
                kind: kind, arguments: doubles, distinct: distinct, resultType: .double, nullable: true)
        case "percentile", "median":
            try arity(entry.names[0] == "median" ? 1...1 : 2...2)
            let type = arguments[0].type
            guard type.isNumeric || type == .string || type == .null else { throw unexpected("NUMERIC") }
            var fraction = 0.5
            if arguments.count == 2 {
                let constant = FunctionRegistry.builtin.fold(TypeCoercion.cast(arguments[1], to: .double))
                guard case .double(let value) = constant.literalValue?.value, value >= 0, value <= 1 else {
                    throw BindError.unexpectedType(
                        arguments[1], expected: "DOUBLE constant from 0 to 1", position: 1, function: lower, span)
                }
                fraction = value
            }
            return plain(
                .percentile(fraction: PercentileFraction(fraction)), TypeCoercion.cast(arguments[0], to: .double),
                .double)
        case "mode":
            try arity(1...1)
            if distinct {
                throw BindError.invalidArgument(
                    "INVALID_WITHIN_GROUP_EXPRESSION.DISTINCT_UNSUPPORTED",
                    "of different values each occurs once: mode does not support DISTINCT", hint: "leave it out", span)
            }
            return plain(.mode, arguments[0], arguments[0].type)
        case "max_by", "min_by":
            try arity(2...2)
            return BoundAggregate(
                kind: entry.names[0] == "max_by" ? .maxBy : .minBy, arguments: arguments, distinct: distinct,
                resultType: arguments[0].type, nullable: true)
        case "bit_and", "bit_or", "bit_xor":
            try arity(1...1)
            guard arguments[0].type.isIntegral else { throw unexpected("INTEGRAL") }
            var kind = AggregateKind.bitXor
            if entry.names[0] != "bit_xor" { kind = entry.names[0] == "bit_and" ? .bitAnd : .bitOr }
            return plain(kind, arguments[0], arguments[0].type)
        case "collect_list", "collect_set":
            try arity(1...1)
            let isSet = distinct || entry.names[0] == "collect_set"
            guard arguments[0].type.isOrdered || !isSet else {
                throw BindError.invalidArgument(
                    "DATATYPE_MISMATCH.UNSUPPORTED_INPUT_TYPE",
                    "maps have no order, so \(lower) cannot take a \(arguments[0].type.sql)",
                    hint: "collect map_keys or map_values", span)
            }
            // Of DISTINCT values the list is the set.
            return BoundAggregate(
                kind: isSet ? .collectSet : .collectList, arguments: arguments, distinct: false,
                resultType: .array(arguments[0].type), nullable: false)
        case "listagg":
            try arity(1...2)
            var delimiter = ""
            if arguments.count == 2 {
                guard let text = FunctionRegistry.builtin.fold(arguments[1]).literalValue?.string else {
                    throw BindError.unexpectedType(
                        arguments[1], expected: "STRING constant", position: 1, function: lower, span)
                }
                delimiter = text
            }
            if distinct { throw BindError.unsupported("listagg(DISTINCT …) is not supported", span) }
            return plain(.listAgg(delimiter: delimiter), TypeCoercion.cast(arguments[0], to: .string), .string)
        case "approx_count_distinct":
            try arity(1...2)
            var precision = 9
            if arguments.count == 2 {
                let constant = FunctionRegistry.builtin.fold(TypeCoercion.cast(arguments[1], to: .double))
                guard case .double(let deviation) = constant.literalValue?.value,
                    let bits = DistinctRegister.precision(deviation)
                else {
                    throw BindError.unexpectedType(
                        arguments[1], expected: "DOUBLE constant from 0.0002 to 0.39", position: 1, function: lower,
                        span)
                }
                precision = bits
            }
            let register = try FunctionRegistry.builtin.bind(
                DistinctRegister.name, arguments: [arguments[0], .literal(.int(Int32(precision)))], span: span)
            return BoundAggregate(
                kind: .distinctEstimate(precision: precision), arguments: [register], distinct: false,
                resultType: .bigint, nullable: false)
        default:
            try arity(1...1)
            let type = arguments[0].type
            guard type.isNumeric || type == .string || type == .null else { throw unexpected("DOUBLE") }
            let kind: AggregateKind =
                switch entry.names[0] {
                case "skewness": .skewness
                case "kurtosis": .kurtosis
                case "stddev_pop": .stddevPop
                case "stddev_samp": .stddevSamp
                case "var_pop": .varPop
                default: .varSamp
                }
            return plain(kind, TypeCoercion.cast(arguments[0], to: .double), .double)
        }
    }

    private static func boolean(_ argument: BoundExpression) -> BoundExpression? {
        switch argument.type {
        case .boolean, .null, .string: TypeCoercion.cast(argument, to: .boolean)
        default: nil
        }
    }

    private static func sumType(_ argument: BoundExpression) -> (BoundExpression, DataType)? {
        switch argument.type {
        case .tinyint, .smallint, .int, .bigint: (TypeCoercion.cast(argument, to: .bigint), .bigint)
        case .float, .double, .string, .timestamp, .null: (TypeCoercion.cast(argument, to: .double), .double)
        case .decimal(let precision, let scale): (argument, DecimalTypes.bounded(precision + 10, scale))
        case .yearMonthInterval, .dayTimeInterval: (argument, argument.type)
        default: nil
        }
    }

    private static func averageType(_ argument: BoundExpression) -> (BoundExpression, DataType)? {
        switch argument.type {
        case .tinyint, .smallint, .int, .bigint, .float, .double, .string, .timestamp, .null:
            (TypeCoercion.cast(argument, to: .double), .double)
        case .decimal(let precision, let scale): (argument, DecimalTypes.bounded(precision + 4, scale + 4))
        case .yearMonthInterval: (argument, .yearToMonth)
        case .dayTimeInterval: (argument, .dayToSecond)
        default: nil
        }
    }

    private static func ignoreNullsFlag(
        _ arguments: [BoundExpression], _ name: String, _ span: SourceSpan?
    ) throws(TidemillError) -> Bool {
        guard arguments.count == 2 else { return false }
        guard let flag = FunctionRegistry.builtin.fold(arguments[1]).literalValue?.boolean else {
            throw BindError.unexpectedType(
                arguments[1], expected: "BOOLEAN constant", position: 1, function: name, span)
        }
        return flag
    }
}
