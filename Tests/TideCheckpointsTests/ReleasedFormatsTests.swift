import Testing
import TideColumns

@testable import TideCheckpoints

/// What earlier versions wrote is read for ever. Log segments, blocks, runs and epoch records have one version so far;
/// `goldenBlock` holds the bytes of a block.
@Suite struct ReleasedFormatsTests {
    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex.utf8)
        return stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(decoding: digits[$0..<($0 + 2)], as: UTF8.self), radix: 16)
        }
    }

    @Test func manifestOfVersionOne() throws {
        let manifest = try Manifest.decode(Self.bytes(manifestOfVersion1), file: "manifest")
        #expect(manifest.pipeline == "sales pipeline" && manifest.generation == 0x0123_4567_89AB_CDEF)
        #expect(manifest.fencingToken == 17 && manifest.settings == ["spark.sql.session.timeZone": "UTC"])
        #expect(manifest.firstSegment == 5 && manifest.newestSegment == 6 && manifest.nextRun == 9)
        #expect(manifest.publishedThrough == Epoch(42) && manifest.snapshotEpoch == Epoch(41))
        let snapshot = try #require(manifest.snapshot)
        #expect(snapshot.sources == [.init(id: "sales", bytes: [1, 2, 3])])
        #expect(snapshot.watermarks == [.init(flow: "clean", micros: -1)])
        #expect(snapshot.counters == [.init(name: "@rows:7", value: 12)])
        #expect(manifest.runs.map(\.number) == [8] && manifest.runs.map(\.footerCRC) == [0xCAFE_BABE])
        // It retains nothing, and no rollback is under way; written again it is a manifest of now.
        #expect(manifest.retained == [] && manifest.rollback == nil)
        #expect(try Manifest.decode(manifest.encode(), file: "manifest") == manifest)
    }

    @Test func manifestOfVersionTwo() throws {
        let manifest = try Manifest.decode(Self.bytes(manifestOfVersion2), file: "manifest")
        #expect(manifest.pipeline == "sales pipeline" && manifest.runs.map(\.number) == [8])
        #expect(manifest.retained.map(\.epoch) == [Epoch(40), Epoch(42)])
        #expect(manifest.retained.map(\.savepoint) == ["monday", nil])
        #expect(manifest.retained.map(\.generation) == [0x1111, 0x0123_4567_89AB_CDEF])
        let base = try #require(manifest.retained[0].base)
        #expect(base.snapshot == manifest.snapshot && base.segments == [3, 4])
        #expect(base.runs.map(\.footerCRC) == [0xDECA_FBAD] && base.runs.map(\.rows) == [100])
        let rollback = try #require(manifest.rollback)
        #expect(rollback.epoch == Epoch(42) && rollback.segment == 7 && rollback.isDecided)
        #expect(manifest.earlierGenerations == [])
        #expect(try Manifest.decode(manifest.encode(), file: "manifest") == manifest)
    }
}
