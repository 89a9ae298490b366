import TideColumns

/// A rollback under way.
public struct PendingRollback: Sendable, Hashable {
    public var epoch: Epoch
    /// Of the log that the epoch was committed in: which version of a table counts.
    public var generation: UInt64
    /// Where the new log begins.
    var segment: UInt64
    /// True: tables may not all be reset yet, and whoever opens the checkpoint finishes that. False: the segment was
    /// being written, and nothing has happened.
    public var isDecided: Bool

    func encode(into writer: inout ByteWriter) {
        writer.i64(epoch.rawValue)
        writer.u64(generation)
        writer.u64(segment)
        writer.bool(isDecided)
    }
    static func decode(from reader: inout ByteReader) throws(TidemillError) -> PendingRollback {
        PendingRollback(
            epoch: Epoch(try reader.i64()), generation: try reader.u64(), segment: try reader.u64(),
            isDecided: try reader.bool())
    }
}

// Going back to a retained epoch:
//
//     replace the manifest: a rollback that is not decided, with the number of the segment to come
//     write a segment of a new generation with the epochs between the retained runs and the epoch, sync it
//     replace the manifest: new generation, retained runs, a pending rollback       ◄── the rollback is decided
//     reset every table's marker to the epoch and the new generation                (the engine; each by an exchange)
//     replace the manifest: no rollback pending
//
// Until the third line nothing has happened, and the next start removes the segment; after it every start goes on with
// the fourth. What only the abandoned epochs needed is removed by the next start, like other leftovers.

extension CheckpointStore {
    /// The entry of an epoch.
    /// - Throws: `.user` with the list of what is retained.
    public func retainedEpoch(_ epoch: Epoch) throws(TidemillError) -> RetainedEpoch {
        // The current log's own entry before a savepoint of an earlier one that happens to have the number.
        let entries = manifest.retained.filter { $0.epoch == epoch }
        if let entry = entries.first(where: { $0.generation == manifest.generation }) ?? entries.first { return entry }
        throw notRetained("epoch \(epoch)")
    }

    /// The entry of a savepoint.
    /// - Throws: `.user` with the list of what is retained.
    public func retainedEpoch(savepoint name: String) throws(TidemillError) -> RetainedEpoch {
        if let entry = manifest.retained.first(where: { $0.savepoint == name }) { return entry }
        throw notRetained("savepoint \(name)")
    }

    private func notRetained(_ what: String) -> TidemillError {
        let named = Set(
            manifest.retained.filter { $0.savepoint != nil }.map { [UInt64($0.epoch.rawValue), $0.generation] })
        let known = manifest.retained.filter { entry in
            entry.savepoint != nil || !named.contains([UInt64(entry.epoch.rawValue), entry.generation])
        }.map { entry in entry.savepoint.map { "\(entry.epoch) (savepoint \($0))" } ?? "\(entry.epoch)" }
        return TidemillError(
            .user, "TIDEMILL_EPOCH_NOT_RETAINED", "\(what) is not retained",
            hint: known.isEmpty
                ? "no epoch is: nothing was published yet" : "retained are: \(known.joined(separator: ", "))")
    }

    /// Decides the rollback. The store must be closed afterwards: its log belongs to the abandoned epochs.
    public func rollBack(
        to entry: RetainedEpoch, of recovered: RecoveredCheckpoint, newGeneration: UInt64
    ) throws(TidemillError) {
        let view = try recovered.at(entry)
        let number = log.current + 1
        var rollback = PendingRollback(
            epoch: entry.epoch, generation: entry.generation, segment: number, isDecided: false)
        var announced = manifest
        announced.rollback = rollback
        try replace(announced)
        try log.createSegment(
            number, generation: newGeneration, epochs: view.afterSnapshot, publishedThrough: entry.epoch
        ) { (block) throws(TidemillError) in try blocks.blockBytes(block) }
        var next = manifest
        // Savepoints outlive the rollback; the epochs published after it do not.
        next.retained = manifest.retained.filter { $0.savepoint != nil }.map { old in
            var bound = old
            bound.base = bound.base ?? currentBase(of: old.epoch)
            return bound
        }
        next.retained.append(RetainedEpoch(epoch: entry.epoch, generation: newGeneration))
        next.earlierGenerations.append(manifest.generation)
        next.generation = newGeneration
        next.snapshot = view.manifest.snapshot
        next.runs = view.manifest.runs
        next.firstSegment = number
        next.newestSegment = number
        next.publishedThrough = entry.epoch
        next.nextRun = numbers.next
        rollback.isDecided = true
        next.rollback = rollback
        try write(next)
    }

    /// Every table was reset.
    public func finishRollback() throws(TidemillError) {
        var next = manifest
        next.rollback = nil
        try replace(next)
    }
}

extension RecoveredCheckpoint {
    /// The checkpoint as it was after a retained epoch: its runs, then its epochs from the log.
    public func at(_ entry: RetainedEpoch) throws(TidemillError) -> RecoveredCheckpoint {
        var past = manifest
        past.generation = entry.generation
        past.publishedThrough = entry.epoch
        guard let base = entry.base else {
            return RecoveredCheckpoint(self, manifest: past, records: records.filter { $0.epoch <= entry.epoch })
        }
        past.snapshot = base.snapshot
        past.runs = base.runs
        let first = (base.snapshot?.epoch.rawValue ?? -1) + 1
        var found: [Int64: CommittedEpoch] = [:]
        for number in base.segments {
            let segment = try log.scan(number, generation: entry.generation)
            for frame in segment.frames where frame.trailer.kind == .commit {
                let epoch = frame.trailer.epoch
                guard epoch >= first, epoch <= entry.epoch.rawValue, frame.bodyIsSound else { continue }
                // A later segment repeats the last epoch of the one before if that was not proven durable.
                found[epoch] = try log.epoch(frame.trailer)
            }
        }
        var epochs: [CommittedEpoch] = []
        if first <= entry.epoch.rawValue {
            for epoch in first...entry.epoch.rawValue {
                guard let committed = found[epoch] else {
                    throw .corruption(
                        "TIDEMILL_CORRUPT_LOG", "epoch \(epoch), which a retained epoch needs, is not in the log",
                        file: log.path(base.segments.first ?? 0).string, offset: 0)
                }
                epochs.append(committed)
            }
        }
        return RecoveredCheckpoint(self, manifest: past, records: epochs)
    }
}
