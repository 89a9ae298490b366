// `tidemill.freezeAtWatermark`: a materialized view whose groups end. When the watermark passes a group its row stays
// as it is and its state goes; rows that come later are late.

extension Dataset {
    public static let freezeProperty = "tidemill.freezeAtWatermark"

    /// Whether the view gives up equality with its query for bounded state.
    public var freezesAtWatermark: Bool {
        kind == .materializedView && property(Dataset.freezeProperty)?.lowercased() == "true"
    }
}

/// What a view that freezes may be: one aggregation by event time over rows that are only added.
struct FrozenViewRules {
    let legality: StreamingLegality
    let incremental: Incrementalization
    let span: SourceSpan?

    func check(_ plan: LogicalPlan) throws(TidemillError) {
        try legality.check(plan)
        guard let aggregate = FrozenViewRules.aggregate(of: plan), EventTime.group(of: aggregate) != nil else {
            throw AnalysisError.user(
                "TIDEMILL_FREEZE_WITHOUT_EVENT_TIME",
                "a view can only freeze at its watermark if it groups by event time",
                hint: "write WATERMARK column DELAY OF INTERVAL … behind the relation and group by window(column, …)",
                span)
        }
        guard incremental.isAppendOnly(aggregate.input) else {
            throw AnalysisError.user(
                "TIDEMILL_FREEZE_OVER_CHANGES",
                "a view cannot freeze at its watermark over input that takes rows back",
                hint: "leave \(Dataset.freezeProperty) out, or read rows that are only added", span)
        }
    }

    private static func aggregate(of plan: LogicalPlan) -> LogicalPlan.Aggregate? {
        switch plan {
        case .aggregate(let aggregate): aggregate
        case .filter(let input, _), .project(let input, _): aggregate(of: input)
        default: nil
        }
    }
}
