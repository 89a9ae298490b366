import TideColumns

extension CheckpointStore {
    /// For runs that are written in the background and installed later.
    public func runFactory() -> RunFactory {
        RunFactory(directory: CheckpointScan.runs(directory), files: files, numbers: numbers)
    }

    /// Makes runs that hold what the epochs after the last flush up to `record`'s changed part of the checkpoint, newer
    /// than all runs there are; then truncates the log and removes runs for which `keeping` is false.
    public func install(
        _ record: EpochRecord, runs: [ManifestRun], keeping: (ManifestRun) -> Bool = { _ in true }
    ) throws(TidemillError) {
        guard let last = lastCommitted, record.epoch <= last, record.epoch >= manifest.snapshotEpoch ?? .zero else {
            throw .internal("a flush of epoch \(record.epoch), which is not between the last one and now")
        }
        var next = manifest
        next.snapshot = record
        next.runs = manifest.runs.filter(keeping) + runs
        try replace(next)
    }

    /// Puts a merged run (nil: nothing was left) in the place of the runs it was made from.
    public func replaceRuns(_ old: [ManifestRun], by merged: ManifestRun?) throws(TidemillError) {
        guard let place = manifest.runs.firstIndex(where: { old.contains($0) }),
            old.allSatisfy({ manifest.runs.contains($0) })
        else { throw .internal("runs were merged that are no longer in use") }
        var next = manifest
        if let merged { next.runs.insert(merged, at: place) }
        next.runs.removeAll { old.contains($0) }
        try replace(next)
    }

    /// True once an error left open which manifest or log the disk has: only opening again tells.
    public var isStopped: Bool { manifestFailure != nil || log.isPoisoned }

    /// Removes the log segments that neither the runs nor publishing needs any more.
    public func truncateLog() throws(TidemillError) { try replace(manifest) }

    /// The order that a crash may interrupt anywhere: names of the new runs durable; manifest replaced, durably; only
    /// then are segments and runs removed that the old manifest needed.
    func replace(_ wanted: Manifest) throws(TidemillError) {
        try requireOwnership()
        var next = wanted
        let covered = min(
            next.snapshotEpoch?.rawValue ?? -1, publishedThrough?.rawValue ?? -1,
            (pinnedFrom?.rawValue ?? .max) - 1)
        next.publishedThrough = publishedThrough
        next.nextRun = numbers.next
        next.retained = bound(wanted.retained, to: next)
        if covered >= 0 { next.firstSegment = try log.firstSegmentNeeded(from: Epoch(covered + 1)) }
        next.newestSegment = log.current
        guard next != written else { return }
        // A failure up to here, a full disk say, leaves the old manifest in force: it may be tried again.
        if next.runs != written.runs { try files.syncDirectory(CheckpointScan.runs(directory)) }
        let released = CheckpointStore.released(by: written, for: next, directory)
        try write(next)
        postponed += released
        // What readers may have open stays; a later replacement, or the next start, removes it.
        if try hasReaders { return }
        try log.removeSegments(below: next.firstSegment, pinned: next.pinnedSegments) { blocks.forget($0) }
        while let path = postponed.first {
            if let number = path.lastComponent.flatMap({ LogFormat.number($0.string) }) { blocks.forget(number) }
            try files.remove(path)
            postponed.removeFirst()
        }
    }

    /// - Throws: if another writer has replaced the manifest since: after a pause that outlived the lock (a network
    ///   file system, a restored machine) this process must not undo what its successor did.
    private func requireOwnership() throws(TidemillError) {
        if let manifestFailure {
            throw TidemillError(
                .io, "TIDEMILL_CHECKPOINT_STOPPED", "the checkpoint stopped after an earlier error",
                hint: "start again: what was committed is read back from the disk", cause: manifestFailure)
        }
        let found = try CheckpointScan.manifest(directory, files: files)
        guard found?.fencingToken == written.fencingToken, found?.generation == written.generation else {
            let error = TidemillError(
                .conflict, "TIDEMILL_CHECKPOINT_FENCED",
                "another process has taken over this checkpoint: its token is "
                    + "\(found.map { String($0.fencingToken) } ?? "gone"), ours \(written.fencingToken)",
                hint: "start again; only one process may write a checkpoint", place: .file(directory.string))
            manifestFailure = error
            throw error
        }
    }

    /// Replaces the manifest, which must still be ours.
    func write(_ next: Manifest) throws(TidemillError) {
        try requireOwnership()
        let path = directory.appending(Manifest.fileName)
        let temporary = directory.appending(".\(Manifest.fileName).new")
        if try files.exists(temporary) { try files.remove(temporary) }
        try files.createDurably(temporary, next.encode())
        do throws(TidemillError) {
            try files.rename(temporary, to: path)
            try files.syncDirectory(directory)
        } catch {
            manifestFailure = error
            throw error
        }
        written = next
        manifest = next
    }
}
