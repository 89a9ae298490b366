import Testing
@testable import TideCheckpoints
import TideColumns
import TideSimulation

/// Flushing and merging beside commits, interrupted anywhere: the state that is found is that of the last epoch.
@Suite struct RunMaintenanceTests {
    static let directory = FilePath("/storage")
    static let address = StateAddress(owner: 7, kind: .state, part: 0)
    static let types: [DataType] = [.bigint, .boolean, .string, .bigint]
    static let rule = MergeRule(keyColumns: [2], liveColumn: 1)

    /// The changes of an epoch: nil deletes.
    static func changes(_ epoch: Int64) -> [String: Int64?] {
        var generator = SeededGenerator(seed: UInt64(epoch) &+ 99)
        var changes: [String: Int64?] = [:]
        for _ in 0..<[3, 20, 0, 1, 60][Int(epoch % 5)] {
            let key = "a key of some length \(Int.random(in: 0..<50, using: &generator))"
            let value: Int64? = Int.random(in: 0..<3, using: &generator) == 0 ? nil : epoch
            changes.updateValue(value, forKey: key)
        }
        return changes
    }
    static func state(through epoch: Int64) -> [String: Int64] {
        var state: [String: Int64] = [:]
        for epoch in 0..<(epoch + 1) {
            for (key, value) in changes(epoch) { state[key] = value }
        }
        return state
    }
    /// Few hashes, so that keys share them.
    static func hash(_ key: String) -> UInt64 { UInt64(key.utf8.reduce(0) { ($0 &* 31 &+ UInt32($1)) % 37 }) << 58 }

    static func batch(_ changes: [String: Int64?]) -> Batch {
        let rows = changes.sorted { (hash($0.key), $0.key) < (hash($1.key), $1.key) }
        return Batch(
            columns: [
                Column(.bigint, rows.map { .bigint(Int64(bitPattern: hash($0.key))) }),
                Column(.boolean, rows.map { .boolean($0.value != nil) }),
                Column(.string, rows.map { .string($0.key) }),
                Column(.bigint, rows.map { $0.value.map { .bigint($0) } ?? .null(.bigint) }),
            ], count: rows.count)
    }

    struct Life {
        var seed: UInt64
        var epochs: Int64 = 14
        var flushBytes: Int64 = 0
        var exits = true
        /// Flushes may take the state from memory, however much there is.
        var isResident = false
    }

    /// State as an operator has it after an epoch.
    final class Memory: ResidentState {
        var committed: Int64 = -1
        func residentRows(of address: StateAddress) -> Int? { 0 }
        func residentBatches(of address: StateAddress) throws(TidemillError) -> [Batch] {
            let rows = RunMaintenanceTests.state(through: committed)
            return rows.isEmpty ? [] : [RunMaintenanceTests.batch(rows.mapValues { $0 })]
        }
    }

    final class Progress {
        var attempted: Int64 = -1
        var committed: Int64 = -1
        var runsMax = 0
        var warnings: [String] = []
    }

    static func run(_ files: SimulatedFileSystem, _ life: Life, _ progress: Progress) throws(TidemillError) {
        var log = EpochLog.Options()
        log.segmentBytesMax = 3000
        let environment = Environment(
            files: files, clock: SimulatedClock(), random: SimulatedRandom(seed: 42),
            executor: SimulatedExecutor(seed: life.seed))
        let (store, recovered) = try CheckpointStore.open(
            directory, pipeline: "p", environment: environment, holder: CheckpointScript.holder, options: log)
        defer { store.close() }
        var options = RunMaintenance.Options()
        options.flushBytes = life.flushBytes
        options.policy.fanIn = 3
        options.residentRowsMin = Int(life.seed % 3) * 20
        let maintenance = RunMaintenance(
            store, recovered: recovered, rules: [address: rule], executor: environment.executor, options: options)
        let memory = Memory()
        if life.isResident { maintenance.resident = memory }
        do throws(TidemillError) {
            for epoch in ((recovered.lastCommitted?.rawValue ?? -1) + 1)..<life.epochs {
                let batch = batch(changes(epoch))
                if batch.count > 0 {
                    try store.appendBlock(owner: address.owner, kind: .state, part: 0, batch)
                }
                // Of an owner that nobody wants any more.
                try store.appendBlock(owner: 3, kind: .state, part: 0, batch)
                progress.attempted = epoch
                maintenance.committed(try store.commit(CheckpointScript.record(epoch)))
                progress.committed = epoch
                memory.committed = epoch
                // So that tasks of epochs and background work meet in every order.
                try environment.executor.run(tasks: 2) { _, _ in }
                try maintenance.poll()
                progress.runsMax = max(progress.runsMax, store.manifest.runs.count)
                try store.markPublished(through: Epoch(epoch), durable: epoch % 3 == 0)
                try maintenance.published()
                progress.warnings += maintenance.takeWarnings()
            }
            if life.exits { try maintenance.finish() }
        } catch {
            maintenance.abandon()
            throw error
        }
        maintenance.abandon()
    }

    /// nil if the checkpoint holds the state of its last epoch, and that is one it may be.
    static func complaint(_ files: SimulatedFileSystem, _ progress: Progress) throws(TidemillError) -> String? {
        guard let recovered = try RecoveredCheckpoint.read(directory, files: files) else {
            return progress.committed < 0 ? nil : "nothing is left"
        }
        let last = recovered.lastCommitted?.rawValue ?? -1
        if last < progress.committed { return "epoch \(progress.committed) was lost, the last one is \(last)" }
        if last > progress.attempted { return "epoch \(last) was never tried" }
        var found: [String: Int64] = [:]
        var runKeys = Set<String>()
        try recovered.forEachBlock(owner: address.owner, kind: .state) { (batch, origin) in
            for row in 0..<batch.count {
                let key = batch.columns[2].scalar(row).string ?? ""
                if case .run(let run) = origin, !runKeys.insert("\(run.number) \(key)").inserted {
                    found["twice in a run: \(key)"] = 0
                }
                found[key] = batch.columns[1].bits[row] ? batch.columns[3].scalar(row).integer : nil
            }
        }
        return found == state(through: last) ? nil : "state of epoch \(last) differs"
    }

    @Test(arguments: [0, 900, 100_000] as [Int64], [false, true])
    func stateSurvivesFlushesAndMerges(_ flushBytes: Int64, isResident: Bool) throws {
        for seed in 0..<UInt64(25) {
            let files = SimulatedFileSystem()
            let progress = Progress()
            var life = Life(seed: seed, epochs: 40, flushBytes: flushBytes)
            life.exits = seed % 2 == 0
            life.isResident = isResident
            try Self.run(files, life, progress)
            #expect(try Self.complaint(files, progress) == nil)
            #expect(progress.warnings == [])
            #expect(progress.runsMax < 12)
            let names = try files.entries(of: "/storage/runs").map(\.name)
            let manifest = try #require(try CheckpointScan.manifest(Self.directory, files: files))
            #expect(Set(names) == Set(manifest.runs.map(\.fileName)))
            #expect(manifest.runs.allSatisfy { $0.owner == Self.address.owner })
            if flushBytes == 0 && life.exits { #expect(manifest.snapshotEpoch == Epoch(39)) }
            #expect(try verifyCheckpoint(Self.directory, files: files).damage == [])
            // And on, in a second life.
            life.epochs = 55
            life.seed = seed &+ 500
            try Self.run(files, life, progress)
            #expect(try Self.complaint(files, progress) == nil)
        }
    }

    /// Epochs are put together in memory or streamed by their length; the newest row stands whichever way it comes.
    @Test(arguments: [1, 8, 30, 60, 200, 1 << 16]) func epochsOfAnyLengthKeepTheirOrder(inMemoryRows: Int) throws {
        let files = SimulatedFileSystem()
        let last: Int64 = 39
        try Self.run(files, Life(seed: 5, epochs: last + 1, flushBytes: 1 << 40, exits: false), Progress())
        let recovered = try #require(try RecoveredCheckpoint.read(Self.directory, files: files))
        let factory = RunFactory(
            directory: CheckpointScan.runs(Self.directory), files: files, numbers: RunNumbers(next: 500))
        var job = FlushJob(
            recovered.afterSnapshot.map { FlushJob.Input(epoch: $0.epoch, blocks: $0.blocks) },
            rules: [Self.address: Self.rule], log: recovered.log, factory: factory)
        job.inMemoryRows = inMemoryRows
        let run = try #require(try job.run().first)
        var found: [String: Int64] = [:]
        try factory.open(run).forEachBlock { batch in
            for row in 0..<batch.count where batch.columns[1].bits[row] {
                found[String(decoding: batch.columns[2].bytes(row), as: UTF8.self)] =
                    batch.columns[3].pointer(Int64.self)[row]
            }
        }
        #expect(found == Self.state(through: last))
    }

    /// The bottom of the runs holds no tombstones, and with every key gone nothing at all.
    @Test func tombstonesGoAtTheBottom() throws {
        let files = SimulatedFileSystem()
        var life = Life(seed: 3, epochs: 60)
        life.flushBytes = 0
        try Self.run(files, life, Progress())
        let recovered = try #require(try RecoveredCheckpoint.read(Self.directory, files: files))
        let runs = try recovered.runs(owner: Self.address.owner, kind: .state)
        let oldest = try #require(runs.first)
        var tombstones = 0
        try oldest.forEachBlock { tombstones += $0.count - $0.columns[1].bits.onesCount }
        #expect(runs.count > 1 && tombstones == 0)
    }

    /// A first flush has nothing below it: keys that came and went leave nothing.
    @Test func theFirstFlushHoldsNoTombstones() throws {
        let files = SimulatedFileSystem()
        var life = Life(seed: 3, epochs: 14)
        life.flushBytes = 1 << 30
        try Self.run(files, life, Progress())
        try Self.run(files, Life(seed: 3, epochs: 15, flushBytes: 0), Progress())
        let recovered = try #require(try RecoveredCheckpoint.read(Self.directory, files: files))
        let runs = try recovered.runs(owner: Self.address.owner, kind: .state)
        let rows = try runs.map { (run) throws(TidemillError) in
            var rows = 0
            try run.forEachBlock { rows += $0.count }
            return rows
        }
        #expect(rows == [Self.state(through: 14).count])
    }

    /// What is in memory takes the place of all that came and went.
    @Test func aFlushOfWhatIsInMemoryLeavesOneRun() throws {
        let files = SimulatedFileSystem()
        try Self.run(files, Life(seed: 3, epochs: 40, flushBytes: 0, isResident: true), Progress())
        let recovered = try #require(try RecoveredCheckpoint.read(Self.directory, files: files))
        #expect(recovered.manifest.runs.map { Int($0.rows) } == [Self.state(through: 39).count])
    }

    @Test(arguments: [false, true]) func aCutAnywhereLosesNothing(isResident: Bool) throws {
        let life = Life(seed: 11, isResident: isResident)
        let whole = SimulatedFileSystem()
        try Self.run(whole, life, Progress())
        var failures: [String] = []
        for calls in 0...whole.calls {
            let files = SimulatedFileSystem()
            files.cutPower(afterCalls: calls)
            let progress = Progress()
            try? Self.run(files, life, progress)
            for seed in 0..<UInt64(12) {
                let after = files.crashed(seed: seed &+ UInt64(calls) &* 100)
                let lived = Progress()
                (lived.attempted, lived.committed) = (progress.attempted, progress.committed)
                do throws(TidemillError) {
                    var problem = try Self.complaint(after, lived)
                    if problem == nil {
                        var again = life
                        again.seed = seed
                        try Self.run(after, again, lived)
                        problem = try Self.complaint(after, lived)
                    }
                    if let problem { failures.append("cut after call \(calls), seed \(seed): \(problem)") }
                } catch { failures.append("cut after call \(calls), seed \(seed): \(error)") }
            }
        }
        #expect(whole.calls > 100)
        #expect(failures.isEmpty, "\(failures.count) failures: \(failures.prefix(5))")
    }

    /// A run that cannot be written is reported, tried again, and nothing else suffers.
    @Test(arguments: ["create", "write", "sync"])
    func failedFlushesAreTriedAgain(_ call: String) throws {
        for index in 0..<4 {
            let files = SimulatedFileSystem()
            files.inject(SimulatedFault(call: call, pathSuffix: ".run", index: index))
            let progress = Progress()
            let life = Life(seed: UInt64(index), epochs: 30, flushBytes: 0)
            try Self.run(files, life, progress)
            #expect(progress.warnings.count == 1, "\(progress.warnings)")
            #expect(progress.committed == 29)
            #expect(try Self.complaint(files, progress) == nil)
            let manifest = try #require(try CheckpointScan.manifest(Self.directory, files: files))
            #expect(manifest.snapshotEpoch == Epoch(29))
        }
    }

    @Test func theCheapestMergeComesFirst() {
        func run(_ number: UInt64, owner: UInt32 = 1, _ kilobytes: Int64) -> ManifestRun {
            ManifestRun(
                owner: owner, kind: .state, part: 0, number: number, rows: 1, bytes: kilobytes << 10, footerCRC: 0)
        }
        let policy = MergePolicy()
        #expect(policy.next([run(1, 9), run(2, 9), run(3, 9)]) == nil)
        let four = [run(1, 9), run(2, 9), run(3, 9), run(4, 9)]
        #expect(policy.next(four)?.runs == four)
        #expect(policy.next(four)?.reachesBottom == true)
        // A large old run waits until it has company.
        let younger = [run(1, 90_000)] + (2...5).map { run($0, 200) }
        #expect(policy.next(younger)?.runs == Array(younger[1...]))
        #expect(policy.next(younger)?.reachesBottom == false)
        // Runs of different sizes stay apart.
        #expect(policy.next([run(1, 90_000), run(2, 9000), run(3, 900), run(4, 90)]) == nil)
        // Small ones between large ones go with them.
        let mixed = [run(1, 900), run(2, 900), run(3, 20), run(4, 900), run(5, 900)]
        #expect(policy.next(mixed)?.runs == mixed)
        // Of two owners the one with less to write.
        let other = (6...9).map { run($0, owner: 2, 2) }
        #expect(policy.next(four + other)?.runs == other)
    }
}
