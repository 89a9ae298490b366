/// A stored table of the pipeline with what its epochs have put there and not yet published.
final class TableSink {
    enum Target {
        case append(any AppendTarget)
        case keyed(any KeyedTarget)
    }
    let dataset: Dataset
    let owner: UInt32
    let target: Target
    /// What the flows of the table feed.
    let port: Port
    /// Keyed tables: where changes gather.
    let changes: ChangeSetCollector?
    /// Append tables: the epoch being written.
    let current = AppendCursor()
    /// True if the table starts over with the next publication.
    var startsOver = false

    /// Committed, not published: manifests of an append table, change sets of a keyed one.
    var pendingManifests: [PreparedEpoch] = []
    private(set) var pendingChanges: [Batch] = []
    private(set) var pendingBytes = 0

    init(dataset: Dataset, owner: UInt32, target: Target, port: Port, changes: ChangeSetCollector?) {
        self.dataset = dataset
        self.owner = owner
        self.target = target
        self.port = port
        self.changes = changes
    }

    var id: String { dataset.name.lowercased() }
    var hasPending: Bool { !pendingManifests.isEmpty || !pendingChanges.isEmpty }

    func hold(_ changes: [Batch]) {
        pendingChanges += changes
        pendingBytes += changes.reduce(0) { $0 + $1.byteCount }
    }
    func dropPendingChanges() {
        pendingChanges.removeAll()
        pendingBytes = 0
    }

    func retain(_ versions: Set<RetainedVersion>) {
        switch target {
        case .append(let table): table.retain(versions)
        case .keyed(let table): table.retain(versions)
        }
    }

    /// Applies everything pending through `epoch`.
    func publish(through epoch: Epoch) throws(TidemillError) -> PublishReport {
        var report = PublishReport()
        switch target {
        case .append(let table):
            report = try table.publish(pendingManifests)
            pendingManifests.removeAll()
        case .keyed(let table):
            report = try table.publish(pendingChanges, through: epoch, replacingAll: startsOver)
            dropPendingChanges()
            startsOver = false
        }
        return report
    }

    var publishedEpoch: Epoch? {
        get throws(TidemillError) {
            switch target {
            case .append(let table): try table.publishedEpoch()
            case .keyed(let table): try table.publishedEpoch()
            }
        }
    }
}

/// The open epoch of an append table, for the collector that writes into it.
final class AppendCursor: @unchecked Sendable {
    // Sendable: set between stages; the ordered collector writes from one thread at a time.
    var epoch: (any AppendEpoch)?
    func append(_ batch: Batch) throws(TidemillError) {
        guard let epoch else { throw TidemillError.internal("rows for a table outside an epoch") }
        guard let rows = batch.repeatedByWeight() else {
            throw TidemillError.internal("a row of a table that only grows was retracted")
        }
        try epoch.append(rows)
    }
}
