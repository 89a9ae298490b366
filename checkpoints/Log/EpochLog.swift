import TideColumns

/// The writing end of the epoch log: blocks are streamed in, a frame makes them count, one fdatasync makes them last.
///
/// Invariants: epochs are committed in order without gaps; an epoch lies in one segment; bytes once written are never
/// written again; after any failed write or sync the log is poisoned, because nobody knows what the disk has. Opening
/// the checkpoint again finds out.
///
/// Used by one thread at a time.
public final class EpochLog {
    public struct Options: Sendable {
        /// A new segment is begun after the epoch that crosses this size.
        public var segmentBytesMax: Int64 = 16 << 20
        /// Blocks are written in pieces of this size.
        public var bufferBytes = 256 << 10
        public var compression: BlockCompression = .lz4
        /// For the canary test alone: commits without fdatasync, which the crash test must notice.
        package var skipSync = false
        public init() {}
    }

    /// Bytes that the entries of one record may hold together.
    public static let recordBytesMax = 256 << 20

    private struct Segment {
        var number: UInt64
        /// Bytes up to the end of its last frame.
        var bytes: Int64
        /// -1 while it holds no frame.
        var lastEpoch: Int64
    }

    let files: any FileSystem
    let directory: FilePath
    private let options: Options
    private let generation: UInt64
    let token: UInt64
    private var file: any File
    /// Oldest first; the last one is written.
    private var segments: [Segment]
    private var buffer: [UInt8] = []
    /// Bytes of the segment that were handed to the file.
    private var written: Int64
    private var regionStart: Int64
    private var references: [BlockReference] = []
    private var poison: TidemillError?

    public private(set) var lastCommitted: Epoch?
    public private(set) var publishedThrough: Epoch?
    private var markIsPending = false

    /// What an earlier life left: segments that stay, and what the first new segment links to.
    struct Start {
        var kept: [(number: UInt64, bytes: Int64, lastEpoch: Int64)] = []
        var nextNumber: UInt64 = 1
        var previous: UInt64 = 0
        var previousEnd: Int64 = 0
        var lastCommitted: Epoch?
        var publishedThrough: Epoch?
    }

    /// Begins a segment. `rewriting` is the last epoch of the segment before, with its encoded blocks, if it must be
    /// made durable again; its references are returned as they are now.
    static func begin(
        files: any FileSystem, directory: FilePath, generation: UInt64, token: UInt64, start: Start,
        rewriting: (epoch: CommittedEpoch, blocks: [[UInt8]])?, options: Options
    ) throws(TidemillError) -> (log: EpochLog, rewritten: CommittedEpoch?) {
        var content = SegmentHeader(
            generation: generation, number: start.nextNumber, token: token, previous: start.previous,
            previousEnd: start.previousEnd
        ).encode()
        var rewritten: CommittedEpoch?
        if let (epoch, blocks) = rewriting {
            var moved = epoch
            for (index, block) in blocks.enumerated() {
                moved.blocks[index].segment = start.nextNumber
                moved.blocks[index].offset = Int64(content.count)
                content += block
            }
            content += frame(
                .commit, moved, regionStart: LogFormat.sectorBytes, at: Int64(content.count),
                generation: generation, segment: start.nextNumber, publishedThrough: start.publishedThrough)
            rewritten = moved
        }
        let file = try newSegment(files, directory, start.nextNumber, content)
        let log = EpochLog(
            files: files, directory: directory, options: options, generation: generation, token: token, file: file,
            start: start, bytes: Int64(content.count))
        return (log, rewritten)
    }

    private init(
        files: any FileSystem, directory: FilePath, options: Options, generation: UInt64, token: UInt64,
        file: any File, start: Start, bytes: Int64
    ) {
        self.files = files
        self.directory = directory
        self.options = options
        self.generation = generation
        self.token = token
        self.file = file
        segments = start.kept.map { Segment(number: $0.number, bytes: $0.bytes, lastEpoch: $0.lastEpoch) }
        let epoch = bytes > LogFormat.sectorBytes ? start.lastCommitted?.rawValue ?? -1 : -1
        segments.append(Segment(number: start.nextNumber, bytes: bytes, lastEpoch: epoch))
        written = bytes
        regionStart = bytes
        lastCommitted = start.lastCommitted
        publishedThrough = start.publishedThrough
    }

    /// A segment gets its name only when its content is durable.
    static func newSegment(
        _ files: any FileSystem, _ directory: FilePath, _ number: UInt64, _ content: [UInt8]
    ) throws(TidemillError) -> any File {
        let name = LogFormat.name(number)
        // Numbers grow: a segment that is there already was made by a writer that took over.
        guard try !files.exists(directory.appending(name)) else {
            throw TidemillError(
                .conflict, "TIDEMILL_CHECKPOINT_FENCED", "another process has taken over this checkpoint",
                hint: "start again; only one process may write a checkpoint",
                place: .file(directory.appending(name).string))
        }
        let temporary = directory.appending(".\(name).new")
        try files.createDurably(temporary, content)
        try files.rename(temporary, to: directory.appending(name))
        try files.syncDirectory(directory)
        return try files.open(directory.appending(name), .readWrite)
    }

    /// Body, slack and both trailers.
    static func frame(
        _ kind: FrameTrailer.Kind, _ epoch: CommittedEpoch?, regionStart: Int64, at bodyStart: Int64,
        generation: UInt64, segment: UInt64, publishedThrough: Epoch?, lastCommitted: Epoch? = nil
    ) -> [UInt8] {
        var body = ByteWriter()
        epoch?.encode(into: &body)
        let trailer = FrameTrailer(
            kind: kind, generation: generation, segment: segment,
            epoch: (epoch?.epoch ?? lastCommitted)?.rawValue ?? -1,
            publishedThrough: publishedThrough?.rawValue ?? -1, regionStart: regionStart, bodyStart: bodyStart,
            bodyBytes: UInt32(body.count), bodyCRC: CRC32C.checksum(body.bytes))
        body.zeros(Int(trailer.trailerStart - bodyStart) - body.count)
        return body.bytes + trailer.encode(copy: 0) + trailer.encode(copy: 1)
    }

    private var position: Int64 { written + Int64(buffer.count) }
    /// The segment being written.
    var current: UInt64 { segments[segments.count - 1].number }
    /// Bytes of all segments, dead ones included.
    public var byteCount: Int64 { segments.dropLast().reduce(position) { $0 + $1.bytes } }
    /// The oldest segment that is still there.
    var firstSegment: UInt64 { segments[0].number }
    public var isPoisoned: Bool { poison != nil }

    /// Encodes the batch and appends it as part of the epoch to be committed next.
    public func appendBlock(owner: UInt32, kind: BlockKind, part: UInt16, _ batch: Batch) throws(TidemillError) {
        let block = try BlockCodec.encode(batch, compression: options.compression)
        try appendEncoded(owner: owner, kind: kind, part: part, rows: batch.count, block)
    }

    /// As `appendBlock`, for a block that a worker has encoded.
    public func appendEncoded(owner: UInt32, kind: BlockKind, part: UInt16, rows: Int, _ block: [UInt8])
        throws(TidemillError)
    {
        try guarded { () throws(TidemillError) in
            try rotateIfFull()
            references.append(
                BlockReference(
                    owner: owner, kind: kind, part: part, segment: current, offset: position,
                    length: UInt32(block.count), rows: UInt32(rows), crc: BlockCodec.storedCRC(block)))
            buffer += block
            if buffer.count >= options.bufferBytes { try flush() }
        }
    }

    /// Forgets the blocks appended since the last commit. Their bytes stay in the segment, dead.
    public func abandonEpoch() { references = [] }

    /// Makes `record` and the blocks appended since the last commit durable. The commit point; one fdatasync.
    /// - Throws: and then the epoch may or may not be committed: the log is poisoned, opening again decides.
    @discardableResult
    public func commit(_ record: EpochRecord) throws(TidemillError) -> CommittedEpoch {
        guard record.epoch.rawValue == (lastCommitted?.rawValue ?? -1) + 1 else {
            throw .internal("epoch \(record.epoch) committed after \(lastCommitted?.rawValue ?? -1)")
        }
        let epoch = CommittedEpoch(record: record, blocks: references)
        let inline = (record.sources + record.statics + record.sinks).reduce(0) { $0 + $1.bytes.count }
        guard inline <= EpochLog.recordBytesMax else {
            throw TidemillError(.limit, "TIDEMILL_RECORD_TOO_LARGE", "the record of an epoch has \(inline) bytes")
        }
        try guarded { () throws(TidemillError) in
            try rotateIfFull()
            try appendFrame(.commit, epoch)
            lastCommitted = record.epoch
            segments[segments.count - 1].lastEpoch = record.epoch.rawValue
        }
        references = []
        return epoch
    }

    /// Says that every epoch up to `epoch` is published. Written with the next commit; with `durable` at once, which
    /// needs an fdatasync of its own and must not stand between the blocks and the commit of an epoch.
    public func markPublished(through epoch: Epoch, durable: Bool) throws(TidemillError) {
        guard let lastCommitted, epoch <= lastCommitted else {
            throw .internal("epoch \(epoch) published before it was committed")
        }
        if epoch > publishedThrough ?? Epoch(-1) {
            publishedThrough = epoch
            markIsPending = true
        }
        guard durable, markIsPending else { return }
        guard references.isEmpty else { throw .internal("a mark in the middle of an epoch") }
        try guarded { () throws(TidemillError) in
            try rotateIfFull()
            try appendFrame(.mark, nil)
        }
    }

    private func appendFrame(_ kind: FrameTrailer.Kind, _ epoch: CommittedEpoch?) throws(TidemillError) {
        buffer += EpochLog.frame(
            kind, epoch, regionStart: regionStart, at: position, generation: generation, segment: current,
            publishedThrough: publishedThrough, lastCommitted: lastCommitted)
        try flush()
        if !options.skipSync { try file.sync() }
        regionStart = position
        segments[segments.count - 1].bytes = position
        markIsPending = false
    }

    private func flush() throws(TidemillError) {
        try file.write(buffer, at: written)
        written += Int64(buffer.count)
        buffer.removeAll(keepingCapacity: true)
    }

    /// Only between frames and with nothing dead behind the last one, so that the link covers the whole segment.
    private func rotateIfFull() throws(TidemillError) {
        guard position >= options.segmentBytesMax, position == regionStart, regionStart > LogFormat.sectorBytes
        else { return }
        try rotate()
    }

    private func rotate() throws(TidemillError) {
        let number = current + 1
        let header = SegmentHeader(
            generation: generation, number: number, token: token, previous: current, previousEnd: regionStart)
        let next = try EpochLog.newSegment(files, directory, number, header.encode())
        file.close()
        file = next
        segments.append(Segment(number: number, bytes: LogFormat.sectorBytes, lastEpoch: -1))
        written = LogFormat.sectorBytes
        regionStart = written
    }

    /// Called after a snapshot: starts a new segment if the current one holds only epochs below `epoch`, and returns
    /// the number of the first segment that must stay. Nothing is removed yet.
    func firstSegmentNeeded(from epoch: Epoch) throws(TidemillError) -> UInt64 {
        try guarded { () throws(TidemillError) in
            if position == regionStart, regionStart > LogFormat.sectorBytes, let last = lastCommitted, last < epoch {
                try rotate()
            }
        }
        // A segment is needed if it holds a frame from `epoch` on, or is the one being written.
        let index = segments.firstIndex { $0.lastEpoch >= epoch.rawValue } ?? segments.count - 1
        return segments[index].number
    }

    /// The segments with the epochs of a range that is in the log, ascending. Numbers may have gaps.
    func segments(from first: Epoch, through last: Epoch) -> [UInt64] {
        let end = segments.first { $0.lastEpoch >= last.rawValue }?.number ?? 0
        return segments.filter { $0.lastEpoch >= first.rawValue && $0.number <= end }.map(\.number)
    }

    /// Removes whole segments below `number`, but for those that are `pinned`; durable when it returns.
    func removeSegments(below number: UInt64, pinned: Set<UInt64>, forget: (UInt64) -> Void) throws(TidemillError) {
        let doomed = segments.filter { $0.number < number && !pinned.contains($0.number) }
        defer { segments.removeAll { $0.number < number } }
        guard !doomed.isEmpty else { return }
        for segment in doomed {
            forget(segment.number)
            try files.remove(directory.appending(LogFormat.name(segment.number)))
        }
        try files.syncDirectory(directory)
    }

    public func close() { file.close() }

    /// Runs `body` unless an earlier call failed; remembers a failure.
    private func guarded(_ body: () throws(TidemillError) -> Void) throws(TidemillError) {
        if let poison {
            throw TidemillError(
                .io, "TIDEMILL_LOG_STOPPED", "the epoch log stopped after an earlier error",
                hint: "start again: what was committed is read back from the disk", cause: poison)
        }
        do throws(TidemillError) {
            try body()
        } catch {
            poison = error
            throw error
        }
    }
}
