import TideSimulation

import TideConnectors
import Tidemill

// What must hold at each step of a simulated life.
extension Simulation {
    private static let storage = SimulatedMachine.root.appending("checkpoint")
    private static let warehouse = SimulatedMachine.root.appending("spark-warehouse")

    // MARK: While the program runs

    /// What the program says about itself, held against what is known.
    func hear(_ event: EngineEvent, _ life: SimulatedLife) throws {
        switch event {
        case .recovered(let last, _, let torn):
            if let torn { story.append("  \(torn)") }
            try checkRecovered(last?.rawValue ?? -1)
            executing = projects.count - 1
        case .epoch(let progress):
            try checkEpoch(progress)
            if !isEnding, Int.random(in: 0..<4, using: &generator) == 0 { addFile(to: disk) }
        case .published(let tables):
            for table in tables { shown[table.table] = table.through.rawValue }
            if Int.random(in: 0..<3, using: &generator) == 0 { try checkTables(isComplete: false) }
        case .note(let text): story.append("  note: \(text)")
        @unknown default: break
        }
    }

    private func checkRecovered(_ last: Int64) throws {
        story.append("  recovered epoch \(last)")
        if let epoch = goingBackTo {
            if last == epoch { wentBack(to: epoch) }
            goingBackTo = nil
        }
        if last < acknowledged {
            guard mayForget else {
                throw failure("epoch \(acknowledged) was reported and is lost: the last is \(last)")
            }
            for (table, epoch) in shown where epoch > last {
                throw failure("\(table) shows epoch \(epoch), the log ends with \(last)")
            }
            for epoch in history.keys where epoch > last { history[epoch] = nil }
            acknowledged = last
        }
        let taken = try ledger()
        if last == acknowledged {
            let known = history[last]?.taken ?? []
            if taken != known { throw failure("epoch \(last) took \(known.sorted()), recovered are \(taken.sorted())") }
        } else {
            guard last == acknowledged + 1 else { throw failure("epoch \(last) recovered after \(acknowledged)") }
            if let known = history[acknowledged]?.taken, !known.isSubset(of: taken) {
                throw failure("epoch \(last) lost input: \(known.subtracting(taken).sorted())")
            }
            history[last] = Committed(taken: taken, project: executing)
            acknowledged = last
        }
        mayForget = false
    }

    private func checkEpoch(_ progress: EpochProgress) throws {
        let epoch = progress.epoch.rawValue
        guard epoch == acknowledged + 1 else { throw failure("epoch \(epoch) after \(acknowledged)") }
        guard progress.clockMicros > lastClockMicros else { throw failure("time of epoch \(epoch) goes backwards") }
        lastClockMicros = progress.clockMicros
        let before = history[acknowledged]?.taken ?? []
        let taken = try ledger()
        let new = taken.subtracting(before)
        guard before.isSubset(of: taken) else { throw failure("epoch \(epoch) gave input back") }
        let rows = new.reduce(0) { $0 + (files[$1]?.rows.count ?? 0) }
        let limits = projects[executing].filesPerEpoch
        for (relation, limit) in limits where new.count(where: { files[$0]?.relation == relation }) > limit {
            throw failure("epoch \(epoch) took more files of \(relation) than \(limit): \(new.sorted())")
        }
        story.append("  epoch \(epoch): \(new.sorted()), \(rows) rows")
        history[epoch] = Committed(taken: taken, project: executing, clockMicros: progress.clockMicros)
        acknowledged = epoch
    }

    /// Input files that the checkpoint says are taken.
    private func ledger() throws(TidemillError) -> Set<String> {
        guard let found = try RecoveredCheckpoint.read(Self.storage, files: disk.killed()) else { return [] }
        var owners = Set(found.manifest.runs.filter { $0.kind == .sourceFiles }.map(\.owner))
        for epoch in found.records { owners.formUnion(epoch.blocks.filter { $0.kind == .sourceFiles }.map(\.owner)) }
        var taken: Set<String> = []
        for owner in owners {
            try found.forEachBlock(owner: owner, kind: .sourceFiles) { (batch, _) throws(TidemillError) in
                for row in 0..<batch.count { taken.insert(batch.columns[1].scalar(row).string ?? "") }
            }
        }
        return taken
    }

    // MARK: After a life

    /// An error says what is wrong with the disk, and nothing else is wrong.
    func checkError(_ error: TidemillError, _ life: SimulatedLife) throws {
        let errno = error.errno ?? error.cause?.errno ?? error.cause?.cause?.errno
        switch life.fate {
        case .peace: throw failure("an error in peace: \(error.report())")
        case .powerCut, .kill, .error:
            guard error.kind == .io else { throw failure("the disk failed, the error is: \(error.report())") }
        case .full:
            if life.secondCut != nil, error.kind == .io { return }
            guard error.kind == .io, errno == 28 else {
                throw failure("the disk is full, the error is: \(error.report())")
            }
        case .badRead:
            guard error.kind != .internal else { throw failure("after a bad read: \(error.report())") }
        }
    }

    /// A run that ends well has taken all that was there when it began.
    func checkTaken(_ waiting: [String: SimulatedInputFile], _ life: SimulatedLife) throws {
        if life.epochsMax != nil { return }
        let taken = history[acknowledged]?.taken ?? []
        let left = Set(waiting.keys).subtracting(taken)
        guard left.isEmpty else { throw failure("input was not taken: \(left.sorted())") }
    }

    // MARK: Tables

    private func expected(_ epoch: Int64) -> SimulatedView.Tables? {
        guard let one = history[epoch] else { return nil }
        if let tables = one.tables { return tables }
        var relations: SimulatedView.Tables = ["s": ReferenceRelation(SimulatedInput.cities)]
        for relation in ["l", "r"] {
            relations[relation] = ReferenceRelation(
                one.taken.sorted().compactMap { files[$0] }.filter { $0.relation == relation }.flatMap(\.rows))
        }
        let tables = projects[one.project].tables(relations)
        history[epoch]?.tables = tables
        return tables
    }

    /// Every table that a reader finds is that of a committed epoch; if the run ended well, of the last one.
    func checkTables(isComplete: Bool) throws {
        let reader = SimulatedMachine(disk.killed(), seed: 1)
        reader.disk.stopTracing()
        // Before the first epoch there may be a table, but nothing in it.
        // A table that left the pipeline is not written any more.
        var current = projects[executing].stored
        if isComplete { copyIsStale = false }
        if copyIsStale { current.remove(SimulatedProject.copyName) }
        let names = (expected(acknowledged) ?? [:]).keys.filter(current.contains).sorted()
        for table in names {
            let found = try table == SimulatedProject.copyName ? copied(table, reader) : stored(table, reader)
            guard let found else {
                if shown[table] != nil || (isComplete && acknowledged >= 0) { throw failure("table \(table) is gone") }
                continue
            }
            try check(found, of: table, isComplete: isComplete)
        }
    }

    /// What a reader sees of a table.
    private struct Shown {
        var marker: TableMarker
        var rows: ReferenceRelation
        /// -1 for nothing published.
        var epoch: Int64 { marker.epoch?.rawValue ?? -1 }
    }

    private func check(_ found: Shown, of table: String, isComplete: Bool) throws {
        let (rows, epoch) = (found.rows, found.epoch)
        // An epoch that changes nothing in a table does not touch it: what was published may be newer than the marker.
        let least = isComplete ? acknowledged : max(shown[table] ?? -1, epoch)
        var wanted = try expected(table, least, at: epoch)
        if wanted == rows.sorted {
            guard found.marker.kind != .append else { return }
            wanted = try expected(table, epoch, at: epoch)
            if wanted == rows.sorted { return }
        } else if !isComplete, found.marker.kind == .append {
            // Its rows are visible a moment before its marker.
            for later in history.keys.filter({ $0 > least }).sorted() {
                if try expected(table, later, at: epoch) == rows.sorted { return }
            }
        }
        throw failure(
            """
            \(table) with the marker of epoch \(epoch), \(isComplete ? "the last one is" : "at least") \(least), holds
              \(rows.sorted.map { "\($0)" }.joined(separator: " "))
              and should hold
              \(wanted.map { "\($0)" }.joined(separator: " "))
            """)
    }

    /// Rows of a table after an epoch, sorted.
    private func expected(_ table: String, _ epoch: Int64, at marker: Int64) throws -> [ReferenceRelation.Row] {
        if epoch < 0 { return [] }
        guard let tables = expected(epoch) else {
            throw failure("\(table) has the marker of epoch \(marker); nobody committed epoch \(epoch)")
        }
        // A copy that is new in the pipeline is made of what was committed before.
        return (tables[table] ?? (table == SimulatedProject.copyName ? tables["sums"] : nil))?.sorted ?? []
    }

    private func stored(_ table: String, _ machine: SimulatedMachine) throws -> Shown? {
        let path = Self.warehouse.appending(table)
        guard try machine.disk.exists(path) else { return nil }
        let reader = try TableReader(path: path, environment: machine.environment)
        var rows: [ReferenceRelation.Row] = []
        for batch in try reader.batches(columns: Array(reader.schema.fields.indices)) {
            for row in 0..<batch.count { rows.append(batch.columns.map { Value($0.scalar(row)) }) }
        }
        return Shown(marker: try marker(path, machine.disk), rows: ReferenceRelation(rows))
    }

    private func marker(_ path: FilePath, _ disk: SimulatedFileSystem) throws(TidemillError) -> TableMarker {
        let path = path.appending(TableMarker.name)
        return try TableMarker(decoding: try disk.contents(of: path), file: path.string)
    }

    /// The CSV copy of `sums`: k, n, s, lo, hi.
    private func copied(_ table: String, _ machine: SimulatedMachine) throws -> Shown? {
        let path = SimulatedMachine.root.appending("out").appending(table)
        guard try machine.disk.exists(path.appending(TableMarker.name)) else { return nil }
        var rows: [ReferenceRelation.Row] = []
        for name in try machine.names(path) where name.hasSuffix(".csv") {
            let text = String(decoding: try machine.disk.contents(of: path.appending(name)), as: UTF8.self)
            for line in text.split(separator: "\n").dropFirst() {
                let cells = line.split(separator: ",", omittingEmptySubsequences: false)
                rows.append(
                    cells.enumerated().map { column, cell in
                        let text = cell.trimmingPrefix("\"").reversed().trimmingPrefix("\"").reversed()
                        if text.isEmpty { return .null }
                        return column == 0 ? .text(String(text)) : .number(Double(String(text)) ?? .nan)
                    })
            }
        }
        return Shown(marker: try marker(path, machine.disk), rows: ReferenceRelation(rows))
    }

    // MARK: The end

    /// After two lives in peace there is nothing on the disk that nothing refers to.
    func checkNothingIsLeft() throws {
        let problems = try verifyCheckpoint(Self.storage, files: disk).problems
        if !problems.isEmpty { throw failure("checkpoint: \(problems)") }
        guard try disk.exists(Self.warehouse) else { return }
        let tables = projects[executing].stored
        let dropped = projects.reduce(into: Set<String>()) { $0.formUnion($1.stored) }.subtracting(tables)
        for folder in [Self.warehouse, SimulatedMachine.root.appending("out")] where try disk.exists(folder) {
            for entry in try disk.entries(of: folder) where !tables.contains(entry.name) {
                let path = folder.appending(entry.name)
                // The folder of a table that left the pipeline is its owner's to remove; what was hidden beside it is
                // not there any more.
                if dropped.contains(entry.name) { continue }
                guard entry.name.hasSuffix(".staging") else { throw failure("left behind: \(path)") }
                if let name = try disk.entries(of: path).first?.name { throw failure("left behind: \(path)/\(name)") }
            }
        }
        for table in (expected(acknowledged) ?? [:]).keys.filter(tables.contains).sorted() {
            let path =
                table == SimulatedProject.copyName
                ? SimulatedMachine.root.appending("out").appending(table) : Self.warehouse.appending(table)
            let marker = try marker(path, disk)
            let listed = Set(
                [TableMarker.name] + marker.files.flatMap { $0.hasBloom ? [$0.name, $0.bloomName] : [$0.name] })
            let there = Set(try disk.entries(of: path).map(\.name))
            guard there == listed else {
                throw failure(
                    "\(table) has \(there.subtracting(listed).sorted()), lacks \(listed.subtracting(there).sorted())")
            }
        }
        for entry in try disk.entries(of: Self.storage) where !["manifest", "lock", "log", "runs"].contains(entry.name)
        {
            throw failure("left behind: \(Self.storage)/\(entry.name)")
        }
    }
}
