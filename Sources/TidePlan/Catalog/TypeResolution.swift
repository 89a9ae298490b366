@_exported import TideSQL

/// Type names of DDL and CAST to types.
enum TypeResolution {
    private static let names: [String: DataType] = [
        "boolean": .boolean, "tinyint": .tinyint, "byte": .tinyint, "smallint": .smallint, "short": .smallint,
        "int": .int, "integer": .int, "bigint": .bigint, "long": .bigint, "float": .float, "real": .float,
        "double": .double, "string": .string, "binary": .binary, "date": .date,
        "timestamp_ltz": .timestamp, "timestamp_ntz": .timestampNTZ, "void": .null,
    ]
    private static let known =
        names.keys.sorted() + [
            "timestamp", "decimal", "dec", "numeric", "varchar", "char", "character", "array", "map", "struct",
        ]

    static func resolve(_ type: TypeName, _ settings: AnalysisSettings) throws(TidemillError) -> DataType {
        switch type.kind {
        case .array(let element): return .array(try resolve(element, settings))
        case .map(let key, let value):
            let keyType = try resolve(key, settings)
            guard keyType.isOrdered else {
                throw AnalysisError.user(
                    "INVALID_MAP_KEY_TYPE", "the key of a map cannot be or hold a map: \(key.span.text)", key.span)
            }
            return .map(key: keyType, value: try resolve(value, settings))
        case .structure(let fields):
            return .structure(
                try fields.map { (field) throws(TidemillError) in
                    Field(field.name.name, try resolve(field.type, settings), nullable: !field.isNotNull)
                })
        case .interval(let from, let to):
            guard let first = from else {
                throw AnalysisError.unsupported(
                    "the type INTERVAL without fields is not supported",
                    hint: "write INTERVAL DAY TO SECOND or INTERVAL YEAR TO MONTH", type.span)
            }
            if let to, to.isYearMonth != first.isYearMonth {
                throw AnalysisError.user(
                    "DATATYPE_MISMATCH", "an interval cannot mix months with days: \(type.span.text)", type.span)
            }
            return interval(first, to ?? first)
        case .named(let identifier, let parameters):
            return try named(identifier.name.lowercased(), parameters, type.span, settings)
        }
    }

    /// The type of intervals with the fields `from` to `to`, as they are written.
    static func interval(_ from: IntervalField, _ to: IntervalField) -> DataType {
        .interval(IntervalRange(unit(from), unit(to)))
    }

    private static func unit(_ field: IntervalField) -> IntervalRange.Unit {
        switch field {
        case .year: .year
        case .month: .month
        case .week, .day: .day
        case .hour: .hour
        case .minute: .minute
        case .second, .millisecond, .microsecond, .nanosecond: .second
        }
    }

    private static func named(
        _ name: String, _ parameters: [Int], _ span: SourceSpan, _ settings: AnalysisSettings
    ) throws(TidemillError) -> DataType {
        switch name {
        case "decimal", "dec", "numeric":
            let precision = parameters.first ?? 10
            let scale = parameters.count > 1 ? parameters[1] : 0
            guard parameters.count <= 2, (1...38).contains(precision), (0...precision).contains(scale) else {
                let isScale = (1...38).contains(precision) && scale > precision
                throw AnalysisError.user(
                    isScale ? "DECIMAL_SCALE_EXCEEDS_PRECISION" : "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION",
                    "impossible decimal type: \(span.text)",
                    hint: "1 to 38 digits, of which at most all behind the point", span)
            }
            return .decimal(precision: precision, scale: scale)
        case "varchar", "char", "character":
            guard parameters.count == 1, parameters[0] >= 1 else {
                throw AnalysisError.user(
                    "DATATYPE_MISSING_SIZE", "the type \(name.uppercased()) needs a length",
                    hint: "write \(name.uppercased())(10), or STRING", span)
            }
            // Kept as text; the length is not enforced (as Spark when it reads files).
            return .string
        case "timestamp" where parameters.isEmpty: return settings.timestampIsNTZ ? .timestampNTZ : .timestamp
        default:
            guard let type = names[name], parameters.isEmpty else {
                let near = closestName(to: name, among: known)
                throw AnalysisError.user(
                    "UNSUPPORTED_DATATYPE", "unsupported data type: \(span.text)",
                    hint: near.map { "did you mean \($0.uppercased())?" }, span)
            }
            return type
        }
    }
}
