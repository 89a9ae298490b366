import Synchronization

/// Drives one pipeline: opens its checkpoint, runs epochs, publishes tables. Decisions are `EpochStateMachine`'s; this
/// class performs them.
///
/// Used from one thread. After an error the runner must not be used again: the next start recovers from the disk.
public final class PipelineRunner {
    public struct Options: Sendable {
        public var storage: FilePath
        /// Stop after this many epochs.
        public var epochsMax: Int?
        /// Tables to rebuild, lower case.
        public var refreshed: Set<String> = []
        /// How the epoch log writes; tests change it.
        package var log = EpochLog.Options()
        /// When the log is flushed and runs are merged; tests change it.
        package var maintenance = RunMaintenance.Options()
        public init(storage: FilePath) { self.storage = storage }
    }

    let definition: PipelineDefinition
    let connectors: any Connectors
    let environment: Environment
    let options: Options
    let settings: EngineSettings
    let report: (EngineEvent) -> Void

    var machine = EpochStateMachine()
    /// Set while the runner serves: where it waits.
    var waiting: Waiting?
    var graph = FlowGraph()
    var store: CheckpointStore?
    /// Flushes and merges beside the epochs; there once state is restored.
    var maintenance: RunMaintenance?
    /// Which state is in memory, and which in runs alone.
    var memory: StateMemory?
    var registry = PlanRegistry()
    var places = TablePlaces()
    var decisions = FlowDecisions()
    var sources: [SourceNode] = []
    var tables: [TableSink] = []
    var copies: [CopySink] = []
    var flowPorts: [String: Port] = [:]
    var staticVersions: [[[UInt8]]?] = []
    var generation: UInt64 = 0
    /// Tables (lower case) that start over when the checkpoint is opened, and why; empty once an epoch did it.
    var rebuilt: [String: String]
    /// Files that changed under views, by flow, of the epoch in hand.
    var changedFiles: [String: Int] = [:]
    /// Tables (lower case) whose next epoch starts them over.
    var overrides: [String: Bool] = [:]
    var progress = EpochProgress(epoch: .zero, clockMicros: 0)
    var sourceProgress: [String: [EpochProgress.SourceProgress]] = [:]
    var outputRows: [String: Int] = [:]
    /// Streaming flows that took no part in the epoch.
    var resting: Set<String> = []
    /// The watermark that each streaming flow's epoch ran with, milliseconds.
    var usedWatermarks: [String: Int64] = [:]

    /// Asks the runner to end after the epoch in hand; one that waits has to be woken. For any thread.
    public let stopper = Stopper()
    var lastPublication: UInt64 = 0
    private var epochsRun = 0
    /// Flows that must be filled in the next epoch; empty afterwards.
    var toFill: Set<String> = []
    var horizons: [SourceHorizon] = []
    var currentPlans: [SourcePlan?] = []
    /// Sources whose path was not there when they were last asked.
    private var missingSources: Set<Int> = []

    /// A shared scan and its source.
    final class SourceNode {
        let scan: FlowGraph.Scan
        let source: any Source
        let owner: UInt32
        let limit: RateLimit
        let port: Port
        let flows: Set<String>
        /// Of files that may be taken back.
        let copies: FileCopies?
        init(scan: FlowGraph.Scan, source: any Source, owner: UInt32, limit: RateLimit) {
            self.scan = scan
            self.source = source
            self.owner = owner
            self.limit = limit
            port = scan.port(flows: nil)
            flows = Set(scan.readers.map(\.flow))
            copies = scan.replacesFiles ? FileCopies() : nil
        }
    }
    struct CopySink {
        let definition: SinkDefinition
        let target: any CopyTarget
    }

    public init(
        _ definition: PipelineDefinition, connectors: any Connectors, environment: Environment, options: Options,
        report: @escaping (EngineEvent) -> Void
    ) throws(TidemillError) {
        self.definition = definition
        self.connectors = connectors
        self.environment = environment
        self.options = options
        self.report = report
        rebuilt = Dictionary(uniqueKeysWithValues: options.refreshed.map { ($0, "a refresh was asked for") })
        settings = try EngineSettings(definition.configuration)
    }

    public final class Stopper: Sendable {
        private let flag = Atomic<Bool>(false)
        public func request() { flag.store(true, ordering: .relaxed) }
        public var isRequested: Bool { flag.load(ordering: .relaxed) }
    }

    /// Processes everything that is there at the start, publishes it and returns.
    public func run() throws(TidemillError) {
        try running { () throws(TidemillError) in
            for node in sources { horizons.append(try node.source.horizon()) }
        }
    }

    /// Opens the checkpoint, lets `prepare` set up the sources, and goes on until the machine stops.
    func running(_ prepare: () throws(TidemillError) -> Void) throws(TidemillError) {
        do throws(TidemillError) {
            var tables: [String: String] = [:]
            repeat {
                if !tables.isEmpty { try reset(toRebuild: tables) }
                let event = try open()
                horizons = []
                try prepare()
                tables = try drive(machine.handle(event))
            } while !tables.isEmpty
            try maintenance?.finish()
            reportMaintenance()
        } catch {
            giveUp(error)
            maintenance?.abandon()
            store?.close()
            throw error
        }
        store?.close()
    }

    /// Readers of the tables need not wait until somebody has corrected the input.
    private func giveUp(_ error: TidemillError) {
        var isRefusal = error.kind == .user || error.kind == .data || error.kind == .unsupported
        switch machine.state {
        case .planning, .executing: break
        default: isRefusal = false
        }
        guard isRefusal, machine.handle(.refused) == .publish else {
            _ = machine.handle(.failed)
            return
        }
        do throws(TidemillError) {
            try publishTables()
            _ = machine.handle(.published)
        } catch {
            // The error that stopped the run is the one to be told; the next start publishes.
            _ = machine.handle(.failed)
        }
    }

    /// - Returns: tables that must start over before anything else, with the reason; none at the end of the run.
    private func drive(_ first: EpochStateMachine.Action) throws(TidemillError) -> [String: String] {
        var action = first
        while true {
            switch action {
            case .plan:
                if stopper.isRequested || epochsRun >= options.epochsMax ?? .max {
                    action = machine.handle(.stopRequested)
                    if action == .plan { return [:] }
                    continue
                }
                let isDue = triggerIsDue()
                let hasInput = try plan(isDue: isDue)
                let outdated = tablesOverChangedInput()
                if !outdated.isEmpty {
                    action = machine.handle(.plannedOverChangedInput)
                    if action == .reopen { return outdated }
                    continue
                }
                let mustRun = machine.lastCommitted == nil || !toFill.isEmpty
                action = machine.handle(
                    .planned(
                        hasInput: hasInput, mustRun: mustRun, hasMoved: isDue && hasMovedWatermark(),
                        publishDue: publishIsDue()))
            case .execute(let epoch):
                try execute(epoch)
                action = machine.handle(.executed)
            case .commit(let epoch):
                try commit(epoch)
                try maintenance?.poll()
                try memory?.settle()
                for warning in memory?.takeWarnings() ?? [] { report(.note(warning)) }
                reportMaintenance()
                epochsRun += 1
                action = machine.handle(.committed(publishDue: publishIsDue()))
            case .publish:
                if machine.state == .publishing(then: .stop) { try maintenance?.willFinish() }
                try publish()
                action = machine.handle(.published)
            case .wait:
                try wait()
                action = machine.handle(.woken)
            case .reopen, .stop, .abort: return [:]
            }
        }
    }

    // MARK: Planning

    var planStart: UInt64 = 0
    var executeStart: UInt64 = 0

    private func plan(isDue: Bool) throws(TidemillError) -> Bool {
        planStart = environment.clock.elapsed()
        currentPlans = Array(repeating: nil, count: sources.count)
        guard isDue else { return false }
        currentPlans = []
        for (index, node) in sources.enumerated() {
            currentPlans.append(try plan(index))
            // Without a plan there may be no epoch to show them.
            for warning in node.source.takeWarnings() { report(.note("warning: \(warning)")) }
        }
        return currentPlans.contains { $0.map { !$0.splits.isEmpty || !$0.retracted.isEmpty } ?? false }
    }

    /// A pipeline that stays waits for a directory that is gone: it may come back, a remote one say.
    private func plan(_ index: Int) throws(TidemillError) -> SourcePlan? {
        let node = sources[index]
        do throws(TidemillError) {
            let plan = try node.source.plan(
                limit: node.limit, until: horizons.indices.contains(index) ? horizons[index] : nil)
            if missingSources.remove(index) != nil { report(.note("\(node.source.description) is there again")) }
            return plan
        } catch {
            guard waiting != nil, error.code == "PATH_NOT_FOUND" else { throw error }
            if missingSources.insert(index).inserted {
                report(.note("warning: \(error.message); nothing is lost, it is waited for"))
            }
            return nil
        }
    }

    // MARK: Publishing

    /// What committed change sets may take in memory: above it they are published before their time.
    private var pendingBytesMax: Int { min(64 << 20, Int(clamping: (settings.memoryLimit ?? .max) / 4)) }

    private func publishIsDue() -> Bool {
        lastPublication == 0
            || tables.reduce(0) { $0 + $1.pendingBytes } > pendingBytesMax
            || environment.clock.elapsed() - lastPublication >= settings.publishInterval.wholeNanoseconds
    }

    /// Publishes, and lets maintenance remove what is of no use any more.
    func publish() throws(TidemillError) {
        try publishTables()
        try cleanAbandonedPlaces()
        try maintenance?.published()
    }

    /// Makes every committed epoch visible in every table, then in the copies, then says so in the log.
    private func publishTables() throws(TidemillError) {
        guard let store, let epoch = machine.lastCommitted else { return }
        var done: [TablePublication] = []
        var changed = Set<String>()
        var retained = Set(try store.retained(afterPublishing: epoch).map(\.version))
        if try store.hasReaders { retained.insert(.all) }
        for table in tables { table.retain(retained) }
        for table in tables where table.hasPending || table.startsOver {
            let start = environment.clock.elapsed()
            let report = try table.publish(through: epoch)
            let millis = Double(environment.clock.elapsed() - start) / 1e6
            done.append(TablePublication(table: table.dataset.name, through: epoch, report: report, millis: millis))
            changed.insert(table.id)
        }
        for copy in copies {
            let isBehind = try copy.target.publishedEpoch() == nil
            guard isBehind || changed.contains(copy.definition.table.lowercased()) else { continue }
            let start = environment.clock.elapsed()
            let query = QueryRunner(executor: environment.executor) { [unowned self] (scan) throws(TidemillError) in
                try self.snapshotSource(scan)
            }
            let context = EvaluationContext(
                currentTimestampMicros: settings.fixedClockMicros ?? environment.clock.now(),
                timeZone: settings.timeZone)
            let result = try query.run(copy.definition.plan, evaluation: context)
            let report = try copy.target.publish(
                epoch, schema: copy.definition.plan.schema, batches: result.batches)
            let millis = Double(environment.clock.elapsed() - start) / 1e6
            done.append(TablePublication(table: copy.definition.name, through: epoch, report: report, millis: millis))
        }
        try store.markPublished(through: epoch, durable: true)
        lastPublication = environment.clock.elapsed()
        if !done.isEmpty { report(.published(done)) }
    }

    func reportMaintenance() {
        for warning in maintenance?.takeWarnings() ?? [] { report(.note("warning: \(warning)")) }
    }

    /// A leaf read as it is now: external relations from their source, own tables from their files.
    func snapshotSource(_ scan: LogicalPlan.Scan) throws(TidemillError) -> any Source {
        let name = scan.relation.name
        if scan.relation.isOwnTable {
            guard let dataset = definition.dataset(named: name), let source = try connectors.storedTable(dataset) else {
                throw TidemillError.internal("table \(name) is read before it was written")
            }
            return source
        }
        guard let relation = definition.relations[name] else {
            throw TidemillError.internal("relation \(name) is not in the catalog")
        }
        var options = relation.options
        for (key, value) in scan.relation.options { options[key] = value }
        return try connectors.source(for: relation, options: options)
    }

    var lastRecord: EpochRecord?
    private(set) lazy var inferredColumns = InferredColumns(of: definition)
}

/// Ledger rows of a source as blocks have rows: led by a hash, in its order.
enum LedgerBlock {
    static func wrap(_ ledger: Batch) -> Batch {
        let buffer = hashRows(Array(ledger.columns.prefix(1)), count: ledger.count)
        let hashes = buffer.pointer(UInt64.self)
        var order = Array(UInt32(0)..<UInt32(ledger.count))
        order.sort { hashes[Int($0)] < hashes[Int($1)] }
        let hashColumn = Column(type: .bigint, count: ledger.count, values: buffer)
        return Batch(columns: [hashColumn] + ledger.columns, count: ledger.count).gather(order)
    }
    static func unwrap(_ block: Batch) throws(TidemillError) -> Batch {
        guard block.columns.first?.type == .bigint else {
            throw TidemillError(
                .corruption, "TIDEMILL_STATE_TYPES", "a source's ledger has other columns than expected")
        }
        return Batch(columns: Array(block.columns.dropFirst()), count: block.count)
    }
}
