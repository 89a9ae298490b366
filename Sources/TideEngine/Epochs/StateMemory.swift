/// Which state is in memory, and which in runs alone.
///
/// A start opens operators cold where that is possible: the runs are opened, nothing of them is read. While epochs run,
/// everything they touch is in memory; when all of it together exceeds `tidemill.memory.limit`, rows that the runs hold
/// as they are leave. If too little does, because much changed since the last flush, a flush is started, and waited for
/// only above five quarters of the limit.
///
/// Used by the control thread, between epochs.
package final class StateMemory {
    private struct Member {
        let node: any StatefulOperator
        let owner: UInt32
        /// Of the operator and its flow, for messages.
        let name: String
        var lazy: (any LazyOperator)? {
            guard let lazy = node as? any LazyOperator, lazy.readsLazily else { return nil }
            return lazy
        }
    }
    private let members: [Member]
    private let store: CheckpointStore
    private let maintenance: RunMaintenance
    private let executor: any Executor
    private let limit: Int64?
    private var readers: [UInt64: RunReader] = [:]
    private var attached: [ColdState] = []
    /// State that is smaller than this is read whole at a start: look-ups would cost more.
    private static let eagerBytesMax: Int64 = 1 << 20

    package init(
        _ members: [(node: any StatefulOperator, owner: UInt32, name: String)], store: CheckpointStore,
        maintenance: RunMaintenance,
        executor: any Executor, limit: Int64?
    ) {
        self.members = members.map { Member(node: $0.node, owner: $0.owner, name: $0.name) }
        self.store = store
        self.maintenance = maintenance
        self.executor = executor
        self.limit = limit
        if limit != nil {
            for member in self.members { (member.node as? any TimedOperator)?.keepTimes() }
        }
        for member in self.members { member.lazy?.setRows(0) }
        maintenance.runsChanged = { [unowned self] () throws(TidemillError) in try attach() }
    }

    /// Bytes of all state in memory.
    package var byteCount: Int64 {
        members.reduce(Int64(attached.reduce(0) { $0 + $1.byteCount })) { $0 + Int64($1.node.stateBytes) }
    }

    // MARK: Opening

    private static func rowsName(_ owner: UInt32) -> String { "@rows:\(owner)" }
    /// Where it stands, the state has every row's time, and those up to its value have been ended.
    private static func endedName(_ owner: UInt32) -> String { "@ended:\(owner)" }

    /// What a later start needs to know of operators that it will not read.
    package var counters: [EpochRecord.Counter] {
        var counters: [EpochRecord.Counter] = []
        for member in members {
            guard let lazy = member.lazy else { continue }
            counters.append(.init(name: StateMemory.rowsName(member.owner), value: Int64(lazy.stateRows)))
            if let ended = (lazy as? any TimedOperator)?.endedThrough {
                counters.append(.init(name: StateMemory.endedName(member.owner), value: ended))
            }
        }
        return counters
    }

    /// Brings an operator to where the last epoch left it.
    package func restore(_ node: any StatefulOperator, owner: UInt32, _ recovered: RecoveredCheckpoint)
        throws(TidemillError)
    {
        let flushed = recovered.manifest.snapshotEpoch ?? .zero
        let lazy = members.first { $0.owner == owner }?.lazy
        let runBytes = recovered.manifest.runs.reduce(0) { $0 + ($1.owner == owner ? $1.bytes : 0) }
        func counter(_ name: String) -> Int64? { recovered.latest?.counters.first { $0.name == name }?.value }
        let rows = counter(StateMemory.rowsName(owner))
        var isCold = false
        if let lazy {
            try attach(lazy, owner)
            var isFoundByTime = true
            if let timed = lazy as? any TimedOperator, timed.endedThrough != nil {
                let ended = counter(StateMemory.endedName(owner))
                isFoundByTime = ended != nil
                if let ended { timed.setEnded(through: ended) }
            }
            if let rows, isFoundByTime, limit != nil || runBytes > StateMemory.eagerBytesMax {
                lazy.openCold()
                lazy.setRows(Int(rows))
                isCold = true
            }
        }
        defer { if let lazy, !isCold { lazy.setRows(lazy.rowsInMemory) } }
        for part in node.stateParts.indices {
            try recovered.forEachBlock(owner: owner, kind: .state, part: UInt16(part), fromLogAlone: isCold) {
                (batch, origin) throws(TidemillError) in
                guard let lazy else { return try node.restore(part: part, batch) }
                switch origin {
                case .run: try lazy.restore(part: part, batch, epoch: flushed)
                case .log(let epoch): try lazy.restore(part: part, batch, epoch: epoch)
                }
            }
        }
    }

    // MARK: Runs

    /// Shows every lazy operator the runs as the manifest has them now.
    private func attach() throws(TidemillError) {
        attached = []
        for member in members {
            if let lazy = member.lazy { try attach(lazy, member.owner) }
        }
        let listed = Set(store.manifest.runs.map(\.number))
        readers = readers.filter { listed.contains($0.key) }
    }

    private func attach(_ lazy: any LazyOperator, _ owner: UInt32) throws(TidemillError) {
        let factory = store.runFactory()
        for (index, part) in lazy.stateParts.enumerated() {
            let address = StateAddress(owner: owner, kind: .state, part: UInt16(index))
            var newestFirst: [RunReader] = []
            for run in store.manifest.runs.reversed() where run.address == address {
                let reader: RunReader
                if let known = readers[run.number] {
                    reader = known
                } else {
                    reader = try factory.open(run)
                    readers[run.number] = reader
                }
                newestFirst.append(reader)
            }
            let state = ColdState(newestFirst, rule: part.rule)
            attached.append(state)
            lazy.attach(state, part: index)
        }
    }

    // MARK: The limit

    /// After every epoch: makes room if state takes more memory than it may.
    package func settle() throws(TidemillError) {
        guard let limit else { return }
        var used = byteCount
        if used <= limit { return }
        // A walk over all rows, so not for the few that one epoch brought.
        try evict(Int(used - limit + limit / 4))
        used = byteCount
        if used <= limit { return }
        if used <= limit + limit / 4 { return try maintenance.flushSoon() }
        try maintenance.flushNow()
        try evict(Int(used - limit + limit / 4))
        warn(limit)
    }

    /// State that stays in memory whatever the limit: told when it exceeds the limit, and again when it has doubled.
    private func warn(_ limit: Int64) {
        let held = members.filter { $0.lazy == nil }.map { (name: $0.name, bytes: Int64($0.node.stateBytes)) }
        let bytes = held.reduce(0) { $0 + $1.bytes }
        guard bytes > limit, bytes / 2 >= warnedBytes, let most = held.max(by: { $0.bytes < $1.bytes }) else { return }
        warnedBytes = bytes
        func rounded(_ bytes: Int64) -> String { "\((bytes + (1 << 20) - 1) >> 20) MiB" }
        warnings.append(
            "state that cannot leave memory takes \(rounded(bytes)), more than tidemill.memory.limit (\(limit) bytes);"
                + " most of it, \(rounded(most.bytes)), is \(most.name)'s: raise the limit, or bound what it keeps"
                + " (streaming tables: with a watermark)")
    }
    private var warnedBytes: Int64 = 0
    private var warnings: [String] = []

    /// Since the last call.
    package func takeWarnings() -> [String] {
        defer { warnings = [] }
        return warnings
    }

    private func evict(_ bytes: Int) throws(TidemillError) {
        guard let flushed = maintenance.flushedThrough else { return }
        let lazy = members.compactMap(\.lazy)
        let total = max(1, lazy.reduce(0) { $0 + $1.stateBytes })
        for node in lazy {
            let share = Double(bytes) * Double(node.stateBytes) / Double(total) / Double(node.partitionCount)
            try executor.run(tasks: node.partitionCount) { (partition, _) throws(TidemillError) in
                _ = node.evict(partition: partition, bytes: Int(share.rounded(.up)), flushed: flushed)
            }
        }
    }
}
