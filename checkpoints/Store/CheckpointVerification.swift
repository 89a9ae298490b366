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

/// Reads every byte of a checkpoint that nobody writes: manifest, every block live or dead, the slack of every frame,
/// both trailers, every run with its index and bloom filter. Empty if all is as it was written.
public func verifyCheckpoint(_ directory: FilePath, files: any FileSystem) throws(TidemillError)
    -> [CheckpointProblem]
{
    let verification = CheckpointVerification(directory: directory, files: files)
    try verification.run()
    return verification.problems
}

final class CheckpointVerification {
    let directory: FilePath
    let files: any FileSystem
    private(set) var problems: [CheckpointProblem] = []

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
            if problems.isEmpty { report(.damage, path.string, 0, "there is no checkpoint here") }
            return
        }
        var scan: CheckpointScan?
        try collecting { () throws(TidemillError) in
            scan = try CheckpointScan.read(directory, manifest, evidence: nil, files: files)
        }
        for run in manifest.runs { try verify(run) }
        guard let scan else { return }
        for leftover in scan.leftovers { report(.leftover, leftover.string, 0, "left by a crash") }
        if let torn = scan.plan.torn {
            report(
                .leftover, scan.reader.path(torn.segment).string, torn.bodyStart,
                "epoch \(torn.epoch) was not committed: the frame is unfinished")
        }
        for segment in scan.facts.segments { try verify(segment, scan) }
    }

    func report(_ severity: CheckpointProblem.Severity, _ file: String, _ offset: Int64, _ message: String) {
        problems.append(CheckpointProblem(severity: severity, file: file, offset: offset, message: message))
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
            report(.damage, file, offset, error.message)
        }
    }

    // MARK: Log

    private func verify(_ segment: SegmentFacts, _ scan: CheckpointScan) throws(TidemillError) {
        let file = try files.open(FilePath(segment.file), .read)
        defer { file.close() }
        var cursor = LogFormat.sectorBytes
        let torn = scan.plan.torn
        for frame in segment.frames where frame.trailer.regionStart == cursor {
            let trailer = frame.trailer
            if let torn, torn.segment == segment.number, torn.bodyStart == trailer.bodyStart { break }
            try walkBlocks(file, cursor..<trailer.bodyStart)
            if !frame.bodyIsSound { report(.damage, segment.file, trailer.bodyStart, "the frame is damaged") }
            let bodyEnd = trailer.bodyStart + Int64(trailer.bodyBytes)
            let slack = try file.bytes(at: bodyEnd, count: Int(trailer.trailerStart - bodyEnd))
            if slack.contains(where: { $0 != 0 }) {
                report(.damage, segment.file, bodyEnd, "the space behind the frame is not zero")
            }
            if frame.copies < 2 {
                report(.damage, segment.file, trailer.trailerStart, "one of the two trailers is damaged or missing")
            }
            cursor = trailer.end
        }
        if cursor < segment.length {
            // Blocks of an epoch that was given up, or what a crash left of one.
            let bytes = segment.length - cursor
            report(.leftover, segment.file, cursor, "\(bytes) bytes of an epoch that was not committed")
        }
    }

    /// Blocks stand back to back; dead ones were written whole too, because a frame follows them.
    private func walkBlocks(_ file: any File, _ range: Range<Int64>) throws(TidemillError) {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let room = range.upperBound - offset
            let head = try file.bytes(at: offset, count: Int(min(room, Int64(BlockCodec.headerBytes))))
            guard let header = head.withUnsafeBytes({ BlockCodec.peek($0) }), Int64(header.totalBytes) <= room else {
                report(.damage, file.path.string, offset, "no block where one should stand")
                return
            }
            let at = offset
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
        guard try files.exists(path) else {
            return report(.damage, path.string, 0, "a run of the manifest is missing")
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
            report(.damage, path.string, 0, "the run is not the one of the manifest")
        }
        for block in reader.blocks {
            var batch: Batch?
            try collecting { () throws(TidemillError) in batch = try reader.batch(block) }
            guard let batch, !CheckpointVerification.fits(batch, block, filter) else { continue }
            report(.damage, path.string, block.offset, "a block does not fit the run's index or bloom filter")
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
