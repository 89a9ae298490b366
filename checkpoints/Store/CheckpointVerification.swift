import TideColumns

/// Something that is not as it was written.
public struct CheckpointProblem: Sendable, Hashable, CustomStringConvertible {
    public enum Severity: Sendable, Hashable {
        /// Bytes were changed or lost.
        case damage
        /// What a crash leaves and the next start removes.
        case leftover
    }
    public var severity: Severity
    public var file: String
    public var offset: Int64
    public var message: String
    public var description: String { "\(file) at byte \(offset): \(message)" }
}

/// What a verification read, and what it found.
public struct CheckpointReport: Sendable, Hashable {
    public var problems: [CheckpointProblem] = []
    public var segments = 0
    public var frames = 0
    public var blocks = 0
    public var runs = 0
    public var bytes: Int64 = 0

    public var damage: [CheckpointProblem] { problems.filter { $0.severity == .damage } }
}

/// Reads every byte of a checkpoint that nobody writes: manifest, every block live or dead, the slack of every frame,
/// both trailers, every run with its index and bloom filter. No problems if all is as it was written. The lock file is
/// no part of it.
/// - Parameter evidence: the newest epoch that a table of this generation shows; the log must reach it.
public func verifyCheckpoint(
    _ directory: FilePath, files: any FileSystem,
    evidence: (UInt64) throws(TidemillError) -> Epoch? = { (_) throws(TidemillError) in nil }
) throws(TidemillError) -> CheckpointReport {
    let verification = CheckpointVerification(directory: directory, files: files)
    // A rollback that was cut short leaves tables that are newer than what counts.
    if let manifest = try? CheckpointScan.manifest(directory, files: files), manifest.rollback == nil {
        verification.evidence = try evidence(manifest.generation)
    }
    try verification.run()
    return verification.report
}

/// Goes through a checkpoint file by file, so that one damaged place does not hide another; what only the whole can
/// tell (a missing segment, a gap between epochs) is recovery's own decision, asked at the end.
final class CheckpointVerification {
    let directory: FilePath
    let files: any FileSystem
    private(set) var report = CheckpointReport()
    var evidence: Epoch?

    init(directory: FilePath, files: any FileSystem) {
        self.directory = directory
        self.files = files
    }

    func run() throws(TidemillError) {
        let path = directory.appending(Manifest.fileName)
        var found: Manifest?
        try collecting { () throws(TidemillError) in
            found = try CheckpointScan.manifest(directory, files: files)
        }
        guard let manifest = found else {
            if report.problems.isEmpty { add(.damage, path.string, 0, "there is no checkpoint here") }
            return
        }
        report.bytes += try files.status(of: path)?.size ?? 0
        for run in manifest.allRuns { try verify(run) }
        try verifyLog(manifest)
        try lookForStrangers()
    }

    private func add(_ severity: CheckpointProblem.Severity, _ file: String, _ offset: Int64, _ message: String) {
        report.problems.append(CheckpointProblem(severity: severity, file: file, offset: offset, message: message))
    }

    /// Corruption becomes a problem; other errors end the verification.
    private func collecting(_ body: () throws(TidemillError) -> Void) throws(TidemillError) {
        do throws(TidemillError) {
            try body()
        } catch {
            guard error.kind == .corruption || error.kind == .unsupported else { throw error }
            var file = directory.string
            var offset: Int64 = 0
            if case .file(let name, _, let at) = error.place {
                file = name
                offset = at ?? 0
            }
            add(.damage, file, offset, error.message)
        }
    }

    /// A checkpoint directory holds nothing else; what lies there is not ours, so it is named and left alone.
    private func lookForStrangers() throws(TidemillError) {
        let known = [Manifest.fileName, CheckpointLock.fileName, "log", "runs", "readers"]
        for entry in try files.entries(of: directory).sorted(by: { $0.name < $1.name })
        where !known.contains(entry.name) {
            let path = directory.appending(entry.name).string
            let isTemporary = CheckpointScan.isTemporary(entry.name)
            add(.leftover, path, 0, isTemporary ? "left by a crash" : "no part of the checkpoint")
        }
    }

    // MARK: Log

    private func verifyLog(_ manifest: Manifest) throws(TidemillError) {
        var scan: CheckpointScan?
        var decision = CheckpointReport()
        swap(&decision, &report)
        try collecting { () throws(TidemillError) in
            scan = try CheckpointScan.read(directory, manifest, evidence: evidence, files: files)
        }
        swap(&decision, &report)
        for leftover in scan?.leftovers ?? [] { add(.leftover, leftover.string, 0, "left by a crash") }
        if let torn = scan?.plan.torn, let scan {
            add(
                .leftover, scan.reader.path(torn.segment).string, torn.bodyStart,
                "epoch \(torn.epoch) was not committed: the frame is unfinished")
        }
        let reader = LogReader(files: files, directory: CheckpointScan.log(directory))
        for number in try CheckpointScan.segments(directory, files: files) {
            var facts = scan?.facts.segments.first { $0.number == number }
            if facts == nil {
                let isNeeded = number >= manifest.firstSegment || manifest.pinnedSegments.contains(number)
                let isUndecided = manifest.rollback.map { !$0.isDecided && $0.segment == number } ?? false
                if !isNeeded || isUndecided { continue }
                let generation = manifest.generation(ofSegment: number)
                try collecting { () throws(TidemillError) in facts = try reader.scan(number, generation: generation) }
            }
            if let facts { try verify(facts, torn: scan?.plan.torn) }
        }
        // What recovery refuses is damage, unless the place was already named.
        for problem in decision.problems
        where !report.damage.contains(where: { $0.file == problem.file }) { report.problems.append(problem) }
    }

    private func verify(_ segment: SegmentFacts, torn: RecoveryPlan.FrameLocation?) throws(TidemillError) {
        let file = try files.open(FilePath(segment.file), .read)
        defer { file.close() }
        report.segments += 1
        report.bytes += segment.length
        let head = try file.bytes(at: 0, count: Int(min(segment.length, LogFormat.sectorBytes)))
        if head != segment.header.encode() { add(.damage, segment.file, 0, "the segment's header has spare bytes set") }
        var cursor = LogFormat.sectorBytes
        for frame in segment.frames {
            let trailer = frame.trailer
            if let torn, torn.segment == segment.number, torn.bodyStart == trailer.bodyStart { break }
            if trailer.regionStart != cursor {
                add(.damage, segment.file, cursor, "a frame is damaged that a later one proves")
            }
            try verify(frame, in: file, of: segment)
            cursor = trailer.end
        }
        if cursor < segment.length {
            // Blocks of an epoch that was given up, or what a crash left of one.
            let bytes = segment.length - cursor
            add(.leftover, segment.file, cursor, "\(counted(bytes, "byte")) of an epoch that was not committed")
        }
    }

    private func verify(_ frame: SegmentFacts.Frame, in file: any File, of segment: SegmentFacts) throws(TidemillError)
    {
        let trailer = frame.trailer
        report.frames += 1
        try walkBlocks(file, trailer.regionStart..<trailer.bodyStart)
        if !frame.bodyIsSound { add(.damage, segment.file, trailer.bodyStart, "the frame is damaged") }
        let bodyEnd = trailer.bodyStart + Int64(trailer.bodyBytes)
        let slack = try file.bytes(at: bodyEnd, count: Int(trailer.trailerStart - bodyEnd))
        if slack.contains(where: { $0 != 0 }) {
            add(.damage, segment.file, bodyEnd, "the space behind the frame is not zero")
        }
        for copy in 0...Int64(1) {
            let at = trailer.trailerStart + copy * LogFormat.sectorBytes
            let room = max(0, min(LogFormat.sectorBytes, segment.length - at))
            if try file.bytes(at: at, count: Int(room)) != trailer.encode(copy: copy) {
                add(.damage, segment.file, at, "one of the two trailers is damaged or missing")
            }
        }
    }

    /// Blocks stand back to back; dead ones were written whole too, because a frame follows them.
    private func walkBlocks(_ file: any File, _ range: Range<Int64>) throws(TidemillError) {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let room = range.upperBound - offset
            let head = try file.bytes(at: offset, count: Int(min(room, Int64(BlockCodec.headerBytes))))
            guard let header = head.withUnsafeBytes({ BlockCodec.peek($0) }), Int64(header.totalBytes) <= room else {
                return add(.damage, file.path.string, offset, "no block where one should stand")
            }
            let at = offset
            report.blocks += 1
            try collecting { () throws(TidemillError) in
                _ = try BlockCodec.decode(
                    try file.bytes(at: at, count: header.totalBytes), file: file.path.string, offset: at)
            }
            offset += Int64(header.totalBytes)
        }
    }

    // MARK: Runs

    private func verify(_ run: ManifestRun) throws(TidemillError) {
        let path = CheckpointScan.runs(directory).appending(run.fileName)
        report.runs += 1
        report.bytes += run.bytes
        guard try files.exists(path) else {
            return add(.damage, path.string, 0, "a run of the manifest is missing")
        }
        var opened: RunReader?
        var filter: BloomFilter?
        try collecting { () throws(TidemillError) in
            opened = try RunReader.open(path, files: files)
            filter = try opened?.bloomFilter()
        }
        guard let reader = opened else { return }
        defer { reader.close() }
        if reader.footerCRC != run.footerCRC || reader.rows != run.rows || reader.bytes != run.bytes {
            add(.damage, path.string, 0, "the run is not the one of the manifest")
        }
        for block in reader.blocks {
            var batch: Batch?
            try collecting { () throws(TidemillError) in batch = try reader.batch(block) }
            report.blocks += 1
            guard let batch, !CheckpointVerification.fits(batch, block, filter) else { continue }
            add(.damage, path.string, block.offset, "a block does not fit the run's index or bloom filter")
        }
    }

    private static func fits(_ batch: Batch, _ block: RunBlock, _ filter: BloomFilter?) -> Bool {
        guard let hash = batch.columns.first, hash.type == .bigint, batch.count > 0 else { return false }
        let values = hash.pointer(UInt64.self)
        guard values[0] == block.firstHash, values[batch.count - 1] == block.lastHash else { return false }
        for row in 0..<batch.count {
            if row > 0 && values[row] < values[row - 1] { return false }
            if let filter, !filter.mayContain(values[row]) { return false }
        }
        return true
    }
}

/// `verifyCheckpoint` with the lock held. A checkpoint on a disk that cannot be written has no writer either.
public func verifyLockedCheckpoint(
    _ directory: FilePath, files: any FileSystem, evidence: (UInt64) throws(TidemillError) -> Epoch?
) throws(TidemillError) -> CheckpointReport {
    var lock: CheckpointLock?
    do throws(TidemillError) {
        lock = try CheckpointLock.take(directory, files: files)
    } catch {
        // EPERM, EACCES, EROFS
        guard let number = error.errno, [1, 13, 30].contains(number) else { throw error }
    }
    defer { lock?.release() }
    return try verifyCheckpoint(directory, files: files, evidence: evidence)
}
