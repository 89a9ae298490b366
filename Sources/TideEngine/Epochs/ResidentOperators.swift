import TideCheckpoints
import TideOperators

/// The state of operators that have all of it in memory, as a flush asks for it.
struct ResidentOperators: ResidentState {
    private let nodes: [UInt32: any ResidentOperator]
    private let executor: any Executor

    init(_ nodes: [(node: any StatefulOperator, owner: UInt32, name: String)], executor: any Executor) {
        var found: [UInt32: any ResidentOperator] = [:]
        for (node, owner, _) in nodes { found[owner] = node as? any ResidentOperator }
        self.nodes = found
        self.executor = executor
    }

    func residentRows(of address: StateAddress) -> Int? {
        guard address.kind == .state, let node = nodes[address.owner], node.touchedRows == 0 else { return nil }
        if let lazy = node as? any LazyOperator, lazy.coldGroups > 0 { return nil }
        let part = Int(address.part)
        // What leads to rows in runs is kept for those alone.
        return node.stateParts[part].isIndex ? nil : node.residentRows(part: part)
    }

    func residentBatches(of address: StateAddress) throws(TidemillError) -> [Batch] {
        guard let node = nodes[address.owner] else { return [] }
        let part = Int(address.part)
        let liveColumn = node.stateParts[part].rule.liveColumn
        let found = TaskResults<[Batch]>(count: node.partitionCount)
        try executor.run(tasks: node.partitionCount) { (partition, _) throws(TidemillError) in
            found[partition] = node.residentState(part: part, partition: partition).map { batch in
                guard let liveColumn else { return batch }
                let live = batch.columns[liveColumn].bits
                return live.onesCount == batch.count ? batch : batch.filter(live)
            }
        }
        return (0..<node.partitionCount).flatMap { found[$0] ?? [] }.filter { $0.count > 0 }
    }
}
