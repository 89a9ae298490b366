import Testing
@testable import TideCheckpoints
import TideColumns

/// The decision alone, by table. A segment is drawn as one letter per frame:
///
///     c  commit, sound                 b  commit, body damaged
///     x  commit, both trailers gone    t  commit, a block damaged
///     m  mark through the last commit
@Suite struct RecoveryPlanTests {
    static func segment(
        _ number: UInt64, _ drawing: String, from first: Int64, previous: UInt64 = 0, previousEnd: Int64 = 0
    ) -> (facts: SegmentFacts, nextEpoch: Int64) {
        var facts = SegmentFacts(
            number: number, file: "\(number).log", length: 512,
            header: SegmentHeader(
                generation: 1, number: number, token: 1, previous: previous, previousEnd: previousEnd), frames: [])
        var epoch = first
        var published: Int64 = -1
        for letter in drawing {
            let isMark = letter == "m"
            if isMark { published = epoch - 1 }
            let trailer = FrameTrailer(
                kind: isMark ? .mark : .commit, generation: 1, segment: number, epoch: isMark ? epoch - 1 : epoch,
                publishedThrough: published, regionStart: facts.length, bodyStart: facts.length,
                bodyBytes: isMark ? 0 : 100, bodyCRC: 0)
            facts.length = trailer.end
            if letter != "x" {
                facts.frames.append(
                    SegmentFacts.Frame(
                        trailer: trailer, copies: 2, bodyIsSound: letter != "b", hasDamagedBlock: letter == "t"))
            }
            if !isMark { epoch += 1 }
        }
        return (facts, epoch)
    }

    static func decide(
        _ drawings: [String], snapshot: Int64 = -1, published: Int64 = -1, evidence: Int64 = -1
    ) throws(TidemillError) -> RecoveryPlan {
        var segments: [SegmentFacts] = []
        var epoch: Int64 = 0
        for (index, drawing) in drawings.enumerated() {
            let (facts, next) = segment(
                UInt64(index + 1), drawing, from: epoch, previous: UInt64(index),
                previousEnd: segments.last?.length ?? 0)
            segments.append(facts)
            epoch = next
        }
        return try RecoveryPlan.decide(
            RecoveryFacts(
                generation: 1, firstSegment: 1, snapshotEpoch: snapshot, publishedThrough: published,
                segments: segments, evidence: evidence))
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var segments: [String]
        var snapshot: Int64 = -1
        var published: Int64 = -1
        var evidence: Int64 = -1
        /// What is expected; nil for corruption.
        var last: Int64?
        var rewrite: Int64?
        var torn: Int64?
        var testDescription: String { "\(segments) s\(snapshot) p\(published) e\(evidence)" }
    }

    static let cases: [Case] = [
        // A sound log. The last frame is written again unless something proves it.
        Case(segments: [], last: -1),
        Case(segments: [""], last: -1),
        Case(segments: ["c"], last: 0, rewrite: 0),
        Case(segments: ["ccc"], last: 2, rewrite: 2),
        Case(segments: ["ccc"], evidence: 2, last: 2),
        Case(segments: ["ccc"], published: 2, last: 2),
        Case(segments: ["cccm"], last: 2),
        Case(segments: ["ccmc"], last: 2, rewrite: 2),
        Case(segments: ["cc", "c"], last: 2, rewrite: 2),
        Case(segments: ["cc", ""], last: 1),
        Case(segments: ["ccm", "m"], last: 1),
        // A torn tail: nothing says that its fdatasync returned.
        Case(segments: ["b"], last: -1, torn: 0),
        Case(segments: ["ccb"], last: 1, torn: 2),
        Case(segments: ["ccx"], last: 1, rewrite: 1),
        Case(segments: ["cct"], last: 1, torn: 2),
        Case(segments: ["cc", "b"], last: 1, torn: 2),
        Case(segments: ["cc", "t"], last: 1, torn: 2),
        Case(segments: ["ccb"], evidence: 1, last: 1, torn: 2),
        Case(segments: ["ccb"], published: 1, last: 1, torn: 2),
        // The same damage with evidence is corruption.
        Case(segments: ["ccb"], evidence: 2),
        Case(segments: ["ccx"], evidence: 2),
        Case(segments: ["cct"], evidence: 2),
        Case(segments: ["ccb"], published: 2),
        Case(segments: ["ccb"], snapshot: 2),
        Case(segments: ["cbc"]),
        Case(segments: ["cxc"]),
        Case(segments: ["cxb"]),
        Case(segments: ["cbb"]),
        Case(segments: ["cbm"]),
        Case(segments: ["cxm"]),
        Case(segments: ["ctm"]),
        Case(segments: ["cb", "c"]),
        Case(segments: ["cx", "c"]),
        Case(segments: ["cb", ""]),
        Case(segments: ["cx", ""]),
        Case(segments: ["ct", ""]),
        // A table newer than the log.
        Case(segments: ["cc"], evidence: 2),
        Case(segments: [], evidence: 0),
        Case(segments: [""], published: 0),
        // After a snapshot.
        Case(segments: ["ccc"], snapshot: 1, published: 1, last: 2, rewrite: 2),
        Case(segments: ["ccc"], snapshot: 2, published: 0, last: 2),
        Case(segments: [""], snapshot: 4, published: 4, last: 4),
    ]

    @Test(arguments: cases)
    func table(_ row: Case) throws {
        let plan: RecoveryPlan
        do throws(TidemillError) {
            plan = try Self.decide(
                row.segments, snapshot: row.snapshot, published: row.published, evidence: row.evidence)
        } catch {
            #expect(error.kind == .corruption)
            #expect(row.last == nil, "\(error)")
            return
        }
        #expect(plan.lastCommitted == row.last)
        #expect(plan.rewrite?.epoch == row.rewrite)
        #expect(plan.torn?.epoch == row.torn)
        let needed = min(row.snapshot, plan.publishedThrough)
        let wanted = Array(stride(from: needed + 1, through: row.last ?? -1, by: 1))
        #expect(plan.frames.map(\.epoch) == wanted)
    }

    @Test func linksSkipWhatDoesNotCount() throws {
        // The tail of segment 2 is written again; what stays of it is nothing, so the link goes to segment 1.
        let plan = try Self.decide(["cc", "c"])
        #expect(plan.previous == 1)
        #expect(plan.previousEnd == Self.segment(1, "cc", from: 0).facts.length)
        #expect(plan.removable == [2])
        // Marks behind the last commit are not linked to.
        let marked = try Self.decide(["ccm"])
        #expect(marked.previousEnd == Self.segment(1, "cc", from: 0).facts.length)
        #expect(marked.publishedThrough == 1)
    }

    @Test func missingAndCutSegmentsAreCorruption() throws {
        let one = Self.segment(1, "cc", from: 0).facts
        let two = Self.segment(2, "cc", from: 2, previous: 1, previousEnd: one.length).facts
        let three = Self.segment(3, "c", from: 4, previous: 2, previousEnd: two.length).facts
        func decide(_ segments: [SegmentFacts], first: UInt64 = 1) throws(TidemillError) -> RecoveryPlan {
            try RecoveryPlan.decide(
                RecoveryFacts(
                    generation: 1, firstSegment: first, snapshotEpoch: first == 1 ? -1 : 1,
                    publishedThrough: first == 1 ? -1 : 1, segments: segments, evidence: -1))
        }
        #expect(try decide([one, two, three]).lastCommitted == 4)
        #expect(try decide([two, three], first: 2).lastCommitted == 4)
        #expect(throws: TidemillError.self) { try decide([one, three]) }
        #expect(throws: TidemillError.self) { try decide([two, three]) }
        #expect(throws: TidemillError.self) { try decide([three], first: 2) }
        var cut = one
        cut.length -= 1
        #expect(throws: TidemillError.self) { try decide([cut, two, three]) }
    }

    /// The first frame after a snapshot is torn: the snapshot is all there is, and all that anything proves.
    @Test func aTornFirstFrameAfterASnapshot() throws {
        func decide(_ drawing: String, evidence: Int64) throws(TidemillError) -> RecoveryPlan {
            let (facts, _) = Self.segment(7, drawing, from: 5)
            return try RecoveryPlan.decide(
                RecoveryFacts(
                    generation: 1, firstSegment: 7, snapshotEpoch: 4, publishedThrough: 4, segments: [facts],
                    evidence: evidence))
        }
        for drawing in ["b", "t", "x"] {
            let plan = try decide(drawing, evidence: 4)
            #expect(plan.lastCommitted == 4)
            #expect(plan.torn?.epoch == (drawing == "x" ? nil : 5))
            #expect(throws: TidemillError.self, "\(drawing)") { try decide(drawing, evidence: 5) }
        }
    }

    /// An interrupted start left a segment that the newer one does not link to.
    @Test func segmentsOutsideTheChainDoNotCount() throws {
        let one = Self.segment(1, "cc", from: 0).facts
        let two = Self.segment(2, "t", from: 2, previous: 1, previousEnd: one.length).facts
        let three = Self.segment(3, "", from: 2, previous: 1, previousEnd: one.length).facts
        let plan = try RecoveryPlan.decide(
            RecoveryFacts(
                generation: 1, firstSegment: 1, snapshotEpoch: -1, publishedThrough: -1,
                segments: [one, two, three], evidence: -1))
        #expect(plan.lastCommitted == 1)
        #expect(plan.removable == [2, 3])
        #expect(plan.rewrite == nil)
    }
}
