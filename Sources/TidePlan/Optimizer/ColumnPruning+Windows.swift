// Windows and top-N. Where ties show in the result, the whole input row decides them, so all of it stays.

extension ColumnPruning {
    static func prune(
        _ window: LogicalPlan.Window, keeping wanted: Set<Int>
    ) -> (plan: LogicalPlan, positions: [Int: Int]) {
        let inputCount = window.input.schema.count
        let kept = window.functions.indices.filter { wanted.contains(inputCount + $0) }
        if kept.isEmpty { return prune(window.input, keeping: wanted) }
        var window = window
        window.functions = kept.map { window.functions[$0] }
        var read = wanted.filter { $0 < inputCount }
        for expression in window.partitionBy + window.orderBy.map(\.expression) { read.formUnion(expression.columns) }
        for call in window.functions {
            for expression in call.function.expressions + call.frame.expressions { read.formUnion(expression.columns) }
        }
        if window.dependsOnTies { read = Set(0..<inputCount) }
        let (below, moved) = prune(window.input, keeping: read)
        let newCount = below.schema.count
        var positions = moved
        for (new, old) in kept.enumerated() { positions[inputCount + old] = newCount + new }
        let result = LogicalPlan.window(window).mapExpressions { $0.remapped { moved[$0] ?? $0 } }
        return (result.withInputs([below]), positions)
    }

    static func prune(
        _ topN: LogicalPlan.TopN, keeping wanted: Set<Int>
    ) -> (plan: LogicalPlan, positions: [Int: Int]) {
        let inputCount = topN.input.schema.count
        var topN = topN
        if !wanted.contains(inputCount) { topN.rank = nil }
        var read = wanted.filter { $0 < inputCount }
        for expression in topN.partitionBy + topN.orderBy.map(\.expression) { read.formUnion(expression.columns) }
        if topN.kind == .rowNumber { read = Set(0..<inputCount) }
        let (below, moved) = prune(topN.input, keeping: read)
        var positions = moved
        if topN.rank != nil { positions[inputCount] = below.schema.count }
        let result = LogicalPlan.topN(topN).mapExpressions { $0.remapped { moved[$0] ?? $0 } }
        return (result.withInputs([below]), positions)
    }
}

extension LogicalPlan.Window {
    /// Whether the tie-break shows: some function tells peers apart, or counts a frame in rows.
    var dependsOnTies: Bool {
        functions.contains { call in
            if call.function.dependsOnTies { return true }
            guard case .aggregate = call.function, call.frame.unit == .rows else { return false }
            return call.frame != .wholePartition
        }
    }
}
