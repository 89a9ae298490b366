// Where the rows of a streaming table's query come in source order: by (modification time, path, row) of their files,
// and what a union's left input has in an epoch before what its right one has. Operators that split rows by key mix
// them.

extension Incrementalization {
    public func keepsSourceOrder(_ plan: LogicalPlan) -> Bool {
        switch plan {
        case .scan(let scan):
            !scan.relation.isOwnTable || orderedTables.contains(scan.relation.name.lowercased())
        case .values: true
        case .filter, .project, .watermark, .timeWindows, .expand, .generate, .replicate, .union:
            plan.inputs.allSatisfy(keepsSourceOrder)
        // Rows are looked up as they come; the pipeline's own tables are followed, which takes all rows of an epoch.
        case .join(let join):
            isStatic(join.right) && !join.right.readsOwnTable && keepsSourceOrder(join.left)
                || isStatic(join.left) && !join.left.readsOwnTable && keepsSourceOrder(join.right)
        case .aggregate, .deduplicate, .keyed, .sort, .window, .topN, .latest, .recursive, .working: false
        }
    }

    /// A table with several flows has no one order.
    mutating func orderTables(of datasets: [Dataset]) {
        var rest = datasets.filter { $0.kind == .streamingTable && $0.flows.count == 1 }
        while true {
            let found = rest.filter { keepsSourceOrder($0.flows[0].plan) }
            if found.isEmpty { return }
            orderedTables.formUnion(found.map { $0.name.lowercased() })
            rest.removeAll { orderedTables.contains($0.name.lowercased()) }
        }
    }
}

extension LogicalPlan {
    fileprivate var readsOwnTable: Bool {
        if case .scan(let scan) = self { return scan.relation.isOwnTable }
        return inputs.contains(where: \.readsOwnTable)
    }
}
