// From a definition and a checkpoint to a graph that is ready to run.

extension PipelineRunner {
    /// Opens the checkpoint, builds the graph, restores state and ledgers, and brings tables to the point from which
    /// publishing can go on.
    func open() throws(TidemillError) -> EpochStateMachine.Event {
        var fingerprints: [String: String] = [:]
        for dataset in definition.datasets {
            for flow in dataset.flows {
                fingerprints[flow.name] = Fingerprint.of(flow.analyzed, relations: definition.relations).description
            }
        }
        let (store, recovered, missing) = try openStore()
        self.store = store
        generation = store.manifest.generation
        if let bytes = recovered.latest?.statics.first(where: { $0.id == PlanRegistry.entryID })?.bytes {
            registry = try PlanRegistry(decoding: bytes)
        }
        lastRecord = recovered.latest
        decisions = FlowDecisions.decide(
            definition, fingerprints: fingerprints, registry: registry, refreshed: options.refreshed)
        try requireTables(missing, recovered)
        try build()
        register(fingerprints)
        try restore(recovered)
        maintain(store, recovered)
        try connectTables(recovered)
        for copy in definition.sinks {
            let target = try connectors.copyTarget(copy, generation: generation)
            try target.recover()
            copies.append(CopySink(definition: copy, target: target))
        }
        staticVersions = Array(repeating: nil, count: graph.statics.count)
        if recovered.lastCommitted != nil {
            for (flow, decision) in decisions.flows.sorted(by: { $0.key < $1.key }) where decision != .continuing {
                report(.note("flow \(flow) is \(decision.rawValue): it starts from everything read so far"))
            }
        }
        toFill = Set(decisions.flows.filter { $0.value != .continuing }.keys)
        let unpublished = recovered.unpublished
        report(
            .recovered(
                lastCommitted: recovered.lastCommitted, unpublished: unpublished.count, tornTail: recovered.tornTail))
        return .recovered(lastCommitted: recovered.lastCommitted, unpublished: !unpublished.isEmpty)
    }

    /// A table that goes on would silently lack everything that was in it.
    private func requireTables(_ missing: Set<String>, _ recovered: RecoveredCheckpoint) throws(TidemillError) {
        guard recovered.lastCommitted != nil else { return }
        for dataset in definition.datasets where missing.contains(dataset.name) {
            guard dataset.flows.contains(where: { decisions.flows[$0.name] == .continuing }) else { continue }
            throw TidemillError(
                .conflict, "TIDEMILL_TABLE_MISSING",
                "the stored table is gone, though the checkpoint says it was written: \(dataset.name)",
                hint: "put its folder back, name the warehouse it lies in with --warehouse, or compute it anew with "
                    + "--full-refresh \(dataset.name)")
        }
    }

    private func openStore() throws(TidemillError) -> (CheckpointStore, RecoveredCheckpoint, missing: Set<String>) {
        var missing = Set<String>()
        let definition = definition
        let connectors = connectors
        let opened = try CheckpointStore.open(
            options.storage, pipeline: definition.name, settings: ["spark.sql.session.timeZone": settings.timeZone],
            environment: environment, options: options.log
        ) { (generation) throws(TidemillError) -> Epoch? in
            // The newest epoch any table shows is proof that its commit returned.
            var newest: Epoch?
            for dataset in definition.datasets {
                guard try connectors.isStored(dataset) else {
                    missing.insert(dataset.name)
                    continue
                }
                let epoch: Epoch? =
                    dataset.key == nil
                    ? try connectors.appendTarget(dataset, generation: generation, startsOver: true).publishedEpoch()
                    : try connectors.keyedTarget(dataset, generation: generation, startsOver: true).publishedEpoch()
                if let epoch, epoch > newest ?? Epoch(-1) { newest = epoch }
            }
            return newest
        }
        return (opened.store, opened.recovered, missing)
    }

    private func build() throws(TidemillError) {
        var builder = GraphBuilder(
            graph: graph, partitionBits: partitionBits(workers: environment.executor.workers), isBatch: false,
            incremental: Incrementalization(datasets: definition.datasets), policy: settings.watermarkPolicy)
        for dataset in definition.datasets {
            let name = dataset.name.lowercased()
            let port = graph.tables[name] ?? Port()
            graph.tables[name] = port
            // The key of an aggregate's table is its groups exactly when nothing between drops rows.
            let replaces =
                dataset.key != nil && dataset.key != .bag && dataset.flows.count == 1
                && !definition.datasets.contains { other in
                    other.flows.contains { $0.plan.ownTables.contains(name) }
                }
            for flow in dataset.flows {
                let entry = Port()
                entry.add(port)
                flowPorts[flow.name] = entry
                try builder.add(
                    flow: flow.name, plan: flow.plan, place: flow.span.map { .sql($0) }, to: entry,
                    output: dataset.flowOutput(replacesByGroup: replaces))
            }
        }
        for scan in graph.scans.values.sorted(by: { $0.key < $1.key }) {
            guard let relation = definition.relations[scan.key.name] else {
                throw TidemillError.internal("relation \(scan.key.name) is not in the catalog")
            }
            var options = relation.options
            for (key, value) in scan.key.options { options[key] = value }
            var limit = scan.limit
            try limit.tighten(relation.options)
            let source = try connectors.source(for: relation, options: options.filter { !isRateLimit($0.key) })
            let owner = registry.sources[scan.key.id] ?? registry.newOwner()
            registry.sources[scan.key.id] = owner
            sources.append(SourceNode(scan: scan, source: source, owner: owner, limit: limit))
        }
    }

    /// Numbers for what is new or starts over; flows that are gone are forgotten.
    private func register(_ fingerprints: [String: String]) {
        var flows: [String: PlanRegistry.FlowEntry] = [:]
        for dataset in definition.datasets {
            for flow in dataset.flows {
                let count = graph.stateful.count { $0.flow == flow.name }
                if decisions.flows[flow.name] == .continuing, var entry = registry.flows[flow.name] {
                    entry.fingerprint = fingerprints[flow.name] ?? ""
                    while entry.operators.count < count { entry.operators.append(registry.newOwner()) }
                    for node in graph.stateful where node.flow == flow.name && startsEmpty(node) {
                        entry.operators[node.ordinal] = registry.newOwner()
                    }
                    flows[flow.name] = entry
                } else {
                    flows[flow.name] = PlanRegistry.FlowEntry(
                        dataset: dataset.name.lowercased(), fingerprint: fingerprints[flow.name] ?? "",
                        operators: (0..<count).map { _ in registry.newOwner() })
                }
            }
            let name = dataset.name.lowercased()
            if registry.tables[name] == nil { registry.tables[name] = registry.newOwner() }
        }
        registry.flows = flows
    }

    /// Whether a node's state is of no use any more: its flow starts, or a table it looks up brings all its rows again.
    private func startsEmpty(_ node: FlowGraph.StatefulNode) -> Bool {
        if decisions.flows[node.flow] != .continuing { return true }
        return node.lookedUp.contains { table in
            definition.dataset(named: table)?.flows.contains { decisions.flows[$0.name] == .rebuilt } ?? false
        }
    }

    private func restore(_ recovered: RecoveredCheckpoint) throws(TidemillError) {
        if let bytes = recovered.latest?.statics.first(where: { $0.id == WatermarkEntry.entryID })?.bytes {
            for (flow, clock) in try WatermarkEntry.decode(bytes) where decisions.flows[flow] == .continuing {
                graph.times[flow]?.restore(clock)
            }
        }
        for node in graph.stateful where !startsEmpty(node) {
            guard let owner = registry.flows[node.flow]?.operators[node.ordinal] else { continue }
            for part in node.node.stateParts.indices {
                try recovered.forEachBlock(owner: owner, kind: .state, part: UInt16(part)) {
                    (batch, _) throws(TidemillError) in
                    try node.node.restore(part: part, batch)
                }
            }
        }
        for node in sources {
            try recovered.forEachBlock(owner: node.owner, kind: .sourceFiles) { (batch, _) throws(TidemillError) in
                try node.source.restore(ledger: LedgerBlock.unwrap(batch))
            }
        }
    }

    private func maintain(_ store: CheckpointStore, _ recovered: RecoveredCheckpoint) {
        var rules: [StateAddress: MergeRule] = [:]
        for node in graph.stateful {
            guard let owner = registry.flows[node.flow]?.operators[node.ordinal] else { continue }
            for (index, part) in node.node.stateParts.enumerated() {
                rules[StateAddress(owner: owner, kind: .state, part: UInt16(index))] = part.rule
            }
        }
        // A source that no flow reads now may be read again: what it has taken is kept.
        for owner in registry.sources.values {
            rules[StateAddress(owner: owner, kind: .sourceFiles, part: 0)] = MergeRule(keyColumns: [1])
        }
        var tuning = RunMaintenance.Options()
        tuning.flushBytes = settings.flushBytes
        maintenance = RunMaintenance(
            store, recovered: recovered, rules: rules, executor: environment.executor, options: tuning)
    }

    /// Whether a row of the result may appear and vanish within one epoch: a join does that, and whoever reads the
    /// changes of a table whose flows do.
    private func changesSeveralTimes(_ plan: LogicalPlan) -> Bool {
        if plan.containsJoin { return true }
        return plan.ownTables.contains { name in
            definition.dataset(named: name)?.flows.contains { changesSeveralTimes($0.plan) } ?? false
        }
    }

    private func connectTables(_ recovered: RecoveredCheckpoint) throws(TidemillError) {
        for dataset in definition.datasets {
            let name = dataset.name.lowercased()
            guard let port = graph.tables[name], let owner = registry.tables[name] else {
                throw TidemillError.internal("table \(name) was not built")
            }
            // A view's new content replaces whatever lies in its place; rows of a streaming table are somebody's, so
            // only a refresh that was asked for removes them.
            let startsOver = dataset.flows.contains {
                decisions.flows[$0.name] == .rebuilt
                    || (decisions.flows[$0.name] == .new && dataset.kind == .materializedView)
            }
            // A committed epoch started the table over, and a crash came before that was published.
            let isStartingOver = recovered.unpublished.contains { epoch in
                epoch.record.sinks.contains { $0.id == startingOverPrefix + name }
            }
            let replaces = startsOver || isStartingOver
            let sink: TableSink
            if let key = dataset.key {
                let target = try connectors.keyedTarget(
                    dataset, generation: generation, startsOver: replaces)
                let collector = ChangeSetCollector(
                    key: key, types: dataset.schema.types,
                    needsNetting: dataset.flows.count > 1 || dataset.flows.contains { changesSeveralTimes($0.plan) })
                sink = TableSink(
                    dataset: dataset, owner: owner, target: .keyed(target), port: port, changes: collector)
                try target.recover()
                for epoch in recovered.unpublished {
                    // What came before the epoch that started the table over does not count.
                    if epoch.record.sinks.contains(where: { $0.id == startingOverPrefix + name }) {
                        sink.pendingChanges.removeAll()
                    }
                    try recovered.forEachBlock(of: epoch, owner: owner, kind: .sinkChanges) {
                        (batch) throws(TidemillError) in sink.pendingChanges.append(batch)
                    }
                }
                sink.startsOver = isStartingOver
                port.add(collector)
            } else {
                let target = try connectors.appendTarget(
                    dataset, generation: generation, startsOver: replaces)
                sink = TableSink(dataset: dataset, owner: owner, target: .append(target), port: port, changes: nil)
                for epoch in recovered.unpublished {
                    if let entry = epoch.record.sinks.first(where: { $0.id == name }) {
                        sink.pendingManifests.append((epoch.epoch, entry.bytes))
                    }
                }
                try target.recover(committed: sink.pendingManifests)
                let cursor = sink.current
                let collector = OrderedCollector { (batch) throws(TidemillError) in try cursor.append(batch) }
                graph.collectors.append(collector)
                port.add(collector)
            }
            overrides[name] = startsOver
            tables.append(sink)
        }
    }
}

/// Marks, among the sinks of an epoch's record, a table that the epoch started over.
let startingOverPrefix = "@over:"

extension LogicalPlan {
    var containsJoin: Bool {
        if case .join = self { return true }
        return inputs.contains(where: \.containsJoin)
    }
}
