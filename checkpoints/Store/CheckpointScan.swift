import TideColumns

/// What stands in a storage directory, and what recovery makes of it. Reads only.
///
///     lock                 who writes; see `CheckpointHolder`
///     manifest             what counts; see `Manifest`
///     log/0000000001.log   segments; see `LogFormat`
///     runs/0000000001.run  runs; see `RunFormat`
///     readers/…            who reads; see `ReaderLease`
///     .….new               a file that was being made when its process died
struct CheckpointScan {
    var manifest: Manifest
    var plan: RecoveryPlan
    var facts: RecoveryFacts
    var epochs: [CommittedEpoch]
    /// The epoch of `plan.rewrite`, which may be below `epochs`.
    var rewriting: CommittedEpoch?
    /// Higher than every segment there is.
    var nextSegment: UInt64
    /// Leftovers of a crash: unfinished files, and runs the manifest does not list.
    var leftovers: [FilePath]
    var reader: LogReader

    /// What was published at one time or another, as the frames that count tell it, ascending.
    var publications: [Epoch] {
        var found = Set<Int64>()
        for segment in facts.segments {
            for frame in segment.frames { found.insert(frame.trailer.publishedThrough) }
        }
        found.insert(plan.publishedThrough)
        return found.filter { $0 >= 0 && $0 <= plan.publishedThrough }.sorted().map { Epoch($0) }
    }

    static func log(_ directory: FilePath) -> FilePath { directory.appending("log") }
    static func runs(_ directory: FilePath) -> FilePath { directory.appending("runs") }

    /// nil if there is no checkpoint yet.
    static func manifest(_ directory: FilePath, files: any FileSystem) throws(TidemillError) -> Manifest? {
        let path = directory.appending(Manifest.fileName)
        if try files.exists(path) {
            return try Manifest.decode(
                try files.contents(of: path, limit: Manifest.bytesMax), file: path.string)
        }
        // The first manifest is durable before anything else is made.
        for part in [log(directory), runs(directory)] where try files.exists(part) {
            if let entry = try files.entries(of: part).first(where: { !isTemporary($0.name) }) {
                throw .corruptManifest(
                    "there is no manifest beside \(part.lastComponent?.string ?? "")/\(entry.name)", file: path.string,
                    offset: 0)
            }
        }
        return nil
    }

    static func isTemporary(_ name: String) -> Bool { name.hasPrefix(".") && name.hasSuffix(".new") }

    static func read(_ directory: FilePath, _ manifest: Manifest, evidence: Epoch?, files: any FileSystem)
        throws(TidemillError) -> CheckpointScan
    {
        let reader = LogReader(files: files, directory: log(directory))
        var leftovers: [FilePath] = []
        let numbers = try self.segments(directory, files: files)
        if try files.exists(log(directory)) {
            for entry in try files.entries(of: log(directory)) where isTemporary(entry.name) {
                leftovers.append(log(directory).appending(entry.name))
            }
        }
        // Below the first one that counts lie those of retained epochs, and what a crash kept from being removed.
        let pinned = manifest.pinnedSegments
        for number in numbers where number < manifest.firstSegment && !pinned.contains(number) {
            leftovers.append(reader.path(number))
        }
        // A rollback that was not decided has not happened.
        let undecided = manifest.rollback.flatMap { $0.isDecided ? nil : $0.segment }
        if let undecided, numbers.contains(undecided) { leftovers.append(reader.path(undecided)) }
        for number in pinned.sorted() where number < manifest.firstSegment && !numbers.contains(number) {
            throw .corruptLog("a segment of a retained epoch is missing", file: reader.path(number).string, offset: 0)
        }
        var segments: [SegmentFacts] = []
        for number in numbers where number >= manifest.firstSegment && number != undecided {
            var segment = try reader.scan(number, generation: manifest.generation)
            try checkLastBlocks(&segment, reader)
            segments.append(segment)
        }
        leftovers += try checkRuns(directory, manifest, files)

        let facts = RecoveryFacts(
            generation: manifest.generation, firstSegment: manifest.firstSegment,
            snapshotEpoch: manifest.snapshotEpoch?.rawValue ?? -1,
            publishedThrough: manifest.publishedThrough?.rawValue ?? -1, newestSegment: manifest.newestSegment,
            segments: segments, evidence: evidence?.rawValue ?? -1)
        let plan = try RecoveryPlan.decide(facts)
        let trailers = Dictionary(
            segments.flatMap { segment in
                segment.frames.map {
                    (
                        RecoveryPlan.FrameLocation(
                            segment: segment.number, bodyStart: $0.trailer.bodyStart, epoch: $0.trailer.epoch),
                        $0.trailer
                    )
                }
            }, uniquingKeysWith: { first, _ in first })
        var epochs: [CommittedEpoch] = []
        for location in plan.frames {
            guard let trailer = trailers[location] else { throw .internal("recovery chose a frame that was not found") }
            epochs.append(try reader.epoch(trailer))
        }
        var rewriting: CommittedEpoch?
        if let location = plan.rewrite, let trailer = trailers[location] { rewriting = try reader.epoch(trailer) }
        return CheckpointScan(
            manifest: manifest, plan: plan, facts: facts, epochs: epochs, rewriting: rewriting,
            nextSegment: max(numbers.last.map { $0 + 1 } ?? 1, manifest.firstSegment), leftovers: leftovers,
            reader: reader)
    }

    /// Numbers of the segments that are there, ascending.
    static func segments(_ directory: FilePath, files: any FileSystem) throws(TidemillError) -> [UInt64] {
        guard try files.exists(log(directory)) else { return [] }
        return try files.entries(of: log(directory)).compactMap { LogFormat.number($0.name) }.sorted()
    }

    /// Compares the blocks of a segment's last commit with their checksums. Only the last epoch's blocks can be torn: a
    /// later frame or segment proves all others.
    private static func checkLastBlocks(_ segment: inout SegmentFacts, _ reader: LogReader) throws(TidemillError) {
        guard let index = segment.frames.lastIndex(where: { $0.trailer.kind == .commit }) else { return }
        guard segment.frames[index].bodyIsSound else { return }
        for block in try reader.epoch(segment.frames[index].trailer).blocks {
            do throws(TidemillError) {
                _ = try reader.blockBytes(block)
            } catch {
                if error.kind != .corruption { throw error }
                segment.frames[index].hasDamagedBlock = true
            }
        }
    }

    /// Every run of the manifest is there, with its size; returns files that are not of the manifest.
    private static func checkRuns(_ directory: FilePath, _ manifest: Manifest, _ files: any FileSystem)
        throws(TidemillError) -> [FilePath]
    {
        let folder = runs(directory)
        for run in manifest.allRuns {
            let path = folder.appending(run.fileName)
            guard let status = try files.status(of: path) else {
                throw .corruptRun("a run of the manifest is missing", file: path.string, offset: 0)
            }
            guard status.size == run.bytes else {
                throw .corruptRun(
                    "the run should have \(run.bytes) bytes and has \(status.size)", file: path.string,
                    offset: min(status.size, run.bytes))
            }
        }
        guard try files.exists(folder) else { return [] }
        let listed = Set(manifest.allRuns.map(\.fileName))
        return try files.entries(of: folder).map(\.name)
            .filter { !listed.contains($0) && ($0.hasSuffix(".run") || isTemporary($0)) }
            .map { folder.appending($0) }
    }
}
