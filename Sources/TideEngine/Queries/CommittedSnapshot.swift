/// Tables of a pipeline as of one committed epoch, for a query: the last one that the log has. A table shows an earlier
/// one while its publication waits; what is missing comes from the log.
///
/// The checkpoint is read without its lock. A lease (`ReaderLease`) keeps what was found, so a query may take as long
/// as it needs while the pipeline goes on.
public final class CommittedSnapshot: Sendable {
    /// nil: nothing was committed, or there is no checkpoint; then tables are as their files say.
    public let epoch: Epoch?
    private let sources: [String: any Source]
    private let lease: ReaderLease?

    private init(_ epoch: Epoch?, _ sources: [String: any Source], _ lease: ReaderLease?) {
        self.epoch = epoch
        self.sources = sources
        self.lease = lease
    }

    /// Nil if the table was never written.
    public func source(_ dataset: Dataset) -> (any Source)? { sources[dataset.name.lowercased()] }

    private static let attemptsMax = 64
    /// ENOENT.
    private static let noSuchFile: Int32 = 2

    /// - Throws: `TIDEMILL_ROLLBACK_UNFINISHED` if tables are on their way to another epoch; `.corruption` as a start
    ///   would.
    public static func open(
        _ datasets: [Dataset], storage: FilePath, connectors: any Connectors, environment: Environment
    ) throws(TidemillError) -> CommittedSnapshot {
        let isThere = try RecoveredCheckpoint.exists(storage, files: environment.files)
        let lease = isThere ? try ReaderLease.take(storage, environment: environment) : nil
        func asTheirFilesSay() throws(TidemillError) -> CommittedSnapshot {
            CommittedSnapshot(nil, try sources(datasets, connectors) { _ in nil }, lease)
        }
        var attempts = 0
        // The log's last epoch when a table showed a later one; -1 for an empty log.
        var behind: Int64?
        while true {
            attempts += 1
            var last: Int64 = -1
            do throws(TidemillError) {
                guard let recovered = try RecoveredCheckpoint.read(storage, files: environment.files) else {
                    return try asTheirFilesSay()
                }
                last = recovered.lastCommitted?.rawValue ?? -1
                try requireAtRest(recovered)
                let registry = try PlanRegistry(of: recovered)
                let sources = try sources(datasets, connectors) { (dataset) throws(TidemillError) in
                    try pending(dataset, registry, recovered)
                }
                return CommittedSnapshot(recovered.lastCommitted, sources, lease)
            } catch {
                // The writer went on, and what was being looked at is gone or newer.
                let isNewer = error.code == "TIDEMILL_TABLE_CHANGES_TOO_FAST"
                guard isNewer || error.errno == noSuchFile, attempts < attemptsMax else { throw error }
                // A table shows what the log does not have, though it was read again: an old copy of the checkpoint.
                // The next start refuses that; for a query the files are what there is.
                if isNewer && behind == last { return try asTheirFilesSay() }
                behind = isNewer ? last : nil
            }
        }
    }

    private static func sources(
        _ datasets: [Dataset], _ connectors: any Connectors,
        _ pending: (Dataset) throws(TidemillError) -> PendingChanges?
    ) throws(TidemillError) -> [String: any Source] {
        var sources: [String: any Source] = [:]
        for dataset in datasets {
            let source =
                if let pending = try pending(dataset) {
                    try connectors.committedTable(dataset, pending)
                } else {
                    try connectors.storedTable(dataset)
                }
            sources[dataset.name.lowercased()] = source
        }
        return sources
    }

    private static func requireAtRest(_ recovered: RecoveredCheckpoint) throws(TidemillError) {
        guard let rollback = recovered.manifest.rollback, rollback.isDecided else { return }
        throw TidemillError(
            .conflict, "TIDEMILL_ROLLBACK_UNFINISHED",
            "a rollback to epoch \(rollback.epoch) was cut short: tables show different epochs",
            hint: "the next run finishes it")
    }

    /// What committed epochs bring to the table; nil if none waits or the log does not know the table.
    private static func pending(
        _ dataset: Dataset, _ registry: PlanRegistry, _ recovered: RecoveredCheckpoint
    ) throws(TidemillError) -> PendingChanges? {
        let name = dataset.name.lowercased()
        guard let through = recovered.lastCommitted, let owner = registry.tables[name] else { return nil }
        var steps: [PendingChanges.Step] = []
        for epoch in recovered.unpublished {
            var step = PendingChanges.Step(epoch: epoch.epoch)
            step.startsOver = epoch.record.sinks.contains { $0.id == startingOverPrefix + name }
            if dataset.key == nil {
                step.manifest = epoch.record.sinks.first { $0.id == name }?.bytes
            } else {
                try recovered.forEachBlock(of: epoch, owner: owner, kind: .sinkChanges) {
                    (batch) throws(TidemillError) in step.changes.append(batch)
                }
            }
            steps.append(step)
        }
        return PendingChanges(generation: recovered.manifest.generation, through: through, steps: steps)
    }
}
