import TideSimulation

import Tidemill

/// What should not have been, and how it came to it.
package struct SimulationFailure: Error, CustomStringConvertible {
    var seed: UInt64
    var message: String
    package var story: [String]
    package var description: String {
        "seed \(seed): \(message)\n  " + story.joined(separator: "\n  ")
            + "\n  again: make sim SEED=\(seed)"
    }
}

/// The whole engine on a simulated computer, over several starts; everything that happens is drawn from the seed.
///
/// A pipeline is drawn, then lives of the program. Before and during each, input arrives; the pipeline may change; and
/// most lives end badly (`SimulatedLife.Fate`). What must hold is checked at each step (`Simulation+Checks.swift`):
/// an epoch that was reported is never lost, readers see each table as of some committed epoch, and after a life that
/// ended well the tables are what loops over the committed input compute. At the end two lives in peace must leave
/// nothing behind.
package final class Simulation {
    let seed: UInt64
    var generator: SeededGenerator
    var disk = SimulatedFileSystem()
    var clockMicros: Int64 = 1_700_000_000_000_000
    var input = SimulatedInput()
    /// Every file there ever was, by key.
    var files: [String: SimulatedInputFile] = [:]
    /// Files that are there now: keys by path.
    var present: [String: String] = [:]
    /// Files that somebody changed since the life began.
    var isDisturbed = false
    /// All pipelines so far; the last one is in force.
    var projects: [SimulatedProject] = []

    /// What a committed epoch stands for.
    struct Committed {
        /// Keys of the input files that it is made of.
        var taken: Set<String>
        /// Index of the pipeline that committed it.
        var project: Int
        /// Its recorded time; 0 if nobody heard of it.
        var clockMicros: Int64 = 0
        /// What its tables hold, once somebody asked.
        var tables: SimulatedView.Tables?
    }
    var history: [Int64: Committed] = [:]
    /// The newest epoch that was reported to be committed.
    var acknowledged: Int64 = -1
    var lastClockMicros: Int64 = 0
    /// By table, the newest epoch whose publication was reported.
    var shown: [String: Int64] = [:]
    /// Which pipeline executes now, so that an epoch whose commit nobody heard of can be attributed.
    var executing = 0
    /// A fault may have made the last epochs look torn; then they are computed again.
    var mayForget = false
    /// A rollback that was cut off: the next start finishes it, or it has not begun.
    var goingBack: Rollback?
    /// What led to each savepoint; some of them may not exist, if the power went when they were made.
    var savepoints: [String: [Int64: Committed]] = [:]
    var savepointsMade = 0
    /// Copies show epochs that a rollback took back, until the next start writes them again.
    var copyIsStale = false
    /// How many of the last calls of each life the story tells.
    package var callsTold = 25
    /// No more input comes.
    private(set) var isEnding = false

    /// Syncs that this computer forgets: the canary of the tests.
    package var forgetting: (@Sendable (_ call: String, _ path: String) -> Bool)?
    package var forgottenSyncs = 0
    /// What happened, for whoever must understand a failure.
    package var story: [String] = []
    package var isTracing = false
    package private(set) var digest: UInt64 = 0

    package init(seed: UInt64) {
        self.seed = seed
        generator = SeededGenerator(seed: seed &* 0x9E37_79B9 &+ 1)
    }

    /// Runs it all.
    /// - Throws: `SimulationFailure`.
    package func run() throws {
        do {
            try prepare()
            for _ in 0..<Int.random(in: 1...5, using: &generator) { try liveOnce() }
            try end()
        } catch let failure as SimulationFailure {
            throw failure
        } catch let error as TidemillError {
            throw failure(error.report())
        }
    }

    func failure(_ message: String) -> SimulationFailure {
        SimulationFailure(seed: seed, message: message, story: story)
    }

    // MARK: The world

    private func prepare() throws {
        try Simulation.makeDirectories(disk)
        projects = [SimulatedProject.drawn(&generator)]
        story.append(projects[0].sql)
        disk = disk.copied()
    }

    static func makeDirectories(_ disk: SimulatedFileSystem) throws(TidemillError) {
        for relation in SimulatedInput.relations + ["s"] { try disk.createDirectories(FilePath("/p/in/\(relation)")) }
        disk.place("/p/in/s/cities.csv", Array(SimulatedInput.citiesText.utf8), modifiedNanos: 1)
    }

    /// Somebody writes, overwrites or removes an input file.
    func addFile(to disk: SimulatedFileSystem) {
        let read = projects[projects.count - 1].relations
        let weighted = ["l", "l", "r", "m", "m", "e", "h", "c"].filter { $0 < "m" || read.contains($0) }
        let relation = weighted.randomElement(using: &generator)!
        if relation == SimulatedInput.changing, Int.random(in: 0..<5, using: &generator) == 0 {
            let there = present.keys.filter { $0.hasPrefix("/p/in/m/") }.sorted()
            if let path = there.randomElement(using: &generator) { return remove(path, from: disk) }
        }
        put(input.next(relation, nowMicros: clockMicros, &generator), on: disk)
    }

    func put(_ file: SimulatedInputFile, on disk: SimulatedFileSystem) {
        guard disk.place(FilePath(file.path), Array(file.text.utf8), modifiedNanos: file.modifiedNanos) else { return }
        files[file.key] = file
        present[file.path] = file.key
        isDisturbed = true
        story.append("file \(file.path): \(file.rows.count) rows")
    }

    func remove(_ path: String, from disk: SimulatedFileSystem) {
        guard disk.withdraw(FilePath(path)) else { return }
        present[path] = nil
        isDisturbed = true
        story.append("file \(path) is removed")
    }

    private func passTime() {
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: clockMicros -= Int64.random(in: 0..<7_200_000_000, using: &generator)
        case 1: clockMicros += 86_400_000_000
        default: clockMicros += Int64.random(in: 0..<5_000_000, using: &generator)
        }
    }

    // MARK: Lives

    private func liveOnce() throws {
        passTime()
        if !history.isEmpty, Int.random(in: 0..<8, using: &generator) == 0 { try goBack() }
        if !history.isEmpty, Int.random(in: 0..<8, using: &generator) == 0 { try changeSavepoints() }
        for _ in 0..<Int.random(in: 0...3, using: &generator) { addFile(to: disk) }
        if !history.isEmpty, Int.random(in: 0..<4, using: &generator) == 0 {
            var project = projects[projects.count - 1]
            project.change(&generator)
            if Bool.random(using: &generator) { project.drawLimits(&generator) }
            projects.append(project)
            story.append("the pipeline is now:\n\(project.sql)")
        }
        var life = SimulatedLife.drawn(&generator)
        life.fate = SimulatedLife.drawnFate(&generator)
        switch life.fate {
        case .error, .full, .badRead:
            if Bool.random(using: &generator) { life.secondCut = Int.random(in: 20..<200, using: &generator) }
        case .peace, .powerCut, .kill: break
        }
        if !history.isEmpty, Int.random(in: 0..<8, using: &generator) == 0 {
            life.refreshed = Set(
                [projects[projects.count - 1].refreshable.randomElement(using: &generator)].compactMap { $0 })
        }
        try live(life)
    }

    private func end() throws {
        isEnding = true
        try dropSavepoints()
        withdraw()
        for peace in 0..<2 {
            let life = lastLife()
            if peace == 1 { clockMicros += 86_400_000_000 }
            let epoch = acknowledged
            try live(life)
            if peace == 1, acknowledged != epoch { throw failure("an epoch without any reason") }
        }
        try checkNothingIsLeft()
        // A canary is noticed before, or not at all.
        if forgetting == nil { try checkBaseline() }
    }

    func lastLife() -> SimulatedLife {
        var life = SimulatedLife.drawn(&generator)
        life.epochsMax = nil
        life.settings["tidemill.retain.epochs"] = "1"
        return life
    }

    /// One life, what it leaves, and the checks.
    func live(_ life: SimulatedLife) throws {
        story.append("life: \(life.text)")
        let machine = SimulatedMachine(disk, seed: generator.next(), workers: life.workers, clockMicros: clockMicros)
        machine.settings = life.settings
        machine.log = life.log
        machine.tableOptions = life.tables
        machine.refreshed = life.refreshed
        machine.maintenance = life.maintenance
        machine.epochsMax = life.epochsMax
        if !isTracing { disk.stopTracing() }
        disk.slow(machine.clock, seed: generator.next())
        disk.forgetSyncs(forgetting)
        install(life.fate)
        if let calls = life.secondCut { disk.cutPower(afterCalls: calls, finishing: calls % 2 == 0) }
        mayForget = mayForget || life.fate.isBadRead
        let waiting = present
        isDisturbed = false
        var wrong: (any Error)?
        var end: TidemillError?
        do throws(TidemillError) {
            try machine.run(projects[projects.count - 1].sql) { [unowned self] event in
                if wrong != nil { return }
                do { try hear(event, life) } catch { wrong = error }
            }
        } catch { end = error }
        story.append("  \(disk.calls) calls, " + (end.map { "error: \($0.code) \($0.message)" } ?? "ended well"))
        if isTracing { story.append("  … " + disk.trace.suffix(callsTold).joined(separator: "\n    ")) }
        digest = (digest &* 31) ^ disk.digest
        forgottenSyncs += disk.forgottenSyncs
        let open = disk.openFiles
        if let wrong { throw wrong }
        if !open.isEmpty { throw failure("files were left open: \(open)") }
        if let end { try checkError(end, life) }
        clockMicros = max(clockMicros, machine.clock.now())
        switch life.fate {
        case _ where life.secondCut != nil: disk = disk.crashed(seed: generator.next())
        case .powerCut: disk = disk.crashed(seed: generator.next())
        default: disk = disk.killed()
        }
        if end == nil {
            try checkTaken(waiting, life)
            try checkTables(isComplete: true)
        } else {
            try checkTables(isComplete: false)
        }
    }

    private func install(_ fate: SimulatedLife.Fate) {
        switch fate {
        case .peace: break
        case .powerCut(let calls, let finishing), .kill(let calls, let finishing):
            disk.cutPower(afterCalls: calls, finishing: finishing)
        case .error(let fault): disk.inject(fault)
        case .full(let bytes, let calls): disk.limitSpace(bytes: bytes, forCalls: calls)
        case .badRead(let fault): disk.inject(fault)
        }
    }
}
