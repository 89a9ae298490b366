import Foundation
import Testing
import TideCheckpoints
import TideColumns
import TideSimulation

/// The same on a real disk, and the simulated disk held against its own fault model.
@Suite struct DiskTests {
    @Test func aRealDirectory() throws {
        let path = NSTemporaryDirectory() + "tide-checkpoints-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let environment = Environment.system(workers: 1)
        let directory = FilePath(path).appending("storage")
        for round in 0..<Int64(3) {
            let (store, recovered) = try CheckpointStore.open(directory, pipeline: "p", environment: environment)
            let locked = #expect(throws: TidemillError.self) {
                try CheckpointStore.open(directory, pipeline: "p", environment: environment)
            }
            #expect(locked?.code == "TIDEMILL_CHECKPOINT_LOCKED")
            #expect(recovered.latest == (round == 0 ? nil : CheckpointScript.record(round * 2 - 1)))
            var found: [CheckpointScript.Row] = []
            try recovered.forEachBlock(owner: 7, kind: .state) { batch, _ in found += CheckpointScript.rows(batch) }
            #expect(found.sorted() == (0..<(round * 2)).flatMap { CheckpointScript.rows($0) }.sorted())
            try CheckpointStoreTests.commit(store, round * 2)
            if round == 1 { try CheckpointScript.snapshot(store, 2) }
            try CheckpointStoreTests.commit(store, round * 2 + 1)
            try store.markPublished(through: Epoch(round * 2 + 1), durable: true)
            store.close()
            #expect(try verifyCheckpoint(directory, files: environment.files).problems.isEmpty)
        }
    }

    @Test func unsyncedBytesMayBeLostAndSyncedOnesMayNot() throws {
        let files = SimulatedFileSystem()
        let file = try files.open("/f", .createNew)
        try file.write([UInt8](repeating: 1, count: 2048), at: 0)
        try file.sync()
        try files.syncDirectory("/")
        try file.write([UInt8](repeating: 2, count: 1024), at: 512)
        var outcomes: Set<[UInt8]> = []
        for seed in 0..<UInt64(100) {
            let after = try files.crashed(seed: seed).contents(of: "/f")
            #expect(after.count == 2048 && after[0] == 1 && after[2047] == 1)
            outcomes.insert([after[512], after[1024]])
        }
        #expect(outcomes == [[1, 1], [1, 2], [2, 1], [2, 2]])
    }

    @Test func aFailedSyncDropsWhatItShouldHaveWritten() throws {
        let files = SimulatedFileSystem()
        let file = try files.open("/f", .createNew)
        try files.syncDirectory("/")
        files.inject(SimulatedFault(call: "sync"))
        try file.write([7], at: 0)
        #expect(throws: TidemillError.self) { try file.sync() }
        try file.sync()
        // The page may have left the cache, too.
        #expect([[7], [0]].contains(try file.bytes(at: 0, count: 1)))
        let lost = try (0..<UInt64(50)).contains { try files.crashed(seed: $0).contents(of: "/f") != [7] }
        #expect(lost)
    }

    @Test func namesAreDurableAfterTheirDirectory() throws {
        let files = SimulatedFileSystem()
        try files.createDirectory("/d")
        try files.createDurably("/d/a", [1])
        #expect(try (0..<UInt64(50)).contains { try !files.crashed(seed: $0).exists("/d/a") })
        try files.syncDirectory("/d")
        try files.syncDirectory("/")
        try files.rename("/d/a", to: "/d/b")
        for seed in 0..<UInt64(50) {
            let after = files.crashed(seed: seed)
            #expect(try after.exists("/d/a") != after.exists("/d/b"))
        }
    }

    @Test func theExecutorRunsEveryTaskOnceInSomeOrder() throws {
        final class Log: @unchecked Sendable { var tasks: [Int] = [] }
        var orders: Set<[Int]> = []
        for seed in 0..<UInt64(20) {
            let log = Log()
            try SimulatedExecutor(seed: seed, workers: 3).run(tasks: 6) { task, worker in
                #expect((0..<3).contains(worker))
                log.tasks.append(task)
            }
            #expect(log.tasks.sorted() == Array(0..<6))
            orders.insert(log.tasks)
        }
        #expect(orders.count > 10)
    }
}
