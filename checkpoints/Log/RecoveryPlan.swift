import TideColumns

/// What was found in one segment, without judging it.
struct SegmentFacts: Sendable {
    struct Frame: Sendable {
        var trailer: FrameTrailer
        /// How many of the two trailers are sound, at least 1.
        var copies: Int
        var bodyIsSound: Bool
        /// Known for the last commit of each segment: a block it refers to is damaged.
        var hasDamagedBlock = false
    }
    var number: UInt64
    var file: String
    var length: Int64
    var header: SegmentHeader
    /// Every frame with a sound trailer, by offset.
    var frames: [Frame]
}

/// Everything that recovery decides on.
struct RecoveryFacts: Sendable {
    var generation: UInt64
    var firstSegment: UInt64
    /// State up to here is in the runs of the manifest; -1 for none.
    var snapshotEpoch: Int64
    /// As the manifest has it; -1 for none.
    var publishedThrough: Int64
    /// The manifest knows that a segment with this number was there; 0 for none.
    var newestSegment: UInt64 = 0
    /// By number. Only segments with a sound header: a bad one is reported when it is read.
    var segments: [SegmentFacts]
    /// The highest epoch that something outside the log says was committed; -1 for nothing.
    var evidence: Int64
}

/// What recovery does. A pure function of the facts; `CheckpointStore.open` carries it out.
///
/// A commit frame counts if it tiles with its neighbours and its body is sound. A bad frame is corruption if there is
/// evidence that its fdatasync returned, else a torn tail. Evidence is: any later sound trailer (the log is written by
/// one thread, which goes on only after fdatasync returned), a later segment that links past it, a published mark of
/// its epoch or later, the manifest's snapshot, or what the engine read from tables and outboxes.
struct RecoveryPlan: Sendable, Equatable {
    struct FrameLocation: Sendable, Hashable {
        var segment: UInt64
        var bodyStart: Int64
        var epoch: Int64
    }
    /// Committed epochs that the snapshot or the published mark does not cover, in order.
    var frames: [FrameLocation] = []
    /// -1 for none.
    var lastCommitted: Int64 = -1
    var publishedThrough: Int64 = -1
    /// The last frame if nothing proves that its fdatasync returned: it is written again into the new segment, because
    /// after a failed fsync the page cache shows bytes that the disk does not have.
    var rewrite: FrameLocation?
    /// What the new segment links to: the last segment that holds frames, and how much of it counts. 0 for none.
    var previous: UInt64 = 0
    var previousEnd: Int64 = 0
    /// Segments without a frame that counts, and those below the first needed one.
    var removable: [UInt64] = []
    /// A dropped tail, for the log line: where it started.
    var torn: FrameLocation?

    static func decide(_ facts: RecoveryFacts) throws(TidemillError) -> RecoveryPlan {
        var plan = RecoveryPlan()
        plan.publishedThrough = facts.publishedThrough
        let chain = try self.chain(facts)

        // Walk the frames. `accepted` are those that count; the walk ends at the first hole of the last segment.
        var accepted: [(location: FrameLocation, frame: SegmentFacts.Frame)] = []
        var provenFrames = 0
        var end: Int64 = 0
        for (index, link) in chain.enumerated() {
            let segment = link.segment
            let isLast = index == chain.count - 1
            var cursor = LogFormat.sectorBytes
            for frame in segment.frames where isLast || frame.trailer.end <= link.end {
                guard frame.trailer.regionStart == cursor else {
                    // This trailer was written after the frame that should stand at `cursor` was durable.
                    throw damage("a frame is damaged that a later one proves", segment, cursor)
                }
                guard frame.bodyIsSound else {
                    let isTail = isLast && segment.frames.last?.trailer == frame.trailer
                    if !isTail { throw damage("the frame of epoch \(frame.trailer.epoch) is damaged", segment, cursor) }
                    plan.torn = FrameLocation(
                        segment: segment.number, bodyStart: frame.trailer.bodyStart, epoch: frame.trailer.epoch)
                    // Its trailer proves the frame before it.
                    provenFrames = accepted.count
                    break
                }
                plan.publishedThrough = max(plan.publishedThrough, frame.trailer.publishedThrough)
                provenFrames = accepted.count
                if frame.trailer.kind == .commit {
                    accepted.append(
                        (
                            FrameLocation(
                                segment: segment.number, bodyStart: frame.trailer.bodyStart,
                                epoch: frame.trailer.epoch), frame
                        ))
                }
                cursor = frame.trailer.end
            }
            if !isLast {
                guard cursor == link.end else { throw damage("the end of a segment is damaged", segment, cursor) }
                provenFrames = accepted.count
            }
            end = cursor
        }
        try checkOrder(accepted.map(\.location), facts, chain)

        let evidence = max(facts.evidence, facts.snapshotEpoch, plan.publishedThrough)
        if let last = accepted.last, last.frame.hasDamagedBlock, let segment = chain.last?.segment {
            guard provenFrames < accepted.count, evidence < last.location.epoch else {
                throw damage(
                    "a block of epoch \(last.location.epoch) is damaged", segment, last.frame.trailer.regionStart)
            }
            plan.torn = last.location
            accepted.removeLast()
        }
        plan.lastCommitted = max(facts.snapshotEpoch, accepted.last?.location.epoch ?? -1)
        let needed = min(facts.snapshotEpoch, plan.publishedThrough)
        // What the log must reach: everything that evidence names, unless the snapshot and the mark make up for it.
        // They do not make up for a frame that is there and damaged although something proves it.
        let isTornProven = plan.torn.map { $0.epoch <= evidence } ?? false
        let logEnd = accepted.last?.location.epoch ?? (isTornProven ? -1 : needed)
        if evidence > logEnd {
            throw .corruption(
                "TIDEMILL_CORRUPT_LOG",
                "epoch \(evidence) was committed, but the log "
                    + (logEnd < 0 ? "has no epoch" : "ends with epoch \(logEnd)"),
                file: chain.last?.segment.file ?? "log", offset: end)
        }

        // Marks behind the last commit are not linked to: nothing proves that their own fdatasync returned. What they
        // say goes into the new manifest.
        if let last = accepted.last, last.location.segment == chain.last?.segment.number {
            end = last.frame.trailer.end
        } else {
            end = LogFormat.sectorBytes
        }
        // A proven frame whose second trailer is cut off is written again too, so that a link can point past it.
        let isCut = accepted.last.map { $0.frame.trailer.end > chain.last?.segment.length ?? 0 } ?? false
        if let last = accepted.last, provenFrames < accepted.count, evidence < last.location.epoch || isCut {
            plan.rewrite = last.location
            end = last.frame.trailer.regionStart
        }
        plan.frames = accepted.map(\.location).filter { $0.epoch > needed }
        plan.linkAndRemove(chain, end: end, facts)
        return plan
    }

    /// The new segment links to the last segment that keeps a frame.
    private mutating func linkAndRemove(_ chain: [Link], end: Int64, _ facts: RecoveryFacts) {
        var kept = chain
        if let last = kept.last {
            if end > LogFormat.sectorBytes {
                (previous, previousEnd) = (last.segment.number, end)
            } else {
                kept.removeLast()
                (previous, previousEnd) = (last.segment.header.previous, last.segment.header.previousEnd)
            }
        }
        let numbers = Set(kept.map(\.segment.number))
        removable = facts.segments.map(\.number).filter { !numbers.contains($0) }
    }

    struct Link {
        var segment: SegmentFacts
        /// How much of the segment counts.
        var end: Int64
    }

    /// The live segments, oldest first: from the newest one back along the links.
    private static func chain(_ facts: RecoveryFacts) throws(TidemillError) -> [Link] {
        guard facts.newestSegment <= facts.segments.last?.number ?? 0 else {
            throw .corruptLog("segment \(facts.newestSegment) of the log is missing", file: "log", offset: 0)
        }
        guard var newest = facts.segments.last else { return [] }
        var links = [Link(segment: newest, end: newest.length)]
        while newest.header.previous != 0, newest.header.previous >= facts.firstSegment {
            let number = newest.header.previous
            guard number < newest.number, let segment = facts.segments.first(where: { $0.number == number }) else {
                throw damage("segment \(number) before this one is missing", newest, 0)
            }
            guard segment.length >= newest.header.previousEnd else {
                throw damage("the segment was cut to \(segment.length) bytes", segment, segment.length)
            }
            links.append(Link(segment: segment, end: newest.header.previousEnd))
            newest = segment
        }
        return links.reversed()
    }

    /// Epochs follow one another, and none is missing between the snapshot and the first.
    private static func checkOrder(_ frames: [FrameLocation], _ facts: RecoveryFacts, _ chain: [Link])
        throws(TidemillError)
    {
        guard let first = frames.first, let segment = chain.last?.segment else { return }
        guard first.epoch <= min(facts.snapshotEpoch, facts.publishedThrough) + 1 else {
            throw damage("the log starts with epoch \(first.epoch) after epoch \(facts.snapshotEpoch)", segment, 0)
        }
        for (before, after) in zip(frames, frames.dropFirst()) where after.epoch != before.epoch + 1 {
            throw damage("epoch \(after.epoch) follows epoch \(before.epoch)", segment, after.bodyStart)
        }
    }

    private static func damage(_ message: String, _ segment: SegmentFacts, _ offset: Int64) -> TidemillError {
        .corruptLog(message, file: segment.file, offset: offset)
    }
}
