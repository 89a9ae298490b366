import TideSimulation

import TideConnectors
import Tidemill

// What must hold at each step of a simulated life.
extension Simulation {
    static let storage = SimulatedMachine.root.appending("checkpoint")
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
            if Int.random(in: 0..<8, using: &generator) == 0 { try checkQueries() }
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
        if let rollback = goingBack {
            if try generation() != rollback.generation { wentBack(rollback) }
            goingBack = nil
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
            if let known = history[acknowledged]?.taken, !isKept(known, in: taken) {
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
        guard isKept(before, in: taken) else { throw failure("epoch \(epoch) gave input back") }
        let rows = new.reduce(0) { $0 + (files[$1]?.rows.count ?? 0) }
        // A view that starts over reads again, at once, all that it had read.
        let limits = projects[executing].filesPerEpoch.filter { relation, _ in
            relation != SimulatedInput.changing || projects[executing].changedFiles == "replace"
        }
        for (relation, limit) in limits where new.count(where: { files[$0]?.relation == relation }) > limit {
            throw failure("epoch \(epoch) took more files of \(relation) than \(limit): \(new.sorted())")
        }
        story.append("  epoch \(epoch): \(new.sorted()), \(rows) rows")
        history[epoch] = Committed(taken: taken, project: executing, clockMicros: progress.clockMicros)
        acknowledged = epoch
    }

    /// What was taken stays taken, but for files that may change.
    private func isKept(_ known: Set<String>, in taken: Set<String>) -> Bool {
        known.subtracting(taken).allSatisfy { files[$0]?.relation == SimulatedInput.changing }
    }

    func generation() throws(TidemillError) -> UInt64? {
        try RecoveredCheckpoint.read(Self.storage, files: disk.killed())?.manifest.generation
    }

    /// Keys of the input files that the checkpoint says are taken.
    private func ledger() throws(TidemillError) -> Set<String> {
        guard let found = try RecoveredCheckpoint.read(Self.storage, files: disk.killed()) else { return [] }
        var owners = Set(found.manifest.runs.filter { $0.kind == .sourceFiles }.map(\.owner))
        for epoch in found.records { owners.formUnion(epoch.blocks.filter { $0.kind == .sourceFiles }.map(\.owner)) }
        var taken: [String: String] = [:]
        for owner in owners {
            try found.forEachBlock(owner: owner, kind: .sourceFiles) { (batch, _) throws(TidemillError) in
                for row in 0..<batch.count {
                    let path = batch.columns[1].scalar(row).string ?? ""
                    let modified = batch.columns[2].pointer(Int64.self)[row]
                    let isThere = batch.columns[3].pointer(Int64.self)[row] >= 0
                    taken[path] = isThere ? (path.hasPrefix("/p/in/m/") ? "\(path)@\(modified)" : path) : nil
                }
            }
        }
        return Set(taken.values)
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

    /// A run that ends well has taken all that was there when it began, and of files that change what is there now.
    /// - Parameter waiting: keys by path.
    func checkTaken(_ waiting: [String: String], _ life: SimulatedLife) throws {
        if life.epochsMax != nil { return }
        let taken = history[acknowledged]?.taken ?? []
        let read = projects[executing].relations
        let due = waiting.values.filter { key in
            guard let relation = files[key]?.relation, read.contains(relation) else { return false }
            return relation != SimulatedInput.changing || !isDisturbed
        }
        let left = Set(due).subtracting(taken)
        guard left.isEmpty else { throw failure("input was not taken: \(left.sorted())") }
        if isDisturbed || !read.contains(SimulatedInput.changing) { return }
        let gone = taken.filter { files[$0]?.relation == SimulatedInput.changing }.subtracting(waiting.values)
        guard gone.isEmpty else { throw failure("input was not taken back: \(gone.sorted())") }
    }

    // MARK: Tables

    private func expected(_ epoch: Int64) -> SimulatedView.Tables? {
        guard let one = history[epoch] else { return nil }
        if let tables = one.tables { return tables }
        var relations: SimulatedView.Tables = ["s": ReferenceRelation(SimulatedInput.cities)]
        for relation in SimulatedInput.relations {
            relations[relation] = ReferenceRelation(
                one.taken.sorted().compactMap { files[$0] }.filter { $0.relation == relation }.flatMap(\.rows))
        }
        let tables = projects[one.project].tables(relations, steps(through: epoch))
        history[epoch]?.tables = tables
        return tables
    }

    /// What each epoch brought to the streams of events.
    private func steps(through epoch: Int64) -> [EventStep] {
        var before: Set<String> = []
        var steps: [EventStep] = []
        for number in 0...epoch {
            let taken = history[number]?.taken ?? before
            var step = EventStep()
            for key in taken.subtracting(before).sorted() {
                guard let file = files[key], file.relation == "e" || file.relation == "h" else { continue }
                step.rows[file.relation, default: []] += file.rows
            }
            steps.append(step)
            before = taken
        }
        return steps
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
            let found =
                try projects[executing].textFormats[table].map { format in
                    try text(table, format, reader)
                } ?? stored(table, reader)
            guard let found else {
                if shown[table] != nil || (isComplete && acknowledged >= 0) { throw failure("table \(table) is gone") }
                continue
            }
            do { try check(found, of: table, isComplete: isComplete) } catch {
                // Of a rollback that was cut off, some tables may show the end already.
                guard let rollback = goingBack else { throw error }
                let now = history
                history = rollback.history
                defer { history = now }
                try check(found, of: table, isComplete: isComplete)
            }
        }
    }

    /// A query sees the epoch that was committed last, in every table, however long publication waits.
    private func checkQueries() throws {
        let machine = SimulatedMachine(disk.killed(), seed: 1)
        machine.disk.stopTracing()
        let pipeline = try machine.pipeline(projects[executing].sql)
        let known = expected(acknowledged) ?? [:]
        for table in projects[executing].stored.intersection(known.keys).subtracting([SimulatedProject.copyName])
            .sorted()
        {
            let answer = try pipeline.query(SourceText(name: "query", text: "SELECT * FROM \(table)"))
            var rows: [ReferenceRelation.Row] = []
            for batch in answer.batches {
                for row in 0..<batch.count { rows.append(batch.columns.map { Value($0.scalar(row)) }) }
            }
            let wanted = try expected(table, acknowledged, at: acknowledged)
            guard ReferenceRelation(rows).sorted == wanted else {
                throw failure(
                    """
                    a query of \(table) at epoch \(acknowledged) gives
                      \(ReferenceRelation(rows).sorted.map { "\($0)" }.joined(separator: " "))
                      and should give
                      \(wanted.map { "\($0)" }.joined(separator: " "))
                    """)
            }
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

    /// Files with their path below a table's directory; a directory without any counts as itself.
    private func names(below path: FilePath, _ disk: SimulatedFileSystem) throws(TidemillError) -> Set<String> {
        var found = Set<String>()
        for entry in try disk.entries(of: path) {
            let inner =
                entry.kind == .directory ? try names(below: path.appending(entry.name), disk) : []
            if inner.isEmpty { found.insert(entry.name) }
            for name in inner { found.insert("\(entry.name)/\(name)") }
        }
        return found
    }

    private func marker(_ path: FilePath, _ disk: SimulatedFileSystem) throws(TidemillError) -> TableMarker {
        let path = path.appending(TableMarker.name)
        return try TableMarker(decoding: try disk.contents(of: path), file: path.string)
    }

    /// A table or copy that is stored as text.
    private func text(_ table: String, _ format: String, _ machine: SimulatedMachine) throws -> Shown? {
        let path = location(of: table)
        guard try machine.disk.exists(path.appending(TableMarker.name)) else { return nil }
        var rows: [ReferenceRelation.Row] = []
        for name in try machine.names(path) where name.hasSuffix(".\(format)") {
            let text = String(decoding: try machine.disk.contents(of: path.appending(name)), as: UTF8.self)
            let lines = text.split(separator: "\n").dropFirst(table == SimulatedProject.copyName ? 1 : 0)
            rows += lines.map { format == "csv" ? csv($0) : json($0) }
        }
        return Shown(marker: try marker(path, machine.disk), rows: ReferenceRelation(rows))
    }

    /// No text that looks like a number is in any table.
    private func value(_ cell: Substring) -> Value {
        if cell.isEmpty { return .null }
        return Double(cell).map { .number($0) } ?? .text(String(cell.filter { $0 != "\"" }))
    }
    private func csv(_ line: Substring) -> ReferenceRelation.Row {
        line.split(separator: ",", omittingEmptySubsequences: false).map(value)
    }
    /// k, n and s of `as_json`; NULL is left out.
    private func json(_ line: Substring) -> ReferenceRelation.Row {
        let members = line.dropFirst().dropLast().split(separator: ",").map { $0.split(separator: ":") }
        return ["\"k\"", "\"n\"", "\"s\""].map { name in
            members.first { $0.first == name[...] }?.last.map(value) ?? .null
        }
    }

    func location(of table: String) -> FilePath {
        table == SimulatedProject.copyName
            ? SimulatedMachine.root.appending("out").appending(table) : Self.warehouse.appending(table)
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
                // The rows of a text table are part of it.
                if entry.name == ".as_json.rows" { continue }
                guard entry.name.hasSuffix(".staging") else { throw failure("left behind: \(path)") }
                if let name = try disk.entries(of: path).first?.name { throw failure("left behind: \(path)/\(name)") }
            }
        }
        for table in (expected(acknowledged) ?? [:]).keys.filter(tables.contains).sorted() {
            let path = location(of: table)
            let marker = try marker(path, disk)
            let listed = Set(
                [TableMarker.name] + marker.files.flatMap { $0.hasBloom ? [$0.name, $0.bloomName] : [$0.name] })
            let there = try names(below: path, disk)
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
