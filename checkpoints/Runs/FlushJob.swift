import TideColumns

/// Turns what epochs logged into runs: per address one run with the newest row of each identity. Reads nothing but
/// blocks of committed epochs, so it runs beside the epochs that follow.
///
/// A flush may cover ten thousand epochs of a few rows or one of ten million. Neighbouring small epochs are put
/// together in memory; long ones are streamed, so memory stays at a few megabytes per `inMemoryRows` of either.
public struct FlushJob: Sendable {
    /// What one epoch logged: its blocks, and how far it is from the start of the log.
    public struct Input: Sendable {
        public var epoch: Epoch
        public var blocks: [BlockReference]
        public init(epoch: Epoch, blocks: [BlockReference]) {
            self.epoch = epoch
            self.blocks = blocks
        }
    }

    /// Oldest first.
    let inputs: [Input]
    let rules: [StateAddress: MergeRule]
    let log: LogReader
    let factory: RunFactory
    let cancel: CancelFlag
    /// Epochs of more than half as many rows are streamed.
    var inMemoryRows = 1 << 16
    /// Addresses whose run is made of what is in memory, sorted by hash, whatever was logged.
    var resident: [StateAddress: [Batch]] = [:]

    public init(
        _ inputs: [Input], rules: [StateAddress: MergeRule], log: LogReader, factory: RunFactory,
        cancel: CancelFlag = CancelFlag()
    ) {
        self.inputs = inputs
        self.rules = rules
        self.log = log
        self.factory = factory
        self.cancel = cancel
    }

    /// The runs, durable but for their names. After an error none is left.
    public func run() throws(TidemillError) -> [ManifestRun] {
        var logged: [StateAddress: [[BlockReference]]] = [:]
        for input in inputs {
            var own: [StateAddress: [BlockReference]] = [:]
            for block in input.blocks {
                let address = block.address
                if rules[address] != nil && resident[address] == nil { own[address, default: []].append(block) }
            }
            for (address, blocks) in own { logged[address, default: []].append(blocks) }
        }
        var runs: [ManifestRun] = []
        do throws(TidemillError) {
            for (address, epochs) in logged.sorted(by: { $0.key < $1.key }) {
                guard let rule = rules[address] else { continue }
                if let run = try flush(address, epochs, rule) { runs.append(run) }
            }
            for (address, batches) in resident.sorted(by: { $0.key < $1.key }) {
                if let run = try write(address, batches) { runs.append(run) }
            }
        } catch {
            for run in runs { try? factory.files.remove(factory.directory.appending(run.fileName)) }
            throw error
        }
        return runs
    }

    private func write(_ address: StateAddress, _ batches: [Batch]) throws(TidemillError) -> ManifestRun? {
        guard let types = batches.first?.columns.map(\.type) else { return nil }
        let rows = batches.reduce(0) { $0 + $1.count }
        return try factory.make(address, types: types, expectedRows: rows) { (writer) throws(TidemillError) in
            for batch in batches {
                try cancel.check()
                try writer.append(batch)
            }
        }
    }

    private func flush(_ address: StateAddress, _ epochs: [[BlockReference]], _ rule: MergeRule)
        throws(TidemillError) -> ManifestRun?
    {
        try cancel.check()
        guard let first = epochs.first?.first else { return nil }
        let types = try log.batch(first).columns.map(\.type)
        var newestFirst: [any MergeInput] = []
        var small: [[BlockReference]] = []
        var smallRows = 0
        // Older epochs end up behind newer ones.
        for blocks in epochs.reversed() {
            let rows = blocks.reduce(0) { $0 + Int($1.rows) }
            let isLong = rows > inMemoryRows / 2
            // The small ones gathered so far are newer than a long one that comes now: they go before it.
            if isLong || smallRows + rows > inMemoryRows, !small.isEmpty {
                newestFirst.append(try inMemory(small, types, rule))
                small = []
                smallRows = 0
            }
            if isLong {
                newestFirst.append(LogInput(log, blocks))
            } else {
                small.append(blocks)
                smallRows += rows
            }
        }
        if !small.isEmpty { newestFirst.append(try inMemory(small, types, rule)) }
        let expected = epochs.reduce(0) { $0 + $1.reduce(0) { $0 + Int($1.rows) } }
        return try factory.make(address, types: types, expectedRows: expected) {
            (writer) throws(TidemillError) in
            try mergeRows(newestFirst, types: types, rule: rule, cancel: cancel) { (batch) throws(TidemillError) in
                try writer.append(batch)
            }
        }
    }

    /// - Parameter epochs: newest first.
    private func inMemory(_ epochs: [[BlockReference]], _ types: [DataType], _ rule: MergeRule)
        throws(TidemillError) -> MemoryInput
    {
        try cancel.check()
        var pieces: [RowRange] = []
        for blocks in epochs {
            var batches: [Batch] = []
            for block in blocks {
                let batch = try log.batch(block)
                guard batch.columns.map(\.type) == types else { throw .internal("rows of different types are merged") }
                batches.append(batch)
            }
            pieces.append(RowRange(Batch.concat(batches, types: types)))
        }
        return MemoryInput(RowMerge.newest(pieces, types: types, rule: rule))
    }
}
