import TideCheckpoints
import TideConnectorAPI
import TideOperators

/// What an epoch's record needs that takes computing: blocks of state and of change sets, and the files of tables that
/// only grow.
///
/// Collected first, then made by the workers in one round, so that a large file that one worker ends holds up nobody;
/// then written to the log by the control thread. Blocks of an address stand in the log in the order in which they
/// were collected, whatever worker made them.
struct CommitWork {
    struct Address: Sendable {
        var owner: UInt32
        var kind: BlockKind
        var part: UInt16
    }
    private enum Task: Sendable {
        case finish(any AppendEpoch, table: String)
        case encode(Batch, Address)
        case state(any StatefulOperator, partition: Int, Address)
    }
    private enum Outcome: Sendable {
        case manifest([UInt8])
        case blocks([(rows: Int, bytes: [UInt8])])
    }
    private var tasks: [Task] = []
    private var outcomes = TaskResults<Outcome>(count: 0)

    /// Ends the files of a table's epoch.
    mutating func finish(_ epoch: any AppendEpoch, of table: String) {
        tasks.append(.finish(epoch, table: table))
    }
    /// A block for each batch.
    mutating func encode(_ batches: [Batch], _ address: Address) {
        tasks += batches.map { .encode($0, address) }
    }
    /// Blocks of what the epoch changed in an operator's state.
    mutating func encodeState(of node: any StatefulOperator, owner: UInt32) {
        for part in node.stateParts.indices {
            let address = Address(owner: owner, kind: .state, part: UInt16(part))
            for partition in 0..<node.partitionCount {
                tasks.append(.state(node, partition: partition, address))
            }
        }
    }

    /// - Throws: what the first task that failed did; files that were ended remain for `recover`.
    mutating func run(_ executor: any Executor) throws(TidemillError) {
        let outcomes = TaskResults<Outcome>(count: tasks.count)
        try executor.run(tasks: tasks.count) { [tasks] (index, _) throws(TidemillError) in
            switch tasks[index] {
            case .finish(let epoch, _):
                outcomes[index] = .manifest(try epoch.prepare())
            case .encode(let batch, _):
                outcomes[index] = .blocks([(batch.count, try BlockCodec.encode(batch))])
            case .state(let node, let partition, let address):
                var blocks: [(rows: Int, bytes: [UInt8])] = []
                for batch in node.stateChanges(part: Int(address.part), partition: partition) {
                    blocks.append((batch.count, try BlockCodec.encode(batch)))
                }
                outcomes[index] = .blocks(blocks)
            }
        }
        self.outcomes = outcomes
    }

    func manifest(of table: String) throws(TidemillError) -> [UInt8] {
        for (index, task) in tasks.enumerated() {
            if case .finish(_, table) = task, case .manifest(let bytes) = outcomes[index] { return bytes }
        }
        throw .internal("no files of \(table) were ended")
    }

    func write(to store: CheckpointStore) throws(TidemillError) {
        for (index, task) in tasks.enumerated() {
            switch (task, outcomes[index]) {
            case (.encode(_, let address), .blocks(let blocks)), (.state(_, _, let address), .blocks(let blocks)):
                for block in blocks {
                    try store.appendEncoded(
                        owner: address.owner, kind: address.kind, part: address.part, rows: block.rows, block.bytes)
                }
            default: break
            }
        }
    }
}
