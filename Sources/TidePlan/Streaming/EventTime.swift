/// Which columns of a plan are event time: derived from the plan alone, as Spark derives it from column metadata.
///
/// A watermark names a column. A projection that passes it on keeps it; `window` and `session_window` over it and
/// `window_time` of such a window are event time too; so is a group of an aggregate that is one. Other expressions over
/// it are not.
public struct EventTime: Hashable, Sendable {
    /// Output column → delay of the watermark it comes from, in milliseconds.
    public private(set) var delays: [Int: Int64]

    public var columns: [Int] { delays.keys.sorted() }
    public var isEmpty: Bool { delays.isEmpty }

    private init(_ delays: [Int: Int64]) { self.delays = delays }

    public init(of plan: LogicalPlan) {
        switch plan {
        case .scan, .values: delays = [:]
        case .filter(let input, _): self.init(of: input)
        case .sort(let sort): self.init(of: sort.input)
        case .deduplicate(let deduplicate): self.init(of: deduplicate.input)
        case .project(let input, let items):
            let below = EventTime(of: input)
            delays = [:]
            for (index, item) in items.enumerated() { delays[index] = below.delay(of: item.expression) }
        case .watermark(let watermark):
            self.init(of: watermark.input)
            delays[watermark.column] = watermark.delayMillis
        case .timeWindows(let windows):
            self.init(of: windows.input)
            delays[windows.input.schema.count] = delay(of: windows.time)
        case .aggregate(let aggregate):
            let below = EventTime(of: aggregate.input)
            delays = [:]
            for (index, group) in aggregate.groups.enumerated() { delays[index] = below.delay(of: group.expression) }
        case .union(let inputs): self.init(inputs.first.map { EventTime(of: $0).delays } ?? [:])
        case .join(let join):
            self.init(of: join.left)
            if join.kind == .semi || join.kind == .anti { return }
            let offset = join.left.schema.count
            for (column, delay) in EventTime(of: join.right).delays { delays[column + offset] = delay }
        }
    }

    /// The delay of an expression over the plan's output; nil if it is not event time.
    public func delay(of expression: BoundExpression) -> Int64? {
        if case .column(let index, _, _) = expression { return delays[index] }
        let inner =
            expression.tumblingWindowTime ?? expression.sessionWindowTime ?? expression.windowOfTime
        return inner.flatMap { delay(of: $0) }
    }

    /// The group of an aggregate that is event time: groups end with it. Position in `groups`; the first if several are.
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
