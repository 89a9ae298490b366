/// The checkpoint of a pipeline, opened for writing by whoever has a reason: a run, a savepoint, a rollback. All open
/// it the same way: with the evidence of the tables, and finishing a rollback that was under way.
struct CheckpointAccess {
    let definition: PipelineDefinition
    let connectors: any Connectors
    let environment: Environment
    let storage: FilePath
    let settings: EngineSettings
    var log = EpochLog.Options()
    /// Tables (lower case) that start over anyway: a rollback need not find their versions.
    var refreshed: Set<String> = []

    struct Opened {
        var store: CheckpointStore
        var recovered: RecoveredCheckpoint
        /// Datasets whose table is not there.
        var missing: Set<String>
        /// What a person should know.
        var notes: [String] = []
    }

    func open() throws(TidemillError) -> Opened {
        var opened = try openStore()
        guard let rollback = opened.store.manifest.rollback else { return opened }
        do throws(TidemillError) {
            try resetTables(opened.store, opened.recovered, rollback)
            try opened.store.finishRollback()
        } catch {
            opened.store.close()
            throw error
        }
        opened.notes.append("a rollback to epoch \(rollback.epoch) was cut short: it is finished now")
        opened.missing = []
        for dataset in definition.datasets where try !connectors.isStored(dataset) {
            opened.missing.insert(dataset.name)
        }
        return opened
    }

    private func openStore() throws(TidemillError) -> Opened {
        var missing = Set<String>()
        let definition = definition
        let connectors = connectors
        let newestShown = newestShown
        let opened = try CheckpointStore.open(
            storage, pipeline: definition.name, settings: ["spark.sql.session.timeZone": settings.timeZone],
            environment: environment, options: log, retention: settings.retention
        ) { (generation) throws(TidemillError) -> Epoch? in
            for dataset in definition.datasets where try !connectors.isStored(dataset) { missing.insert(dataset.name) }
            return try newestShown(generation)
        }
        opened.store.tableBytesHeld = { (entry) throws(TidemillError) in
            var bytes: Int64 = 0
            for dataset in definition.datasets {
                bytes += try connectors.bytesHeld(dataset, by: entry.version)
            }
            return bytes
        }
        return Opened(store: opened.store, recovered: opened.recovered, missing: missing)
    }

    /// Reads every byte of the checkpoint, with its lock held.
    func verify() throws(TidemillError) -> CheckpointReport {
        try verifyLockedCheckpoint(storage, files: environment.files, evidence: newestShown)
    }

    /// The newest epoch that a table shows: proof that its commit returned.
    private func newestShown(_ generation: UInt64) throws(TidemillError) -> Epoch? {
        var newest: Epoch?
        for dataset in definition.datasets where try connectors.isStored(dataset) {
            let epoch: Epoch? =
                dataset.key == nil
                ? try connectors.appendTarget(dataset, generation: generation, startsOver: true).publishedEpoch()
                : try connectors.keyedTarget(dataset, generation: generation, startsOver: true).publishedEpoch()
            if let epoch, epoch > newest ?? Epoch(-1) { newest = epoch }
        }
        return newest
    }

    /// The tables that the retained epoch had become its versions of them; others leave their place.
    private func resetTables(
        _ store: CheckpointStore, _ recovered: RecoveredCheckpoint, _ rollback: PendingRollback
    ) throws(TidemillError) {
        let tables = try PlanRegistry(of: recovered).tablesInUse
        let version = RetainedVersion(epoch: rollback.epoch, generation: rollback.generation)
        for dataset in definition.datasets {
            let name = dataset.name.lowercased()
            if tables.contains(name) {
                do throws(TidemillError) {
                    try connectors.rollBack(dataset, to: version, generation: store.manifest.generation)
                    continue
                } catch {
                    // A table that starts over anyway needs no version; the one that counts no more leaves its place.
                    let isGone = error.code == "TIDEMILL_RETAINED_TABLE_MISSING"
                    guard isGone && refreshed.contains(name) else { throw error }
                }
            }
            try connectors.setAside(dataset, generation: rollback.generation)
        }
    }
}

extension RetainedEpoch {
    var version: RetainedVersion { RetainedVersion(epoch: epoch, generation: generation) }
}

extension PlanRegistry {
    /// As the newest record has it; empty for a new checkpoint.
    init(of recovered: RecoveredCheckpoint) throws(TidemillError) {
        self.init()
        if let bytes = recovered.latest?.statics.first(where: { $0.id == PlanRegistry.entryID })?.bytes {
            self = try PlanRegistry(decoding: bytes)
        }
    }

    /// Tables (lower case) that some flow feeds.
    var tablesInUse: Set<String> { Set(flows.values.map(\.dataset)) }
}

extension PlanRegistry {
    /// What the numbers in the checkpoint stand for.
    var ownerNames: [UInt32: String] {
        var names: [UInt32: String] = [:]
        for (name, flow) in flows {
            for (index, owner) in flow.operators.enumerated() { names[owner] = "\(name).\(operatorName(flow, index))" }
        }
        for (name, owner) in sources { names[owner] = name }
        for (name, owner) in tables { names[owner] = name }
        return names
    }

    /// `aggregate`, and from the second of its kind in a flow on `aggregate2`.
    func operatorName(_ flow: FlowEntry, _ index: Int) -> String {
        guard flow.descriptions.indices.contains(index) else { return "operator\(index + 1)" }
        let name = flow.descriptions[index].name
        let earlier = flow.descriptions[..<index].count { $0.name == name }
        return earlier == 0 ? name : "\(name)\(earlier + 1)"
    }
}
