import TideColumns
import Testing
import TideSimulation

@testable import TideCheckpoints

/// Which epochs stay, what a base holds, and who may write.
@Suite struct RetentionTests {
    private static func entries(_ epochs: [Int64], savepoints: [Int64: String] = [:]) -> [RetainedEpoch] {
        epochs.map { RetainedEpoch(epoch: Epoch($0), generation: 7) }
            + savepoints.map { RetainedEpoch(epoch: Epoch($0.key), savepoint: $0.value, generation: 7) }
    }

    /// Each entry holds 10 bytes.
    @Test(
        arguments: [
            (epochs: 2, bytes: 0, stays: [4, 5]), (0, 0, []), (1, 25, [3, 4, 5]), (1, 9, [5]), (9, 0, [1, 2, 3, 4, 5]),
        ] as [(epochs: Int, bytes: Int64, stays: [Int64])])
    func policy(_ epochs: Int, _ bytes: Int64, _ stays: [Int64]) throws {
        var policy = RetentionPolicy()
        policy.epochs = epochs
        policy.bytes = bytes
        let all = Self.entries([1, 2, 3, 4, 5], savepoints: [0: "s"])
        let kept = try policy.pruned(all) { _ in 10 }
        #expect(kept.filter { $0.savepoint == nil }.map(\.epoch.rawValue) == stays)
        #expect(kept.compactMap(\.savepoint) == ["s"])
    }

    private static func open(_ files: SimulatedFileSystem, epochs: Int = 2) throws(TidemillError) -> (
        store: CheckpointStore, recovered: RecoveredCheckpoint
    ) {
        var retention = RetentionPolicy()
        retention.epochs = epochs
        return try CheckpointStore.open(
            CheckpointScript.directory, pipeline: "p", environment: CheckpointScript.environment(files),
            holder: CheckpointScript.holder, retention: retention)
    }

    private static func epoch(_ store: CheckpointStore, _ number: Int64) throws(TidemillError) {
        try store.appendBlock(
            owner: CheckpointScript.owner, kind: .state, part: 0,
            CheckpointScript.batch(CheckpointScript.rows(number)))
        try store.commit(CheckpointScript.record(number))
        try store.markPublished(through: Epoch(number), durable: true)
    }

    private static func state(_ recovered: RecoveredCheckpoint) throws(TidemillError) -> [CheckpointScript.Row] {
        var found: [CheckpointScript.Row] = []
        try recovered.forEachBlock(owner: CheckpointScript.owner, kind: .state) { batch, _ in
            found += CheckpointScript.rows(batch)
        }
        return found.sorted()
    }

    private static func expected(_ last: Int64) -> [CheckpointScript.Row] {
        (0...last).flatMap { CheckpointScript.rows($0) }.sorted()
    }

    /// The state of every retained epoch is there, wherever the runs have moved since, before and after a restart.
    @Test(arguments: [nil, 1, 2, 3, 4] as [Int64?]) func everyRetainedEpochHasItsState(_ snapshotAfter: Int64?) throws {
        let files = SimulatedFileSystem()
        let (store, _) = try Self.open(files, epochs: 3)
        for number in 0..<5 as Range<Int64> {
            try Self.epoch(store, number)
            if number == snapshotAfter { try CheckpointScript.snapshot(store, number) }
        }
        #expect(store.retained.map(\.epoch.rawValue) == [2, 3, 4])
        store.close()
        let read = try #require(try RecoveredCheckpoint.read(CheckpointScript.directory, files: files))
        for entry in read.retained.suffix(3) {
            #expect(try Self.state(try read.at(entry)) == Self.expected(entry.epoch.rawValue))
        }
        let (again, recovered) = try Self.open(files, epochs: 3)
        #expect(again.retained.map(\.epoch.rawValue) == [2, 3, 4])
        for entry in again.retained {
            let past = try recovered.at(entry)
            #expect(try Self.state(past) == Self.expected(entry.epoch.rawValue))
            #expect(past.latest == CheckpointScript.record(entry.epoch.rawValue))
        }
        again.close()
        #expect(try verifyCheckpoint(CheckpointScript.directory, files: files).problems == [])
    }

    @Test func aRollbackIsANewLog() throws {
        let files = SimulatedFileSystem()
        let (store, recovered) = try Self.open(files)
        for number in 0..<4 as Range<Int64> { try Self.epoch(store, number) }
        store.close()
        #expect(recovered.lastCommitted == nil)
        let (again, found) = try Self.open(files)
        let entry = try again.retainedEpoch(Epoch(2))
        try again.rollBack(to: entry, of: found, newGeneration: 99)
        again.close()
        let (back, past) = try Self.open(files)
        #expect(back.manifest.generation == 99 && back.manifest.rollback?.epoch == Epoch(2))
        #expect(past.lastCommitted == Epoch(2) && past.publishedThrough == Epoch(2))
        #expect(try Self.state(past) == Self.expected(2))
        try back.finishRollback()
        #expect(back.manifest.rollback == nil)
        try Self.epoch(back, 3)
        back.close()
        #expect(try verifyCheckpoint(CheckpointScript.directory, files: files).problems == [])
        let (last, end) = try Self.open(files)
        #expect(end.lastCommitted == Epoch(3) && last.retained.map(\.epoch.rawValue) == [2, 3])
        last.close()
    }

    /// Cut off after any call: the rollback has happened, or it has not.
    @Test func aRollbackHappensOrNot() throws {
        let start = SimulatedFileSystem()
        let (store, _) = try Self.open(start)
        for number in 0..<4 as Range<Int64> { try Self.epoch(store, number) }
        store.close()
        var outcomes = Set<Int64>()
        for cut in 0..<60 {
            let files = start.copied()
            files.cutPower(afterCalls: cut)
            do throws(TidemillError) {
                let (again, found) = try Self.open(files)
                try again.rollBack(to: try again.retainedEpoch(Epoch(2)), of: found, newGeneration: 99)
                again.close()
            } catch { #expect(error.kind != .internal && error.kind != .corruption, "cut \(cut): \(error)") }
            let after = files.crashed(seed: UInt64(cut))
            let (back, past) = try Self.open(after)
            let last = try #require(past.lastCommitted?.rawValue)
            outcomes.insert(last)
            #expect(back.manifest.generation == 99 ? last == 2 : last == 3, "cut \(cut)")
            #expect(try Self.state(past) == Self.expected(last), "cut \(cut)")
            back.close()
        }
        #expect(outcomes == [2, 3])
    }

    /// Two processes that both believe to hold the lock: the one that was overtaken stops before it undoes anything.
    @Test func anOvertakenWriterStops() throws {
        let files = SimulatedFileSystem()
        let (first, _) = try Self.open(files)
        try Self.epoch(first, 0)
        // The lock file is replaced under its holder, as on a network file system that lost it.
        try files.remove(CheckpointScript.directory.appending("lock"))
        let (second, _) = try Self.open(files)
        let error = #expect(throws: TidemillError.self) { try CheckpointScript.snapshot(first, 0) }
        #expect(error?.code == "TIDEMILL_CHECKPOINT_FENCED")
        #expect(error?.kind == .conflict)
        let again = #expect(throws: TidemillError.self) { try first.truncateLog() }
        #expect(again?.code == "TIDEMILL_CHECKPOINT_STOPPED")
        try Self.epoch(second, 1)
        second.close()
        #expect(
            try #require(try RecoveredCheckpoint.read(CheckpointScript.directory, files: files)).lastCommitted
                == Epoch(1))
    }
}
