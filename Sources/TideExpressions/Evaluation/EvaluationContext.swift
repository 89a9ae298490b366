/// What an expression may know beside its input rows. One per epoch.
public struct EvaluationContext: Hashable, Sendable {
    /// The epoch's recorded time, microseconds since 1970-01-01T00:00:00Z.
    public var currentTimestampMicros: Int64
    /// `spark.sql.session.timeZone`.
    public var timeZone: String

    public init(currentTimestampMicros: Int64, timeZone: String = "UTC") {
        self.currentTimestampMicros = currentTimestampMicros
        self.timeZone = timeZone
    }
}
