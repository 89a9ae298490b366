// Functions with OVER. Tags are part of every checkpoint, as in `PlanEncoding`.

extension PlanEncoding {
    mutating func call(_ call: NamedWindowFunction) {
        switch call.function {
        case .rowNumber: writer.u8(1)
        case .rank: writer.u8(2)
        case .denseRank: writer.u8(3)
        case .percentRank: writer.u8(4)
        case .cumeDist: writer.u8(5)
        case .ntile(let buckets):
            writer.u8(6)
            writer.zigzag(Int64(buckets))
        case .shifted(_, let by, _, let ignoresNulls):
            writer.u8(7)
            writer.zigzag(Int64(by))
            writer.bool(ignoresNulls)
        case .nth(_, let n, let ignoresNulls):
            writer.u8(8)
            writer.zigzag(Int64(n))
            writer.bool(ignoresNulls)
        case .aggregate(let aggregate, let filter):
            writer.u8(9)
            self.call(NamedAggregate("", aggregate, filter: filter))
        }
        list(call.function.expressions) { $0.expression($1) }
        writer.string(call.frame.unit.rawValue)
        bound(call.frame.start)
        bound(call.frame.end)
    }

    private mutating func bound(_ bound: WindowFunction.Frame.Bound) {
        switch bound {
        case .unboundedPreceding: writer.u8(1)
        case .currentRow: writer.u8(2)
        case .rows(let rows):
            writer.u8(3)
            writer.zigzag(Int64(rows))
        case .value(let value):
            writer.u8(4)
            expression(value)
        case .unboundedFollowing: writer.u8(5)
        }
    }
}
