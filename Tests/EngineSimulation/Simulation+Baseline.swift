import TideSimulation

import Tidemill

// State goes back to what it must be once nothing more is alive.
//
// Before the last lives everything is withdrawn that can be: files that may change are removed, every row that came by
// changes is deleted, and an event behind all others moves the watermarks. The baseline is then a new checkpoint of the
// same pipeline that read, at once, the files that are there: what has come and gone since may leave no trace. So each
// operator must keep as many rows, in memory and in runs once they are merged, as its twin there; and the checkpoint
// has as many runs and log segments.
//
// Two rules of their own, which the twin shares: a deletion of AUTO CDC leaves one row per key, with its number, or an
// older event would bring the row back; and a source remembers the path of every file it has taken. The latter may
// exceed the twin, by paths of files that are not there any more, and so may what is kept of a relation that nobody
// reads.
extension Simulation {
    func withdraw() {
        let read = projects[projects.count - 1].relations
        for path in present.keys.sorted() where path.hasPrefix("/p/in/m/") { remove(path, from: disk) }
        for relation in ["c", "e", "h"] where read.contains(relation) {
            put(input.last(relation, nowMicros: clockMicros), on: disk)
        }
    }

    /// What is kept for the parts of a pipeline.
    private struct Kept: Equatable {
        /// By flow and operator: rows of state, and bytes in memory.
        var rows: [String: Int] = [:]
        var bytes: [String: Int] = [:]
        /// By part: rows in runs and in the log behind them.
        var runRows: [String: Int64] = [:]
        var runs = 0
        var segments = 0
    }

    func checkBaseline() throws {
        // The last start of each reads its state from runs that were merged, and runs one epoch without rows.
        let found = try kept(on: disk, lives: 3)
        let twin = SimulatedFileSystem()
        try Simulation.makeDirectories(twin)
        for key in present.values {
            guard let file = files[key] else { continue }
            twin.place(FilePath(file.path), Array(file.text.utf8), modifiedNanos: file.modifiedNanos)
        }
        let wanted = try kept(on: twin.copied(), lives: 3)
        for (name, rows) in wanted.rows where found.rows[name] != rows {
            throw failure("\(name) keeps \(found.rows[name] ?? -1) rows, a new one \(rows)")
        }
        // Rows that came in another order may be padded otherwise.
        for (name, bytes) in wanted.bytes where found.bytes[name] ?? .max > bytes + bytes / 100 {
            throw failure("\(name) keeps \(found.bytes[name] ?? -1) bytes in memory, a new one \(bytes)")
        }
        guard found.runRows == wanted.runRows else {
            throw failure("the runs hold \(found.runRows), new ones \(wanted.runRows)")
        }
        guard found.runs == wanted.runs, found.segments == wanted.segments else {
            throw failure(
                "\(found.runs) runs and \(found.segments) segments, new ones \(wanted.runs) and \(wanted.segments)")
        }
    }

    private func kept(on disk: SimulatedFileSystem, lives: Int) throws -> Kept {
        var disk = disk
        var kept = Kept()
        let project = projects[projects.count - 1]
        for life in 0..<lives {
            let machine = SimulatedMachine(disk, seed: 7, workers: 1, clockMicros: clockMicros)
            machine.settings = [
                "tidemill.flushBytes": "0", "tidemill.retain.epochs": "1", "tidemill.publishInterval": "0 ms",
            ]
            machine.maintenance.mergesAllAtExit = true
            machine.maintenance.deadLogBytes = 0
            if !isTracing { disk.stopTracing() }
            // An epoch without rows for every flow, so that each says what it keeps.
            if life > 0 {
                for relation in project.relations.sorted() {
                    let file = SimulatedInputFile(
                        relation: relation, path: "/p/in/\(relation)/nothing-\(life - lives).csv",
                        modifiedNanos: clockMicros * 1000)
                    disk.place(FilePath(file.path), [], modifiedNanos: file.modifiedNanos)
                }
            }
            try machine.run(project.sql) { event in
                guard case .epoch(let progress) = event else { return }
                for flow in progress.flows {
                    for (index, state) in flow.stateOperators.enumerated() {
                        let name = "\(flow.name).\(index) \(state.name)"
                        kept.rows[name] = state.rowsTotal
                        kept.bytes[name] = state.memoryBytes
                    }
                }
            }
            let contents = try machine.pipeline(project.sql).checkpointContents()
            kept.runRows = [:]
            // A relation that nobody reads any more keeps what was read of it, for the case that it is read again.
            let copiesCount = project.relations.contains(SimulatedInput.changing)
            for holding in contents.holdings
            where holding.kind == .state || (holding.kind == .inputCopy && copiesCount) {
                kept.runRows[holding.name, default: 0] += holding.runRows + holding.logRows
            }
            kept.runRows = kept.runRows.filter { $0.value > 0 }
            kept.runs = contents.runs.count { $0.kind == .state }
            kept.segments = contents.segments.count
            clockMicros += 86_400_000_000
            disk = disk.killed()
        }
        return kept
    }
}
