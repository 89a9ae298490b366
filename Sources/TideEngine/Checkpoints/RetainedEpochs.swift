/// Going back, and keeping what one may want to go back to. Every call takes the checkpoint's lock for as long as it
/// lasts.
public struct RetainedEpochs: Sendable {
    private let access: @Sendable () throws(TidemillError) -> CheckpointAccess
    private let environment: Environment

    public init(
        _ definition: PipelineDefinition, connectors: any Connectors, environment: Environment, storage: FilePath
    ) {
        self.environment = environment
        access = { () throws(TidemillError) in
            CheckpointAccess(
                definition: definition, connectors: connectors, environment: environment, storage: storage,
                settings: try EngineSettings(definition.configuration))
        }
    }

    /// Reads every byte of the checkpoint. That its log reaches what the tables show is part of it.
    public func verify() throws(TidemillError) -> CheckpointReport { try access().verify() }

    public struct Rollback: Sendable, Hashable {
        public var from: Epoch?
        public var to: Epoch
        /// Tables that show the epoch again.
        public var tables: [String]
        /// Tables that were made later and left their place.
        public var removed: [String]
        public var notes: [String]
    }

    /// Takes state and tables back to a retained epoch, together.
    /// - Throws: `.user` with the list of retained epochs if `epoch` is none; `.corruption` naming the files that a
    ///   table's version lacks, before anything has changed.
    public func rollBack(to epoch: Epoch) throws(TidemillError) -> Rollback {
        try rollBack { (store) throws(TidemillError) in try store.retainedEpoch(epoch) }
    }

    /// As `rollBack(to:)`, to what a savepoint names.
    public func rollBack(toSavepoint name: String) throws(TidemillError) -> Rollback {
        try rollBack { (store) throws(TidemillError) in try store.retainedEpoch(savepoint: name) }
    }

    private func rollBack(
        _ choose: (CheckpointStore) throws(TidemillError) -> RetainedEpoch
    ) throws(TidemillError) -> Rollback {
        let access = try access()
        let opened = try access.open()
        var result = Rollback(
            from: opened.recovered.lastCommitted, to: .zero, tables: [], removed: [], notes: opened.notes)
        do throws(TidemillError) {
            let entry = try choose(opened.store)
            result.to = entry.epoch
            let tables = try PlanRegistry(of: try opened.recovered.at(entry)).tablesInUse
            for dataset in access.definition.datasets {
                guard tables.contains(dataset.name.lowercased()) else {
                    result.removed.append(dataset.name)
                    continue
                }
                try RetainedEpochs.require(dataset, entry, access.connectors)
                result.tables.append(dataset.name)
            }
            for gone in tables.subtracting(access.definition.datasets.map { $0.name.lowercased() }).sorted() {
                result.notes.append("table \(gone) is no longer part of the pipeline and stays as it is")
            }
            var generation = environment.random.next()
            while opened.store.usedGenerations.contains(generation) { generation = environment.random.next() }
            try opened.store.rollBack(to: entry, of: opened.recovered, newGeneration: generation)
        } catch {
            opened.store.close()
            throw error
        }
        opened.store.close()
        // From here on this is what every start does.
        try access.open().store.close()
        return result
    }

    private static func require(
        _ dataset: Dataset, _ entry: RetainedEpoch, _ connectors: any Connectors
    ) throws(TidemillError) {
        let missing = try connectors.missingFiles(dataset, of: entry.version)
        if let missing, missing.isEmpty { return }
        throw TidemillError(
            .corruption, "TIDEMILL_RETAINED_TABLE_MISSING",
            "the table \(dataset.name) cannot go back to epoch \(entry.epoch): "
                + (missing.map { "files of that version are gone: \($0.joined(separator: ", "))" }
                    ?? "its version of that epoch is gone"),
            hint: "hidden folders beside the table hold older versions and must not be removed by hand; nothing was "
                + "changed")
    }

    /// Names the last published epoch and keeps it until the savepoint is dropped.
    public func createSavepoint(_ name: String) throws(TidemillError) -> Epoch {
        let opened = try access().open()
        defer { opened.store.close() }
        return try opened.store.createSavepoint(name).epoch
    }

    public func dropSavepoint(_ name: String) throws(TidemillError) {
        let opened = try access().open()
        defer { opened.store.close() }
        try opened.store.dropSavepoint(name)
    }
}
