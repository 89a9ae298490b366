import Testing
import TideCheckpoints
import TideColumns
import TideSimulation

/// The power is cut at every call of a scripted life, and every cut is tried with many outcomes.
@Suite struct CrashTests {
    static let seeds: UInt64 = 200

    /// Recovers what a cut left, and goes on from there. nil if all is well.
    static func recover(_ files: SimulatedFileSystem, _ progress: CheckpointScript.Progress, seed: UInt64) -> String? {
        do throws(TidemillError) {
            var machine = files.crashed(seed: seed)
            if seed % 4 == 0 {
                // The machine dies again while it recovers.
                machine.cutPower(afterCalls: Int(seed / 4 % 14))
                if let again = try? open(machine) { again.store.close() }
                machine = machine.crashed(seed: seed &+ 1)
            }
            let (store, recovered) = try open(machine)
            if let complaint = try CheckpointScript.complaint(recovered, progress) { return complaint }
            if seed % 4 == 1 {
                // One more epoch, then a cut that may lose nothing of it.
                let next = (recovered.lastCommitted?.rawValue ?? -1) + 1
                let rows = CheckpointScript.rows(next)
                for kind in [BlockKind.state, .sinkChanges] {
                    try store.appendBlock(owner: 7, kind: kind, part: 0, CheckpointScript.batch(rows))
                }
                try store.commit(CheckpointScript.record(next))
                let later = CheckpointScript.Progress()
                later.attempted = next
                later.committed = next
                later.published = progress.published
                later.durablyPublished = progress.durablyPublished
                let after = machine.crashed(seed: seed &+ 2)
                return try CheckpointScript.complaint(open(after).recovered, later)
            }
            store.close()
            return nil
        } catch {
            return error.description
        }
    }

    static func open(_ files: SimulatedFileSystem) throws(TidemillError) -> (
        store: CheckpointStore, recovered: RecoveredCheckpoint
    ) {
        try CheckpointStore.open(
            CheckpointScript.directory, pipeline: "p", environment: CheckpointScript.environment(files),
            holder: CheckpointScript.holder)
    }

    /// Cuts the script at each of its calls.
    static func failures(_ script: CheckpointScript, seeds: UInt64) throws -> (failures: [String], calls: Int) {
        let whole = SimulatedFileSystem()
        try script.run(whole, CheckpointScript.Progress())
        var failures: [String] = []
        for calls in 0...whole.calls {
            let files = SimulatedFileSystem()
            files.cutPower(afterCalls: calls)
            let progress = CheckpointScript.Progress()
            try? script.run(files, progress)
            for seed in 0..<seeds {
                if let complaint = recover(files, progress, seed: seed &+ UInt64(calls) &* 1000) {
                    failures.append("cut after call \(calls), seed \(seed): \(complaint)")
                }
            }
        }
        return (failures, whole.calls)
    }

    @Test func everyCommitThatReturnedSurvives() throws {
        var script = CheckpointScript()
        script.snapshotAfter = []
        let (failures, calls) = try Self.failures(script, seeds: Self.seeds)
        #expect(calls > 30)
        #expect(failures.isEmpty, "\(failures.count) failures: \(failures.prefix(5))")
    }

    @Test func snapshotsLoseNothing() throws {
        var script = CheckpointScript()
        script.epochs = 4
        script.snapshotAfter = [1, 3]
        let (failures, calls) = try Self.failures(script, seeds: Self.seeds / 2)
        #expect(calls > 40)
        #expect(failures.isEmpty, "\(failures.count) failures: \(failures.prefix(5))")
    }

    /// The canary: without fdatasync the same test must fail.
    @Test func aMissingSyncIsNoticed() throws {
        var script = CheckpointScript()
        script.snapshotAfter = []
        script.options.skipSync = true
        let (failures, _) = try Self.failures(script, seeds: 10)
        #expect(failures.contains { $0.contains("was lost") })
    }

    @Test func aFailedSyncStopsTheLogAndLosesNothingBefore() throws {
        for index in 0..<8 {
            let files = SimulatedFileSystem()
            files.inject(SimulatedFault(call: "sync", pathSuffix: ".log", index: index))
            let progress = CheckpointScript.Progress()
            #expect(throws: TidemillError.self) { try CheckpointScript().run(files, progress) }
            for seed in 0..<Self.seeds {
                // First the process alone starts again and trusts the page cache, then the power goes.
                let (store, recovered) = try Self.open(files)
                let seen = CheckpointScript.Progress()
                seen.attempted = progress.attempted
                seen.committed = recovered.lastCommitted?.rawValue ?? -1
                seen.published = progress.published
                #expect(try CheckpointScript.complaint(recovered, progress) == nil)
                store.close()
                #expect(Self.recover(files, seen, seed: seed) == nil)
                if seed >= 20 { break }
            }
        }
    }

    @Test func afterAFailureEveryCallThrows() throws {
        let files = SimulatedFileSystem()
        let (store, _) = try Self.open(files)
        files.inject(SimulatedFault(call: "sync", pathSuffix: ".log"))
        let batch = CheckpointScript.batch(CheckpointScript.rows(0))
        try store.appendBlock(owner: 7, kind: .state, part: 0, batch)
        #expect(throws: TidemillError.self) { try store.commit(CheckpointScript.record(0)) }
        for _ in 0..<2 {
            let again = #expect(throws: TidemillError.self) { try store.commit(CheckpointScript.record(0)) }
            #expect(again?.code == "TIDEMILL_LOG_STOPPED")
            #expect(again?.cause?.code == "TIDEMILL_IO")
        }
        #expect(throws: TidemillError.self) { try store.appendBlock(owner: 7, kind: .state, part: 0, batch) }
    }

    @Test func aFullDiskLosesNothing() throws {
        for bytes in stride(from: 0, to: 30_000, by: 700) {
            let files = SimulatedFileSystem()
            files.limitSpace(bytes: bytes)
            let progress = CheckpointScript.Progress()
            do throws(TidemillError) {
                try CheckpointScript().run(files, progress)
            } catch { #expect(error.errno == 28 || error.cause?.errno == 28) }
            files.limitSpace(bytes: .max)
            #expect(Self.recover(files, progress, seed: UInt64(bytes)) == nil)
        }
    }
}
