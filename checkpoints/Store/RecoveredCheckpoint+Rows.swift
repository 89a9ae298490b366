import TideColumns

extension RecoveredCheckpoint {
    private static let rowsInMemoryMax = 1 << 16

    /// The rows of one address as they stand, in order of hashes: of each identity the newest, deleted ones left out.
    /// Reads run by run and block by block; memory does not follow the size of the state.
    /// - Parameter body: returns false when it has seen enough.
    public func forEachRow(
        _ address: StateAddress, rule: MergeRule, _ body: (Batch) throws(TidemillError) -> Bool
    ) throws(TidemillError) {
        var inputs: [any MergeInput] = []
        var types: [DataType]?
        // Newest first. Neighbouring epochs of few rows are put together, so that a long log is not a wide merge.
        var pieces: [RowRange] = []
        var piecesRows = 0
        func close(_ types: [DataType]) {
            if pieces.isEmpty { return }
            inputs.append(MemoryInput(RowMerge.newest(pieces, types: types, rule: rule)))
            pieces = []
            piecesRows = 0
        }
        for epoch in afterSnapshot.reversed() {
            let blocks = epoch.blocks.filter {
                $0.owner == address.owner && $0.kind == address.kind && $0.part == address.part
            }
            guard let first = blocks.first else { continue }
            if types == nil { types = try log.batch(first).columns.map(\.type) }
            guard let types else { continue }
            let rows = blocks.reduce(0) { $0 + Int($1.rows) }
            if piecesRows + rows > RecoveredCheckpoint.rowsInMemoryMax { close(types) }
            if rows > RecoveredCheckpoint.rowsInMemoryMax / 2 {
                inputs.append(LogInput(log, blocks))
                continue
            }
            var batches: [Batch] = []
            for block in blocks { batches.append(try log.batch(block)) }
            guard batches.allSatisfy({ $0.columns.map(\.type) == types }) else {
                throw .corruptLog(
                    "blocks of one state have different columns", file: log.path(first.segment).string,
                    offset: first.offset)
            }
            pieces.append(RowRange(Batch.concat(batches, types: types)))
            piecesRows += rows
        }
        if let types { close(types) }
        for run in manifest.runs.reversed() where run.address == address {
            let reader = try openRun(run)
            if types == nil { types = reader.types }
            guard reader.types == types else {
                throw .corruptRun("runs of one state have different columns", file: reader.path.string, offset: 0)
            }
            inputs.append(RunInput(reader))
        }
        guard let types else { return }
        var standing = rule
        standing.dropTombstones = true
        let cancel = CancelFlag()
        do throws(TidemillError) {
            try mergeRows(inputs, types: types, rule: standing, cancel: cancel) { (batch) throws(TidemillError) in
                if try !body(batch) { cancel.raise() }
            }
        } catch {
            if !cancel.isRaised { throw error }
        }
    }
}
