// Files that were read and have changed since, under views that have to equal their query.
//
// Such a view starts over from the files as they are: what `--full-refresh` does, found out by the plan instead of
// asked for by a person. The checkpoint is opened again with the views as refreshed tables, so their state is dropped,
// views over them start over too, operators that look their rows up are loaded anew, and one epoch fills them all. A
// crash in between leaves the last epoch as it was; the next start finds the same files changed. No copy of the input
// is kept, and plans over files stay append-only.

extension PipelineRunner {
    /// The tables (lower case) that must start over before an epoch may take what was planned, with the reason. Those
    /// that the next epoch fills anyway are not among them.
    func tablesOverChangedInput() -> [String: String] {
        var tables: [String: String] = [:]
        for (index, node) in sources.enumerated() {
            guard let plan = currentPlans[index] else { continue }
            tables.merge(definition.views(over: plan, of: node.scan, except: toFill)) { first, _ in first }
        }
        return tables
    }

    /// Everything that `open` makes is given up, as at the end of a run.
    func reset(toRebuild tables: [String: String]) throws(TidemillError) {
        try maintenance?.finish()
        reportMaintenance()
        store?.close()
        store = nil
        maintenance = nil
        memory = nil
        graph = FlowGraph()
        sources = []
        self.tables = []
        copies = []
        flowPorts = [:]
        staticVersions = []
        overrides = [:]
        sourceProgress = [:]
        horizons = []
        currentPlans = []
        toFill = []
        // The trigger's moment served nothing.
        waiting?.servedMicros = .min
        rebuilt.merge(tables) { first, _ in first }
    }

    /// How many files changed under views that this epoch rebuilds.
    func countChangedFiles() {
        for (index, node) in sources.enumerated() {
            guard let plan = currentPlans[index], !plan.disturbed.isEmpty else { continue }
            for flow in node.scan.followers { changedFiles[flow, default: 0] += plan.disturbed.count }
        }
    }
}

extension PipelineDefinition {
    /// Views (lower case) that have to start over, with the reason, because files changed that they read.
    /// - Parameter filled: flows that start over anyway.
    func views(over plan: SourcePlan, of scan: FlowGraph.Scan, except filled: Set<String>) -> [String: String] {
        guard let first = plan.disturbed.first else { return [:] }
        let more = plan.disturbed.count - 1
        let others = more == 0 ? "" : " and \(counted(more, "other file"))"
        let outdated = datasets.filter { dataset in
            dataset.kind == .materializedView
                && dataset.flows.contains { scan.followers.contains($0.name) && !filled.contains($0.name) }
        }
        return Dictionary(
            uniqueKeysWithValues: outdated.map {
                ($0.name.lowercased(), "\(first)\(others) changed or vanished after being read")
            })
    }
}
