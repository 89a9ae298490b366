/// A function with OVER as text: the call and its frame.
enum WindowText {
    static func function(_ call: NamedWindowFunction, _ schema: Schema) -> String {
        func text(_ expression: BoundExpression) -> String { PlanText.expression(expression, schema) }
        func nulls(_ ignores: Bool) -> String { ignores ? " IGNORE NULLS" : "" }
        switch call.function {
        case .rowNumber: return "row_number()"
        case .rank: return "rank()"
        case .denseRank: return "dense_rank()"
        case .percentRank: return "percent_rank()"
        case .cumeDist: return "cume_dist()"
        case .ntile(let buckets): return "ntile(\(buckets))"
        case .shifted(let argument, let by, let otherwise, let ignoresNulls):
            let name = by < 0 ? "lag" : "lead"
            let tail = otherwise.literalValue?.isNull == true ? "" : ", \(text(otherwise))"
            return "\(name)(\(text(argument)), \(abs(by))\(tail))\(nulls(ignoresNulls))"
        case .nth(let argument, let n, let ignoresNulls):
            return "nth_value(\(text(argument)), \(n))\(nulls(ignoresNulls)) \(frame(call.frame, schema))"
        case .aggregate(let aggregate, let filter):
            let named = NamedAggregate("", aggregate, filter: filter)
            return "\(PlanText.unnamed(named, schema)) \(frame(call.frame, schema))"
        }
    }

    private static func frame(_ frame: WindowFunction.Frame, _ schema: Schema) -> String {
        func bound(_ bound: WindowFunction.Frame.Bound) -> String {
            switch bound {
            case .unboundedPreceding: "UNBOUNDED PRECEDING"
            case .unboundedFollowing: "UNBOUNDED FOLLOWING"
            case .currentRow: "CURRENT ROW"
            case .rows(let rows): "\(abs(rows)) \(rows < 0 ? "PRECEDING" : "FOLLOWING")"
            case .value(let expression): PlanText.expression(expression, schema)
            }
        }
        return "\(frame.unit.rawValue.uppercased()) BETWEEN \(bound(frame.start)) AND \(bound(frame.end))"
    }
}
