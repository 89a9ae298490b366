import Testing
import TideCheckpoints
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
        write /storage/.manifest.new 78 at 0
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
        write /storage/.manifest.new 215 at 0
        sync /storage/.manifest.new
        rename /storage/.manifest.new -> manifest
        syncdir /storage
        remove /storage/log/0000000001.log
        syncdir /storage/log

        """
}
