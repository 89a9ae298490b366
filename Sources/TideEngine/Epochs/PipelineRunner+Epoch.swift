// One epoch: run the graph over what was planned, make the result durable.

extension PipelineRunner {
    /// Runs every stage. Nothing outside this process has changed when it returns, except hidden files of append tables
    /// and blocks in the log that no frame names.
    func execute(_ epoch: Epoch) throws(TidemillError) {
        executeStart = environment.clock.elapsed()
        let clock = settings.fixedClockMicros ?? max(environment.clock.now(), (lastRecord?.clockMicros ?? 0) + 1)
        let evaluation = EvaluationContext(currentTimestampMicros: clock, timeZone: settings.timeZone)
        progress = EpochProgress(epoch: epoch, clockMicros: clock)
        progress.durations.planMillis = Double(executeStart - planStart) / 1e6
        for table in tables {
            if case .append(let target) = table.target {
                table.current.epoch = try target.begin(epoch, replacingAll: overrides[table.id] ?? false)
            }
        }
        beginFlows()
        try loadStatics(evaluation)
        let runner = StageRunner(
            graph: graph, executor: environment.executor, evaluation: evaluation, batchRowsMax: settings.batchRowsMax,
            epoch: epoch.rawValue)
        if !toFill.isEmpty { try fill(runner) }
        if machine.lastCommitted == nil {
            for constant in graph.constants { try runner.feed(constant.batch, into: constant.consumer) }
        } else {
            for constant in graph.constants where toFill.contains(constant.flow) {
                try runner.feed(constant.batch, into: constant.consumer)
            }
        }
        for (index, node) in sources.enumerated() {
            guard let plan = currentPlans[index] else { continue }
            progress.warnings += plan.warnings
            let result = try scan(node, plan, runner)
            record(result, of: node, from: plan.startOffset, to: plan.endOffset)
        }
        countChangedFiles()
        try runner.finishBreakers()
        try storeLateRows(runner, epoch)
        toFill = []
    }

    private func scan(
        _ node: SourceNode, _ plan: SourcePlan, _ runner: StageRunner
    ) throws(TidemillError) -> StageRunner.ScanResult {
        guard let copies = node.copies else {
            return try runner.scan(node.source, plan.splits, columns: node.scan.columns, into: node.port)
        }
        for path in plan.retracted {
            for batch in try copies.rows(of: path) {
                let weights = Column(repeating: .bigint(-1), count: batch.count)
                try runner.feed(
                    Batch(columns: batch.columns, count: batch.count, weights: weights), into: node.port)
            }
        }
        let copying = CopyingConsumer(output: node.port)
        let result = try runner.scan(node.source, plan.splits, columns: node.scan.columns, into: copying)
        try copies.stage(
            retracted: plan.retracted, taken: plan.splits.map { ($0.name, copying.batches(of: $0.ordinal)) })
        return result
    }

    private func record(
        _ result: StageRunner.ScanResult, of node: SourceNode, from start: String, to end: String
    ) {
        progress.inputRows += result.rows
        progress.inputBytes += result.bytes
        progress.badRows += result.badRows
        progress.droppedRows += result.droppedRows
        progress.badRowSamples += result.samples
        if let warning = result.warning {
            let others = result.warnings - 1
            progress.warnings.append(
                warning + (others == 0 ? "" : "; so \(counted(others, "other file"))"))
        }
        for flow in node.flows {
            sourceProgress[flow, default: []].append(
                EpochProgress.SourceProgress(
                    description: node.source.description, startOffset: start, endOffset: end, rows: result.rows,
                    bytes: result.bytes))
        }
    }

    /// A new or rebuilt flow gets what its inputs have had so far, before this epoch's news.
    private func fill(_ runner: StageRunner) throws(TidemillError) {
        let filled = toFill.subtracting(definition.flowsStartingAtNewInput)
        for node in sources where !node.flows.isDisjoint(with: filled) {
            let port = node.scan.port(flows: filled)
            if let copies = node.copies {
                // The files may have changed since; what was read of them is what counts until they are read again.
                for batch in try copies.allRows() { try runner.feed(batch, into: port) }
                continue
            }
            let follows = node.flows.intersection(filled).isSubset(of: node.scan.followers)
            let splits = try follows ? node.source.replayPresent() : node.source.replay()
            if splits.isEmpty { continue }
            let result = try runner.scan(node.source, splits, columns: node.scan.columns, into: port)
            record(result, of: node, from: "null", to: "null")
        }
        for reader in graph.tableReaders where filled.contains(reader.flow) {
            // A table that is filled in this very epoch brings its rows itself; if only some of its flows are, what the
            // others have written is read.
            guard let dataset = definition.dataset(named: reader.table),
                !dataset.flows.allSatisfy({ toFill.contains($0.name) }),
                let source = try connectors.storedTable(dataset)
            else { continue }
            let splits = try source.snapshot().splits
            _ = try runner.scan(source, splits, columns: reader.columns, into: reader.consumer)
        }
    }

    /// Relations that stand still within an epoch are loaded when they changed since they were loaded last.
    private func loadStatics(_ evaluation: EvaluationContext) throws(TidemillError) {
        let query = QueryRunner(executor: environment.executor) { [unowned self] (scan) throws(TidemillError) in
            try self.snapshotSource(scan)
        }
        for (index, side) in graph.statics.enumerated() {
            let versions = try query.versions(of: side.plan)
            if staticVersions[index] == versions { continue }
            let result = try query.run(side.plan, evaluation: evaluation)
            try side.join.load(result.batches, evaluation)
            staticVersions[index] = versions
        }
    }

    // MARK: Commit

    /// Makes the epoch durable with one fdatasync of the log.
    func commit(_ epoch: Epoch) throws(TidemillError) {
        guard let store else { throw TidemillError.internal("commit without a checkpoint") }
        let start = environment.clock.elapsed()
        progress.durations.executeMillis = Double(start - executeStart) / 1e6
        let logBefore = store.logBytes
        var record = EpochRecord(epoch: epoch, clockMicros: progress.clockMicros)
        var work = CommitWork()
        for table in tables { collect(table, &work, &record) }
        try collectState(&work)
        try work.run(environment.executor)
        for table in tables { try keep(table, of: work, &record) }
        try work.write(to: store)
        for (index, node) in sources.enumerated() {
            guard let plan = currentPlans[index] else { continue }
            if plan.ledger.count > 0 {
                try store.appendBlock(owner: node.owner, kind: .sourceFiles, part: 0, LedgerBlock.wrap(plan.ledger))
            }
            if let copies = try node.copies?.changes(), copies.count > 0 {
                try store.appendBlock(owner: node.owner, kind: .inputCopy, part: 0, copies)
            }
            record.sources.append(EpochRecord.Entry(id: node.scan.key.id, bytes: Array(plan.endOffset.utf8)))
        }
        record.statics.append(EpochRecord.Entry(id: PlanRegistry.entryID, bytes: registry.encoded))
        record.statics.append(EpochRecord.Entry(id: TablePlaces.entryID, bytes: places.encoded))
        if !inferredColumns.isEmpty {
            record.statics.append(EpochRecord.Entry(id: InferredColumns.entryID, bytes: inferredColumns.encoded))
        }
        endFlows(&record)
        for (index, versions) in staticVersions.enumerated() {
            record.statics.append(
                EpochRecord.Entry(id: "\(graph.statics[index].flow)#\(index)", bytes: (versions ?? []).flatMap { $0 }))
        }
        record.counters += memory?.counters ?? []
        let committed = try store.commit(record)
        lastRecord = record
        rebuilt = [:]
        maintenance?.committed(committed)

        for (index, node) in sources.enumerated() {
            if let plan = currentPlans[index] { try node.source.commit(plan) }
            node.copies?.commit()
        }
        collectProgress()
        try endOperators(epoch)
        weighState()
        progress.logBytes = store.logBytes - logBefore
        progress.durations.commitMillis = Double(environment.clock.elapsed() - start) / 1e6
        report(.epoch(progress))
    }

    /// What the epoch brings to a table, for the workers.
    private func collect(_ table: TableSink, _ work: inout CommitWork, _ record: inout EpochRecord) {
        let startsOver = overrides[table.id] == true
        overrides[table.id] = false
        if startsOver { record.sinks.append(EpochRecord.Entry(id: startingOverPrefix + table.id, bytes: [])) }
        switch table.target {
        case .append:
            if let open = table.current.epoch { work.finish(open, of: table.id) }
        case .keyed:
            if startsOver {
                table.startsOver = true
                table.dropPendingChanges()
            }
            let changes = table.changes?.take() ?? []
            work.encode(changes, CommitWork.Address(owner: table.owner, kind: .sinkChanges, part: 0))
            table.hold(changes)
            outputRows[table.id] = changes.reduce(0) { $0 + $1.count }
        }
    }

    private func collectState(_ work: inout CommitWork) throws(TidemillError) {
        for node in graph.stateful {
            guard let owner = registry.flows[node.flow]?.operators[node.ordinal] else {
                throw TidemillError.internal("operator without an owner in flow \(node.flow)")
            }
            work.encodeState(of: node.node, owner: owner)
        }
    }

    /// The files of a table that only grows are durable: the record names them.
    private func keep(_ table: TableSink, of work: CommitWork, _ record: inout EpochRecord) throws(TidemillError) {
        guard table.current.epoch != nil else { return }
        let manifest = try work.manifest(of: table.id)
        table.current.epoch = nil
        record.sinks.append(EpochRecord.Entry(id: table.id, bytes: manifest))
        table.pendingManifests.append(PreparedEpoch(epoch: record.epoch, manifest: manifest))
    }

    /// Operators forget what the epoch touched.
    private func endOperators(_ epoch: Epoch) throws(TidemillError) {
        var work: [(node: any StatefulOperator, partition: Int)] = []
        for node in graph.stateful {
            for partition in 0..<node.node.partitionCount { work.append((node.node, partition)) }
        }
        try environment.executor.run(tasks: work.count) { [work] (task, _) throws(TidemillError) in
            let (node, partition) = work[task]
            if let lazy = node as? any LazyOperator {
                lazy.endEpoch(partition: partition, of: epoch)
            } else {
                node.endEpoch(partition: partition)
            }
        }
    }

    private func count(_ rejected: RejectedRows?, of table: String) {
        guard let rejected else { return }
        progress.badRows += rejected.bad
        progress.droppedRows += rejected.bad
        if rejected.bad > 0 { progress.warnings.append("\(table): events without a sequence number: \(rejected.bad)") }
        if rejected.outdated > 0 {
            progress.warnings.append("\(table): events older than the row they would change: \(rejected.outdated)")
        }
    }

    private func collectProgress() {
        for dataset in definition.datasets {
            for flow in dataset.flows where !resting.contains(flow.name) {
                var one = EpochProgress.FlowProgress(name: flow.name, table: dataset.name)
                one.sources = sourceProgress[flow.name] ?? []
                one.inputRows = one.sources.reduce(0) { $0 + $1.rows }
                one.changedFiles = changedFiles[flow.name] ?? 0
                one.outputRows = flowPorts[flow.name]?.takeRowCount() ?? 0
                one.eventTime = eventTimeProgress(flow.name)
                for node in statefulNodes(of: flow.name) {
                    count((node.node as? any RejectsRows)?.takeRejectedRows(), of: dataset.name)
                    one.stateOperators.append(stateProgress(node))
                }
                progress.flows.append(one)
            }
        }
        sourceProgress = [:]
        changedFiles = [:]
    }

    /// As Spark lists them: an operator before its inputs, the left one before the right one.
    private func statefulNodes(of flow: String) -> [FlowGraph.StatefulNode] {
        graph.stateful.filter { $0.flow == flow }.sorted { $0.path.lexicographicallyPrecedes($1.path) }
    }

    /// The memory that state takes at rest: what the epoch needed beside it is given back by now.
    private func weighState() {
        for flow in progress.flows.indices {
            for (position, node) in statefulNodes(of: progress.flows[flow].name).enumerated() {
                progress.flows[flow].stateOperators[position].memoryBytes = node.node.stateBytes
                progress.flows[flow].stateOperators[position].rowsInMemory =
                    (node.node as? any LazyOperator)?.rowsInMemory ?? node.node.stateRows
            }
        }
    }
}
