/// Which columns of a plan are event time: derived from the plan alone, as Spark derives it from column metadata.
///
/// A watermark names a column. A projection that passes it on keeps it; `window` and `session_window` over it and
/// `window_time` of such a window are event time too; so is a group of an aggregate that is one. Other expressions over
/// it are not.
public struct EventTime: Hashable, Sendable {
    /// Output column → delay of the watermark it comes from, in milliseconds.
    public let delays: [Int: Int64]

    public var columns: [Int] { delays.keys.sorted() }
    public var isEmpty: Bool { delays.isEmpty }

    private init(_ delays: [Int: Int64]) { self.delays = delays }

    public init(of plan: LogicalPlan) { self.init(EventTime.delays(of: plan)) }

    private static func delays(of plan: LogicalPlan) -> [Int: Int64] {
        switch plan {
        // Rows made out of a row have no time of their own.
        case .scan, .values, .expand, .recursive, .working, .latest: return [:]
        case .filter(let input, _): return delays(of: input)
        case .generate(let generate): return delays(of: generate.input)
        case .sort, .deduplicate, .window, .topN, .replicate: return delays(of: plan.inputs[0])
        case .keyed(let keyed):
            let below = delays(of: keyed.input)
            guard case .silent = keyed.rule else { return below }
            // The row itself is older than the watermark when it goes out.
            guard let column = keyed.timeColumn, let delay = below[column] else { return [:] }
            return [keyed.input.schema.count: delay]
        case .project(let input, let items): return EventTime(of: input).delays(of: items)
        case .watermark(let watermark):
            var all = delays(of: watermark.input)
            all[watermark.column] = watermark.delayMillis
            return all
        case .timeWindows(let windows):
            let below = EventTime(of: windows.input)
            var all = below.delays
            all[windows.input.schema.count] = below.delay(of: windows.time)
            return all
        case .aggregate(let aggregate): return EventTime(of: aggregate.input).delays(of: aggregate.groups)
        case .union(let inputs): return inputs.first.map(delays) ?? [:]
        case .join(let join):
            var all = delays(of: join.left)
            if join.kind == .semi || join.kind == .anti { return all }
            let offset = join.left.schema.count
            for (column, delay) in delays(of: join.right) { all[column + offset] = delay }
            return all
        }
    }

    private func delays(of items: [NamedExpression]) -> [Int: Int64] {
        var all: [Int: Int64] = [:]
        for (index, item) in items.enumerated() { all[index] = delay(of: item.expression) }
        return all
    }

    /// The delay of an expression over the plan's output; nil if it is not event time.
    public func delay(of expression: BoundExpression) -> Int64? {
        if case .column(let index, _, _) = expression { return delays[index] }
        let inner =
            expression.tumblingWindowTime ?? expression.sessionWindowTime ?? expression.windowOfTime
        return inner.flatMap { delay(of: $0) }
    }

    /// The group of an aggregate that is event time: groups end with it. Position in `groups`; the first if several
    /// are.
    public static func group(of aggregate: LogicalPlan.Aggregate) -> Int? {
        let below = EventTime(of: aggregate.input)
        if below.isEmpty { return nil }
        return aggregate.groups.indices.first { below.delay(of: aggregate.groups[$0].expression) != nil }
    }
}

extension LogicalPlan.Deduplicate {
    /// Event-time columns that decide how long a key is remembered: one of the keys, or, within the watermark, any.
    public var eventTimeColumns: [Int] {
        let all = EventTime(of: input).columns
        return isWithinWatermark ? all : all.filter { keys.contains($0) }
    }
}

extension LogicalPlan {
    /// Whether some leaf brings rows as they come; a plan that only reads snapshots is a batch query inside the stream.
    public var isStream: Bool {
        switch self {
        case .scan(let scan): scan.relation.mode == .changes
        case .values: false
        default: inputs.contains(where: \.isStream)
        }
    }

    /// Whether some operator names event time.
    public var hasWatermark: Bool {
        if case .watermark = self { return true }
        return inputs.contains(where: \.hasWatermark)
    }
}
