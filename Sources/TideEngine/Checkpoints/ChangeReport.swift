/// What the next run would do with a pipeline that may have changed since its last one: which flows keep their state,
/// which start over, from what, and what that costs. Reads the checkpoint and lists directories; takes no lock, writes
/// nothing.
public struct ChangeReport: Sendable {
    public struct Input: Sendable {
        public var name: String
        /// Files, or parts of a table of the pipeline.
        public var files: Int
        public var bytes: Int64
        public var isTable: Bool
    }
    public struct State: Sendable {
        /// aggregate, join, …
        public var name: String
        /// Stored rows, replaced ones included.
        public var rows: Int64
        public var bytes: Int64
    }
    public struct Flow: Sendable {
        public enum Outcome: Sendable { case kept, new, rebuilt, refused(TidemillError) }
        public var name: String
        public var table: String
        public var outcome: Outcome
        /// In words, what changed.
        public var reason: String?
        /// What is kept, or dropped.
        public var state: [State]
        /// What is read again; empty for a flow that goes on.
        public var inputs: [Input]
        /// Why it cannot be filled: input files that are gone.
        public var obstacle: TidemillError?
    }
    public struct Removed: Sendable {
        public var flow: String
        public var table: String
        /// No other flow feeds the table any more.
        public var tableStays: Bool
        public var state: [State]
    }

    /// nil: there is no checkpoint yet.
    public var lastCommitted: Epoch?
    public var flows: [Flow] = []
    public var removed: [Removed] = []
    /// What no epoch has taken yet.
    public var newInput: [Input] = []

    /// Folders that the next run could not use: of tables, of copies, of the checkpoint.
    public var obstacles: [TidemillError] = []

    /// Every reason why the next run would stop.
    public var errors: [TidemillError] {
        var found: [TidemillError] = []
        for flow in flows {
            if case .refused(let error) = flow.outcome { found.append(error) }
            if let obstacle = flow.obstacle { found.append(obstacle) }
        }
        return found + obstacles
    }

    /// - Parameter refreshed: datasets (lower case) to be rebuilt whatever their query.
    public init(
        _ definition: PipelineDefinition, connectors: any Connectors, recovered: RecoveredCheckpoint?,
        refreshed: Set<String>
    ) throws(TidemillError) {
        let graph = FlowGraph()
        var builder = GraphBuilder(
            graph: graph, partitionBits: 0, isBatch: false,
            incremental: Incrementalization(datasets: definition.datasets))
        var fingerprints: [String: String] = [:]
        var operators: [String: [PlanRegistry.OperatorDescription]] = [:]
        for dataset in definition.datasets {
            for flow in dataset.flows {
                fingerprints[flow.name] = Fingerprint.of(flow.analyzed, relations: definition.relations).description
                try builder.add(
                    flow: flow.name, plan: flow.plan, to: Port(), output: dataset.flowOutput(replacesByGroup: false))
                operators[flow.name] = graph.descriptions(of: flow.name)
            }
        }
        let registry =
            try recovered.map { (found) throws(TidemillError) in try PlanRegistry(of: found) } ?? PlanRegistry()
        lastCommitted = recovered?.lastCommitted
        let stored = recovered.map(ChangeReport.stored) ?? [:]
        var startingOver = Dictionary(uniqueKeysWithValues: refreshed.map { ($0, "a refresh was asked for") })
        var sources: [(scan: FlowGraph.Scan, source: any Source)] = []
        for scan in graph.scans.values.sorted(by: { $0.key < $1.key }) {
            let source = try definition.source(of: scan, connectors)
            if let recovered, let owner = registry.sources[scan.key.id] {
                try recovered.forEachBlock(owner: owner, kind: .sourceFiles) { (batch, _) throws(TidemillError) in
                    try source.restore(ledger: LedgerBlock.unwrap(batch))
                }
            }
            sources.append((scan, source))
            // With a horizon every file is looked at.
            let horizon = try source.horizon()
            guard let plan = try source.plan(limit: RateLimit(), until: horizon) else { continue }
            startingOver.merge(definition.views(over: plan, of: scan, except: [])) { first, _ in first }
            if plan.splits.isEmpty { continue }
            newInput.append(Input(scan.key.name, plan.splits))
        }
        let decisions = FlowDecisions.decide(
            definition, fingerprints: fingerprints, registry: registry, operators: operators, refreshed: startingOver)
        let toFill = Set(decisions.flows.filter { $0.value != .continuing }.keys)
        for dataset in definition.datasets {
            for flow in dataset.flows {
                let outcome: Flow.Outcome
                switch decisions.flows[flow.name] {
                case .new: outcome = .new
                case .rebuilt: outcome = .rebuilt
                default: outcome = decisions.refused[flow.name].map { .refused($0) } ?? .kept
                }
                var entry = Flow(
                    name: flow.name, table: dataset.name, outcome: outcome, reason: decisions.reasons[flow.name],
                    state: ChangeReport.state(registry.flows[flow.name], registry, stored), inputs: [], obstacle: nil)
                if toFill.contains(flow.name) && recovered != nil {
                    do throws(TidemillError) {
                        entry.inputs = try ChangeReport.inputs(
                            flow.name, graph, sources, definition, connectors, toFill)
                    } catch { entry.obstacle = error }
                }
                flows.append(entry)
            }
        }
        obstacles = ChangeReport.obstacles(definition, connectors, recovered, decisions)
        let tables = Set(definition.datasets.map { $0.name.lowercased() })
        for flow in decisions.removed {
            guard let known = registry.flows[flow] else { continue }
            removed.append(
                Removed(
                    flow: flow, table: known.dataset, tableStays: !tables.contains(known.dataset),
                    state: ChangeReport.state(known, registry, stored)))
        }
    }

    /// What a flow that starts over reads: files of its sources that were taken already, and stored tables that are not
    /// filled in the same epoch.
    private static func inputs(
        _ flow: String, _ graph: FlowGraph, _ sources: [(scan: FlowGraph.Scan, source: any Source)],
        _ definition: PipelineDefinition, _ connectors: any Connectors, _ toFill: Set<String>
    ) throws(TidemillError) -> [Input] {
        var inputs: [Input] = []
        if definition.flowsStartingAtNewInput.contains(flow) { return [] }
        for (scan, source) in sources where scan.readers.contains(where: { $0.flow == flow }) {
            let splits = try scan.followers.contains(flow) ? source.replayPresent() : source.replay()
            if !splits.isEmpty { inputs.append(Input(scan.key.name, splits)) }
        }
        for table in Set(graph.tableReaders.filter { $0.flow == flow }.map(\.table)).sorted() {
            guard let dataset = definition.dataset(named: table),
                !dataset.flows.allSatisfy({ toFill.contains($0.name) }),
                let size = try connectors.storedSize(dataset)
            else { continue }
            inputs.append(Input(name: dataset.name, files: size.files, bytes: size.bytes, isTable: true))
        }
        return inputs
    }

    private static func state(
        _ flow: PlanRegistry.FlowEntry?, _ registry: PlanRegistry, _ stored: [UInt32: (rows: Int64, bytes: Int64)]
    ) -> [State] {
        guard let flow else { return [] }
        return flow.operators.indices.map { index in
            let size = stored[flow.operators[index]] ?? (0, 0)
            return State(name: registry.operatorName(flow, index), rows: size.rows, bytes: size.bytes)
        }
    }

    /// Rows and bytes of state by owner, in runs and in the log.
    private static func stored(_ recovered: RecoveredCheckpoint) -> [UInt32: (rows: Int64, bytes: Int64)] {
        var sizes: [UInt32: (rows: Int64, bytes: Int64)] = [:]
        for run in recovered.manifest.runs where run.kind == .state {
            let size = sizes[run.owner] ?? (0, 0)
            sizes[run.owner] = (size.rows + run.rows, size.bytes + run.bytes)
        }
        for block in recovered.afterSnapshot.flatMap(\.blocks) where block.kind == .state {
            let size = sizes[block.owner] ?? (0, 0)
            sizes[block.owner] = (size.rows + Int64(block.rows), size.bytes + Int64(block.length))
        }
        return sizes
    }
}

extension ChangeReport.Input {
    init(_ name: String, _ splits: [SourceSplit]) {
        self.init(name: name, files: splits.count, bytes: splits.reduce(0) { $0 + $1.bytes }, isTable: false)
    }
}

extension PipelineDefinition {
    /// The source of a shared scan; the bounds of its reading options are the plan's, not the source's.
    func source(of scan: FlowGraph.Scan, _ connectors: any Connectors) throws(TidemillError) -> any Source {
        guard let relation = relations[scan.key.name] else {
            throw TidemillError.internal("relation \(scan.key.name) is not in the catalog")
        }
        var options = relation.options
        for (key, value) in scan.key.options { options[key] = value }
        // What a stream has read is final, so files that it alone reads are followed by nobody.
        let policy = ReaderOptions.changedFiles
        let isRebuilt = options[policy].map { $0.lowercased() == "rebuild" } ?? true
        if isRebuilt && relation.path != nil { options[policy] = scan.followers.isEmpty ? nil : "rebuild" }
        return try connectors.source(for: relation, options: options.filter { !isRateLimit($0.key) })
    }
}
