/// What the configuration says about the meaning of SQL.
struct AnalysisSettings: Sendable {
    /// `spark.sql.session.timeZone`
    var timeZone = "UTC"
    /// `tidemill.now`, microseconds since 1970: `current_timestamp()` of every epoch.
    var fixedNow: Int64?
    /// Whether TIMESTAMP means TIMESTAMP_NTZ (`spark.sql.timestampType`).
    var timestampIsNTZ = false

    init() {}

    init(configuration: [String: String]) throws(TidemillError) {
        if let zone = configuration["spark.sql.session.timeZone"] { timeZone = zone }
        if let type = configuration["spark.sql.timestampType"] {
            switch type.uppercased() {
            case "TIMESTAMP_LTZ": timestampIsNTZ = false
            case "TIMESTAMP_NTZ": timestampIsNTZ = true
            default:
                throw AnalysisError.user(
                    "INVALID_CONF_VALUE.OUT_OF_RANGE_OF_OPTIONS", "invalid spark.sql.timestampType: \(type)",
                    hint: "TIMESTAMP_LTZ or TIMESTAMP_NTZ", nil)
            }
        }
        if let now = configuration["tidemill.now"] {
            guard let value = constant(now, as: .timestamp)?.integer else {
                throw AnalysisError.user(
                    "TIDEMILL_INVALID_SETTING", "tidemill.now is not a timestamp: \(now)",
                    hint: "for example 2024-06-01T00:00:00Z", nil)
            }
            fixedNow = value
        }
    }

    /// Text read as a value of a type by the rules of CAST; nil if it is none.
    func constant(_ text: String, as type: DataType) -> Scalar? {
        evaluate(.cast(.string(text), to: type, try: true)).flatMap { $0.isNull ? nil : $0 }
    }

    /// The value of an expression without columns, in the session's time zone; nil if it has none.
    func evaluate(_ expression: BoundExpression) -> Scalar? {
        if let value = expression.literalValue { return value }
        guard expression.isConstant else { return nil }
        let context = EvaluationContext(currentTimestampMicros: fixedNow ?? 0, timeZone: timeZone)
        let program = ExpressionProgram([expression])
        guard let column = try? program.evaluate(Batch(columns: [], count: 1), context).first else { return nil }
        return column.scalar(0)
    }
}

/// Who will run the query: what is legal depends on it.
enum Consumer: Hashable, Sendable {
    /// `tidemill sql`: everything there is now.
    case batch
    /// Append output with Spark's streaming rules.
    case streamingTable
    /// Maintained incrementally.
    case materializedView
    /// The same, but for groups that the watermark passes.
    case frozenView
    /// A sink's copy: one table as it is.
    case sink

    var isView: Bool { self == .materializedView || self == .frozenView }
}

/// A query's result while it is being analyzed.
struct AnalyzedRelation {
    var plan: LogicalPlan
    var scope: Scope
    /// Whether some relation below is read with STREAM.
    var isStreaming: Bool

    /// The relation under another name, as a subquery or alias.
    func qualified(_ qualifier: [String]) -> AnalyzedRelation {
        var columns: [Scope.Column] = []
        for column in scope.visible {
            columns.append(
                Scope.Column(
                    name: column.name, qualifier: qualifier, index: column.index, type: column.type,
                    nullable: column.nullable))
        }
        return AnalyzedRelation(plan: plan, scope: Scope(columns), isStreaming: isStreaming)
    }

    /// The visible columns as output items.
    var items: [NamedExpression] { scope.visible.map { NamedExpression($0.name, $0.bound) } }
}
