import TideCheckpoints
import TideColumns
import TideSimulation

/// The life of a checkpoint that the crash tests interrupt: commits, marks and snapshots, with content that follows
/// from the epoch alone, so that what is recovered can be compared with what should be there.
struct CheckpointScript {
    static let directory = FilePath("/storage")
    static let owner: UInt32 = 7
    static let types: [DataType] = [.bigint, .string, .double]

    var epochs: Int64 = 5
    var snapshotAfter: Set<Int64> = [2]
    var options = EpochLog.Options()

    init() {
        options.segmentBytesMax = 4096
        options.bufferBytes = 1024
    }

    static func environment(_ files: SimulatedFileSystem) -> Environment {
        Environment(
            files: files, clock: SimulatedClock(), random: SimulatedRandom(seed: 42),
            executor: SimulatedExecutor(seed: 1))
    }
    static let holder = CheckpointHolder(host: "mill-1", pid: 4711, startMicros: 1_700_000_000_000_000)

    struct Row: Hashable, Comparable {
        var hash: UInt64
        var key: String
        var value: Double?
        static func < (a: Row, b: Row) -> Bool { a.hash < b.hash }
    }

    /// Rows of one epoch, ordered by hash. Sizes vary from none to several sectors.
    static func rows(_ epoch: Int64) -> [Row] { known[Int(epoch)] }
    private static let known: [[Row]] = (0..<32).map { made($0) }

    private static func made(_ epoch: Int64) -> [Row] {
        var generator = SeededGenerator(seed: UInt64(epoch) &* 31 &+ 5)
        let count = Int([3, 12, 1, 30, 7][Int(epoch % 5)])
        var rows: [Row] = []
        for i in 0..<count {
            let key = i % 3 == 0 ? "k\(epoch)-\(i)" : "a key of more than twelve bytes \(epoch)-\(i)"
            let value: Double? = i % 5 == 4 ? nil : Double(epoch) + Double(i) / 8
            rows.append(Row(hash: generator.next(), key: key, value: value))
        }
        return rows.sorted()
    }

    static func batch(_ rows: [Row]) -> Batch {
        Batch(
            columns: [
                Column(.bigint, rows.map { .bigint(Int64(bitPattern: $0.hash)) }),
                Column(.string, rows.map { .string($0.key) }),
                Column(.double, rows.map { $0.value.map(Scalar.double) ?? .null(.double) }),
            ], count: rows.count)
    }
    static func rows(_ batch: Batch) -> [Row] {
        (0..<batch.count).map { row in
            var value: Double?
            if case .double(let v) = batch.columns[2].scalar(row).value { value = v }
            return Row(
                hash: UInt64(bitPattern: batch.columns[0].scalar(row).integer ?? 0),
                key: batch.columns[1].scalar(row).string ?? "", value: value)
        }
    }

    static func record(_ epoch: Int64) -> EpochRecord {
        EpochRecord(
            epoch: Epoch(epoch), clockMicros: 1_700_000_000_000_000 + epoch,
            sources: [.init(id: "sales", bytes: [UInt8(epoch), 1, 2])],
            watermarks: [.init(flow: "clean", micros: epoch * 1000 - 1)],
            statics: [.init(id: "dim", bytes: [])],
            sinks: [.init(id: "daily", bytes: Array(repeating: UInt8(epoch), count: 30))],
            counters: [.init(name: "late", value: -epoch)])
    }

    /// How far a run got, noted before and after each step that may fail.
    final class Progress {
        var attempted: Int64 = -1
        var committed: Int64 = -1
        var published: Int64 = -1
        var durablyPublished: Int64 = -1
    }

    /// Runs the script from the epoch after the last one until it ends or a call fails.
    func run(_ files: SimulatedFileSystem, _ progress: Progress) throws(TidemillError) {
        let (store, recovered) = try CheckpointStore.open(
            Self.directory, pipeline: "p", settings: ["zone": "UTC"], environment: Self.environment(files),
            holder: Self.holder, options: options)
        defer { store.close() }
        for epoch in ((recovered.lastCommitted?.rawValue ?? -1) + 1)..<epochs {
            let rows = Self.rows(epoch)
            let half = rows.count / 2
            if epoch == 1 {
                // An epoch that is given up and done again leaves dead blocks.
                try store.appendBlock(owner: Self.owner, kind: .state, part: 0, Self.batch(rows))
                store.abandonEpoch()
            }
            try store.appendBlock(owner: Self.owner, kind: .state, part: 0, Self.batch(Array(rows[..<half])))
            try store.appendBlock(owner: Self.owner, kind: .sinkChanges, part: 0, Self.batch(rows))
            try store.appendBlock(owner: Self.owner, kind: .state, part: 1, Self.batch(Array(rows[half...])))
            progress.attempted = epoch
            try store.commit(Self.record(epoch))
            progress.committed = epoch
            if epoch > 0 {
                progress.published = epoch - 1
                try store.markPublished(through: Epoch(epoch - 1), durable: epoch % 2 == 0)
                if epoch % 2 == 0 { progress.durablyPublished = epoch - 1 }
            }
            if snapshotAfter.contains(epoch) { try Self.snapshot(store, epoch) }
        }
        progress.published = epochs - 1
        try store.markPublished(through: Epoch(epochs - 1), durable: true)
        progress.durablyPublished = epochs - 1
    }

    /// All state up to an epoch as one run, and nothing else.
    static func snapshot(_ store: CheckpointStore, _ epoch: Int64) throws(TidemillError) {
        let all = (0...epoch).flatMap { rows($0) }.sorted()
        let run = try run(store, StateAddress(owner: owner, kind: .state, part: 0), all)
        try store.install(record(epoch), runs: run.map { [$0] } ?? [], keeping: { _ in false })
    }

    static func run(_ store: CheckpointStore, _ address: StateAddress, _ rows: [Row]) throws(TidemillError)
        -> ManifestRun?
    {
        try store.runFactory().make(address, types: types, expectedRows: rows.count) {
            (writer) throws(TidemillError) in
            let half = rows.count / 2
            for part in [rows[..<half], rows[half...]] { try writer.append(batch(Array(part))) }
        }
    }

    /// nil if the checkpoint holds exactly the epochs up to some one between what was acknowledged and what was tried.
    static func complaint(_ recovered: RecoveredCheckpoint, _ progress: Progress) throws(TidemillError) -> String? {
        let last = recovered.lastCommitted?.rawValue ?? -1
        if last < progress.committed { return "epoch \(progress.committed) was lost, the last one is \(last)" }
        if last > progress.attempted { return "epoch \(last) was never tried" }
        let published = recovered.publishedThrough?.rawValue ?? -1
        if published < progress.durablyPublished { return "mark \(progress.durablyPublished) was lost" }
        if published > progress.published { return "mark \(published) was never made" }
        if last >= 0, recovered.latest != record(last) { return "record of epoch \(last) differs" }
        for epoch in recovered.records where epoch.record != record(epoch.epoch.rawValue) {
            return "record of epoch \(epoch.epoch) differs"
        }
        var expected: [Row] = []
        for epoch in 0..<(last + 1) { expected += rows(epoch) }
        var found: [Row] = []
        try recovered.forEachBlock(owner: owner, kind: .state) { batch, _ in found += rows(batch) }
        if found.sorted() != expected.sorted() { return "state of epoch \(last) differs" }
        let unpublished = recovered.unpublished
        if unpublished.map(\.epoch.rawValue) != Array((published + 1)..<(last + 1)) {
            return "epochs to publish are \(unpublished.map(\.epoch))"
        }
        for epoch in unpublished {
            var changes: [Row] = []
            try recovered.forEachBlock(of: epoch, owner: owner, kind: .sinkChanges) { changes += rows($0) }
            if changes != rows(epoch.epoch.rawValue) { return "changes of epoch \(epoch.epoch) differ" }
        }
        return nil
    }
}
