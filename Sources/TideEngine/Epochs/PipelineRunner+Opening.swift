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
        let opened = try CheckpointAccess(
            definition: definition, connectors: connectors, environment: environment, storage: options.storage,
            settings: settings, log: options.log, refreshed: Set(rebuilt.keys)
        ).open()
        let (store, recovered, missing) = (opened.store, opened.recovered, opened.missing)
        self.store = store
        for note in opened.notes { report(.note(note)) }
        generation = store.manifest.generation
        registry = try PlanRegistry(of: recovered)
        lastRecord = recovered.latest
        try build()
        let names = definition.datasets.flatMap(\.flows).map(\.name)
        decisions = FlowDecisions.decide(
            definition, fingerprints: fingerprints, registry: registry,
            operators: Dictionary(
                names.map { ($0, graph.descriptions(of: $0)) }, uniquingKeysWith: { first, _ in first }),
            refreshed: rebuilt)
        if let first = names.compactMap({ decisions.refused[$0] }).first { throw first }
        try requireTables(missing, recovered)
        register(fingerprints)
        maintain(store, recovered)
        try restore(recovered)
        try connectTables(recovered)
        for copy in definition.sinks {
            let target = try connectors.copyTarget(copy, generation: generation)
            try target.recover()
            copies.append(CopySink(definition: copy, target: target))
        }
        try connectPlaces()
        try cleanAbandonedPlaces()
        staticVersions = Array(repeating: nil, count: graph.statics.count)
        if recovered.lastCommitted != nil { announce() }
        toFill = Set(decisions.flows.filter { $0.value != .continuing }.keys)
        let unpublished = recovered.unpublished
        // After a rollback a copy shows epochs that never were, until it is written again.
        var copyIsBehind = false
        for copy in copies where recovered.lastCommitted != nil {
            if try copy.target.publishedEpoch() == nil { copyIsBehind = true }
        }
        report(
            .recovered(
                lastCommitted: recovered.lastCommitted, unpublished: unpublished.count, tornTail: recovered.tornTail))
        return .recovered(lastCommitted: recovered.lastCommitted, unpublished: !unpublished.isEmpty || copyIsBehind)
    }

    /// Nothing about a changed pipeline happens silently.
    private func announce() {
        var together: [StartingOver: [String]] = [:]
        for (flow, decision) in decisions.flows.sorted(by: { $0.key < $1.key }) {
            let reason = decisions.reasons[flow]
            if decision == .continuing {
                if let reason { report(.note("flow \(flow) goes on: \(reason)")) }
            } else {
                let start = StartingOver(
                    decision: decision.rawValue, reason: reason,
                    skipsPast: definition.flowsStartingAtNewInput.contains(flow))
                together[start, default: []].append(flow)
            }
        }
        for (start, flows) in together.sorted(by: { $0.value[0] < $1.value[0] }) { report(.note(start.text(flows))) }
        for flow in decisions.removed {
            report(.note("flow \(flow) is gone: its state is dropped, its table stays as it is"))
        }
    }

    /// Flows that start over for one reason are told in one line.
    private struct StartingOver: Hashable {
        var decision: String
        var reason: String?
        var skipsPast: Bool
        private static let namesMax = 10

        func text(_ flows: [String]) -> String {
            var why = reason.map { ", since \($0)" } ?? ""
            let from = skipsPast ? "at new input" : "from everything read so far"
            if flows.count == 1 { return "flow \(flows[0]) is \(decision)\(why): it starts \(from)" }
            for (one, many) in [("its query", "their query"), ("it reads", "they read")] {
                if let reason, reason.hasPrefix(one) { why = ", since " + many + reason.dropFirst(one.count) }
            }
            let rest = flows.count - StartingOver.namesMax
            let names = flows.prefix(StartingOver.namesMax).joined(separator: ", ")
            return "\(flows.count) flows are \(decision)\(why): \(names)\(rest > 0 ? " and \(rest) more" : "");"
                + " they start \(from)"
        }
    }

    /// A table that goes on would silently lack everything that was in it.
    private func requireTables(_ missing: Set<String>, _ recovered: RecoveredCheckpoint) throws(TidemillError) {
        guard recovered.lastCommitted != nil else { return }
        for dataset in definition.datasets where missing.contains(dataset.name) {
            guard dataset.flows.contains(where: { decisions.flows[$0.name] == .continuing }) else { continue }
            throw FlowDecisions.missingTable(dataset)
        }
    }

    private func build() throws(TidemillError) {
        var builder = GraphBuilder(
            graph: graph, partitionBits: partitionBits(workers: environment.executor.workers), isBatch: false,
            incremental: Incrementalization(datasets: definition.datasets), policy: settings.watermarkPolicy)
        builder.relations = definition.relations
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
        connectLateRows()
        for scan in graph.scans.values.sorted(by: { $0.key < $1.key }) {
            guard let relation = definition.relations[scan.key.name] else {
                throw TidemillError.internal("relation \(scan.key.name) is not in the catalog")
            }
            var limit = scan.limit
            try limit.tighten(relation.options)
            let source = try definition.source(of: scan, connectors)
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
                    entry.descriptions = graph.descriptions(of: flow.name)
                    flows[flow.name] = entry
                } else {
                    flows[flow.name] = PlanRegistry.FlowEntry(
                        dataset: dataset.name.lowercased(), fingerprint: fingerprints[flow.name] ?? "",
                        operators: (0..<count).map { _ in registry.newOwner() },
                        descriptions: graph.descriptions(of: flow.name))
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
        guard let memory else { throw .internal("state is restored before it is known where it may lie") }
        for node in graph.stateful where !startsEmpty(node) {
            guard let owner = registry.flows[node.flow]?.operators[node.ordinal] else { continue }
            try memory.restore(node.node, owner: owner, recovered)
        }
        for node in sources {
            try recovered.forEachBlock(owner: node.owner, kind: .sourceFiles) { (batch, _) throws(TidemillError) in
                try node.source.restore(ledger: LedgerBlock.unwrap(batch))
            }
            guard let copies = node.copies else { continue }
            try recovered.forEachBlock(owner: node.owner, kind: .inputCopy) { (batch, _) throws(TidemillError) in
                try copies.restore(batch)
            }
        }
    }

    private func maintain(_ store: CheckpointStore, _ recovered: RecoveredCheckpoint) {
        var rules: [StateAddress: MergeRule] = [:]
        for node in graph.stateful {
            guard let owner = registry.flows[node.flow]?.operators[node.ordinal] else { continue }
            // Times are kept where state has a limit; otherwise those of earlier starts go.
            for (index, part) in node.node.stateParts.enumerated()
            where !part.isIndex || settings.memoryLimit != nil {
                rules[StateAddress(owner: owner, kind: .state, part: UInt16(index))] = part.rule
            }
        }
        // A source that no flow reads now may be read again: what it has taken is kept.
        for owner in registry.sources.values {
            rules[StateAddress(owner: owner, kind: .sourceFiles, part: 0)] = MergeRule(keyColumns: [1])
            rules[StateAddress(owner: owner, kind: .inputCopy, part: 0)] = FileCopies.rule
        }
        var tuning = options.maintenance
        tuning.flushBytes = settings.flushBytes
        let maintenance = RunMaintenance(
            store, recovered: recovered, rules: rules, executor: environment.executor, options: tuning)
        self.maintenance = maintenance
        var owners: [(node: any StatefulOperator, owner: UInt32, name: String)] = []
        for node in graph.stateful {
            guard let owner = registry.flows[node.flow]?.operators[node.ordinal] else { continue }
            owners.append((node.node, owner, "\(node.name) of \(node.flow)"))
        }
        maintenance.resident = ResidentOperators(owners, executor: environment.executor)
        memory = StateMemory(
            owners, store: store, maintenance: maintenance, executor: environment.executor,
            limit: settings.memoryLimit)
    }

    /// Whether a row of the result may appear and vanish within one epoch, or change its columns under one key several
    /// times: a join does that, and whoever reads the changes of a table whose flows do.
    private func changesSeveralTimes(_ plan: LogicalPlan) -> Bool {
        if plan.emitsVersions { return true }
        return plan.ownTables.contains { name in
            definition.dataset(named: name)?.flows.contains { changesSeveralTimes($0.plan) } ?? false
        }
    }

    private func connectTables(_ recovered: RecoveredCheckpoint) throws(TidemillError) {
        var retained = Set(store?.retained.map(\.version) ?? [])
        if try store?.hasReaders ?? false { retained.insert(.all) }
        for dataset in definition.datasets {
            let name = dataset.name.lowercased()
            guard let port = graph.tables[name], let owner = registry.tables[name] else {
                throw TidemillError.internal("table \(name) was not built")
            }
            let startsOver = decisions.startsOver(dataset)
            let isStartingOver = recovered.isStartingOver(name)
            let replaces = startsOver || isStartingOver
            let sink: TableSink
            if let key = dataset.key {
                let target = try connectors.keyedTarget(
                    dataset, generation: generation, startsOver: replaces)
                let collector = ChangeSetCollector(
                    key: key, types: dataset.schema.types,
                    needsNetting: dataset.flows.count > 1 || dataset.flows.contains { changesSeveralTimes($0.plan) })
                if dataset.flows.contains(where: { decisions.needsFilling($0.name) && !$0.plan.ownTables.isEmpty }) {
                    collector.netOnce()
                }
                sink = TableSink(
                    dataset: dataset, owner: owner, target: .keyed(target), port: port, changes: collector)
                target.retain(retained)
                try target.recover()
                for epoch in recovered.unpublished {
                    // What came before the epoch that started the table over does not count.
                    if epoch.record.sinks.contains(where: { $0.id == startingOverPrefix + name }) {
                        sink.dropPendingChanges()
                    }
                    try recovered.forEachBlock(of: epoch, owner: owner, kind: .sinkChanges) {
                        (batch) throws(TidemillError) in sink.hold([batch])
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
                        sink.pendingManifests.append(PreparedEpoch(epoch: epoch.epoch, manifest: entry.bytes))
                    }
                }
                target.retain(retained)
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
    /// Whether a row of the result can come and go within one epoch.
    var emitsVersions: Bool {
        switch self {
        case .join, .window, .topN: true
        default: inputs.contains(where: \.emitsVersions)
        }
    }
}
