/// A filter on a rank right above the window that computes it keeps the first rows of each partition:
/// `row_number() OVER (…) <= 3` becomes a top-N, which need not keep the others in order.
enum TopNRecognition {
    static func apply(_ plan: LogicalPlan) -> LogicalPlan {
        plan.transformed { rewritten($0) ?? $0 }
    }

    /// The filter as a top-N, perhaps under what is left of the filter; nil if it is none.
    private static func rewritten(_ node: LogicalPlan) -> LogicalPlan? {
        guard case .filter(let input, let predicate) = node, case .window(let window) = input,
            window.functions.count == 1, let kind = window.functions[0].function.rankKind
        else { return nil }
        let rank = window.input.schema.count
        var limit: Int?
        var rest: [BoundExpression] = []
        for condition in Conjunction.split(predicate) {
            if let bound = bound(condition, rank) { limit = min(limit ?? .max, bound) }
            // Below the limit an equality still has to be tested, unless it is with the first rank.
            if bound(condition, rank) == nil || isEquality(condition) && limit != 1 { rest.append(condition) }
        }
        guard let limit else { return nil }
        let top = LogicalPlan.topN(
            LogicalPlan.TopN(
                input: window.input, partitionBy: window.partitionBy, orderBy: window.orderBy, limit: limit,
                kind: kind, rank: window.functions[0].name))
        return Conjunction.join(rest).map { .filter(input: top, predicate: $0) } ?? top
    }

    /// The top-N that a filter right above a window stands for: its key is known.
    static func recognized(_ plan: LogicalPlan) -> LogicalPlan? {
        var found = rewritten(plan)
        if case .filter(let below, _) = found { found = below }
        return found
    }

    /// The greatest rank that the condition lets through.
    private static func bound(_ condition: BoundExpression, _ rank: Int) -> Int? {
        guard case .call(let function, let operands, _, _, _) = condition, operands.count == 2 else { return nil }
        func isRank(_ expression: BoundExpression) -> Bool {
            switch expression {
            case .column(rank, _, _): true
            case .cast(let operand, .bigint, _, _): isRank(operand)
            default: false
            }
        }
        let name: String
        let constant: BoundExpression
        if isRank(operands[0]) {
            (name, constant) = (function.name, operands[1])
        } else if isRank(operands[1]) {
            let mirrored = ["<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="]
            (name, constant) = (mirrored[function.name] ?? "", operands[0])
        } else {
            return nil
        }
        guard let value = constant.literalValue?.integer, let number = Int(exactly: value) else { return nil }
        switch name {
        case "<=", "=": return max(0, number)
        case "<": return max(0, number - 1)
        default: return nil
        }
    }

    private static func isEquality(_ condition: BoundExpression) -> Bool {
        if case .call(let function, _, _, _, _) = condition { function.name == "=" } else { false }
    }
}

extension WindowFunction {
    fileprivate var rankKind: LogicalPlan.TopN.Kind? {
        switch self {
        case .rowNumber: .rowNumber
        case .rank: .rank
        case .denseRank: .denseRank
        default: nil
        }
    }
}
