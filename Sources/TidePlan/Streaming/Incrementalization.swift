/// How a plan behaves when its inputs change.
///
/// A *static* plan reads snapshots and constants only: it has no changes of its own. A plan is *append-only* if its
/// changes are insertions as long as those of its inputs are. The rules: filters, projections, unions and inner joins
/// pass changes through; an aggregate withdraws a group's old row with every new one; an outer join withdraws a padded
/// row when a match arrives, unless the optional side is static.
public struct Incrementalization: Sendable {
    /// Whether a table of the pipeline (by the scan's name) only grows.
    let tableAppends: @Sendable (String) -> Bool
    /// Tables of the pipeline (lower case) whose rows come to their readers in source order.
    var orderedTables: Set<String> = []

    public init(tableAppends: @escaping @Sendable (String) -> Bool) { self.tableAppends = tableAppends }

    /// By the datasets' keys: a table without a key is stored by appending.
    public init(datasets: [Dataset]) {
        let appending = Set(datasets.filter { $0.key == nil }.map { $0.name.lowercased() })
        tableAppends = { appending.contains($0.lowercased()) }
        orderTables(of: datasets)
    }

    public func isStatic(_ plan: LogicalPlan) -> Bool {
        if case .scan(let scan) = plan { return scan.relation.mode == .snapshot }
        return plan.inputs.allSatisfy(isStatic)
    }

    public func isAppendOnly(_ plan: LogicalPlan) -> Bool {
        switch plan {
        case .scan(let scan):
            if scan.relation.mode == .snapshot { return true }
            return scan.relation.isOwnTable ? tableAppends(scan.relation.name) : !scan.relation.replacesFiles
        case .values, .working: return true
        case .recursive: return isStatic(plan)
        case .filter(let input, _), .project(let input, _): return isAppendOnly(input)
        case .watermark(let watermark): return isAppendOnly(watermark.input)
        case .timeWindows(let windows): return isAppendOnly(windows.input)
        case .deduplicate(let deduplicate): return isAppendOnly(deduplicate.input)
        case .keyed(let keyed): return isAppendOnly(keyed.input)
        case .expand(let expand): return isAppendOnly(expand.input)
        case .generate(let generate): return isAppendOnly(generate.input)
        case .replicate(let replicate): return isAppendOnly(replicate.input)
        case .union(let inputs): return inputs.allSatisfy(isAppendOnly)
        case .aggregate(let aggregate): return isStatic(aggregate.input)
        // A new row can move the others.
        case .window(let window): return isStatic(window.input)
        case .topN(let topN): return isStatic(topN.input)
        case .latest(let latest): return isStatic(latest.input)
        case .sort(let sort):
            return isAppendOnly(sort.input) && (sort.limit == nil && sort.offset == 0 || isStatic(sort.input))
        case .join(let join):
            let isLeft = isAppendOnly(join.left)
            let isRight = isAppendOnly(join.right)
            switch join.kind {
            case .inner, .semi: return isLeft && isRight
            case .left, .anti: return isLeft && isStatic(join.right)
            case .right: return isRight && isStatic(join.left)
            case .full: return isStatic(join.left) && isStatic(join.right)
            }
        }
    }
}
