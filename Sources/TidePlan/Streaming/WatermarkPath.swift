/// How a flow's global watermark reaches an operator: Spark's propagation, per plan instead of per epoch.
///
/// A watermark operator gives the global watermark on, whatever its own column has come to; operators without state and
/// unions give on the least of what they get; a join of two streams holds back by as much as its state does.
public indirect enum WatermarkPath: Hashable, Sendable {
    /// No watermark below.
    case none
    case global
    case least([WatermarkPath])
    /// Behind a join of two streams whose sides are bounded so.
    case joined(WatermarkPath, left: StreamJoinBounds.Bound?, right: StreamJoinBounds.Bound?)

    /// What an operator over `plan` gets.
    public init(of plan: LogicalPlan) {
        switch plan {
        case .watermark: self = .global
        case .join(let join) where join.left.isStream && join.right.isStream:
            let bounds = StreamJoinBounds(join)
            self = .joined(WatermarkPath.least(of: plan.inputs), left: bounds.left, right: bounds.right)
        default: self = WatermarkPath.least(of: plan.inputs)
        }
    }

    /// What an operator with these inputs gets.
    public static func least(of inputs: [LogicalPlan]) -> WatermarkPath {
        let paths = inputs.map { WatermarkPath(of: $0) }.filter { $0 != .none }
        if paths.count < 2 || Set(paths).count == 1 { return paths.first ?? .none }
        return .least(paths)
    }

    /// Milliseconds; nil without a watermark. A flow whose watermark has not moved yet has 0 everywhere.
    public func value(global: Int64) -> Int64? {
        switch self {
        case .none: return nil
        case .global: return global
        case .least(let paths): return paths.compactMap { $0.value(global: global) }.min()
        case .joined(let path, let left, let right):
            guard let input = path.value(global: global) else { return nil }
            if global == 0 { return 0 }
            let states = [left, right].compactMap { $0.map { $0.threshold(watermarkMillis: input) / 1000 } }
            return min(input, states.min() ?? input)
        }
    }
}
