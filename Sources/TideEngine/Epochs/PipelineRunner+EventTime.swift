// Watermarks of streaming flows around an epoch.

extension PipelineRunner {
    /// Whether some flow's watermark has moved since its last epoch, and state goes by it.
    func hasMovedWatermark() -> Bool {
        let now = settings.fixedClockMicros ?? environment.clock.now()
        for flow in graph.times.values where !flow.time.nodes.isEmpty {
            if settings.idleMicros != nil || flow.mayBeIdle {
                flow.time.advance(now: now, idleMicros: settings.idleMicros)
            }
        }
        return graph.times.values.contains(where: isDueWithoutInput)
    }

    private func isDueWithoutInput(_ flow: FlowTime) -> Bool {
        guard settings.runsNoDataEpochs, !toFill.contains(flow.flow) else { return false }
        if flow.hasEvictions && flow.time.hasMoved { return true }
        return flow.isAwaited(by: settings.fixedClockMicros ?? environment.clock.now())
    }

    /// Who takes part is known now, but for those who read the pipeline's own tables.
    func beginFlows() {
        var fed = toFill
        for (index, node) in sources.enumerated() {
            if let plan = currentPlans[index], !plan.splits.isEmpty { fed.formUnion(node.flows) }
        }
        for flow in graph.times.values {
            flow.beginEpoch(isDue: fed.contains(flow.flow) || isDueWithoutInput(flow))
        }
    }

    /// The flows' new watermarks go into the record.
    func endFlows(_ record: inout EpochRecord) {
        resting = []
        var clocks: [String: WatermarkClock] = [:]
        usedWatermarks = [:]
        for (name, flow) in graph.times {
            usedWatermarks[name] = flow.time.current
            if !flow.endEpoch(now: progress.clockMicros, idleMicros: settings.idleMicros) { resting.insert(name) }
            if flow.time.nodes.isEmpty { continue }
            clocks[name] = flow.time
        }
        for (name, clock) in clocks.sorted(by: { $0.key < $1.key }) {
            record.watermarks.append(EpochRecord.Watermark(flow: name, micros: clock.current &* 1000))
        }
        if !clocks.isEmpty {
            record.statics.append(
                EpochRecord.Entry(id: WatermarkEntry.entryID, bytes: WatermarkEntry.encode(clocks)))
        }
    }

    // MARK: Late rows

    /// Operators of tables that keep their late rows learn where.
    func connectLateRows() {
        for dataset in definition.datasets {
            guard let name = dataset.property("tidemill.lateRows")?.lowercased() else { continue }
            let rows = graph.lateRows[name] ?? LateRows()
            graph.lateRows[name] = rows
            for flow in dataset.flows {
                for clock in graph.times[flow.name]?.operators ?? [] { clock.lateRows = rows }
            }
        }
    }

    /// What the epoch's operators found late goes to its tables, behind everything else.
    func storeLateRows(_ runner: StageRunner, _ epoch: Epoch) throws(TidemillError) {
        for (name, late) in graph.lateRows.sorted(by: { $0.key < $1.key }) {
            guard let port = graph.tables[name] else { throw TidemillError.internal("no table for late rows: \(name)") }
            let batches = late.take(epoch: epoch)
            if batches.isEmpty { continue }
            try runner.feed(Batch.concat(batches, types: Dataset.lateRowSchema.types), into: port)
        }
    }

    // MARK: Progress

    func eventTimeProgress(_ name: String) -> EpochProgress.EventTimeProgress? {
        guard let flow = graph.times[name], !flow.time.nodes.isEmpty else { return nil }
        var one = EpochProgress.EventTimeProgress(watermarkMillis: usedWatermarks[name] ?? 0)
        if let seen = flow.observed, seen.count > 0 {
            one.least = seen.least
            one.greatest = seen.greatest
            one.average = Int64(seen.sum / Int128(seen.count))
        }
        let holder = flow.time.holder
        for (index, node) in flow.time.nodes.enumerated() {
            one.sources.append(
                EpochProgress.EventTimeProgress.Source(
                    name: flow.watermarks[index].name, watermarkMillis: node.millis,
                    isIdle: flow.time.isIdle(node, now: progress.clockMicros, idleMicros: settings.idleMicros),
                    holds: holder == index))
        }
        return one
    }

    /// All but the memory, which is counted after the commit.
    func stateProgress(_ node: FlowGraph.StatefulNode) -> EpochProgress.StateProgress {
        guard let clock = node.clock else {
            return EpochProgress.StateProgress(
                name: node.name, rowsTotal: node.node.stateRows, rowsUpdated: node.node.touchedRows)
        }
        let counts = clock.takeCounts()
        // What goes leaves the tables only after the commit.
        return EpochProgress.StateProgress(
            name: node.name, rowsTotal: node.node.stateRows - counts.leaving, rowsUpdated: counts.updated,
            counts: counts, watermarkMillis: clock.evictionMillis)
    }
}
