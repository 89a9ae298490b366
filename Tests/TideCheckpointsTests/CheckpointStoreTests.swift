import Testing
@testable import TideCheckpoints
import TideColumns
import TideSimulation

@Suite struct CheckpointStoreTests {
    static let directory = CheckpointScript.directory

    static func open(_ files: SimulatedFileSystem, _ options: EpochLog.Options = .init()) throws(TidemillError) -> (
        store: CheckpointStore, recovered: RecoveredCheckpoint
    ) {
        try CheckpointStore.open(
            directory, pipeline: "p", settings: ["zone": "UTC"], environment: CheckpointScript.environment(files),
            holder: CheckpointScript.holder, options: options)
    }

    static func commit(_ store: CheckpointStore, _ epoch: Int64) throws(TidemillError) {
        let rows = CheckpointScript.rows(epoch)
        for kind in [BlockKind.state, .sinkChanges] {
            try store.appendBlock(owner: 7, kind: kind, part: 0, CheckpointScript.batch(rows))
        }
        try store.commit(CheckpointScript.record(epoch))
    }

    @Test func aSecondProcessIsToldAboutTheFirst() throws {
        let files = SimulatedFileSystem()
        let (store, _) = try Self.open(files)
        let error = #expect(throws: TidemillError.self) { try Self.open(files) }
        #expect(error?.code == "TIDEMILL_CHECKPOINT_LOCKED" && error?.kind == .conflict)
        #expect(error?.message.contains("pid 4711 on host mill-1, started 2023-11-14T22:13:20Z") == true)
        store.close()
        let (second, recovered) = try Self.open(files)
        #expect(recovered.manifest.fencingToken == 2)
        #expect(try files.contents(of: "/storage/lock").starts(with: Array("token 2\n".utf8)))
        second.close()
    }

    @Test func settingsAndGenerationStay() throws {
        let files = SimulatedFileSystem()
        let (store, fresh) = try Self.open(files)
        #expect(fresh.latest == nil && fresh.lastCommitted == nil)
        store.close()
        let (again, recovered) = try CheckpointStore.open(
            Self.directory, pipeline: "p", settings: ["zone": "CET"], environment: CheckpointScript.environment(files))
        #expect(recovered.manifest.settings == ["zone": "UTC"])
        #expect(recovered.manifest.generation == fresh.manifest.generation)
        again.close()
        let other = #expect(throws: TidemillError.self) {
            try CheckpointStore.open(
                Self.directory, pipeline: "q", environment: CheckpointScript.environment(files))
        }
        #expect(other?.code == "TIDEMILL_CHECKPOINT_OTHER_PIPELINE")
    }

    @Test func aCopyIsACheckpoint() throws {
        let files = SimulatedFileSystem()
        let progress = CheckpointScript.Progress()
        try CheckpointScript().run(files, progress)
        try files.createDirectories("/elsewhere/log")
        try files.createDirectories("/elsewhere/runs")
        for path in try DamageTests.paths(files) {
            let to = FilePath("/elsewhere" + path.string.dropFirst("/storage".count))
            try files.createDurably(to, try files.contents(of: path))
        }
        let (store, recovered) = try CheckpointStore.open(
            "/elsewhere", pipeline: "p", environment: CheckpointScript.environment(files))
        #expect(try CheckpointScript.complaint(recovered, progress) == nil)
        store.close()
    }

    @Test func aTableNewerThanTheLogIsCorruption() throws {
        let files = SimulatedFileSystem()
        let (store, recovered) = try Self.open(files)
        try Self.commit(store, 0)
        store.close()
        for epoch in [Int64(0), 1] {
            do throws(TidemillError) {
                let (store, _) = try CheckpointStore.open(
                    Self.directory, pipeline: "p", environment: CheckpointScript.environment(files),
                    evidence: { (generation) throws(TidemillError) in
                        #expect(generation == recovered.manifest.generation)
                        return Epoch(epoch)
                    })
                store.close()
                #expect(epoch == 0)
            } catch {
                #expect(epoch == 1)
                #expect(error.kind == .corruption)
            }
        }
    }

    @Test func newerFormatsAreNamed() throws {
        let (files, _) = try DamageTests.closed()
        let paths = try DamageTests.paths(files).filter { $0.lastComponent?.string != "lock" }
        #expect(paths.count >= 3)
        for path in paths {
            let copy = files.copied()
            var content = try copy.contents(of: path)
            content[8] = 200
            // Manifest: checksum at the end. Segment: at the end of its first sector. Run: after the header's 12 bytes.
            let at =
                switch path.extension {
                case "log": 508
                case "run": 12
                default: content.count - 4
                }
            let crc = CRC32C.checksum(content[..<at])
            withUnsafeBytes(of: crc.littleEndian) { for i in 0..<4 { content[at + i] = $0[i] } }
            try copy.open(path, .readWrite).write(content, at: 0)
            let error = #expect(throws: TidemillError.self) {
                let recovered = try RecoveredCheckpoint.read(Self.directory, files: copy)
                try recovered?.forEachBlock(owner: 7, kind: .state) { _, _ in }
            }
            #expect(error?.code == "TIDEMILL_CHECKPOINT_NEWER_FORMAT", "\(path)")
        }
    }

    @Test func segmentsRotateAndAreTruncatedOnlyWhenNothingNeedsThem() throws {
        var options = EpochLog.Options()
        options.segmentBytesMax = 2000
        let files = SimulatedFileSystem()
        let (store, _) = try Self.open(files, options)
        for epoch in 0..<Int64(10) { try Self.commit(store, epoch) }
        func segments() throws -> Int { try files.entries(of: "/storage/log").count }
        #expect(try segments() > 4)
        try CheckpointScript.snapshot(store, 9)
        #expect(try segments() > 4, "nothing is published")
        try store.markPublished(through: Epoch(9))
        store.pinnedFrom = Epoch(0)
        try store.truncateLog()
        #expect(try segments() > 4, "a reader pins the first epoch")
        store.pinnedFrom = nil
        try store.truncateLog()
        #expect(try segments() == 1)
        #expect(store.logBytes == 512)
        try Self.commit(store, 10)
        store.close()
        let recovered = try RecoveredCheckpoint.read(Self.directory, files: files)
        #expect(recovered?.records.map(\.epoch) == [Epoch(10)])
        #expect(recovered?.publishedThrough == Epoch(9))
        #expect(try verifyCheckpoint(Self.directory, files: files).problems.isEmpty)
    }

    @Test func runsStayOrAreReplacedAsTold() throws {
        let files = SimulatedFileSystem()
        let (store, _) = try Self.open(files)
        try Self.commit(store, 0)
        try CheckpointScript.snapshot(store, 0)
        try Self.commit(store, 1)
        let seven = StateAddress(owner: 7, kind: .state, part: 0)
        let eight = StateAddress(owner: 8, kind: .state, part: 0)
        let newer = try #require(try CheckpointScript.run(store, seven, CheckpointScript.rows(1)))
        #expect(try CheckpointScript.run(store, eight, []) == nil)
        try store.install(CheckpointScript.record(1), runs: [newer], keeping: { $0.owner == 7 })
        #expect(store.manifest.runs.map(\.number) == [1, 2])
        let before = store.manifest.runs
        let recovered = try #require(try RecoveredCheckpoint.read(Self.directory, files: files))
        let readers = try recovered.runs(owner: 7, kind: .state)
        let merged = try store.runFactory().make(seven, types: CheckpointScript.types, expectedRows: 100) {
            (writer) throws(TidemillError) in
            try mergeRuns(readers.reversed(), rule: MergeRule(keyColumns: [1]), into: writer)
        }
        try store.replaceRuns(before, by: merged)
        #expect(store.manifest.runs.map(\.number) == [4])
        #expect(try files.entries(of: "/storage/runs").map(\.name) == ["0000000004.run"])
        store.close()
        let progress = CheckpointScript.Progress()
        (progress.attempted, progress.committed, progress.published) = (1, 1, -1)
        let after = try #require(try RecoveredCheckpoint.read(Self.directory, files: files))
        #expect(try CheckpointScript.complaint(after, progress) == nil)
        #expect(try verifyCheckpoint(Self.directory, files: files).problems.isEmpty)
    }

    @Test func epochsFollowOneAnother() throws {
        let (store, _) = try Self.open(SimulatedFileSystem())
        #expect(throws: TidemillError.self) { try store.commit(CheckpointScript.record(1)) }
        try Self.commit(store, 0)
        #expect(throws: TidemillError.self) { try store.commit(CheckpointScript.record(0)) }
        #expect(throws: TidemillError.self) { try store.markPublished(through: Epoch(1)) }
        try Self.commit(store, 1)
    }

    /// The first bytes of every file, and where a trailer stands, as docs/FORMATS.md has them.
    @Test func filesSayWhatTheyAre() throws {
        let files = SimulatedFileSystem()
        let (store, _) = try Self.open(files)
        try store.commit(CheckpointScript.record(0))
        try CheckpointScript.snapshot(store, 0)
        store.close()
        func text(_ path: FilePath, _ range: Range<Int>) throws -> String {
            String(decoding: try files.contents(of: path)[range], as: UTF8.self)
        }
        #expect(try text("/storage/manifest", 0..<8) == "TIDEMILL")
        #expect(try text("/storage/runs/0000000001.run", 0..<8) == "TIDERUN1")
        #expect(try text("/storage/runs/0000000001.run", 16..<20) == "TBLK")
        let segment = FilePath("/storage/log/0000000001.log")
        #expect(try text(segment, 0..<8) == "TDELOG\0\0")
        // The record is shorter than a sector: body at 512, trailers at 1024 and 1536.
        #expect(try files.status(of: segment)?.size == 2048)
        #expect(try text(segment, 1024..<1032) == "TDTRAIL1")
        #expect(try text(segment, 1536..<1544) == "TDTRAIL1")
    }

    @Test func lockTimesAreUTC() {
        // From `date -u -d @N +%FT%TZ`.
        #expect(CheckpointLock.utc(0) == "1970-01-01T00:00:00Z")
        #expect(CheckpointLock.utc(951_782_400_000_000) == "2000-02-29T00:00:00Z")
        #expect(CheckpointLock.utc(-1_000_000) == "1969-12-31T23:59:59Z")
        #expect(CheckpointLock.utc(4_107_542_399_999_999) == "2100-02-28T23:59:59Z")
    }
}
