import Testing
@testable import TideCheckpoints
import TideColumns
import TideSimulation

/// The calls of a life, as text: the order of writes and syncs is reviewed by reading it.
@Suite struct InputOutputGoldenTests {
    @Test func openCommitAndSnapshot() throws {
        let files = SimulatedFileSystem()
        let (store, _) = try CheckpointStoreTests.open(files)
        var text = section("open", files)
        try CheckpointStoreTests.commit(store, 0)
        text += section("commit 0", files)
        try store.markPublished(through: Epoch(0))
        try CheckpointStoreTests.commit(store, 1)
        text += section("commit 1, with the mark of 0", files)
        try store.markPublished(through: Epoch(1), durable: true)
        text += section("mark 1", files)
        try CheckpointScript.snapshot(store, 1)
        text += section("snapshot of 1", files)
        store.close()
        #expect(text == Self.golden, "\(text)")
    }

    /// A start after a crash: the last epoch may have been lost with the disk's cache, so it is written once more. What
    /// nobody refers to is removed only after that is durable.
    @Test func recovery() throws {
        let files = SimulatedFileSystem()
        let (store, _) = try CheckpointStoreTests.open(files)
        for epoch: Int64 in 0...1 { try CheckpointStoreTests.commit(store, epoch) }
        try store.markPublished(through: Epoch(0))
        // Two leftovers: of a run and of a manifest that never came to be.
        try files.createDurably("/storage/runs/0000000009.run", [1, 2, 3])
        try files.createDurably("/storage/.manifest.new", [1])
        let after = files.killed()
        let (next, recovered) = try CheckpointStoreTests.open(after)
        #expect(recovered.lastCommitted == Epoch(1))
        let text = section("open after a kill", after)
        next.close()
        #expect(text == Self.recoveryGolden, "\(text)")
    }

    /// State on its way: the log's blocks become a run, two runs one; the manifest is replaced once for each. Nothing
    /// is removed before the manifest without it is durable.
    @Test func flushAndMerge() throws {
        let files = SimulatedFileSystem()
        var text = ""
        for epochs: Int64 in 1...4 {
            files.clearTrace()
            try RunMaintenanceTests.run(
                files, RunMaintenanceTests.Life(seed: 1, epochs: epochs, flushBytes: 0),
                RunMaintenanceTests.Progress())
        }
        text += section("a life of one epoch, flushed", files)
        let (store, recovered) = try CheckpointStore.open(
            RunMaintenanceTests.directory, pipeline: "p", environment: CheckpointScript.environment(files),
            holder: CheckpointScript.holder)
        files.clearTrace()
        var options = RunMaintenance.Options()
        options.mergesAllAtExit = true
        let maintenance = RunMaintenance(
            store, recovered: recovered, rules: [RunMaintenanceTests.address: RunMaintenanceTests.rule],
            executor: CheckpointScript.environment(files).executor, options: options)
        try maintenance.finish()
        store.close()
        text += section("a merge", files)
        #expect(text == Self.flushGolden, "\(text)")
    }

    private func section(_ title: String, _ files: SimulatedFileSystem) -> String {
        defer { files.clearTrace() }
        return "# \(title)\n" + files.trace.map { $0 + "\n" }.joined()
    }

    static let golden = """
        # open
        mkdir /storage
        syncdir /
        create /storage/lock
        write /storage/lock 55 at 0
        truncate /storage/lock to 55
        mkdir /storage/log
        mkdir /storage/runs
        create /storage/.manifest.new
        write /storage/.manifest.new 79 at 0
        sync /storage/.manifest.new
        rename /storage/.manifest.new -> manifest
        syncdir /storage
        create /storage/log/.0000000001.log.new
        write /storage/log/.0000000001.log.new 512 at 0
        sync /storage/log/.0000000001.log.new
        rename /storage/log/.0000000001.log.new -> 0000000001.log
        syncdir /storage/log
        # commit 0
        write /storage/log/0000000001.log 1536 at 512
        sync /storage/log/0000000001.log
        # commit 1, with the mark of 0
        write /storage/log/0000000001.log 2048 at 2048
        sync /storage/log/0000000001.log
        # mark 1
        write /storage/log/0000000001.log 1024 at 4096
        sync /storage/log/0000000001.log
        # snapshot of 1
        create /storage/runs/0000000001.run
        write /storage/runs/0000000001.run 570 at 0
        sync /storage/runs/0000000001.run
        create /storage/log/.0000000002.log.new
        write /storage/log/.0000000002.log.new 512 at 0
        sync /storage/log/.0000000002.log.new
        rename /storage/log/.0000000002.log.new -> 0000000002.log
        syncdir /storage/log
        syncdir /storage/runs
        create /storage/.manifest.new
        write /storage/.manifest.new 216 at 0
        sync /storage/.manifest.new
        rename /storage/.manifest.new -> manifest
        syncdir /storage
        remove /storage/log/0000000001.log
        syncdir /storage/log

        """

    static let recoveryGolden = """
        # open after a kill
        write /storage/lock 55 at 0
        truncate /storage/lock to 55
        syncdir /storage/log
        remove /storage/.manifest.new
        create /storage/.manifest.new
        write /storage/.manifest.new 79 at 0
        sync /storage/.manifest.new
        rename /storage/.manifest.new -> manifest
        syncdir /storage
        remove /storage/runs/0000000009.run
        create /storage/log/.0000000002.log.new
        write /storage/log/.0000000002.log.new 2560 at 0
        sync /storage/log/.0000000002.log.new
        rename /storage/log/.0000000002.log.new -> 0000000002.log
        syncdir /storage/log
        truncate /storage/log/0000000001.log to 2048
        sync /storage/log/0000000001.log

        """

    static let flushGolden = """
        # a life of one epoch, flushed
        write /storage/lock 55 at 0
        truncate /storage/lock to 55
        syncdir /storage/log
        create /storage/.manifest.new
        write /storage/.manifest.new 170 at 0
        sync /storage/.manifest.new
        rename /storage/.manifest.new -> manifest
        syncdir /storage
        create /storage/log/.0000000007.log.new
        write /storage/log/.0000000007.log.new 512 at 0
        sync /storage/log/.0000000007.log.new
        rename /storage/log/.0000000007.log.new -> 0000000007.log
        syncdir /storage/log
        remove /storage/log/0000000006.log
        syncdir /storage/log
        write /storage/log/0000000007.log 1536 at 512
        sync /storage/log/0000000007.log
        write /storage/log/0000000007.log 1024 at 2048
        sync /storage/log/0000000007.log
        create /storage/runs/0000000003.run
        write /storage/runs/0000000003.run 249 at 0
        sync /storage/runs/0000000003.run
        create /storage/log/.0000000008.log.new
        write /storage/log/.0000000008.log.new 512 at 0
        sync /storage/log/.0000000008.log.new
        rename /storage/log/.0000000008.log.new -> 0000000008.log
        syncdir /storage/log
        syncdir /storage/runs
        create /storage/.manifest.new
        write /storage/.manifest.new 205 at 0
        sync /storage/.manifest.new
        rename /storage/.manifest.new -> manifest
        syncdir /storage
        remove /storage/log/0000000007.log
        syncdir /storage/log
        # a merge
        create /storage/runs/0000000004.run
        write /storage/runs/0000000004.run 377 at 0
        sync /storage/runs/0000000004.run
        syncdir /storage/runs
        create /storage/.manifest.new
        write /storage/.manifest.new 170 at 0
        sync /storage/.manifest.new
        rename /storage/.manifest.new -> manifest
        syncdir /storage
        remove /storage/runs/0000000002.run
        remove /storage/runs/0000000003.run

        """
}
